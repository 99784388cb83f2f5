package transaction_test

import (
	"context"
	"errors"
	"net/netip"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"stet/executors"
	"stet/executors/fake"
	"stet/executors/netstate"
	"stet/executors/transaction"
)

func prefix(s string) netip.Prefix { return netip.MustParsePrefix(s) }

func via(dst, gateway string) netstate.Route {
	return netstate.Route{Destination: prefix(dst), Table: 254, Protocol: 4, Type: "unicast",
		NextHops: []netstate.NextHop{{Device: "eth0", Via: netip.MustParseAddr(gateway)}}}
}

// before is a machine with a bit of everything.
func before() *netstate.State {
	s := &netstate.State{
		Interfaces: []netstate.Interface{
			{Name: "eth0", Type: "ethernet", Index: 2, Attrs: netstate.Attrs{"state": "up", "mtu": "1500", "mac-address": "02:00:00:00:00:01"},
				Addresses: []netstate.Address{{Prefix: prefix("192.0.2.1/24")}, {Prefix: prefix("2001:db8::1/64")}}},
			{Name: "old0", Type: "linux-bridge", Index: 3, Attrs: netstate.Attrs{"state": "up", "mtu": "1500", "mac-address": "02:00:00:00:00:03"},
				Addresses: []netstate.Address{{Prefix: prefix("198.51.100.1/24")}}},
		},
		Routes:    []netstate.Route{via("10.0.0.0/8", "192.0.2.2"), via("10.1.0.0/16", "192.0.2.2")},
		Rules:     []netstate.Rule{{Family: 4, Priority: 100, From: prefix("10.0.0.0/8"), Action: "lookup", Table: 7}},
		Neighbors: []netstate.Neighbor{{Device: "eth0", IP: netip.MustParseAddr("192.0.2.9"), MAC: "02:00:00:00:00:09", State: "permanent"}},
		FDB:       []netstate.FDBEntry{{Device: "old0", MAC: "02:00:00:00:00:77", Owner: "self", State: "permanent"}},
		Sysctls:   map[string]string{"net.ipv4.tcp_ecn": "2"},
	}
	s.Sort()
	return s
}

// after is what it is to become: each kind of object added, changed, removed.
func after() *netstate.State {
	s := before()
	s.Interfaces = append(s.Interfaces[:1], netstate.Interface{Name: "br0", Type: "linux-bridge", Attrs: netstate.Attrs{"state": "up", "mtu": "1500"},
		Addresses: []netstate.Address{{Prefix: prefix("203.0.113.1/24")}}})
	s.Interfaces[0].Attrs["mtu"] = "1400"
	s.Interfaces[0].Addresses[0] = netstate.Address{Prefix: prefix("192.0.2.1/24"), ValidLifetime: 500, PreferredLifetime: 400}
	s.Routes = []netstate.Route{via("10.0.0.0/8", "192.0.2.3"), via("10.2.0.0/16", "192.0.2.2")}
	s.Rules = []netstate.Rule{{Family: 4, Priority: 200, From: prefix("10.0.0.0/8"), Action: "lookup", Table: 7}}
	s.Neighbors[0].MAC = "02:00:00:00:00:0a"
	s.FDB = nil
	s.Sysctls["net.ipv4.tcp_ecn"] = "1"
	s.Sort()
	return s
}

func change(t testing.TB) *netstate.Change {
	t.Helper()
	c := netstate.Diff(before(), after())
	if len(c.Edits) < 10 {
		t.Fatalf("the change has %d edits only:\n%s", len(c.Edits), netstate.Text(c))
	}
	return c
}

// sent counts the edits that are sent.
func sent(c *netstate.Change) (n int) {
	for _, e := range c.Edits {
		if !e.Implied {
			n++
		}
	}
	return n
}

// same compares states, but for what only the kernel fills in.
func same(t testing.TB, what string, want, got *netstate.State) {
	t.Helper()
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty(), cmp.Comparer(func(a, b netip.Prefix) bool { return a == b }),
		cmp.Comparer(func(a, b netip.Addr) bool { return a == b })); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

