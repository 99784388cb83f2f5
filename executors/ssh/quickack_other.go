//go:build !linux

package ssh

import (
	"errors"
	"net"
	"syscall"
)

// quickAck is nothing here: only Linux lets a program acknowledge at once.
func quickAck(net.Conn) func() { return nil }

func bindInterface(name string) func(network, address string, c syscall.RawConn) error {
	return func(string, string, syscall.RawConn) error {
		return errors.New("binding to the interface " + name + ": BindInterface needs Linux")
	}
}
