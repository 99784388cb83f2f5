//go:build linux

package linux

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"stet/executors/netstate"
	"stet/executors/netstate/netyaml"
)

// teamLook is what the kernel and teamd say of a team, without what depends on
// the moment; "" if teamd does not answer.
func (ns *namespace) teamLook(team string) string {
	options, err := ns.try("teamnl", team, "options")
	dump, dumpErr := ns.try("teamdctl", team, "state", "dump")
	var state any
	if err != nil || dumpErr != nil || json.Unmarshal([]byte(dump), &state) != nil {
		return ""
	}
	forget(state, "missed", "down_count", "daemonized", "pid", "pid_file", "ifindex", "dev_addr", "dev_addr_len")
	text, err := json.MarshalIndent(state, "", " ")
	if err != nil {
		ns.t.Fatal(err)
	}
	lines := strings.Split(options, "\n")
	slices.Sort(lines)
	return strings.Join(lines, "\n") + "\n" + string(text)
}

// teamIs waits until a team is what it was in another look.
func (ns *namespace) teamIs(team, when, want string) {
	ns.t.Helper()
	var got string
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(100 * time.Millisecond) {
		if got = ns.teamLook(team); got == want {
			return
		}
		if time.Now().After(deadline) {
			ns.t.Fatalf("%s (-want +got):\n%s", when, cmp.Diff(want, got))
		}
	}
}

func forget(value any, keys ...string) {
	at, _ := value.(map[string]any)
	for key, below := range at {
		if slices.Contains(keys, key) {
			delete(at, key)
		}
		forget(below, keys...)
	}
}

// activePort is the port that an activebackup uses.
func (ns *namespace) activePort(team string) string {
	out, _ := ns.try("teamdctl", team, "state", "item", "get", "runner.active_port")
	return strings.TrimSpace(out)
}

// TestTeamPorts has ports of a runner with options of their own, and several link
// watches: the same as teamd with its configuration makes of it; changed while
// the team stays, and undone.
func TestTeamPorts(t *testing.T) {
	near, _, team := withTeams(t)
	before := near.settled()()
	made := near.apply("interfaces: [{name: " + team + ", type: team, team: {runner: {name: activebackup, hwaddr-policy: by_active}," +
		" link-watch: [{name: ethtool, delay-up: 10}, {name: nsna_ping, target-host: '2001:db8::2', interval: 200}]," +
		" ports: [{name: p0, prio: -5, queue-id: 2}, {name: p1, prio: 7, sticky: true, link-watch: {name: ethtool, delay-down: 5}}]}}]")
	eventually(t, "the port with the higher priority", func() bool { return near.activePort(team) == "p1" })
	near.facts()
	ours := near.teamLook(team)
	number := find(t, near.observe(everything), team).Index
	port := func(name, options string) *netstate.Change {
		t.Helper()
		return near.apply("interfaces: [{name: " + name + ", team-port: {" + options + "}}]")
	}

	prio := port("p0", "prio: 20")
	replugged := port("p1", "sticky: false, prio: 9, lacp-prio: 3, lacp-key: 4, link-watch: [{name: ethtool}, {name: arp_ping, target-host: 192.0.2.2, source-host: 192.0.2.1,"+
		" init-wait: 100, missed-max: 5, vlanid: 7, validate-active: true, validate-inactive: true, send-always: true}]")
	const out = "! link p1 controller %s → none, state up → down"
	if text := netstate.Text(replugged); !strings.Contains(text, fmt.Sprintf(out, team)) || strings.Contains(netstate.Text(prio), "controller") {
		t.Errorf("the plans say\n%s\n%s", netstate.Text(prio), text)
	}
	eventually(t, "the port whose priority has risen", func() bool { return near.activePort(team) == "p0" })
	queue := port("p1", "queue-id: 3")
	if said := near.run("teamnl", "-p", "p1", team, "getoption", "queue_id"); strings.TrimSpace(said) != "3" {
		t.Errorf("the queue is %q", said)
	}
	near.facts()
	for _, change := range []*netstate.Change{queue, replugged, prio} {
		near.undo(change)
	}
	near.undo(near.apply("interfaces: [{name: p0, controller: ''}]"))
	near.undo(near.apply("interfaces: [{name: " + team + ", team: {mode: broadcast}}]"))
	if now := find(t, near.observe(everything), team).Index; now != number {
		t.Errorf("the team had the number %d, and has %d", number, now)
	}
	near.teamIs(team, "as before", ours)
	near.undo(made)
	near.same("undone", func() []string { return before })

	near.run("ip", "link", "set", "p0", "down")
	near.run("ip", "link", "set", "p1", "down")
	near.run("teamd", "-d", "-t", team, "-c", `{"runner": {"name": "activebackup", "hwaddr_policy": "by_active"},
		"link_watch": [{"name": "ethtool", "delay_up": 10}, {"name": "nsna_ping", "target_host": "2001:db8::2", "interval": 200}],
		"ports": {"p0": {"prio": -5, "queue_id": 2}, "p1": {"prio": 7, "sticky": true, "link_watch": {"name": "ethtool", "delay_down": 5}}}}`)
	defer func() {
		if err := near.EndTeamd(t.Context()); err != nil {
			t.Error(err)
		}
	}()
	near.run("ip", "link", "set", team, "up")
	near.teamIs(team, "from teamd alone", ours)
}

