package local

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"golang.org/x/sys/unix"

	"stet/executors"
	"stet/executors/guard"
	"stet/executors/shell"
	"stet/executors/wire"
)

// exitNoProc is the sandbox helper's exit code when it cannot mount /proc.
const exitNoProc = 77

// errNoProc tells that the helper must be started without a PID namespace.
var errNoProc = errors.New("mounting /proc is not permitted")

// ExitCode is a helper's exit code for the error that it ended with.
func ExitCode(err error) int {
	switch {
	case err == nil:
		return 0
	case errors.Is(err, errNoProc):
		return exitNoProc
	}
	return 1
}

// Serve serves this host's targets on in and out, as the process that `become`
// or a connection starts, until in or ctx ends. What it runs ends with it, but for
// kept commands when in just ends, or hangUp tells that the peer is gone: Serve
// returns when they have ended.
func Serve(ctx context.Context, hangUp <-chan os.Signal, args []string, in io.Reader, out io.Writer) error {
	o, err := readHelperOptions(args)
	if err != nil {
		return fmt.Errorf("serving sessions: %w", err)
	}
	h, err := NewHost(o.HostOptions)
	if err != nil {
		return err
	}
	h.served = true
	if err := shell.Reap(ctx); err != nil {
		return err
	}
	connected, lose := context.WithCancelCause(ctx)
	defer lose(nil)
	ended := make(chan error, 1)
	go func() { ended <- wire.Serve(connected, stdio{in, out}, h, wire.Options{Program: "stet-agent"}) }()
	select {
	case err = <-ended:
	case <-hangUp:
		h.lost.Store(true)
		lose(executors.ErrLost)
	case <-ctx.Done():
		// It may be blocked for as long as the peer is silent.
		h.stopped.Store(true)
	}
	err = errors.Join(err, h.Close())
	if h.lost.Load() {
		err = errors.Join(err, h.disinherit()) // whoever said so waits for it
	}
	return errors.Join(err, h.keepOn(ctx, hangUp))
}

type stdio struct {
	io.Reader
	io.Writer
}

// ServeSandbox is the sandboxes' helper process, started by NewSandbox.
func ServeSandbox(ctx context.Context, args []string, in io.Reader, out io.Writer) error {
	o, err := readHelperOptions(args)
	if err != nil {
		return fmt.Errorf("serving sandboxes: %w", err)
	}
	// What follows would cover the /run and /proc of whoever calls this by hand.
	if mounts, err := mountNamespace(); err != nil || o.Outside == "" || o.Outside == mounts {
		return errors.New("serving sandboxes: not in a mount namespace of its own; it is started by stet itself")
	}
	if os.Getpid() == 1 { // in a PID namespace of its own
		if err := unix.Mount("proc", "/proc", "proc", unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, ""); err != nil {
			return fmt.Errorf("%w: %w", errNoProc, err)
		}
	}
	if err := shell.Reap(ctx); err != nil {
		return err
	}
	if err := freshRun(); err != nil {
		return err
	}
	h, err := NewHost(o.HostOptions)
	if err != nil {
		return err
	}
	h.box = map[string]*space{}
	h.find = h.findSandbox
	err = wire.Serve(ctx, stdio{in, out}, h, wire.Options{Program: "stet-agent"})
	err = errors.Join(err, h.Close())
	h.awaitGuards()
	shell.EndOrphans()
	return err
}

// freshRun covers /run with an empty one. Symbolic links are kept: there are
// systems whose programs are found through one there.
func freshRun() error {
	links := map[string]string{}
	entries, _ := os.ReadDir("/run")
	for _, e := range entries {
		if to, err := os.Readlink(filepath.Join("/run", e.Name())); err == nil {
			links[e.Name()] = to
		}
	}
	if err := unix.Mount("tmpfs", "/run", "tmpfs", unix.MS_NOSUID|unix.MS_NODEV, "mode=755,size=64m"); err != nil {
		return fmt.Errorf("mounting a private /run: %w", err)
	}
	for name, to := range links {
		_ = os.Symlink(to, filepath.Join("/run", name)) // without it less is found
	}
	for _, dir := range []string{"/run/stet", "/run/netns", "/run/lock"} {
		if err := os.Mkdir(dir, 0o755); err != nil {
			return err
		}
	}
	return os.Chmod("/run/stet", 0o700)
}

// findSandbox opens or makes the sandbox of t: the one of its name, or the
// target's own. It lives as long as this process.
func (h *Host) findSandbox(_ context.Context, t executors.Target) (*space, error) {
	if t.Scheme() != "sandbox" {
		return nil, &executors.Error{Code: "unsupported", Op: "opening " + t.Address, Message: "this helper holds sandboxes only"}
	}
	name := "//" + t.Host()
	if t.Host() == "" {
		name = t.Name
	}
	if s := h.box[name]; s != nil {
		return s, nil
	}
	s, err := newBox()
	if err == nil {
		h.box[name] = s
	}
	return s, err
}

// newBox makes a network namespace with its loopback up, and mounts to match.
func newBox() (*space, error) {
	result := make(chan error, 1)
	s := &space{shared: true}
	go func() {
		runtime.LockOSThread() // the thread ends with this
		result <- func() (err error) {
			if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
				return fmt.Errorf("making a network namespace: %w", err)
			}
			if s.net, err = os.Open("/proc/thread-self/ns/net"); err != nil {
				return err
			}
			return loopbackUp()
		}()
	}()
	err := <-result
	if err == nil {
		err = s.mounts(furnishBox)
	}
	if err == nil {
		err = s.enter(func() error {
			s.resolv = "-"
			if isOwnResolvConf() {
				s.resolv = ""
			}
			return nil
		})
	}
	if err == nil {
		err = s.identify()
	}
	if err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

func loopbackUp() error {
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return os.NewSyscallError("socket", err)
	}
	defer unix.Close(fd)
	r, err := unix.NewIfreq("lo")
	if err != nil {
		return err
	}
	r.SetUint16(unix.IFF_UP)
	if err := unix.IoctlIfreq(fd, unix.SIOCSIFFLAGS, r); err != nil {
		return fmt.Errorf("setting lo up: %w", err)
	}
	return nil
}

// furnishBox gives a sandbox its own /sys and /run; the state directory in /run
// is the helper's, for the guards.
func furnishBox() error {
	if err := unix.Mount("", "/", "none", unix.MS_SLAVE|unix.MS_REC, ""); err != nil {
		return fmt.Errorf("making the mounts private: %w", err)
	}
	state, err := unix.Open("/run/stet", unix.O_PATH|unix.O_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("opening /run/stet: %w", err)
	}
	defer unix.Close(state)
	resolv, _ := os.ReadFile(etcResolvConf) // of one that has none, none
	if err := freshRun(); err != nil {
		return err
	}
	if err := ownResolvConf(string(resolv)); err != nil {
		return err
	}
	if err := unix.Mount(fmt.Sprintf("/proc/thread-self/fd/%d", state), "/run/stet", "none", unix.MS_BIND, ""); err != nil {
		return fmt.Errorf("keeping /run/stet: %w", err)
	}
	if err := mountSys(); err != nil && !errors.Is(err, unix.EPERM) {
		return err
	} // EPERM: a container that hides parts of /sys; the host's stays
	return nil
}

// awaitGuards returns when no guard is at work any more.
func (h *Host) awaitGuards() {
	for {
		stores, _ := filepath.Glob(filepath.Join("/run/stet", "net-*", "guards"))
		busy := false
		for _, dir := range stores {
			busy = busy || guard.Open(dir).Running()
		}
		if !busy {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
}
