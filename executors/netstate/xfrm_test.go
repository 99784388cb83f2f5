package netstate_test

import (
	"maps"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"stet/executors/netstate"
	"stet/executors/netstate/netyaml"
)

const xfrmBefore = `
ipsec-xfrm:
  states:
  - {src: 192.0.2.1, dst: 198.51.100.1, proto: esp, spi: 0x1000, mode: tunnel, reqid: 1, enc: {name: cbc(aes), key: 00112233445566778899aabbccddeeff}}
  policies:
  - {dir: out, src: 10.1.0.0/24, dst: 10.2.0.0/24, templates: [{src: 192.0.2.1, dst: 198.51.100.1, proto: comp, mode: tunnel}, {proto: esp, reqid: 1}]}
`

// wish is the state that a block makes of one, and the change to it.
func wish(t *testing.T, from *netstate.State, block string) (*netstate.State, *netstate.Change) {
	t.Helper()
	c, problems := netyaml.Decode(block)
	if len(problems) > 0 {
		t.Fatalf("%+v", problems)
	}
	to, _, problems := netstate.Simulate(from, c)
	if len(problems) > 0 {
		t.Fatalf("%+v", problems)
	}
	return to, netstate.Diff(from, to)
}

func TestXfrmChanges(t *testing.T) {
	here, _ := wish(t, &netstate.State{Xfrm: []netstate.Xfrm{{Sort: netstate.XfrmDefault}}}, xfrmBefore)
	tests := []struct {
		name, block, text string
		ip                []string
	}{
		{"the same", xfrmBefore, "", nil},
		{"limits of a state", "ipsec-xfrm: {states: [{dst: 198.51.100.1, proto: esp, spi: 0x1000, limit: {time-hard: 60}}]}",
			"! xfrm state dst 198.51.100.1 proto esp spi 0x1000 limit.time-hard 0 → 60\n",
			[]string{"ip xfrm state update src 192.0.2.1 dst 198.51.100.1 proto esp spi 0x1000 mode tunnel reqid 1 enc 'cbc(aes)' KEY limit time-hard 60"}},
		{"anything else of it", "ipsec-xfrm: {states: [{dst: 198.51.100.1, proto: esp, spi: 0x1000, mode: transport}]}",
			"! xfrm state dst 198.51.100.1 proto esp spi 0x1000 mode tunnel → transport (made anew: mode cannot be changed)\n",
			[]string{"ip xfrm state delete src 192.0.2.1 dst 198.51.100.1 proto esp spi 0x1000", "ip xfrm state add src 192.0.2.1 dst 198.51.100.1 proto esp spi 0x1000 reqid 1 enc 'cbc(aes)' KEY"}},
		{"templates have an order", "ipsec-xfrm: {policies: [{dir: out, src: 10.1.0.0/24, dst: 10.2.0.0/24, templates: [{proto: esp, reqid: 1}, {src: 192.0.2.1, dst: 198.51.100.1, proto: comp, mode: tunnel}]}]}",
			"! xfrm policy dir out src 10.1.0.0/24 dst 10.2.0.0/24 templates {src 192.0.2.1 dst 198.51.100.1 proto comp mode tunnel} {proto esp reqid 1} → {proto esp reqid 1} {src 192.0.2.1 dst 198.51.100.1 proto comp mode tunnel}\n",
			[]string{"ip xfrm policy update src 10.1.0.0/24 dst 10.2.0.0/24 dir out tmpl proto esp reqid 1 tmpl src 192.0.2.1 dst 198.51.100.1 proto comp mode tunnel"}},
		{"removed, policies first", "ipsec-xfrm: {states: [{proto: esp, state: absent}], policies: [{dir: out, state: absent}]}",
			"- xfrm policy dir out src 10.1.0.0/24 dst 10.2.0.0/24 templates {src 192.0.2.1 dst 198.51.100.1 proto comp mode tunnel} templates {proto esp reqid 1}\n" +
				"- xfrm state dst 198.51.100.1 proto esp spi 0x1000 src 192.0.2.1 mode tunnel reqid 1 enc.name cbc(aes) enc.key KEY\n",
			[]string{"ip xfrm policy delete src 10.1.0.0/24 dst 10.2.0.0/24 dir out", "ip xfrm state delete src 192.0.2.1 dst 198.51.100.1 proto esp spi 0x1000"}},
		{"default", "ipsec-xfrm: {default: {out: block}}", "! xfrm default out accept → block\n", []string{"ip xfrm policy setdefault in accept fwd accept out block"}},
	}
	print := netstate.Fingerprint("00112233445566778899aabbccddeeff")
	plain := func(s string) string { return strings.ReplaceAll(s, print, "KEY") }
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			to, change := wish(t, here, tt.block)
			if diff := cmp.Diff(tt.text, plain(netstate.Text(change))); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			var commands []string
			for _, line := range netstate.IP(change) {
				commands = append(commands, plain(line))
			}
			if diff := cmp.Diff(tt.ip, commands); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if m := netstate.Verify(change, to); len(m) > 0 {
				t.Errorf("%+v", m)
			}
			after := netstate.Predict(here, change)
			if diff := cmp.Diff(to.Xfrm, after.Xfrm); diff != "" {
				t.Errorf("predicted (-want +got):\n%s", diff)
			}
			if back := netstate.Predict(after, netstate.Undo(change, after)); cmp.Diff(here.Xfrm, back.Xfrm) != "" {
				t.Errorf("undone: %s", cmp.Diff(here.Xfrm, back.Xfrm))
			}
		})
	}
}

