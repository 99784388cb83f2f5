package netyaml

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
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
