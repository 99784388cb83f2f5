package netstate

import (
	"slices"
	"strconv"
	"strings"
)

// trafficControl puts the traffic control that the configuration gives.
func (m *simulation) trafficControl(c *Config) {
	for n := range c.Interfaces {
		i := &c.Interfaces[n]
		if i.Traffic == nil || i.State == "absent" || i.State == "ignore" {
			continue
		}
		if m.to.Interface(i.Name) == nil {
			if i.Attrs["netns"] != "" {
				m.problem(i.Traffic.Pos, "contradiction", i.Name+" is moved away and cannot be given traffic control here", "Give it in a block on "+i.Attrs["netns"]+".")
			}
			continue
		}
		w := &tcWanted{m: m, device: i.Name, was: m.to.traffic(i.Name), config: i.Traffic}
		if m.made[i.Name] {
			w.was = nil
		}
		for _, object := range []string{TCQdisc, TCClass, TCFilter} {
			w.take(object)
		}
		w.check()
		w.keepUnread()
		m.to.putTraffic(TrafficControl{Device: i.Name, Entries: w.entries()})
	}
	m.redirectsLeft()
}

// redirectsLeft refuses to take an interface away that filters still send
// packets to.
func (m *simulation) redirectsLeft() {
	for t := range m.to.TrafficControl {
		tc := &m.to.TrafficControl[t]
		for e := range tc.Entries {
			for _, dev := range tc.Entries[e].redirects() {
				if m.to.Interface(dev) != nil || m.to.Interface(tc.Device) == nil || m.from.Interface(dev) == nil {
					continue
				}
				if i := m.config[dev]; i != nil {
					m.problem(i.Pos, "in-use", "a filter of "+tc.Device+" sends packets to "+dev, "Give "+tc.Device+" its `traffic-control` without it in the same block.")
				}
			}
		}
	}
}

// tcWanted is the traffic control that one interface is to have.
type tcWanted struct {
	m      *simulation
	device string
	was    *TrafficControl
	config *TCConfig
	list   []TCEntryConfig
}

func (w *tcWanted) entries() []TCEntry {
	out := make([]TCEntry, 0, len(w.list))
	for i := range w.list {
		out = append(out, w.list[i].Entry)
	}
	return out
}

func (w *tcWanted) problem(pos Pos, code, summary, detail string) {
	w.m.problem(pos, code, summary, detail)
}

// take adds the entries of a sort: those that are given, or those that are
// there and whose qdisc stays.
func (w *tcWanted) take(object string) {
	given := w.config.list(object)
	if given == nil {
		for _, e := range w.was.entries() {
			if e.Object == object && (object == TCQdisc || w.stays(&e)) {
				w.list = append(w.list, TCEntryConfig{Pos: w.config.Pos, Entry: e.clone()})
			}
		}
		return
	}
	first := len(w.list)
	for i := range *given {
		c := (*given)[i]
		c.Entry = c.Entry.clone()
		if reason := w.lacks(&c.Entry); reason != "" {
			w.problem(c.at("kind"), "kernel-lacks", trafficEntryName(w.device, &c.Entry)+" cannot be made: "+reason, "Install or load the module, or run a kernel that has it.")
		}
		if fault := c.Entry.normalize(); fault != "" {
			w.problem(c.Pos, "bad-value", fault, "Correct the value.")
		}
		w.list = append(w.list, c)
	}
	w.handles(w.list[first:])
}

func (w *tcWanted) lacks(e *TCEntry) string {
	reason := w.m.from.Lacks[e.Object+" "+e.Kind]
	for i := range e.Actions {
		if reason == "" {
			reason = w.m.from.Lacks[tcActionObject+" "+e.Actions[i].Kind]
		}
	}
	return reason
}

