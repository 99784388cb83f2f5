package netstate

import (
	"cmp"
	"slices"
	"strings"
)

// Undo returns the edits that lead from now back to what was there before c,
// for exactly the objects that c names, those included that the kernel removed
// by itself. It works from any state in between: what is already as before is
// left alone, and so is what others have made meanwhile.
func Undo(c *Change, now *State) *Change {
	here, there, names := c.apart()
	back := undo(here, now)
	for _, netns := range names {
		if far := now.in(netns).with(netns, back); here.farEndsIn(netns, far) {
			back.Edits = append(back.Edits, in(netns, undo(there[netns], far).Edits)...)
		}
	}
	return back
}

func undo(c *Change, now *State) *Change {
	if c.Empty() {
		return &Change{}
	}
	sets, c, now := whole(c, now)
	if sets {
		return undoSets(c, now)
	}
	now = now.Clone()
	now.Sort()
	to := now.Clone()
	kept := &State{}
	routes, rules, neighbors, entries := c.routeRecords(), c.ruleRecords(), c.neighborRecords(), c.fdbRecords()
	to.Routes, kept.Routes = restore(to.Routes, routes, CompareRoutes), befores(routes)
	nexthops := records(c.Edits, nexthopOf, CompareNexthops, equalNexthops)
	to.Nexthops, kept.Nexthops = restore(to.Nexthops, nexthops, CompareNexthops), befores(nexthops)
	labels := records(c.Edits, mplsOf, CompareRoutes, equalRoutes)
	to.MPLS, kept.MPLS = restore(to.MPLS, labels, CompareRoutes), befores(labels)
	to.Rules = restore(to.Rules, rules, CompareRules)
	to.Neighbors, kept.Neighbors = restore(to.Neighbors, neighbors, CompareNeighbors), befores(neighbors)
	groups := records(c.Edits, mdbOf, CompareMDB, equalMDB)
	to.MDB, kept.MDB = restore(to.MDB, groups, CompareMDB), befores(groups)
	to.FDB, kept.FDB = restore(to.FDB, entries, CompareFDB), befores(entries)
	for _, r := range c.dnsRecords() {
		to.applyDNS(r.before)
	}
	c.undoTraffic(to)
	c.undoLinks(now, to)
	c.undoXfrm(to)
	kept.Interfaces = c.undoAddresses(to)
	kept.Sort()
	c.undoSysctls(to)
	c.undoNamespaces(to)
	keepOthers(now, to, kept)
	settle(now, to, kept)
	back := Diff(now, to)
	back.Edits = raiseBridges(back.Edits)
	return back
}

// keepOthers adds to kept what undoing would take along though c does not name
// it: somebody put it there, before c or since, and it can be there in the end.
func keepOthers(now, to, kept *State) {
	settleLinks(now, to)
	for i := range to.Interfaces {
		v := &to.Interfaces[i]
		if v.Netns != "" || noV6(to, v) {
			continue
		}
		own := kept.Interface(v.Name)
		for n := range v.Addresses {
			a := &v.Addresses[n]
			if a.Kernel || a.Prefix.Addr().Is4() || own != nil && findAddress(own.Addresses, a) != nil {
				continue
			}
			if own == nil {
				kept.put(Interface{Name: v.Name})
				own = kept.Interface(v.Name)
			}
			own.Addresses = append(own.Addresses, a.clone())
		}
	}
	var more []Neighbor
	for i := range to.Neighbors {
		n := &to.Neighbors[i]
		v := to.Interface(n.Device)
		if lasting(n) && v != nil && (n.IP.Is4() || !noV6(to, v)) && !has(kept.Neighbors, n, CompareNeighbors) {
			more = append(more, *n)
		}
	}
	kept.Neighbors = append(kept.Neighbors, more...)
	sortBy(kept.Neighbors, CompareNeighbors)
}

// undoLinks puts the interfaces of c into to as they were. Of one that is
// there all the time only what c set goes back.
func (c *Change) undoLinks(now, to *State) {
	touched, recs := c.touched(true), c.linkRecords()
	for _, r := range recs {
		key := r.key()
		if len(r.before) == 0 {
			to.remove(key.Netns, key.Name)
			continue
		}
		before := r.before[0].clone()
		there := now.interfaceIn(key.Netns, key.Name)
		if there == nil || there.Type != before.Type {
			dropAutomatic(&before, recs)
			to.put(before)
			continue
		}
		back := there.clone()
		keys := touched[key.Netns+"/"+key.Name]
		if keys[AltNames] {
			before = *withAltNames(&before, there, lastOf(r.after))
		}
		for k := range keys {
			setBack(&back, &before, k)
		}
		if bonded(now, there) && attrOf(there, "controller") != attrOf(&before, "controller") {
			leftBond(&back, &before)
		}
		to.put(back)
	}
}

