package netstate

import (
	"maps"
	"slices"
	"strconv"
	"strings"
)

// Xfrm is an object of the kernel's IPsec (linux/xfrm.h, ip-xfrm(8)): a state
// (a security association), a policy, or what becomes of packets that no policy
// is for. Its attributes are those of XfrmAttrs.
type Xfrm struct {
	// Sort is XfrmState, XfrmPolicy or XfrmDefault; MPTCPEndpoint or MPTCPLimits.
	Sort string `json:"sort"`
	// Attrs are settable, in canonical text; what is absent is as XfrmAttrs
	// says. Keys are fingerprints.
	Attrs Attrs `json:"attrs,omitempty"`
	// Status is what can only be read: counters, "add-time", "use-time",
	// "index", and where a state's sequence numbers are ("replay-oseq",
	// "replay-seq"). Diff ignores it.
	Status Attrs `json:"status,omitempty"`
}

// The sorts of Xfrm.
const (
	XfrmState   = "state"
	XfrmPolicy  = "policy"
	XfrmDefault = "default"
)

// XfrmConfig is one entry of ipsec-xfrm (an extension): merged with the object
// that it names. With Absent, what is not given matches any value.
type XfrmConfig struct {
	Pos     Pos
	Absent  bool
	Sort    string
	Attrs   Attrs
	AttrPos map[string]Pos
}

func (c *XfrmConfig) at(key string) Pos {
	if p, ok := c.AttrPos[key]; ok {
		return p
	}
	return c.Pos
}

// XfrmAttr is the attribute of a sort with a key, or nil.
func XfrmAttr(sort, key string) *Attr {
	list := XfrmAttrs(sort)
	for i := range list {
		if list[i].Key == key {
			return &list[i]
		}
	}
	return nil
}

// Get is an attribute, or its default.
func (x *Xfrm) Get(key string) string {
	if a := XfrmAttr(x.Sort, key); a != nil {
		return x.value(a)
	}
	return ""
}

func (x *Xfrm) value(a *Attr) string {
	if v := x.Attrs[a.Key]; v != "" {
		return v
	}
	return a.Default
}

// Key is what the kernel tells an object from others by.
func (x *Xfrm) Key() string {
	var b strings.Builder
	b.WriteString(x.Sort)
	list := XfrmAttrs(x.Sort)
	for i := range list {
		if a := &list[i]; a.Set == OnCreate {
			b.WriteString(" ")
			b.WriteString(x.value(a))
		}
	}
	return b.String()
}

// CompareXfrm orders objects of IPsec by sort and key.
func CompareXfrm(a, b *Xfrm) int { return strings.Compare(a.Key(), b.Key()) }

func equalXfrm(a, b *Xfrm) bool { return a.Sort == b.Sort && len(xfrmDifferences(a, b)) == 0 }

// xfrmDifferences are the attributes that differ, by their order in the table.
// A key that one side does not tell differs from none, as does the number of an
// endpoint that the kernel is to choose.
func xfrmDifferences(x, y *Xfrm) []Difference {
	var out []Difference
	list := XfrmAttrs(x.Sort)
	for i := range list {
		a := &list[i]
		v, w := x.value(a), y.value(a)
		if a.Running || (a.Type.Secret() || a.Key == "id") && (v == "" || w == "") || a.equal(v, w) {
			continue
		}
		out = append(out, Difference{Key: a.Key, Before: v, After: w})
	}
	return out
}

// xfrmAnew is the first attribute that makes a change of a state mean to make
// it anew: the kernel changes but its limits (xfrm_state_update), and of an endpoint
// of MPTCP two flags (mptcp_pm_nl_set_flags).
func xfrmAnew(before, after *Xfrm) string {
	if before.Sort != XfrmState && before.Sort != MPTCPEndpoint {
		return ""
	}
	for _, d := range xfrmDifferences(before, after) {
		if !strings.HasPrefix(d.Key, "limit.") && d.Key != "backup" && d.Key != "fullmesh" {
			return d.Key
		}
	}
	return ""
}

func xfrmName(x *Xfrm) string {
	family := "xfrm "
	if x.MPTCP() {
		family = "mptcp "
	}
	return family + strings.Join(x.words(OnCreate), " ")
}

func xfrmText(x *Xfrm) string { return strings.Join(x.words(Anytime)[1:], " ") }

// words are the attributes that are set when set says so, after the sort.
func (x *Xfrm) words(set Settable) []string {
	out := []string{x.Sort}
	list := XfrmAttrs(x.Sort)
	for i := range list {
		a := &list[i]
		v := x.Attrs[a.Key]
		switch {
		case a.Set != set || a.Running || v == "" || v == a.Default:
		case a.Type == List:
			for _, e := range a.Entries(v) {
				out = append(out, a.Key, "{"+a.entryText(e)+"}")
			}
		default:
			out = append(out, a.Key, v)
		}
	}
	return out
}

// xfrmLines say what a change of an object of IPsec is.
func xfrmLines(e *Edit) []string {
	before, after := e.Before.Xfrm, e.After.Xfrm
	var parts []string
	for _, d := range xfrmDifferences(before, after) {
		if a := XfrmAttr(after.Sort, d.Key); a != nil && a.Type == List {
			d.Before, d.After = a.listText(d.Before), a.listText(d.After)
		}
		parts = append(parts, d.Key+" "+orNone(d.Before)+" → "+orNone(d.After))
	}
	line := strings.TrimSpace("! " + xfrmName(after) + " " + strings.Join(parts, ", "))
	if e.Replaces {
		line += " (made anew: " + e.Why + " cannot be changed)"
	}
	return []string{line}
}

