//go:build linux

package ssh

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"stet/executors"
	"stet/executors/netstate"
	"stet/executors/netstate/netyaml"
)

// remote opens a session by the real agent to a host behind a link.
func remote(t *testing.T, config string) (*bed, *server, *Opener, executors.Remote) {
	t.Helper()
	b := newBed(t)
	s := b.behindLink(t)
	a := ownAgent(t)
	a.Args = []string{"agent", "serve"}
	o := opener(t, b.dialer(t, config, Options{}), a)
	session, err := o.Open(bounded(t), executors.Target{Name: "r1", Address: "ssh://" + s.address})
	if err != nil {
		t.Fatal(err)
	}
	r, ok := session.(executors.Remote)
	if !ok {
		t.Fatalf("%T is no Remote", session)
	}
	return b, s, o, r
}

// carriers are the processes of sshd that carry connections.
func (s *server) carriers(t *testing.T) []int {
	t.Helper()
	var pids []int
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range stats {
		pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(path)))
		text, err := os.ReadFile(path)
		if err != nil {
			continue
		}
		if f := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:])); f[1] == strconv.Itoa(s.process.Pid) {
			pids = append(pids, pid)
		}
	}
	return pids
}

func shell(text string) executors.Command { return executors.Command{Argv: []string{"sh", "-c", text}} }

func codeOf(err error) string {
	var e *executors.Error
	if errors.As(err, &e) {
		return e.Code
	}
	return ""
}

func TestReconnect(t *testing.T) {
	_, s, o, r := remote(t, "")
	ctx := bounded(t)
	way, err := r.Way(ctx)
	if err != nil || way.Local.String() != "10.91.1.2" || way.Peer.String() != "10.91.1.1" {
		t.Errorf("%+v %v", way, err)
	}
	l := executors.Lock{Run: "01RUN", Operator: "ann", Document: "/a.md", Since: "2026-01-02T03:04:05Z"}
	if err := r.Lock(ctx, l); err != nil {
		t.Fatal(err)
	}
	if err := r.Reconnect(ctx); err != nil {
		t.Fatal(err)
	}
	if n := s.logins(); n != 2 {
		t.Errorf("%d logins, want 2", n)
	}
	other, err := o.Open(ctx, executors.Target{Name: "again", Address: "ssh://" + s.address})
	if err != nil {
		t.Fatal(err)
	}
	if err := other.Lock(ctx, executors.Lock{Run: "02RUN"}); codeOf(err) != "locked" || !strings.Contains(err.Error(), "ann") {
		t.Errorf("another operation's lock: %v", err)
	}
	// The old connection may hang for ever, with a command on it.
	began := make(chan error, 1)
	go func() {
		_, err := r.Run(ctx, shell("exec sleep 7131"), executors.Output{})
		began <- err
	}()
	running := func() bool { return exists(t, "sleep 7131") }
	until(t, "the command runs", running)
	for _, pid := range s.carriers(t) {
		if err := syscall.Kill(pid, syscall.SIGSTOP); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = syscall.Kill(pid, syscall.SIGCONT) })
	}
	if err := r.Reconnect(ctx); err != nil {
		t.Fatal(err)
	}
	if running() {
		t.Error("what the lost connection was doing goes on")
	}
	if _, err := r.Info(ctx); err != nil {
		t.Error(err)
	}
	third, err := o.Open(ctx, executors.Target{Name: "third", Address: "ssh://" + s.address})
	if err != nil {
		t.Fatal(err)
	}
	if err := third.Lock(ctx, executors.Lock{Run: "02RUN"}); codeOf(err) != "locked" {
		t.Errorf("the lock was lost with the connection: %v", err)
	}
	for _, pid := range s.carriers(t) {
		_ = syscall.Kill(pid, syscall.SIGCONT)
	}
	if err := <-began; err == nil {
		t.Error("the command that was ended returned without an error")
	}
	if err := errors.Join(r.Close(), r.Close(), other.Close(), third.Close()); err != nil {
		t.Error(err)
	}
	if _, err := r.Info(ctx); codeOf(err) != "unreachable" {
		t.Errorf("a closed session: %v", err)
	}
	if err := o.Close(); err != nil {
		t.Error(err)
	}
	until(t, "the agents have gone", func() bool { return !exists(t, "agent serve") })
}