func TestApply(t *testing.T) {
	m, c := fake.New(before()), change(t)
	r, err := transaction.Apply(context.Background(), m, c)
	if err != nil || !r.OK() || r.Done != len(c.Edits) {
		t.Fatalf("%+v, %v", r, err)
	}
	if left := netstate.Verify(c, m.State()); len(left) > 0 {
		t.Errorf("it differs: %v", left)
	}
	if len(m.Lines()) < sent(c) {
		t.Errorf("%d edits gave the lines %q", sent(c), m.Lines())
	}
	for range 2 { // undoing twice is undoing once
		if r, err := transaction.Undo(context.Background(), m, c); err != nil || !r.OK() || !r.Undone {
			t.Fatalf("undoing: %+v, %v", r, err)
		}
		same(t, "undone", before(), m.State())
	}
	count := m.Count()
	if _, err := transaction.Undo(context.Background(), m, c); err != nil || m.Count() != count {
		t.Errorf("undoing what is undone sent %d edits, %v", m.Count()-count, err)
	}
}

// TestRefusals fails at every edit in turn: each time all is as before.
func TestRefusals(t *testing.T) {
	c := change(t)
	for n := 1; n <= sent(c); n++ {
		m := fake.New(before())
		m.Refuse(n, syscall.ENETUNREACH, "Nexthop has invalid gateway")
		r, err := transaction.Apply(context.Background(), m, c)
		var refused *executors.EditError
		if !errors.As(err, &refused) || r.Failed == nil || r.Failed.Message != "network is unreachable: Nexthop has invalid gateway" {
			t.Errorf("edit %d: %+v, %v", n, r, err)
			continue
		}
		if r.Failed.Index != r.Done || c.Edits[r.Done].Implied || r.Failed.Edit != c.Edits[r.Done].String() {
			t.Errorf("edit %d: it says %+v after %d", n, r.Failed, r.Done)
		}
		if !r.Undone || r.UndoError != "" || len(r.Remains) > 0 || r.OK() {
			t.Errorf("edit %d was not undone: %+v", n, r)
		}
		same(t, "after a refusal", before(), m.State())
	}
}

// TestCancel ends the context in the midst of every edit: in the bubble time goes on
// when the edit waits, and not before.
func TestCancel(t *testing.T) { synctest.Test(t, cancelled) }

func cancelled(t *testing.T) {
	c := change(t)
	for n := 1; n <= sent(c); n++ {
		m := fake.New(before())
		m.Hang(n)
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Millisecond)
		r, err := transaction.Apply(ctx, m, c)
		cancel()
		if !errors.Is(err, context.DeadlineExceeded) || !r.Undone || r.Failed == nil {
			t.Errorf("edit %d: %+v, %v", n, r, err)
		}
		same(t, "after it was cancelled", before(), m.State())
	}
}

// TestLies has an edit succeed that was not done: reading back tells.
func TestLies(t *testing.T) { synctest.Test(t, lies) }

func lies(t *testing.T) {
	c := change(t)
	n := 0
	for i, e := range c.Edits {
		if e.Implied {
			continue
		}
		n++
		m := fake.New(before())
		m.Drop(n)
		r, err := transaction.Apply(context.Background(), m, c)
		if err == nil && r.OK() {
			t.Errorf("edit %d (%s) was not done, and it is well", i, e)
		}
		if r, err := transaction.Undo(context.Background(), m, c); err != nil || !r.Undone {
			t.Errorf("undoing without edit %d (%s): %+v, %v", i, e, r, err)
		}
		same(t, "undone", before(), m.State())
	}
}

