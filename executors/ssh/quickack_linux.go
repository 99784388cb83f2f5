package ssh

import (
	"net"
	"syscall"
)

// quickAck returns a function that switches delayed acknowledgements off until
// the kernel switches them on again, which it does by itself; so it is called
// after each read until the agent runs. sshd's small writes wait for the
// acknowledgement of the one before (Nagle) until it has started a command: that is
// 40 ms a connection. From then on it sends at once, and the agent says what it has
// to say in one message.
func quickAck(c net.Conn) func() {
	tcp, ok := c.(*net.TCPConn)
	if !ok {
		return nil
	}
	raw, err := tcp.SyscallConn()
	if err != nil {
		return nil
	}
	set := func(fd uintptr) {
		// Best effort: without it everything works, only slower.
		_ = syscall.SetsockoptInt(int(fd), syscall.IPPROTO_TCP, syscall.TCP_QUICKACK, 1)
	}
	rearm := func() { _ = raw.Control(set) }
	rearm()
	return rearm
}

// bindInterface makes a dialer's sockets use one interface (BindInterface).
func bindInterface(name string) func(network, address string, c syscall.RawConn) error {
	return func(_, _ string, c syscall.RawConn) error {
		var failed error
		if err := c.Control(func(fd uintptr) {
			failed = syscall.BindToDevice(int(fd), name)
		}); err != nil {
			return err
		}
		return failed
	}
}
