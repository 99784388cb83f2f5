package local

import (
	"context"
	"os"
	"testing"

	"stet/executors"
	"stet/executors/netstate"
)

// setDNS asks for name servers and returns the change that was made.
func setDNS(t *testing.T, s executors.Session, servers ...string) *netstate.Change {
	t.Helper()
	c := &netstate.Config{DNS: &netstate.DNSConfig{Servers: &servers, Search: &[]string{}}}
	before, err := s.Observe(context.Background(), c.Query())
	if err != nil {
		t.Fatal(err)
	}
	to, _, problems := netstate.Simulate(before, c)
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	change := netstate.Diff(before, to)
	if r, err := s.Apply(context.Background(), change); err != nil || !r.OK() {
		t.Fatalf("%+v, %v", r, err)
	}
	return change
}

func undoDNS(t *testing.T, s executors.Session, c *netstate.Change) {
	t.Helper()
	if r, err := s.Undo(context.Background(), c); err != nil || !r.OK() || !r.Undone {
		t.Fatalf("%+v, %v", r, err)
	}
}

const seesDNS = "grep nameserver /etc/resolv.conf"

// TestDNSOfNetns: commands of an open session see a file that comes, changes
// and goes; the machine's own is never touched.
func TestDNSOfNetns(t *testing.T) {
	needRoot(t)
	machine, err := os.ReadFile(etcResolvConf)
	if err != nil {
		t.Skip("the machine has no " + etcResolvConf)
	}
	name := netnsName()
	etcOf(t, name, nil)
	s := opening(newHost(t), executors.Target{Name: "lab", Address: "netns://" + name, Create: true})(t)
	outside := run(t, s, "cat /etc/resolv.conf")
	first := setDNS(t, s, "192.0.2.1")
	if out := run(t, s, seesDNS); out != "nameserver 192.0.2.1\n" {
		t.Errorf("a new file: %q", out)
	}
	second := setDNS(t, s, "192.0.2.2", "192.0.2.3")
	if out := run(t, s, seesDNS); out != "nameserver 192.0.2.2\nnameserver 192.0.2.3\n" {
		t.Errorf("a changed file: %q", out)
	}
	undoDNS(t, s, second)
	if out := run(t, s, seesDNS); out != "nameserver 192.0.2.1\n" {
		t.Errorf("back: %q", out)
	}
	undoDNS(t, s, first)
	if out := run(t, s, "cat /etc/resolv.conf"); out != outside {
		t.Errorf("back to none: %q, not %q", out, outside)
	}
	if now, err := os.ReadFile(etcResolvConf); err != nil || string(now) != string(machine) {
		t.Errorf("the machine's became %q, %v", now, err)
	}
}

// TestDNSOfSandbox: a sandbox has a file of its own.
func TestDNSOfSandbox(t *testing.T) {
	machine, err := os.ReadFile(etcResolvConf)
	if err != nil {
		t.Skip("the machine has no " + etcResolvConf)
	}
	h := newHost(t)
	s := opening(h, executors.Target{Name: "box", Address: "sandbox"})(t)
	other := opening(h, executors.Target{Name: "other", Address: "sandbox"})(t)
	before := run(t, s, "cat /etc/resolv.conf")
	c := setDNS(t, s, "192.0.2.1")
	if out := run(t, s, seesDNS); out != "nameserver 192.0.2.1\n" {
		t.Errorf("it sees %q", out)
	}
	if out := run(t, other, "cat /etc/resolv.conf"); out != before {
		t.Errorf("another sandbox sees %q", out)
	}
	undoDNS(t, s, c)
	if out := run(t, s, "cat /etc/resolv.conf"); out != before {
		t.Errorf("back: %q, not %q", out, before)
	}
	if now, err := os.ReadFile(etcResolvConf); err != nil || string(now) != string(machine) {
		t.Errorf("the machine's became %q, %v", now, err)
	}
}
