//go:build linux

package guard_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"stet/executors"
	"stet/executors/guard"
	"stet/executors/netstate"
)

// TestMain lets the test binary be a guard's process.
func TestMain(m *testing.M) {
	if len(os.Args) == 3 && os.Args[1] == "guard" {
		if err := guard.Serve(context.Background(), os.Args[2], os.NewFile(3, "ready"), back{}); err != nil {
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// back leads back by appending to the file that the change's sysctl names: the
// number of its lines is how often it was led back.
type back struct{}

func (back) Run(ctx context.Context, c executors.Command, out executors.Output) (*executors.ExitStatus, error) {
	cmd := exec.CommandContext(ctx, c.Argv[0], c.Argv[1:]...)
	cmd.Stdout = out.Stdout
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		return nil, err
	}
	return &executors.ExitStatus{Code: cmd.ProcessState.ExitCode()}, nil
}

func (back) Undo(_ context.Context, c *netstate.Change) (*executors.Result, error) {
	key := c.Edits[0].After.Sysctl.Key
	if strings.HasPrefix(key, "refuse") {
		return &executors.Result{UndoError: "refused"}, nil
	}
	f, err := os.OpenFile(key, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	time.Sleep(20 * time.Millisecond)
	_, err = io.WriteString(f, "undone\n")
	return &executors.Result{Done: 1}, err
}

// armed is a store, and what its guards do.
type armed struct {
	*guard.Store
	t    *testing.T
	dir  string
	file string
	mu   sync.Mutex
	pids []int
}

func newStore(t *testing.T) *armed {
	dir := t.TempDir()
	a := &armed{Store: guard.Open(filepath.Join(dir, "guards")), t: t, dir: dir, file: filepath.Join(dir, "file")}
	return a
}

func (a *armed) start(dir string, ready *os.File) error {
	cmd := exec.Command(os.Args[0], "guard", dir)
	cmd.ExtraFiles = []*os.File{ready}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := cmd.Start(); err != nil {
		return err
	}
	a.mu.Lock()
	a.pids = append(a.pids, cmd.Process.Pid)
	a.mu.Unlock()
	ended := make(chan struct{})
	go func() { cmd.Wait(); close(ended) }()
	a.t.Cleanup(func() {
		cmd.Process.Kill()
		<-ended
	})
	return nil
}

func (a *armed) guard(id string, timeout time.Duration) executors.Guard {
	return executors.Guard{ID: id, Run: "01RUN", Step: "uplink", Document: "change.md", Operator: "ann", Timeout: timeout,
		Change: &netstate.Change{Edits: []netstate.Edit{{Op: netstate.Add, After: netstate.Object{Sysctl: &netstate.Sysctl{Key: a.file}}}}}}
}

func (a *armed) arm(g executors.Guard) {
	a.t.Helper()
	if err := a.Arm(a.t.Context(), g, executors.Footing{}, a.start); err != nil {
		a.t.Fatal(err)
	}
}

func (a *armed) kill() {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, pid := range a.pids {
		syscall.Kill(pid, syscall.SIGKILL)
	}
}

func (a *armed) undone() int {
	b, _ := os.ReadFile(a.file)
	return strings.Count(string(b), "undone\n")
}

func (a *armed) state(id string) executors.GuardState {
	a.t.Helper()
	all, err := a.List()
	if err != nil {
		a.t.Fatal(err)
	}
	for _, g := range all {
		if g.ID == id {
			return g
		}
	}
	a.t.Fatalf("no guard %s in %v", id, all)
	return executors.GuardState{}
}

func (a *armed) until(id string, p executors.Phase) executors.GuardState {
	a.t.Helper()
	for limit := time.Now().Add(time.Minute); ; time.Sleep(5 * time.Millisecond) {
		g := a.state(id)
		if g.Phase == p {
			return g
		}
		if time.Now().After(limit) {
			a.t.Fatalf("guard is %s, not %s", g.Phase, p)
		}
	}
}

func code(err error) string {
	var e *executors.Error
	if errors.As(err, &e) {
		return e.Code
	}
	return fmt.Sprint(err)
}

func TestConfirm(t *testing.T) {
	a := newStore(t)
	a.arm(a.guard("r/1", time.Minute))
	g := a.state("r/1")
	if g.Phase != executors.Armed || g.Left < 50*time.Second || g.Step != "uplink" || g.Operator != "ann" {
		t.Errorf("got %+v", g)
	}
	if err := a.Confirm(t.Context(), "r/1"); err != nil {
		t.Fatal(err)
	}
	if err := a.Confirm(t.Context(), "r/1"); err != nil {
		t.Errorf("confirming twice: %v", err)
	}
	if g := a.state("r/1"); g.Phase != executors.Confirmed || g.Ended.IsZero() {
		t.Errorf("got %+v", g)
	}
	if _, err := a.Revert(t.Context(), "r/1", back{}); code(err) != "changed" {
		t.Errorf("reverting a confirmed guard: %v", err)
	}
	a.arm(a.guard("r/2", time.Minute)) // the namespace is free again
	if a.undone() != 0 {
		t.Error("a confirmed change was undone")
	}
}

func TestDeadline(t *testing.T) {
	a := newStore(t)
	g := a.guard("r", 300*time.Millisecond)
	g.Commands = []executors.Command{
		{Argv: []string{"echo", "going back"}},
		{Argv: []string{"sh", "-c", "true # own script"}, Title: strings.Repeat("set -u\n", 9) + "one\ntwo\nthree\n"},
		{Argv: []string{"sh", "-c", "echo there"}, Title: "ip link del br0\nip link show\n"},
	}
	a.arm(g)
	s := a.until("r", executors.Reverted)
	want := "$ echo going back\ngoing back\n$ set -u\n" + strings.Repeat("> set -u\n", 8) + "> one\n> [2 more lines]\n$ ip link del br0\n> ip link show\nthere\n"
	if s.Output != want || s.Result == nil || s.Result.Done != 1 || s.Ended.Before(s.Deadline.Add(-50*time.Millisecond)) {
		t.Errorf("got %+v", s)
	}
	if n := a.undone(); n != 1 {
		t.Errorf("undone %d times", n)
	}
	if err := a.Confirm(t.Context(), "r"); code(err) != "reverted" {
		t.Errorf("confirming: %v", err)
	}
	if p, err := a.Pending(); p != nil || err != nil {
		t.Errorf("pending: %v, %v", p, err)
	}
}

func TestRevertNow(t *testing.T) {
	a := newStore(t)
	a.arm(a.guard("r", time.Minute))
	for range 2 { // the second one tells the same
		s, err := a.Revert(t.Context(), "r", nil)
		if err != nil || s.Phase != executors.Reverted {
			t.Fatalf("got %+v, %v", s, err)
		}
	}
	if n := a.undone(); n != 1 {
		t.Errorf("undone %d times", n)
	}
}

func TestIncomplete(t *testing.T) {
	a := newStore(t)
	for id, spoil := range map[string]func(*executors.Guard){
		"command": func(g *executors.Guard) { g.Commands = []executors.Command{{Argv: []string{"false"}}} },
		"missing": func(g *executors.Guard) { g.Commands = []executors.Command{{Argv: []string{"/no/such"}}} },
		"change":  func(g *executors.Guard) { g.Change.Edits[0].After.Sysctl.Key = "refuse" },
	} {
		g := a.guard(id, time.Minute)
		spoil(&g)
		a.arm(g)
		if s, err := a.Revert(t.Context(), id, nil); err != nil || s.Phase != executors.Incomplete {
			t.Errorf("%s: got %+v, %v", id, s, err)
		}
	}
	if n := a.undone(); n != 2 {
		t.Errorf("the state was restored %d times; it must be whatever the commands do", n)
	}
}

func TestSecondIsRefused(t *testing.T) {
	a := newStore(t)
	a.arm(a.guard("r/1", time.Minute))
	err := a.Arm(t.Context(), a.guard("r/2", time.Minute), executors.Footing{}, a.start)
	if code(err) != "locked" || !strings.Contains(err.Error(), "change.md") || !strings.Contains(err.Error(), "ann") {
		t.Errorf("got %v", err)
	}
}

func TestLost(t *testing.T) {
	a := newStore(t)
	a.arm(a.guard("r", time.Minute))
	a.kill()
	a.until("r", executors.Lost)
	if err := a.Arm(t.Context(), a.guard("s", time.Minute), executors.Footing{}, a.start); code(err) != "locked" {
		t.Errorf("got %v", err)
	}
	s, err := a.Revert(t.Context(), "r", back{})
	if err != nil || s.Phase != executors.Reverted || a.undone() != 1 {
		t.Errorf("got %+v, %v", s, err)
	}
}

func TestUnknown(t *testing.T) {
	a := newStore(t)
	if err := a.Confirm(t.Context(), "x"); code(err) != "not-found" {
		t.Errorf("got %v", err)
	}
	if _, err := a.Revert(t.Context(), "../x", back{}); code(err) != "not-found" {
		t.Errorf("got %v", err)
	}
}

func TestProcessDoesNotStart(t *testing.T) {
	a := newStore(t)
	for name, start := range map[string]func(string, *os.File) error{
		"missing": func(string, *os.File) error { return exec.Command("/no/such").Start() },
		"silent":  func(string, *os.File) error { return nil },
		"refused": func(dir string, w *os.File) error { _, err := io.WriteString(w, "no such thing\n"); return err },
	} {
		if err := a.Arm(t.Context(), a.guard(name, time.Minute), executors.Footing{}, start); err == nil {
			t.Errorf("%s: armed", name)
		}
	}
	if all, err := a.List(); len(all) != 0 || err != nil {
		t.Errorf("left %v, %v", all, err)
	}
}

// TestNobodyListens: a process whose starter died leaves nothing that could be
// taken for a guard.
func TestNobodyListens(t *testing.T) {
	a := newStore(t)
	err := a.Arm(t.Context(), a.guard("r", time.Minute), executors.Footing{}, func(dir string, _ *os.File) error {
		r, w, err := os.Pipe()
		if err != nil {
			return err
		}
		r.Close()
		if err := guard.Serve(t.Context(), dir, w, back{}); err == nil {
			t.Error("it served for nobody")
		}
		if all, err := a.List(); len(all) != 0 || err != nil {
			t.Errorf("left %v, %v", all, err)
		}
		return errors.New("the starter died")
	})
	if err == nil {
		t.Error("armed")
	}
}

// TestRace confirms at the very moment of the deadline: either the change
// stands and was not undone, or it was undone and the confirmation was refused.
func TestRace(t *testing.T) {
	a := newStore(t)
	both := [2]int{}
	for i := range 30 {
		id := fmt.Sprint("r", i)
		a.file = filepath.Join(a.dir, id)
		const timeout = 120 * time.Millisecond
		start := time.Now()
		a.arm(a.guard(id, timeout))
		time.Sleep(time.Until(start.Add(timeout + time.Duration(i-10)*500*time.Microsecond)))
		var errs [4]error
		var wg sync.WaitGroup
		for j := range errs {
			wg.Go(func() { errs[j] = a.Confirm(context.Background(), id) })
		}
		wg.Wait()
		for _, err := range errs[1:] {
			if (err == nil) != (errs[0] == nil) {
				t.Fatalf("answers differ: %v", errs)
			}
		}
		if errs[0] == nil {
			both[0]++
			time.Sleep(60 * time.Millisecond)
			if a.state(id).Phase != executors.Confirmed || a.undone() != 0 {
				t.Fatalf("confirmed, but %+v, undone %d times", a.state(id), a.undone())
			}
			continue
		}
		both[1]++
		if code(errs[0]) != "reverted" {
			t.Fatal(errs[0])
		}
		a.until(id, executors.Reverted)
		if a.undone() != 1 {
			t.Fatalf("undone %d times", a.undone())
		}
	}
	t.Logf("confirmed %d, reverted %d", both[0], both[1])
}

func TestOldOutcomesGo(t *testing.T) {
	a := newStore(t)
	a.arm(a.guard("old", time.Minute))
	s, err := a.Revert(t.Context(), "old", nil)
	if err != nil {
		t.Fatal(err)
	}
	s.Ended = time.Now().Add(-8 * 24 * time.Hour)
	b, _ := json.Marshal(s)
	files, _ := filepath.Glob(filepath.Join(a.dir, "guards", "*", "outcome"))
	if len(files) != 1 || os.WriteFile(files[0], b, 0o600) != nil {
		t.Fatal(files)
	}
	for range 2 {
		if all, err := a.List(); len(all) != 0 || err != nil {
			t.Fatalf("got %v, %v", all, err)
		}
	}
	if left, _ := os.ReadDir(filepath.Dir(files[0])); len(left) != 0 {
		t.Error("the directory is still there")
	}
}

// A disk that fills up after a guard was armed keeps it neither from a decision
// nor from telling its outcome, whether it has no more blocks or no more inodes; one
// that is full before is said at once.
func TestFullDisk(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("mounting a tmpfs needs root")
	}
	for name, c := range map[string]struct {
		options string
		more    func(dir string, n int) error
	}{
		"blocks": {"size=512k,mode=700", func(dir string, _ int) error {
			f, err := os.OpenFile(filepath.Join(dir, "filler"), os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
			if err != nil {
				return err
			}
			defer f.Close()
			_, err = f.Write(make([]byte, 4096))
			return err
		}},
		"inodes": {"nr_inodes=48,mode=700", func(dir string, n int) error {
			return os.Mkdir(filepath.Join(dir, "filler", strconv.Itoa(n)), 0o700)
		}},
	} {
		t.Run(name, func(t *testing.T) { fullDisk(t, c.options, c.more) })
	}
}

func fullDisk(t *testing.T, options string, more func(dir string, n int) error) {
	a := newStore(t)
	dir := filepath.Join(a.dir, "guards")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, options); err != nil {
		t.Skipf("mounting a tmpfs: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	filler, n := filepath.Join(dir, "filler"), 0
	fill := func() {
		var err error
		for ; err == nil; n++ {
			err = more(dir, n)
		}
		if !errors.Is(err, syscall.ENOSPC) {
			t.Fatal(err)
		}
	}
	mkfiller := func() {
		if strings.HasPrefix(options, "nr_inodes") {
			if err := os.Mkdir(filler, 0o700); err != nil {
				t.Fatal(err)
			}
		}
	}
	mkfiller()
	a.arm(a.guard("one", time.Minute))
	fill()
	if err := a.Confirm(t.Context(), "one"); err != nil {
		t.Errorf("confirming: %v", err)
	}
	a.until("one", executors.Confirmed)
	if err := os.RemoveAll(filler); err != nil {
		t.Fatal(err)
	}
	mkfiller()
	a.arm(a.guard("two", time.Second))
	fill()
	a.until("two", executors.Reverted)
	if n := a.undone(); n != 1 {
		t.Errorf("it was led back %d times", n)
	}
	fill()
	err := a.Arm(t.Context(), a.guard("three", time.Minute), executors.Footing{}, a.start)
	var full *executors.Error
	if !errors.As(err, &full) || full.Code != "no-space" || full.Remedy == "" {
		t.Errorf("arming on a full disk: %v", err)
	}
}

// The guard's process has no room for its first file, its parent had for all of its
// own: that is a full disk, too.
func TestFullForProcess(t *testing.T) {
	a := newStore(t)
	err := a.Arm(t.Context(), a.guard("g", time.Minute), executors.Footing{}, func(_ string, ready *os.File) error {
		_, err := ready.WriteString("write /run/stet/guards/g/.ready-1: no space left on device\n")
		return err
	})
	var full *executors.Error
	if !errors.As(err, &full) || full.Code != "no-space" || full.Remedy == "" {
		t.Errorf("arming: %v", err)
	}
}

// TestFooting: what keeps the process is told as long as the guard is known.
func TestFooting(t *testing.T) {
	a := newStore(t)
	f := executors.Footing{Kept: executors.OwnSession, EndsWithLogin: true}
	if err := a.Arm(t.Context(), a.guard("g", time.Minute), f, a.start); err != nil {
		t.Fatal(err)
	}
	for _, phase := range []executors.Phase{executors.Armed, executors.Confirmed} {
		all, err := a.List()
		if err != nil || len(all) != 1 || all[0].Phase != phase || all[0].Footing != f {
			t.Errorf("%s: %+v %v", phase, all, err)
		}
		if err := a.Confirm(t.Context(), "g"); err != nil {
			t.Fatal(err)
		}
	}
}
