package netstate

// linuxBridge is the bridge (net/bridge; IFLA_BR_* of linux/if_link.h).
var linuxBridge = Kind{
	Name:        "linux-bridge",
	Kernel:      "bridge",
	Section:     "bridge",
	Creatable:   true,
	Module:      "bridge",
	Option:      "CONFIG_BRIDGE",
	PortSection: "bridge-port",
	PortList:    "bridge.port",
	NoAddresses: true,
	Doc:         "An Ethernet bridge. `bridge.port` is its list of ports: a list that is given replaces; each entry has a `name` and the keys of `bridge-port` below.",
	Attrs:       bridgeAttrs,
	PortAttrs:   bridgePortAttrs,
	Example: `interfaces:
  - name: br0
    type: linux-bridge
    state: up
    bridge:
      options:
        mac-ageing-time: 300
        multicast-snooping: false
        stp:
          enabled: true
          priority: 4096
          forward-delay: 15
      port:
        - name: eth1
          stp-path-cost: 100
        - name: tap0
          isolated: true
        - name: eth2
          vlan:
            mode: trunk
            trunk-tags:
              - id: 101
              - id-range: {min: 500, max: 599}
            enable-native: true
            tag: 100
    ipv4:
      address:
        - ip: 192.0.2.1
          prefix-length: 24
`,
}

