package netyaml

import (
	"strings"
	"testing"
)

// TestBounds has values that are good by themselves, and that the kernel cuts off or
// refuses because of what else is said. It was found by giving them to Linux 6.12.
func TestBounds(t *testing.T) {
	qdisc := func(keys string) string {
		return "interfaces: [{name: eth0, traffic-control: {qdiscs: [{" + keys + "}]}}]"
	}
	route := func(keys string) string { return "routes: {config: [{next-hop-interface: eth0, " + keys + "}]}" }
	rule := func(keys string) string { return "route-rules: {config: [{route-table: 100, " + keys + "}]}" }
	for block, want := range map[string]string{
		qdisc("kind: prio, bands: 2"): "`priomap` names band 2, and there are 2",
		qdisc("kind: prio, bands: 2, priomap: [1, 1, 1, 1, 1, 1, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1]"): "",
		qdisc("kind: prio, bands: 16"):                             "",
		qdisc("kind: sfq, divisor: 64"):                            "`flows` is 128, and `divisor` 64",
		qdisc("kind: sfq, limit: 16256"):                           "",
		qdisc("kind: sfq, limit: 16257"):                           "`limit` is 16257, and `flows` times `depth` is 16256",
		qdisc("kind: tbf, rate: 1mbit, burst: 15k, latency: 50ms"): "",
		qdisc("kind: tbf, rate: 100gbit, burst: 1m, latency: 10s"): "more than 4 GiB",
		route("destination: 192.0.2.0/24, tos: 252"):               "",
		route("destination: 192.0.2.0/24, tos: 255"):               "no number from 0 to 252",
		route("destination: 192.0.2.0/24, tos: 3"):                 "ECN",
		route("destination: 2001:db8::/32, tos: 4"):                "only IPv4 routes",
		rule("family: ipv6, tos: 252"):                             "",
		rule("family: ipv4, tos: 28"):                              "",
		rule("family: ipv4, tos: 32"):                              "28 at most",
		rule("family: ipv4, uid-range: 0-4294967294"):              "",
		rule("family: ipv4, uid-range: 0-4294967295"):              "no range of user numbers",
		"interfaces: [{name: eth0, ipv6: {address: [{ip: '2001:db8::1', prefix-length: 64, scope: host}]}}]": "only IPv4 addresses have a scope",
		"interfaces: [{name: team0, type: team, team: {runner: {name: 0}}}]":                                 "is none of activebackup",
		"description: {a: b}": "`description` is a single value",
		"description:":        "",
	} {
		_, problems := Decode(block)
		got := ""
		for _, p := range problems {
			got += p.Summary + "\n"
		}
		if want == "" && got != "" || !strings.Contains(got, want) {
			t.Errorf("%s: %q, not %q", block, got, want)
		}
	}
}
