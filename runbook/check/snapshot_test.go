package check

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"stet/executors/netstate"
)

// take takes a snapshot and sends it through the journal's JSON.
func take(t *testing.T, m *machineSession, spec string) *Snapshot {
	t.Helper()
	s, err := Take(t.Context(), m, spec, nil)
	if err != nil {
		t.Fatal(err)
	}
	data, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	var back Snapshot
	if err := json.Unmarshal(data, &back); err != nil {
		t.Fatal(err)
	}
	again, err := json.Marshal(&back)
	if err != nil || string(again) != string(data) {
		t.Errorf("not stable through JSON:\n%s\n%s", data, again)
	}
	return &back
}

func TestSnapshotCounts(t *testing.T) {
	for spec, want := range map[string]map[string]int{
		"":                                   {"links": 4, "addresses": 3, "routes": 3, "rules": 1, "neighbours": 1, "fdb": 1},
		"# nothing but a comment":            {"links": 4, "addresses": 3, "routes": 3, "rules": 1, "neighbours": 1, "fdb": 1},
		"routes\n\n  neighbors # not a fact": nil,
		"routes\nneighbors":                  {"routes": 3, "neighbours": 1},
		"sysctl net.ipv4.ip_forward net/ipv4/conf/all/rp_filter": {"sysctl": 2},
		"kernel: run uname -r\nrun nope":                         {"output": 2},
	} {
		if want == nil {
			if len(CheckSnapshot(spec)) == 0 {
				t.Errorf("%q has no problem", spec)
			}
			continue
		}
		if got := take(t, lab(), spec).Counts(); !cmp.Equal(got, want) {
			t.Errorf("%q: %s", spec, cmp.Diff(want, got))
		}
	}
}

