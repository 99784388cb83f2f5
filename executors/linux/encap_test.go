//go:build linux

package linux

import (
	"slices"
	"testing"

	"stet/executors/netstate"
)

// ways are encapsulated routes and ways beyond the ordinary: what stet makes of
// a block, and what iproute2's commands make.
var ways = []struct {
	name, block string
	oracle      []string
	change      string
	changed     []string // iproute2's commands for the change
}{
	{"mpls", `routes: {config: [{destination: 10.80.0.0/16, next-hop-interface: low0, next-hop-address: 198.51.100.2, encap: mpls 100/200 ttl 5}]}`,
		[]string{"ip route add 10.80.0.0/16 encap mpls 100/200 ttl 5 via 198.51.100.2 dev low0 proto static"},
		`routes: {config: [{destination: 10.80.0.0/16, next-hop-interface: low0, next-hop-address: 198.51.100.2, encap: mpls 300}]}`,
		[]string{"ip route replace 10.80.0.0/16 encap mpls 300 via 198.51.100.2 dev low0 proto static"}},
	{"ip", `routes: {config: [{destination: 10.81.0.0/16, next-hop-interface: low0, encap: ip id 5 dst 192.0.2.99 src 192.0.2.1 ttl 7 tos 16 key}]}`,
		[]string{"ip route add 10.81.0.0/16 encap ip id 5 dst 192.0.2.99 src 192.0.2.1 ttl 7 tos 0x10 key dev low0 proto static"},
		`routes: {config: [{destination: 10.81.0.0/16, next-hop-interface: low0, encap: ip id 6 dst 192.0.2.98}]}`,
		[]string{"ip route replace 10.81.0.0/16 encap ip id 6 dst 192.0.2.98 dev low0 proto static"}},
	{"ip6", `routes: {config: [{destination: "2001:db8:82::/48", next-hop-interface: low0, encap: "ip6 id 5 dst 2001:db8:9::9 src 2001:db8:9::1 hoplimit 7 tc 16"}]}`,
		[]string{"ip -6 route add 2001:db8:82::/48 encap ip6 id 5 dst 2001:db8:9::9 src 2001:db8:9::1 hoplimit 7 tc 0x10 dev low0 proto static"},
		`routes: {config: [{destination: "2001:db8:82::/48", next-hop-interface: low0}]}`,
		[]string{"ip -6 route replace 2001:db8:82::/48 dev low0 proto static"}},
	{"seg6", `routes: {config: [{destination: "2001:db8:83::/48", next-hop-interface: low0, encap: "seg6 mode encap segs 2001:db8:9::1,2001:db8:9::2"},` +
		` {destination: "2001:db8:84::/48", next-hop-interface: low0, encap: "seg6 mode inline segs 2001:db8:9::1,2001:db8:9::2"}]}`,
		[]string{"ip -6 route add 2001:db8:83::/48 encap seg6 mode encap segs 2001:db8:9::1,2001:db8:9::2 dev low0 proto static",
			"ip -6 route add 2001:db8:84::/48 encap seg6 mode inline segs 2001:db8:9::1,2001:db8:9::2 dev low0 proto static"},
		`routes: {config: [{destination: "2001:db8:83::/48", next-hop-interface: low0, encap: "seg6 mode l2encap segs 2001:db8:9::3"}]}`,
		[]string{"ip -6 route replace 2001:db8:83::/48 encap seg6 mode l2encap segs 2001:db8:9::3 dev low0 proto static"}},
	{"seg6local", `routes: {config: [{destination: "2001:db8:85::1/128", next-hop-interface: low0, encap: "seg6local action End.X nh6 2001:db8:1::2"},` +
		` {destination: "2001:db8:85::2/128", next-hop-interface: low0, encap: seg6local action End.DT6 table 254},` +
		` {destination: "2001:db8:85::3/128", next-hop-interface: low0, encap: seg6local action End}]}`,
		[]string{"ip -6 route add 2001:db8:85::1/128 encap seg6local action End.X nh6 2001:db8:1::2 dev low0 proto static",
			"ip -6 route add 2001:db8:85::2/128 encap seg6local action End.DT6 table 254 dev low0 proto static",
			"ip -6 route add 2001:db8:85::3/128 encap seg6local action End dev low0 proto static"},
		`routes: {config: [{destination: "2001:db8:85::2/128", next-hop-interface: low0, encap: seg6local action End.DX2 oif low1}]}`,
		[]string{"ip -6 route replace 2001:db8:85::2/128 encap seg6local action End.DX2 oif low1 dev low0 proto static"}},
	{"multipath", `routes: {config: [{destination: 10.86.0.0/16, next-hops: [{next-hop-interface: low0, next-hop-address: 198.51.100.2, encap: mpls 100},` +
		` {next-hop-interface: low0, next-hop-address: 198.51.100.3, encap: mpls 200, weight: 3}]}]}`,
		[]string{"ip route add 10.86.0.0/16 proto static nexthop encap mpls 100 via 198.51.100.2 dev low0 weight 1 nexthop encap mpls 200 via 198.51.100.3 dev low0 weight 3"},
		`routes: {config: [{destination: 10.86.0.0/16, next-hops: [{next-hop-interface: low0, next-hop-address: 198.51.100.2},` +
			` {next-hop-interface: low0, next-hop-address: 198.51.100.3, encap: mpls 201, weight: 3}]}]}`,
		[]string{"ip route replace 10.86.0.0/16 proto static nexthop via 198.51.100.2 dev low0 weight 1 nexthop encap mpls 201 via 198.51.100.3 dev low0 weight 3"}},
	{"objects", `nexthops:
  - {id: 71, next-hop-interface: low0, next-hop-address: 198.51.100.2, encap: mpls 100/200}
  - {id: 72, next-hop-interface: low0, next-hop-address: 198.51.100.3}
  - {id: 73, next-hop-interface: low0, next-hop-address: 198.51.100.4}
  - {id: 80, group: [{id: 72}, {id: 73, weight: 3}], type: resilient, buckets: 32, idle-timer: 60, unbalanced-timer: 300}
routes: {config: [{destination: 10.87.0.0/16, nexthop-id: 71}, {destination: 10.88.0.0/16, nexthop-id: 80}]}
`,
		[]string{"ip nexthop add id 71 encap mpls 100/200 via 198.51.100.2 dev low0 proto static", "ip nexthop add id 72 via 198.51.100.3 dev low0 proto static",
			"ip nexthop add id 73 via 198.51.100.4 dev low0 proto static",
			"ip nexthop add id 80 group 72/73,3 type resilient buckets 32 idle_timer 60 unbalanced_timer 300 proto static",
			"ip route add 10.87.0.0/16 nhid 71 proto static", "ip route add 10.88.0.0/16 nhid 80 proto static"},
		"nexthops:\n  - {id: 71, next-hop-interface: low0, next-hop-address: 198.51.100.2, encap: mpls 300}\n" +
			"  - {id: 80, group: [{id: 72}, {id: 73, weight: 3}], type: resilient, buckets: 32, idle-timer: 30}\n",
		[]string{"ip nexthop replace id 71 encap mpls 300 via 198.51.100.2 dev low0 proto static",
			"ip nexthop replace id 80 group 72/73,3 type resilient buckets 32 idle_timer 30 unbalanced_timer 0 proto static"}},
}

