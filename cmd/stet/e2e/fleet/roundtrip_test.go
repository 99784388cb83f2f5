//go:build linux

package fleet

import (
	"fmt"
	"io"
	"net"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// far is a link with a delay, in this process: a connection to one of its
// addresses comes out at the host's, and each way takes half a round trip.
func (f *fleet) far(host string, roundTrip time.Duration) (port int) {
	f.t.Helper()
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		f.t.Fatal(err)
	}
	var all sync.WaitGroup
	all.Go(func() {
		for {
			near, err := l.Accept()
			if err != nil {
				return
			}
			away, err := net.Dial("tcp4", host)
			if err != nil {
				near.Close()
				continue
			}
			all.Go(func() { late(away, near, roundTrip/2) })
			all.Go(func() { late(near, away, roundTrip/2) })
		}
	})
	f.t.Cleanup(func() {
		l.Close()
		all.Wait()
	})
	return l.Addr().(*net.TCPAddr).Port
}

// late copies from one connection to another, all of it d later: no sooner, and some
// hundredths of a millisecond later than that.
func late(to, from net.Conn, d time.Duration) {
	runtime.LockOSThread() // for exactly; the thread ends with the goroutine
	type piece struct {
		at   time.Time
		text []byte
	}
	pieces := make(chan piece, 10_000)
	go func() {
		defer close(pieces)
		for {
			text := make([]byte, 32<<10)
			n, err := from.Read(text)
			if n > 0 {
				pieces <- piece{time.Now().Add(d), text[:n]}
			}
			if err != nil {
				return
			}
		}
	}()
	defer to.Close()
	defer from.Close()
	for p := range pieces {
		exactly(p.at)
		if _, err := to.Write(p.text); err != nil {
			_, _ = io.Copy(io.Discard, from) // its reader ends, too
			return
		}
	}
}

// exactly sleeps until a moment. A link is never late: a goroutine that sleeps is,
// by up to a millisecond, since the runtime waits in milliseconds for what is to
// come; and a thread by a twentieth, for what its kernel takes as good enough. So the
// last of it is waited for awake.
func exactly(at time.Time) {
	const awake = 200 * time.Microsecond
	if d := time.Until(at) - awake; d > 0 {
		nap := syscall.NsecToTimespec(int64(d))
		_ = syscall.Nanosleep(&nap, nil) // interrupted, the rest is waited for awake
	}
	for time.Now().Before(at) {
	}
}

// bare is what a byte there and back takes over a link with a delay, at best half
// of the time.
func (f *fleet) bare(roundTrip time.Duration) time.Duration {
	f.t.Helper()
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		f.t.Fatal(err)
	}
	defer l.Close()
	go func() {
		if c, err := l.Accept(); err == nil {
			_, _ = io.Copy(c, c) // ends with the connection
			c.Close()
		}
	}()
	c, err := net.Dial("tcp4", fmt.Sprintf("127.0.0.1:%d", f.far(l.Addr().String(), roundTrip)))
	if err != nil {
		f.t.Fatal(err)
	}
	defer c.Close()
	var took []time.Duration
	for range 21 {
		start := time.Now()
		if _, err = c.Write([]byte{1}); err == nil {
			_, err = io.ReadFull(c, make([]byte, 1))
		}
		if err != nil {
			f.t.Fatal(err)
		}
		took = append(took, time.Since(start))
	}
	return median(took)
}

// commands is a runbook of one-line commands, each a step of its own.
func commands(count int) string {
	var b strings.Builder
	for i := range count {
		fmt.Fprintf(&b, "```sh { run name=s%d }\ntrue\n```\n\n", i)
	}
	return b.String()
}

// behindFar is a fleet of one host at the end of a link with a delay.
func behindFar(t testing.TB, roundTrip time.Duration) *fleet {
	t.Helper()
	f := newFleet(t, 1)
	f.sshd("host", f.hosts)
	port := f.far(f.hosts[0]+":22", roundTrip)
	f.write("config", f.read("config")+fmt.Sprintf("  HostName 127.0.0.1\n  Port %d\n  HostKeyAlias %s\n", port, f.hosts[0]))
	f.run(f.document(commands(1))) // the agent is there
	return f
}

// TestRoundTrips: a step on a connected host costs one round trip. Two runs that
// differ in the number of their steps differ by that many round trips; the delay
// is so long that a second one a step would be seen on any machine, each time. What
// else a busy machine does is not there each time.
func TestRoundTrips(t *testing.T) {
	const few, many, roundTrip, tries = 2, 14, 400 * time.Millisecond, 3
	f := behindFar(t, roundTrip)
	for try := 1; ; try++ {
		some := f.run(f.document(commands(few))).wall
		more := f.run(f.document(commands(many))).wall
		steps := (more - some).Seconds() / roundTrip.Seconds() / (many - few)
		t.Logf("%d steps took %v, %d took %v: %.2f round trips a step", few, some.Round(time.Millisecond), many, more.Round(time.Millisecond), steps)
		if more < many*roundTrip {
			t.Fatal("the link is not as slow as it should be")
		}
		if steps <= 1.6 {
			return
		}
		if try == tries {
			t.Fatalf("%.2f round trips a step, want 1", steps)
		}
	}
}