// TestChanged lets somebody else change an object between planning and
// applying: nothing is touched.
func TestChanged(t *testing.T) {
	for name, meddle := range map[string]func(*netstate.State){
		"route gone":   func(s *netstate.State) { s.Routes = s.Routes[1:] },
		"link changed": func(s *netstate.State) { s.Interface("eth0").Attrs["mtu"] = "9000" },
		"link made": func(s *netstate.State) {
			s.Interfaces = append(s.Interfaces, netstate.Interface{Name: "br0", Type: "linux-bridge"})
		},
		"sysctl": func(s *netstate.State) { s.Sysctls["net.ipv4.tcp_ecn"] = "0" },
	} {
		t.Run(name, func(t *testing.T) {
			m := fake.New(before())
			m.Meanwhile(meddle)
			was := m.State()
			_, err := transaction.Apply(context.Background(), m, change(t))
			var e *executors.Error
			if !errors.As(err, &e) || e.Code != "changed" || e.Remedy == "" {
				t.Errorf("the error is %v", err)
			}
			if m.Count() != 0 {
				t.Errorf("%d edits were sent", m.Count())
			}
			same(t, "untouched", was, m.State())
		})
	}
}

// TestOthers lets somebody else make an object that the change does not name:
// undoing leaves it alone.
func TestOthers(t *testing.T) {
	c := change(t)
	m := fake.New(before())
	foreign := via("10.99.0.0/16", "192.0.2.9")
	m.Between(3, func(s *netstate.State) { s.Routes = append(s.Routes, foreign) })
	m.Refuse(6, syscall.EPERM, "")
	if r, _ := transaction.Apply(context.Background(), m, c); !r.Undone {
		t.Fatalf("%+v", r)
	}
	want := before()
	want.Routes = append(want.Routes, foreign)
	want.Sort()
	same(t, "undone, the others' route left", want, m.State())
}

// TestStuck has the kernel refuse an edit of the undoing each time: the rest is
// undone, and the result says what is not.
func TestStuck(t *testing.T) { synctest.Test(t, stuck) }

func stuck(t *testing.T) {
	c := &netstate.Change{Edits: []netstate.Edit{
		{Op: netstate.Delete, Before: netstate.Object{Neighbor: &netstate.Neighbor{Device: "gone0", IP: netip.MustParseAddr("10.0.0.1"), MAC: "02:00:00:00:00:01", State: "permanent"}}},
		{Op: netstate.Modify, Before: netstate.Object{Sysctl: &netstate.Sysctl{Key: "net.ipv4.tcp_ecn", Value: "1"}}, After: netstate.Object{Sysctl: &netstate.Sysctl{Key: "net.ipv4.tcp_ecn", Value: "2"}}},
	}}
	m := fake.New(before())
	r, err := transaction.Undo(context.Background(), m, c)
	if err != nil || r.Undone || r.UndoError == "" || r.Failed == nil || len(r.Remains) != 1 || r.OK() {
		t.Errorf("%+v, %v", r, err)
	}
	if got := m.State().Sysctls["net.ipv4.tcp_ecn"]; got != "1" {
		t.Errorf("the rest was not undone: tcp_ecn is %s", got)
	}
}

// TestMalformed: a change that cannot have been planned touches nothing.
func TestMalformed(t *testing.T) {
	link := &netstate.Interface{Name: "eth0", Type: "ethernet", Attrs: netstate.Attrs{"mtu": "1400"}}
	for _, e := range []netstate.Edit{
		{}, {Op: netstate.Modify, After: netstate.Object{Link: link}}, {Op: netstate.Delete, After: netstate.Object{Link: link}},
		{Op: netstate.Add, After: netstate.Object{Link: link, Sysctl: &netstate.Sysctl{}}}, {Op: "else", Before: netstate.Object{Link: link}, After: netstate.Object{Link: link}},
		{Op: netstate.Modify, Before: netstate.Object{Link: link}, After: netstate.Object{Sysctl: &netstate.Sysctl{}}},
	} {
		m := fake.New(before())
		c := &netstate.Change{Edits: []netstate.Edit{e}}
		if _, err := transaction.Apply(context.Background(), m, c); err == nil {
			t.Errorf("applied: %+v", e)
		}
		if r, err := transaction.Undo(context.Background(), m, c); err == nil || r.Undone {
			t.Errorf("undone: %+v", e)
		}
		now, err := m.Observe(context.Background(), netstate.Query{Links: true})
		if err != nil || now.Interface("eth0").Attrs["mtu"] != "1500" {
			t.Errorf("touched: %+v %v", e, err)
		}
	}
}
