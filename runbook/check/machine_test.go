package check

import (
	"context"
	"errors"
	"net/netip"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"stet/executors"
	"stet/executors/netstate"
	"stet/runbook"
)

func someFacts() *runbook.Facts {
	return &runbook.Facts{
		Hostname: "edge-7", OS: "linux", Arch: "arm64", Kernel: "6.12.1", User: "root", UID: 0,
		Release: map[string]string{"id": "debian", "version_id": "13"},
		Links: map[string]runbook.FactLink{
			"eth0": {Name: "eth0", Type: "ethernet", State: "up", MTU: 1500, MAC: "02:00:00:00:00:01", Addresses: []runbook.FactAddress{
				{IP: "192.0.2.10", Prefix: "192.0.2.10/24", Network: "192.0.2.0/24", Length: 24, Family: 4, Scope: "global"},
			}},
			"eth0.100": {Name: "eth0.100", Type: "vlan", State: "down", MTU: 1496, Addresses: []runbook.FactAddress{}},
		},
		Default4: runbook.FactRoute{Dev: "eth0", Via: "192.0.2.1", Metric: 100},
	}
}

func TestExpandFacts(t *testing.T) {
	env := Env{Vars: map[string]any{"uplink": "eth0", "none": "eth9"}, Target: executors.Target{Name: "r1", Address: "ssh://r1"}, Facts: someFacts()}
	for text, want := range map[string]string{
		"${target.hostname} ${target.os}/${target.arch} ${target.kernel}":    "edge-7 linux/arm64 6.12.1",
		"${target.user} ${target.uid}":                                       "root 0",
		"${target.release.id}-${target.release[\"version_id\"]}":             "debian-13",
		"${target.links.eth0.mtu - 50}":                                      "1450",
		"${target.links[\"eth0.100\"].state}":                                "down",
		"${target.links[uplink].mac}":                                        "02:00:00:00:00:01",
		"${target.links[target.default4.dev].addresses[0].network}":          "192.0.2.0/24",
		"${target.default4.via} ${target.default4.metric}":                   "192.0.2.1 100",
		"${join(sort(keys(target.links)), \" \")}":                           "eth0 eth0.100",
		"${any(keys(target.links), # == \"eth9\") ? \"there\" : \"gone\"}":   "gone",
		"${filter(target.links.eth0.addresses, .family == 4)[0].prefix}":     "192.0.2.10/24",
		"${target.release.id in [\"debian\", \"ubuntu\"] ? \"apt\" : \"?\"}": "apt",
	} {
		got, problems := Expand(text, env)
		if got != want || problems != nil {
			t.Errorf("%s: got %q, want %q; %+v", text, got, want, problems)
		}
		// Before the machine was looked at it is all right, too.
		names := env.Names()
		names.Facts = nil
		if problems := CheckTemplate(text, names); problems != nil {
			t.Errorf("%s, not looked at: %+v", text, problems)
		}
	}
}

func TestExpandFactProblems(t *testing.T) {
	env := Env{Vars: map[string]any{"none": "eth9"}, Target: executors.Target{Name: "r1", Address: "ssh://r1"}, Facts: someFacts()}
	for text, want := range map[string]string{
		"${target.hostnam}":                 "there is no hostnam here; did you mean hostname?",
		"${target.links.eth1.mtu}":          "r1 has no interface eth1; did you mean eth0?",
		"${target.links[none].mtu}":         "there was no such interface when the plan was made",
		"${target.default6.dev}":            "there was no such default route when the plan was made",
		"${target.links.eth0.mtuu}":         "an interface has no mtuu; did you mean mtu?",
		"${target.kernel + 1}":              "+ does not work between a string and a number",
		"${target.release.variant}":         "there is no variant here",
		"${target.default4.gateway}":        "a default route has no gateway",
		"${target.links.eth0.addresses.ip}": "it is a list",
	} {
		_, problems := Expand(text, env)
		if len(problems) != 1 || !strings.Contains(problems[0].Summary, want) {
			t.Errorf("%s: %+v", text, problems)
		}
	}
}

// Lint finds what is wrong whatever the machine is.
func TestFactTypesAreKnownBefore(t *testing.T) {
	names := Names{Target: executors.Target{Name: "r1"}}
	for text, want := range map[string]string{
		"${target.hostnam}":                "did you mean hostname?",
		"${target.links.eth0.mtuu}":        "did you mean mtu?",
		"${target.links.eth0.mtu + \"x\"}": "+ does not work",
		"${target.default4.devv}":          "did you mean dev?",
	} {
		problems := CheckTemplate(text, names)
		if len(problems) != 1 || !strings.Contains(problems[0].Summary, want) {
			t.Errorf("%s: %+v", text, problems)
		}
	}
	if _, problems := Compile("target.links.eth0.mtu == \"1500\"", names); len(problems) != 1 {
		t.Errorf("%+v", problems)
	}
}