// With the same key the sequence numbers go on; with another they begin anew.
func TestXfrmSequence(t *testing.T) {
	here, _ := wish(t, nil, xfrmBefore)
	for i := range here.Xfrm {
		if here.Xfrm[i].Sort == netstate.XfrmState {
			here.Xfrm[i].Status = netstate.Attrs{"replay-oseq": "77"}
		}
	}
	for block, want := range map[string]uint64{
		"mode: transport": 77,
		"enc: {name: cbc(aes), key: ffeeddccbbaa99887766554433221100}": 0,
		"replay-oseq: 9, mode: transport":                              9,
	} {
		to, _ := wish(t, here, "ipsec-xfrm: {states: [{dst: 198.51.100.1, proto: esp, spi: 0x1000, "+block+"}]}")
		for i := range to.Xfrm {
			if x := &to.Xfrm[i]; x.Sort == netstate.XfrmState && x.Counter("replay-oseq") != want {
				t.Errorf("%s: it goes on at %d, want %d", block, x.Counter("replay-oseq"), want)
			}
		}
	}
}

// A state that has not what its protocol needs is refused.
func TestXfrmIncomplete(t *testing.T) {
	for rest, want := range map[string]string{
		"src: 192.0.2.1, proto: esp":  "needs `enc` or `aead`",
		"src: 192.0.2.1, proto: ah":   "needs `auth`",
		"src: 192.0.2.1, proto: comp": "needs `comp`",
		"proto: esp":                  "needs `src`",
		"src: 192.0.2.1, proto: esp, esn: true, enc: {name: cipher_null}": "`esn` needs `replay-window`",
	} {
		c, problems := netyaml.Decode("ipsec-xfrm: {states: [{dst: 198.51.100.1, spi: 0x1000, " + rest + "}]}")
		if len(problems) > 0 {
			t.Fatal(problems)
		}
		_, _, problems = netstate.Simulate(&netstate.State{}, c)
		if len(problems) != 1 || !strings.Contains(problems[0].Summary, want) {
			t.Errorf("%s: %+v, want %q", rest, problems, want)
		}
	}
	c, _ := netyaml.Decode(xfrmBefore)
	lacks := map[string]string{"ipsec-xfrm": "the running kernel has no IPsec"}
	if _, _, problems := netstate.Simulate(&netstate.State{Lacks: maps.Clone(lacks)}, c); len(problems) != 1 || problems[0].Code != "kernel-lacks" {
		t.Errorf("%+v", problems)
	}
}
