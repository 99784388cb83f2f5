package netyaml

import (
	"net/netip"
	"strings"
	"testing"

	"stet/executors/netstate"
)

// sriovCard is a card with two virtual functions, one of which has an interface, as
// the kernel tells it.
func sriovCard() *netstate.State {
	vfs := netstate.AttrByKey(netstate.VFs)
	var list []netstate.Entry
	for _, id := range []string{"0", "1"} {
		list = append(list, netstate.Entry{"id": id, "mac-address": "00:00:00:00:00:00", "vlan-id": "0", "qos": "0", "vlan-proto": "802.1q",
			"min-tx-rate": "0", "max-tx-rate": "0", "spoof-check": "true", "link-state": "auto"})
	}
	card := netstate.Attrs{"state": "up", "mtu": "1500", netstate.TotalVFs: "2", netstate.VFAutoprobe: "true", netstate.VFs: vfs.List(list), netstate.VFInterfaces: "eth2"}
	return &netstate.State{Interfaces: []netstate.Interface{
		{Name: "eth0", Type: "ethernet", Index: 2, Attrs: card, Status: netstate.Attrs{netstate.TotalVFs + "-max": "8"}},
		{Name: "eth1", Type: "ethernet", Index: 3, Attrs: netstate.Attrs{"state": "up", "mtu": "1500"}},
		{Name: "eth2", Type: "ethernet", Index: 4, Attrs: netstate.Attrs{"state": "down", "mtu": "1500"}},
	}}
}

func planSRIOV(t *testing.T, from *netstate.State, name, sriov string) (string, *netstate.Change) {
	t.Helper()
	c, problems := Decode("interfaces: [{name: " + name + ", ethernet: {sr-iov: " + sriov + "}}]")
	if len(problems) > 0 {
		return "decoded: " + problems[0].Summary, nil
	}
	to, _, problems := netstate.Simulate(from, c)
	if len(problems) > 0 {
		return problems[0].Summary, nil
	}
	change := netstate.Diff(from, to)
	return strings.TrimSpace(netstate.Text(change)), change
}

// TestVirtualFunctions: what is said of virtual functions is what changes, and what
// cannot be is refused by the plan.
func TestVirtualFunctions(t *testing.T) {
	const anew = "/sys/class/net/eth0/device/sriov_numvfs"
	for _, c := range []struct{ name, sriov, want, ip string }{
		{"eth0", "{total-vfs: 2}", "", ""},
		{"eth0", "{vfs: []}", "", ""},
		{"eth0", "{total-vfs: 2, drivers-autoprobe: true, vfs: [{id: 1, spoof-check: true, iface-name: eth9}]}", "", ""},
		{"eth0", "{vfs: [{id: 1, mac-address: '02:00:00:00:00:0A', vlan-id: 5}]}", "! link eth0 vf 1 mac-address 00:00:00:00:00:00 → 02:00:00:00:00:0a, vlan-id 0 → 5",
			"ip link set dev eth0 vf 1 mac 02:00:00:00:00:0a vlan 5 qos 0 proto 802.1q"},
		{"eth0", "{vfs: [{id: 0, max-tx-rate: 10, spoof-check: false}]}", "! link eth0 vf 0 max-tx-rate 0 → 10, spoof-check true → false",
			"ip link set dev eth0 vf 0 min_tx_rate 0 max_tx_rate 10 spoofchk off"},
		{"eth0", "{drivers-autoprobe: false}", "! link eth0 ethernet.sr-iov.drivers-autoprobe true → false", "echo 0 > /sys/class/net/eth0/device/sriov_drivers_autoprobe"},
		{"eth0", "{total-vfs: 0}", "! link eth0 ethernet.sr-iov.total-vfs 2 → 0 (those that are there go away, with eth2)", "echo 0 > " + anew},
		{"eth0", "{total-vfs: 9}", "eth0: ethernet.sr-iov.total-vfs is 9, and its driver has 8 at most", ""},
		{"eth0", "{vfs: [{id: 2, qos: 1}]}", "eth0: there is no virtual function 2: they are 2, from 0 on", ""},
		{"eth0", "{vfs: [{id: 0, trust: true}]}", "eth0: its driver has no trust of virtual functions", ""},
		{"eth0", "{vfs: [{id: 0, vlan-proto: 802.1ad}]}", "eth0: virtual function 0: 802.1ad without a VLAN", ""},
		{"eth0", "{vfs: [{id: 0, min-tx-rate: 20, max-tx-rate: 3}]}", "eth0: virtual function 0: min-tx-rate is 20, and max-tx-rate 3", ""},
		{"eth0", "{vfs: [{id: 0, mac-address: '01:00:00:00:00:00'}]}", "eth0: virtual function 0: mac-address 01:00:00:00:00:00 is a group's", ""},
		{"eth1", "{total-vfs: 0, vfs: []}", "", ""},
		{"eth1", "{total-vfs: 1}", "eth1: its driver has no virtual functions", ""},
		{"eth1", "{vfs: [{id: 0}]}", "eth1: its driver has no virtual functions", ""},
		{"eth0", "{vfs: [{qos: 1}]}", "decoded: an entry of `vfs` without `id`", ""},
		{"eth0", "{vfs: [{id: 0, vlan-id: 4096}]}", "decoded: `vlan-id`: \"4096\" is no number from 0 to 4095", ""},
		{"eth0", "{vfs: [{id: 0}, {id: 0}]}", "decoded: `vfs` has 0 twice", ""},
	} {
		got, change := planSRIOV(t, sriovCard(), c.name, c.sriov)
		if ip := strings.Join(netstate.IP(change), "; "); got != c.want || ip != c.ip {
			t.Errorf("%s %s:\n%q, %q, want\n%q, %q", c.name, c.sriov, got, ip, c.want, c.ip)
		}
	}
}

