package netstate

import (
	"net/netip"
	"slices"
)

// addresses finds the edits of addresses, in addressEarly and addressLate. It
// also tells losses when a rebuilt subnet leaves a device without address for
// a moment.
func (d *differ) addresses() {
	for i := range d.from.Interfaces {
		before := &d.from.Interfaces[i]
		if before.Netns == "" && d.to.Interface(before.Name) == nil {
			d.device(before.Name, before.Addresses, nil)
		}
	}
	for i := range d.to.Interfaces {
		after := &d.to.Interfaces[i]
		if after.Netns != "" {
			continue
		}
		var before []Address
		if b := d.from.Interface(after.Name); b != nil {
			before = b.Addresses
		}
		d.device(after.Name, before, after.Addresses)
	}
}

// device compares the addresses of one interface.
func (d *differ) device(name string, before, after []Address) {
	t := d.trans[name]
	var f4, t4, f6, t6 []Address
	split := func(list []Address, four, six *[]Address) {
		for _, a := range list {
			a = unlabelled(name, a)
			switch {
			case a.Kernel:
			case a.Prefix.Addr().Is4():
				*four = append(*four, a)
			default:
				*six = append(*six, a)
			}
		}
	}
	split(before, &f4, &f6)
	split(after, &t4, &t6)
	if t.gone != never {
		where := &d.lost
		if t.gone == early {
			where = &d.linksEarly
		}
		for _, a := range slices.Concat(f4, f6) {
			*where = append(*where, deleteAddress(name, a, true))
		}
		slices.Reverse(t6) // see device6
		for _, a := range slices.Concat(t4, t6) {
			d.addressEarly = append(d.addressEarly, addAddress(name, a))
		}
		return
	}
	d.device4(name, f4, t4)
	d.device6(name, f6, t6)
}

// device6 compares IPv6 addresses. The kernel puts a new one before the others
// of its scope (ipv6_link_dev_addr), so that the last is added first; nothing is
// removed for the sake of the order.
func (d *differ) device6(name string, from, to []Address) {
	for _, i := range removing6(from) {
		if address6(to, &from[i]) != nil {
			continue
		}
		if d.address(name, &from[i]) != never {
			d.lost = append(d.lost, deleteAddress(name, from[i], true))
		} else {
			d.addressLate = append(d.addressLate, deleteAddress(name, from[i], false))
		}
	}
	for i := len(to) - 1; i >= 0; i-- {
		before, after := address6(from, &to[i]), &to[i]
		switch {
		case before == nil:
			d.addressEarly = append(d.addressEarly, addAddress(name, *after))
		case d.address(name, before) != never:
			d.lost = append(d.lost, deleteAddress(name, *before, true))
			d.post = append(d.post, addAddress(name, *after))
		case equalAddresses(before, after):
		case changeable(before, after):
			d.addressEarly = append(d.addressEarly, changeAddress(name, *before, *after))
		default:
			d.addressEarly = append(d.addressEarly, deleteAddress(name, *before, false), addAddress(name, *after))
		}
	}
}

// removing6 is the order in which addresses are removed: those without a route
// of their prefix first, because the kernel keeps the route of another one as
// long as they are there, and then for good (check_cleanup_prefix_route).
func removing6(list []Address) []int {
	var first, then []int
	for i := range list {
		if slices.Contains(list[i].Flags, "noprefixroute") {
			first = append(first, i)
			continue
		}
		then = append(then, i)
	}
	return append(first, then...)
}

// address6 finds an IPv6 address, whatever its prefix length: an interface
// cannot have it twice.
func address6(list []Address, a *Address) *Address {
	for i := range list {
		if list[i].Prefix.Addr() == a.Prefix.Addr() {
			return &list[i]
		}
	}
	return nil
}

// device4 compares IPv4 addresses, subnet by subnet: the first of a subnet is
// primary, and when it goes the kernel drops or promotes the others. Subnets
// that only gain are first, so that others need not be without any address.
func (d *differ) device4(name string, from, to []Address) {
	var subnets []netip.Prefix
	byNet := func(list []Address) map[netip.Prefix][]Address {
		m := map[netip.Prefix][]Address{}
		for _, a := range list {
			n := subnet(&a)
			m[n] = append(m[n], a)
			if !slices.Contains(subnets, n) {
				subnets = append(subnets, n)
			}
		}
		return m
	}
	t, f := byNet(to), byNet(from)
	sortStable(subnets, func(a, b *netip.Prefix) int { return compareBools(len(f[*a]) > 0, len(f[*b]) > 0) })
	present := len(from)
	for _, n := range subnets {
		present = d.subnet4(name, f[n], t[n], present)
	}
}

