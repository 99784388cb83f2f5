//go:build linux

package linux

import "testing"

// TestHSRInterlink holds the reference to its word: the third port is taken when the
// interface is made, and lost when removing that is undone, where the kernel does not
// tell of it.
func TestHSRInterlink(t *testing.T) {
	t.Parallel()
	ns := newNamespace(t)
	ns.runAll([]string{"ip link add low0 type veth peer name low1", "ip link add low2 type veth peer name low3", "ip link add low4 type veth peer name low5"})
	ns.runKnown([]string{"ip link add x0 type hsr slave1 low0 slave2 low2", "ip link delete x0"})
	const taken = "ls -d /sys/class/net/low4/upper_x0 2>&- || :"
	creation := ns.apply("interfaces: [{name: x0, type: hsr, hsr: {port1: low0, port2: low2, interlink: low4}}]")
	if ns.run("sh", "-c", taken) == "" {
		t.Error("the port is not taken")
	}
	told := find(t, ns.observe(everything), "x0").Attrs["hsr.interlink"] != ""
	ns.undo(ns.apply("interfaces: [{name: x0, state: absent}]"))
	if got := ns.run("sh", "-c", taken) != ""; got != told {
		t.Errorf("undone, the port is taken: %v; the kernel told: %v", got, told)
	}
	ns.undo(creation)
	if ns.run("sh", "-c", taken) != "" {
		t.Error("the port is still taken")
	}
}