// TestVirtualFunctionName: nmstate's name for the interface of a virtual function is
// refused by what it is, not for its colons.
func TestVirtualFunctionName(t *testing.T) {
	_, problems := Decode("interfaces: [{name: 'sriov:eth0:1', mtu: 1500}]")
	if len(problems) != 1 || !strings.Contains(problems[0].Summary, "the card and the number of its virtual function") || problems[0].Pos.Column != 21 {
		t.Errorf("%+v", problems)
	}
}

// TestVirtualFunctionsAnew: with another number all of them come anew, and those
// that stay are made what they were.
func TestVirtualFunctionsAnew(t *testing.T) {
	from := sriovCard()
	said, change := planSRIOV(t, from, "eth0", "{total-vfs: 3, vfs: [{id: 2, vlan-id: 7}]}")
	if said != "! link eth0 ethernet.sr-iov.total-vfs 2 → 3 (those that are there go away and come anew, with eth2)\n! link eth0 vf 2 vlan-id unknown → 7" {
		t.Errorf("the plan says:\n%s", said)
	}
	commands := strings.Join(netstate.IP(change), "\n")
	for _, want := range []string{"echo 0 > /sys/class/net/eth0/device/sriov_numvfs\necho 3 > ", "vf 0 mac 00:00:00:00:00:00 vlan 0 qos 0 proto 802.1q min_tx_rate 0 max_tx_rate 0 spoofchk on state auto", "vf 2 vlan 7"} {
		if !strings.Contains(commands, want) {
			t.Errorf("no %q in:\n%s", want, commands)
		}
	}
	back := netstate.Undo(change, netstate.Predict(from, change))
	if said := netstate.Text(back); !strings.Contains(said, "total-vfs 3 → 2") {
		t.Errorf("the way back is:\n%s", said)
	}
	facts := Encode(from)
	if !strings.Contains(facts, "total-vfs: 2") || strings.Contains(facts, "autoprobe") {
		t.Errorf("facts:\n%s", facts)
	}
}

// TestVirtualFunctionsInUse: none goes away whose interface is used, and a change of
// their number touches a connection that leads through one.
func TestVirtualFunctionsInUse(t *testing.T) {
	use := map[string]func(s *netstate.State){
		"has the address 192.0.2.2/24": func(s *netstate.State) {
			s.Interfaces[2].Addresses = []netstate.Address{{Prefix: netip.MustParsePrefix("192.0.2.2/24")}}
		},
		"is a port of br0": func(s *netstate.State) {
			s.Interfaces[2].Attrs["controller"] = "br0"
			s.Interfaces = append(s.Interfaces, netstate.Interface{Name: "br0", Type: "linux-bridge", Index: 9, Attrs: netstate.Attrs{"state": "up"}})
		},
		"carries v0": func(s *netstate.State) {
			s.Interfaces = append(s.Interfaces, netstate.Interface{Name: "v0", Type: "vlan", Index: 9, Attrs: netstate.Attrs{"state": "up", "vlan.base-iface": "eth2", "vlan.id": "4"}})
		},
		"has the route to 198.51.100.0/24": func(s *netstate.State) {
			s.Routes = []netstate.Route{{Destination: netip.MustParsePrefix("198.51.100.0/24"), Table: 254, Protocol: 4, NextHops: []netstate.NextHop{{Device: "eth2"}}}}
		},
	}
	for why, make := range use {
		for _, total := range []string{"0", "1", "3"} {
			from := sriovCard()
			make(from)
			from.Sort()
			if said, _ := planSRIOV(t, from, "eth0", "{total-vfs: "+total+"}"); !strings.HasSuffix(said, "and with them eth2, which "+why) {
				t.Errorf("%s virtual functions where one %s: %q", total, why, said)
			}
		}
	}
	from := sriovCard()
	_, change := planSRIOV(t, from, "eth0", "{total-vfs: 0}")
	use["has the address 192.0.2.2/24"](from)
	lines := netstate.WayIn(from, change, netip.MustParseAddr("192.0.2.2"), netip.MustParseAddr("192.0.2.3"))
	if len(lines) != 1 || !strings.Contains(lines[0], "eth0 carries the connection") {
		t.Errorf("the way in through eth2 is touched by %q", lines)
	}
}
