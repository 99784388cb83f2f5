package netstate

import (
	"strconv"
	"strings"
)

// The objects of the kernel's path manager of Multipath TCP (linux/mptcp_pm.h,
// ip-mptcp(8)) have the form of IPsec's, and go their way through a change: they
// are among State.Xfrm.

// The sorts of Xfrm that are of MPTCP.
const (
	MPTCPEndpoint = "endpoint"
	MPTCPLimits   = "limits"
)

// MPTCP tells an object of Multipath TCP from one of IPsec.
func (x *Xfrm) MPTCP() bool { return x.Sort == MPTCPEndpoint || x.Sort == MPTCPLimits }

// mptcpEndpointAttrs are in the order of ip-mptcp(8)'s words. IFLA is the attribute's
// number in the message (MPTCP_PM_ADDR_ATTR_*), Bit the flag's (MPTCP_PM_ADDR_FLAG_*).
// The kernel tells endpoints by address and port, and chooses the number of one
// that comes without.
var mptcpEndpointAttrs = []Attr{
	{Key: "address", Type: IPAddress, IFLA: 3, IFLA6: 4, Set: OnCreate},
	{Key: "port", Type: Uint16, IFLA: 5, Set: OnCreate, Default: "0", IP: "port"},
	{Key: "id", Type: Uint8, IFLA: 2, Min: 1, Set: Anytime, IP: "id"},
	{Key: "dev", Type: LinkRef, IFLA: 7, Set: Anytime, IP: "dev"},
	{Key: "signal", Type: FlagBit, Wire: Uint32, IFLA: 6, Set: Anytime, Default: "false", IP: "signal"},
	{Key: "subflow", Type: FlagBit, Wire: Uint32, IFLA: 6, Bit: 1, Set: Anytime, Default: "false", IP: "subflow"},
	{Key: "laminar", Type: FlagBit, Wire: Uint32, IFLA: 6, Bit: 5, Set: Anytime, Default: "false", IP: "laminar"},
	{Key: "backup", Type: FlagBit, Wire: Uint32, IFLA: 6, Bit: 2, Set: Anytime, Default: "false", IP: "backup"},
	{Key: "fullmesh", Type: FlagBit, Wire: Uint32, IFLA: 6, Bit: 3, Set: Anytime, Default: "false", IP: "fullmesh"},
}

// mptcpLimitsAttrs: IFLA is MPTCP_PM_ATTR_*.
var mptcpLimitsAttrs = []Attr{
	{Key: "subflows", Type: Uint32, IFLA: 3, Max: 8, Set: Anytime, Default: "2", IP: "subflow"},
	{Key: "add-addr-accepted", Type: Uint32, IFLA: 2, Max: 8, Set: Anytime, Default: "0", IP: "add_addr_accepted"},
}

// NumberedLink is the number of an interface that goes by it, as if7 does, because
// it has no name in the namespace; 0 is none.
func NumberedLink(name string) int {
	n, err := strconv.ParseUint(strings.TrimPrefix(name, "if"), 10, 31)
	if err != nil || name != "if"+strconv.Itoa(int(n)) {
		return 0
	}
	return int(n)
}

// ipEndpoint is the command of ip-mptcp(8) for an endpoint. ID stands for a number
// that the kernel has yet to choose.
func ipEndpoint(e *Edit) string {
	x := e.object().Xfrm
	w := []string{"ip", "mptcp", "endpoint"}
	if e.Op == Add {
		w = append(w, "add", x.Attrs["address"])
		for i := range mptcpEndpointAttrs[1:] {
			switch a := &mptcpEndpointAttrs[i+1]; {
			case a.Type != FlagBit:
				w = x.say(w, a.IP, a.Key)
			case x.value(a) == "true":
				w = append(w, a.IP)
			}
		}
		return words(w...)
	}
	id := e.Before.Xfrm.Attrs["id"]
	if id == "" {
		id = "ID"
	}
	if e.Op == Delete {
		return words(append(w, "delete", "id", id)...)
	}
	w = append(w, "change", "id", id)
	for _, d := range xfrmDifferences(e.Before.Xfrm, x) {
		word := d.Key
		if d.After != "true" {
			word = "no" + word
		}
		w = append(w, word)
	}
	return words(w...)
}

// mptcp adds, changes and removes endpoints, and sets limits.
func (m *simulation) mptcp(list []XfrmConfig) {
	if reason := m.from.Lacks["mptcp"]; reason != "" && len(list) > 0 {
		m.problem(list[0].Pos, "kernel-lacks", "`mptcp` is not possible: "+reason, "Choose a kernel that has it.")
		return
	}
	places := map[string]Pos{} // of the entries, by the keys of their objects
	for i := range list {
		c := &list[i]
		x, at, there := m.xfrmEntry(c)
		if c.Absent {
			continue
		}
		dev := c.Attrs["dev"]
		if there && dev == m.to.Xfrm[at].Attrs["dev"] {
			dev = "" // it is as it is, even without its interface
		}
		if dev != "" {
			m.device(c.at("dev"), dev, xfrmName(&x))
		}
		m.wholeMPTCP(c, &x)
		places[x.Key()] = c.Pos
		m.to.Xfrm = withXfrm(m.to.Xfrm, &x, &x)
	}
	m.mptcpStays(places)
}

// wholeMPTCP refuses flags that the kernel does not take together
// (mptcp_pm_nl_add_addr_doit).
func (m *simulation) wholeMPTCP(c *XfrmConfig, x *Xfrm) {
	on := func(key string) bool { return x.Get(key) == "true" }
	switch {
	case x.Sort != MPTCPEndpoint:
	case x.Get("port") != "0" && (!on("signal") || on("subflow")):
		m.problem(c.at("port"), "contradiction", xfrmName(x)+": one with a `port` is to be announced, and cannot begin subflows",
			"Give it `signal: true` and not `subflow`, or leave `port` out.")
	case on("signal") && on("fullmesh"):
		m.problem(c.at("fullmesh"), "contradiction", xfrmName(x)+" cannot have both `signal` and `fullmesh`", "Leave one of the two out, or set it to false.")
	}
}

// mptcpStays refuses that two endpoints have the same number, and to take
// the interface from under one: the kernel would keep the interface's number.
func (m *simulation) mptcpStays(places map[string]Pos) {
	taken := map[string]*Xfrm{}
	for i := range m.to.Xfrm {
		x := &m.to.Xfrm[i]
		if !x.MPTCP() {
			continue
		}
		id, dev := x.Attrs["id"], x.Attrs["dev"]
		if other := taken[id]; id != "" && other != nil {
			pos, ok := places[x.Key()]
			if !ok {
				pos = places[other.Key()]
			}
			m.problem(pos, "contradiction", xfrmName(x)+" and "+xfrmName(other)+" cannot both have the `id` "+id,
				"Choose another, leave it out, or remove one of them in the same block.")
		}
		taken[id] = x
		if dev != "" && m.from.Interface(dev) != nil && m.to.Interface(dev) == nil {
			m.problem(m.configOf(&Interface{Name: dev}).Pos, "in-use", xfrmName(x)+" is on "+dev, "Remove it in the same block, or put it on another interface.")
		}
	}
}