// setBack sets one attribute to what it was; a port that changes its
// controller gets all its attributes back.
func setBack(back, before *Interface, key string) {
	if key == "controller" {
		for k := range back.Attrs {
			if IsPortKey(k) {
				delete(back.Attrs, k)
			}
		}
		for k, v := range before.Attrs {
			if IsPortKey(k) {
				back.Attrs[k] = v
			}
		}
	}
	if back.Attrs == nil {
		back.Attrs = Attrs{}
	}
	if v, ok := before.Attrs[key]; ok {
		back.Attrs[key] = v
		return
	}
	delete(back.Attrs, key)
}

// dropAutomatic leaves out what the kernel chose for a bridge by itself and
// will choose again, so that it stays free to: the hardware address taken from
// a port, the MTU of the smallest port.
func dropAutomatic(bridge *Interface, recs []record[*Interface]) {
	for _, key := range automatic(bridge, recs) {
		delete(bridge.Attrs, key)
	}
}

// automatic are the attributes of an interface that followed its ports, as far
// as the ports are recorded.
func automatic(bridge *Interface, recs []record[*Interface]) []string {
	if bridge.Type != "linux-bridge" {
		return nil
	}
	var keys []string
	mac, mtu, ports := "", "", 0
	for _, r := range recs {
		for _, port := range r.before {
			if attrOf(port, "controller") != bridge.Name {
				continue
			}
			ports++
			// The lowest (br_stp_recalculate_bridge_id): another was given to it.
			if v := attrOf(port, "mac-address"); mac == "" || v < mac {
				mac = v
			}
			if v := attrOf(port, "mtu"); mtu == "" || len(v) < len(mtu) || (len(v) == len(mtu) && v < mtu) {
				mtu = v
			}
		}
	}
	if ports == 0 {
		mtu = "1500"
	}
	if mac != "" && bridge.Attrs["mac-address"] == mac {
		keys = append(keys, "mac-address")
	}
	if bridge.Attrs["mtu"] == mtu {
		keys = append(keys, "mtu")
	}
	return keys
}

// undoAddresses puts addresses back. One that was primary goes before the
// others of its subnet. It returns what was put back, by interface.
func (c *Change) undoAddresses(to *State) (kept []Interface) {
	recs := c.addressRecords()
	// In the order of the change, which is the kernel's.
	seen := map[*InterfaceAddress]int{}
	for i, e := range c.Edits {
		if o := e.object().Address; o != nil {
			seen[o] = i
		}
	}
	sortStable(recs, func(a, b *record[*InterfaceAddress]) int {
		return cmp.Or(strings.Compare(a.key().Device, b.key().Device), seen[a.key()]-seen[b.key()])
	})
	restored := map[string]int{} // IPv6 addresses of each interface: they come first
	for _, r := range recs {
		key := r.key()
		i := to.Interface(key.Device)
		if i == nil {
			continue
		}
		at := -1
		i.Addresses = slices.Clone(i.Addresses)
		for n := range i.Addresses {
			if compareAddresses(&i.Addresses[n], &key.Address) == 0 {
				at = n
			}
		}
		if len(r.before) == 0 {
			if at >= 0 {
				i.Addresses = slices.Delete(i.Addresses, at, at+1)
			}
			continue
		}
		before := r.before[0].clone()
		if len(kept) == 0 || kept[len(kept)-1].Name != key.Device {
			kept = append(kept, Interface{Name: key.Device})
		}
		kept[len(kept)-1].Addresses = append(kept[len(kept)-1].Addresses, before)
		if at >= 0 {
			i.Addresses[at] = before
			continue
		}
		place := placeOf(i.Addresses, &before)
		if before.Prefix.Addr().Is6() {
			place = restored[key.Device]
			restored[key.Device]++
		}
		i.Addresses = slices.Insert(i.Addresses, place, before)
	}
	return kept
}

// placeOf is where an address goes in the kernel's order.
func placeOf(list []Address, a *Address) int {
	if slices.Contains(a.Status, "secondary") {
		return len(list)
	}
	for i := range list {
		if list[i].Prefix.Addr().Is4() && subnet(&list[i]) == subnet(a) {
			return i
		}
	}
	return len(list)
}

func (c *Change) undoSysctls(to *State) {
	for _, r := range c.sysctlRecords() {
		if to.Sysctls == nil {
			to.Sysctls = map[string]string{}
		}
		if len(r.before) == 0 || r.before[0].Missing {
			delete(to.Sysctls, r.key().Key)
			continue
		}
		to.Sysctls[r.key().Key] = r.before[0].Value
	}
}
