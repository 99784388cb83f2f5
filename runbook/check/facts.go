package check

import (
	"net/netip"
	"strconv"
	"strings"

	"stet/executors/netstate"
)

// linksOf converts interfaces, with their ports filled in.
func linksOf(s *netstate.State) []link {
	if s == nil {
		return nil
	}
	ports := map[string][]string{}
	for i := range s.Interfaces {
		if c := s.Interfaces[i].Attrs["controller"]; c != "" {
			ports[c] = append(ports[c], s.Interfaces[i].Name)
		}
	}
	links := make([]link, 0, len(s.Interfaces))
	for i := range s.Interfaces {
		if s.Interfaces[i].Netns != "" {
			continue
		}
		l := linkOf(&s.Interfaces[i])
		l.Ports = ports[l.Name]
		links = append(links, l)
	}
	return links
}

func linkOf(i *netstate.Interface) link {
	l := link{
		Exists:     true,
		Name:       i.Name,
		Type:       i.Type,
		State:      i.Attrs["state"],
		OperState:  i.Status["operstate"],
		Carrier:    truth(i.Status["carrier"]),
		MTU:        number(i.Attrs["mtu"]),
		MAC:        i.Attrs["mac-address"],
		Controller: i.Attrs["controller"],
		Alias:      i.Attrs["alias"],
		Index:      i.Index,
		TxQueueLen: number(i.Attrs["txqueuelen"]),
		RX:         countersOf(i.Status, "rx"),
		TX:         countersOf(i.Status, "tx"),
	}
	l.Up = l.State == "up" && (l.OperState == "up" || l.OperState == "unknown" || l.OperState == "")
	for j := range i.Addresses {
		l.Addresses = append(l.Addresses, addressOf(i.Name, &i.Addresses[j]))
	}
	l.source = i
	withAttributes(&l, i)
	return l
}

func countersOf(status netstate.Attrs, direction string) counters {
	return counters{
		Bytes:   number(status[direction+"-bytes"]),
		Packets: number(status[direction+"-packets"]),
		Errors:  number(status[direction+"-errors"]),
		Dropped: number(status[direction+"-dropped"]),
	}
}

func addressesOf(s *netstate.State) []address {
	list := []address{}
	if s == nil {
		return list
	}
	for i := range s.Interfaces {
		if s.Interfaces[i].Netns != "" {
			continue
		}
		for j := range s.Interfaces[i].Addresses {
			list = append(list, addressOf(s.Interfaces[i].Name, &s.Interfaces[i].Addresses[j]))
		}
	}
	return list
}

func addressOf(dev string, a *netstate.Address) address {
	flags := make([]string, 0, len(a.Flags)+len(a.Status))
	flags = append(append(flags, a.Flags...), a.Status...)
	r := address{
		Dev:        dev,
		Device:     dev,
		IP:         addrText(a.Prefix.Addr()),
		Prefix:     prefixText(a.Prefix),
		Network:    prefixText(a.Prefix.Masked()),
		Length:     a.Prefix.Bits(),
		Family:     family(a.Prefix.Addr()),
		Scope:      a.Scope,
		Label:      a.Label,
		Peer:       prefixText(a.Peer),
		Broadcast:  addrText(a.Broadcast),
		Flags:      flags,
		Deprecated: a.Deprecated,
		Valid:      int(a.ValidLifetime),
		Preferred:  int(a.PreferredLifetime),
	}
	if r.Scope == "" {
		r.Scope = "global"
	}
	for _, f := range flags {
		r.Tentative = r.Tentative || f == "tentative"
		r.Deprecated = r.Deprecated || f == "deprecated"
	}
	return r
}

func routesOf(s *netstate.State) []route {
	list := []route{}
	if s == nil {
		return list
	}
	for i := range s.Routes {
		list = append(list, routeOf(&s.Routes[i]))
	}
	return list
}

func routeOf(n *netstate.Route) route {
	r := route{
		Dst:      prefixText(n.Destination),
		Default:  n.Destination.IsValid() && n.Destination.Bits() == 0,
		Family:   family(n.Destination.Addr()),
		Metric:   int(n.Metric),
		Table:    int(n.Table),
		Type:     string(n.Type),
		Protocol: protocolName(n.Protocol),
		Scope:    scopeName(n.Scope),
		Source:   addrText(n.Source),
		TOS:      int(n.TOS),
		Flags:    append([]string{}, n.Status...),
		NextHops: []nexthop{},
	}
	if r.Type == "" {
		r.Type = "unicast"
	}
	if len(n.Metrics) > 0 {
		r.Metrics = make(map[string]int, len(n.Metrics))
	}
	for k, v := range n.Metrics {
		r.Metrics[k] = int(v)
	}
	for _, h := range n.NextHops {
		r.NextHops = append(r.NextHops, nexthop{
			Dev: h.Device, Device: h.Device, Via: addrText(h.Via), Weight: int(h.Weight), OnLink: h.OnLink, Encap: h.Encap,
		})
	}
	if len(r.NextHops) == 1 {
		h := r.NextHops[0]
		r.Dev, r.Device, r.Via, r.OnLink, r.Encap = h.Dev, h.Dev, h.Via, h.OnLink, h.Encap
	}
	return r
}

func rulesOf(s *netstate.State) []rule {
	list := []rule{}
	if s == nil {
		return list
	}
	for i := range s.Rules {
		n := &s.Rules[i]
		r := rule{
			Priority: int(n.Priority), Family: n.Family, Not: n.Not,
			From: prefixText(n.From), To: prefixText(n.To), IIF: n.IIF, OIF: n.OIF,
			FwMark: int(n.FwMark), FwMask: int(n.FwMask), TOS: int(n.TOS),
			Action: n.Action, Table: int(n.Table), Text: ruleText(n),
		}
		if r.Action == "" {
			r.Action = "lookup"
		}
		list = append(list, r)
	}
	return list
}

func neighboursOf(s *netstate.State) []neighbour {
	list := []neighbour{}
	if s == nil {
		return list
	}
	for _, n := range s.Neighbors {
		list = append(list, neighbour{
			Dev: n.Device, Device: n.Device, IP: addrText(n.IP), MAC: n.MAC,
			State: n.State, Family: family(n.IP), Proxy: n.Proxy, Router: n.Router,
		})
	}
	return list
}

func fdbOf(s *netstate.State) []fdbEntry {
	list := []fdbEntry{}
	if s == nil {
		return list
	}
	for _, e := range s.FDB {
		list = append(list, fdbEntry{
			Dev: e.Device, Device: e.Device, MAC: e.MAC, VLAN: int(e.VLAN), Dst: addrText(e.Dst),
			Port: int(e.Port), VNI: int(e.VNI), Owner: e.Owner, State: e.State, Sticky: e.Sticky,
		})
	}
	return list
}

// number is a decimal text as an int; 0 for anything else.
func number(text string) int {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return 0
	}
	return int(n)
}

// truth is a canonical boolean.
func truth(text string) bool {
	switch strings.ToLower(text) {
	case "true", "1", "yes", "on", "up":
		return true
	}
	return false
}

func addrText(a netip.Addr) string {
	if !a.IsValid() {
		return ""
	}
	return a.String()
}

func prefixText(p netip.Prefix) string {
	if !p.IsValid() {
		return ""
	}
	return p.String()
}

// family is 4, 6, or 0 for no address.
func family(a netip.Addr) int {
	switch {
	case !a.IsValid():
		return 0
	case a.Is4():
		return 4
	}
	return 6
}
