//go:build unix

package view

import (
	"os"

	"golang.org/x/sys/unix"
)

// Hide keeps a terminal from showing what is typed until the returned function
// is called. Lines are still edited and read as before.
func Hide(f *os.File) (restore func(), err error) {
	fd := int(f.Fd())
	was, err := unix.IoctlGetTermios(fd, getTermios)
	if err != nil {
		return nil, os.NewSyscallError("ioctl", err)
	}
	quiet := *was
	quiet.Lflag &^= unix.ECHO
	if err := unix.IoctlSetTermios(fd, setTermios, &quiet); err != nil {
		return nil, os.NewSyscallError("ioctl", err)
	}
	return func() { _ = unix.IoctlSetTermios(fd, setTermios, was) }, nil
}
