package main

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"stet/executors/netstate"
	"stet/executors/netstate/netdoc"
	"stet/executors/netstate/netyaml"
)

func TestPageIsFresh(t *testing.T) {
	have, err := os.ReadFile("../../../../docs/reference/netconfig.md")
	if err != nil {
		t.Fatal(err)
	}
	if string(have) != page() {
		t.Error("docs/reference/netconfig.md differs from the tables: run go generate ./executors/netstate/...")
	}
}

// secret is how examples give keys.
var secret = regexp.MustCompile(`\$\{(\w+)\}`)

// TestExamplesDecode decodes every YAML fence of the page.
func TestExamplesDecode(t *testing.T) {
	parts := strings.Split(page(), "```")
	count := 0
	for i := 1; i < len(parts); i += 2 {
		body, isYAML := strings.CutPrefix(parts[i], "yaml\n")
		if !isYAML {
			t.Fatalf("a fence that is not YAML: %q", parts[i])
		}
		count++
		body = secret.ReplaceAllString(body, netstate.Unknown("$1"))
		if _, problems := netyaml.Decode(body); len(problems) > 0 {
			t.Errorf("%+v\n%s", problems, body)
		}
	}
	kinds := netstate.Kinds()
	if count < len(kinds) {
		t.Errorf("%d examples for %d kinds", count, len(kinds))
	}
	for _, k := range kinds {
		if e := netdoc.Of(k.Name).Example; e == "" || !strings.Contains(page(), e) {
			t.Errorf("%s has no example", k.Name)
		}
	}
}

// TestEveryAttributeIsDescribed checks that the tables have what the page needs,
// and that nothing is described that is not there.
func TestEveryAttributeIsDescribed(t *testing.T) {
	seen := map[string]bool{}
	check := func(attrs []netstate.Attr, section string) {
		for _, a := range attrs {
			described(t, a.Key)
			if seen[a.Key] || !strings.HasPrefix(a.Key, section) {
				t.Errorf("%s: stands twice, or in the wrong section", a.Key)
			}
			seen[a.Key] = true
			for _, f := range a.Fields {
				described(t, a.Key+"."+f.Key)
				seen[a.Key+"."+f.Key] = true
			}
			if a.Default == "" {
				continue
			}
			if got, err := a.Canonical(a.Default); err != nil || got != a.Default {
				t.Errorf("%s: its default %q is not canonical: %q, %v", a.Key, a.Default, got, err)
			}
		}
	}
	check(netstate.LinkAttrs(), "")
	check(netstate.EthtoolAttrs(), "")
	for _, k := range netstate.Kinds() {
		check(k.Attrs, k.Section+".")
		check(k.PortAttrs, k.PortSection+".")
		described(t, k.Name)
	}
	for _, sort := range []string{netstate.XfrmState, netstate.XfrmPolicy, netstate.XfrmDefault, netstate.MPTCPEndpoint, netstate.MPTCPLimits} {
		below := "ipsec-xfrm." + sort + "."
		if x := (&netstate.Xfrm{Sort: sort}); x.MPTCP() {
			below = "mptcp." + sort + "."
		}
		list := slices.Clone(netstate.XfrmAttrs(sort))
		for i := range list {
			list[i].Key = below + list[i].Key
		}
		check(list, below)
	}
	found := map[string]*netyaml.Key{}
	keysOf(language(), "", found)
	for _, k := range netstate.TCKinds() {
		path := "traffic-control." + k.Object + "." + k.Name
		keys := []string{path}
		for _, a := range k.Attrs {
			keys = append(keys, path+"."+a.Key)
			if a.Default == "" {
				continue
			}
			if got, err := a.Canonical(a.Default); err != nil || got != a.Default {
				t.Errorf("%s.%s: its default %q is not canonical: %q, %v", path, a.Key, a.Default, got, err)
			}
		}
		for _, key := range keys {
			described(t, key)
			seen[key] = true
		}
	}
	for key := range netdoc.Keys() {
		if !seen[key] && found[key] == nil && !strings.HasPrefix(key, "traffic-control.entry.") {
			t.Errorf("%s: described in package netdoc, and no key of the language", key)
		}
	}
	for path, key := range found {
		if meaning(path) == "" && key.Refused == "" && !key.Hidden {
			t.Errorf("%s: say what it means in package netdoc", path)
		}
	}
}

func described(t *testing.T, name string) {
	t.Helper()
	text := netdoc.Key(name)
	if text == "" {
		text = netdoc.Of(name).Text
	}
	if text == "" || !strings.HasSuffix(text, ".") {
		t.Errorf("%s: its meaning, in package netdoc, is no sentence", name)
	}
}
