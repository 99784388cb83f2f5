package check

import (
	"fmt"
	"strconv"

	"stet/executors/netstate"
)

// attrKind is the type that an attribute has in expressions.
type attrKind string

// The field of link that a call of attr with a literal key is compiled into.
const (
	attrBool   attrKind = "$attr_bool"
	attrInt    attrKind = "$attr_int"
	attrFloat  attrKind = "$attr_float"
	attrString attrKind = "$attr_string"
)

// kindOfAttr is the expression type of an attribute of the tables.
func kindOfAttr(a *netstate.Attr) attrKind {
	switch a.Type {
	case netstate.Bool, netstate.Bool32, netstate.Flag, netstate.IFFlag:
		return attrBool
	case netstate.Uint8, netstate.Uint16, netstate.Uint16BE, netstate.Uint32, netstate.Uint64, netstate.Int32:
		return attrInt
	case netstate.Centi, netstate.Centi64:
		return attrFloat
	}
	return attrString
}

// attributeKeys are all keys that attr takes.
func attributeKeys() []string {
	var keys []string
	add := func(attrs []netstate.Attr) {
		for i := range attrs {
			keys = append(keys, attrs[i].Key)
		}
	}
	add(netstate.LinkAttrs())
	add(netstate.EthtoolAttrs())
	for _, k := range netstate.Kinds() {
		add(k.Attrs)
		add(k.PortAttrs)
	}
	return keys
}

// withAttributes gives l its attr functions. A missing link has zero values,
// as its fields have; a link that lacks the attribute is an error, because an
// answer would be a guess.
func withAttributes(l *link, i *netstate.Interface) {
	text := func(key string) (string, bool, error) {
		if i == nil {
			return "", false, nil
		}
		if v, ok := i.Attrs[key]; ok {
			return v, true, nil
		}
		if v, ok := i.Status[key]; ok {
			return v, true, nil
		}
		if a := netstate.AttrByKey(key); a != nil && kindOfAttr(a) == attrString && isLinkAttr(key) {
			return "", false, nil
		}
		return "", false, fmt.Errorf("%s (%s) has no attribute %s", i.Name, i.Type, key)
	}
	l.AttrString = func(key string) (string, error) {
		v, _, err := text(key)
		return v, err
	}
	l.AttrBool = func(key string) (bool, error) {
		v, _, err := text(key)
		return truth(v), err
	}
	l.AttrInt = func(key string) (int, error) {
		v, ok, err := text(key)
		if err != nil || !ok {
			return 0, err
		}
		return strconv.Atoi(v)
	}
	l.AttrFloat = func(key string) (float64, error) {
		v, ok, err := text(key)
		if err != nil || !ok {
			return 0, err
		}
		return strconv.ParseFloat(v, 64)
	}
	l.Attr = func(key string) (any, error) {
		a := netstate.AttrByKey(key)
		if a == nil {
			return nil, fmt.Errorf("there is no attribute %q%s", key, didYouMean(key, attributeKeys()))
		}
		switch kindOfAttr(a) {
		case attrBool:
			return l.AttrBool(key)
		case attrInt:
			return l.AttrInt(key)
		case attrFloat:
			return l.AttrFloat(key)
		default:
			return l.AttrString(key)
		}
	}
}

// isLinkAttr reports whether every interface can have the attribute: an
// unset one (no alias, no controller) is then "".
func isLinkAttr(key string) bool {
	for i := range netstate.LinkAttrs() {
		if netstate.LinkAttrs()[i].Key == key {
			return true
		}
	}
	return false
}

// noLink is a link that does not exist.
func noLink(name string) link {
	l := link{Name: name}
	withAttributes(&l, nil)
	return l
}
