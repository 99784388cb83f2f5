package netstate

import (
	"cmp"
	"slices"
	"strings"
)

// routes finds the edits of routes.
func (d *differ) routes() {
	from, to := d.from.Routes, d.to.Routes
	if len(d.from.RouteSets)+len(d.to.RouteSets) > 0 {
		from, to = d.routeSets()
	}
	if more := len(to) - len(from); more > 0 {
		d.routesGateway = slices.Grow(d.routesGateway, more) // it may have those of sets
	}
	eachPair(from, to, CompareRoutes, equalRoutes, d.route)
}

func (d *differ) route(p pair[Route]) {
	if (p.before != nil && kernelRoute(p.before)) && (p.after == nil || kernelRoute(p.after)) {
		return
	}
	if p.before == nil || kernelRoute(p.before) {
		if !kernelRoute(p.after) {
			d.addRoute(p.after)
		}
		return
	}
	when := never
	if len(d.trans) > 0 || len(d.lastV4) > 0 || len(d.unowned) > 0 {
		when = d.losses.route(p.before)
	}
	gone := Edit{Op: Delete, Before: Object{Route: p.before}, Implied: when != never}
	switch {
	case p.after == nil || kernelRoute(p.after):
		switch when {
		case never:
			d.routesDeleted = append(d.routesDeleted, gone)
		case early:
			d.addressEarly = append(d.addressEarly, gone)
		default:
			d.lost = append(d.lost, gone)
		}
	case when == early:
		d.addressEarly = append(d.addressEarly, gone)
		d.addRoute(p.after)
	case when == late && d.losses.route(p.after) == late:
		d.lost = append(d.lost, gone)
		d.post = append(d.post, Edit{Op: Add, After: Object{Route: p.after}})
	case !equalRoutes(p.before, p.after):
		d.putRoute(Edit{Op: Modify, Before: Object{Route: p.before}, After: Object{Route: p.after}}, p.after)
	}
}

func (d *differ) addRoute(r *Route) {
	e := Edit{Op: Add, After: Object{Route: r}}
	if d.losses.route(r) == late {
		d.post = append(d.post, e)
		return
	}
	d.putRoute(e, r)
}

// putRoute sorts routes by whether they need another one to be there: a
// gateway must be in reach of a route without one.
func (d *differ) putRoute(e Edit, r *Route) {
	for n := range r.NextHops {
		if r.NextHops[n].Via.IsValid() && !r.NextHops[n].OnLink {
			d.routesGateway = append(d.routesGateway, e)
			return
		}
	}
	d.routesDirect = append(d.routesDirect, e)
}

// rules finds the edits of rules: a rule is never changed, only added and
// deleted.
func (d *differ) rules() {
	eachPair(d.from.Rules, d.to.Rules, CompareRules, equalRules, func(p pair[Rule]) {
		if p.before != nil && p.after != nil && equalRules(p.before, p.after) {
			return
		}
		if p.before != nil && p.after != nil {
			// The kernel tells rules apart without the protocol, so that the
			// old one has to go first.
			d.rulesAdded = append(d.rulesAdded, Edit{Op: Delete, Before: Object{Rule: p.before}}, Edit{Op: Add, After: Object{Rule: p.after}})
			return
		}
		if p.after != nil {
			d.rulesAdded = append(d.rulesAdded, Edit{Op: Add, After: Object{Rule: p.after}})
			return
		}
		d.rulesDeleted = append(d.rulesDeleted, Edit{Op: Delete, Before: Object{Rule: p.before}})
	})
}

// entry sorts the edits of an entry that a device holds by when they happen.
func (d *differ) entry(before, after Object, hasBefore, hasAfter, same bool, when moment) {
	gone := Edit{Op: Delete, Before: before, Implied: when != never}
	switch {
	case !hasBefore:
		d.entries = append(d.entries, Edit{Op: Add, After: after})
	case !hasAfter && when == never:
		d.entriesGone = append(d.entriesGone, gone)
	case !hasAfter && when == early:
		d.addressEarly = append(d.addressEarly, gone)
	case !hasAfter:
		d.lost = append(d.lost, gone)
	case when == early:
		d.addressEarly = append(d.addressEarly, gone)
		d.entries = append(d.entries, Edit{Op: Add, After: after})
	case when == late:
		d.lost = append(d.lost, gone)
		d.post = append(d.post, Edit{Op: Add, After: after})
	case !same:
		d.entries = append(d.entries, Edit{Op: Modify, Before: before, After: after})
	}
}

// neighbors finds the edits of neighbours. What the kernel learned is its own.
func (d *differ) neighbors() {
	eachPair(d.from.Neighbors, d.to.Neighbors, CompareNeighbors, equalNeighbors, func(p pair[Neighbor]) {
		before, after := p.before, p.after
		if before != nil && !lasting(before) {
			before = nil
		}
		if after != nil && !lasting(after) {
			after = nil
		}
		if before == nil && after == nil {
			return
		}
		when := never
		if before != nil {
			when = d.neighbor(before)
		}
		d.entry(Object{Neighbor: before}, Object{Neighbor: after}, before != nil, after != nil,
			before != nil && after != nil && equalNeighbors(before, after), when)
	})
}