// TestTeamPrinted runs what `stet plan --as ip` prints for a team with a runner and
// for its ports, and compares with what stet makes: teamd knows teams by their
// names alone, so that one comes after the other.
func TestTeamPrinted(t *testing.T) {
	ns, _, team := withTeams(t)
	before := ns.settled()()
	look := func() (of, config string) {
		t.Helper()
		var now any
		out, err := ns.try("teamdctl", team, "config", "dump")
		if err != nil || json.Unmarshal([]byte(out), &now) != nil {
			return "", "" // there is none
		}
		forget(now, "hwaddr")
		text, err := json.MarshalIndent(now, "", " ")
		if err != nil {
			t.Fatal(err)
		}
		return ns.teamLook(team), string(text)
	}
	print := func(change *netstate.Change) {
		t.Helper()
		commands := strings.Join(netstate.IP(change), "\n")
		if out, err := ns.try("bash", "-ec", commands); err != nil {
			t.Fatalf("%v: %s\nof\n%s", err, out, commands)
		}
	}
	seen := "" // of the configurations
	both := func(block string, used string) *netstate.Change {
		t.Helper()
		change := ns.apply(block)
		selected := func() {
			t.Helper()
			if used != "" {
				eventually(t, "the port that is used", func() bool { return ns.activePort(team) == used })
			}
		}
		selected()
		var ours, config string
		eventually(t, "teamd answers", func() bool {
			ours, config = look()
			return ours != ""
		})
		ns.undo(change)
		print(change)
		selected()
		ns.teamIs(team, "printed:\n"+strings.Join(netstate.IP(change), "\n"), ours)
		if _, printed := look(); printed != config {
			t.Errorf("printed (-stet +printed):\n%s", cmp.Diff(config, printed))
		}
		seen += config
		ns.facts()
		return change
	}
	port := func(name, options string) string {
		return "interfaces: [{name: " + name + ", team-port: {" + options + "}}]"
	}
	first := both("interfaces: [{name: "+team+", type: team, team: {runner: {name: activebackup, hwaddr-policy: by_active}, link-watch: {name: ethtool, delay-up: 10},"+
		" ports: [{name: p0, prio: -5, queue-id: 2}, {name: p1, prio: 7, link-watch: {name: ethtool, delay-down: 5}}]}}]", "p1")
	changes := []*netstate.Change{
		both(port("p0", "prio: 20"), "p0"),
		both(port("p1", "sticky: true, prio: 9, queue-id: 3, lacp-prio: 3, lacp-key: 4, link-watch: [{name: ethtool}, {name: arp_ping, target-host: 192.0.2.2, source-host: 192.0.2.1}]"), "p0"),
		both("interfaces: [{name: "+team+", team: {runner: {name: lacp, min-ports: 2}}}]", ""),
	}
	for _, key := range []string{"prio", "sticky", "queue_id", "lacp_prio", "lacp_key", "link_watch", "delay_down"} {
		if !strings.Contains(seen, `"`+key+`":`) {
			t.Errorf("teamd was never told %s", key)
		}
	}
	gone := ns.plan("interfaces: [{name: " + team + ", state: absent}]")
	print(gone)
	if pid, _ := ns.teamdProcess(team); pid != "" || ns.observe(everything).Interface(team) != nil {
		t.Errorf("after the commands that remove the team, process %q is there", pid)
	}
	ns.undo(gone)
	slices.Reverse(changes)
	for _, change := range append(changes, first) {
		ns.undo(change)
	}
	ns.same("undone", func() []string { return before })
}

