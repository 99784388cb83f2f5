//go:build linux

package linux

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"stet/executors/netstate"
)

// picture is a card with its virtual functions as iproute2 shows it.
func (ns *namespace) picture(name string) string {
	return ns.run("ip", "-d", "-j", "link", "show", name)
}

// TestVirtualFunctions makes virtual functions, changes each of their settings, makes
// more and fewer of them, and undoes each of it: `ip -d -j` shows what it showed
// before, to the byte. The commands that are printed make the same of another card.
func TestVirtualFunctions(t *testing.T) {
	ns := newNamespace(t)
	name, device := ns.simulatedCard()
	block := func(sriov string) string {
		return "interfaces: [{name: " + name + ", ethernet: {sr-iov: " + sriov + "}}]"
	}
	shows := func(when string, want ...string) {
		t.Helper()
		now := ns.run("ip", "link", "show", name)
		for _, w := range want {
			if !strings.Contains(now, w) {
				t.Errorf("%s: ip does not say %q:\n%s", when, w, now)
			}
		}
	}
	settings := []string{
		"{vfs: [{id: 0, mac-address: '02:00:00:00:0a:01'}, {id: 1, max-tx-rate: 200}]}", "link/ether 02:00:00:00:0a:01", "max_tx_rate 200Mbps",
		"{vfs: [{id: 0, vlan-id: 5}, {id: 1, min-tx-rate: 100}]}", "vlan 5,", "max_tx_rate 200Mbps, min_tx_rate 100Mbps",
		"{vfs: [{id: 0, qos: 3, vlan-proto: 802.1ad}, {id: 1, spoof-check: true}]}", "vlan 5, qos 3, vlan protocol 802.1ad", "spoof checking on",
		"{vfs: [{id: 0, trust: true}, {id: 1, link-state: disable, query-rss: true}]}", "trust on", "link-state disable, trust off, query_rss on",
	}
	before := ns.picture(name)
	made := ns.apply(block("{total-vfs: 2}"))
	shows("two", "vf 0 ", "vf 1 ")
	ns.undo(made)
	if diff := cmp.Diff(before, ns.picture(name)); diff != "" {
		t.Errorf("none, again (-before +now):\n%s", diff)
	}
	ns.runAll(netstate.IP(made))
	shows("two, by the commands", "vf 0 ", "vf 1 ")
	for n := 0; n < len(settings); n += 3 {
		before := ns.picture(name)
		change := ns.apply(block(settings[n]))
		shows(settings[n], settings[n+1], settings[n+2])
		after := ns.picture(name)
		ns.undo(change)
		if diff := cmp.Diff(before, ns.picture(name)); diff != "" {
			t.Errorf("%s, undone (-before +now):\n%s", settings[n], diff)
		}
		ns.runAll(netstate.IP(change))
		if diff := cmp.Diff(after, ns.picture(name)); diff != "" {
			t.Errorf("%s: the commands %q make another (-stet +ip):\n%s", settings[n], netstate.IP(change), diff)
		}
	}
	ns.facts()
	two := ns.picture(name)
	for _, c := range []struct{ sriov, says string }{
		{"{total-vfs: 3, vfs: [{id: 2, trust: true}]}", "total-vfs 2 → 3 (those that are there go away and come anew)"},
		{"{total-vfs: 1}", "total-vfs 2 → 1 (those that are there go away and come anew)"},
		{"{total-vfs: 0, vfs: []}", "total-vfs 2 → 0 (those that are there go away)"},
	} {
		change := ns.plan(block(c.sriov))
		if said := netstate.Text(change); !strings.Contains(said, c.says) {
			t.Errorf("%s: the plan does not say %q:\n%s", c.sriov, c.says, said)
		}
		change = ns.apply(block(c.sriov))
		after := ns.picture(name)
		ns.undo(change)
		if diff := cmp.Diff(two, ns.picture(name)); diff != "" {
			t.Errorf("%s, undone (-before +now):\n%s", c.sriov, diff)
		}
		ns.runAll(netstate.IP(change))
		if diff := cmp.Diff(after, ns.picture(name)); diff != "" {
			t.Errorf("%s: the commands %q make another (-stet +ip):\n%s", c.sriov, netstate.IP(change), diff)
		}
		ns.undo(change)
	}
	if said := ns.refused(block("{vfs: [{id: 2, trust: true}]}")); !strings.Contains(said, "there is no virtual function 2: they are 2, from 0 on") {
		t.Errorf("a virtual function too many: %q", said)
	}
	ns.representatives(name, device)
}

