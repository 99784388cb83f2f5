//go:build linux

package linux

import (
	"fmt"
	"os"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"stet/executors/netstate"
)

var simulations atomic.Int64

// simulatedCard makes a network card of the driver netdevsim, with four queues, in
// the namespace. It is the kernel's own simulation of a card: a driver with all
// settings, and no hardware (drivers/net/netdevsim).
func (ns *namespace) simulatedCard() (name, device string) {
	ns.t.Helper()
	if !inMachine() {
		ns.t.Skip("the simulated cards are those of make test-vm")
	}
	if why := os.Getenv("VMRUN_NETDEVSIM"); why != "" {
		ns.t.Skip("there is no module netdevsim: " + why)
	}
	ns.run("modprobe", "netdevsim")
	id := simulations.Add(1)
	device = fmt.Sprintf("netdevsim%d", id)
	// The card is in the namespace of who asks for it.
	ns.run("sh", "-c", fmt.Sprintf("echo '%d 1 4' >/sys/bus/netdevsim/new_device", id))
	ns.t.Cleanup(func() {
		if err := os.WriteFile("/sys/bus/netdevsim/del_device", fmt.Appendf(nil, "%d", id), 0); err != nil {
			ns.t.Error(err)
		}
	})
	for _, i := range ns.observe(netstate.Query{Links: true, Ethtool: true}).Interfaces {
		if i.Status["driver"] == "netdevsim" {
			name = i.Name
		}
	}
	if name == "" {
		ns.t.Fatal("no interface has the driver netdevsim")
	}
	return name, device
}

// TestSimulatedCard sets everything of which ethtool(8) has a group of options and
// the emulated cards have little: a second time is no change, ethtool shows what
// was asked for, and undone it shows what it showed before.
func TestSimulatedCard(t *testing.T) {
	ns := newNamespace(t)
	name, _ := ns.simulatedCard()
	coalesce := "rx-usecs rx-frames rx-usecs-irq rx-frames-irq tx-usecs tx-frames tx-usecs-irq tx-frames-irq" +
		" stats-block-usecs pkt-rate-low rx-usecs-low rx-frames-low tx-usecs-low tx-frames-low" +
		" pkt-rate-high rx-usecs-high rx-frames-high tx-usecs-high tx-frames-high sample-interval"
	var all, said []string
	for n, key := range strings.Fields(coalesce) {
		all = append(all, fmt.Sprintf("%s: %d", key, n+10))
		shown := strings.NewReplacer("frames-low", "frame-low", "frames-high", "frame-high").Replace(key) // as ethtool(8) spells them
		said = append(said, fmt.Sprintf("%s: %d ", shown, n+10))
	}
	said = append(said, "Adaptive RX: on TX: off")
	for _, c := range []struct {
		settings, flag string
		want           []string
	}{
		{"ring: {rx: 512, rx-mini: 64, rx-jumbo: 32, tx: 128}", "-g", []string{"RX: 512 RX Mini: 64 RX Jumbo: 32 TX: 128"}},
		{"ring: {tx: 4096}", "-g", []string{"TX: 4096"}},
		{"coalesce: {adaptive-rx: true, " + strings.Join(all, ", ") + "}", "-c", said},
		{"coalesce: {rx-frames: 9}", "-c", []string{"rx-frames: 9 "}},
		{"pause: {rx: true, tx: true}", "-a", []string{"Autonegotiate: off RX: on TX: on"}},
		{"pause: {rx: true}", "-a", []string{"RX: on TX: off"}},
		{"channels: {combined: 2}", "-l", []string{"Combined: 2"}},
	} {
		settings := func() string { return strings.Join(strings.Fields(ns.run("ethtool", c.flag, name)), " ") + " " }
		before := settings()
		block := "interfaces: [{name: " + name + ", ethtool: {" + c.settings + "}}]"
		change := ns.apply(block)
		now := settings()
		for _, want := range c.want {
			if !strings.Contains(now, want) {
				t.Errorf("%s: ethtool does not say %q: %s", c.settings, want, now)
			}
		}
		if again := ns.plan(block); !again.Empty() {
			t.Errorf("%s: a second time changes:\n%s", c.settings, netstate.Text(again))
		}
		ns.facts()
		ns.undo(change)
		if diff := cmp.Diff(before, settings()); diff != "" {
			t.Errorf("%s, undone (-before +now):\n%s", c.settings, diff)
		}
	}
	if said := ns.refused("interfaces: [{name: " + name + ", ethtool: {channels: {combined: 5}}}]"); !strings.Contains(said, "its driver has 4 at most") {
		t.Errorf("more channels than there are: %q", said)
	}
}

// TestForwardErrorCorrection sets each code, and the driver's own choice, from each
// other one: ethtool(8) shows it, and undone it shows what it showed before. The
// commands that are printed do the same.
func TestForwardErrorCorrection(t *testing.T) {
	ns := newNamespace(t)
	name, _ := ns.simulatedCard()
	block := func(fec string) string { return "interfaces: [{name: " + name + ", ethtool: {fec: " + fec + "}}]" }
	shown := func() string { return strings.Join(strings.Fields(ns.run("ethtool", "--show-fec", name)), " ") }
	if said := ns.refused(block("{mode: rs}")); !strings.Contains(said, "its driver has no ethtool.fec.mode") {
		t.Errorf("a driver that is told no code, and could not be told so again: %q", said)
	}
	for _, c := range []struct{ before, fec, want string }{
		{"auto", "{mode: rs}", "RS"}, {"rs", "{auto: true, mode: rs}", "Auto"}, {"auto rs", "{auto: false, mode: baser}", "BaseR"},
		{"rs baser", "{mode: llrs}", "LLRS"}, {"llrs", "{mode: off}", "Off"}, {"auto rs", "{auto: true}", ""},
	} {
		ns.run("sh", "-c", "ethtool --set-fec "+name+" encoding "+c.before)
		before := shown()
		if c.want == "" {
			if change := ns.plan(block(c.fec)); !change.Empty() {
				t.Errorf("%s after %s changes:\n%s", c.fec, c.before, netstate.Text(change))
			}
			continue
		}
		change := ns.apply(block(c.fec))
		now := shown()
		if !strings.Contains(now, "Configured FEC encodings: "+c.want+" Active") {
			t.Errorf("%s after %s: %s", c.fec, c.before, now)
		}
		ns.facts()
		ns.undo(change)
		if undone := shown(); undone != before {
			t.Errorf("%s after %s, undone: %s, not %s", c.fec, c.before, undone, before)
		}
		ns.runAll(netstate.IP(change))
		if printed := shown(); printed != now {
			t.Errorf("%s after %s: the commands make %s, not %s", c.fec, c.before, printed, now)
		}
	}
	ns.run("ethtool", "--set-fec", name, "encoding", "auto")
	if said := ns.refused(block("{auto: false}")); !strings.Contains(said, "the driver chooses the code") {
		t.Errorf("no choice and no code: %q", said)
	}
}
