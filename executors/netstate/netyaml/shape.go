package netyaml

import (
	"errors"
	"net/netip"
	"slices"

	"stet/executors/netstate"
	"stet/internal/yaml"
)

// Shape is what one place of the language takes: any of a mapping, a list and a
// single value. A Shape without any of them takes everything.
type Shape struct {
	// Keys are those of a mapping, nil where there can be none.
	Keys map[string]*Key
	// Free tells that a mapping may have other keys, too, with single values.
	Free bool
	// Kinds are the mappings that there can be, where their keys follow from the
	// value of `kind`.
	Kinds map[string]*Shape
	// Items are the elements of a list.
	Items *Shape
	// Value is a single value.
	Value *Value
}

// Key is a key of a mapping.
type Key struct {
	Shape
	// Refused is why the key is refused, "" if it is not.
	Refused string
	// Hidden keys are read and not written: other spellings, and what nmstate
	// only shows.
	Hidden bool
	// Needed is set for what an entry cannot be without.
	Needed bool
}

// Value is what a single value has to be.
type Value struct {
	// Attr is the attribute of the tables that it is for, or nil. The other
	// fields are for values without one.
	Attr *netstate.Attr
	Type ValueType
	// Words are texts that stand for values, beside numbers if Type is Number.
	Words []string
	// Least and Most bound a number, both inclusive.
	Least int64
	Most  uint64
	// Empty is set where the empty text is good, too.
	Empty bool
}

// ValueType is the type of a single value.
type ValueType int

// Types of single values.
const (
	Text ValueType = iota
	Truth
	Number
	Name         // of an interface
	Address      // of IPv4 or IPv6
	Network      // the same with a prefix length
	HardwareName // a hardware address
)

// Language is the whole language, as the decoder has it: the decoder itself is
// asked, place by place, what it would take.
func Language() *Shape {
	d := &decoder{config: &netstate.Config{}, byName: map[string]int{}, probing: true}
	return d.explore(d.top)
}

// explore finds out what a decoding function takes: it is given a mapping, a list
// and a single value that say nothing.
func (d *decoder) explore(decode func(*yaml.Node)) *Shape {
	return d.exploreBy(decode, mappingOf("", &yaml.Node{Kind: yaml.Scalar, Tag: "!!null"}),
		&yaml.Node{Kind: yaml.Sequence}, &yaml.Node{Kind: yaml.Scalar, Tag: "!!str", Value: nonsense})
}

// mappingOf is a mapping with one key.
func mappingOf(key string, value *yaml.Node) *yaml.Node {
	return &yaml.Node{Kind: yaml.Mapping, Pairs: []yaml.Pair{{Key: &yaml.Node{Kind: yaml.Scalar, Value: key}, Value: value}}}
}

func (d *decoder) exploreBy(decode func(*yaml.Node), probes ...*yaml.Node) *Shape {
	outer, probe := d.shape, d.probe
	s := &Shape{}
	for _, n := range probes {
		d.shape, d.probe = s, n
		decode(n)
	}
	d.shape, d.probe = outer, probe
	return s
}

// nonsense is a text that is no value of anything.
const nonsense = "\x00"

// takesMapping notes the keys of a mapping.
func (d *decoder) takesMapping(n *yaml.Node, known fields) {
	if n != d.probe || n.Kind != yaml.Mapping {
		return
	}
	s := d.shape
	if s.Keys == nil {
		s.Keys = map[string]*Key{}
	}
	for name, f := range known {
		k := &Key{Refused: f.refuse, Hidden: f.hidden, Needed: f.needed}
		if f.refuse == "" {
			k.Shape = *d.explore(f.decode)
		}
		s.Keys[name] = k
	}
}

// takesList notes the elements of a list.
func (d *decoder) takesList(n *yaml.Node, each func(*yaml.Node)) {
	if n == d.probe && n.Kind == yaml.Sequence {
		d.shape.Items = d.explore(each)
	}
}

// takes notes a single value. It tells whether that is all there is to do.
func (d *decoder) takes(n *yaml.Node, v Value) bool {
	if d.probing && n == d.probe && n.Kind == yaml.Scalar {
		d.shape.Value = &v
	}
	return d.probing
}

// takesAttr notes what an attribute of the tables takes.
func (d *decoder) takesAttr(n *yaml.Node, a *netstate.Attr) bool {
	if d.probing && n == d.probe && n.Kind == yaml.Sequence && listed(a) {
		d.shape.Items = &Shape{Value: &Value{}}
	}
	return d.takes(n, Value{Attr: a})
}

// takesKinds notes mappings whose keys follow from their `kind`; it tells that this
// one has none, so that there is nothing else to do.
func (d *decoder) takesKinds(n *yaml.Node, names []string, decode func(*yaml.Node)) bool {
	if !d.probing || n.Get("kind") != nil {
		return false
	}
	if n == d.probe && n.Kind == yaml.Mapping {
		s := d.shape
		s.Kinds = map[string]*Shape{}
		for _, name := range names {
			s.Kinds[name] = d.exploreBy(decode, mappingOf("kind", &yaml.Node{Kind: yaml.Scalar, Tag: "!!str", Value: name}))
		}
	}
	return true
}

// takesFree notes a mapping with any keys.
func (d *decoder) takesFree(n *yaml.Node) bool {
	if d.probing && n == d.probe && n.Kind == yaml.Mapping {
		d.shape.Keys, d.shape.Free = map[string]*Key{}, true
	}
	return d.probing
}

// domain is the error of a parser that knows which values it takes.
type domain struct {
	message     string
	words       []string
	number      bool
	least, most uint64
}

func (e *domain) Error() string { return e.message }

// valueOf finds out what a parser takes.
func valueOf[T any](parse func(string) (T, error)) Value {
	takes := func(text string) bool { _, err := parse(text); return err == nil }
	var zero T
	var v Value
	_, err := parse(nonsense)
	switch any(zero).(type) {
	case bool:
		v.Type = Truth
	case netip.Addr:
		v.Type = Address
	case netip.Prefix:
		v.Type = Network
	case string:
		switch {
		case takes("02:00:00:00:00:01") && !takes("02:00:00:00:00:0g"):
			v.Type = HardwareName
		case takes("eth0") && !takes("a/b") && !takes("a:b") && !takes("0123456789abcdef"):
			v.Type = Name
		}
	}
	var d *domain
	if errors.As(err, &d) {
		v.Words = slices.Clone(d.words)
		if d.number {
			v.Type, v.Least, v.Most = Number, int64(d.least), d.most //nolint:gosec // least is small
			if takes("-1") {
				v.Least = -1
			}
		}
	}
	return v
}