// lasting tells that somebody declared the entry.
func lasting(n *Neighbor) bool {
	return n.Proxy || n.State == "permanent" || n.State == "noarp" || n.State == Managed
}

// fdb finds the edits of forwarding entries. What was learned, and what the
// kernel made for its own addresses, is its own.
func (d *differ) fdb() {
	own := func(e *FDBEntry) bool { return e == nil || e.Kernel || e.State == "dynamic" }
	lead := &untagged{}
	eachPair(d.from.FDB, d.to.FDB, CompareFDB, equalFDB, func(p pair[FDBEntry]) {
		before, after := p.before, p.after
		if own(before) {
			before = nil
		}
		if own(after) {
			after = nil
		}
		if before == nil && after == nil {
			return
		}
		when := never
		if before != nil {
			when = d.losses.fdb(before)
		}
		key := cmp.Or(before, after)
		if when == never && lead.leads(key) {
			d.follow(lead, before, after)
			return
		}
		d.entry(Object{FDB: before}, Object{FDB: after}, before != nil, after != nil,
			before != nil && after != nil && equalFDB(before, after), when)
		if when == never && key.VLAN == 0 {
			lead = d.untagged(pair[FDBEntry]{before, after})
			d.unwanted(lead)
		}
	})
}

// sysctls finds the edits of kernel parameters. One that to does not have is
// left alone, unless its interface goes.
func (d *differ) sysctls() {
	for _, key := range d.sysctlsLost() {
		gone := Edit{Op: Delete, Before: sysctlObject(key, d.from.Sysctls[key]), Implied: true}
		if _, stays := d.to.Sysctls[key]; stays {
			d.linksEarly = append(d.linksEarly, gone)
			continue
		}
		d.lost = append(d.lost, gone)
	}
	implied := impliedSysctls(d.from, d.to)
	var keys []string
	for key, value := range d.to.Sysctls {
		was, known := d.from.Sysctls[key]
		if _, dragged := implied[key]; dragged || !known || was != value || d.trans[sysctlDevice(key)].gone == early {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	for _, key := range keys {
		d.sysctl(key, implied)
	}
}

// sysctlsLost are the parameters that go with their interfaces, in their order.
// There may be very many that will be the same again.
func (d *differ) sysctlsLost() (keys []string) {
	if len(d.trans) == 0 {
		return nil
	}
	for key, value := range d.from.Sysctls {
		then, stays := d.to.Sysctls[key]
		switch when := d.parameter(key); {
		case when == never, stays != (when == early):
		case !stays && !d.begins(key, value), stays && !d.begins(key, then):
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	return keys
}

// begins tells that a new interface has this value by itself.
func (d *differ) begins(key, value string) bool {
	if strings.HasPrefix(key, "net.mpls.conf.") {
		return value == "0" // there is no default to be set
	}
	begin, known := d.to.Sysctls[defaultKey(key)]
	return known && begin == value
}

func (d *differ) sysctl(key string, implied map[string]string) {
	value := d.to.Sysctls[key]
	device := sysctlDevice(key)
	was, known := d.from.Sysctls[key]
	remade := device != "" && d.trans[device].gone == early
	by, dragged := implied[key]
	if dragged && known && was != by && !remade {
		// The kernel changes it with another one first.
		d.sysctlsDragged = append(d.sysctlsDragged, Edit{Op: Modify, Before: d.sysctlBefore(key, was), After: sysctlObject(key, by), Implied: true})
		was = by
	}
	if known && sameSysctl(was, value) && (!remade || d.begins(key, value)) {
		return
	}
	e := Edit{Op: Modify, Before: d.sysctlBefore(key, was), After: sysctlObject(key, value)}
	if !known || remade {
		e = Edit{Op: Add, After: sysctlObject(key, value)}
	}
	switch {
	case device == "" && !dragged:
		d.sysctlsFirst = append(d.sysctlsFirst, e)
	case device == "":
		d.sysctlsDragged = append(d.sysctlsDragged, e)
	case value == "1" && key == "net.ipv6.conf."+sysctlName(device)+".disable_ipv6":
		d.sysctlsLate = append(d.sysctlsLate, e)
	default:
		d.sysctlsLinks = append(d.sysctlsLinks, e)
	}
}

// sysctlBefore is a parameter as it was, or as it is taken to be when its
// interface is there (State.Interfaces' numbers are 0 before that).
func (d *differ) sysctlBefore(key, value string) Object {
	o := sysctlObject(key, value)
	if v := d.from.Interface(sysctlDevice(key)); v != nil && v.Index == 0 {
		o.Sysctl.Assumed = true
	}
	return o
}

func sysctlObject(key, value string) Object { return Object{Sysctl: &Sysctl{Key: key, Value: value}} }
