package netyaml

import (
	"strings"
	"testing"

	"stet/executors/netstate"
)

// TestNegotiatedPause: while pause frames are negotiated, what came of it is no wish: not
// in facts, not a difference, and refused where it is asked for.
func TestNegotiatedPause(t *testing.T) {
	card := func(autoneg, rx string) *netstate.State {
		attrs := netstate.Attrs{"state": "up", "mtu": "1500", "ethtool.pause.autoneg": autoneg, "ethtool.pause.rx": rx, "ethtool.pause.tx": "false"}
		return &netstate.State{Interfaces: []netstate.Interface{{Name: "eth0", Type: "ethernet", Index: 2, Attrs: attrs}}}
	}
	plan := func(from *netstate.State, block string) (*netstate.Change, string) {
		t.Helper()
		c, problems := Decode(block)
		if len(problems) > 0 {
			t.Fatalf("%+v\n%s", problems, block)
		}
		to, _, problems := netstate.Simulate(from, c)
		if len(problems) > 0 {
			return nil, problems[0].Summary
		}
		return netstate.Diff(from, to), ""
	}
	before := card("true", "false")
	facts := Encode(before)
	if strings.Contains(facts, "rx:") || !strings.Contains(facts, "autoneg: true") {
		t.Errorf("facts:\n%s", facts)
	}
	shown := "interfaces: [{name: eth0, ethtool: {pause: {autoneg: true, rx: true, tx: true}}}]" // as nmstate shows it
	for _, block := range []string{facts, shown} {
		if change, fault := plan(card("true", "true"), block); fault != "" || !change.Empty() {
			t.Errorf("it changes: %s\n%s\n%s", fault, netstate.Text(change), block)
		}
	}
	if _, fault := plan(before, "interfaces: [{name: eth0, ethtool: {pause: {rx: true}}}]"); !strings.Contains(fault, "pause frames are negotiated") {
		t.Errorf("what is negotiated can be set: %q", fault)
	}
	change, fault := plan(before, "interfaces: [{name: eth0, ethtool: {pause: {autoneg: false, rx: true}}}]")
	if fault != "" {
		t.Fatal(fault)
	}
	now := netstate.Predict(before, change)
	back := netstate.Undo(change, now)
	// The driver is told all that it had: some take it for what they offer.
	if said := netstate.Text(back); !strings.Contains(said, "ethtool.pause.rx") || !strings.Contains(said, "ethtool.pause.autoneg") {
		t.Errorf("the way back is:\n%s", said)
	}
	// What is agreed on then may be anything.
	if left := netstate.VerifyUndone(change, card("true", "true")); len(left) > 0 {
		t.Errorf("undone: %+v", left)
	}
	if left := netstate.VerifyUndone(change, card("false", "true")); len(left) == 0 {
		t.Error("nothing says that it is not undone")
	}
}

// TestForwardErrorCorrection: a code ends the driver's own choice, and that the
// code; what nmstate shows of a choice, the code in use, is no wish.
func TestForwardErrorCorrection(t *testing.T) {
	plan := func(auto, mode, fec string) (string, *netstate.Change) {
		t.Helper()
		attrs := netstate.Attrs{"state": "up", netstate.FECAuto: auto, netstate.FECMode: mode}
		if mode == "" {
			delete(attrs, netstate.FECMode)
		}
		if auto == "" {
			delete(attrs, netstate.FECAuto)
		}
		from := &netstate.State{Interfaces: []netstate.Interface{{Name: "eth0", Type: "ethernet", Index: 2, Attrs: attrs}}}
		c, problems := Decode("interfaces: [{name: eth0, ethtool: {fec: " + fec + "}}]")
		if len(problems) > 0 {
			return problems[0].Summary, nil
		}
		to, _, problems := netstate.Simulate(from, c)
		if len(problems) > 0 {
			return problems[0].Summary, nil
		}
		change := netstate.Diff(from, to)
		return strings.TrimSpace(netstate.Text(change)), change
	}
	for _, c := range []struct{ auto, mode, fec, want, ip string }{
		{"true", "", "{mode: rs}", "! link eth0 ethtool.fec.auto true → false, ethtool.fec.mode none → rs", "ethtool --set-fec eth0 encoding rs"},
		{"true", "rs", "{mode: baser}", "! link eth0 ethtool.fec.auto true → false, ethtool.fec.mode rs → baser", "ethtool --set-fec eth0 encoding baser"},
		{"true", "rs", "{auto: false}", "! link eth0 ethtool.fec.auto true → false", "ethtool --set-fec eth0 encoding rs"},
		{"true", "", "{auto: false}", "eth0: the driver chooses the code of forward error correction", ""},
		{"false", "rs", "{auto: true, mode: rs}", "! link eth0 ethtool.fec.auto false → true, ethtool.fec.mode rs → none", "ethtool --set-fec eth0 encoding auto"},
		{"true", "rs", "{auto: true, mode: baser}", "", ""},
		{"true", "", "{auto: true}", "", ""},
		{"false", "off", "{mode: off}", "", ""},
		{"false", "baser,rs", "{mode: off}", "! link eth0 ethtool.fec.mode baser,rs → off", "ethtool --set-fec eth0 encoding off"},
		{"", "", "{mode: off}", "eth0: its driver has no ethtool.fec.mode", ""},
		{"true", "", "{mode: reed}", "`mode`: \"reed\" is none of off, rs, baser, llrs", ""},
	} {
		got, change := plan(c.auto, c.mode, c.fec)
		if ip := strings.Join(netstate.IP(change), "; "); got != c.want || ip != c.ip {
			t.Errorf("%s with auto %q and mode %q: %q, %q\nwant %q, %q", c.fec, c.auto, c.mode, got, ip, c.want, c.ip)
		}
	}
}
