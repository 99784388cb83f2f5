package netstate

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// VLANTunnel is VLANs of a port of a bridge, and the identifiers of tunnels that
// they are mapped to, one to one (IFLA_BRIDGE_VLAN_TUNNEL_INFO).
type VLANTunnel struct {
	Min, Max uint16 // 1 to 4094, both included
	ID       uint32 // of the first of them; the others' follow
}

// last is the identifier of the last VLAN.
func (r VLANTunnel) last() uint32 { return r.ID + uint32(r.Max-r.Min) }

// String is a range in bridge(8)'s words after tunnel_info: "10 id 1000",
// "20-29 id 1020-1029".
func (r VLANTunnel) String() string {
	s := VLANRange{Min: r.Min, Max: r.Max}.String() + " id " + strconv.FormatUint(uint64(r.ID), 10)
	if r.Max != r.Min {
		s += "-" + strconv.FormatUint(uint64(r.last()), 10)
	}
	return s
}

// ParseVLANTunnels reads ranges with commas between them, in any order, and
// returns them sorted, what follows each other as one.
func ParseVLANTunnels(text string) ([]VLANTunnel, error) {
	var list []VLANTunnel
	for part := range strings.SplitSeq(text, ",") {
		words := strings.Fields(part)
		if len(words) == 0 {
			continue
		}
		r, err := parseVLANTunnel(words)
		if err != nil {
			return nil, err
		}
		list = append(list, r)
	}
	// A port has each identifier once (vlan_tunnel_rht_params).
	sortShort(list, func(a, b VLANTunnel) int { return cmp.Compare(a.ID, b.ID) })
	for i, r := range list {
		if i > 0 && list[i-1].last() >= r.ID {
			return nil, fmt.Errorf("identifier %d stands twice", r.ID)
		}
	}
	sortShort(list, func(a, b VLANTunnel) int { return cmp.Compare(a.Min, b.Min) })
	for i, r := range list {
		if i > 0 && list[i-1].Max >= r.Min {
			return nil, fmt.Errorf("VLAN %d stands twice", r.Min)
		}
	}
	return joinTunnels(list), nil
}

func parseVLANTunnel(words []string) (r VLANTunnel, err error) {
	if len(words) != 3 || words[1] != "id" {
		return r, fmt.Errorf("%q is not as `10 id 1000` or `20-29 id 1020-1029`", strings.Join(words, " "))
	}
	vlans, err := parseVLAN(words[:1])
	if err != nil {
		return r, err
	}
	low, high, err := parseEnds(words[2], "identifier", 0, math.MaxUint32)
	if err != nil {
		return r, err
	}
	r = VLANTunnel{vlans.Min, vlans.Max, uint32(low)}
	if high-low != uint64(r.Max-r.Min) {
		return r, fmt.Errorf("%q: there have to be as many identifiers as VLANs", strings.Join(words, " "))
	}
	return r, nil
}

// joinTunnels makes what follows each other one; the list is sorted.
func joinTunnels(list []VLANTunnel) []VLANTunnel {
	var merged []VLANTunnel
	for _, r := range list {
		if n := len(merged) - 1; n >= 0 && merged[n].Max+1 == r.Min && merged[n].last()+1 == r.ID && r.ID != 0 {
			merged[n].Max = r.Max
			continue
		}
		merged = append(merged, r)
	}
	return merged
}

// FormatVLANTunnels is the canonical text of ranges that ParseVLANTunnels returned.
func FormatVLANTunnels(list []VLANTunnel) string {
	out := make([]string, 0, len(list))
	for _, r := range list {
		out = append(out, r.String())
	}
	return strings.Join(out, ",")
}

func canonicalVLANTunnels(text string) (string, error) {
	list, err := ParseVLANTunnels(text)
	return FormatVLANTunnels(list), err
}

