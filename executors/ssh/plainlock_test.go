//go:build linux

package ssh

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"stet/executors"
)

// A host that runs no agent has a lock all the same: the second operator is told
// who holds it, since when, for which document. It ends with its session, however
// that ends.
func TestPlainLock(t *testing.T) {
	b := newBed(t)
	s := b.newServer(t)
	b.trust(t, s)
	mount(t, s.home+"/.cache", 0x8, "mode=700") // MS_NOEXEC
	mount(t, "/var/tmp", 0x8, "mode=1777")
	ctx := bounded(t)
	plain := func() executors.Session {
		t.Helper()
		o := opener(t, b.dialer(t, "", Options{}), ownAgent(t))
		session, err := o.Open(ctx, executors.Target{Name: "r1", Address: "ssh://" + s.address})
		if err != nil {
			t.Fatal(err)
		}
		if _, ok := session.(*plainSession); !ok {
			t.Fatalf("a %T", session)
		}
		return session
	}
	lock := func(run string) executors.Lock {
		return executors.Lock{Run: run, Document: "/home/alice/it's a $change!.md", Operator: "alice", Since: "2026-11-21T22:00:00Z", Target: "r1"}
	}
	must := func(what string, err error) {
		t.Helper()
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
	}
	files := func() string {
		all, err := filepath.Glob(s.home + "/.cache/stet/*")
		must("looking", err)
		return strings.Join(all, " ")
	}
	one, two := plain(), plain()
	must("the first", one.Lock(ctx, lock("01A")))
	refused := func(what string) {
		t.Helper()
		err := two.Lock(ctx, lock("01B"))
		var e *executors.Error
		if !errors.As(err, &e) || e.Code != "locked" || e.Op != "locking r1" || e.Remedy == "" ||
			!strings.Contains(e.Message, "alice holds it since 2026-11-21T22:00:00Z for /home/alice/it's a $change!.md (run 01A)") {
			t.Fatalf("%s: %v", what, err)
		}
	}
	refused("the second")
	refused("again")
	must("giving back", one.Unlock(ctx))
	if left := files(); left != "" {
		t.Errorf("left behind: %s", left)
	}
	must("the second, then", two.Lock(ctx, lock("01B")))

	// The connection of the holder ends.
	must("ending", two.(*plainSession).conn.Close())
	eventually(t, "the lock of a connection that ended is free", func() bool { return one.Lock(ctx, lock("01A")) == nil })

	// Its shell is killed, and cannot tidy up.
	who, err := os.ReadFile(files())
	must("reading", err)
	must("killing", exec.Command("kill", "-9", strings.Fields(string(who))[0]).Run())
	two = plain()
	eventually(t, "the lock of a shell that was killed is free", func() bool { return two.Lock(ctx, lock("01A")) == nil })

	// The same operation is taken up while its old session still hangs.
	one = plain()
	must("the same run", one.Lock(ctx, lock("01A")))
	two = plain()
	refused("after it was taken over")
	twin := lock("01A")
	twin.Target = "r1-by-address"
	if err := two.Lock(ctx, twin); codeOf(err) != "locked" || !strings.Contains(err.Error(), "one host with r1,") {
		t.Errorf("the same run by another name: %v", err)
	}
	must("giving back", one.Unlock(ctx))

	// A process of the same number that is another one holds nothing.
	must("forging", os.WriteFile(filepath.Join(s.home, ".cache/stet", lockName(t)),
		[]byte("1 12345x otherbootx -MDFB -e30\n"), 0o600))
	must("over a lock of an earlier boot", two.Lock(ctx, lock("01B")))
	must("giving back", two.Unlock(ctx))

	// Of many at once one gets it.
	var all sync.WaitGroup
	var mu sync.Mutex
	got := 0
	for range 6 {
		session := plain()
		all.Go(func() {
			if err := session.Lock(ctx, lock(token())); err == nil {
				mu.Lock()
				got++
				mu.Unlock()
			} else if e := (*executors.Error)(nil); !errors.As(err, &e) || e.Code != "locked" {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if got != 1 {
		t.Errorf("%d got the lock", got)
	}
}

// lockName is the file of the lock of this machine.
func lockName(t *testing.T) string {
	t.Helper()
	name, err := exec.Command("uname", "-n").Output()
	if err != nil {
		t.Fatal(err)
	}
	return "lock-" + strings.TrimSpace(string(name))
}

// eventually waits for what happens on the other side.
func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for !is() {
		select {
		case <-ctx.Done():
			t.Fatalf("%s: not within a minute", what)
		case <-time.After(100 * time.Millisecond):
		}
	}
}
