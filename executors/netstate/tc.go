package netstate

import (
	"cmp"
	"maps"
	"slices"
	"sort"
	"strconv"
	"strings"
)

// TrafficControl is what is configured of one interface's traffic control
// (tc(8), linux/pkt_sched.h, linux/pkt_cls.h). What the kernel gives to every
// interface by itself, the queueing disciplines without a handle, is not in it.
type TrafficControl struct {
	Device  string    `json:"device"`
	Entries []TCEntry `json:"entries"` // sorted by CompareTCEntries
}

// Sorts of a TCEntry.
const (
	TCQdisc  = "qdisc"
	TCClass  = "class"
	TCFilter = "filter"
)

// TCEntry is a queueing discipline, a class or a filter.
type TCEntry struct {
	// Object is TCQdisc, TCClass or TCFilter.
	Object string `json:"object"`
	// Kind is tc's word: "htb", "fq_codel", "u32".
	Kind string `json:"kind"`
	// Parent is "root", "ingress", "egress" or a handle in tc's form, "1:10".
	Parent string `json:"parent"`
	// Handle is "1:" of a qdisc, "1:10" of a class. Of a filter it is what the
	// kind has: a number, or the mark of fw. Of a u32 filter it is the node in
	// hexadecimal, without the number of its table, which the kernel chooses.
	Handle string `json:"handle,omitempty"`
	// Protocol, Priority and Chain are a filter's.
	Protocol string `json:"protocol,omitempty"`
	Priority uint16 `json:"prio,omitempty"`
	Chain    uint32 `json:"chain,omitempty"`
	// Options are canonical text by the keys of the kind's table.
	Options Attrs `json:"options,omitempty"`
	// Actions are a filter's, in their order.
	Actions []TCAction `json:"actions,omitempty"`
	// Unread says what of it there are no words for; "" if there are for all.
	Unread string `json:"unread,omitempty"`
	// Status is what can only be read: "bytes", "packets", "drops",
	// "overlimits", "backlog", "qlen". Diff ignores it.
	Status Attrs `json:"status,omitempty"`
}

// TCAction is an action of a filter (tc-actions(8)).
type TCAction struct {
	Kind    string `json:"kind"` // "mirred", "police", "drop", "pass", …
	Options Attrs  `json:"options,omitempty"`
}

// TCKind is the table of one kind of qdisc, class, filter or action. Untold
// stands in it for what the kernel chooses where it is not given.
type TCKind struct {
	// Object is TCQdisc, TCClass, TCFilter or "action".
	Object, Name string
	// Module and Option are what the kernel has it from; "" for what is always
	// there.
	Module, Option string
	Attrs          []Attr
	// Needs are the keys that it cannot be without.
	Needs []string
}

// TCKinds returns every kind of traffic control. The result is shared.
func TCKinds() []*TCKind { return tcKinds() }

// TCKindOf returns the table of a kind, or nil.
func TCKindOf(object, name string) *TCKind {
	for _, k := range tcKinds() {
		if k.Object == object && k.Name == name {
			return k
		}
	}
	return nil
}

// Attr returns the description of an option, or nil.
func (k *TCKind) Attr(key string) *Attr {
	if k != nil {
		for i := range k.Attrs {
			if k.Attrs[i].Key == key {
				return &k.Attrs[i]
			}
		}
	}
	return nil
}

func (e *TCEntry) table() *TCKind { return TCKindOf(e.Object, e.Kind) }

// option is an option's value, or what the kernel takes without it.
func (e *TCEntry) option(key string) string {
	if v, ok := e.Options[key]; ok {
		return v
	}
	if a := e.table().Attr(key); a != nil {
		return a.Default
	}
	return ""
}

// place names an entry among the others of an interface: a qdisc is where it is
// attached, a class is its number, a filter is where it is and its own number.
func (e *TCEntry) place() string {
	switch e.Object {
	case TCQdisc:
		return e.Parent
	case TCClass:
		return e.Handle
	}
	return e.group() + " " + e.Handle
}

// group is what filters of one priority have in common.
func (e *TCEntry) group() string {
	return e.Parent + " " + strconv.Itoa(int(e.Chain)) + " " + strconv.Itoa(int(e.Priority))
}

// major is the handle that a number belongs to: "1:" of "1:10". What is on the
// way in or, of clsact, on the way out belongs to "ffff:".
func major(handle string) string {
	if handle == "ingress" || handle == "egress" {
		return "ffff:"
	}
	number, _, found := strings.Cut(handle, ":")
	if !found {
		return ""
	}
	return number + ":"
}

// CompareTCEntries orders entries as they are made: qdiscs, classes, filters,
// each by its place.
func CompareTCEntries(a, b *TCEntry) int {
	rank := map[string]int{TCQdisc: 0, TCClass: 1, TCFilter: 2}
	if c := cmp.Compare(rank[a.Object], rank[b.Object]); c != 0 {
		return c
	}
	if a.Object == TCFilter {
		return cmp.Or(compareHandles(a.Parent, b.Parent), cmp.Compare(a.Chain, b.Chain), cmp.Compare(a.Priority, b.Priority),
			cmp.Compare(len(a.Handle), len(b.Handle)), cmp.Compare(a.Handle, b.Handle))
	}
	return compareHandles(a.place(), b.place())
}

