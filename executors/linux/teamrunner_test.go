//go:build linux

package linux

import (
	"context"
	"encoding/json"
	"os"
	"strconv"
	"strings"
	"testing"

	"stet/executors/netstate"
	"stet/executors/netstate/netyaml"
)

// withTeams are two namespaces with two veth pairs between them, and a name for
// a team in the first: teamd knows teams by their names alone.
func withTeams(t *testing.T) (near, far *namespace, team string) {
	t.Helper()
	needTeamd(t)
	near, far = newNamespace(t), newNamespace(t)
	for _, port := range []string{"0", "1"} {
		near.run("ip", "link", "add", "p"+port, "type", "veth", "peer", "name", "q"+port, "netns", far.name)
		near.run("ip", "link", "set", "p"+port, "up")
		far.run("ip", "link", "set", "q"+port, "up")
	}
	return near, far, "tr" + strconv.Itoa(os.Getpid())
}

// runnerOf is what teamd says of a team: its runner, and of each port whether
// the runner uses it; "" if it is not there.
func (ns *namespace) runnerOf(team string) string {
	out, err := ns.try("teamdctl", team, "state", "dump")
	if err != nil {
		return ""
	}
	var dump struct {
		Setup struct {
			Runner string `json:"runner_name"`
		} `json:"setup"`
		Ports map[string]struct {
			Runner struct {
				Selected bool   `json:"selected"`
				State    string `json:"state"`
			} `json:"runner"`
		} `json:"ports"`
	}
	if err := json.Unmarshal([]byte(out), &dump); err != nil {
		ns.t.Fatal(err)
	}
	text := dump.Setup.Runner
	for _, port := range []string{"p0", "p1"} {
		if p, ok := dump.Ports[port]; ok {
			text += " " + port + " " + p.Runner.State
			if p.Runner.Selected {
				text += " selected"
			}
		}
	}
	return text
}

// TestTeamRunner has stet make teams with runners of teamd: LACP with a bond,
// which aggregates and carries packets; another runner, a kernel's mode, and
// each way back.
func TestTeamRunner(t *testing.T) {
	near, far, team := withTeams(t)
	far.runAll([]string{"ip link set q0 down", "ip link set q1 down", "ip link add b0 type bond mode 802.3ad miimon 100 lacp_rate fast",
		"ip link set q0 master b0", "ip link set q1 master b0", "ip link set b0 up", "ip addr add 192.0.2.2/24 dev b0"})
	before := near.settled()()
	block := "interfaces: [{name: " + team + ", type: team, mtu: 1400, team: {runner: {name: lacp, active: true, fast-rate: true, tx-hash: [eth, l4]," +
		" tx-balancer: {name: basic, balancing-interval: 60}, sys-prio: 4096, min-ports: 2, agg-select-policy: bandwidth}, link-watch: {name: ethtool, delay-up: 10, delay-down: 20}," +
		" ports: [{name: p0, lacp-prio: 10, lacp-key: 7}, {name: p1, lacp-key: 7}]}, ipv4: {enabled: true, address: [{ip: 192.0.2.1, prefix-length: 24}]}}]"
	made := near.apply(block)
	const aggregated = "lacp p0 current selected p1 current selected"
	eventually(t, "LACP", func() bool { return near.runnerOf(team) == aggregated })
	near.run("ping", "-c", "2", "-W", "20", "192.0.2.2")
	for port, want := range map[string]string{"p0": "10 7", "p1": "255 7"} {
		item := func(name string) string {
			return strings.TrimSpace(near.run("teamdctl", team, "state", "item", "get", "ports."+port+".runner."+name))
		}
		if got := item("prio") + " " + item("key"); got != want {
			t.Errorf("priority and key of %s are %s, want %s", port, got, want)
		}
	}
	near.facts()
	own := near.observe(everything)
	if i := find(t, own, team); !strings.HasSuffix(i.Status["team.daemon"], netstate.TeamdOurs) || i.Attrs["team.mode"] != "" {
		t.Errorf("%+v", i)
	}
	pid, here := near.teamdProcess(team)
	if _, there := far.teamdProcess(team); !here || there {
		t.Errorf("process %s: here %v, there %v", pid, here, there)
	}
	if err := far.startTeamd(t.Context(), &netstate.Interface{Name: team, Type: "team"}); err == nil || !strings.Contains(err.Error(), "in another namespace") {
		t.Errorf("starting one of another namespace's name: %v", err)
	}
	if err := far.endTeamd(t.Context(), team); err != nil {
		t.Errorf("ending none: %v", err)
	}
	if now, here := near.teamdProcess(team); now != pid || !here {
		t.Errorf("process %s became %s", pid, now)
	}

	config := near.run("teamdctl", team, "config", "dump")
	changed := near.apply("interfaces: [{name: " + team + ", team: {runner: {name: activebackup, hwaddr-policy: by_active}, link-watch: {name: arp_ping, interval: 500," +
		" init-wait: 100, missed-max: 5, source-host: 192.0.2.1, target-host: 192.0.2.2, vlanid: 7, validate-active: true, validate-inactive: true, send-always: true}}}]")
	if said := near.runnerOf(team); !strings.HasPrefix(said, "activebackup p0") {
		t.Errorf("another runner: %q", said)
	}
	near.facts()
	mode := near.apply("interfaces: [{name: " + team + ", team: {mode: roundrobin}}]")
	if said := near.runnerOf(team); said != "" {
		t.Errorf("a mode instead: %q", said)
	}
	near.undo(mode)
	near.undo(changed)
	if now := near.run("teamdctl", team, "config", "dump"); now != config {
		t.Errorf("undone, the configuration is\n%s\nand was\n%s", now, config)
	}
	eventually(t, "LACP after undoing", func() bool { return near.runnerOf(team) == aggregated })
	near.run("ping", "-c", "2", "-W", "20", "192.0.2.2")

	near.undo(near.apply("interfaces: [{name: " + team + ", state: absent}]"))
	eventually(t, "LACP after it was removed and undone", func() bool { return near.runnerOf(team) == aggregated })
	near.undo(made)
	near.same("undone", func() []string { return before })
	if pid, _ := near.teamdProcess(team); pid != "" {
		t.Errorf("process %s is left", pid)
	}
}

// TestTeamRunnerRefused has teamd not start: the change fails with its reason,
// and the team that was made for it goes again.
func TestTeamRunnerRefused(t *testing.T) {
	near, _, team := withTeams(t)
	change := near.plan("interfaces: [{name: " + team + ", type: team, team: {runner: {name: lacp}, port: [{name: p0}]}}]")
	t.Setenv("PATH", t.TempDir())
	if text := near.refused("interfaces: [{name: " + team + ", type: team, team: {runner: {name: lacp}}}]"); !strings.Contains(text, "teamd is not installed") {
		t.Errorf("planning without teamd: %q", text)
	}
	_, err := near.Edit(context.Background(), change.Edits)
	if err == nil || !strings.Contains(err.Error(), "teamd") {
		t.Fatalf("editing without teamd: %v", err)
	}
	near.undo(change)
	if now := near.observe(everything); now.Interface(team) != nil || now.Interface("p0").Attrs["controller"] != "" {
		t.Errorf("left behind:\n%s", netyaml.Encode(now))
	}
}
