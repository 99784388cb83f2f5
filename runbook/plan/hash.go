package plan

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"

	"stet/executors/netstate"
	"stet/runbook"
)

// hash names what approval of a plan is about: which steps, on which targets,
// with which commands, checks and changes. Prose, times, results, the place of
// the file and what the kernel numbers by itself are not in it.
func hash(p *runbook.Plan) string {
	h := sha256.New()
	field(h, "stet plan 2")
	field(h, "vars", text(p.Vars)) // what commands see, and checks
	for _, t := range p.Targets {
		field(h, "target", t.Name, t.Place(), t.Become, strconv.FormatBool(t.Create), strconv.FormatBool(t.Keep))
		if len(t.Vars) > 0 {
			field(h, "vars", text(t.Vars))
		}
	}
	for _, m := range p.Missing {
		field(h, "without", m.Target)
	}
	for _, g := range p.Groups {
		field(h, "group", g.Name, string(g.Policy), strconv.Itoa(g.Change))
		for _, s := range g.Steps {
			b := &s.Block
			field(h, "step", s.Name, string(s.Kind), b.Lang, b.Interp, b.Dir, b.Stdin, b.Register, b.For, b.ConfirmBy)
			field(h, b.Env...)
			field(h, b.Timeout.String(), b.Confirm.String(), b.Within.String(), b.Every.String(), b.Hold.String(), fmt.Sprint(b.ExpectExit))
			if b.Parallel > 0 || len(b.Batch) > 0 || b.MaxFailures.N > 0 {
				field(h, "waves", strconv.Itoa(b.Parallel), fmt.Sprint(b.Batch), b.MaxFailures.String())
			}
			if s.Kind == runbook.Manual {
				field(h, b.Body)
			}
			for _, t := range s.Targets {
				field(h, "on", t.Target, t.Body, t.Deferred)
				field(h, t.Facts...)
				for _, f := range t.Files {
					field(h, "file", f.Name, f.SHA256)
				}
				field(h, Effects(t.Change)...)
			}
		}
	}
	return hex.EncodeToString(h.Sum(nil))
}

// field writes strings so that no two lists of them read the same.
func field(w io.Writer, ss ...string) {
	var b strings.Builder
	b.WriteString(strconv.Itoa(len(ss)) + "\n")
	for _, s := range ss {
		b.WriteString(strconv.Itoa(len(s)) + ":" + s)
	}
	_, _ = io.WriteString(w, b.String()) // a hash takes everything
}

// Same reports whether two changes do the same to the same objects, whatever
// the kernel chose by itself meanwhile.
func Same(a, b *netstate.Change) bool { return slices.Equal(Effects(a), Effects(b)) }

// Effects says what each edit of a change does, one string an edit: the
// operation, the object and the values set. What follows by itself (implied
// edits), indexes, counters and running lifetimes are not in it.
func Effects(c *netstate.Change) []string {
	if c == nil {
		return nil
	}
	out := make([]string, 0, len(c.Edits))
	for i := range c.Edits {
		if e := &c.Edits[i]; !e.Implied {
			out = append(out, string(e.Op)+" "+effect(e))
		}
	}
	return out
}

func effect(e *netstate.Edit) string {
	if e.Op == netstate.Delete {
		return Key(e.Before)
	}
	switch o := e.After; {
	case o.Link != nil:
		return linkEffect(e)
	case o.Route != nil:
		return routeText(o.Route)
	case o.Routes != nil:
		return Key(o) + routeText(&o.Routes.Route)
	case o.Address != nil:
		a := *o.Address
		a.Status = nil
		return Key(o) + " " + text(a)
	case o.Traffic != nil && e.Before.Traffic != nil:
		asked := *e
		asked.Before.Traffic = withoutChosen(e.Before.Traffic, o.Traffic)
		return Key(o) + " " + netstate.Text(&netstate.Change{Edits: []netstate.Edit{asked}})
	case o.Xfrm != nil, o.Traffic != nil:
		return Key(o) + " " + netstate.Text(&netstate.Change{Edits: []netstate.Edit{*e}})
	case o.Sysctl != nil && e.Before.Sysctl != nil && !e.Before.Sysctl.Missing:
		return Key(o) + " " + text(o) + " was " + e.Before.Sysctl.Value
	default:
		return Key(o) + " " + text(o)
	}
}

// withoutChosen is traffic control as it was, without the options that the kernel
// chooses where they are not given, as far as they are not given now: of what an
// earlier step makes nobody knows them when the plan is made.
func withoutChosen(was, is *netstate.TrafficControl) *netstate.TrafficControl {
	given := map[string]bool{}
	for _, e := range is.Entries {
		for key := range e.Options {
			given[e.Object+" "+e.Handle+" "+key] = true
		}
	}
	out := &netstate.TrafficControl{Device: was.Device}
	for _, e := range was.Entries {
		table := netstate.TCKindOf(e.Object, e.Kind)
		e.Options = maps.Clone(e.Options)
		maps.DeleteFunc(e.Options, func(key, _ string) bool {
			a := table.Attr(key)
			return a != nil && a.Untold && !given[e.Object+" "+e.Handle+" "+key]
		})
		out.Entries = append(out.Entries, e)
	}
	return out
}

