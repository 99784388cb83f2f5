//go:build linux

package linux

import (
	"slices"
	"testing"

	"stet/executors/netstate"
)

const (
	mdbBlock = `mdb:
  - {device: br0, port: p0, group: 239.1.1.1}
  - {device: br0, port: p0, group: 239.1.1.2, state: temp}
  - {device: br0, port: p0, group: 239.1.1.3, source: 192.0.2.9}
  - {device: br0, port: p0, group: "ff15::1"}
  - {device: br0, port: p0, group: "01:02:03:04:05:06"}
  - {device: br0, port: br0, group: 239.1.1.4}
`
	mdbChange = "mdb:\n  - {device: br0, port: p0, group: 239.1.1.2}\n  - {device: br0, port: p0, group: 239.1.1.1, state: absent}\n"
)

var (
	mdbOracle = []string{
		"bridge mdb add dev br0 port p0 grp 239.1.1.1 permanent", "bridge mdb add dev br0 port p0 grp 239.1.1.2 temp",
		"bridge mdb add dev br0 port p0 grp 239.1.1.3 src 192.0.2.9 permanent", "bridge mdb add dev br0 port p0 grp ff15::1 permanent",
		"bridge mdb add dev br0 port p0 grp 01:02:03:04:05:06 permanent", "bridge mdb add dev br0 port br0 grp 239.1.1.4",
	}
	mdbChanged = []string{"bridge mdb del dev br0 port p0 grp 239.1.1.2", "bridge mdb add dev br0 port p0 grp 239.1.1.2 permanent", "bridge mdb del dev br0 port p0 grp 239.1.1.1"}
)

// TestMDB makes entries of a bridge's multicast database, changes them, takes
// them away with their port and with their bridge, and undoes all of it; iproute2
// looks.
func TestMDB(t *testing.T) {
	t.Parallel()
	ns, oracle := newNamespace(t), newNamespace(t)
	// What the bridge learns from its own ports would come and go.
	quiet := append([]string{"sysctl -qw net.ipv6.conf.default.disable_ipv6=1"}, place0[:6]...)
	for _, n := range []*namespace{ns, oracle} {
		n.runAll(quiet)
		n.looks = []string{"bridge -d mdb | sed 's/^[0-9]*: *//; s/ *[0-9.]*$//' | sort"}
	}
	if err := oracle.script(mdbOracle); err != nil {
		if lacks.MatchString(err.Error()) && !inMachine() {
			t.Skipf("the kernel cannot: %v", err)
		}
		t.Fatal(err)
	}
	still := func() func() []string {
		ns.settled()
		picture := ns.snapshot(chosen...)
		return func() []string { return picture }
	}
	before := still()
	creation := ns.apply(mdbBlock)
	ns.same("made, against iproute2", func() []string { return oracle.snapshot(chosen...) }, chosen...)
	made := still()
	ns.facts()
	if s := ns.observe(everything); len(s.MDB) != 6 {
		t.Errorf("there are %d entries, want 6: %+v", len(s.MDB), s.MDB)
	}

	change := ns.apply(mdbChange)
	oracle.runAll(mdbChanged)
	ns.same("changed, against iproute2", func() []string { return oracle.snapshot(chosen...) }, chosen...)
	ns.undo(change)
	ns.same("change undone", made, chosen...)

	for _, block := range []string{"interfaces: [{name: p0, controller: \"\"}]", "interfaces: [{name: br0, state: absent}]"} {
		gone := ns.apply(block)
		if s := ns.observe(everything); slices.ContainsFunc(s.MDB, func(e netstate.MDBEntry) bool { return e.Port == "p0" }) {
			t.Errorf("%s: there is %+v", block, s.MDB)
		}
		ns.undo(gone)
		ns.same("undone: "+block, made, chosen...)
	}
	ns.undo(creation)
	ns.same("creation undone", before, chosen...)
}