var bridgeAttrs = []Attr{
	{Key: "bridge.vlan", Type: VLANList, Set: Anytime, Extension: true, IP: "bridge vlan self",
		Doc: "VLANs of the bridge itself, as of a port (`bridge-port` below)."},
	{Key: "bridge.options.stp.enabled", Type: Bool32, IFLA: 5, Set: Anytime, Default: "false", IP: "stp_state",
		Doc: "Spanning tree protocol (IEEE 802.1D)."},
	{Key: "bridge.options.stp.priority", Type: Uint16, IFLA: 6, Set: Anytime, Default: "32768", IP: "priority",
		Doc: "Bridge priority; the lowest becomes root."},
	{Key: "bridge.options.stp.forward-delay", Type: Centi, IFLA: 1, Max: 3000, Set: Anytime, Default: "15", IP: "forward_delay", IPScale: 100,
		Doc: "Seconds in the listening and in the learning state: 2 to 30 with STP, also less without."},
	{Key: "bridge.options.stp.hello-time", Type: Centi, IFLA: 2, Min: 100, Max: 1000, Set: Anytime, Default: "2", IP: "hello_time", IPScale: 100,
		Doc: "Seconds between hello packets."},
	{Key: "bridge.options.stp.max-age", Type: Centi, IFLA: 3, Min: 600, Max: 4000, Set: Anytime, Default: "20", IP: "max_age", IPScale: 100,
		Doc: "Seconds after which another bridge counts as gone."},
	{Key: "bridge.options.mac-ageing-time", Type: Centi, IFLA: 4, Set: Anytime, Default: "300", IP: "ageing_time", IPScale: 100,
		Doc: "Seconds after which learned addresses are forgotten; 0 makes a hub of the bridge."},
	{Key: "bridge.options.group-fwd-mask", Type: Uint16, IFLA: 9, Set: Anytime, Default: "0", IP: "group_fwd_mask",
		Doc: "Bits for the link-local groups 01:80:c2:00:00:0X that are forwarded; bits 0 to 2 (STP, pause, LACP) cannot be set. `group-forward-mask` is accepted for it."},
	{Key: "bridge.options.group-addr", Type: MAC, IFLA: 20, Set: Anytime, IP: "group_address",
		Doc: "Destination of the spanning tree packets: 01:80:c2:00:00:0X, X not 1, 2 or 3. The kernel takes 0 for X, and 8 with `vlan-protocol: 802.1ad`, until one is set."},
	{Key: "bridge.options.hash-max", Type: Uint32, IFLA: 27, Min: 1, Set: Anytime, Default: "4096", IP: "mcast_hash_max",
		Doc: "Most groups of the multicast database."},
	{Key: "bridge.options.vlan-filtering", Type: Bool, IFLA: 7, Set: Anytime, Default: "false", Extension: true, IP: "vlan_filtering",
		Doc: "Keep VLANs apart (nmstate switches it by the ports' `vlan`)."},
	{Key: "bridge.options.vlan-protocol", Type: Enum, Wire: Uint16BE, Enum: []EnumValue{{"802.1q", 0x8100}, {"802.1ad", 0x88a8}}, IFLA: 8, Set: Anytime, Default: "802.1q", IP: "vlan_protocol",
		Doc: "Tag that VLAN filtering looks at."},
	{Key: "bridge.options.vlan-default-pvid", Type: Uint16, IFLA: 39, Max: 4094, Set: Anytime, Default: "1", IP: "vlan_default_pvid",
		Doc: "VLAN of untagged packets on new ports; 0 for none."},
	{Key: "bridge.options.vlan-stats", Type: Bool, IFLA: 41, Set: Anytime, Default: "false", Extension: true, IP: "vlan_stats_enabled",
		Doc: "Count packets by VLAN."},
	{Key: "bridge.options.vlan-stats-per-port", Type: Bool, IFLA: 45, Set: Anytime, Default: "false", Extension: true, IP: "vlan_stats_per_port",
		Doc: "Count packets by VLAN and port; only without VLANs on the ports."},
	{Key: "bridge.options.multicast-snooping", Type: Bool, IFLA: 23, Set: Anytime, Default: "true", IP: "mcast_snooping",
		Doc: "IGMP and MLD snooping."},
	{Key: "bridge.options.multicast-router", Type: Enum, Wire: Uint8, Enum: []EnumValue{{"disabled", 0}, {"auto", 1}, {"enabled", 2}}, IFLA: 22, Set: Anytime, Default: "auto", IP: "mcast_router",
		Doc: "Whether the bridge itself counts as a multicast router."},
	{Key: "bridge.options.multicast-querier", Type: Bool, IFLA: 25, Set: Anytime, Default: "false", IP: "mcast_querier",
		Doc: "Send IGMP and MLD queries."},
	{Key: "bridge.options.multicast-query-use-ifaddr", Type: Bool, IFLA: 24, Set: Anytime, Default: "false", IP: "mcast_query_use_ifaddr",
		Doc: "Use the bridge's own address as the source of queries."},
	{Key: "bridge.options.multicast-igmp-version", Type: Uint8, IFLA: 43, Min: 2, Max: 3, Set: Anytime, Default: "2", Extension: true, IP: "mcast_igmp_version",
		Doc: "IGMP version of the queries."},
	{Key: "bridge.options.multicast-mld-version", Type: Uint8, IFLA: 44, Min: 1, Max: 2, Set: Anytime, Default: "1", Extension: true, IP: "mcast_mld_version",
		Doc: "MLD version of the queries."},
	{Key: "bridge.options.multicast-last-member-count", Type: Uint32, IFLA: 28, Set: Anytime, Default: "2", IP: "mcast_last_member_count",
		Doc: "Queries after a member left."},
	{Key: "bridge.options.multicast-startup-query-count", Type: Uint32, IFLA: 29, Set: Anytime, Default: "2", IP: "mcast_startup_query_count",
		Doc: "Queries at start."},
	{Key: "bridge.options.multicast-last-member-interval", Type: Hundredths, IFLA: 30, Set: Anytime, Default: "100", IP: "mcast_last_member_interval",
		Doc: "Time between the queries after a member left, in hundredths of a second."},
	{Key: "bridge.options.multicast-membership-interval", Type: Hundredths, IFLA: 31, Set: Anytime, Default: "26000", IP: "mcast_membership_interval",
		Doc: "Time after which a silent group is forgotten, in hundredths of a second."},
	{Key: "bridge.options.multicast-querier-interval", Type: Hundredths, IFLA: 32, Set: Anytime, Default: "25500", IP: "mcast_querier_interval",
		Doc: "Time after which another querier counts as gone, in hundredths of a second."},
	{Key: "bridge.options.multicast-query-interval", Type: Hundredths, IFLA: 33, Min: 100, Max: 8640000, Set: Anytime, Default: "12500", IP: "mcast_query_interval",
		Doc: "Time between queries, in hundredths of a second."},
	{Key: "bridge.options.multicast-query-response-interval", Type: Hundredths, IFLA: 34, Set: Anytime, Default: "1000", IP: "mcast_query_response_interval",
		Doc: "Time that members have for answering, in hundredths of a second."},
	{Key: "bridge.options.multicast-startup-query-interval", Type: Hundredths, IFLA: 35, Min: 100, Max: 8640000, Set: Anytime, Default: "3125", IP: "mcast_startup_query_interval",
		Doc: "Time between the queries at start, in hundredths of a second."},
	{Key: "bridge.options.multicast-stats", Type: Bool, IFLA: 42, Set: Anytime, Default: "false", Extension: true, IP: "mcast_stats_enabled",
		Doc: "Count IGMP and MLD packets."},
	{Key: "bridge.options.multicast-vlan-snooping", Type: BoolOpt, Bit: 1, IFLA: 46, Set: Anytime, Default: "false", Extension: true, IP: "mcast_vlan_snooping",
		Doc: "Snooping for each VLAN by itself; needs `vlan-filtering`."},
	{Key: "bridge.options.no-linklocal-learn", Type: BoolOpt, Bit: 0, IFLA: 46, Set: Anytime, Default: "false", Extension: true, IP: "no_linklocal_learn",
		Doc: "Do not learn from link-local packets."},
	{Key: "bridge.options.mst-enabled", Type: BoolOpt, Bit: 2, IFLA: 46, Set: Anytime, Default: "false", Extension: true, IP: "mst_enabled",
		Doc: "Multiple spanning trees; only without VLANs on the ports."},
	{Key: "bridge.options.fdb-max-learned", Type: Uint32, IFLA: 49, Set: Anytime, Default: "0", Extension: true, IP: "fdb_max_learned",
		Doc: "Most learned entries of the forwarding database; 0 is no limit."},
	{Key: "bridge.options.nf-call-iptables", Type: Bool, IFLA: 36, Set: Anytime, Default: "false", Extension: true, IP: "nf_call_iptables",
		Doc: "Pass bridged IPv4 packets through iptables; needs br_netfilter."},
	{Key: "bridge.options.nf-call-ip6tables", Type: Bool, IFLA: 37, Set: Anytime, Default: "false", Extension: true, IP: "nf_call_ip6tables",
		Doc: "Pass bridged IPv6 packets through ip6tables; needs br_netfilter."},
	{Key: "bridge.options.nf-call-arptables", Type: Bool, IFLA: 38, Set: Anytime, Default: "false", Extension: true, IP: "nf_call_arptables",
		Doc: "Pass bridged ARP packets through arptables; needs br_netfilter."},
	{Key: "bridge.options.gc-timer", Type: Uint64, IFLA: 19, Set: ReadOnly, Doc: "Time until learned addresses are looked through, in hundredths of a second."},
	{Key: "bridge.options.hello-timer", Type: Uint64, IFLA: 16, Set: ReadOnly, Doc: "Time until the next hello packet, in hundredths of a second."},
	{Key: "bridge.options.multicast-hash-elasticity", Type: Uint32, IFLA: 26, Set: ReadOnly, Extension: true, Doc: "Always 16 since Linux 4.20."},
	{Key: "bridge.options.fdb-learned", Type: Uint32, IFLA: 48, Set: ReadOnly, Extension: true, Doc: "Learned entries of the forwarding database."},
}