// listText is a list on one line.
func (a *Attr) listText(text string) string {
	var out []string
	for _, e := range a.Entries(text) {
		out = append(out, "{"+a.entryText(e)+"}")
	}
	return strings.Join(out, " ")
}

// xfrmEntry removes what an entry wants to be absent; otherwise it is what the entry
// makes of its object, which is there already or has its place at the index.
func (m *simulation) xfrmEntry(c *XfrmConfig) (x Xfrm, at int, there bool) {
	if c.Absent {
		m.to.Xfrm = slices.DeleteFunc(m.to.Xfrm, func(x Xfrm) bool { return c.matches(&x) })
		return x, 0, false
	}
	x = Xfrm{Sort: c.Sort, Attrs: c.Attrs}
	if at, there = findXfrm(m.to.Xfrm, &x); there {
		x = m.to.Xfrm[at].merged(c)
	}
	return x, at, there
}

// xfrm adds, changes and removes states, policies and the default.
func (m *simulation) xfrm(list []XfrmConfig) {
	if reason := m.from.Lacks["ipsec-xfrm"]; reason != "" && len(list) > 0 {
		m.problem(list[0].Pos, "kernel-lacks", "`ipsec-xfrm` is not possible: "+reason, "Run as root, on a kernel that has it.")
		return
	}
	for i := range list {
		c := &list[i]
		x, at, there := m.xfrmEntry(c)
		if c.Absent {
			continue
		}
		if c.Sort == XfrmDefault && !there {
			m.problem(c.Pos, "kernel-lacks", "`default` of `ipsec-xfrm` is not possible: the kernel is older than Linux 5.14", "Write policies that block instead.")
			continue
		}
		m.wholeXfrm(c, &x)
		for _, key := range []string{"dev", "selector.dev", "offload.dev"} {
			if name := c.Attrs[key]; name != "" {
				m.device(c.at(key), name, xfrmName(&x))
			}
		}
		if there {
			m.to.Xfrm[at] = x
		} else {
			m.to.Xfrm = slices.Insert(m.to.Xfrm, at, x)
		}
	}
}

// matches tells that an object has everything that the entry gives.
func (c *XfrmConfig) matches(x *Xfrm) bool {
	if c.Sort != x.Sort {
		return false
	}
	for key, v := range c.Attrs {
		if a := XfrmAttr(c.Sort, key); !a.Running && !a.equal(v, x.Get(key)) {
			return false
		}
	}
	return true
}

// xfrmAlgorithms are the sections that say how a state protects packets: who
// gives one, gives all.
var xfrmAlgorithms = []string{"auth.", "enc.", "aead.", "comp."}

func algorithmKey(key string) bool {
	return slices.ContainsFunc(xfrmAlgorithms, func(p string) bool { return strings.HasPrefix(key, p) })
}

// merged is an object with what an entry gives. With other keys or another
// algorithm the packets are counted from the beginning.
func (x Xfrm) merged(c *XfrmConfig) Xfrm {
	given := false
	for key := range c.Attrs {
		given = given || algorithmKey(key)
	}
	attrs := Attrs{}
	maps.Copy(attrs, x.Attrs)
	if given {
		maps.DeleteFunc(attrs, func(key, _ string) bool { return algorithmKey(key) })
	}
	maps.Copy(attrs, c.Attrs)
	y := Xfrm{Sort: x.Sort, Attrs: attrs, Status: x.Status}
	for _, d := range xfrmDifferences(&x, &y) {
		if algorithmKey(d.Key) {
			y.Status = nil
		}
	}
	return y
}

// wholeXfrm refuses a state that has not what its protocol needs.
func (m *simulation) wholeXfrm(c *XfrmConfig, x *Xfrm) {
	fault := func(summary, detail string) { m.problem(c.Pos, "missing-key", summary, detail) }
	switch has := func(key string) bool { return x.Attrs[key] != "" }; {
	case x.Sort != XfrmState:
	case !has("src"):
		fault(xfrmName(x)+" needs `src`", "Add the address that the packets come from.")
	case x.Get("proto") == "esp" && !has("enc.name") && !has("aead.name"):
		fault(xfrmName(x)+" needs `enc` or `aead`", "Packets that are only to be signed have `enc: {name: ecb(cipher_null)}` beside `auth`.")
	case x.Get("proto") == "ah" && !has("auth.name"):
		fault(xfrmName(x)+" needs `auth`", "AH is nothing but the signature.")
	case x.Get("esn") == "true" && x.Get("replay-window") == "0":
		m.problem(c.at("esn"), "missing-key", "`esn` needs `replay-window`", "Add `replay-window: 64`.")
	case x.Get("proto") == "comp" && !has("comp.name"):
		fault(xfrmName(x)+" needs `comp`", "Add `comp: {name: deflate}`.")
	}
}

// Counter is a number that a state begins with, and goes on from: what an entry
// gives, else where it was. 0 is the beginning.
func (x *Xfrm) Counter(key string) uint64 {
	text := x.Attrs[key]
	if text == "" {
		text = x.Status[key]
	}
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		return 0
	}
	return n
}
