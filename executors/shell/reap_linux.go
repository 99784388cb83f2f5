package shell

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"os/signal"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// claim is what is known of a process that this package started.
type claim struct {
	command bool // started by Run
	alone   bool // no other command ran beside it
}

// owned are the processes that this package started and has not waited for.
// The lock is held while one starts, so that Reap never takes one's status.
var owned = struct {
	sync.Mutex
	pids map[int]*claim
}{pids: map[int]*claim{}}

// subreaper is set once orphans of this process's descendants come to it.
var subreaper atomic.Bool

func own(cmd *exec.Cmd, command bool) error {
	owned.Lock()
	defer owned.Unlock()
	if err := cmd.Start(); err != nil {
		return err
	}
	mine := &claim{command: command, alone: true}
	for _, other := range owned.pids {
		if other.command && command {
			other.alone, mine.alone = false, false
		}
	}
	owned.pids[cmd.Process.Pid] = mine
	return nil
}

func disown(pid int) {
	owned.Lock()
	defer owned.Unlock()
	delete(owned.pids, pid)
}

// Start starts cmd for a caller that waits for it itself, in a process that
// reaps its orphans. The returned function must be called after Wait.
func Start(cmd *exec.Cmd) (done func(), err error) {
	if err := own(cmd, false); err != nil {
		return nil, err
	}
	pid := cmd.Process.Pid
	return func() { disown(pid) }, nil
}

// Reap makes this process the parent of its descendants' orphans
// (PR_SET_CHILD_SUBREAPER), and waits for those that end, until ctx does. It is
// for helper processes that start nothing but through this package: whatever
// else is started there would lose its exit status.
func Reap(ctx context.Context) error {
	if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
		return os.NewSyscallError("prctl", err)
	}
	subreaper.Store(true)
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, syscall.SIGCHLD)
	go func() {
		defer signal.Stop(signals)
		tick := time.NewTicker(5 * time.Second)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-signals:
			case <-tick.C:
			}
			for !reapOrphans() {
				time.Sleep(10 * time.Millisecond)
			}
		}
	}()
	return nil
}

// reapOrphans waits for the orphans that have ended. The kernel shows one ended
// child at a time: false means that it showed one which somebody else is about
// to wait for, and that there may be orphans behind it. It does not look through
// the process table, which on a busy host costs more than most commands.
func reapOrphans() (all bool) {
	owned.Lock()
	defer owned.Unlock()
	for {
		pid, _ := endedChild()
		if pid == 0 {
			return true
		}
		if owned.pids[pid] != nil {
			return false
		}
		if _, err := syscall.Wait4(pid, nil, syscall.WNOHANG, nil); err != nil && !errors.Is(err, syscall.EINTR) {
			return true
		}
	}
}

// endedChild is a child that has ended and that nobody has waited for, 0 if there
// is none, and whether this process has children at all (waitid(2)).
func endedChild() (pid int, any bool) {
	var info unix.Siginfo
	err := error(unix.EINTR)
	for errors.Is(err, unix.EINTR) {
		err = unix.Waitid(unix.P_ALL, 0, &info, unix.WEXITED|unix.WNOHANG|unix.WNOWAIT, nil)
	}
	if err != nil {
		return 0, !errors.Is(err, unix.ECHILD)
	}
	// si_pid is the first member of the union behind three numbers, which
	// begins where a pointer may stand (sigaction(2)).
	at := (3*unsafe.Sizeof(info.Signo) + unsafe.Sizeof(uintptr(0)) - 1) &^ (unsafe.Sizeof(uintptr(0)) - 1)
	return int(*(*int32)(unsafe.Add(unsafe.Pointer(&info), at))), true
}

// stray reports whether p is an orphan that can only be of t's making: it came
// to this subreaper, began after t's root, and no other command ran beside t's.
func (t *tree) stray(p process) bool {
	if !subreaper.Load() || !t.alone || p.ppid != os.Getpid() || p.start < t.start {
		return false
	}
	owned.Lock()
	defer owned.Unlock()
	return owned.pids[p.pid] == nil
}

// begin notes, while the root lives, what tells its strays from others.
func (t *tree) begin() {
	if p, ok := readProcess(t.root); ok {
		t.start = p.start
	}
	owned.Lock()
	defer owned.Unlock()
	if c := owned.pids[t.root]; c != nil {
		t.alone = t.start != 0 && c.alone
	}
}

// EndOrphans ends whatever came to this subreaper, until nothing is left.
func EndOrphans() {
	if !subreaper.Load() {
		return
	}
	self := os.Getpid()
	for range 200 {
		if _, any := endedChild(); !any {
			return
		}
		left := false
		for _, p := range processes() {
			if p.ppid == self && p.state != 'Z' {
				kill(p, syscall.SIGKILL)
				left = true
			}
		}
		if !left {
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
}
