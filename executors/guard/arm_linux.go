package guard

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"stet/executors"
)

// readyWithin bounds the start of the guard's process.
const readyWithin = 20 * time.Second

// Arm puts a guard on disk and starts its process with start, which gets the
// guard's directory and the file on which the process says that it is ready; it
// must start it in a session of its own, to run Serve; f is what keeps that process. When Arm returns nil the
// guard counts. A second guard while one is pending is an *executors.Error of
// code "locked" that names the first.
func (s *Store) Arm(ctx context.Context, g executors.Guard, f executors.Footing, start func(dir string, ready *os.File) error) error {
	op := "arming the guard " + g.ID
	switch {
	case g.ID == "":
		return errors.New("arming a guard: it has no ID")
	case g.Timeout <= 0:
		return fmt.Errorf("%s: the time to confirm in must be positive", op)
	}
	if err := os.MkdirAll(s.dir, 0o700); err != nil {
		return s.roomless(op, err)
	}
	unlock, err := s.exclusive(ctx)
	if err != nil {
		return s.roomless(op, err)
	}
	defer unlock()
	if err := s.free(op); err != nil {
		return err
	}
	e := s.entry(g.ID)
	if err := s.prepare(e, g, f); err != nil {
		os.RemoveAll(string(e))
		return s.roomless(op, err)
	}
	if err := launch(ctx, e, start); err != nil {
		os.RemoveAll(string(e))
		return s.roomless(op, err)
	}
	return nil
}

// roomless is err with what was being done, and where room must be made if there
// is none.
func (s *Store) roomless(op string, err error) error {
	if !full(err) {
		return fmt.Errorf("%s: %w", op, err)
	}
	return &executors.Error{Code: "no-space", Op: op, Err: err, Message: "the disk is full there: " + err.Error(),
		Remedy: "make room in " + s.dir + ", about 100 KiB and 10 inodes (df -i) for each change"}
}

// exclusive lets one Arm at a time look and add.
func (s *Store) exclusive(ctx context.Context) (unlock func(), err error) {
	f, err := os.OpenFile(filepath.Join(s.dir, "arming"), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	for {
		err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
		if err == nil {
			return func() { f.Close() }, nil
		}
		if err != unix.EWOULDBLOCK && err != unix.EINTR {
			f.Close()
			return nil, err
		}
		select {
		case <-ctx.Done():
			f.Close()
			return nil, context.Cause(ctx)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// free makes sure that no change is pending.
func (s *Store) free(op string) error {
	g, err := s.Pending()
	if err != nil || g == nil {
		return err
	}
	return &executors.Error{Code: "locked", Op: op, Message: describe(g),
		Remedy: "confirm or revert that change first (stet status, stet confirm, stet rollback)"}
}

// prepare writes the record. A directory of that name is of a guard that has
// ended (its step is run again), or of an Arm that did not get as far as the
// process.
func (s *Store) prepare(e entry, g executors.Guard, f executors.Footing) error {
	if err := os.RemoveAll(string(e)); err != nil {
		return err
	}
	if err := os.Mkdir(string(e), 0o700); err != nil {
		return err
	}
	now := boottime()
	if now == 0 {
		return errors.New("the kernel has no CLOCK_BOOTTIME")
	}
	r := record{Guard: g, Armed: time.Now().Format(time.RFC3339Nano), Deadline: now + int64(g.Timeout), BootID: bootID(), Footing: f}
	if err := e.write("record", r); err != nil {
		return err
	}
	if err := e.reserve(); err != nil {
		return err
	}
	return syncDir(s.dir)
}

func bootID() string {
	b, _ := os.ReadFile("/proc/sys/kernel/random/boot_id")
	return strings.TrimSpace(string(b))
}

// launch starts the process and waits for its word.
func launch(ctx context.Context, e entry, start func(string, *os.File) error) error {
	r, w, err := os.Pipe()
	if err != nil {
		return err
	}
	defer r.Close()
	if err = r.SetReadDeadline(time.Now().Add(readyWithin)); err == nil {
		err = start(string(e), w)
	}
	w.Close()
	if err != nil {
		return err
	}
	stop := context.AfterFunc(ctx, func() { _ = r.SetReadDeadline(time.Unix(1, 0)) })
	defer stop()
	word, err := bufio.NewReader(io.LimitReader(r, 64<<10)).ReadString('\n')
	if word == "ready\n" && e.has("ready") {
		return nil
	}
	// It may come up yet: a decision ends it before it could act.
	_, derr := e.decide(confirm)
	switch {
	case word != "":
		return errors.Join(fmt.Errorf("starting the guard's process: %w", said(strings.TrimSpace(word))), derr)
	case ctx.Err() != nil:
		return errors.Join(context.Cause(ctx), derr)
	case errors.Is(err, io.EOF):
		return errors.Join(errors.New("starting the guard's process: it ended without a word"), derr)
	}
	return errors.Join(fmt.Errorf("starting the guard's process: %w", err), derr)
}

// said is the error that the guard's process wrote, which is a full disk where it
// was that.
func said(word string) error {
	before, found := strings.CutSuffix(word, unix.ENOSPC.Error())
	if !found {
		return errors.New(word)
	}
	return fmt.Errorf("%s%w", before, unix.ENOSPC)
}
