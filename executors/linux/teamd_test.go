//go:build linux

package linux

import (
	"encoding/json"
	"os/exec"
	"strings"
	"testing"

	"stet/executors/netstate"
	"stet/executors/netstate/netyaml"
)

// needTeamd skips where there is no teamd(8), or no team driver.
func needTeamd(t *testing.T) {
	t.Helper()
	if _, err := exec.LookPath("teamd"); err != nil {
		t.Skipf("needs teamd (apt-get install libteam-utils): %v", err)
	}
	reason, err := kindLacks(t.Context(), netstate.KindByName("team"))
	if err != nil {
		t.Fatal(err)
	}
	if reason != "" {
		t.Skip(reason)
	}
}

// TestTeamd has teamd own a team: it is read, its MTU and addresses are set and
// given back, and what teamd sets is refused.
func TestTeamd(t *testing.T) {
	needTeamd(t)
	ns := newNamespace(t)
	ns.runAll([]string{"ip link add p0 type veth peer name q0", "ip link add p1 type veth peer name q1", "ip link set q0 up", "ip link set q1 up", "ip link add p2 type veth peer name q2"})
	name := "td" + strings.TrimPrefix(ns.name, "stet-c-")
	if name = strings.ReplaceAll(name, "-", "x"); len(name) > 15 {
		name = name[:15]
	}
	const config = `{"runner": {"name": "activebackup"}, "link_watch": {"name": "ethtool"}, "ports": {"p0": {}, "p1": {}}}`
	daemon := exec.Command("ip", "netns", "exec", ns.name, "teamd", "-o", "-t", name, "-c", config)
	if err := daemon.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		_ = daemon.Process.Kill()
		_ = daemon.Wait()
	}()
	var dump struct {
		Setup struct {
			Runner string `json:"runner_name"`
		} `json:"setup"`
	}
	eventually(t, "teamd", func() bool {
		out, err := ns.try("teamdctl", name, "state", "dump")
		return err == nil && json.Unmarshal([]byte(out), &dump) == nil && strings.Contains(out, "\"p1\"")
	})
	if dump.Setup.Runner != "activebackup" {
		t.Errorf("the runner is %q", dump.Setup.Runner)
	}
	now := find(t, ns.observe(everything), name)
	if got := now.Status["team.daemon"]; !strings.HasPrefix(got, "process ") {
		t.Fatalf("the daemon is %q", got)
	}
	block := netyaml.Encode(ns.observe(everything))
	if change := ns.plan(block); !change.Empty() {
		t.Errorf("facts, pasted back, change:\n%s", netstate.Text(change))
	}
	ns.undo(ns.apply("interfaces: [{name: " + name + ", ipv4: {enabled: true, address: [{ip: 192.0.2.1, prefix-length: 24}]}}]"))
	for _, refused := range ofTeamd(name) {
		if said := ns.refused(refused); !strings.Contains(said, "owned: "+name+" belongs to teamd (process ") {
			t.Errorf("%s: %q", refused, said)
		}
	}
}

// ofTeamd are blocks that change what teamd sets on a team of p0 and p1.
func ofTeamd(name string) []string {
	return []string{
		"interfaces: [{name: " + name + ", team: {notify-peers-count: 7}}]", "interfaces: [{name: " + name + ", state: absent}]",
		"interfaces: [{name: p2, controller: " + name + "}]", "interfaces: [{name: p0, controller: \"\"}]", "interfaces: [{name: p0, team-port: {priority: 9}}]",
		"interfaces: [{name: " + name + ", team: {port: [{name: p0}]}}]", "interfaces: [{name: " + name + ", team: {port: [{name: p0}, {name: p1}, {name: p2}]}}]",
	}
}

// TestTeamdFaults is the same without a kernel that has teams.
func TestTeamdFaults(t *testing.T) {
	port := func(name, controller string) netstate.Interface {
		return netstate.Interface{Name: name, Type: "ethernet", Attrs: netstate.Attrs{"state": "up", "controller": controller}}
	}
	s := &netstate.State{Interfaces: []netstate.Interface{port("p0", "team0"), port("p1", "team0"), port("p2", ""),
		{Name: "team0", Type: "team", Attrs: netstate.Attrs{"state": "up", "team.mode": "activebackup"}, Status: netstate.Attrs{"team.daemon": "process 7"}}}}
	faults := func(block string) []netstate.Problem {
		config, problems := netyaml.Decode(block)
		if len(problems) > 0 {
			t.Fatalf("%s: %+v", block, problems)
		}
		_, _, problems = netstate.Simulate(s, config)
		return problems
	}
	for _, block := range ofTeamd("team0") {
		if problems := faults(block); len(problems) != 1 || problems[0].Code != "owned" {
			t.Errorf("%s: %+v", block, problems)
		}
	}
	for _, block := range []string{netyaml.Encode(s), "interfaces: [{name: team0, mtu: 1400}]", "interfaces: [{name: p2, mtu: 1400}]"} {
		if problems := faults(block); len(problems) > 0 {
			t.Errorf("%s: %+v", block, problems)
		}
	}
}