// stays tells that the qdisc of a class or filter is the same as before.
func (w *tcWanted) stays(e *TCEntry) bool {
	number := e.Handle
	if e.Object == TCFilter {
		number = e.Parent
	}
	q, was := w.qdisc(major(number)), qdiscOf(w.was.entries(), major(number))
	return q != nil && was != nil && q.Kind == was.Kind && q.Parent == was.Parent
}

func (w *tcWanted) qdisc(handle string) *TCEntry {
	for i := range w.list {
		if e := &w.list[i].Entry; e.Object == TCQdisc && e.Handle == handle {
			return e
		}
	}
	return nil
}

func qdiscOf(list []TCEntry, handle string) *TCEntry {
	for i := range list {
		if e := &list[i]; e.Object == TCQdisc && e.Handle == handle {
			return e
		}
	}
	return nil
}

// handles fills in the handles that were not given: that of what is there and
// alike, else the first that is free.
func (w *tcWanted) handles(list []TCEntryConfig) {
	taken := map[string]bool{}
	for i := range list {
		if e := &list[i].Entry; e.Handle != "" {
			taken[e.scope()+e.Handle] = true
		}
	}
	for _, alike := range []func(a, b *TCEntry) bool{sameTCContent, sameTCMatch} {
		for i := range list {
			e := &list[i].Entry
			for n := range w.was.entries() {
				o := &w.was.Entries[n]
				if e.Handle == "" && o.Object == e.Object && o.scope() == e.scope() && (e.Object == TCFilter || o.Parent == e.Parent) && !taken[o.scope()+o.Handle] && alike(o, e) {
					e.Handle = o.Handle
					taken[e.scope()+e.Handle] = true
				}
			}
		}
	}
	there := map[string]bool{}
	for _, o := range w.was.entries() {
		there[o.scope()+o.Handle] = true
	}
	for i := range list {
		e := &list[i].Entry
		for n := uint64(0); e.Handle == ""; n++ {
			if h := e.numbered(n); !taken[e.scope()+h] && (!there[e.scope()+h] || e.Kind == "matchall") {
				e.Handle = h
				taken[e.scope()+h] = true
			}
		}
	}
}

// scope is within what handles are told apart.
func (e *TCEntry) scope() string {
	if e.Object == TCFilter {
		return TCFilter + " " + e.group() + " "
	}
	return e.Object + " "
}

// numbered is the nth handle that an entry without one could have.
func (e *TCEntry) numbered(n uint64) string {
	switch {
	case e.Object == TCQdisc:
		return FormatTCHandle(uint32(0x8001+n) << 16)
	case e.Kind == "u32":
		return strconv.FormatUint(0x800+n, 16)
	}
	return strconv.FormatUint(1+n, 10)
}

// sameTCMatch tells that an entry can become another by a change.
func sameTCMatch(a, b *TCEntry) bool {
	if a.Kind != b.Kind || a.Protocol != b.Protocol {
		return false
	}
	if a.Kind != "flower" {
		return a.Object == TCQdisc || a.Kind == "matchall"
	}
	x, y := a.clone(), b.clone()
	for _, o := range []Attrs{x.Options, y.Options} {
		delete(o, "classid")
	}
	x.Actions, y.Actions = nil, nil
	return sameTCContent(&x, &y)
}

// keepUnread refuses what would take away what could not be brought back.
func (w *tcWanted) keepUnread() {
	now := &TrafficControl{Entries: w.entries()}
	for _, o := range w.was.entries() {
		if o.Unread == "" {
			continue
		}
		if e := now.at(o.Object, o.place()); e == nil || !sameTCEntry(e, &o) {
			w.problem(w.config.Pos, "not-restorable", trafficEntryName(w.device, &o)+" would go, and could not be brought back: "+o.Unread,
				"Remove it yourself with tc(8) if it is not needed, or leave the list out that it is in.")
		}
	}
}