// TestWays makes each way, changes it and undoes both, and compares with what
// iproute2's commands make.
func TestWays(t *testing.T) {
	// unbalanced_time runs.
	without := append(slices.Clone(chosen), "unbalanced_time")
	for _, c := range ways {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			ns, oracle := newNamespace(t), newNamespace(t)
			ns.runAll(place0)
			oracle.runAll(place0)
			oracle.runKnown(c.oracle)
			still := func() func() []string {
				ns.settled()
				picture := ns.snapshot(without...)
				return func() []string { return picture }
			}
			before := still()
			creation := ns.apply(c.block)
			ns.same("made, against iproute2", func() []string { return oracle.snapshot(without...) }, without...)
			made := still()
			ns.facts()
			change := ns.apply(c.change)
			oracle.runAll(c.changed)
			ns.same("changed, against iproute2", func() []string { return oracle.snapshot(without...) }, without...)
			ns.facts()
			if s := ns.observe(everything); s.UnreadRoutes != 0 {
				t.Errorf("%d routes are not read", s.UnreadRoutes)
			}
			ns.undo(change)
			ns.same("change undone", made, without...)
			ns.undo(creation)
			ns.same("creation undone", before, without...)
		})
	}
}

// TestEncapsulationText reads encapsulations as people write them.
func TestEncapsulationText(t *testing.T) {
	for text, want := range map[string]string{
		"mpls 100/0xc8  ttl 5":                     "mpls 100/200 ttl 5",
		"ip dst 192.0.2.9":                         "ip id 0 dst 192.0.2.9",
		"ip6 seq dst 2001:DB8::9 id 7":             "ip6 id 7 dst 2001:db8::9 seq",
		"seg6 segs 2001:db8::1 mode encap":         "seg6 mode encap segs 2001:db8::1",
		"":                                         "an encapsulation begins with its type: mpls, ip, ip6, seg6 or seg6local",
		"gre":                                      `there is no encapsulation "gre"; there are mpls, ip, ip6, seg6 and seg6local`,
		"mpls":                                     "mpls without labels",
		"mpls 3":                                   `"3" is no MPLS label: 0 to 1048575, without 3 (implicit null)`,
		"mpls 100 ttl":                             "ttl without value",
		"mpls 100 ttl 5 ttl 6":                     "ttl stands twice",
		"mpls 100 dst 192.0.2.1":                   `mpls has no "dst"; it has ttl`,
		"ip id 5":                                  "ip without dst, where it leads",
		"ip dst 2001:db8::1":                       `dst "2001:db8::1" is no IPv4 address`,
		"seg6 segs 2001:db8::1":                    "seg6 needs a mode: inline, encap, l2encap, encap.red, l2encap.red",
		"seg6 mode encap":                          "seg6 needs segs, 1 to 126 addresses with commas",
		"seg6 mode encap segs 2001:db8::1,x":       `segs "x" is no IPv6 address`,
		"seg6local action End.X":                   "the action End.X needs nh6",
		"seg6local action End.Q":                   `there is no action "End.Q" of seg6local here`,
		"seg6local action End nh6 2001:db8::1":     "the action End takes no nh6",
		"seg6local action End.DT6 table 1":         "seg6local action End.DT6 table 1",
		"seg6local action End.DX2 oif a/b":         `"a/b" has characters that a name cannot have`,
		"ip id 18446744073709551616 dst 192.0.2.1": `id "18446744073709551616" is no number of 64 bits`,
	} {
		got, err := netstate.CanonicalEncap(text)
		if err != nil {
			got = err.Error()
		}
		if got != want {
			t.Errorf("%q is %q, want %q", text, got, want)
		}
	}
}