// TestTeamPortText is what plans say of a port that leaves its team and comes
// back: it has no options between, not the defaults. The commands end teamd before
// its team, and wait until it has seen its port go.
func TestTeamPortText(t *testing.T) {
	port := netstate.Attrs{"state": "up", "controller": "team0", "team-port.prio": "9", "team-port.sticky": "true", "team-port.queue-id": "3",
		"team-port.lacp-prio": "4", "team-port.lacp-key": "5", "team-port.link-watch": `[{"name":"ethtool"}]`}
	s := &netstate.State{Interfaces: []netstate.Interface{{Name: "p0", Type: "ethernet", Attrs: port},
		{Name: "team0", Type: "team", Attrs: netstate.Attrs{"state": "up", netstate.TeamRunner: "lacp"}, Status: netstate.Attrs{"team.daemon": "process 7" + netstate.TeamdOurs}}}}
	for options, want := range map[string]string{
		"sticky: false": "! link p0 controller team0 → none, state up → down\n" +
			"! link p0 controller none → team0, state down → up, team-port.lacp-key none → 5, team-port.lacp-prio none → 4, team-port.prio none → 9, team-port.queue-id none → 3\n" +
			"+ team-port.link-watch of p0 name ethtool\n",
		"prio: 10":    "! link p0 team-port.prio 9 → 10\n",
		"queue-id: 0": "! link p0 team-port.queue-id 3 → 0\n",
	} {
		config, problems := netyaml.Decode("interfaces: [{name: p0, team-port: {" + options + "}}]")
		if len(problems) > 0 {
			t.Fatalf("%s: %+v", options, problems)
		}
		to, _, problems := netstate.Simulate(s, config)
		if len(problems) > 0 {
			t.Fatalf("%s: %+v", options, problems)
		}
		if diff := cmp.Diff(want, netstate.Text(netstate.Diff(s, to))); diff != "" {
			t.Errorf("%s (-want +got):\n%s", options, diff)
		}
		const waits = "ip link set dev p0 nomaster\nip link set dev p0 down\nwhile teamdctl team0 port present p0 2>/dev/null; do sleep 0.1; done\n"
		if commands := strings.Join(netstate.IP(netstate.Diff(s, to)), "\n"); strings.Contains(commands, waits) != strings.Contains(want, "none") {
			t.Errorf("%s: printed as\n%s", options, commands)
		}
	}
	without := &netstate.State{Interfaces: []netstate.Interface{{Name: "p0", Type: "ethernet", Attrs: netstate.Attrs{"state": "up", "controller": ""}}}}
	want := []string{"teamd -k -t team0", "ip link delete dev team0"}
	if commands := netstate.IP(netstate.Diff(s, without)); !slices.Equal(commands[max(len(commands)-2, 0):], want) {
		t.Errorf("removing the team is printed as\n%s", strings.Join(commands, "\n"))
	}
}
