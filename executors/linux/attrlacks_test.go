//go:build linux

package linux

import (
	"slices"
	"strings"
	"testing"

	"stet/executors/netstate"
	"stet/executors/netstate/netdoc"
	"stet/executors/netstate/netyaml"
)

// TestProbeAttr asks the running kernel for all that came late, as is done with those
// that look too old. What their number says is right of kernels that nobody brought
// anything to.
func TestProbeAttr(t *testing.T) {
	newNamespace(t) // needs root
	release, err := kernelRelease()
	if err != nil {
		t.Fatal(err)
	}
	count := 0
	for _, kind := range netstate.Kinds() {
		for _, a := range slices.Concat(kind.Attrs, kind.PortAttrs) {
			if a.Since == "" {
				continue
			}
			if text := netdoc.Key(a.Key); !strings.Contains(text, "Linux "+a.Since+" and later") {
				t.Errorf("%s came with Linux %s, and its documentation says %q", a.Key, a.Since, text)
			}
			reason, err := kindLacks(t.Context(), kind)
			if err != nil {
				t.Fatal(err)
			}
			if reason != "" {
				t.Logf("%s: %s", a.Key, reason)
				continue
			}
			if a.Unreported {
				continue // which cannot be asked
			}
			k, port := kindOfAttr(a.Key)
			if k != kind {
				t.Fatalf("%s is of %s, not of %s", a.Key, kind.Name, k.Name)
			}
			if kind.Name == "bond" {
				if loaded, _ := module("/", release, kind.Module); !loaded {
					continue // which is not asked
				}
			}
			has, err := probeAttr(t.Context(), k, port, func(r rawLink) bool { return tellsAttr(&r, k, port, &a) })
			old := older(release, a.Since)
			if has && old && strings.HasPrefix(a.Key, "netkit.") {
				old = false // later ones of 6.12 have it, too
			}
			if err != nil || has == old {
				t.Errorf("%s: the kernel %s has it: %v (%v), it came with %s", a.Key, release, has, err, a.Since)
			}
			count++
		}
	}
	if count == 0 {
		t.Error("nothing was asked")
	}
}

// TestLaterUntold wants the version alone to decide of what no interface tells.
func TestLaterUntold(t *testing.T) {
	a := netstate.Attr{Key: "hsr.later", Since: "99.0", Unreported: true}
	var s netstate.State
	if err := lacksAttr(t.Context(), &s, nil, &a); err != nil || !strings.HasPrefix(s.Lacks[a.Key], "it came with Linux 99.0, and the running kernel ") {
		t.Errorf("%v: the kernel lacks %q", err, s.Lacks)
	}
	a.Key, a.Since, s = "hsr.earlier", "2.6", netstate.State{}
	if err := lacksAttr(t.Context(), &s, nil, &a); err != nil || len(s.Lacks) > 0 {
		t.Errorf("%v: the kernel lacks %q", err, s.Lacks)
	}
}

// TestOlder compares releases with versions.
func TestOlder(t *testing.T) {
	for _, c := range []struct {
		release, version string
		want             bool
	}{
		{"6.1.0-56-amd64", "6.7", true}, {"6.7.0", "6.7", false}, {"6.12.1", "6.7", false}, {"5.15", "6.0", true},
		{"6.0-rc1", "5.18", false}, {"7.0", "6.13", false}, {"nonsense", "6.13", false},
	} {
		if got := older(c.release, c.version); got != c.want {
			t.Errorf("%s is older than %s: %v", c.release, c.version, got)
		}
	}
}

// TestPassedOver plans what a kernel is said to be too old for: before anything is
// touched the plan says so, where it stands. What is the default anyway is not asked.
func TestPassedOver(t *testing.T) {
	const block = "interfaces:\n- name: x0\n  type: linux-bridge\n  bridge: {options: {fdb-max-learned: 77}, port: [{name: e0, neighbor-vlan-suppress: true}]}\n"
	config, problems := netyaml.Decode(block)
	if len(problems) > 0 {
		t.Fatalf("%+v", problems)
	}
	const limit, suppress = "bridge.options.fdb-max-learned", "bridge-port.neighbor-vlan-suppress"
	for _, key := range []string{limit, suppress} {
		if q := config.Query(); !slices.Contains(q.Kinds, key) {
			t.Errorf("%s is not asked for: %v", key, q.Kinds)
		}
	}
	from := &netstate.State{Interfaces: []netstate.Interface{{Name: "e0", Type: "ethernet", Attrs: netstate.Attrs{"state": "up"}}},
		Lacks: map[string]string{limit: "it is too old", suppress: "it is too old"}}
	_, _, problems = netstate.Simulate(from, config)
	var said []string
	for _, p := range problems {
		said = append(said, p.Code+": "+p.Summary)
		if p.Pos.Line != 4 || p.Pos.Column < 20 {
			t.Errorf("%s is said of %d:%d", p.Summary, p.Pos.Line, p.Pos.Column)
		}
	}
	want := []string{"kernel-lacks: x0 cannot have fdb-max-learned: it is too old", "kernel-lacks: e0 cannot have neighbor-vlan-suppress: it is too old"}
	slices.Sort(said)
	slices.Sort(want)
	if !slices.Equal(said, want) {
		t.Errorf("the plan says %q instead of %q", said, want)
	}
	config, _ = netyaml.Decode(strings.NewReplacer("77", "0", "true", "false").Replace(block))
	if q := config.Query(); slices.Contains(q.Kinds, limit) || slices.Contains(q.Kinds, suppress) {
		t.Errorf("defaults are asked for: %v", q.Kinds)
	}
	if _, _, problems = netstate.Simulate(from, config); len(problems) > 0 {
		t.Errorf("defaults are refused: %+v", problems)
	}
}