// check looks at what the entries hang on.
func (w *tcWanted) check() {
	seen := map[string]bool{}
	groups := map[string]*TCEntry{}
	for i := range w.list {
		c := &w.list[i]
		e := &c.Entry
		name := trafficEntryName(w.device, e)
		keys := []string{e.Object + " at " + e.place(), e.Object + " handle " + e.scope() + e.Handle}
		if seen[keys[0]] || seen[keys[1]] {
			w.problem(c.Pos, "duplicate-entry", name+" stands twice", "Two entries cannot have one place, nor one handle.")
		}
		seen[keys[0]], seen[keys[1]] = true, true
		switch e.Object {
		case TCQdisc:
			w.checkQdisc(c, name)
		case TCClass:
			w.checkClass(c, name)
		case TCFilter:
			w.checkFilter(c, name)
			if other := groups[e.group()]; other != nil && (other.Kind != e.Kind || other.Protocol != e.Protocol) {
				w.problem(c.at("prio"), "contradiction", name+" has the `prio` of a filter of another kind or protocol", "Give each kind and protocol a `prio` of its own.")
			}
			groups[e.group()] = e
		}
	}
}

func (w *tcWanted) checkQdisc(c *TCEntryConfig, name string) {
	e := &c.Entry
	onIngress := e.Kind == "ingress" || e.Kind == "clsact"
	switch {
	case onIngress != (e.Parent == "ingress"):
		w.problem(c.at("parent"), "contradiction", name+" cannot be at `"+e.Parent+"`", "Kinds ingress and clsact are at `ingress`, the others at `root` or at a class.")
	case onIngress && e.Handle != "ffff:", !onIngress && (e.Handle == "ffff:" || !strings.HasSuffix(e.Handle, ":")):
		w.problem(c.at("handle"), "bad-value", "the handle of "+name+" cannot be "+e.Handle, "A qdisc's handle is a major number, `\"1:\"`; ffff: is that of ingress and clsact.")
	case e.Parent != "root" && !onIngress:
		w.checkPlace(c, name, e.Parent)
	}
}

// checkPlace looks for the class that a qdisc is at.
func (w *tcWanted) checkPlace(c *TCEntryConfig, name, parent string) {
	q := w.qdisc(major(parent))
	if q == nil {
		w.problem(c.at("parent"), "unknown-handle", name+" has the parent "+parent+", and no qdisc of "+w.device+" has the handle "+major(parent), "Add that qdisc to `qdiscs`, or correct the parent.")
		return
	}
	number, _ := ParseTCHandle(parent)
	minor := number & 0xffff
	switch q.Kind {
	case "htb":
		if !w.class(parent) {
			w.problem(c.at("parent"), "unknown-class", name+" has the parent "+parent+", which is no class", "Add the class to `classes`.")
			return
		}
		for i := range w.list {
			if o := &w.list[i].Entry; o.Object == TCClass && o.Parent == parent {
				w.problem(c.at("parent"), "contradiction", name+" is at "+parent+", which has classes below it", "Only a class without classes has a qdisc.")
				return
			}
		}
	case "prio":
		if bands, _ := strconv.Atoi(q.option("bands")); minor < 1 || int(minor) > bands {
			w.problem(c.at("parent"), "unknown-class", name+" has the parent "+parent+", and the qdisc "+q.Handle+" has the bands 1 to "+q.option("bands"), "Correct the parent, or give it more `bands`.")
		}
	case "tbf", "netem", "mq":
	default:
		if q.Unread == "" {
			w.problem(c.at("parent"), "contradiction", name+" has the parent "+parent+", and a qdisc of kind "+q.Kind+" has no classes", "Kinds htb, prio, tbf and netem take others.")
		}
	}
}

func (w *tcWanted) class(id string) bool {
	return slices.ContainsFunc(w.list, func(c TCEntryConfig) bool { return c.Entry.Object == TCClass && c.Entry.Handle == id })
}

