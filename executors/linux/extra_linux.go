package linux

import (
	"context"
	"fmt"

	"stet/executors/netstate"
)

// extra is what a kind of interface has beyond its attributes in rtnetlink.
type extra struct {
	// observe reads it into the attributes of an interface.
	observe func(ctx context.Context, n *Namespace, i *netstate.Interface) error
	// set makes the differences of an interface that is there.
	set func(ctx context.Context, n *Namespace, index int, before, after *netstate.Interface, diffs []netstate.Difference) error
	// keep puts the keys that an interface has into the vault, before they
	// are changed or go; nil for kinds without keys.
	keep func(ctx context.Context, n *Namespace, e *netstate.Edit) error
	// creation adds to the message that makes an interface; it may be nil.
	creation func(m *message, want *netstate.Interface)
}

// extraOf is what a kind has beyond rtnetlink, or nil.
func extraOf(kind string) *extra {
	switch kind {
	case "wireguard":
		return &extra{observe: observeWireGuard, set: setWireGuard, keep: keepWireGuard}
	case "team":
		return &extra{observe: observeTeam, set: setTeam}
	case "macsec":
		return &extra{observe: observeMacsec, set: setMacsec, keep: keepMacsec, creation: macsecCreation}
	}
	return nil
}

// complete reads what an interface has beyond rtnetlink. One that is gone
// meanwhile has nothing more.
func (n *Namespace) complete(ctx context.Context, i *netstate.Interface) error {
	x := extraOf(i.Type)
	if x == nil {
		return nil
	}
	if err := x.observe(ctx, n, i); err != nil {
		if index, lookErr := n.lookup(ctx, i.Name); lookErr == nil && index != i.Index {
			return nil
		}
		return fmt.Errorf("reading %s: %w", i.Name, err)
	}
	return nil
}

// keepKeys keeps the keys of an interface that an edit changes or removes.
func (n *Namespace) keepKeys(ctx context.Context, e *netstate.Edit) error {
	if e.Before.Link == nil {
		return nil
	}
	x := extraOf(e.Before.Link.Type)
	if x == nil || x.keep == nil {
		return nil
	}
	if err := x.keep(ctx, n, e); err != nil {
		return fmt.Errorf("keeping the keys of %s: %w", e.Before.Link.Name, err)
	}
	return nil
}

// isExtra tells that an attribute of a kind is set beyond rtnetlink.
func isExtra(kind *netstate.Kind, a *netstate.Attr) bool {
	return kind != nil && extraOf(kind.Name) != nil && a.IFLA == 0 && !a.Message && hasAttr(kind.Attrs, a.Key)
}
