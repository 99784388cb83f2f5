package check

import (
	"flag"
	"fmt"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"text/template"

	"github.com/expr-lang/expr/builtin"

	"stet/executors/netstate"
)

var update = flag.Bool("update", false, "rewrite the reference page")

const page = "../../docs/reference/check.md"

// entry is what the page says of a field: meaning and example.
type entry struct{ doc, example string }

// shown are the types of the language with the words for each field.
var shown = map[string]struct {
	t      reflect.Type
	fields map[string]entry
}{
	"link": {reflect.TypeFor[link](), map[string]entry{
		"exists":     {"whether there is such an interface", `!link("br9").exists`},
		"name":       {"its name", `any(links, .name == "br0")`},
		"type":       {"its type, as in netconfig", `link("br0").type == "linux-bridge"`},
		"state":      {"`up` or `down`, as it was switched", `link("br0").state == "up"`},
		"up":         {"switched on and working", `link("br0").up`},
		"operstate":  {"the kernel's word: `up`, `down`, `dormant`, `lowerlayerdown`, `unknown` …", `link("eth0").operstate == "up"`},
		"carrier":    {"whether it has a carrier", `link("eth0").carrier`},
		"mtu":        {"bytes", `link("eth0").mtu >= 1500`},
		"mac":        {"hardware address, lower case with colons", `link("br0").mac startsWith "02:"`},
		"controller": {"the bridge or bond that it is a port of, or \"\"", `link("eth0").controller == "br0"`},
		"alias":      {"its alias, or \"\"", `link("br0").alias contains "uplink"`},
		"index":      {"the kernel's number", `link("lo").index == 1`},
		"txqueuelen": {"packets in the transmit queue", `link("eth0").txqueuelen > 0`},
		"ports":      {"names of its ports", `link("br0").ports == ["eth0", "tap0"]`},
		"addresses":  {"its addresses, see below", `any(link("br0").addresses, .ip == "192.0.2.1")`},
		"rx":         {"what it received, see below", `link("eth0").rx.packets > 0`},
		"tx":         {"what it sent", `link("eth0").tx.errors == 0`},
		"attr":       {"any attribute by its key, see below", `link("br0").attr("bridge.options.stp.enabled")`},
	}},
	"counters": {reflect.TypeFor[counters](), map[string]entry{
		"bytes": {"bytes", `link("eth0").rx.bytes > 0`}, "packets": {"packets", `link("eth0").rx.packets > 0`},
		"errors": {"packets with errors", `link("eth0").rx.errors == 0`}, "dropped": {"packets dropped", `link("eth0").tx.dropped == 0`},
	}},
	"address": {reflect.TypeFor[address](), map[string]entry{
		"dev": {"its interface", `any(addresses, .dev == "br0")`}, "device": {"the same", `any(addresses, .device == "br0")`},
		"ip": {"the address alone", `any(addresses, .ip == "192.0.2.1")`}, "prefix": {"with its length", `any(addresses, .prefix == "192.0.2.1/24")`},
		"network": {"the prefix without host bits", `any(addresses, .network == "192.0.2.0/24")`}, "length": {"prefix length", `all(addresses, .length > 0)`},
		"family": {"4 or 6", `count(addresses, .family == 6) > 0`}, "scope": {"`global`, `link`, `host` …", `any(addresses, .scope == "global")`},
		"label": {"its label, or \"\"", `none(addresses, .label endsWith ":1")`}, "peer": {"the far end of a point-to-point address, or \"\"", `none(addresses, .peer != "")`},
		"broadcast": {"its broadcast address, or \"\"", `any(addresses, .broadcast == "192.0.2.255")`}, "flags": {"flags in ip(8)'s words", `none(addresses, "dadfailed" in .flags)`},
		"tentative": {"duplicate address detection is not done", `none(addresses, .tentative)`}, "deprecated": {"no longer preferred", `none(addresses, .deprecated)`},
		"valid": {"seconds left, 0 for ever", `all(addresses, .valid == 0)`}, "preferred": {"seconds left, 0 for ever", `all(addresses, .preferred == 0)`},
	}},
	"route": {reflect.TypeFor[route](), map[string]entry{
		"dst": {"destination prefix", `any(routes, .dst == "10.0.0.0/8")`}, "default": {"a default route", `any(routes, .default and .via == "192.0.2.254")`},
		"family": {"4 or 6", `any(routes, .default and .family == 6)`}, "dev": {"interface; \"\" with several ways", `any(routes, .dev == "br0")`},
		"device": {"the same", `any(routes, .device == "br0")`}, "via": {"gateway, or \"\"", `none(routes, .via == "192.0.2.9")`},
		"metric": {"metric", `any(routes, .default and .metric == 100)`}, "table": {"number of the table; 254 is main", `count(routes, .table == 254) > 2`},
		"type": {"`unicast`, `blackhole`, `unreachable`, `prohibit` …", `none(routes, .type == "blackhole")`}, "protocol": {"who made it: `kernel`, `static`, `bird` …", `any(routes, .protocol == "static")`},
		"scope": {"`global`, `link`, `host` …", `any(routes, .scope == "link")`}, "source": {"preferred source, or \"\"", `any(routes, .source == "192.0.2.1")`},
		"onlink": {"the gateway is taken to be on the link", `none(routes, .onlink)`}, "encap": {"encapsulation in the words of ip-route(8), or \"\"", `none(routes, .encap startsWith "mpls")`}, "tos": {"type of service", `all(routes, .tos == 0)`},
		"nexthops": {"all ways, see below", `any(routes, len(.nexthops) == 2)`}, "metrics": {"`mtu`, `advmss` … by name", `none(routes, .metrics["mtu"] > 1500)`},
		"flags": {"`linkdown`, `dead`, `offload`", `none(routes, "linkdown" in .flags)`},
	}},
	"nexthop": {reflect.TypeFor[nexthop](), map[string]entry{
		"dev": {"interface", `any(routes[0].nexthops, .dev == "br0")`}, "device": {"the same", `any(routes[0].nexthops, .device == "br0")`},
		"via": {"gateway, or \"\"", `routes[0].nexthops[0].via == "192.0.2.254"`}, "weight": {"its share", `all(routes[0].nexthops, .weight <= 1)`}, "onlink": {"the gateway is taken to be on the link", `none(routes[0].nexthops, .onlink)`}, "encap": {"encapsulation in the words of ip-route(8), or \"\"", `all(routes[0].nexthops, .encap == "")`},
	}},
	"rule": {reflect.TypeFor[rule](), map[string]entry{
		"priority": {"priority", `any(rules, .priority == 100)`}, "family": {"4 or 6", `count(rules, .family == 4) == 3`}, "inverted": {"matches what it does not say", `none(rules, .inverted)`},
		"from": {"source prefix, \"\" for all", `any(rules, .from == "192.0.2.0/24")`}, "to": {"destination prefix, \"\" for all", `none(rules, .to == "10.0.0.0/8")`},
		"iif": {"incoming interface", `none(rules, .iif == "eth0")`}, "oif": {"outgoing interface", `none(rules, .oif == "eth0")`},
		"fwmark": {"firewall mark", `any(rules, .fwmark == 7)`}, "fwmask": {"its mask", `none(rules, .fwmask == 255)`}, "tos": {"type of service", `all(rules, .tos == 0)`},
		"action": {"`lookup`, `blackhole`, `unreachable`, `prohibit`, `goto`, `nop`", `none(rules, .action == "blackhole")`}, "table": {"number of the table", `any(rules, .table == 254)`},
		"text": {"the rule as ip-rule(8) writes it", `any(rules, .text == "32766: from all lookup main")`},
	}},
	"neighbour": {reflect.TypeFor[neighbour](), map[string]entry{
		"dev": {"interface", `any(neighbours, .dev == "br0")`}, "device": {"the same", `any(neighbours, .device == "br0")`}, "ip": {"address", `any(neighbours, .ip == "192.0.2.254")`},
		"mac": {"hardware address, or \"\"", `any(neighbours, .mac == "02:00:00:00:00:fe")`}, "state": {"`reachable`, `stale`, `permanent`, `failed` …", `none(neighbours, .state == "failed")`},
		"family": {"4 or 6", `any(neighbours, .family == 6)`}, "proxy": {"a proxy entry", `none(neighbours, .proxy)`}, "router": {"it is a router", `any(neighbours, .router)`},
	}},
	"fdbEntry": {reflect.TypeFor[fdbEntry](), map[string]entry{
		"dev": {"port, or VXLAN", `any(fdb, .dev == "eth0")`}, "device": {"the same", `any(fdb, .device == "eth0")`}, "mac": {"hardware address", `any(fdb, .mac == "02:00:00:00:00:51")`},
		"vlan": {"VLAN, 0 for none", `all(fdb, .vlan == 0)`}, "dst": {"far end of a VXLAN, or \"\"", `any(fdb, .dst == "192.0.2.9")`}, "port": {"its UDP port, 0 for the usual", `all(fdb, .port == 0)`},
		"vni": {"its VNI, 0 for the usual", `all(fdb, .vni == 0)`}, "owner": {"`master` or `self`: whose table it is in", `any(fdb, .owner == "master")`},
		"state": {"`permanent`, `static`, `dynamic`", `any(fdb, .state == "dynamic")`}, "sticky": {"it does not move to another port", `none(fdb, .sticky)`},
	}},
	"qdisc": {reflect.TypeFor[qdisc](), map[string]entry{
		"dev": {"interface", `any(qdiscs, .dev == "eth0")`}, "device": {"the same", `any(qdiscs, .device == "eth0")`},
		"kind": {"`htb`, `fq_codel` …", `any(qdiscs, .kind == "htb")`}, "handle": {"handle, `1:`", `any(qdiscs, .handle == "1:")`}, "parent": {"`root`, `ingress`, or the handle that it is under", `any(qdiscs, .parent == "root")`},
		"options": {"options by name, in the words of netconfig", `any(qdiscs, .options["default"] == "30")`}, "bytes": {"bytes sent", `any(qdiscs, .bytes > 0)`}, "packets": {"packets sent", `any(qdiscs, .packets > 0)`},
		"drops": {"packets dropped", `all(qdiscs, .drops == 0)`}, "overlimits": {"packets that had to wait", `all(qdiscs, .overlimits == 0)`}, "backlog": {"bytes that wait now", `all(qdiscs, .backlog == 0)`}, "qlen": {"packets that wait now", `all(qdiscs, .qlen < 100)`},
	}},
	"tcClass": {reflect.TypeFor[tcClass](), map[string]entry{
		"dev": {"interface", `any(classes, .dev == "eth0")`}, "device": {"the same", `any(classes, .device == "eth0")`},
		"kind": {"`htb`", `all(classes, .kind == "htb")`}, "handle": {"number, `1:10`", `any(classes, .handle == "1:30")`}, "parent": {"the handle that it is under", `any(classes, .parent == "1:")`},
		"options": {"options by name, in the words of netconfig", `any(classes, .options["rate"] == "10mbit")`}, "bytes": {"bytes sent", `any(classes, .bytes > 0)`}, "packets": {"packets sent", `any(classes, .packets > 0)`},
		"drops": {"packets dropped", `all(classes, .drops == 0)`}, "overlimits": {"packets that had to wait", `all(classes, .overlimits == 0)`}, "backlog": {"bytes that wait now", `all(classes, .backlog == 0)`}, "qlen": {"packets that wait now", `all(classes, .qlen < 100)`},
	}},
	"tcFilter": {reflect.TypeFor[tcFilter](), map[string]entry{
		"dev": {"interface", `any(filters, .dev == "eth0")`}, "device": {"the same", `any(filters, .device == "eth0")`},
		"kind": {"`u32`, `flower`, `matchall`, `fw`", `any(filters, .kind == "matchall")`}, "parent": {"`ingress`, `egress`, or the handle that it is at", `any(filters, .parent == "ingress")`}, "handle": {"its number, or the mark of fw", `none(filters, .handle == "0x7")`},
		"protocol": {"`all`, `ip`, `ipv6`, `arp` …", `any(filters, .protocol == "all")`}, "priority": {"priority: the lowest is asked first", `any(filters, .priority == 10)`}, "chain": {"chain", `all(filters, .chain == 0)`},
		"options": {"options by name, in the words of netconfig", `none(filters, "flowid" in .options)`}, "actions": {"actions with their options, one text each", `any(filters, "drop" in .actions)`},
	}},
	"resolver": {reflect.TypeFor[resolver](), map[string]entry{
		"dev": {"interface that systemd-resolved has settings for; \"\" for resolv.conf", `any(resolvers, .dev == "")`}, "device": {"the same", `any(resolvers, .device == "")`},
		"file": {"path of resolv.conf, \"\" if there is none", `any(resolvers, .file == "/etc/resolv.conf")`}, "servers": {"name servers", `any(resolvers, "192.0.2.53" in .servers)`}, "search": {"domains that names are completed with", `any(resolvers, "example.net" in .search)`},
		"options": {"options of resolv.conf", `any(resolvers, "ndots:2" in .options)`}, "owner": {"the program that writes these settings, or \"\"", `all(resolvers, .owner == "")`},
	}},
	"namedNamespace": {reflect.TypeFor[namedNamespace](), map[string]entry{
		"name": {"name", `any(namespaces, .name == "blue")`}, "nsid": {"number that the target's namespace has for it, -1 for none", `all(namespaces, .nsid == -1)`}, "loopback": {"`up` or `down`", `any(namespaces, .loopback == "up")`},
		"links": {"its interfaces without lo", `any(namespaces, "v1" in .links)`}, "uses": {"what else is in it: processes", `all(namespaces, .uses == [])`},
	}},
	"mplsRoute": {reflect.TypeFor[mplsRoute](), map[string]entry{
		"label": {"label of the packets that come in", `any(mpls_routes, .label == 100)`}, "labels": {"labels that take its place, \"\" if it is taken off", `any(mpls_routes, .labels == "200/300")`},
		"dev": {"interface; \"\" with several ways", `any(mpls_routes, .dev == "br0")`}, "device": {"the same", `any(mpls_routes, .device == "br0")`}, "via": {"gateway, or \"\"", `any(mpls_routes, .via == "192.0.2.254")`},
		"protocol": {"who made it", `all(mpls_routes, .protocol == "static")`}, "nexthops": {"all ways, as of a route; `encap` are the labels", `all(mpls_routes, len(.nexthops) == 1)`},
	}},
	"xfrmState": {reflect.TypeFor[xfrmState](), map[string]entry{
		"src": {"sender of the outer packets", `any(xfrm_states, .src == "192.0.2.1")`}, "dst": {"who they go to", `any(xfrm_states, .dst == "198.51.100.1")`},
		"proto": {"`esp`, `ah`, `comp`", `all(xfrm_states, .proto == "esp")`}, "spi": {"security parameter index, as ip-xfrm(8) takes it", `any(xfrm_states, .spi == "0x1000")`},
		"mode": {"`transport`, `tunnel`, `beet`", `any(xfrm_states, .mode == "tunnel")`}, "reqid": {"number that templates name", `any(xfrm_states, .reqid == 1)`},
		"if_id": {"of an xfrm interface, 0 for none", `all(xfrm_states, .if_id == 0)`}, "mark": {"mark, `0x0` for none", `all(xfrm_states, .mark == "0x0")`},
		"auth": {"algorithm that signs, or \"\"", `any(xfrm_states, .auth == "hmac(sha256)")`}, "enc": {"algorithm that encrypts, or \"\"", `any(xfrm_states, .enc == "cbc(aes)")`},
		"aead": {"algorithm that does both, or \"\"", `none(xfrm_states, .aead == "rfc4106(gcm(aes))")`}, "replay_window": {"packets that one may be late", `all(xfrm_states, .replay_window >= 32)`},
		"oseq": {"sequence number of the last packet sent", `any(xfrm_states, .oseq == 12)`}, "packets": {"packets protected, or opened", `any(xfrm_states, .packets > 0)`}, "bytes": {"their bytes", `any(xfrm_states, .bytes > 0)`},
		"late": {"packets before the window", `all(xfrm_states, .late == 0)`}, "replayed": {"packets that came twice", `all(xfrm_states, .replayed == 0)`}, "forged": {"packets whose signature was wrong", `all(xfrm_states, .forged == 0)`},
	}},
	"xfrmPolicy": {reflect.TypeFor[xfrmPolicy](), map[string]entry{
		"dir": {"`in`, `out`, `fwd`", `any(xfrm_policies, .dir == "out")`}, "src": {"prefix that packets come from", `any(xfrm_policies, .src == "10.1.0.0/24")`}, "dst": {"prefix that they go to", `any(xfrm_policies, .dst == "10.2.0.0/24")`},
		"proto": {"protocol, \"\" for all", `all(xfrm_policies, .proto == "")`}, "action": {"`allow` or `block`", `none(xfrm_policies, .action == "block")`}, "priority": {"the lowest wins", `any(xfrm_policies, .priority == 7)`},
		"if_id": {"of an xfrm interface, 0 for none", `all(xfrm_policies, .if_id == 0)`}, "mark": {"mark, `0x0` for none", `all(xfrm_policies, .mark == "0x0")`}, "templates": {"what becomes of the packets", `all(xfrm_policies, len(.templates) > 0)`},
	}},
	"xfrmTemplate": {reflect.TypeFor[xfrmTemplate](), map[string]entry{
		"src": {"sender of the outer packets, or \"\"", `xfrm_policies[0].templates[0].src == "192.0.2.1"`}, "dst": {"who they go to, or \"\"", `xfrm_policies[0].templates[0].dst == "198.51.100.1"`},
		"proto": {"as of a state", `xfrm_policies[0].templates[0].proto == "esp"`}, "mode": {"the same", `xfrm_policies[0].templates[0].mode == "tunnel"`}, "reqid": {"number of the states that serve", `xfrm_policies[0].templates[0].reqid == 1`},
		"level": {"`required` or `use`", `xfrm_policies[0].templates[0].level == "required"`},
	}},
	"mptcpEndpoint": {reflect.TypeFor[mptcpEndpoint](), map[string]entry{
		"address": {"address", `any(mptcp_endpoints, .address == "192.0.2.1")`}, "port": {"port that is announced with it, 0 for that of the connection", `all(mptcp_endpoints, .port == 0)`}, "family": {"4 or 6", `any(mptcp_endpoints, .family == 4)`},
		"id": {"number, which no two have", `any(mptcp_endpoints, .id == 1)`}, "dev": {"interface that packets from it go by; \"\" for any, `if7` for one that is gone", `all(mptcp_endpoints, .dev != "")`}, "device": {"the same", `any(mptcp_endpoints, .device == "eth0")`},
		"signal": {"it is announced to the other side", `none(mptcp_endpoints, .signal)`}, "subflow": {"this side may begin a subflow from it", `all(mptcp_endpoints, .subflow)`}, "laminar": {"subflows to announced addresses begin here", `none(mptcp_endpoints, .laminar)`},
		"backup": {"its subflows carry data only while no others can", `none(mptcp_endpoints, .backup)`}, "fullmesh": {"a subflow to each address of the other side", `none(mptcp_endpoints, .fullmesh)`},
	}},
	"mptcpLimits": {reflect.TypeFor[mptcpLimits](), map[string]entry{
		"subflows": {"subflows that a connection may have beside the first", `mptcp_limits[0].subflows == 4`}, "add_addr_accepted": {"announced addresses that a connection takes", `mptcp_limits[0].add_addr_accepted == 2`},
	}},
	"pingReply": {reflect.TypeFor[pingReply](), map[string]entry{
		"ok": {"at least one reply", `ping("192.0.2.9").ok`}, "sent": {"requests", `ping("192.0.2.9").sent == 3`}, "received": {"replies", `ping("192.0.2.9").received == 3`},
		"loss": {"percent", `ping("192.0.2.9").loss == 0`}, "min": {"milliseconds", `ping("192.0.2.9").min < 5`}, "avg": {"milliseconds", `ping("192.0.2.9").avg < 5`},
		"max": {"milliseconds", `ping("192.0.2.9").max < 5`}, "mdev": {"deviation, milliseconds", `ping("192.0.2.9").mdev < 1`}, "error": {"why not ok, or \"\"", `ping("192.0.2.66").error != ""`},
	}},
	"tcpReply": {reflect.TypeFor[tcpReply](), map[string]entry{
		"ok": {"it connected", `tcp("192.0.2.9:22").ok`}, "time": {"milliseconds", `tcp("192.0.2.9:22").time < 100`}, "error": {"why not ok, or \"\"", `tcp("192.0.2.9:23").error contains "refused"`},
	}},
	"httpReply": {reflect.TypeFor[httpReply](), map[string]entry{
		"ok": {"a status under 400", `http("http://192.0.2.9/").ok`}, "status": {"status code, 0 without an answer", `http("http://192.0.2.9/").status == 200`}, "body": {"its body, bounded", `http("http://192.0.2.9/").body contains "ready"`},
		"headers": {"headers by name, `Content-Type`", `http("http://192.0.2.9/").headers["Content-Type"] startsWith "application/json"`}, "json": {"the body as JSON", `http("http://192.0.2.9/").json.version == 3`},
		"time": {"milliseconds", `http("http://192.0.2.9/").time < 500`}, "error": {"why not ok, or \"\"", `http("http://192.0.2.9/").error == ""`},
	}},
	"dnsReply": {reflect.TypeFor[dnsReply](), map[string]entry{
		"ok": {"it has answers", `dns("www.example.net").ok`}, "answers": {"answers as text", `"192.0.2.9" in dns("www.example.net").answers`}, "rcode": {"`NOERROR`, `NXDOMAIN` …", `dns("www.example.net", "AAAA", {server: "192.0.2.53"}).rcode == "NOERROR"`},
		"time": {"milliseconds", `dns("www.example.net").time < 100`}, "error": {"why not ok, or \"\"", `dns("www.example.net").error == ""`},
	}},
	"routeReply": {reflect.TypeFor[routeReply](), map[string]entry{
		"ok": {"there is a way", `route("198.51.100.1").ok`}, "type": {"`unicast`, `local`, `blackhole` …", `route("198.51.100.1").type == "unicast"`}, "dev": {"interface", `route("198.51.100.1").dev == "br0"`},
		"device": {"the same", `route("198.51.100.1").device == "br0"`}, "via": {"gateway, or \"\"", `route("198.51.100.1").via == "192.0.2.254"`}, "source": {"source address that is taken", `route("198.51.100.1").source == "192.0.2.1"`},
		"table": {"number of the table", `route("198.51.100.1").table == 254`}, "metric": {"metric", `route("198.51.100.1").metric == 0`}, "error": {"the kernel's reason, or \"\"", `route("198.51.100.1").error == ""`},
	}},
	"processReply": {reflect.TypeFor[processReply](), map[string]entry{
		"ok": {"there is at least one", `process("sshd").ok`}, "count": {"how many", `process("sshd").count == 2`}, "pids": {"their numbers", `len(process("sshd").pids) > 0`}, "error": {"why it could not be told, or \"\"", `process("sshd").error == ""`},
	}},
	"fileReply": {reflect.TypeFor[fileReply](), map[string]entry{
		"ok": {"it exists and could be read", `file("/etc/hostname").ok`}, "exists": {"it exists", `!file("/run/nologin").exists`}, "size": {"bytes", `file("/etc/hostname").size > 0`}, "mode": {"permissions in octal", `file("/etc/hostname").mode == "0644"`},
		"owner": {"name of the owner", `file("/etc/hostname").owner == "root"`}, "group": {"name of the group", `file("/etc/hostname").group == "root"`}, "sha256": {"hash of the content", `file("/etc/hostname").sha256 startsWith "ab"`},
		"content": {"the content of a file up to 64 KiB; of a longer one an error", `file("/etc/hostname").content contains "lab"`}, "error": {"why not ok, or \"\"", `file("/etc/hostname").error == ""`},
	}},
	"output": {reflect.TypeFor[output](), map[string]entry{
		"ok": {"exit code 0", `run("true").ok`}, "exit": {"exit code, or 128 and the signal", `run("true").exit == 0`}, "out": {"what it printed, without line ends at the end", `run("uname -r").out startsWith "6."`},
		"err": {"what it printed on stderr", `run("true").err == ""`}, "lines": {"the lines of `out`", `len(run("uname -r").lines) == 1`}, "json": {"`out` as JSON; an error where it is not", `run("ip -j link").json[0].ifname == "lo"`},
	}},
	"recorded": {reflect.TypeFor[recorded](), map[string]entry{
		"links": {"interfaces", `len(before.links) == len(links)`}, "addresses": {"addresses", `any(before.addresses, .dev == "br0")`}, "routes": {"routes", `len(before.routes) <= len(routes)`}, "rules": {"rules", `len(before.rules) == 3`},
		"neighbours": {"neighbours", `len(before.neighbours) > 0`}, "neighbors": {"the same", `len(before.neighbors) > 0`}, "fdb": {"forwarding entries", `len(before.fdb) > 0`},
		"qdiscs": {"queueing disciplines", `len(before.qdiscs) == len(qdiscs)`}, "classes": {"classes", `len(before.classes) == len(classes)`}, "filters": {"filters", `len(before.filters) == len(filters)`}, "resolvers": {"name servers", `len(before.resolvers) == len(resolvers)`}, "namespaces": {"named namespaces", `len(before.namespaces) == len(namespaces)`}, "mpls_routes": {"routes of labels", `len(before.mpls_routes) == len(mpls_routes)`}, "xfrm_states": {"states of IPsec", `len(before.xfrm_states) == len(xfrm_states)`}, "xfrm_policies": {"policies of IPsec", `len(before.xfrm_policies) == len(xfrm_policies)`}, "mptcp_endpoints": {"endpoints of MPTCP", `len(before.mptcp_endpoints) == len(mptcp_endpoints)`}, "mptcp_limits": {"limits of MPTCP", `before.mptcp_limits[0].subflows <= mptcp_limits[0].subflows`},
		"sysctl": {"kernel parameters by key", `before.sysctl["net.ipv4.ip_forward"] == "1"`}, "output": {"output of commands by name", `before.output["kernel"].out == run("uname -r").out`},
	}},
	"current": {reflect.TypeFor[current](), map[string]entry{
		"links": {"interfaces", `len(now.links) > 1`}, "addresses": {"addresses", `len(now.addresses) > 1`}, "routes": {"routes", `diff(before.routes, now.routes).empty`}, "rules": {"rules", `len(now.rules) == 3`},
		"neighbours": {"neighbours", `len(now.neighbours) > 0`}, "neighbors": {"the same", `len(now.neighbors) > 0`}, "fdb": {"forwarding entries", `len(now.fdb) > 0`},
		"qdiscs": {"queueing disciplines", `len(now.qdiscs) > 0`}, "classes": {"classes", `len(now.classes) > 0`}, "filters": {"filters", `len(now.filters) > 0`}, "resolvers": {"name servers", `len(now.resolvers) > 0`}, "namespaces": {"named namespaces", `len(now.namespaces) > 0`}, "mpls_routes": {"routes of labels", `len(now.mpls_routes) > 0`}, "xfrm_states": {"states of IPsec", `len(now.xfrm_states) > 0`}, "xfrm_policies": {"policies of IPsec", `len(now.xfrm_policies) > 0`}, "mptcp_endpoints": {"endpoints of MPTCP", `len(now.mptcp_endpoints) > 0`}, "mptcp_limits": {"limits of MPTCP", `now.mptcp_limits[0].subflows > 0`},
	}},
	"difference": {reflect.TypeFor[difference](), map[string]entry{
		"empty": {"nothing differs", `diff(before, now).empty`}, "count": {"how many objects differ", `diff(before, now).count <= 2`}, "links": {"interfaces", `diff(before, now).links.changed == []`},
		"addresses": {"addresses", `len(diff(before, now).addresses.appeared) == 1`}, "routes": {"routes", `diff(before, now).routes.vanished == []`}, "rules": {"rules", `diff(before, now).rules.empty`},
		"neighbours": {"neighbours", `diff(before, now).neighbours.vanished == []`}, "neighbors": {"the same", `diff(before, now).neighbors.empty`}, "fdb": {"forwarding entries", `diff(before, now).fdb.changed == []`},
		"sysctl": {"kernel parameters", `diff(before, now).sysctl.empty`}, "output": {"output of commands", `diff(before, now).output.empty`},
		"qdiscs": {"queueing disciplines", `diff(before, now).qdiscs.empty`}, "classes": {"classes", `diff(before, now).classes.empty`}, "filters": {"filters", `diff(before, now).filters.empty`}, "resolvers": {"name servers", `diff(before, now).resolvers.empty`}, "namespaces": {"named namespaces", `diff(before, now).namespaces.empty`}, "mpls_routes": {"routes of labels", `diff(before, now).mpls_routes.empty`}, "xfrm_states": {"states of IPsec", `diff(before, now).xfrm_states.empty`}, "xfrm_policies": {"policies of IPsec", `diff(before, now).xfrm_policies.empty`}, "mptcp_endpoints": {"endpoints of MPTCP", `diff(before, now).mptcp_endpoints.empty`}, "mptcp_limits": {"limits of MPTCP", `diff(before, now).mptcp_limits.empty`},
	}},
	"changes": {reflect.TypeFor[changes](), map[string]entry{
		"empty": {"nothing differs", `diff(before, now).routes.empty`}, "count": {"how many objects differ", `diff(before, now).routes.count == 0`}, "appeared": {"new objects, as text", `none(diff(before, now).routes.appeared, # contains "blackhole")`},
		"vanished": {"objects that are gone, as text", `diff(before, now).routes.vanished == []`}, "changed": {"objects that differ: `NAME: what BEFORE → AFTER`", `diff(before, now).links.changed == ["eth0: mtu 1500 → 9000"]`},
	}},
}