func (w *tcWanted) checkClass(c *TCEntryConfig, name string) {
	e := &c.Entry
	q := w.qdisc(major(e.Parent))
	switch {
	case strings.HasSuffix(e.Handle, ":") || !strings.Contains(e.Handle, ":"):
		w.problem(c.at("classid"), "bad-value", "a class cannot have the number "+e.Handle, "Write MAJOR:MINOR, `1:10`.")
	case q == nil:
		w.problem(c.at("parent"), "unknown-handle", name+" has the parent "+e.Parent+", and no qdisc of "+w.device+" has the handle "+major(e.Parent), "Add that qdisc to `qdiscs`, or correct the parent.")
	case q.Kind != "htb" && q.Unread == "":
		w.problem(c.at("parent"), "contradiction", name+" belongs to the qdisc "+q.Handle+", which is of kind "+q.Kind, "Classes belong to a qdisc of kind htb.")
	case major(e.Handle) != major(e.Parent):
		w.problem(c.at("classid"), "contradiction", name+" is below "+e.Parent+", of another qdisc", "A class has the major number of its parent.")
	case e.Parent != q.Handle && !w.class(e.Parent):
		w.problem(c.at("parent"), "unknown-class", name+" has the parent "+e.Parent+", which is no class", "Add that class to `classes`, or correct the parent.")
	default:
		above := e.Parent
		for range w.list {
			for i := range w.list {
				if o := &w.list[i].Entry; o.Object == TCClass && o.Handle == above {
					above = o.Parent
					break
				}
			}
		}
		if above != q.Handle {
			w.problem(c.at("parent"), "circular", name+" is below itself", "Correct the parents.")
		}
	}
}

func (w *tcWanted) checkFilter(c *TCEntryConfig, name string) {
	e := &c.Entry
	q := w.qdisc(major(e.Parent))
	switch {
	case q == nil && (e.Parent == "ingress" || e.Parent == "egress"):
		w.problem(c.at("parent"), "unknown-handle", name+" is at `"+e.Parent+"`, and "+w.device+" has no qdisc for that", "Add `- kind: clsact` to `qdiscs`.")
	case q == nil:
		w.problem(c.at("parent"), "unknown-handle", name+" has the parent "+e.Parent+", and no qdisc of "+w.device+" has the handle "+major(e.Parent), "Add that qdisc to `qdiscs`, or correct the parent.")
	case e.Parent == "egress" && q.Kind != "clsact":
		w.problem(c.at("parent"), "contradiction", name+" is at `egress`, and the qdisc is of kind "+q.Kind, "Kind clsact has both directions.")
	case e.Parent != q.Handle && q.Kind == "htb" && !w.class(e.Parent):
		w.problem(c.at("parent"), "unknown-class", name+" has the parent "+e.Parent+", which is no class", "Add that class to `classes`, or correct the parent.")
	default:
		w.checkTarget(c, name, q)
	}
	if e.Priority == 0 {
		w.problem(c.Pos, "missing-key", name+" needs `prio`", "Give each filter its priority, from 1: the least comes first.")
	}
	if dev := e.Options["indev"]; dev != "" {
		w.m.device(c.at("indev"), dev, name)
	}
	for _, dev := range e.redirects() {
		w.m.device(c.at("actions"), dev, name)
	}
}

// checkTarget looks for the class that a filter sends packets to.
func (w *tcWanted) checkTarget(c *TCEntryConfig, name string, q *TCEntry) {
	to := c.Entry.Options["classid"]
	if to == "" {
		return
	}
	known := true
	switch q.Kind {
	case "htb":
		known = w.class(to) || to == q.Handle
	case "prio":
		number, _ := ParseTCHandle(to)
		bands, _ := strconv.Atoi(q.option("bands"))
		known = major(to) == q.Handle && int(number&0xffff) <= bands
	}
	if !known {
		w.problem(c.at("classid"), "unknown-class", name+" sends packets to "+to+", which is no class", "Add that class to `classes`, or correct `classid`.")
	}
}
