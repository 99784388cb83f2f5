package netyaml

import (
	"strings"
	"testing"

	"stet/executors/netstate"
)

// TestMPTCPFaults wants each mistake to be told where it stands (§).
func TestMPTCPFaults(t *testing.T) {
	endpoint := func(rest string) string { return "mptcp:\n  endpoints:\n  - " + rest + "\n" }
	tests := []struct{ name, block, want string }{
		{"no address", endpoint("§{signal: true}"), "an endpoint of MPTCP without `address`"},
		{"a number of none", endpoint("{address: 192.0.2.1, id: §0}"), "\"0\" is no number from 1 to 255"},
		{"a number beyond", endpoint("{address: 192.0.2.1, id: §256}"), "\"256\" is no number from 1 to 255"},
		{"no address at all", endpoint("{address: §192.0.2.1/24}"), "192.0.2.1/24"},
		{"a flag", endpoint("{address: 192.0.2.1, signal: §loud}"), "loud"},
		{"an unknown key", endpoint("{address: 192.0.2.1, §flags: [signal]}"), "flags"},
		{"twice", endpoint("{address: 192.0.2.1}\n  - §{address: 192.0.2.1, port: 0}"), "the same endpoint of MPTCP stands twice"},
		{"limits", "mptcp:\n  limits: {subflows: §9}\n", "\"9\" is no number from 0 to 8"},
		{"of an interface", "interfaces:\n- name: eth0\n  §mptcp: {address-flags: [subflow]}\n", "`mptcp` of an interface"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			before, _, _ := strings.Cut(tt.block, "§")
			line := strings.Count(before, "\n") + 1
			column := len(before) - strings.LastIndex(before, "\n")
			_, problems := Decode(strings.ReplaceAll(tt.block, "§", ""))
			if len(problems) != 1 || !strings.Contains(problems[0].Summary, tt.want) || problems[0].Detail == "" {
				t.Fatalf("%+v, want %q", problems, tt.want)
			}
			if p := problems[0].Pos; p.Line != line || p.Column != column {
				t.Errorf("at %d:%d, want %d:%d", p.Line, p.Column, line, column)
			}
		})
	}
}

// TestMPTCPEncode writes what Decode reads.
func TestMPTCPEncode(t *testing.T) {
	s := &netstate.State{Xfrm: []netstate.Xfrm{
		{Sort: netstate.MPTCPEndpoint, Attrs: netstate.Attrs{"address": "192.0.2.1", "port": "5000", "id": "3", "signal": "true", "backup": "true"}},
		{Sort: netstate.MPTCPLimits, Attrs: netstate.Attrs{"subflows": "0"}},
	}}
	const want = "mptcp:\n  limits:\n    subflows: 0\n  endpoints:\n  - address: 192.0.2.1\n    port: 5000\n    id: 3\n    signal: true\n    backup: true\n"
	got := Encode(s)
	if got != want {
		t.Errorf("got:\n%s", got)
	}
	c, problems := Decode(got)
	if len(problems) > 0 || len(c.MPTCP) != 2 {
		t.Errorf("%+v %+v", c, problems)
	}
}
