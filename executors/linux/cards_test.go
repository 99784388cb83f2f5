//go:build linux

package linux

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"stet/executors/netstate"
	"stet/executors/netstate/netyaml"
)

// card is the name of the machine's network card with a driver, which is loaded
// (scripts/vmrun/machine.go has the cards); "" until it is there.
func card(driver string) string {
	cards, _ := filepath.Glob("/sys/class/net/*/device/driver")
	for _, path := range cards {
		if to, _ := os.Readlink(path); filepath.Base(to) == driver {
			return strings.Split(path, "/")[4]
		}
	}
	return ""
}

func inInitial(t *testing.T, drivers ...string) *namespace {
	t.Helper()
	if !inMachine() {
		t.Skip("the cards are those of make test-vm")
	}
	n, err := Open(Options{NS: -1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = n.Close() })
	ns := newNamespace(t)
	for _, driver := range drivers {
		ns.run("modprobe", driver)
	}
	return &namespace{t: t, Namespace: n}
}

// TestCard sets what the driver of a real card has: rings, speed and duplex;
// ethtool(8) sees it, undone it is as before, and what the driver does not have
// is refused.
func TestCard(t *testing.T) {
	inInitial(t, "e1000")
	eventually(t, "the card", func() bool { return card("e1000") != "" })
	name := card("e1000")
	ns := newNamespace(t)
	if out, err := ns.try("nsenter", "-t", "1", "-n", "ip", "link", "set", name, "netns", ns.name); err != nil {
		t.Fatal(err, out)
	}
	ns.run("ip", "link", "set", name, "up")
	carrier := func() {
		eventually(t, "the carrier", func() bool { return find(t, ns.observe(everything), name).Status["carrier"] == "true" })
	}
	carrier()
	settings := func() string { return ns.run("ethtool", "-g", name) }
	before := settings()
	if i := find(t, ns.observe(netstate.Query{Links: true, Ethtool: true}), name); i.Attrs["ethtool.ring.rx"] != "256" || i.Status["ethtool.ring.rx-max"] != "4096" {
		t.Errorf("rings are read as %q of %q", i.Attrs["ethtool.ring.rx"], i.Status["ethtool.ring.rx-max"])
	}
	change := ns.apply("interfaces: [{name: " + name + ", ethtool: {ring: {rx: 1024, tx: 512}}}]")
	now := settings()
	for _, want := range []string{"RX:\t\t1024", "TX:\t\t512"} {
		if !strings.Contains(now, want) {
			t.Errorf("ethtool does not say %q:\n%s", want, now)
		}
	}
	ns.undo(change)
	if diff := cmp.Diff(before, settings()); diff != "" {
		t.Errorf("undone (-before +now):\n%s", diff)
	}
	carrier()
	ns.pause(name)
	carrier()
	// The duplex is what was negotiated, and the driver wants to be told both.
	// QEMU's card takes them, and stays as fast as it was.
	slow := ns.plan("interfaces: [{name: " + name + ", ethernet: {auto-negotiation: false, speed: 100, duplex: full}}]")
	if _, err := ns.Edit(context.Background(), slow.Edits); err != nil {
		t.Fatal(err)
	}
	carrier()
	ns.undo(slow)
	if said := ns.run("ethtool", name); !strings.Contains(said, "Auto-negotiation: on") {
		t.Errorf("undone:\n%s", said)
	}
	carrier()
	for attrs, want := range map[string]string{
		"ethtool: {ring: {rx: 8192}}":         "ethtool.ring.rx is 8192, and its driver has 4096 at most",
		"ethtool: {ring: {rx-jumbo: 9}}":      "its driver has no ethtool.ring.rx-jumbo",
		"ethtool: {channels: {combined: 4}}":  "its driver has no ethtool.channels.combined",
		"ethtool: {coalesce: {rx-frames: 9}}": "its driver has no ethtool.coalesce.rx-frames",
		"ethernet: {speed: 100}":              "speed and duplex are negotiated",
	} {
		if said := ns.refused("interfaces: [{name: " + name + ", " + attrs + "}]"); !strings.Contains(said, want) {
			t.Errorf("%s: %q", attrs, said)
		}
	}
}