// linkEffect is the attributes that an edit of a link sets.
func linkEffect(e *netstate.Edit) string {
	after := e.After.Link
	var b strings.Builder
	b.WriteString(Key(e.After) + " " + after.Type)
	if e.Replaces {
		b.WriteString(" anew")
	}
	for _, k := range slices.Sorted(maps.Keys(after.Attrs)) {
		was := ""
		if e.Op == netstate.Modify && e.Before.Link != nil {
			was = e.Before.Link.Attrs[k]
			if was == after.Attrs[k] {
				continue
			}
		}
		fmt.Fprintf(&b, " %s=%q<%q", k, after.Attrs[k], was)
	}
	if e.Op == netstate.Modify && e.Before.Link != nil {
		for _, k := range slices.Sorted(maps.Keys(e.Before.Link.Attrs)) {
			if _, ok := after.Attrs[k]; !ok {
				b.WriteString(" -" + k)
			}
		}
	}
	return b.String()
}

// routeText is a route written without reflection: plans have many.
func routeText(r *netstate.Route) string {
	b := make([]byte, 0, 96)
	b = append(b, routeKey(r)...)
	b = append(b, " type "...)
	b = append(b, r.Type...)
	b = append(b, " proto "...)
	b = strconv.AppendUint(b, uint64(r.Protocol), 10)
	b = append(b, " scope "...)
	b = strconv.AppendUint(b, uint64(r.Scope), 10)
	if r.NexthopID != 0 {
		b = strconv.AppendUint(append(b, " nhid "...), uint64(r.NexthopID), 10)
	}
	if r.Source.IsValid() {
		b = append(b, " src "...)
		b = r.Source.AppendTo(b)
	}
	for i := range r.NextHops {
		n := &r.NextHops[i]
		b = append(b, " dev "...)
		b = strconv.AppendQuote(b, n.Device)
		if n.Via.IsValid() {
			b = append(b, " via "...)
			b = n.Via.AppendTo(b)
		}
		b = append(b, " weight "...)
		b = strconv.AppendUint(b, uint64(n.Weight), 10)
		b = strconv.AppendBool(append(b, " onlink "...), n.OnLink)
		if n.Encap != "" {
			b = append(append(b, " encap "...), n.Encap...)
		}
	}
	for _, k := range slices.Sorted(maps.Keys(r.Metrics)) {
		b = append(append(append(b, ' '), k...), ' ')
		b = strconv.AppendUint(b, uint64(r.Metrics[k]), 10)
	}
	if r.Congestion != "" {
		b = append(append(b, " congctl "...), r.Congestion...)
	}
	return string(b)
}

func routeKey(r *netstate.Route) string {
	b := append(make([]byte, 0, 64), "route "...)
	b = r.Destination.AppendTo(b)
	b = append(b, " table "...)
	b = strconv.AppendUint(b, uint64(r.Table), 10)
	b = append(b, " metric "...)
	b = strconv.AppendUint(b, uint64(r.Metric), 10)
	b = append(b, " tos "...)
	b = strconv.AppendUint(b, uint64(r.TOS), 10)
	return string(b)
}

// setKey names a set of routes by all of its destinations.
func setKey(s *netstate.RouteSet) string {
	h := sha256.New()
	const most = 16 << 10
	b := make([]byte, 0, most+64)
	for p := range s.Prefixes.All() {
		if b = append(p.AppendTo(b), ' '); len(b) > most {
			_, _ = h.Write(b) // a hash takes everything
			b = b[:0]
		}
	}
	_, _ = h.Write(b)
	return "routes " + strconv.Itoa(s.Prefixes.Len()) + " " + hex.EncodeToString(h.Sum(nil)) + " " + routeKey(&s.Route)
}

// Key names an object, whatever its values: "link br0", "address 192.0.2.1/24
// dev br0".
func Key(o netstate.Object) string {
	switch {
	case o.Link != nil:
		return strings.TrimSpace("link " + o.Link.Name + " " + o.Link.Netns)
	case o.Address != nil:
		return "address " + o.Address.Prefix.String() + " dev " + o.Address.Device
	case o.Route != nil:
		return routeKey(o.Route)
	case o.Routes != nil:
		return setKey(o.Routes)
	case o.Nexthop != nil:
		return "nexthop " + strconv.FormatUint(uint64(o.Nexthop.ID), 10)
	case o.MPLS != nil:
		return "mpls " + strconv.FormatUint(uint64(o.MPLS.Label), 10)
	case o.Rule != nil:
		return "rule " + text(o.Rule)
	case o.Neighbor != nil:
		return "neighbor " + o.Neighbor.IP.String() + " dev " + o.Neighbor.Device + " " + strconv.FormatBool(o.Neighbor.Proxy)
	case o.MDB != nil:
		g := o.MDB
		return fmt.Sprintf("mdb %s dev %s port %s vid %d src %s dst %s src_vni %d", g.Group, g.Device, g.Port, g.VLAN, g.Source, g.Dst, g.SourceVNI)
	case o.FDB != nil:
		f := o.FDB
		return fmt.Sprintf("fdb %s dev %s vlan %d dst %s %s", f.MAC, f.Device, f.VLAN, f.Dst, f.Owner)
	case o.Xfrm != nil:
		return "xfrm " + o.Xfrm.Key()
	case o.Traffic != nil:
		return "traffic-control " + o.Traffic.Device
	case o.Sysctl != nil:
		return "sysctl " + o.Sysctl.Key
	case o.DNS != nil:
		return "dns " + o.DNS.Device
	case o.Namespace != nil:
		return "namespace " + o.Namespace.Name
	}
	return ""
}

// text is JSON, whose keys Go writes in one order.
func text(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprintf("%+v", v) // no field of netstate can be the cause
	}
	return string(b)
}
