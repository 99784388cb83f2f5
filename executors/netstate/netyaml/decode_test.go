package netyaml

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"stet/executors/netstate"
)

// faults are problems as "line:column code summary".
func faults(body string) []string {
	var out []string
	_, problems := Decode(body)
	for _, p := range problems {
		out = append(out, fmt.Sprintf("%d:%d %s %s", p.Pos.Line, p.Pos.Column, p.Code, p.Summary))
	}
	return out
}

func TestFaultsHavePositions(t *testing.T) {
	body := `interfaces:
  - name: br0
    type: linux-brige
    mtuu: 9000
  - name: averyverylongname
  - name: eth1
    mtu: lots
    mac-address: 02:00
    ipv4:
      dhcp: true
      address:
        - ip: 192.0.2.1
          prefix-length: 33
        - ip: 2001:db8::1
          prefix-length: 64
  - name: bond0
    type: ovs-bridge
  - name: eth9
    lldp: {enabled: true}
routes:
  config:
    - destination: 192.0.2.0/33
      next-hop-interface: eth1
    - state: absent
route-rules:
  config:
    - priority: 5
`
	want := []string{
		"3:11 unknown-type unknown type `linux-brige`",
		"4:5 unknown-key unknown key `mtuu` in an interface",
		"5:11 bad-value `name`: \"averyverylongname\" is longer than the 15 bytes that a name may have",
		"7:10 bad-value `mtu`: \"lots\" is no number from 0 to 2147483647",
		"8:18 bad-value `mac-address`: \"02:00\" is no hardware address such as 02:00:00:00:00:01",
		"10:13 unsupported `dhcp: true` needs a DHCP client",
		"13:26 bad-value the prefix length of an IPv4 address is 0 to 32",
		"14:15 bad-value 2001:db8::1 does not belong under `ipv4`",
		"17:11 unsupported type ovs-bridge needs the Open vSwitch daemon",
		"19:5 unsupported `lldp` needs a daemon (NetworkManager or lldpd)",
		"22:20 bad-value `destination`: \"192.0.2.0/33\" is no network such as 192.0.2.0/24",
		"24:7 missing-key `state: absent` alone would remove every route",
		"27:7 missing-key a rule without `family`, `ip-from` and `ip-to`",
	}
	if d := cmp.Diff(want, faults(body)); d != "" {
		t.Error(d)
	}
}

// TestRouteBeside writes and reads what a route has beside its metrics.
func TestRouteBeside(t *testing.T) {
	const block = "routes:\n  config:\n" +
		"  - {destination: 10.0.0.0/8, next-hop-interface: eth0, congctl: bbr, lock: [congctl]}\n" +
		"  - {destination: 10.1.0.0/16, next-hop-interface: eth0, realm: 3/5, features: [ecn, tcp_usec_ts]}\n" +
		"  - {destination: \"2001:db8::/32\", next-hop-interface: eth0, pref: low}\n" +
		"  - {destination: \"2001:db8:1::/48\", next-hop-interface: eth0, pref: medium}\n"
	config, problems := Decode(block)
	if len(problems) > 0 {
		t.Fatalf("%+v", problems)
	}
	s := machine()
	to, _, _ := netstate.Simulate(s, config)
	want := []map[string]uint32{{"lock": 1 << 16}, {"realm": 3<<16 | 5, "features": 17}, {"pref": 3}, {}}
	for i, r := range to.Routes {
		if diff := cmp.Diff(want[i], r.Metrics); diff != "" {
			t.Errorf("%s: %s", r.Destination, diff)
		}
	}
	again, problems := Decode(Encode(to))
	if len(problems) > 0 {
		t.Fatalf("%+v\n%s", problems, Encode(to))
	}
	if then, _, _ := netstate.Simulate(to, again); !netstate.Diff(to, then).Empty() {
		t.Errorf("%s\n%s", netstate.Text(netstate.Diff(to, then)), Encode(to))
	}
}

// TestForeignLabel leaves a label that ip(8) would refuse, and another program has
// set, as it is: facts do not show it, and pasted back they change nothing.
func TestForeignLabel(t *testing.T) {
	s := machine()
	s.Interface("eth0").Addresses[0].Label = "web"
	block := Encode(s)
	config, problems := Decode(block)
	if len(problems) > 0 {
		t.Fatalf("%+v\n%s", problems, block)
	}
	to, _, problems := netstate.Simulate(s, config)
	if change := netstate.Diff(s, to); len(problems) > 0 || !change.Empty() {
		t.Errorf("%+v\n%s\n%s", problems, netstate.Text(change), block)
	}
}
