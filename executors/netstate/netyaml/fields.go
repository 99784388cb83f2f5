package netyaml

import (
	"maps"
	"slices"
	"strings"

	"stet/internal/yaml"
)

// field is a key that a mapping may have: one that is decoded, or one that is
// refused by name with the reason.
type field struct {
	decode         func(*yaml.Node)
	refuse, detail string
	// hidden keys are accepted, but not suggested.
	hidden bool
	// needed keys are missed where they are not given.
	needed bool
}

// fields are the keys of a mapping.
type fields map[string]field

// mapping decodes a mapping; what is the name of it for faults.
func (d *decoder) mapping(n *yaml.Node, what string, known fields) {
	if d.probing {
		d.takesMapping(n, known)
		return
	}
	if n.Null() {
		return
	}
	if n.Kind != yaml.Mapping {
		d.fail(n, "wrong-type", what+" is a mapping, not a "+n.Kind.String(), "Write `key: value` lines.")
		return
	}
	for _, p := range n.Pairs {
		f, ok := known[p.Key.Value]
		switch {
		case !ok:
			d.unknown(p.Key, what, known)
		case f.refuse != "":
			detail := f.detail
			if detail == "" {
				detail = "Leave it out."
			}
			d.fail(p.Key, "unsupported", f.refuse, detail)
		default:
			f.decode(p.Value)
		}
	}
}

func (d *decoder) unknown(key *yaml.Node, what string, known fields) {
	var names []string
	for _, name := range slices.Sorted(maps.Keys(known)) {
		if f := known[name]; f.refuse == "" && !f.hidden {
			names = append(names, name)
		}
	}
	summary := "unknown key `" + key.Value + "` in " + what
	if detail := fromIP(key.Value, names); detail != "" {
		d.fail(key, "unknown-key", summary, detail)
		return
	}
	d.unknownName(key, "unknown-key", summary, names)
}

// unknownName reports a name that is none of those known, and the nearest one.
func (d *decoder) unknownName(n *yaml.Node, code, summary string, known []string) {
	if near := nearest(n.Value, known); near != "" {
		d.fail(n, code, summary, "Did you mean `"+near+"`?")
		return
	}
	if len(known) > 24 {
		known = append(slices.Clone(known[:24]), "…")
	}
	d.fail(n, code, summary, "Known are: "+strings.Join(known, ", ")+".")
}

// list calls each for the elements of a list.
func (d *decoder) list(n *yaml.Node, what string, each func(*yaml.Node)) {
	if d.probing {
		d.takesList(n, each)
		return
	}
	if n.Null() {
		return
	}
	if n.Kind != yaml.Sequence {
		d.fail(n, "wrong-type", what+" is a list, not a "+n.Kind.String(), "Begin each entry with `- `.")
		return
	}
	for _, item := range n.Items {
		each(item)
	}
}

// text is a scalar's text; a fault if it is none or empty.
func (d *decoder) text(n *yaml.Node, what string) (string, bool) {
	if d.takes(n, Value{}) {
		return "", false
	}
	if n.Kind != yaml.Scalar {
		d.fail(n, "wrong-type", what+" is a single value, not a "+n.Kind.String(), "Write the value behind the colon.")
		return "", false
	}
	if n.Null() {
		d.fail(n, "wrong-type", what+" has no value", "Write it behind the colon, or leave the key out.")
		return "", false
	}
	return n.Value, true
}

// scalar decodes a single value with a function that says what is wrong.
func scalar[T any](d *decoder, what string, parse func(string) (T, error), set func(T)) func(*yaml.Node) {
	return func(n *yaml.Node) {
		if d.probing {
			d.takes(n, valueOf(parse))
			return
		}
		text, ok := d.text(n, "`"+what+"`")
		if !ok {
			return
		}
		v, err := parse(text)
		if err != nil {
			d.fail(n, "bad-value", "`"+what+"`: "+err.Error(), "Correct the value.")
			return
		}
		set(v)
	}
}

// nearest is the known name that is most like the given one, or "" if none is
// near.
func nearest(name string, known []string) string {
	if len(name) > 64 {
		return ""
	}
	best, at := "", max(len(name)/3, 1)+1
	for _, k := range known {
		plain := strings.NewReplacer("_", "-", " ", "-")
		if plain.Replace(strings.ToLower(name)) == k {
			return k
		}
		if n := distance(name, k, at); n < at {
			best, at = k, n
		}
	}
	return best
}

// distance is the number of edits between two words, at most limit.
func distance(a, b string, limit int) int {
	if d := len(a) - len(b); d >= limit || -d >= limit {
		return limit
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		previous := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := previous
			if a[i] != b[j] {
				cost++
			}
			previous = row[j+1]
			row[j+1] = min(cost, row[j+1]+1, row[j]+1)
		}
	}
	return min(row[len(b)], limit)
}
