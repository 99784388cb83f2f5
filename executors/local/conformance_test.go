//go:build linux

package local

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"stet/executors"
	"stet/executors/executortest"
)

// TestMain lets the test binary be its own helper process.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == "agent" {
		os.Exit(helperMain(os.Args[2:]))
	}
	os.Exit(m.Run())
}

// helperMain does what package agent does, which imports this one.
func helperMain(args []string) int {
	ctx := context.Background()
	var err error
	switch args[0] {
	case "serve":
		err = Serve(ctx, nil, args[1:], os.Stdin, os.Stdout)
	case "sandbox":
		err = ServeSandbox(ctx, args[1:], os.Stdin, os.Stdout)
	case "guard":
		err = ServeGuard(ctx, args[1:])
	case "lock":
		err = lockMain(args[1])
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
	return ExitCode(err)
}

func testProgram() []string { return []string{os.Args[0], "agent"} }

func needRoot(t *testing.T) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("network namespaces of this host need root")
	}
}

func newHost(t *testing.T) *Host {
	t.Helper()
	h, err := NewHost(HostOptions{Program: testProgram(), StateDir: t.TempDir(), Grace: grace})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := h.Close(); err != nil {
			t.Errorf("closing the host: %v", err)
		}
	})
	return h
}

func opening(o executors.Opener, target executors.Target) func(*testing.T) executors.Session {
	return func(t *testing.T) executors.Session {
		t.Helper()
		// The suite opens sessions in clean-ups too, when t.Context is over.
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		defer cancel()
		s, err := o.Open(ctx, target)
		if err != nil {
			t.Fatalf("opening %s: %v", target.Address, err)
		}
		return s
	}
}

// grace is shorter than what operators want, for the commands that are deaf.
const grace = 500 * time.Millisecond

var unique atomic.Int64

func netnsName() string { return fmt.Sprintf("stet-test-%d-%d", os.Getpid(), unique.Add(1)) }

// inner marks the test binary that a test has started in a private namespace,
// or as another user.
const inner = "STET_TEST_INNER"

// again runs the test named once more, in a process with attr.
func again(t *testing.T, test, binary string, attr *syscall.SysProcAttr, env ...string) {
	t.Helper()
	cmd := exec.Command(binary, "-test.run=^"+test+"$", "-test.v")
	cmd.Env = append(append(os.Environ(), inner+"=1"), env...)
	cmd.SysProcAttr = attr
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "--- PASS: "+test) {
		t.Errorf("%v\n%s", err, out)
	}
}

func TestLocal(t *testing.T) {
	needRoot(t)
	t.Parallel()
	if os.Getenv(inner) == "" {
		again(t, t.Name(), os.Args[0], &syscall.SysProcAttr{Unshareflags: syscall.CLONE_NEWNET | syscall.CLONE_NEWNS})
		return
	}
	if err := mountSys(); err != nil { // of the private namespace
		t.Fatal(err)
	}
	executortest.Test(t, opening(newHost(t), executors.Target{Name: "here", Address: "local"}))
}

func TestNetns(t *testing.T) {
	needRoot(t)
	t.Parallel()
	executortest.Test(t, opening(newHost(t), executors.Target{Name: "lab", Address: "netns://" + netnsName(), Create: true}))
}

func TestSudo(t *testing.T) {
	needRoot(t)
	if _, err := exec.LookPath("sudo"); err != nil {
		t.Skip("there is no sudo here")
	}
	t.Parallel()
	h := newHost(t)
	h.always = true
	name := netnsName()
	executortest.Test(t, opening(h, executors.Target{Name: "lab", Address: "netns://" + name, Create: true, Become: "sudo"}))
	if err := h.Close(); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(filepath.Join(named, name)); err == nil {
		t.Error("the helper has left its namespace")
	}
}

func TestSandbox(t *testing.T) {
	needRoot(t)
	t.Parallel()
	testSandbox(t)
}

// TestSandboxUnprivileged is the same for a user without any rights.
func TestSandboxUnprivileged(t *testing.T) {
	if os.Getenv(inner) != "" || os.Geteuid() != 0 {
		testSandbox(t)
		return
	}
	t.Parallel()
	dir, err := os.MkdirTemp("/tmp", "stet-test-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	binary := filepath.Join(dir, "local.test")
	if err := copyFile(binary, os.Args[0]); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	scratch := filepath.Join(dir, "tmp")
	if err := os.Mkdir(scratch, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Chown(scratch, 65534, 65534); err != nil {
		t.Fatal(err)
	}
	again(t, t.Name(), binary, &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534}}, "TMPDIR="+scratch, "HOME="+scratch)
}

func testSandbox(t *testing.T) {
	t.Helper()
	o, err := NewSandbox(t.Context(), SandboxOptions{Program: testProgram(), Grace: grace, Stderr: os.Stderr})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := o.Close(); err != nil {
			t.Errorf("closing: %v", err)
		}
		// Close does not wait for it for long, as a guard may need it.
		if !o.(*helper).endsWithin(time.Minute) {
			t.Error("the helper is still there")
		}
	})
	executortest.Test(t, opening(o, executors.Target{Name: "box", Address: "sandbox"}))
}

// copyFile has cp(1) do it: what this process has open for writing, a child that
// is started at that moment holds open, too, and then it cannot be executed.
func copyFile(to, from string) error {
	out, err := exec.Command("cp", from, to).CombinedOutput()
	if err != nil {
		return fmt.Errorf("%w: %s", err, out)
	}
	return os.Chmod(to, 0o755)
}
