package netstate

import "slices"

// raiseBridges brings bridges that are made again without a hardware address up
// only when they have their ports: they take the address of the lowest by then,
// and the kernel makes the link-local address, which stays, of that. Given the
// address, they would no longer follow their ports (NET_ADDR_SET). What lies on
// such a bridge comes after that: a VLAN cannot be up before it is.
func raiseBridges(edits []Edit) []Edit {
	links := slices.IndexFunc(edits, func(e Edit) bool {
		o := e.object()
		return o.Address != nil || o.Route != nil || o.Nexthop != nil || o.Neighbor != nil || o.FDB != nil
	})
	if links < 0 {
		links = len(edits)
	}
	for i := 0; i < links; i++ {
		made := edits[i].After.Link
		if edits[i].Op != Add || !here(&edits[i]) || made.Type != "linux-bridge" || attrOf(made, "state") != "up" || attrOf(made, "mac-address") != "" {
			continue
		}
		last := i
		for n := i + 1; n < links; n++ {
			if here(&edits[n]) && attrOf(edits[n].After.Link, "controller") == made.Name {
				last = n
			}
		}
		if last == i {
			continue
		}
		down := withState(made, "down")
		edits[i].After.Link = down
		first, then := apartFrom(made.Name, edits[i+1:last+1])
		then = slices.Insert(then, 0, Edit{Op: Modify, Before: Object{Link: down}, After: Object{Link: made}})
		edits = slices.Replace(edits, i+1, last+1, append(first, then...)...)
		links++
	}
	return edits
}

// here tells that an edit leads to an interface of the observed namespace.
func here(e *Edit) bool { return e.Netns == "" && e.After.Link != nil && e.After.Link.Netns == "" }

// apartFrom takes the edits of what lies on an interface out of a list.
func apartFrom(name string, edits []Edit) (others, upper []Edit) {
	on := map[string]bool{name: true}
	for _, e := range edits {
		i := e.object().Link
		if i == nil || e.Netns != "" || (i.Netns != "" && !i.LowerHere) || !on[lower(i)] {
			others = append(others, e)
			continue
		}
		upper = append(upper, e)
		if i.Netns == "" {
			on[i.Name] = true
		}
	}
	return others, upper
}
