//go:build linux

package linux

import (
	"fmt"
	"strconv"
	"strings"
	"testing"

	"stet/executors/netstate"
	"stet/executors/netstate/netyaml"
)

// TestMDBSource has a bridge forward a group from one sender to the port that
// listens to it, and not from another; with IGMPv2 from neither, which is why
// plans refuse such an entry there.
func TestMDBSource(t *testing.T) {
	t.Parallel()
	ns, far := newNamespace(t), newNamespace(t)
	sourcesPlace(ns)
	// What the bridge itself sends goes to all ports.
	ns.runAll([]string{"ip link add c0 type veth peer name c1 netns " + far.name, "ip link set c0 master br0 up",
		"ip link set br0 type bridge mcast_query_response_interval 10 mcast_querier 1", "ip link set p0 type bridge_slave mcast_flood off"})
	far.runAll([]string{"ip link set c1 up", "ip addr add 192.0.2.9/24 dev c1", "ip addr add 192.0.2.10/24 dev c1", "ip route add 239.0.0.0/8 dev c1"})
	const entry = "mdb: [{device: br0, port: p0, group: 239.1.1.3, source: 192.0.2.9}]"
	made := ns.apply(entry)
	const sent = 20
	arrive := func(source string) int {
		t.Helper()
		count := func() int {
			n, err := strconv.Atoi(strings.TrimSpace(ns.run("cat", "/sys/class/net/p1/statistics/rx_packets")))
			if err != nil {
				t.Fatal(err)
			}
			return n
		}
		before := count()
		_, _ = far.try("ping", "-q", "-c", strconv.Itoa(sent), "-i", "0.01", "-W", "1", "-t", "5", "-I", source, "239.1.1.3") // nobody answers
		return count() - before
	}
	eventually(t, "the bridge is the querier, and forwards", func() bool { return arrive("192.0.2.9") >= sent })
	if n := arrive("192.0.2.10"); n >= sent {
		t.Errorf("%d packets of another sender came", n)
	}
	ns.facts()

	version := func(n int) {
		ns.run("ip", "link", "set", "br0", "type", "bridge", "mcast_igmp_version", strconv.Itoa(n))
	}
	version(2)
	if n := arrive("192.0.2.9"); n >= sent {
		t.Errorf("with IGMPv2, %d packets came", n)
	}
	ns.facts() // it is there, and nobody's fault
	ns.undo(made)
	const without = "br0 does not tell the senders of 239.1.1.3 apart, so that the entry would have no effect"
	if said := ns.refused(entry); !strings.Contains(said, without) {
		t.Errorf("with IGMPv2: %q", said)
	}
	ns.undo(ns.apply("interfaces: [{name: br0, bridge: {options: {multicast-igmp-version: 3}}}]\n" + entry))
	version(3)
	ns.apply(entry)
	if said := ns.refused("interfaces: [{name: br0, bridge: {options: {multicast-igmp-version: 2}}}]\n" + entry); !strings.Contains(said, without) {
		t.Errorf("with IGMPv2 from then on: %q", said)
	}
}

// TestMDBSourceRefused is when a plan refuses an entry of a source.
func TestMDBSourceRefused(t *testing.T) {
	const options = "bridge.options.multicast-"
	there := []netstate.MDBEntry{{Device: "br0", Port: "p0", Group: "239.1.1.3", Source: ip("192.0.2.9"), State: "permanent", Protocol: 4}}
	for name, c := range map[string]struct {
		igmp, mld, vlans, entry string
		there                   []netstate.MDBEntry
		refused                 bool
	}{
		"IGMPv2":             {"2", "2", "false", "group: 239.1.1.3, source: 192.0.2.9", nil, true},
		"IGMPv3":             {"3", "1", "false", "group: 239.1.1.3, source: 192.0.2.9", nil, false},
		"MLDv1":              {"3", "1", "false", "group: 'ff15::1', source: '2001:db8::9'", nil, true},
		"MLDv2":              {"2", "2", "false", "group: 'ff15::1', source: '2001:db8::9'", nil, false},
		"there already":      {"2", "1", "false", "group: 239.1.1.3, source: 192.0.2.9", there, false},
		"another is there":   {"2", "1", "false", "group: 239.1.1.3, source: 192.0.2.10", there, true},
		"each VLAN":          {"2", "1", "true", "group: 239.1.1.3, source: 192.0.2.9", nil, false},
		"removed":            {"2", "1", "false", "group: 239.1.1.3, source: 192.0.2.9, state: absent", nil, false},
		"everybody's, there": {"2", "1", "false", "group: 239.1.1.3", there, false},
	} {
		s := &netstate.State{MDB: c.there, Interfaces: []netstate.Interface{
			{Name: "br0", Type: "linux-bridge", Attrs: netstate.Attrs{"state": "up", options + "igmp-version": c.igmp, options + "mld-version": c.mld, options + "vlan-snooping": c.vlans}},
			{Name: "p0", Type: "veth", Attrs: netstate.Attrs{"state": "up", "controller": "br0"}}}}
		config, problems := netyaml.Decode("mdb:\n  - {device: br0, port: p0, " + c.entry + "}")
		if len(problems) > 0 {
			t.Fatalf("%s: %+v", name, problems)
		}
		_, _, problems = netstate.Simulate(s, config)
		got := ""
		for _, p := range problems {
			got += fmt.Sprintf("%d:%d %s ", p.Pos.Line, p.Pos.Column, p.Code)
		}
		if want := map[bool]string{true: "2:5 contradiction "}[c.refused]; got != want {
			t.Errorf("%s: %q, want %q: %+v", name, got, want, problems)
		}
	}
}
