package netyaml

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestIPTunnel reads nmstate's type as stet's own: the same comes out.
func TestIPTunnel(t *testing.T) {
	for nmstate, own := range map[string]string{
		"type: ip-tunnel, ip-tunnel: {mode: ipip, local: 192.0.2.1, remote: 192.0.2.2, ttl: 255, tos: 4, pmtu-disc: true, base-iface: eth0, fwmark: 3}": "type: ipip, ipip: {mode: ipip, local: 192.0.2.1, remote: 192.0.2.2, ttl: 255, tos: 4, path-mtu-discovery: true, base-iface: eth0, fwmark: 3}",
		"type: ip-tunnel, ip-tunnel: {type: ipip, local: 192.0.2.1}":                                                                                    "type: ipip, ipip: {mode: ipip, local: 192.0.2.1}",
		"ip-tunnel: {mode: sit, remote: 192.0.2.2}":                                                                                                     "type: sit, sit: {mode: ip6ip, remote: 192.0.2.2}",
		"type: ip-tunnel, ip-tunnel: {mode: ipip6, tos: 16, encap-limit: 3, flow-label: 7}":                                                             "type: ip6tnl, ip6tnl: {mode: ipip6, traffic-class: 16, encapsulation-limit: 3, flow-label: 7}",
		"type: ip-tunnel, ip-tunnel: {mode: ip6ip6, ip6tun-flags: [ign-encap-limit, use-orig-tclass, cap-xmit]}": "type: ip6tnl, ip6tnl: {mode: ip6ip6, no-encapsulation-limit: true, inherit-traffic-class: true, " +
			"allow-local-remote: false, copy-dscp: false, inherit-flow-label: false, inherit-fwmark: false}",
		"type: ip-tunnel, state: absent": "state: absent",
		"type: ip-tunnel, mtu: 1400":     "mtu: 1400",
	} {
		got, problems := Decode("interfaces: [{name: x, " + nmstate + "}]")
		want, more := Decode("interfaces: [{name: x, " + own + "}]")
		if len(problems)+len(more) > 0 {
			t.Errorf("%s: %+v %+v", nmstate, problems, more)
			continue
		}
		if diff := cmp.Diff(want.Interfaces[0].Attrs, got.Interfaces[0].Attrs); diff != "" || got.Interfaces[0].Type != want.Interfaces[0].Type {
			t.Errorf("%s (-%s):\n%s %s", nmstate, own, diff, got.Interfaces[0].Type)
		}
	}
}

// TestIPTunnelFaults are told where they stand.
func TestIPTunnelFaults(t *testing.T) {
	for block, want := range map[string]string{
		"type: ip-tunnel, ip-tunnel: {local: 192.0.2.1}":                       "1:52 missing-key: `ip-tunnel` without `mode`",
		"type: ip-tunnel, ip-tunnel: {mode: gre}":                              "1:59 bad-value: `mode`: \"gre\" is none of ipip, sit, ip6ip6, ipip6",
		"type: vlan, ip-tunnel: {mode: ipip}":                                  "1:47 contradiction: `ip-tunnel` belongs to `type: ip-tunnel`",
		"type: ip-tunnel, ip-tunnel: {mode: ipip, ttl: 999}":                   "",
		"type: ip-tunnel, ip-tunnel: {mode: ip6ip6, ip6tun-flags: [mip6-dev]}": "",
		"type: ip-tunnel, ip-tunnel: {mode: ipip, nonsense: 1}":                "",
		"type: ip-tunnel, ip-tunnel: [a]":                                      "",
		"type: ip-tunnel, ip-tunnel: {mode: [a]}":                              "",
	} {
		_, problems := Decode("interfaces: [{name: x, " + block + "}]")
		if len(problems) == 0 {
			t.Errorf("%s: no fault", block)
			continue
		}
		p := problems[0]
		if got := fmt.Sprintf("%d:%d %s: %s", p.Pos.Line, p.Pos.Column, p.Code, p.Summary); want != "" && got != want {
			t.Errorf("%s: %s", block, got)
		} else if want == "" {
			t.Logf("%s: %s", block, got)
		}
	}
}
