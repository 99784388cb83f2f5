package ssh

import (
	"encoding/binary"
	"io"
	"net"
	"time"
)

// Messages of OpenSSH's PROTOCOL.mux.
const (
	muxHello     = 0x00000001
	muxVersion   = 4
	muxTerminate = 0x10000005
)

// endMaster tells a control master to end. One that is gone already is left in
// peace.
func endMaster(path string) {
	c, err := net.DialTimeout("unix", path, time.Second)
	if err != nil {
		return
	}
	defer c.Close()
	_ = c.SetDeadline(time.Now().Add(2 * time.Second))
	var b []byte
	for _, message := range [][2]uint32{{muxHello, muxVersion}, {muxTerminate, 0}} {
		b = binary.BigEndian.AppendUint32(b, 8)
		b = binary.BigEndian.AppendUint32(b, message[0])
		b = binary.BigEndian.AppendUint32(b, message[1])
	}
	if _, err := c.Write(b); err == nil {
		// It closes the socket when it has ended.
		_, _ = io.Copy(io.Discard, io.LimitReader(c, 4096))
	}
}
