//go:build unix

package ssh

import (
	"os"
	"os/exec"
	"syscall"
)

// shellCommand is a command of ssh_config, run as ssh runs it: by the user's
// shell, in a process group of its own, so that an interrupt from the terminal
// does not cut connections before they are closed in order.
func shellCommand(command string) *exec.Cmd {
	shell := os.Getenv("SHELL")
	if shell == "" {
		shell = "/bin/sh"
	}
	cmd := exec.Command(shell, "-c", "exec "+command)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	return cmd
}

func endCommand(cmd *exec.Cmd) {
	_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGTERM)
}

func killCommand(cmd *exec.Cmd) {
	_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
}
