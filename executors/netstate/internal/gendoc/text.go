package main

const intro = `<!-- Made by "go generate ./executors/netstate/..." from the tables of kinds. Do not edit. -->

# The language of netconfig

The body of a ` + "`netconfig`" + ` block is YAML in the schema of
[nmstate](https://nmstate.io): what is written for nmstate works here, without
NetworkManager and without any daemon. It is partial: what is not named is left
alone, ` + "`state: absent`" + ` removes, a list of addresses or ports that is
given replaces the whole list; entries of routes, rules, neighbours and
forwarding entries are added to those that are there. What stet adds to nmstate's
language is marked ᵉ. A second run of a block is no change. [Compatibility with
nmstate](nmstate.md) has each of its keys, with what becomes of it here.

Unknown keys are faults, and so are keys of nmstate that need a daemon: ` + "`dhcp: true`" + `,
` + "`802.1x`" + `, ` + "`lldp`" + ` that is enabled, ` + "`ovs-db`" + `, ` + "`ovn`" + `, ` + "`profile-name`" + `,
` + "`wait-ip`" + `, ` + "`dispatch`" + `, the types ` + "`ovs-*`" + ` and ` + "`ipsec`" + `. What nmstate
says with ` + "`mptcp`" + ` of an interface, ` + "[`mptcp`](#multipath-tcp-ᵉ)" + ` says by address.

nmstate's ` + "`type: ip-tunnel`" + ` is read as the type that its ` + "`mode`" + ` stands for: ` + "`ipip`, `sit`" + `,
and ` + "`ip6tnl`" + ` for ` + "`ip6ip6` and `ipip6`" + `; its keys as those of that type, ` + "`pmtu-disc`" + ` as
` + "`path-mtu-discovery`, `encap-limit` as `encapsulation-limit`" + `, ` + "`tos`" + ` of a tunnel over IPv6 as
` + "`traffic-class`" + `, and each of ` + "`ip6tun-flags`" + ` as the key of its own. ` + "`mode`" + ` is required, also
for a change. What stet prints has its own types.

## In an editor

[netconfig.schema.json](netconfig.schema.json) is this page as a JSON Schema (draft
2020-12): editors complete keys with it, show what they mean, and mark what is wrong.
It is made from the decoder and the tables. Where the body of a block is a YAML file of
its own, a comment in its first line is all that yaml-language-server needs (VS Code,
Neovim, Emacs and others use it):

` + "```yaml" + `
# yaml-language-server: $schema=https://…/docs/reference/netconfig.schema.json
interfaces:
  - name: eth0
    mtu: 1500
` + "```" + `

The path may also be that of a copy of the file; the comment may stay in the block. The
schema takes ` + "`${…}`" + ` wherever a value may stand, in quotes. What contradicts itself, or
does not suit the target, only ` + "`stet lint` and `stet plan`" + ` find.

## The parts

A type that the running kernel lacks is refused by the plan, before anything is
touched; it says which module, and which option of the kernel's configuration, has it.
Where a key needs a later kernel than Linux 5.10, its meaning says which. An older one takes
no notice of it: that is seen when the state is read back, and the change is undone.

{{block }}

The lists of extensions (` + "`neighbors`, `fdb`, `mdb`, `nexthops`, `mpls-routes`, `namespaces`" + `) may
also stand under ` + "`config`" + ` there, as ` + "`routes` and `route-rules`" + ` have theirs.
`

const interfaceText = `{{entry }}

Beside these, an interface has the keys below, and the section of its type. A key that
a block does not give stays as it is, on an interface that is there; a new interface has
what stands under "default", or, where nothing stands there, what the kernel and the
driver give it. An empty text (` + "`''`" + `) takes away what can be without value: a controller,
an alias, an address of a tunnel, a key.
When a key that can only be set "when made" is changed, the interface is removed and
made anew with everything on it, and the plan says so. What can "never" be set is
read and ignored, so that what nmstate shows can be pasted.

`