// subnet is what decides which addresses are secondary to which: the network
// of the address, or of its peer (inet_insert_ifa).
func subnet(a *Address) netip.Prefix {
	if a.Peer.IsValid() {
		return a.Peer.Masked()
	}
	return a.Prefix.Masked()
}

// subnet4 brings one subnet from one list to another. present counts the IPv4
// addresses that the device has at that moment; the count after is returned.
func (d *differ) subnet4(name string, from, to []Address, present int) int {
	if kept, ok := d.appendable(name, from, to); ok {
		for _, a := range to {
			before := findAddress(from, &a)
			switch {
			case before == nil:
				d.addressEarly = append(d.addressEarly, addAddress(name, a))
				present++
			case !equalAddresses(before, &a):
				d.addressEarly = append(d.addressEarly, changeAddress(name, *before, a))
			}
		}
		// The primary one last: it would take the others along.
		for i := range from {
			a := from[(i+1)%len(from)]
			if findAddress(kept, &a) == nil {
				d.addressLate = append(d.addressLate, deleteAddress(name, a, false))
			}
		}
		return present
	}
	return d.rebuild(name, from, to, present)
}

// appendable tells whether adding what is new and removing what is not wanted
// leads to the wanted order, and which addresses stay.
func (d *differ) appendable(name string, from, to []Address) ([]Address, bool) {
	var kept []Address
	for i := range from {
		after := findAddress(to, &from[i])
		if after == nil {
			continue
		}
		if !equalAddresses(&from[i], after) && !changeable(&from[i], after) {
			return nil, false
		}
		kept = append(kept, from[i])
	}
	for i := range kept {
		if i >= len(to) || compareAddresses(&kept[i], &to[i]) != 0 {
			return nil, false
		}
	}
	primaryGoes := len(from) > 0 && findAddress(to, &from[0]) == nil
	if primaryGoes && len(to) > 0 && !promotes(d.from, name) {
		return nil, false
	}
	return kept, true
}

// rebuild keeps what both lists begin with, removes the rest and adds it anew
// in the wanted order.
func (d *differ) rebuild(name string, from, to []Address, present int) int {
	same := 0
	for same < len(from) && same < len(to) && equalAddresses(&from[same], &to[same]) {
		same++
	}
	for i, a := range from[same:] {
		// The primary one, when it goes, takes the secondary ones along.
		swept := same == 0 && i > 0 && !promotes(d.from, name)
		d.addressEarly = append(d.addressEarly, deleteAddress(name, a, swept))
		d.unowned[a.Prefix.Addr()] = early
		present--
	}
	if present == 0 {
		d.lastV4[name] = early
	}
	for _, a := range to[same:] {
		d.addressEarly = append(d.addressEarly, addAddress(name, a))
		present++
	}
	return present
}

// unlabelled is the address without the label that every IPv4 address has: the
// name of its device.
func unlabelled(device string, a Address) Address {
	if a.Label == device {
		a.Label = ""
	}
	return a
}

func findAddress(list []Address, a *Address) *Address {
	for i := range list {
		if compareAddresses(&list[i], a) == 0 {
			return &list[i]
		}
	}
	return nil
}

func addAddress(device string, a Address) Edit {
	return Edit{Op: Add, After: addressObject(device, a)}
}

func deleteAddress(device string, a Address, implied bool) Edit {
	return Edit{Op: Delete, Before: addressObject(device, a), Implied: implied}
}

func changeAddress(device string, before, after Address) Edit {
	return Edit{Op: Modify, Before: addressObject(device, before), After: addressObject(device, after)}
}

// addressObject keeps the flags that can only be read: whether an address was
// primary is needed to undo its deletion.
func addressObject(device string, a Address) Object {
	a = unlabelled(device, a)
	return Object{Address: &InterfaceAddress{Device: device, Address: a}}
}