// compareHandles orders handles by their numbers, and words before them.
func compareHandles(a, b string) int {
	x, errX := ParseTCHandle(a)
	y, errY := ParseTCHandle(b)
	if errX == nil && errY == nil {
		return cmp.Compare(x, y)
	}
	return cmp.Or(compareBools(errX == nil, errY == nil), -strings.Compare(a, b))
}

// ParseTCHandle reads a handle in tc's form: hexadecimal MAJOR:MINOR, either of
// which may be missing, as the kernel's number (TC_H_MAKE).
func ParseTCHandle(text string) (uint32, error) {
	high, low, found := strings.Cut(text, ":")
	if high == "" && low == "" {
		return 0, strconv.ErrSyntax
	}
	var n [2]uint64
	for i, part := range []string{high, low} {
		if part == "" {
			continue
		}
		var err error
		if n[i], err = strconv.ParseUint(strings.TrimPrefix(part, "0x"), 16, 16); err != nil {
			return 0, err
		}
	}
	if !found && n[0] == 0 {
		return 0, strconv.ErrRange
	}
	return uint32(n[0]<<16 | n[1]), nil
}

// FormatTCHandle is the canonical text of a handle: "1:", "1:10".
func FormatTCHandle(h uint32) string {
	text := strconv.FormatUint(uint64(h>>16), 16) + ":"
	if h&0xffff != 0 {
		text += strconv.FormatUint(uint64(h&0xffff), 16)
	}
	return text
}

// CompareTrafficControl orders by interface.
func CompareTrafficControl(a, b *TrafficControl) int { return strings.Compare(a.Device, b.Device) }

func equalTrafficControl(a, b *TrafficControl) bool {
	return slices.EqualFunc(a.Entries, b.Entries, func(x, y TCEntry) bool { return sameTCEntry(&x, &y) })
}

// sameTCEntry tells that two entries are in one place and equal.
func sameTCEntry(a, b *TCEntry) bool {
	return a.Object == b.Object && a.place() == b.place() && a.Handle == b.Handle && a.Parent == b.Parent && sameTCContent(a, b)
}

// sameTCContent compares what entries are, wherever they are.
func sameTCContent(a, b *TCEntry) bool {
	if a.Kind != b.Kind || a.Protocol != b.Protocol || a.Unread != b.Unread || !sameTCOptions(a.table(), a.Options, b.Options) {
		return false
	}
	return slices.EqualFunc(a.Actions, b.Actions, func(x, y TCAction) bool {
		return x.Kind == y.Kind && sameTCOptions(TCKindOf(tcActionObject, x.Kind), x.Options, y.Options)
	})
}

const tcActionObject = "action"

func sameTCOptions(k *TCKind, a, b Attrs) bool {
	if k == nil {
		return maps.Equal(a, b)
	}
	list := Attr{Type: List, Fields: k.Attrs}
	return list.equalEntries(Entry(a), Entry(b))
}

func trafficOf(o Object) *TrafficControl { return o.Traffic }

// traffic is the traffic control of an interface, or nil.
func (s *State) traffic(device string) *TrafficControl {
	for i := range s.TrafficControl {
		if s.TrafficControl[i].Device == device {
			return &s.TrafficControl[i]
		}
	}
	return nil
}

// putTraffic replaces the traffic control of an interface; without entries it
// is taken out.
func (s *State) putTraffic(t TrafficControl) {
	s.TrafficControl = slices.DeleteFunc(slices.Clone(s.TrafficControl), func(o TrafficControl) bool { return o.Device == t.Device })
	if len(t.Entries) > 0 {
		t.Sort()
		s.TrafficControl = append(s.TrafficControl, t)
		sortBy(s.TrafficControl, CompareTrafficControl)
	}
}

func (e TCEntry) clone() TCEntry {
	e.Options, e.Status = maps.Clone(e.Options), maps.Clone(e.Status)
	e.Actions = slices.Clone(e.Actions)
	for i := range e.Actions {
		e.Actions[i].Options = maps.Clone(e.Actions[i].Options)
	}
	return e
}

func (t TrafficControl) clone() TrafficControl {
	t.Entries = slices.Clone(t.Entries)
	for i := range t.Entries {
		t.Entries[i] = t.Entries[i].clone()
	}
	return t
}

// Sort puts the entries into the order that they have.
func (t *TrafficControl) Sort() {
	sort.SliceStable(t.Entries, func(i, j int) bool { return CompareTCEntries(&t.Entries[i], &t.Entries[j]) < 0 })
}

// entries are those of t, which may be nil.
func (t *TrafficControl) entries() []TCEntry {
	if t == nil {
		return nil
	}
	return t.Entries
}

// at is the entry of a sort at a place, or nil.
func (t *TrafficControl) at(object, place string) *TCEntry {
	for i := range t.entries() {
		if e := &t.Entries[i]; e.Object == object && e.place() == place {
			return e
		}
	}
	return nil
}

// redirects are the interfaces that a filter's actions send packets to.
func (e *TCEntry) redirects() []string {
	var out []string
	for i := range e.Actions {
		if dev := e.Actions[i].Options["dev"]; dev != "" {
			out = append(out, dev)
		}
	}
	return out
}