const ethtoolText = `
### What the driver is told

` + "`ethtool`" + ` and ` + "`ethernet`" + ` of an interface are what ethtool(8) sets, where the driver allows it: a key
that it does not have is refused by the plan. What is not named stays. The last column but one is
ethtool(8)'s word: of ` + "`-L`" + ` (` + "`channels`" + ` ᵉ), ` + "`-G`" + ` (` + "`ring`" + `), ` + "`-C`" + ` (` + "`coalesce`" + `), ` + "`-A`" + ` (` + "`pause`" + `),
` + "`--set-fec`" + ` (` + "`fec`" + `) and ` + "`-s`" + ` (` + "`ethernet`" + `).

` + "`ethtool: {feature: …}`" + ` switches features by the kernel's names, which ` + "`stet facts --json`" + ` shows with all that
there are; nmstate's other names for some (` + "`gro`" + `, ` + "`rx-vlan-offload`" + `) are taken, too. A feature that the
driver fixes can be named as it is. One that is set and does not become active, because it needs
another one, is a failure. ` + "`stet facts`" + ` leaves out features that are as a new interface has them.
The settings of an interface that is removed come back with it.

` + "`ethernet: {sr-iov: …}`" + ` makes virtual functions of a network card that has them (the file
/sys/class/net/NAME/device/sriov_numvfs) and sets what each is like, as ` + "`ip link set NAME vf N`" + ` does. Another
number of them is made by way of none: those that are there go away with their interfaces and come anew,
which takes some drivers seconds, and the plan says so; what they were like is set again. It is refused as long
as one of their interfaces has an address or a route, is a port, or carries another interface. Who uses one
elsewhere, a virtual machine or another namespace, cannot be seen: its function goes away all the same. Where
udev renames the interfaces that come anew, a block of its own, after the one that makes them, gives them addresses.

`

const addressText = `
` + "`sysctl`" + ` ᵉ of an interface holds its own parameters: ` + "`ipv4.forwarding`" + ` is
` + "`net.ipv4.conf.NAME.forwarding`" + `, ` + "`ipv4.neigh.gc_stale_time`" + ` is ` + "`net.ipv4.neigh.NAME.gc_stale_time`" + `.

What IPv6 does is under ` + "`ipv6`" + `: ` + "`accept-ra`, `autoconf`, `use-tempaddr`, `addr-gen-mode`, `token`" + `. It is
set before a new interface comes up, and lost when the interface has no IPv6 any more (an
MTU below 1280, another namespace). The same parameters can be set with ` + "`sysctl`" + `; a block
that gives both, and differently, is refused.

The kernel makes no anycast address on request: a program joins one for as long as it runs
(IPV6_JOIN_ANYCAST), and an interface that forwards has the subnet-router address of each of
its networks (RFC 4291, 2.6.1). Only a route of ` + "`route-type: anycast`" + ` can be set.

### Addresses

` + "`ipv4`" + ` and ` + "`ipv6`" + ` have ` + "`enabled`" + ` (false removes the addresses; of IPv6 it also sets
` + "`disable_ipv6`" + `) and ` + "`address`" + `, a list that replaces. Of IPv4 addresses in one network the
first is primary. Addresses that the kernel made by itself stay: link-local ones, those
that tunnels of ` + "`sit` and `gre`" + ` get of IPv4 addresses, 127.0.0.1, ::1. What an entry
does not say about an address that is there stays as it is, but for lifetimes: without any
it is to stay forever.

{{addresses ipv4.address.}}
`