// A connection that dies is replaced; a command on it is not run again.
func TestDropped(t *testing.T) {
	_, s, _, r := remote(t, "")
	ctx := bounded(t)
	log := filepath.Join(s.dir, "log")
	ended := make(chan error, 1)
	go func() {
		_, err := r.Run(ctx, shell("echo begun >>"+log+"; sleep 7132"), executors.Output{})
		ended <- err
	}()
	until(t, "the command has begun", func() bool { text, _ := os.ReadFile(log); return len(text) > 0 })
	for _, pid := range s.carriers(t) {
		if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
	}
	if err := <-ended; codeOf(err) != "unreachable" {
		t.Errorf("the command ended with %v", err)
	}
	if _, err := r.Observe(ctx, netstate.Query{Links: true}); err != nil {
		t.Errorf("after the connection died: %v", err)
	}
	if text, _ := os.ReadFile(log); string(text) != "begun\n" {
		t.Errorf("the command ran %d times", strings.Count(string(text), "\n"))
	}
	until(t, "the command has ended", func() bool { return !exists(t, "sleep 7132") })
}

// A guard is armed whenever the connection dies under it.
func TestArmDropped(t *testing.T) {
	_, s, _, r := remote(t, "")
	ctx := bounded(t)
	if err := r.Lock(ctx, executors.Lock{Run: "01RUN", Operator: "ann", Document: "/a.md", Since: "2026-01-02T03:04:05Z"}); err != nil {
		t.Fatal(err)
	}
	c := change(t, r, "interfaces: [{name: far, mtu: 1400}]")
	dropped := 0
	for i := range 12 {
		id := strconv.Itoa(i)
		carriers := s.carriers(t)
		timer := time.AfterFunc(time.Duration(i)*3*time.Millisecond, func() {
			for _, pid := range carriers {
				_ = syscall.Kill(pid, syscall.SIGKILL)
			}
		})
		if _, err := r.Arm(ctx, executors.Guard{ID: id, Run: "01RUN", Step: "drop", Document: "/a.md", Timeout: time.Minute, Change: c}); err != nil {
			t.Fatalf("guard %d: %v", i, err)
		}
		if !timer.Stop() {
			dropped++
		}
		all, err := r.Guards(ctx)
		if err != nil || len(all) == 0 || all[0].ID != id || all[0].Phase != executors.Armed {
			t.Fatalf("guard %d: %+v %v", i, all, err)
		}
		if err := r.Confirm(ctx, id); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("%d of 12 connections died under it", dropped)
	if dropped == 0 {
		t.Error("no connection died under it")
	}
}

// A change that cuts its own connection is noticed, and goes back by itself.
func TestCutOff(t *testing.T) {
	b, _, _, r := remote(t, "")
	ctx := bounded(t)
	// The kernel takes a moment to find the carrier, and makes the link-local
	// address then.
	before := ""
	until(t, "the link is up", func() bool {
		before = b.run(t, "ip", "-n", "far", "-d", "address")
		return strings.Contains(before, "state UP") && strings.Contains(before, "inet6 fe80") && !strings.Contains(before, "tentative")
	})
	c := change(t, r, "interfaces: [{name: far, state: down}]")
	if _, err := r.Arm(ctx, executors.Guard{ID: "cut", Run: "run", Step: "cut", Document: "/a.md", Timeout: 25 * time.Second, Change: c}); err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	if result, err := r.Apply(ctx, c); codeOf(err) != "unreachable" {
		t.Fatalf("after %v: %+v %v", time.Since(began), result, err)
	}
	if took := time.Since(began); took > 22*time.Second {
		t.Errorf("it took %v to notice", took)
	}
	for {
		short, cancel := context.WithTimeout(ctx, 2*time.Second)
		err := r.Reconnect(short)
		cancel()
		if err == nil {
			break
		}
		if ctx.Err() != nil {
			t.Fatal(err)
		}
	}
	all, err := r.Guards(ctx)
	if err != nil || len(all) != 1 || all[0].Phase != executors.Reverting && all[0].Phase != executors.Reverted {
		t.Errorf("%+v %v", all, err)
	}
	if g, err := r.Revert(ctx, "cut"); err != nil || g.Phase != executors.Reverted {
		t.Errorf("%+v %v", g, err)
	}
	after := ""
	for deadline := time.Now().Add(patience); after != before && time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		after = b.run(t, "ip", "-n", "far", "-d", "address")
	}
	if after != before {
		t.Errorf("it is not as before:\n%s\nbut\n%s", before, after)
	}
}

// change is what a netconfig asks for on a host.
func change(t *testing.T, s executors.Session, text string) *netstate.Change {
	t.Helper()
	config, problems := netyaml.Decode(text)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	now, err := s.Observe(bounded(t), config.Query())
	if err != nil {
		t.Fatal(err)
	}
	next, _, problems := netstate.Simulate(now, config)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	return netstate.Diff(now, next)
}

// exists tells whether a process has the words in its command line.
func exists(t *testing.T, words string) bool {
	t.Helper()
	files, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if text, err := os.ReadFile(f); err == nil && strings.Contains(strings.ReplaceAll(string(text), "\x00", " "), words) {
			return true
		}
	}
	return false
}

func until(t *testing.T, what string, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !done(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain: %s", what)
		}
	}
}
