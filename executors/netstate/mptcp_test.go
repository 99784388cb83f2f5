package netstate_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"stet/executors/netstate"
	"stet/executors/netstate/netyaml"
)

// multipath is a namespace with endpoints of Multipath TCP.
func multipath() *netstate.State {
	s := &netstate.State{
		Interfaces: []netstate.Interface{
			{Name: "eth0", Type: "ethernet", Attrs: netstate.Attrs{"state": "up"}},
			{Name: "eth0.5", Type: "vlan", Attrs: netstate.Attrs{"state": "up", "vlan.base-iface": "eth0", "vlan.id": "5"}},
		},
		Xfrm: []netstate.Xfrm{
			{Sort: netstate.MPTCPLimits},
			{Sort: netstate.MPTCPEndpoint, Attrs: netstate.Attrs{"address": "192.0.2.1", "id": "1", "dev": "eth0.5", "subflow": "true"}},
			{Sort: netstate.MPTCPEndpoint, Attrs: netstate.Attrs{"address": "192.0.2.2", "id": "2", "signal": "true"}},
			{Sort: netstate.MPTCPEndpoint, Attrs: netstate.Attrs{"address": "2001:db8::1", "id": "3", "dev": "if77", "subflow": "true"}},
		},
	}
	s.Sort()
	return s
}

func TestMPTCPChanges(t *testing.T) {
	here := multipath()
	tests := []struct {
		name, block, text string
		ip                []string
	}{
		{"the same", "mptcp: {endpoints: [{address: 192.0.2.2, signal: true}], limits: {subflows: 2}}", "", nil},
		{"limits", "mptcp: {limits: {subflows: 4}}", "! mptcp limits subflows 2 → 4\n", []string{"ip mptcp limits set subflow 4 add_addr_accepted 0"}},
		{"flags that the kernel changes", "mptcp: {endpoints: [{address: 192.0.2.1, backup: true, fullmesh: true}]}",
			"! mptcp endpoint address 192.0.2.1 backup false → true, fullmesh false → true\n", []string{"ip mptcp endpoint change id 1 backup fullmesh"}},
		{"others", "mptcp: {endpoints: [{address: 192.0.2.2, backup: true, subflow: true}]}",
			"! mptcp endpoint address 192.0.2.2 subflow false → true, backup false → true (made anew: subflow cannot be changed)\n",
			[]string{"ip mptcp endpoint delete id 2", "ip mptcp endpoint add 192.0.2.2 id 2 signal subflow backup"}},
		{"the same address with a port is another", "mptcp: {endpoints: [{address: 192.0.2.2, port: 5000, signal: true}]}",
			"+ mptcp endpoint address 192.0.2.2 port 5000 signal true\n", []string{"ip mptcp endpoint add 192.0.2.2 port 5000 signal"}},
		{"gone first, then numbers that are given, then those that the kernel chooses", "mptcp: {endpoints: [{id: 2, state: absent}, {address: 192.0.2.3, signal: true}, {address: 192.0.2.4, id: 2}]}",
			"- mptcp endpoint address 192.0.2.2 id 2 signal true\n+ mptcp endpoint address 192.0.2.4 id 2\n+ mptcp endpoint address 192.0.2.3 signal true\n",
			[]string{"ip mptcp endpoint delete id 2", "ip mptcp endpoint add 192.0.2.4 id 2", "ip mptcp endpoint add 192.0.2.3 signal"}},
		{"an interface that is gone already", "mptcp: {endpoints: [{address: '2001:db8::1', dev: if77, backup: true}]}",
			"! mptcp endpoint address 2001:db8::1 backup false → true\n", []string{"ip mptcp endpoint change id 3 backup"}},
		{"with its interface, which is made anew", "interfaces: [{name: eth0.5, vlan: {id: 6}}]", "", []string{"ip mptcp endpoint delete id 1", "ip mptcp endpoint add 192.0.2.1 id 1 dev eth0.5 subflow"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			to, change := wish(t, here, tt.block)
			if got := netstate.Text(change); tt.text != "" && got != tt.text || len(tt.ip) == 0 && got != "" {
				t.Errorf("text:\n%s", cmp.Diff(tt.text, got))
			}
			var commands []string
			for _, line := range netstate.IP(change) {
				if strings.HasPrefix(line, "ip mptcp") {
					commands = append(commands, line)
				}
			}
			if diff := cmp.Diff(tt.ip, commands); diff != "" {
				t.Errorf("commands: %s", diff)
			}
			if err := change.Check(); err != nil {
				t.Error(err)
			}
			after := netstate.Predict(here, change)
			if diff := cmp.Diff(to.Xfrm, after.Xfrm); diff != "" && !change.Empty() {
				t.Errorf("predicted: %s", diff)
			}
			// The kernel gives a number to what has none.
			for i := range after.Xfrm {
				if x := &after.Xfrm[i]; x.Sort == netstate.MPTCPEndpoint && x.Attrs["id"] == "" {
					x.Attrs = netstate.Attrs{"address": x.Attrs["address"], "port": x.Attrs["port"], "signal": x.Attrs["signal"], "id": "99"}
				}
			}
			if found := netstate.Verify(change, after); len(found) > 0 {
				t.Errorf("read back: %+v", found)
			}
			back := netstate.Undo(change, after)
			if undone := netstate.Predict(after, back); cmp.Diff(here.Xfrm, undone.Xfrm) != "" {
				t.Errorf("undone: %s", cmp.Diff(here.Xfrm, undone.Xfrm))
			}
		})
	}
}

