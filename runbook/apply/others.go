package apply

import (
	"context"
	"strings"

	"stet/executors/netstate"
	"stet/runbook"
)

// othersChanged says which objects are no longer as the confirmed steps left
// them, before they are put back to what they were before. What one step made
// and a later one changed is as the later one left it.
func (x *operation) othersChanged(ctx context.Context, acts []*act) {
	made := map[string]*netstate.Change{}
	var targets []string
	for _, a := range acts {
		if a.kind != runbook.Netconfig || a.change.Empty() || !a.confirmed {
			continue
		}
		if made[a.target] == nil {
			made[a.target] = &netstate.Change{}
			targets = append(targets, a.target)
		}
		made[a.target].Edits = append(made[a.target].Edits, a.change.Edits...)
	}
	for _, target := range targets {
		x.othersOn(ctx, target, made[target])
	}
}

func (x *operation) othersOn(ctx context.Context, target string, made *netstate.Change) {
	sess, err := x.session(target)
	if err != nil {
		return // undoing says so
	}
	now, err := sess.Observe(ctx, made.Query())
	if err != nil {
		return // undoing looks itself
	}
	for i, m := range netstate.Verify(made, now) {
		if i == 10 {
			x.tell("… and more on %s.", target)
			return
		}
		x.tell("After the operation somebody changed %s on %s: it is %q, it was %q.", strings.TrimSpace(m.Object+" "+m.Key), target, m.Got, m.Want)
	}
	for _, text := range goesToo(made, now) {
		x.tell("On %s, %s, which the operation did not make; it goes with what is undone.", target, text)
	}
}

// goesToo tells what others made on the interfaces that undoing removes: the
// kernel takes it away with them.
func goesToo(made *netstate.Change, now *netstate.State) []string {
	added, own := map[string]bool{}, map[string]bool{}
	for _, e := range made.Edits {
		switch a := e.After; {
		case a.Link != nil && e.Op == netstate.Add && a.Link.Netns == "":
			added[a.Link.Name], own[a.Link.Name] = true, true
		case a.Link != nil:
			own[a.Link.Name] = true
		case a.Address != nil:
			own[a.Address.Device+" "+a.Address.Prefix.String()] = true
		}
	}
	var out []string
	for _, l := range now.Interfaces {
		if l.Netns != "" {
			continue
		}
		if over := l.Attrs["controller"]; added[over] && !own[l.Name] {
			out = append(out, over+" has the port "+l.Name)
		}
		for _, a := range l.Addresses {
			if added[l.Name] && !own[l.Name+" "+a.Prefix.String()] && !a.Prefix.Addr().IsLinkLocalUnicast() {
				out = append(out, l.Name+" has the address "+a.Prefix.String())
			}
		}
	}
	return out
}
