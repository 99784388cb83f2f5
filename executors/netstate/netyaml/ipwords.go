package netyaml

import (
	"slices"
	"strings"

	"stet/executors/netstate"
)

// ipKeys are words of ip(8), bridge(8) and tc(8) with the keys that may say the same.
// Those of attributes are in the tables (Attr.IP).
var ipKeys = map[string][]string{
	"address": {"mac-address"}, "lladdr": {"mac-address"}, "master": {"controller"}, "promisc": {"accept-all-mac-addresses"}, "qlen": {"txqueuelen"},
	"dev": {"next-hop-interface", "device", "base-iface"}, "link": {"base-iface"}, "via": {"next-hop-address"}, "nhid": {"nexthop-id"},
	"src": {"source", "ip-from"}, "dst": {"remote", "destination", "ip-to"}, "from": {"ip-from"}, "to": {"ip-to"}, "table": {"table-id", "route-table"},
	"proto": {"protocol"}, "pref": {"priority", "prio"}, "preference": {"metric", "priority"}, "type": {"route-type", "icmp-type"}, "dsfield": {"tos"},
	"sport": {"source-ports"}, "dport": {"destination-ports"}, "ipproto": {"ip-proto"}, "uidrange": {"uid-range"}, "lookup": {"route-table"},
	"suppress_prefixlength": {"suppress-prefix-length"}, "suppress_ifgroup": {"suppress-group"},
	"vid": {"vlan"}, "src_vni": {"source-vni"}, "grp": {"group"}, "group": {"remote"}, "filter_mode": {"filter-mode"},
	"source_list": {"source-list"}, "valid_lft": {"valid-life-time"}, "preferred_lft": {"preferred-life-time"}, "brd": {"broadcast"},
	"flowid": {"classid"}, "maxburst": {"burst"}, "buffer": {"burst"}, "minburst": {"mtu"}, "latency": {"delay"}, "code": {"icmp-code"},
	"idle_timer": {"idle-timer"}, "unbalanced_timer": {"unbalanced-timer"}, "nexthop": {"next-hops"},
}

// ipAlone are words of them for what cannot be declared, with the command that
// says it.
var ipAlone = map[string]string{
	"protodown_reason": "ip link set dev DEV protodown_reason N on", "trailers": "ip link set dev DEV trailers on",
	"dynamic": "ip link set dev DEV dynamic on", "carrier": "ip link set dev DEV carrier off", "xdp": "ip link set dev DEV xdp …",
	"link_netnsid": "ip link set dev DEV link-netnsid N", "interlink": "ip link add … type hsr interlink DEV", "tunnel_info": "bridge vlan add dev DEV vid N tunnel_info id N",
	"fdb_flush": "ip link set dev DEV type bridge fdb_flush",
	"expires":   "ip -6 route replace … expires SECONDS",
	"realms":    "ip rule add … realms N", "ttl_propagate": "ip route change … ttl-propagate enabled",
	"tun_id": "ip rule add … tun_id N", "dscp": "ip rule add … dscp N",
	"router": "bridge fdb add … router", "use": "ip neigh add … use", "activity_notify": "bridge fdb add … activity_notify", "optimistic": "ip addr add … optimistic",
	"hw_stats": "ip nexthop add … hw_stats on", "coa": "ip xfrm state add … coa ADDRESS",
}

// ipTypes are types in ip-link(8)'s words with those of netconfig.
var ipTypes = map[string]string{
	"bridge": "linux-bridge", "macvlan": "mac-vlan", "macvtap": "mac-vtap", "ipoib": "infiniband", "wg": "wireguard", "ip6tunnel": "ip6tnl",
}

// ipOnlyTypes are types that ip-link(8) makes, and netconfig does not.
var ipOnlyTypes = []string{"amt", "bareudp", "batadv", "can", "dsa", "erspan", "gtp", "ip6erspan", "lowpan", "ovpn", "pfcp", "rmnet", "virt_wifi"}

// plain is a word as both spellings of it have it.
func plain(word string) string { return strings.ReplaceAll(word, "-", "_") }

// fromIP says what to do about a word of iproute2 that stands for a key; "" if it
// is none.
func fromIP(word string, known []string) string {
	for _, key := range ipKeys[plain(word)] {
		if slices.Contains(known, key) {
			return "What iproute2 calls `" + word + "` is `" + key + "` here."
		}
	}
	for _, k := range netstate.Kinds() {
		for _, a := range slices.Concat(netstate.LinkAttrs(), k.Attrs, k.PortAttrs) {
			key := a.Key[strings.LastIndexByte(a.Key, '.')+1:]
			if a.IP != "" && plain(a.IP) == plain(word) && slices.Contains(known, key) {
				return "What iproute2 calls `" + word + "` is `" + key + "` here."
			}
		}
	}
	if nearest(word, known) != "" {
		return ""
	}
	if command := ipAlone[plain(word)]; command != "" {
		return "It cannot be declared. Use a run block, and a rollback block with it: " + command + "."
	}
	return ""
}