const objects = `
## Namespaces ᵉ

Entries of ` + "`namespaces`" + ` are the named network namespaces of the machine, as
ip-netns(8) keeps them below /run/netns. They are made before everything else in the
block, so that its interfaces can be moved there (` + "`netns`" + `) and pairs can lead there
(` + "`peer-target`" + `), and removed after everything else.

{{namespaces namespaces.}}

A namespace that something is in is not removed: the plan is refused, and names what is
in it: processes, interfaces but ` + "`lo`" + `, addresses of ` + "`lo`" + `. It is looked at once more at
the last moment, also when undoing. With a namespace the kernel removes its virtual
interfaces, and nothing can bring them back; a network card returns to the initial
namespace, down, without addresses. Processes that are in it keep it alive without a
name. Interfaces that go in the same block (the near end of a veth pair takes the far
end along) are no reason to refuse.

Undoing a removal within the same run gives the very namespace its name back, with all
that was set in it. Undoing it later, or by a guard, makes a new one, with its number and
the state of its ` + "`lo`" + `; kernel parameters, rules and packet filters that were set in it are
not there then.

In a mount namespace of its own, which ` + "`ip netns exec`" + ` makes for what it runs, stet neither
makes nor removes named namespaces: nobody else would see one that was made there, and it
would end with stet. The plan says so. Run stet outside, with the target ` + "`netns://NAME`" + `. In a
container they are the container's.

To set up the inside of a namespace in the same document, make its target with
` + "`create: true`" + `: a namespace that stet made for a target counts as not there until a
block declares it, and stays from then on.

` + "```yaml" + `
namespaces:
  - name: blue
    loopback: up
  - name: old
    state: absent
interfaces:
  - name: blue0
    type: veth
    veth:
      peer: eth0
      peer-target: blue
` + "```" + `

An interface that is moved loses its addresses, its controller and what leads over it,
and is down there until something else is asked. Undoing brings it back with its name,
hardware address, MTU, controller, addresses and routes, up if it was up.

### What goes in other namespaces

Some interfaces take others along that are in other namespaces: the near end of a pair
(veth, netkit, vxcan) takes the far end, and the one below takes the macvlan, the ipvlan,
the VLAN, the VXLAN that was moved away from it. With them go their addresses, routes,
neighbors, forwarding entries, queueing disciplines, kernel parameters, and what lies on
them there.

The plan names all of it, with the namespace and "(by itself)", before anything is
touched. Undoing brings it back, with the interface's attributes and number, reads it
back, and names what still differs. Where an interface has to be made anew, what was on
the far end is there again at once.

The namespaces are looked for among the targets of the document, the named ones of the
machine, and those of its processes: a container's, which is called by its inode as
readlink(2) shows it (` + "`net:[4026532281]`" + `), and must still be there when it is undone. For
such a namespace ` + "`--as ip`" + ` prints a search of ` + "`/proc/*/ns/net`" + `
for a process that is in it; where there is none any more, the command fails and says so. Of the other end of a pair in a namespace without name or process nothing can be known. The plan
warns of it (` + "`unseen`" + `); undoing cannot make such a pair again, says so, and ends as
incomplete; to make it anew is refused. What lies on an interface from such a namespace
is not found at all.

Sockets, packet filters, learned entries and what is not in the lists above do not come
back, there as here.

## Routes

Entries of ` + "`routes.config`" + ` are added; one of the same destination, table, metric and
type of service replaces what is there. With ` + "`state: absent`" + ` every route goes that has
what the entry names (but those that the kernel made, and table local unless it is
named).

{{routes routes.}}

` + "```yaml" + `
routes:
  config:
    - destination: 198.51.100.0/24
      next-hop-interface: eth0
      next-hop-address: 192.0.2.1
      metric: 150
      table-id: main
    - destination: 203.0.113.0/24
      route-type: blackhole
    - destination: 10.0.0.0/8
      next-hops:
        - {next-hop-address: 192.0.2.1, weight: 2}
        - {next-hop-address: 192.0.2.2}
    - next-hop-interface: eth1
      state: absent
` + "```" + `

### Encapsulations

` + "`encap`" + ` ᵉ says what is put around the packets of a route or of a nexthop object (lwtunnel). An
encapsulation that the running kernel lacks is refused by the plan.

| type | words |
|---|---|
| ` + "`mpls`" + ` | ` + "`mpls 100/200 ttl 5`" + `: labels, the outermost first |
| ` + "`ip`" + ` | ` + "`ip id 5 dst 192.0.2.9 src 192.0.2.1 ttl 7 tos 16 csum key seq`" + `: for an ` + "`external`" + ` tunnel; ` + "`dst`" + ` is required |
| ` + "`ip6`" + ` | ` + "`ip6 id 5 dst 2001:db8::9 src 2001:db8::1 hoplimit 7 tc 16 csum key seq`" + ` |
| ` + "`seg6`" + ` | ` + "`seg6 mode encap segs 2001:db8::1,2001:db8::2`" + `; the modes are ` + "`inline`, `encap`, `l2encap`, `encap.red`, `l2encap.red`" + ` |
| ` + "`seg6local`" + ` | ` + "`seg6local action End.X nh6 2001:db8::1`" + `; ` + "`End`" + `, ` + "`End.X` and `End.DX6`" + ` (nh6), ` + "`End.DX4`" + ` (nh4), ` + "`End.DX2`" + ` (oif), ` + "`End.T`" + ` (table), ` + "`End.DT6`" + ` (table or vrftable), ` + "`End.DT4` and `End.DT46`" + ` (vrftable) |

Numbers are decimal unless they begin with 0x: iproute2 shows ` + "`tos 16`" + ` and reads it as 0x16.
A route with another encapsulation (bpf, ila, xfrm, a keyed hash of seg6, options of GENEVE) is left
alone, and counted.

` + "```yaml" + `
routes:
  config:
    - destination: 10.80.0.0/16
      next-hop-interface: eth0
      next-hop-address: 192.0.2.1
      encap: mpls 100/200
` + "```" + `

## Nexthop objects

Entries of ` + "`nexthops`" + ` ᵉ are ways that routes name by number (ip-nexthop(8), Linux 5.3 and later): changing
one turns all its routes at once. One of the same ` + "`id`" + ` is changed; with
` + "`state: absent`" + ` it is removed, unless a route or a group still uses it. The kernel
removes it, and the routes by it, when its interface goes down; undoing brings both back.

{{nexthops nexthops.}}

` + "```yaml" + `
nexthops:
  - id: 1
    next-hop-interface: eth0
    next-hop-address: 192.0.2.1
  - id: 2
    next-hop-interface: eth1
    next-hop-address: 198.51.100.1
  - id: 10
    group:
      - {id: 1, weight: 3}
      - {id: 2}
routes:
  config:
    - destination: 10.0.0.0/8
      nexthop-id: 10
` + "```" + `

### Large tables

` + "`from-file`" + ` ᵉ stands for as many routes as a file has lines; the path is relative to
the document, and the file is read where stet runs, for targets elsewhere too. The
other keys of the entry are for all of them. The plan shows routes that differ only
in their destinations as one line, its hash covers the file, and a file that was
changed since the plan was made is refused. With ` + "`state: absent`" + ` the routes of the
file are removed, those of them that are there.

` + "```yaml" + `
routes:
  config:
    - from-file: prefixes.txt
      next-hop-interface: eth0
      next-hop-address: 192.0.2.1
` + "```" + `

A file has one of three forms. Blank lines and lines that begin with ` + "`#`" + ` are passed
over in all of them; what a line says must not contradict the entry.

| form | a line |
|---|---|
| a list | a network: ` + "`198.51.100.0/24`" + `, or an address, which is a network of one |
| what ` + "`ip route`" + ` prints | a network with ` + "`via`, `dev`, `metric`, `table`, `proto`, `scope`, `src`, `onlink`" + `, metrics, or a type before it. Routes of the kernel's own are passed over; routes of several next hops cannot be read |
| CSV | the first line names the columns by the keys of a route (` + "`destination,next-hop-address,metric`" + `); values may be empty, and are not quoted |

## MPLS routes ᵉ

Entries of ` + "`mpls-routes`" + ` say what becomes of packets that come in with a label
(` + "`ip -f mpls route`" + `): it is swapped for others, or taken off. A route of the same label is
replaced. How labels are put on is said by the ` + "`encap`" + ` of routes.

The kernel has MPLS as the module mpls_router, which it never loads by itself; a plan without it
is refused. The parameter ` + "`net.mpls.platform_labels`" + ` is the first label that there is no room
for, 0 in a new namespace, and ` + "`net.mpls.conf.INTERFACE.input`" + ` lets an interface take packets
with labels. Both can be set in the same block. A route stays when its interface goes down, and
vanishes with the last of its interfaces. A route to a hardware address (` + "`via link`" + `) is left
alone, and counted.

{{mpls-routes mpls-routes.}}

` + "```yaml" + `
sysctl:
  net.mpls.platform_labels: 1000
  net.mpls.conf.eth0.input: 1
mpls-routes:
  - {label: 100, next-hop-labels: 200/300, next-hop-interface: eth1, next-hop-address: 198.51.100.2}
  - {label: 101, next-hop-interface: lo}
  - label: 102
    next-hops:
      - {next-hop-labels: 201, next-hop-interface: eth1, next-hop-address: 198.51.100.2}
      - {next-hop-labels: 202, next-hop-interface: eth1, next-hop-address: "2001:db8::2"}
` + "```" + `

## Rules

Entries of ` + "`route-rules.config`" + ` are added, unless the same rule is there. With
` + "`state: absent`" + ` every rule goes that has what the entry names (of the kernel's own three
only the one whose priority is named).

{{route-rules route-rules.}}

` + "```yaml" + `
route-rules:
  config:
    - ip-from: 192.0.2.0/24
      route-table: 200
      priority: 1000
    - family: ipv6
      fwmark: 0x10
      action: prohibit
` + "```" + `

## Neighbours ᵉ

{{neighbors neighbors.}}

` + "```yaml" + `
neighbors:
  - {device: eth0, ip: 192.0.2.9, mac-address: "02:00:00:00:00:09"}
  - {device: eth0, ip: 192.0.2.77, proxy: true}
` + "```" + `

## Forwarding entries ᵉ

{{fdb fdb.}}

` + "```yaml" + `
fdb:
  - {device: eth1, mac-address: "02:00:00:00:00:42"}
  - {device: vx100, mac-address: "00:00:00:00:00:00", remote: 192.0.2.3}
` + "```" + `

## Multicast databases ᵉ

Groups that the ports of a bridge listen to, beside those that it learns (bridge(8)). The bridge
must be up and do multicast snooping. What it learned is left alone.

A VXLAN has one, too (Linux 6.4 and later; the plan says so where it is missing): with ` + "`remote`" + `, a
group is sent to that host, and to no other that has no entry for it.

An entry is whole: what it does not give is as if it had never been given. What has lists,
protocols or remotes is printed by ` + "`stet plan --as ip`" + ` in the words of iproute2 6.2, for VXLANs of 6.4:
an older bridge(8) passes over the words that it does not know, and makes another entry than is
meant. A kernel before Linux 6.2 replaces no entry: there one that changes, or that the bridge has
learned, is taken away first.

{{mdb mdb.}}

` + "```yaml" + `
mdb:
  - {device: br0, port: eth1, group: 239.1.1.1}
  - {device: br0, port: eth1, group: "ff15::1", source: "2001:db8::9"}
  - {device: br0, port: eth1, group: 232.1.1.1, filter-mode: include, source-list: [192.0.2.8, 192.0.2.9]}
  - {device: vx100, group: 239.1.1.1, remote: 198.51.100.2}
` + "```" + `

## What is left to commands

What iproute2 can set and this language has no key for is refused by name, where it has a name, with the
command. A ` + "`run`" + ` block sets it, and a ` + "`rollback`" + ` block beside it takes it back. What stands there
already is left alone.

| of | what | command |
|---|---|---|
| interfaces | another name, the number, ` + "`dynamic`" + `, ` + "`trailers`" + ` | ` + "`ip link set DEV name NEW`" + ` (down), ` + "`ip link add … index N`" + ` |
| interfaces | ` + "`protodown_reason`" + `, ` + "`carrier`" + `, ` + "`mode dormant`" + `, ` + "`xdp`" + `, ` + "`link-netnsid`" + `, the broadcast address | ` + "`ip link set DEV carrier off`" + ` |
| types | erspan, ip6erspan, bareudp, gtp, amt, can, and those of a driver | ` + "`ip link add … type erspan`" + ` |
| tunnels | ports that take FOU and GUE; L2TP | ` + "`ip fou add`" + `, ` + "`ip l2tp add`" + ` |
| vxlan | a flow label that is inherited | ` + "`ip link add … type vxlan … flowlabel inherit`" + ` |
| macsec | extended packet numbers (XPN) | ` + "`ip link add … type macsec cipher gcm-aes-xpn-128`" + ` |
| VLANs of bridges | options of ports by VLAN: state, routers of multicast, suppression of neighbours | ` + "`bridge vlan set`" + ` |
| forwarding entries | ` + "`dynamic`" + `, ` + "`router`" + `, ` + "`activity_notify`" + ` | ` + "`bridge fdb add`" + ` |
| addresses | ` + "`optimistic`" + `, ` + "`proto`" + `; preferences between addresses (RFC 6724) | ` + "`ip addr add … proto N`" + `, ` + "`ip addrlabel add`" + ` |
| routes | ` + "`expires`" + ` (undoing gives a route back what was left), ` + "`ttl-propagate`" + ` of labels that are put on, realms of single next hops | ` + "`ip -6 route replace … expires SECONDS`" + ` |
| rules | ` + "`realms`" + `, ` + "`tun_id`" + `, ` + "`dscp`" + `, ` + "`flowlabel`" + ` | ` + "`ip rule add … tun_id N`" + ` |
| neighbours | ` + "`protocol`" + `, states that run out | ` + "`ip neigh add … protocol N`" + ` |
| traffic control | other kinds of qdiscs, classes, filters and actions than those above; size tables, shared blocks; sizes of cells (` + "`burst 10k/8`" + `); rates in percent | ` + "`tc qdisc add …`" + ` |
| qdiscs | averages of RED in sfq (` + "`avpkt`" + `, ` + "`burst`" + `); distributions of netem, of delays and of slots; ` + "`offload`" + ` of htb | ` + "`tc qdisc add … sfq redflowlimit N avpkt N …`" + ` |
| filters of u32 | hash tables, links to others and what they look at (` + "`divisor`" + `, ` + "`ht`" + `, ` + "`link`" + `, ` + "`order`" + `, ` + "`offset`" + `, ` + "`hashkey`" + `, ` + "`sample`" + `), and with them ` + "`tcp`" + `, ` + "`udp`" + `, ` + "`icmp`" + ` and ` + "`nexthdr+`" + ` | ` + "`tc filter add … u32 …`" + ` |
| filters of flower | masks that are no prefix of addresses of IP; fields of MPLS, PPPoE, L2TP, of tunnels (` + "`enc_…`" + ` and their options) and of conntrack (` + "`ct_…`" + `); ` + "`num_of_vlans`" + `, ` + "`hw_tc`" + ` | ` + "`tc filter add … flower …`" + ` |
| filters of fw | without a mark, to the class that the mark is | ` + "`tc filter add … fw`" + ` |
| actions | ` + "`goto chain`" + `, ` + "`trap`" + `, ` + "`jump`" + `, chances (` + "`random`" + `), what follows mirred, cookies, numbers (` + "`index`" + `) that filters share; police by packets, by an average, or by size alone | ` + "`tc filter add … action …`" + ` |

The module of a tunnel brings an interface of its own into each namespace when it is loaded (gre0, tunl0, sit0,
ip6tnl0, ip_vti0 and others). It stays when a tunnel that was made is taken back.

## Kernel parameters ᵉ

Keys of sysctl(8) that begin with ` + "`net.`" + `: those belong to a network namespace. A dot in an
interface's name is written as a slash. Those that the kernel changes along
(` + "`net.ipv4.ip_forward`" + ` changes every interface's) are part of the plan, and of the way back.

` + "```yaml" + `
sysctl:
  net.ipv4.ip_forward: 1
  net.ipv6.conf.all.forwarding: 1
` + "```" + `

## Name servers

` + "`dns-resolver`" + ` has ` + "`config`" + `; a list that is given replaces, one that is not given is left as
it is, and ` + "`config: {}`" + ` removes all of them.

{{dns-resolver dns-resolver.}}

Where they go is seen, not asked:

- A target that is this machine, or reached by SSH: ` + "`/etc/resolv.conf`" + `. A symbolic link is followed
  and stays. Lines that say other things stay, comments among them, and so do owner, mode and SELinux
  label. The file is replaced by a rename, so that nobody reads half of it; where something is
  mounted on it (a container, ` + "`ip netns exec`" + `) it is written in place. It takes three servers at most,
  because no program asks a fourth.
- Where ` + "`/etc/resolv.conf`" + ` is a link to the files of systemd-resolved: the interface's settings there,
  over D-Bus, as resolvectl(1) sets them. It is the interface that ` + "`interface`" + ` names, else the one
  of a server's zone, else the only one that has servers, else the one of the default route.
  Servers may then have a port and a name, ` + "`192.0.2.53:853#dns.example.net`" + `, and domains that only
  say which names are asked for there begin with ` + "`~`" + `; ` + "`options`" + ` are refused. Servers that are set
  for all interfaces (resolved.conf(5)) are left alone.
- A target ` + "`netns://NAME`" + `: ` + "`/etc/netns/NAME/resolv.conf`" + `, which ` + "`ip netns exec`" + `, and stet, show to programs as
  ` + "`/etc/resolv.conf`" + `. It is made, with its folder, where it is not there, and written in place where it
  is, so that programs that run in the namespace already see it, too. Programs that began before it
  was made see the machine's.
- A sandbox: a ` + "`/etc/resolv.conf`" + ` of its own, which begins with the servers of the machine's.

A file that another program writes is refused, and the program is named: NetworkManager, resolvconf,
dhcpcd, dhclient, netconfig, ConnMan, Tailscale, WSL, vpnc. It is known by the file's first comments,
by where the symbolic link leads, or, for programs that leave no word in the file, because it runs in
the namespace. So is an interface that systemd-networkd or NetworkManager manages, where systemd-resolved
answers, and a link to the files of systemd-resolved when that does not answer. What is already as
it is asked for is no change, whoever wrote it.

Undoing puts back every byte of the file, its owner and its mode, or removes it again. A file
stays over a reboot: what is not yet confirmed when the power fails is there afterwards, unlike all
else here. What systemd-resolved was told lasts until the next boot.

` + "```yaml" + `
dns-resolver:
  config:
    server: [192.0.2.53, "2001:db8::53"]
    search: [example.net]
    options: ["ndots:2"]
` + "```" + `
`