// listed are the facts by name.
var listed = []struct{ name, doc, example string }{
	{"links", "all interfaces", `all(links, .mtu >= 1280)`},
	{"addresses", "all addresses", `any(addresses, within("192.0.2.0/24", .ip))`},
	{"routes", "all routes", `len(filter(routes, .dev == "br0")) > 0`},
	{"rules", "all rules", `rules[0].priority == 0`},
	{"neighbours", "all neighbours", `len(neighbours) > 0`},
	{"neighbors", "the same", `len(neighbors) > 0`},
	{"fdb", "all forwarding entries", `any(fdb, .dev == "eth0")`},
	{"qdiscs", "queueing disciplines of traffic control, but for those that the kernel gives to every interface", `any(qdiscs, .dev == "eth0" and .kind == "htb")`},
	{"classes", "their classes", `any(classes, .handle == "1:30" and .drops == 0)`},
	{"filters", "filters of traffic control", `none(filters, .kind == "flower")`},
	{"resolvers", "name servers: of resolv.conf, and of the interfaces that systemd-resolved knows", `any(resolvers, "192.0.2.53" in .servers)`},
	{"namespaces", "named network namespaces of the machine; reading them needs root", `any(namespaces, .name == "blue")`},
	{"mpls_routes", "routes of MPLS labels", `any(mpls_routes, .label == 100 and .dev == "br0")`},
	{"xfrm_states", "all states of IPsec", `any(xfrm_states, .dst == "198.51.100.1" and .packets > 0)`},
	{"xfrm_policies", "all policies of IPsec", `any(xfrm_policies, .dir == "out" and .dst == "10.2.0.0/24")`},
	{"mptcp_endpoints", "all endpoints of MPTCP", `any(mptcp_endpoints, .address == "192.0.2.1" and .subflow)`},
	{"mptcp_limits", "limits of MPTCP; always one entry", `mptcp_limits[0].subflows >= 2`},
}