func TestFactPaths(t *testing.T) {
	for text, want := range map[string][]string{
		"${vlan} target.kernel":                             nil,
		"${target.name} ${target.vars.kernel}":              nil,
		"${target.kernel} ${target.kernel}":                 {"target.kernel"},
		"${target.links[\"eth0.1\"].mtu}":                   {`target.links["eth0.1"].mtu`},
		"${target.links[uplink].mtu}":                       {"target.links"},
		"${target.links[target.default4.dev].mac}":          {"target.default4.dev", "target.links"},
		"${target.links.eth0.addresses[0].ip}":              {"target.links.eth0.addresses"},
		"${toJSON(target)}":                                 {"target"},
		"${let t = target; t.name}":                         {"target"},
		"${\"a ${target.os}\"}":                             {"target.os"},
		"$${target.os} ${target.hostname startsWith \"r\"}": {"target.hostname"},
		"${target?.kernel}":                                 {"target.kernel"},
	} {
		var got []string
		for _, p := range FactPaths(text) {
			got = append(got, p.String())
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%s: %s", text, d)
		}
	}
	p, problems := Compile("target.kernel startsWith \"6.\"\nlink(target.default4.dev).mtu == target.links.eth0.mtu", Names{})
	if problems != nil {
		t.Fatal(problems)
	}
	var got []string
	for _, path := range p.FactPaths() {
		got = append(got, path.String()+" = "+Fact(someFacts(), path))
	}
	want := []string{`target.default4.dev = "eth0"`, `target.kernel = "6.12.1"`, "target.links.eth0.mtu = 1500"}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if got := Fact(someFacts(), Path{"links", "eth9", "mtu"}); got != "null" {
		t.Error(got)
	}
}

// machine answers Look.
type machine struct {
	release string
	asked   []string
	err     error
}

func (*machine) Target() executors.Target { return executors.Target{Name: "r1"} }

func (m *machine) Info(context.Context) (*executors.Info, error) {
	return &executors.Info{Hostname: "edge-7", OS: "linux", Arch: "arm64", Kernel: "6.12.1", User: "ops", UID: 1000}, m.err
}

func (m *machine) Observe(_ context.Context, q netstate.Query) (*netstate.State, error) {
	s := &netstate.State{}
	if q.Links {
		m.asked = append(m.asked, "links")
		s.Interfaces = []netstate.Interface{
			{Name: "eth0", Type: "ethernet", Attrs: netstate.Attrs{"state": "up", "mtu": "1500", "mac-address": "02:00:00:00:00:01"}, Addresses: []netstate.Address{{Prefix: netip.MustParsePrefix("192.0.2.10/24")}}},
			{Name: "far", Type: "veth", Netns: "r2"},
		}
	}
	if q.Routes {
		m.asked = append(m.asked, "routes")
		hop := func(dev, via string) []netstate.NextHop {
			return []netstate.NextHop{{Device: dev, Via: netip.MustParseAddr(via)}}
		}
		all := netip.MustParsePrefix("0.0.0.0/0")
		s.Routes = []netstate.Route{
			{Destination: all, Table: 100, Metric: 1, NextHops: hop("vpn", "198.51.100.1")},
			{Destination: all, Table: 254, Metric: 600, NextHops: hop("wlan0", "203.0.113.1")},
			{Destination: all, Table: 254, Metric: 100, NextHops: hop("eth0", "192.0.2.1")},
			{Destination: all, Table: 254, Metric: 0, Type: "blackhole"},
		}
	}
	return s, nil
}

func (m *machine) Probe(_ context.Context, p executors.Probe) (*executors.ProbeReply, error) {
	m.asked = append(m.asked, p.File.Path)
	if p.File.Path == "/etc/os-release" {
		return &executors.ProbeReply{Values: map[string]any{"exists": false, "content": ""}}, nil
	}
	return &executors.ProbeReply{OK: true, Values: map[string]any{"exists": true, "content": m.release}}, nil
}

func TestLook(t *testing.T) {
	m := &machine{release: "# it\nID=debian\nPRETTY_NAME=\"Debian \\\"x\\\"\"\nVERSION_ID='13'\n\nbroken\n"}
	f, err := Look(t.Context(), m, []Path{{"kernel"}})
	if err != nil || f.Kernel != "6.12.1" || f.UID != 1000 || len(m.asked) > 0 {
		t.Fatalf("%+v %v %v", f, err, m.asked)
	}
	f, err = Look(t.Context(), m, []Path{{}})
	if err != nil {
		t.Fatal(err)
	}
	want := &runbook.Facts{
		Hostname: "edge-7", OS: "linux", Arch: "arm64", Kernel: "6.12.1", User: "ops", UID: 1000,
		Release: map[string]string{"id": "debian", "pretty_name": `Debian "x"`, "version_id": "13"},
		Links: map[string]runbook.FactLink{"eth0": {Name: "eth0", Type: "ethernet", State: "up", MTU: 1500, MAC: "02:00:00:00:00:01",
			Addresses: []runbook.FactAddress{{IP: "192.0.2.10", Prefix: "192.0.2.10/24", Network: "192.0.2.0/24", Length: 24, Family: 4, Scope: "global"}}}},
		Default4: runbook.FactRoute{Dev: "eth0", Via: "192.0.2.1", Metric: 100},
	}
	if d := cmp.Diff(want, f); d != "" {
		t.Error(d)
	}
	m.err = errors.New("gone")
	if _, err := Look(t.Context(), m, []Path{{"os"}}); !errors.Is(err, m.err) {
		t.Error(err)
	}
}
