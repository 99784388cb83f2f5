package ssh

import (
	"os/exec"
	"syscall"
)

// shellCommand hands a command of ssh_config to cmd.exe as it is written.
func shellCommand(command string) *exec.Cmd {
	cmd := exec.Command("cmd.exe")
	cmd.SysProcAttr = &syscall.SysProcAttr{CmdLine: "cmd.exe /d /s /c \"" + command + "\""}
	return cmd
}

func endCommand(cmd *exec.Cmd) { _ = cmd.Process.Kill() }

func killCommand(cmd *exec.Cmd) { _ = cmd.Process.Kill() }