// TestMPTCPRefused wants what the kernel would refuse, or do otherwise, to be told
// before.
func TestMPTCPRefused(t *testing.T) {
	lacking := multipath()
	lacking.Xfrm, lacking.Lacks = nil, map[string]string{"mptcp": "it has none"}
	tests := []struct {
		name  string
		from  *netstate.State
		block string
		want  string
		line  int
	}{
		{"kernel", lacking, "mptcp: {limits: {subflows: 1}}", "`mptcp` is not possible: it has none", 1},
		{"a port and subflows", multipath(), "mptcp:\n  endpoints:\n  - {address: 192.0.2.1, port: 44, signal: true, subflow: true}", "cannot begin subflows", 3},
		{"a port in silence", multipath(), "mptcp:\n  endpoints:\n  - {address: 192.0.2.1, port: 44}", "is to be announced", 3},
		{"signal and fullmesh", multipath(), "mptcp:\n  endpoints:\n  - {address: 192.0.2.2, fullmesh: true}", "cannot have both `signal` and `fullmesh`", 3},
		{"a number twice", multipath(), "mptcp:\n  endpoints:\n  - {address: 192.0.2.9, id: 2}", "mptcp endpoint address 192.0.2.9 and mptcp endpoint address 192.0.2.2 cannot both have the `id` 2", 3},
		{"a number twice, given to the first", multipath(), "mptcp:\n  endpoints:\n  - {address: 192.0.2.1, id: 2}", "cannot both have the `id` 2", 3},
		{"no such interface", multipath(), "mptcp:\n  endpoints:\n  - {address: 192.0.2.1, dev: eth9}", "there is no interface eth9", 3},
		{"its interface goes", multipath(), "interfaces:\n- {name: eth0.5, state: absent}", "mptcp endpoint address 192.0.2.1 is on eth0.5", 2},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c, problems := netyaml.Decode(tt.block)
			if len(problems) > 0 {
				t.Fatalf("%+v", problems)
			}
			if q := c.Query(); !q.MPTCP {
				t.Error("endpoints are not asked for")
			}
			_, _, problems = netstate.Simulate(tt.from, c)
			if len(problems) != 1 || !strings.Contains(problems[0].Summary, tt.want) || problems[0].Pos.Line != tt.line || problems[0].Detail == "" {
				t.Errorf("%+v", problems)
			}
		})
	}
	_, change := wish(t, multipath(), "interfaces: [{name: eth0.5, state: absent}]\nmptcp: {endpoints: [{id: 1, state: absent}]}")
	if text := netstate.Text(change); !strings.Contains(text, "- mptcp endpoint address 192.0.2.1 id 1 dev eth0.5 subflow true\n") {
		t.Errorf("both go in one block: %s", text)
	}
}
