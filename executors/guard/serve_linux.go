package guard

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"stet/executors"
	"stet/executors/netstate"
)

// Reverter is the part of a Session that leads back: Run is for the guard's
// commands, Undo for its change.
type Reverter interface {
	Run(ctx context.Context, c executors.Command, out executors.Output) (*executors.ExitStatus, error)
	Undo(ctx context.Context, c *netstate.Change) (*executors.Result, error)
}

// Serve is the body of a guard's process: it claims the guard in dir, says
// "ready" on ready, which it closes, and returns when the change is confirmed,
// or has been reverted with back.
func Serve(ctx context.Context, dir string, ready io.WriteCloser, back Reverter) error {
	e := entry(dir)
	err := func() error {
		var r record
		if err := e.read("record", &r); err != nil {
			return err
		}
		lock, err := e.claim()
		if err != nil {
			return fmt.Errorf("claiming %s: %w", dir, err)
		}
		defer lock.Close()
		w, err := newWatch(e, r.Deadline)
		if err != nil {
			return err
		}
		defer w.close()
		if err := e.write("ready", true); err != nil {
			return err
		}
		if _, err := io.WriteString(ready, "ready\n"); err != nil {
			// Who armed it died first, and has changed nothing.
			os.Remove(e.path("ready"))
			return fmt.Errorf("saying that it is ready: %w", err)
		}
		ready.Close()
		what, err := w.wait(ctx)
		if err != nil || what != revert {
			return err
		}
		_, err = e.revert(ctx, &r, back)
		return err
	}()
	if err != nil {
		// Heard only by an Arm that still listens.
		_, _ = io.WriteString(ready, strings.ReplaceAll(err.Error(), "\n", "; ")+"\n")
	}
	ready.Close()
	return err
}

// watch waits for the decision or the deadline.
type watch struct {
	e     entry
	timer int
	files int
}

func newWatch(e entry, deadline int64) (*watch, error) {
	w := &watch{e: e, timer: -1, files: -1}
	var err error
	if w.timer, err = unix.TimerfdCreate(unix.CLOCK_BOOTTIME, unix.TFD_CLOEXEC|unix.TFD_NONBLOCK); err != nil {
		return nil, os.NewSyscallError("timerfd_create", err)
	}
	at := unix.ItimerSpec{Value: unix.NsecToTimespec(max(deadline, 1))}
	if err := unix.TimerfdSettime(w.timer, unix.TFD_TIMER_ABSTIME, &at, nil); err != nil {
		w.close()
		return nil, os.NewSyscallError("timerfd_settime", err)
	}
	if w.files, err = unix.InotifyInit1(unix.IN_CLOEXEC | unix.IN_NONBLOCK); err == nil {
		_, err = unix.InotifyAddWatch(w.files, string(e), unix.IN_CREATE|unix.IN_MOVED_TO)
	}
	if err != nil && w.files >= 0 {
		// Watches are a scarce resource of the user: looking will do.
		unix.Close(w.files)
		w.files = -1
	}
	return w, nil
}

func (w *watch) close() {
	for _, fd := range []int{w.timer, w.files} {
		if fd >= 0 {
			unix.Close(fd)
		}
	}
}

// wait returns the decision: the one that was made, or, at the deadline, its
// own to revert, if it is the first.
func (w *watch) wait(ctx context.Context) (string, error) {
	fds := []unix.PollFd{{Fd: int32(w.timer), Events: unix.POLLIN}, {Fd: int32(w.files), Events: unix.POLLIN}}
	buf := make([]byte, 4096)
	for {
		what, err := w.e.decision()
		if what != "" || err != nil {
			return what, err
		}
		if err := ctx.Err(); err != nil {
			return "", err
		}
		// Once a second it looks by itself, whatever inotify says.
		if _, err := unix.Poll(fds, 1000); err != nil && err != unix.EINTR {
			return "", os.NewSyscallError("poll", err)
		}
		if fds[0].Revents&unix.POLLIN != 0 {
			what, err := w.e.decide(revert)
			if !full(err) {
				return what, err
			}
			// Nobody else can decide either. Its turn comes again once there is room.
			time.Sleep(time.Second)
		}
		if w.files >= 0 {
			_, _ = unix.Read(w.files, buf) // that something happened is enough
		}
	}
}

