package local

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"stet/executors"
	"stet/executors/guard"
	"stet/executors/linux"
	"stet/executors/netstate"
	"stet/executors/shell"
	"stet/executors/transaction"
)

// Arm implements executors.Session. The guard's process lives in the target's
// namespaces, in a session of its own, and holds those of the other open
// targets, so that it can lead a link back that was moved there.
func (s *session) Arm(ctx context.Context, g executors.Guard) (executors.Footing, error) {
	ctx, end, err := s.begin(ctx, "arming a guard")
	if err != nil {
		return executors.Footing{}, err
	}
	defer end()
	f := s.host.footing()
	return f, s.guards.Arm(ctx, g, f, s.startGuard)
}

// Confirm implements executors.Session.
func (s *session) Confirm(ctx context.Context, id string) error {
	ctx, end, err := s.begin(ctx, "confirming a change")
	if err != nil {
		return err
	}
	defer end()
	return s.guards.Confirm(ctx, id)
}

// Revert implements executors.Session.
func (s *session) Revert(ctx context.Context, id string) (*executors.GuardState, error) {
	ctx, end, err := s.begin(ctx, "reverting a change")
	if err != nil {
		return nil, err
	}
	defer end()
	return s.guards.Revert(ctx, id, way{s.ns, shell.Options{Place: shell.Place{Enter: s.space.enter}, Grace: s.host.o.Grace}})
}

// Guards implements executors.Session.
func (s *session) Guards(ctx context.Context) ([]executors.GuardState, error) {
	_, end, err := s.begin(ctx, "listing guards")
	if err != nil {
		return nil, err
	}
	defer end()
	return s.guards.List()
}

// way is a guard.Reverter.
type way struct {
	ns *linux.Namespace
	o  shell.Options
}

func (w way) Run(ctx context.Context, c executors.Command, out executors.Output) (*executors.ExitStatus, error) {
	return shell.Run(ctx, c, out, w.o)
}

func (w way) Undo(ctx context.Context, c *netstate.Change) (*executors.Result, error) {
	return transaction.Undo(ctx, w.ns, c)
}

// Descriptors of a guard's process.
const (
	readyFD = 3
	firstFD = 4 // of the other targets' namespaces, in the order of the names, of the mount namespace that shows the named ones, and of the program if it has no file any more
)

// startGuard starts the process: `guard DIR NAMES RESOLV.CONF`.
func (s *session) startGuard(dir string, ready *os.File) error {
	argv, err := program(s.host.o.Program)
	if err != nil {
		return err
	}
	argv = slices.Clone(argv)
	var names []string
	files := []*os.File{ready}
	defer func() {
		for _, f := range files[1:] {
			f.Close()
		}
	}()
	for _, name := range s.host.known() {
		fd, err := s.host.resolve(name)
		if err != nil {
			continue // closed meanwhile
		}
		names = append(names, name)
		files = append(files, os.NewFile(uintptr(fd), name))
	}
	mnt, err := os.Open("/proc/thread-self/ns/mnt")
	if err != nil {
		return err
	}
	files = append(files, mnt)
	list, err := json.Marshal(names)
	if err != nil {
		return err
	}
	if self, err := own(argv[0]); err != nil {
		return err
	} else if self != nil {
		files = append(files, self)
		argv[0] = fmt.Sprintf("/proc/self/fd/%d", readyFD+len(files)-1)
	}
	argv = append(slices.Clone(s.host.apart()), argv...)
	cmd := exec.Command(argv[0], append(argv[1:len(argv):len(argv)], "guard", dir, string(list), s.space.resolv)...)
	cmd.Dir = "/"
	cmd.Env = unmarked(os.Environ())
	cmd.ExtraFiles = files
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	var done func()
	err = s.space.enter(func() (err error) {
		done, err = shell.Start(cmd)
		return err
	})
	if err != nil {
		return err
	}
	go func() {
		_ = cmd.Wait() // how it ended is on disk
		done()
	}()
	return nil
}

// unmarked leaves out the mark of the command that this process may be part of:
// ending that command must not end the guard.
func unmarked(env []string) []string {
	kept := env[:0:0]
	for _, kv := range env {
		if !strings.HasPrefix(kv, shell.Cookie+"=") {
			kept = append(kept, kv)
		}
	}
	return kept
}

// ServeGuard is the body of a guard's process, started by Arm with args in the
// namespaces of its target.
func ServeGuard(ctx context.Context, args []string) error {
	if len(args) != 3 {
		return errors.New("serving a guard: it is started by stet itself")
	}
	var list []string
	if err := json.Unmarshal([]byte(args[1]), &list); err != nil {
		return fmt.Errorf("serving a guard: reading the names of targets: %w", err)
	}
	for fd := readyFD; fd <= firstFD+len(list)+1; fd++ {
		unix.CloseOnExec(fd) // what leads back must not inherit them
	}
	ready := os.NewFile(readyFD, "ready")
	others := make(map[string]int, len(list))
	for i, name := range list {
		others[name] = firstFD + i
	}
	keys := filepath.Join(filepath.Dir(filepath.Dir(args[0])), "keys") // see Host.keys
	spaces := &names{mnt: firstFD + len(list)}
	ns, err := linux.Open(linux.Options{NS: -1, Resolve: resolver(others), Known: func() []string { return list }, Named: spaces, Keys: keys,
		ResolvConf: args[2], Shown: newShown(args[2]).again, Outlive: (&scope{}).prefix})
	if err != nil {
		_, _ = io.WriteString(ready, err.Error()+"\n")
		return err
	}
	defer ns.Close()
	return guard.Serve(ctx, args[0], ready, way{ns: ns})
}

// resolver finds the namespaces that were handed over, else named ones.
func resolver(others map[string]int) func(string) (int, error) {
	return func(name string) (int, error) {
		if fd, ok := others[name]; ok {
			return unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, 0)
		}
		f, err := openNetns(name)
		if err != nil {
			return -1, err
		}
		defer f.Close()
		return unix.FcntlInt(f.Fd(), unix.F_DUPFD_CLOEXEC, 0)
	}
}
