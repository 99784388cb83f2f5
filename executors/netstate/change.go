package netstate

import "fmt"

// Op is what an edit does to its object.
type Op string

// The operations of an edit.
const (
	Add    Op = "add"
	Modify Op = "change"
	Delete Op = "delete"
)

// Object is one object of a state; exactly one field is set. The addresses of
// an interface are objects of their own: Link's Addresses are empty here.
type Object struct {
	Link      *Interface        `json:"link,omitempty"`
	Address   *InterfaceAddress `json:"address,omitempty"`
	Route     *Route            `json:"route,omitempty"`
	Routes    *RouteSet         `json:"routes,omitempty"`
	Nexthop   *Nexthop          `json:"nexthop,omitempty"`
	MPLS      *Route            `json:"mpls-route,omitempty"`
	Rule      *Rule             `json:"rule,omitempty"`
	Neighbor  *Neighbor         `json:"neighbor,omitempty"`
	FDB       *FDBEntry         `json:"fdb,omitempty"`
	Traffic   *TrafficControl   `json:"traffic-control,omitempty"`
	MDB       *MDBEntry         `json:"mdb,omitempty"`
	Sysctl    *Sysctl           `json:"sysctl,omitempty"`
	DNS       *DNS              `json:"dns,omitempty"`
	Namespace *Namespace        `json:"namespace,omitempty"`
	Xfrm      *Xfrm             `json:"xfrm,omitempty"`
}

// InterfaceAddress is an address with the interface it belongs to.
type InterfaceAddress struct {
	Device string `json:"device"`
	Address
}

// Sysctl is one kernel parameter. Value "" with Missing set means that the key
// does not exist (its interface is gone).
type Sysctl struct {
	Key     string `json:"key"`
	Value   string `json:"value"`
	Missing bool   `json:"missing,omitempty"`
	// Assumed is set when the interface of the key is not there yet: the
	// value is the one that interfaces begin with.
	Assumed bool `json:"assumed,omitempty"`
}

// Edit is one step of a Change. Before is empty for Add, After for Delete.
// A link's Modify carries the whole interface on both sides; what differs in
// Attrs is what is set.
type Edit struct {
	Op     Op     `json:"op"`
	Before Object `json:"before,omitzero"`
	After  Object `json:"after,omitzero"`
	// Netns is the namespace that the edit is made in, "" for the observed one:
	// what goes with an interface that goes with one of this namespace, and what
	// brings it back. (An interface's own Netns says where that one is.)
	Netns string `json:"netns,omitempty"`
	// Implied marks what the kernel does by itself because of another edit
	// (routes that vanish with their link): never sent, but recorded, so that
	// undoing brings it back.
	Implied bool `json:"implied,omitempty"`
	// Replaces marks a link, or a state of IPsec, that must be deleted and created
	// anew, because the kernel cannot change one of its attributes; Why names the attribute.
	Replaces bool   `json:"replaces,omitempty"`
	Why      string `json:"why,omitempty"`
}

// Change is an ordered list of edits: parents before children, adds before
// deletes. It is at the same time the record of what was there (Before), which
// is all that Undo needs. It is journaled, sent to agents and given to guards.
type Change struct {
	Edits []Edit `json:"edits,omitempty"`
	// Secrets are the keys that the edits speak of by their fingerprints. They
	// are never written anywhere: whoever carries a change to its target
	// carries them beside it.
	Secrets Secrets `json:"-"`
}

// Empty reports whether the change changes nothing.
func (c *Change) Empty() bool { return c == nil || len(c.Edits) == 0 }

// Check tells what is wrong with a change that was read from somewhere: each
// edit must have the sides that its operation needs, with one object of the
// same sort on both. The other functions rely on it.
func (c *Change) Check() error {
	if c == nil {
		return nil
	}
	for i := range c.Edits {
		e := &c.Edits[i]
		before, after := e.Before.sort(), e.After.sort()
		ok := false
		switch e.Op {
		case Add:
			ok = before == "" && e.Before == (Object{}) && after != ""
		case Delete:
			ok = after == "" && e.After == (Object{}) && before != ""
		case Modify:
			ok = before != "" && before == after
		}
		ok = ok && e.sameSets()
		if !ok {
			return fmt.Errorf("edit %d of the change is malformed (%s of %q to %q)", i+1, e.Op, before, after)
		}
	}
	return nil
}

// sameSets tells that an edit of a set of routes has routes, the same on both
// sides.
func (e *Edit) sameSets() bool {
	set := e.object().Routes
	if set == nil {
		return true
	}
	return set.Prefixes.Len() > 0 && (e.Op != Modify || set.Prefixes.same(e.Before.Routes.Prefixes))
}

// sort is what an object is, "" if it is not exactly one thing.
func (o Object) sort() string {
	var found []string
	add := func(there bool, name string) {
		if there {
			found = append(found, name)
		}
	}
	add(o.Link != nil, "link")
	add(o.Address != nil, "address")
	add(o.Route != nil, "route")
	add(o.Routes != nil, "routes")
	add(o.Nexthop != nil, "nexthop")
	add(o.MPLS != nil, "mpls-route")
	add(o.Rule != nil, "rule")
	add(o.Neighbor != nil, "neighbor")
	add(o.FDB != nil, "fdb")
	add(o.Traffic != nil, "traffic-control")
	add(o.MDB != nil, "mdb")
	add(o.Sysctl != nil, "sysctl")
	add(o.DNS != nil, "dns")
	add(o.Namespace != nil, "namespace")
	add(o.Xfrm != nil && XfrmAttrs(o.Xfrm.Sort) != nil, "xfrm")
	if len(found) != 1 {
		return ""
	}
	return found[0]
}

// Foreign is an effect of a configuration on another target: the far end of a
// veth, or a link moved there.
type Foreign struct {
	// Target is the other target's name in the document.
	Target    string
	Interface Interface
	Gone      bool
}

// Mismatch is a difference between what was asked and what the kernel holds
// after applying.
type Mismatch struct {
	Object string `json:"object"` // "link br0", "route 10.0.0.0/8"
	Key    string `json:"key,omitempty"`
	Want   string `json:"want"`
	Got    string `json:"got"`
}
