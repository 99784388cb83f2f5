//go:build linux

package fleet

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
)

// The test program starts itself again as the first process of a process, mount
// and network namespace that has only loopback, all of whose addresses are
// hosts. What is mounted, made and started there is gone with it.
const insideVar = "STET_FLEET_INSIDE"

func TestMain(m *testing.M) {
	switch {
	case os.Getuid() != 0:
		os.Exit(m.Run())
	case os.Getenv(insideVar) == "":
		os.Exit(again())
	}
	if err := furnish(); err != nil {
		fmt.Fprintln(os.Stderr, "furnishing the namespaces:", err)
		os.Exit(1)
	}
	os.Exit(m.Run())
}

func again() int {
	cmd := exec.Command("/proc/self/exe", os.Args[1:]...)
	cmd.Env = append(os.Environ(), insideVar+"=1")
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags: syscall.CLONE_NEWNET | syscall.CLONE_NEWNS | syscall.CLONE_NEWPID,
		Pdeathsig:  syscall.SIGKILL,
	}
	if err := cmd.Run(); err != nil {
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			return exit.ExitCode()
		}
		fmt.Fprintln(os.Stderr, "starting the tests in namespaces:", err)
		return 1
	}
	return 0
}

// home is the folder of everything inside; ops is the user on the hosts.
const (
	home    = "/run/fleet"
	opsHome = home + "/ops"
	opsID   = 7001
)

// furnish sets up the namespaces: an empty /run, a user of our own, loopback.
func furnish() error {
	if err := syscall.Mount("", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, ""); err != nil {
		return err
	}
	for target, kind := range map[string]string{"/proc": "proc", "/run": "tmpfs"} {
		if err := syscall.Mount(kind, target, kind, 0, ""); err != nil {
			return fmt.Errorf("mounting %s: %w", target, err)
		}
	}
	for _, dir := range []string{"/run/sshd", "/run/netns", opsHome} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return err
		}
	}
	if err := os.Chown(opsHome, opsID, opsID); err != nil {
		return err
	}
	passwd, err := os.ReadFile("/etc/passwd")
	if err != nil {
		return err
	}
	users := fmt.Sprintf("root:x:0:0:root:%s:/bin/sh\nops:x:%d:%d::%s:/bin/sh\n", home, opsID, opsID, opsHome)
	for line := range strings.Lines(string(passwd)) {
		if !strings.HasPrefix(line, "root:") {
			users += line
		}
	}
	for path, text := range map[string]string{"/etc/passwd": users, "/etc/shadow": "root:*:::::::\nops:*:::::::\nsshd:*:::::::\n"} {
		mine := filepath.Join(home, filepath.Base(path))
		if err := os.WriteFile(mine, []byte(text), 0o644); err != nil {
			return err
		}
		if err := syscall.Mount(mine, path, "", syscall.MS_BIND, ""); err != nil {
			return fmt.Errorf("covering %s: %w", path, err)
		}
	}
	os.Unsetenv("SSH_AUTH_SOCK")
	return exec.Command("ip", "link", "set", "lo", "up").Run()
}

// needInside skips a test where there are no namespaces.
func needInside(t testing.TB) {
	t.Helper()
	if os.Getenv(insideVar) == "" {
		t.Skip("needs root, for namespaces in which hosts can be")
	}
}

// programs are stet and its agents, built as `make build` does, once.
var programs = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp(home, "bin-")
	if err != nil {
		return "", err
	}
	for _, argv := range [][]string{
		{"make", "-C", "../../../..", "agents", "AGENTS=" + dir},
		{"go", "build", "-trimpath", "-ldflags", "-s -w", "-o", dir + "/stet", "stet/cmd/stet"},
	} {
		cmd := exec.Command(argv[0], argv[1:]...)
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "MAKEFLAGS=")
		if out, err := cmd.CombinedOutput(); err != nil {
			return "", fmt.Errorf("building %s: %w\n%s", argv[len(argv)-1], err, out)
		}
	}
	return filepath.Join(dir, "stet"), nil
})