// VLANTunnelDelta is what leads from some mappings to others: those to remove,
// and then those to add. A VLAN's has to go before it gets another one
// (__vlan_tunnel_info_add).
func VLANTunnelDelta(from, to []VLANTunnel) (remove, add []VLANTunnel) {
	have, want := singleTunnels(from), singleTunnels(to)
	return joinTunnels(without(have, want)), joinTunnels(without(want, have))
}

// without is what is in list and not in other; both are sorted.
func without(list, other []VLANTunnel) (left []VLANTunnel) {
	for _, r := range list {
		at, found := slices.BinarySearchFunc(other, r.Min, func(o VLANTunnel, vid uint16) int { return cmp.Compare(o.Min, vid) })
		if !found || other[at] != r {
			left = append(left, r)
		}
	}
	return left
}

// singleTunnels has each VLAN by itself.
func singleTunnels(list []VLANTunnel) (all []VLANTunnel) {
	for _, r := range list {
		for vid := r.Min; vid <= r.Max; vid++ {
			all = append(all, VLANTunnel{vid, vid, r.ID + uint32(vid-r.Min)})
		}
	}
	return all
}

const (
	vlanTunnel  = "bridge-port.vlan-tunnel"
	tunnelInfos = "bridge-port.vlan-tunnel-info"
)

// vlanTunnels lets the mappings of ports go with their VLANs (__vlan_del) and
// with the switch (br_setport), and refuses those that the kernel would.
func (m *simulation) vlanTunnels() {
	for n := range m.to.Interfaces {
		v := &m.to.Interfaces[n]
		list, err := ParseVLANTunnels(v.Attrs[tunnelInfos])
		if err != nil || len(list) == 0 || v.Netns != "" || attrOf(v, "controller") == "" {
			continue
		}
		c := m.configOf(v)
		asked := given(c, tunnelInfos)
		on := v.Attrs[vlanTunnel] == "true"
		if asked && !on {
			m.problem(c.at(tunnelInfos), "contradiction", v.Name+" maps VLANs to tunnels only with `vlan-tunnel: true`", "Set it, or leave the mappings out.")
			continue
		}
		vlans := singles(vlansOf(m.to, v))
		left := slices.DeleteFunc(singleTunnels(list), func(r VLANTunnel) bool {
			if asked && vlans[r.Min].Min == 0 {
				m.problem(c.at(tunnelInfos), "contradiction", fmt.Sprintf("%s is not in VLAN %d, which it maps to a tunnel", v.Name, r.Min), "Add the VLAN to its `vlan`, or leave the mapping out.")
				asked = false // the first one is enough
			}
			return !on || vlans[r.Min].Min == 0
		})
		if text := FormatVLANTunnels(joinTunnels(left)); text != v.Attrs[tunnelInfos] {
			v.Attrs = cloneOrNew(v.Attrs)
			v.Attrs[tunnelInfos] = text
		}
	}
}

// vlanTunnelCommands are bridge(8)'s commands from some mappings to others. What
// goes with its VLAN, or with the switch, cannot be removed after them.
func vlanTunnelCommands(i *Interface, d Difference) []string {
	from, _ := ParseVLANTunnels(d.Before)
	to, err := ParseVLANTunnels(d.After)
	if err != nil || i.Attrs[vlanTunnel] == "false" {
		return nil
	}
	if vlans, err := ParseVLANs(i.Attrs[portVLANs]); err == nil && i.Attrs[portVLANs] != "" {
		left := singles(vlans)
		from = slices.DeleteFunc(singleTunnels(from), func(r VLANTunnel) bool { return left[r.Min].Min == 0 })
	}
	var out []string
	line := func(verb string, r VLANTunnel) {
		w := append([]string{"bridge"}, ipIn(i.Netns)[1:]...)
		vlans, ids, _ := strings.Cut(r.String(), " ")
		w = append(w, "vlan", verb, "dev", i.Name, "vid", vlans, "tunnel_info")
		out = append(out, words(append(w, strings.Fields(ids)...)...))
	}
	remove, add := VLANTunnelDelta(from, to)
	for _, r := range remove {
		line("del", r)
	}
	for _, r := range add {
		line("add", r)
	}
	return out
}
