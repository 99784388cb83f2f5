package check

import (
	"fmt"
	"maps"
	"strings"
	"testing"

	"stet/executors/netstate"
)

// TestDiffOfNamedFacts changes what only a snapshot that names it records.
func TestDiffOfNamedFacts(t *testing.T) {
	m := lab()
	env := testEnv()
	env.Snapshots = map[string]*Snapshot{"before": take(t, m, strings.Join(namedFacts(), "\n")), "bare": take(t, m, "links")}
	for kind, want := range map[string]int{"qdiscs": 2, "classes": 1, "filters": 1, "resolvers": 1, "namespaces": 1, "mpls_routes": 1, "xfrm_states": 1, "xfrm_policies": 1, "mptcp_endpoints": 2, "mptcp_limits": 1} {
		if got := env.Snapshots["before"].Counts()[kind]; got != want {
			t.Errorf("%d %s were recorded, want %d", got, kind, want)
		}
	}
	for _, a := range evaluate(t, "diff(before, now).empty\ndiff(before.qdiscs, now.qdiscs).empty\nqdiscs[0].options[\"default\"] == \"30\" and classes[0].bytes == 1500\nnamespaces[0].nsid == -1", m, env) {
		if !a.OK {
			t.Errorf("%+v", a)
		}
	}
	s := &m.state
	traffic := s.TrafficControl[0].Entries
	s.TrafficControl = []netstate.TrafficControl{{Device: "eth0", Entries: append([]netstate.TCEntry(nil), traffic...)}}
	traffic = s.TrafficControl[0].Entries
	traffic[0].Status = netstate.Attrs{"bytes": "999999"} // no difference
	traffic[1] = netstate.TCEntry{Object: netstate.TCQdisc, Kind: "clsact", Parent: "ingress", Handle: "ffff:"}
	traffic[2].Options = netstate.Attrs{"rate": "20mbit"}
	traffic[3].Actions = []netstate.TCAction{{Kind: "mirred", Options: netstate.Attrs{"device": "ifb0"}}}
	s.DNS = []netstate.DNS{{Servers: []string{"192.0.2.54"}, Search: []string{"example.net"}, Options: []string{"ndots:2"}}, {Device: "br0", Servers: []string{"192.0.2.55"}}}
	s.Namespaces = []netstate.Namespace{{Name: "blue", ID: "7", Loopback: "up", Links: []string{"v1"}, Uses: []string{"process 7 (sleep)"}}, {Name: "red"}}
	s.MPLS = []netstate.Route{{Label: 101, Protocol: 186, NextHops: []netstate.NextHop{{Device: "br0", Encap: "7", Weight: 1}, {Device: "eth0", Weight: 1}}}}
	policy := s.Xfrm[0]
	policy.Attrs = maps.Clone(policy.Attrs)
	policy.Attrs["action"] = "block"
	s.Xfrm = []netstate.Xfrm{
		policy,
		{Sort: netstate.MPTCPEndpoint, Attrs: netstate.Attrs{"address": "192.0.2.1", "id": "1", "subflow": "true", "backup": "true"}},
		{Sort: netstate.MPTCPEndpoint, Attrs: netstate.Attrs{"address": "192.0.2.7", "id": "3", "dev": "br0", "subflow": "true", "fullmesh": "true"}},
		{Sort: netstate.MPTCPLimits, Attrs: netstate.Attrs{"add-addr-accepted": "2"}},
	}
	for body, want := range map[string]string{
		`diff(before, now).qdiscs.changed`:                  `[]string{"eth0 at ingress: kind ingress → clsact"}`,
		`diff(before, now).classes.count`:                   `1`,
		`diff(before, now).filters.changed`:                 `[]string{"eth0 ingress prio 10 matchall 1: actions drop → mirred device ifb0"}`,
		`diff(before, now).resolvers.changed`:               `[]string{"resolv.conf: servers 192.0.2.53 → 192.0.2.54"}`,
		`diff(before, now).resolvers.appeared`:              `[]string{"br0 servers 192.0.2.55"}`,
		`diff(before, now).namespaces.changed`:              `[]string{"blue: nsid none → 7"}`,
		`diff(before, now).namespaces.appeared`:             `[]string{"red"}`,
		`diff(before, now).mpls_routes.vanished`:            `[]string{"100 nexthop as 200/300 via 192.0.2.254 dev br0 proto static"}`,
		`diff(before, now).mpls_routes.appeared`:            `[]string{"101 nexthop as 7 dev br0, dev eth0 proto bgp"}`,
		`diff(before, now).xfrm_states.vanished`:            `[]string{"192.0.2.1 → 198.51.100.1 esp 0x1000 mode tunnel reqid 1 mark 0x0 auth hmac(sha256) enc cbc(aes) replay_window 32"}`,
		`diff(before, now).xfrm_policies.changed`:           `[]string{"out 10.1.0.0/24 → 10.2.0.0/24: action allow → block"}`,
		`diff(before, now).mptcp_endpoints.changed`:         `[]string{"192.0.2.1: dev eth0 → none, flags subflow → subflow backup"}`,
		`diff(before, now).mptcp_endpoints.vanished`:        `[]string{"2001:db8::1 port 8080 id 2 flags signal"}`,
		`diff(before, now).mptcp_endpoints.appeared`:        `[]string{"192.0.2.7 id 3 dev br0 flags subflow fullmesh"}`,
		`diff(before, now).mptcp_limits.changed`:            `[]string{"limits: subflows 4 → 2"}`,
		`diff(before.mptcp_limits, now.mptcp_limits).count`: `1`,
		`mptcp_endpoints[1].family`:                         `4`,
		`mptcp_limits[0].subflows`:                          `2`,
		`mpls_routes[0].nexthops[0].encap`:                  `"7"`,
		`mpls_routes[0].dev`:                                `""`,
		`diff(before.classes, now.classes).appeared`:        `[]string{}`,
	} {
		if got := fmt.Sprintf("%#v", valueOf(t, body, m, env)); got != want {
			t.Errorf("%s:\n got %s\nwant %s", body, got, want)
		}
	}
	names := env.Names()
	for body, want := range map[string]string{
		`bare.mptcp_limits == []`:          "snapshot bare does not record mptcp_limits",
		`any(mptcp_endpoints, .flag)`:      "endpoint of MPTCP",
		`bare.qdiscs == []`:                "snapshot bare does not record qdiscs",
		`any(qdiscs, .knd == "htb")`:       "knd",
		`any(filters, .priority == "ten")`: "",
	} {
		_, problems := Compile(body, names)
		if len(problems) != 1 || !strings.Contains(problems[0].Summary, want) {
			t.Errorf("%s: %+v", body, problems)
		}
	}
}

// TestMPTCPLacking reads endpoints and limits where the kernel has none.
func TestMPTCPLacking(t *testing.T) {
	m := lab()
	m.state.Lacks = map[string]string{"mptcp": "the running kernel is built without Multipath TCP (CONFIG_MPTCP)"}
	want := "reading the endpoints and limits of Multipath TCP: the running kernel is built without Multipath TCP (CONFIG_MPTCP)"
	for _, body := range []string{"mptcp_endpoints == []", "mptcp_limits[0].subflows == 2"} {
		if list := evaluate(t, body, m, testEnv()); list[0].OK || !strings.Contains(list[0].Error, want) {
			t.Errorf("%s: %+v", body, list[0])
		}
		if _, err := Take(t.Context(), m, strings.Fields(strings.ReplaceAll(body, "[", " "))[0], nil); err == nil || err.Error() != want {
			t.Errorf("a snapshot: %v", err)
		}
	}
	if list := evaluate(t, "len(xfrm_states) == 1", m, testEnv()); !list[0].OK {
		t.Errorf("%+v", list[0])
	}
}