// pause takes the card's pause frames from what is negotiated to what is set, and
// back. While they are negotiated, the driver says what became of it as rx and tx,
// anew with each link: that is nobody's wish, and no difference.
func (ns *namespace) pause(name string) {
	ns.t.Helper()
	said := func(want ...string) {
		ns.t.Helper()
		now := strings.Join(strings.Fields(ns.run("ethtool", "-a", name)), " ")
		for _, w := range want {
			if !strings.Contains(now, w) {
				ns.t.Errorf("ethtool does not say %q: %s", w, now)
			}
		}
	}
	block := func(pause string) string {
		return "interfaces: [{name: " + name + ", ethtool: {pause: " + pause + "}}]"
	}
	is := find(ns.t, ns.observe(netstate.Query{Links: true, Ethtool: true}), name).Attrs
	said("Autonegotiate: on")
	if refused := ns.refused(block("{rx: " + strconv.FormatBool(is["ethtool.pause.rx"] != "true") + "}")); !strings.Contains(refused, "pause frames are negotiated") {
		ns.t.Errorf("what is negotiated can be set: %q", refused)
	}
	change := ns.apply(block("{autoneg: false, rx: true, tx: false}"))
	said("Autonegotiate: off", "RX: on", "TX: off")
	ns.facts()
	on := ns.apply(block("{autoneg: true, rx: true, tx: false}"))
	said("Autonegotiate: on")
	ns.facts()
	ns.undo(on)
	said("Autonegotiate: off", "RX: on", "TX: off")
	ns.undo(change)
	said("Autonegotiate: on")
	ns.facts()
}

// TestFailoverCard has the kernel pair two cards (net_failover): facts tell the
// standby and the primary by whose ports they are, and ethtool(8) each by its
// driver. What stet does elsewhere touches none of them.
func TestFailoverCard(t *testing.T) {
	ns := inInitial(t, "virtio_net", "e1000e")
	paired := func() (list []netstate.Interface) {
		s := ns.observe(netstate.Query{Links: true, Ethtool: true})
		for _, i := range s.Interfaces {
			if i.Attrs["mac-address"] == "52:54:00:00:0f:01" {
				list = append(list, i)
			}
		}
		return list
	}
	eventually(t, "the primary", func() bool {
		return len(paired()) == 3 && card("e1000e") != "" && find(t, ns.observe(everything), card("e1000e")).Attrs["controller"] != ""
	})
	primary := find(t, ns.observe(netstate.Query{Links: true, Ethtool: true}), card("e1000e"))
	master := find(t, ns.observe(netstate.Query{Links: true, Ethtool: true}), primary.Attrs["controller"])
	standby := netstate.Interface{}
	for _, i := range paired() {
		if i.Name != primary.Name && i.Name != master.Name {
			standby = i
		}
	}
	if master.Type != "ethernet" || master.Attrs["controller"] != "" || standby.Type != "ethernet" || standby.Attrs["controller"] != master.Name {
		t.Errorf("master %+v, standby %+v", master.Attrs, standby.Attrs)
	}
	for _, c := range []struct {
		i    netstate.Interface
		want string
	}{{master, "net_failover"}, {standby, "virtio_net"}, {primary, "e1000e"}} {
		if got := c.i.Status["driver"]; got != c.want {
			t.Errorf("%s has the driver %q, not %s", c.i.Name, got, c.want)
		}
		out, err := exec.Command("ethtool", "-i", c.i.Name).Output()
		if err != nil || !strings.HasPrefix(string(out), "driver: "+c.want+"\n") {
			t.Errorf("the driver of %s is not %s: %v\n%s", c.i.Name, c.want, err, out)
		}
	}
	block := netyaml.Encode(ns.observe(everything))
	if change := ns.plan(block); !change.Empty() {
		t.Errorf("facts, pasted back, change:\n%s", netstate.Text(change))
	}
	change := ns.plan("interfaces: [{name: d0, type: dummy}]")
	for _, e := range change.Edits {
		if l := object(&e).Link; l == nil || l.Name != "d0" {
			t.Errorf("the plan has %s", e.String())
		}
	}
	up := ns.apply("interfaces: [{name: " + master.Name + ", state: up, ipv4: {enabled: true, address: [{ip: 192.0.2.9, prefix-length: 24}]}}]")
	eventually(t, "the pair's carrier", func() bool {
		both := 0
		for _, i := range paired() {
			if i.Attrs["controller"] == master.Name && i.Status["carrier"] == "true" {
				both++
			}
		}
		return both == 2
	})
	back := netstate.Undo(up, ns.observe(up.Query()))
	if _, err := ns.Edit(context.Background(), back.Edits); err != nil {
		t.Fatal(err)
	}
	for _, m := range netstate.VerifyUndone(up, ns.observe(up.Query())) {
		t.Errorf("undone: %+v", m)
	}
}