// revert leads back and writes the outcome. The caller holds the claim.
func (e entry) revert(ctx context.Context, r *record, back Reverter) (*executors.GuardState, error) {
	g := r.state()
	out := &tail{}
	ok := true
	for _, c := range r.Guard.Commands {
		ok = runOne(ctx, c, back, out) && ok
	}
	g.Phase = executors.Reverted
	if !r.Guard.Change.Empty() {
		result, err := back.Undo(ctx, r.Guard.Change)
		if err != nil {
			fmt.Fprintf(out, "undoing the change: %v\n", err)
		}
		g.Result = result
		ok = ok && err == nil && result.OK()
	}
	if !ok {
		g.Phase = executors.Incomplete
	}
	g.Output = out.String()
	g.Ended = time.Now()
	if err := e.write("outcome", g); err != nil {
		return g, fmt.Errorf("writing the outcome of guard %s: %w", g.ID, err)
	}
	return g, nil
}

// commandTime bounds one command of a guard: whatever it does, the state that
// follows it must be restored.
const commandTime = 5 * time.Minute

func runOne(ctx context.Context, c executors.Command, back Reverter, out io.Writer) bool {
	ctx, cancel := context.WithTimeout(ctx, commandTime)
	defer cancel()
	fmt.Fprintln(out, heading(c))
	st, err := back.Run(ctx, c, executors.Output{Stdout: out, Stderr: out})
	switch {
	case err != nil:
		fmt.Fprintf(out, "%v\n", err)
		return false
	case st.Code != 0:
		fmt.Fprintf(out, "exit %d\n", st.Code)
		return false
	}
	return true
}

// heading names a command as a shell's terminal would show it. A long text is cut:
// its block is in the document.
func heading(c executors.Command) string {
	if c.Title == "" {
		return "$ " + strings.Join(c.Argv, " ")
	}
	lines := strings.Split(strings.TrimRight(c.Title, "\n"), "\n")
	if more := len(lines) - headingLines; more > 0 {
		lines = append(lines[:headingLines], fmt.Sprintf("[%d more lines]", more))
	}
	return "$ " + strings.Join(lines, "\n> ")
}

const headingLines = 10

// Revert decides to revert, unless that has been decided, and waits until it
// is done. Where the guard's process is gone it does the work itself, with
// back. For a confirmed guard it is an *executors.Error of code "changed".
func (s *Store) Revert(ctx context.Context, id string, back Reverter) (*executors.GuardState, error) {
	op := "reverting " + id
	e, err := s.find(op, id)
	if err != nil {
		return nil, err
	}
	what, err := e.decide(revert)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", op, err)
	}
	if what == confirm {
		return nil, &executors.Error{Code: "changed", Op: op, Message: "the change has been confirmed",
			Remedy: "roll it back instead"}
	}
	for {
		if e.has("outcome") {
			return e.state()
		}
		lock, err := e.claim()
		if err == nil {
			defer lock.Close()
			return e.takeOver(ctx, op, back)
		}
		if !errors.Is(err, unix.EWOULDBLOCK) {
			return nil, fmt.Errorf("%s: %w", op, err)
		}
		select {
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// takeOver does a lost guard's work.
func (e entry) takeOver(ctx context.Context, op string, back Reverter) (*executors.GuardState, error) {
	if e.has("outcome") { // written between the look and the claim
		return e.state()
	}
	var r record
	if err := e.read("record", &r); err != nil {
		return nil, fmt.Errorf("%s: %w", op, err)
	}
	return e.revert(ctx, &r, back)
}

// tail keeps the end of what is written, bounded, and counts the rest.
type tail struct {
	b       []byte
	dropped int64
}

const tailSize = 64 << 10

// Write implements io.Writer.
func (t *tail) Write(p []byte) (int, error) {
	t.b = append(t.b, p...)
	if over := len(t.b) - tailSize; over > tailSize {
		t.dropped += int64(over)
		t.b = append(t.b[:0:0], t.b[over:]...)
	}
	return len(p), nil
}

// String is what was kept.
func (t *tail) String() string {
	if t.dropped > 0 {
		return fmt.Sprintf("[%d bytes left out]\n%s", t.dropped, t.b)
	}
	return string(t.b)
}