// representatives has the card make interfaces that stand for its virtual functions,
// which come and go with them: the plan says so, and refuses where one is used.
func (ns *namespace) representatives(name, device string) {
	t := ns.t
	t.Helper()
	other := func(total string) string {
		return "interfaces: [{name: " + name + ", ethernet: {sr-iov: {total-vfs: " + total + "}}}]"
	}
	ns.apply(other("0"))
	ns.run("modprobe", "netdevsim")
	if out, err := ns.try("devlink", "dev", "eswitch", "set", "netdevsim/"+device, "mode", "switchdev"); err != nil {
		t.Skip("the card's other mode wants devlink(8): " + out)
	}
	ns.apply(other("2"))
	card := find(t, ns.observe(netstate.Query{Links: true, Ethtool: true}), name)
	own := strings.Split(card.Attrs[netstate.VFInterfaces], ",")
	if len(own) != 2 {
		t.Fatalf("the interfaces of virtual functions are %q", own)
	}
	if said := netstate.Text(ns.plan(other("0"))); !strings.Contains(said, "(those that are there go away, with "+own[0]+", "+own[1]+")") {
		t.Errorf("what goes is not said: %s", said)
	}
	ns.run("ip", "address", "add", "192.0.2.1/24", "dev", own[1])
	for _, total := range []string{"0", "1", "3"} {
		if said := ns.refused(other(total)); !strings.Contains(said, own[1]+", which has the address 192.0.2.1/24") {
			t.Errorf("the address goes with %s: %q", total, said)
		}
	}
	ns.run("ip", "address", "flush", "dev", own[1])
	ns.run("ip", "link", "add", "br0", "type", "bridge")
	ns.run("ip", "link", "set", own[0], "master", "br0")
	if said := ns.refused(other("0")); !strings.Contains(said, own[0]+", which is a port of br0") {
		t.Errorf("a port goes: %q", said)
	}
	ns.run("ip", "link", "delete", "br0")
	change := ns.apply(other("1"))
	ns.undo(change)
	ns.apply(other("0"))
}

// TestVirtualFunctionsFiles: another number is written by way of none, and the
// interfaces of those that are made are waited for where drivers look for them. The
// folder stands for a card on PCI.
func TestVirtualFunctionsFiles(t *testing.T) {
	device := t.TempDir()
	write := func(file, text string) {
		t.Helper()
		if err := os.MkdirAll(filepath.Dir(filepath.Join(device, file)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(device, file), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if _, capable, err := countVFs(device); capable || err != nil {
		t.Errorf("a device without the file can have virtual functions: %v", err)
	}
	if err := makeVFs(context.Background(), device, "0", "2"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("what cannot be written: %v", err)
	}
	write("sriov_numvfs", "0\n")
	if is, capable, err := countVFs(device); is != "0" || !capable || err != nil {
		t.Errorf("%q, %v, %v", is, capable, err)
	}
	write("sriov_drivers_autoprobe", "1\n")
	write("virtfn0/net/eth5/mtu", "1500")
	write("virtfn1/vendor", "0x8086")
	if boundVFs(device) {
		t.Error("one of two has no interface yet")
	}
	late := make(chan error, 1)
	go func() {
		time.Sleep(50 * time.Millisecond)
		late <- os.MkdirAll(device+"/virtfn1/net/eth6", 0o755)
	}()
	if err := makeVFs(context.Background(), device, "0", "2"); err != nil {
		t.Fatal(err)
	}
	if err := <-late; err != nil || !boundVFs(device) {
		t.Errorf("it is not waited for: %v", err)
	}
	if is, _, _ := countVFs(device); !strings.HasPrefix(is, "2") {
		t.Errorf("%q are made", is)
	}
	write("virtfn2/vendor", "0x8086")
	if err := writeNumber(device+autoprobe, "0"); err != nil || !boundVFs(device) {
		t.Errorf("one whose driver does not look for it is waited for: %v", err)
	}
}

// TestVirtualFunctionsRead reads what a driver tells that has little: what it does
// not have has all bits set, and stays out.
func TestVirtualFunctionsRead(t *testing.T) {
	var m message
	info := m.nest(unix.IFLA_VF_INFO)
	m.attr(unix.IFLA_VF_MAC, append(words32(3, 2, 0, 0, 0, 0, 9), make([]byte, 26)...))
	m.attr(unix.IFLA_VF_VLAN, words32(3, words32(5, words32(2)...)...))
	m.attr(unix.IFLA_VF_SPOOFCHK, words32(3, words32(1)...))
	m.attr(unix.IFLA_VF_TRUST, words32(3, words32(^uint32(0))...))
	m.attr(unix.IFLA_VF_LINK_STATE, words32(3, words32(2)...))
	list := m.nest(unix.IFLA_VF_VLAN_LIST)
	m.attr(unix.IFLA_VF_VLAN_INFO, words32(3, words32(5, words32(2, 0x88, 0xa8, 0, 0)...)...))
	m.endNest(list)
	m.endNest(info)
	short := m.nest(unix.IFLA_VF_INFO)
	m.attr(unix.IFLA_VF_MAC, []byte{1})
	m.endNest(short)
	want := []netstate.Entry{{"id": "3", "mac-address": "02:00:00:00:00:09", "vlan-id": "5", "qos": "2", "vlan-proto": "802.1ad", "spoof-check": "true", "link-state": "disable"}}
	if diff := cmp.Diff(want, decodeVFs(m.b)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