func TestCheckSnapshot(t *testing.T) {
	var got []string
	for _, p := range CheckSnapshot("routes\n  route\nlinks and more\nsysctl\nsysctl a..b\nrun\nx: run\na: run b\na: run c\nrun b\nrun b\nlinkz") {
		got = append(got, fmt.Sprintf("%d:%d-%d %s", p.Line, p.Column, p.EndColumn, p.Summary))
	}
	want := []string{
		"2:3-8 there is no fact route; did you mean routes?",
		"3:7-15 nothing may follow links",
		"4:1-7 sysctl needs a key",
		"5:1-12 sysctl key a..b has an empty part",
		"6:1-4 run needs a command",
		"7:1-7 run needs a command",
		"9:1-9 two outputs are named a",
		"11:1-6 two outputs are named b",
		"12:1-6 there is no fact linkz; did you mean links?",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if _, err := Take(t.Context(), lab(), "linkz", nil); err == nil {
		t.Error("took a snapshot of nothing")
	}
	if _, err := Take(t.Context(), lab(), "run flood", nil); err == nil || !strings.Contains(err.Error(), "too much to compare") {
		t.Errorf("flood: %v", err)
	}
}

// change does to the lab what a change window would.
func change(m *machineSession) {
	s := &m.state
	s.Interfaces = append(s.Interfaces[:3:3], netstate.Interface{Name: "vx0", Type: "vxlan", Attrs: netstate.Attrs{"state": "up", "mtu": "1450"}, Status: netstate.Attrs{"operstate": "unknown"}})
	s.Interfaces[2].Attrs = netstate.Attrs{"state": "down", "mtu": "1400", "controller": "br0"}
	s.Interfaces[1].Status = netstate.Attrs{"operstate": "up", "rx-bytes": "999999"}
	s.Interfaces[1].Addresses = append(s.Interfaces[1].Addresses[:1:1], netstate.Address{Prefix: netip.MustParsePrefix("198.51.100.1/32"), Status: []string{"tentative"}})
	s.Routes = append([]netstate.Route(nil), s.Routes...)
	s.Routes[0].NextHops = []netstate.NextHop{{Device: "br0", Via: netip.MustParseAddr("192.0.2.253")}}
	s.Routes[2] = netstate.Route{Destination: netip.MustParsePrefix("10.0.0.0/8"), Table: 100, NextHops: []netstate.NextHop{{Device: "br0", Weight: 1}, {Device: "eth0", Weight: 3}}}
	s.Neighbors = []netstate.Neighbor{{Device: "br0", IP: netip.MustParseAddr("192.0.2.254"), MAC: "02:00:00:00:00:fe", State: "stale"}, {Device: "br0", IP: netip.MustParseAddr("192.0.2.77"), State: "failed"}}
	s.FDB = []netstate.FDBEntry{{Device: "tap0", MAC: "02:00:00:00:00:51", Owner: "master", State: "dynamic"}}
	// An address that has settled.
	s.Routes = append(s.Routes, netstate.Route{Destination: netip.MustParsePrefix("fe80::1/128"), Type: "local", Table: 255, Protocol: 2, NextHops: []netstate.NextHop{{Device: "br0"}}})
	s.Sysctls = map[string]string{"net.ipv4.ip_forward": "0"}
	m.command = func(command string) (string, string, int) {
		if command == "uname -r" {
			return "6.19.0\n", "", 0
		}
		return labCommand(command)
	}
}

func TestDiff(t *testing.T) {
	m := lab()
	env := testEnv()
	env.Snapshots = map[string]*Snapshot{
		"before": take(t, m, ""),
		"others": take(t, m, "sysctl net.ipv4.ip_forward\nkernel: run uname -r\nrun true"),
		"mid-1":  take(t, m, "links"),
	}
	for _, a := range evaluate(t, "diff(before, now).empty\ndiff(before, now).count == 0\ndiff(others, now).empty\ndiff(before.routes, now.routes).empty\ndiff(before, before).empty\ndiff(now, before).empty\nbefore.routes == routes or len(before.routes) == 3", m, env) {
		if !a.OK {
			t.Errorf("%+v", a)
		}
	}
	change(m)
	for body, want := range map[string]string{
		`diff(before, now).links.appeared`:          `[]string{"vx0 type vxlan state up operstate unknown mtu 1450"}`,
		`diff(before, now).links.vanished`:          `[]string{"tap0 type tap state up operstate down controller br0 mtu 1450"}`,
		`diff(before, now).links.changed`:           `[]string{"eth0: state up → down"}`,
		`diff(before, now).addresses.appeared`:      `[]string{"br0 198.51.100.1/32 scope global"}`,
		`diff(before, now).addresses.vanished`:      `[]string{"br0 2001:db8::1/64 scope global"}`,
		`diff(before, now).routes.changed`:          `[]string{"default (IPv4): nexthop via 192.0.2.254 dev br0 → via 192.0.2.253 dev br0"}`,
		`diff(before, now).routes.appeared`:         `[]string{"10.0.0.0/8 table 100 nexthop dev br0 weight 1 nexthop dev eth0 weight 3 proto unspec"}`,
		`diff(before, now).routes.vanished`:         `[]string{"blackhole 10.0.0.0/8 metric 50 proto unspec"}`,
		`diff(before.routes, now.routes).vanished`:  `[]string{"blackhole 10.0.0.0/8 metric 50 proto unspec"}`,
		`diff(before, now).neighbours.count`:        `0`,
		`diff(before, now).neighbors.empty`:         `true`,
		`diff(before, now).rules.empty`:             `true`,
		`diff(before, now).fdb.changed`:             `[]string{"02:00:00:00:00:51: dev eth0 → tap0"}`,
		`diff(others, now).sysctl.changed`:          `[]string{"net.ipv4.ip_forward: = 1 → 0"}`,
		`diff(others, now).output.changed`:          `[]string{"kernel: output 6.18.0 → 6.19.0"}`,
		`diff(others, now).count`:                   `2`,
		`diff(now, others).output.changed`:          `[]string{"kernel: output 6.19.0 → 6.18.0"}`,
		`others.output["kernel"].out`:               `"6.18.0"`,
		`others.output.kernel.exit`:                 `0`,
		`others.sysctl["net.ipv4.ip_forward"]`:      `"1"`,
		`snapshots["mid-1"].links[3].name`:          `"tap0"`,
		`diff(snapshots["mid-1"], now).links.count`: `3`,
		`len(before.addresses)`:                     `3`,
	} {
		a := evaluate(t, "let v = ("+body+"); v != v", m, env)[0]
		if a.Error != "" {
			t.Errorf("%s: %s", body, a.Error)
		}
		got := fmt.Sprintf("%#v", valueOf(t, body, m, env))
		if got != want {
			t.Errorf("%s:\n got %s\nwant %s", body, got, want)
		}
	}
	for body, want := range map[string]string{
		`diff(before, snapshots["mid-1"]).routes.empty`: "the snapshot did not record routes",
		`snapshots["mid-1"].routes == []`:               "snapshot mid-1 did not record routes",
		`diff(others, now).links.empty`:                 "the snapshot did not record links",
		`diff(now, now).empty`:                          "diff",
	} {
		names := env.Names()
		names.Snapshots = map[string]string{"before": "", "others": "", "mid-1": ""}
		p, problems := Compile(body, names)
		if p == nil {
			if !strings.Contains(problems[0].Summary, want) {
				t.Errorf("%s: %+v", body, problems)
			}
			continue
		}
		list, err := p.Run(t.Context(), m, env, Options{})
		if err != nil || list[0].OK || !strings.Contains(list[0].Error, want) {
			t.Errorf("%s: %+v, %v", body, list, err)
		}
	}
	a := evaluate(t, "diff(before, now).routes.vanished == []", m, env)[0]
	if a.OK || len(a.Operands) != 1 || a.Operands[0].Value != `["blackhole 10.0.0.0/8 metric 50 proto unspec"]` {
		t.Errorf("%+v", a)
	}
	// Never just "false": the objects that differ.
	for text, want := range map[string]string{
		"diff(before, now).routes.empty": "vanished: blackhole 10.0.0.0/8 metric 50",
		"diff(before, now).count == 0":   "fdb changed: 02:00:00:00:00:51: dev eth0 → tap0",
	} {
		a := evaluate(t, text, m, env)[0]
		if a.OK || len(a.Operands) != 2 || !strings.Contains(a.Operands[0].Value, want) {
			t.Errorf("%s: %+v", text, a)
		}
	}
}

// valueOf is what an expression gives, seen through an explanation's own eyes.
func valueOf(t *testing.T, source string, m *machineSession, env Env) any {
	t.Helper()
	space := &namespace{names: env.Names()}
	x, faults := compile(source, space, false)
	if x == nil {
		t.Fatal(source, faults)
	}
	e := &evaluator{round: newRound(m, x.query, nil), ctx: t.Context(), trace: newTrace(), plan: x.plan}
	values := space.values(env)
	e.bind(values, false)
	v, err := runProgram(x, values)
	if err != nil {
		t.Fatal(source, err)
	}
	return v
}
