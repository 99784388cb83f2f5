package view

import (
	"os"

	"golang.org/x/sys/windows"
)

// Hide keeps a terminal from showing what is typed until the returned function
// is called. Lines are still edited and read as before.
func Hide(f *os.File) (restore func(), err error) {
	console := windows.Handle(f.Fd())
	var was uint32
	if err := windows.GetConsoleMode(console, &was); err != nil {
		return nil, os.NewSyscallError("GetConsoleMode", err)
	}
	if err := windows.SetConsoleMode(console, was&^windows.ENABLE_ECHO_INPUT); err != nil {
		return nil, os.NewSyscallError("SetConsoleMode", err)
	}
	return func() { _ = windows.SetConsoleMode(console, was) }, nil
}
