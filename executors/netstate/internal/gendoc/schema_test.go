package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"stet/executors/netstate"
	"stet/executors/netstate/netdoc"
	"stet/executors/netstate/netyaml"
	"stet/internal/yaml"
)

func TestSchemaIsFresh(t *testing.T) {
	have, err := os.ReadFile("../../../../docs/reference/netconfig.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	if string(have) != schemaFile() {
		t.Error("docs/reference/netconfig.schema.json differs from the tables and the decoder: run go generate ./executors/netstate/...")
	}
}

// compiled is the schema as a validator that others wrote has it.
func compiled(t *testing.T) *jsonschema.Schema {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader(schemaFile()))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	c.DefaultDraft(jsonschema.Draft2020)
	if err := c.AddResource("netconfig.schema.json", doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("netconfig.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// values are a block as JSON has it.
func values(t *testing.T, block string) any {
	t.Helper()
	n, errs := yaml.Parse(block)
	if len(errs) > 0 {
		t.Fatalf("%+v\n%s", errs, block)
	}
	return n.Any()
}

// TestSchemaTakesExamples checks that the schema takes the examples of the page.
func TestSchemaTakesExamples(t *testing.T) {
	s := compiled(t)
	for _, k := range netstate.Kinds() {
		if err := s.Validate(values(t, netdoc.Of(k.Name).Example)); err != nil {
			t.Errorf("%s: %v", k.Name, err)
		}
	}
	parts := strings.Split(page(), "```")
	for i := 1; i < len(parts); i += 2 {
		body, _ := strings.CutPrefix(parts[i], "yaml\n")
		if err := s.Validate(values(t, body)); err != nil {
			t.Errorf("%v\n%s", err, body)
		}
	}
}

// TestSchemaTakesNmstate checks that the schema takes those of nmstate's own
// examples that the decoder takes, and that it refuses the others where it is for
// their form.
func TestSchemaTakesNmstate(t *testing.T) {
	s := compiled(t)
	files, err := filepath.Glob("../../netyaml/testdata/nmstate/*.yml")
	if err != nil {
		t.Fatal(err)
	}
	below, err := filepath.Glob("../../netyaml/testdata/nmstate/*/*/*.yml")
	if err != nil {
		t.Fatal(err)
	}
	files = append(files, below...)
	taken, refused, meaning := 0, 0, 0
	for _, file := range files {
		src, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		_, problems := netyaml.Decode(string(src))
		err = s.Validate(values(t, string(src)))
		switch {
		case len(problems) == 0 && err != nil:
			t.Errorf("%s: %v", file, err)
		case len(problems) == 0:
			taken++
		case err != nil:
			refused++
		default:
			meaning++
		}
	}
	if taken < 40 || refused < 10 || len(files) != 86 {
		t.Errorf("of %d files, %d are taken and %d refused", len(files), taken, refused)
	}
	t.Logf("%d taken, %d refused, %d refused by the decoder alone", taken, refused, meaning)
}

// TestSchemaRefuses gives the schema what is wrong in its form. The decoder
// refuses the same.
func TestSchemaRefuses(t *testing.T) {
	s := compiled(t)
	for _, c := range []struct{ name, block string }{
		{"a key that does not exist", "interfacs: []"},
		{"a list that is a mapping", "interfaces: {name: eth0}"},
		{"a key of an interface that does not exist", "interfaces: [{name: eth0, mtuu: 1500}]"},
		{"no name", "interfaces: [{mtu: 1500}]"},
		{"a name of 16 bytes", "interfaces: [{name: '0123456789abcdef'}]"},
		{"a name with a slash", "interfaces: [{name: a/b}]"},
		{"a type that does not exist", "interfaces: [{name: eth0, type: briddge}]"},
		{"a type of Open vSwitch", "interfaces: [{name: eth0, type: ovs-bridge}]"},
		{"a state that does not exist", "interfaces: [{name: eth0, state: upp}]"},
		{"an MTU that is no number", "interfaces: [{name: eth0, mtu: big}]"},
		{"a hardware address of five bytes", "interfaces: [{name: eth0, mac-address: '02:00:00:00:01'}]"},
		{"a word for a truth", "interfaces: [{name: eth0, arp: perhaps}]"},
		{"VLAN 5000", "interfaces: [{name: v, type: vlan, vlan: {base-iface: eth0, id: 5000}}]"},
		{"a VXLAN identifier of 25 bits", "interfaces: [{name: v, type: vxlan, vxlan: {id: 16777216}}]"},
		{"a mode that does not exist", "interfaces: [{name: b, type: bond, link-aggregation: {mode: best}}]"},
		{"a key of a section that does not exist", "interfaces: [{name: b, type: linux-bridge, bridge: {options: {stp: {on: true}}}}]"},
		{"an address without a prefix length", "interfaces: [{name: eth0, ipv4: {address: [{ip: 192.0.2.1}]}}]"},
		{"a prefix length of 129", "interfaces: [{name: eth0, ipv6: {address: [{ip: '2001:db8::1', prefix-length: 129}]}}]"},
		{"a flag that does not exist", "interfaces: [{name: eth0, ipv6: {address: [{ip: '2001:db8::1', prefix-length: 64, flags: [nodadd]}]}}]"},
		{"DHCP's identifier", "interfaces: [{name: eth0, ipv4: {dhcp-client-id: ll}}]"},
		{"a route to a name", "routes: {config: [{destination: example.com, next-hop-interface: eth0}]}"},
		{"a route type that does not exist", "routes: {config: [{destination: 192.0.2.0/24, route-type: hole}]}"},
		{"a weight of 257", "routes: {config: [{destination: 192.0.2.0/24, next-hop-interface: eth0, weight: 257}]}"},
		{"a table with a name of its own", "routes: {config: [{destination: 192.0.2.0/24, next-hop-interface: eth0, table-id: mine}]}"},
		{"an action that does not exist", "route-rules: {config: [{family: ipv4, action: drop}]}"},
		{"a neighbour without device", "neighbors: [{ip: 192.0.2.1, mac-address: '02:00:00:00:00:01'}]"},
		{"an entry without address", "fdb: [{device: eth0}]"},
		{"a nexthop object without number", "nexthops: [{next-hop-interface: eth0}]"},
		{"a peer without its key", "interfaces: [{name: wg0, type: wireguard, wireguard: {peers: [{persistent-keepalive: 5}]}}]"},
		{"a qdisc that does not exist", "interfaces: [{name: eth0, traffic-control: {qdiscs: [{kind: htbb}]}}]"},
		{"a key of another qdisc", "interfaces: [{name: eth0, traffic-control: {qdiscs: [{kind: sfq, pacing: true}]}}]"},
		{"an action that does not exist", "interfaces: [{name: eth0, traffic-control: {filters: [{kind: matchall, parent: ingress, prio: 1, actions: [dropp]}]}}]"},
		{"a limit of Multipath TCP beyond the kernel's", "mptcp: {limits: {subflows: 9}}"},
		{"a state of IPsec with a key that does not exist", "ipsec-xfrm: {states: [{dst: 192.0.2.1, proto: esp, spi: 1, pruto: x}]}"},
		{"hostname", "hostname: {config: x}"},
		{"a policy", "desiredState: {interfaces: []}"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if s.Validate(values(t, c.block)) == nil {
				t.Error("the schema takes it")
			}
			if _, problems := netyaml.Decode(c.block); len(problems) == 0 {
				t.Error("the decoder takes it")
			}
		})
	}
}