var functionDocs = map[string]string{
	"link": "an interface", "route": "the route that the kernel takes to an address", "sysctl": "a kernel parameter",
	"ping": "ICMP echo requests", "tcp": "a TCP connection to host:port", "http": "a GET request, or that of `method`", "dns": "an answer of a name server; type A unless told",
	"run": "output of a shell command", "process": "processes by name", "file": "a file",
	"within": "whether an address or a prefix lies in a prefix", "percent": "part of a whole in percent", "quote": "a string quoted for the shell",
}

func pageText(t *testing.T) string {
	t.Helper()
	funcs := template.FuncMap{"fields": fieldsTable, "lists": listsTable, "functions": functionsTable, "attributes": attributesTable, "builtins": builtinsList}
	tmpl, err := template.New("check.md.tmpl").Funcs(funcs).ParseFiles("testdata/check.md.tmpl")
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	if err := tmpl.Execute(&b, nil); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func cell(s string) string { return strings.ReplaceAll(s, "|", `\|`) }

func fieldsTable(name string) (string, error) {
	s, ok := shown[name]
	if !ok {
		return "", fmt.Errorf("no type %s", name)
	}
	var b strings.Builder
	fmt.Fprintf(&b, "| field of %s | meaning | example |\n|---|---|---|\n", article(typeName("check."+name)))
	for _, f := range structFields(s.t) {
		e, ok := s.fields[f]
		if !ok {
			return "", fmt.Errorf("%s.%s is not described", name, f)
		}
		fmt.Fprintf(&b, "| `%s` | %s | `%s` |\n", f, cell(e.doc), cell(e.example))
	}
	return b.String(), nil
}

func listsTable() string {
	var b strings.Builder
	b.WriteString("\n| list | holds | example |\n|---|---|---|\n")
	for _, l := range listed {
		fmt.Fprintf(&b, "| `%s` | %s | `%s` |\n", l.name, l.doc, cell(l.example))
	}
	return b.String() + "\n"
}

func functionsTable() (string, error) {
	var b strings.Builder
	b.WriteString("| function | asks for | options | example |\n|---|---|---|---|\n")
	for _, f := range functions() {
		doc, ok := functionDocs[f.name]
		if !ok {
			return "", fmt.Errorf("function %s is not described", f.name)
		}
		var options []string
		for _, o := range sortedKeys(f.options) {
			options = append(options, fmt.Sprintf("`%s` (%s)", o, optionKind(f.options[o])))
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | `%s` |\n", f.name, doc, strings.Join(options, ", "), cell(f.example))
	}
	b.WriteString("\nOptions stand in braces behind the other arguments. A duration is a number of seconds or\n" +
		"`\"500ms\"`. `within`, `percent` and `quote` ask nothing and are in `${…}` too.\n")
	return b.String(), nil
}

func optionKind(k string) string {
	if k == "bool" {
		return "true or false"
	}
	return k
}

func attributesTable() string {
	var b strings.Builder
	b.WriteString("| attribute | type | example |\n|---|---|---|\n")
	for _, key := range attributeKeys() {
		fmt.Fprintf(&b, "| `%s` | %s | `%s` |\n", key, attrWords(netstate.AttrByKey(key)), cell(attrExample(key)))
	}
	return b.String()
}

func attrWords(a *netstate.Attr) string {
	switch kindOfAttr(a) {
	case attrBool:
		return "true or false"
	case attrInt, attrFloat:
		return "number"
	}
	var names []string
	for _, e := range a.Enum {
		names = append(names, "`"+e.Name+"`")
	}
	if len(names) > 0 {
		return strings.Join(names, ", ")
	}
	return "string"
}

func attrExample(key string) string {
	a := netstate.AttrByKey(key)
	call := `link("eth0").attr("` + key + `")`
	switch kindOfAttr(a) {
	case attrBool:
		if a.Default == "true" {
			return call
		}
		return "!" + call
	case attrInt, attrFloat:
		if a.Default != "" {
			return call + " == " + a.Default
		}
		return call + " > 0"
	}
	if len(a.Enum) > 0 {
		return call + ` == "` + a.Enum[0].Name + `"`
	}
	return call + ` != ""`
}

func builtinsList() string {
	names := slices.Clone(builtin.Names)
	slices.Sort(names)
	var b strings.Builder
	line := ""
	for _, name := range names {
		if name == "now" {
			continue
		}
		if len(line)+len(name) > 84 {
			b.WriteString(strings.TrimSuffix(line, " ") + "\n")
			line = ""
		}
		line += "`" + name + "`, "
	}
	return b.String() + strings.TrimSuffix(line, ", ") + ".\n"
}

func TestReference(t *testing.T) {
	text := pageText(t)
	if *update {
		if err := os.WriteFile(page, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	have, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	if string(have) != text {
		t.Errorf("%s is not up to date: run go test ./runbook/check -run TestReference -update", page)
	}
	for name, s := range shown {
		if !strings.Contains(text, `of `+article(typeName("check."+name))+` |`) {
			t.Errorf("%s is not on the page", name)
		}
		for f := range s.fields {
			if !slices.Contains(structFields(s.t), f) {
				t.Errorf("%s has no field %s", name, f)
			}
		}
	}
	for _, f := range factTable() {
		if !slices.ContainsFunc(listed, func(l struct{ name, doc, example string }) bool { return l.name == f.name }) {
			t.Errorf("%s is not on the page", f.name)
		}
	}
}

// Every example compiles, and those about what the lab has can be evaluated.
func TestReferenceExamples(t *testing.T) {
	var lines []string
	for _, s := range shown {
		for _, e := range s.fields {
			lines = append(lines, e.example)
		}
	}
	for _, l := range listed {
		lines = append(lines, l.example)
	}
	for _, f := range functions() {
		lines = append(lines, f.example)
	}
	for _, key := range attributeKeys() {
		lines = append(lines, attrExample(key))
	}
	m := lab()
	env := testEnv()
	env.Snapshots = map[string]*Snapshot{"before": take(t, m, strings.Join(append(networkFacts(), namedFacts()...), "\n")+"\nsysctl net.ipv4.ip_forward\nkernel: run uname -r")}
	for _, line := range lines {
		p, problems := Compile(line, env.Names())
		if p == nil {
			t.Errorf("%s: %+v", line, problems)
			continue
		}
		list, err := p.Run(t.Context(), m, env, Options{})
		if err != nil {
			t.Fatal(err)
		}
		if list[0].Error != "" && !strings.Contains(list[0].Error, "has no attribute") {
			t.Errorf("%s: %s", line, list[0].Error)
		}
	}
}
