package netstate

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// Entry is one entry of an attribute of type List: canonical text by the keys
// of Attr.Fields. A missing key is a field that is not set.
type Entry map[string]string

// Entries reads the canonical text of a List: a JSON array of objects, in the
// order of their keys. Text that is no such thing has no entries.
func (a *Attr) Entries(text string) []Entry {
	var list []Entry
	if text == "" || json.Unmarshal([]byte(text), &list) != nil {
		return nil
	}
	return list
}

// List writes the canonical text of entries: sorted by their keys, the fields in
// the order of the table, those that have their default left out. No entries
// are "".
func (a *Attr) List(entries []Entry) string {
	if len(entries) == 0 {
		return ""
	}
	sorted := slices.Clone(entries)
	sortStable(sorted, func(x, y *Entry) int { return cmp.Compare(a.EntryKey(*x), a.EntryKey(*y)) })
	var b strings.Builder
	for n, e := range sorted {
		b.WriteString(map[bool]string{true: "[{", false: ",{"}[n == 0])
		first := true
		for i := range a.Fields {
			f := &a.Fields[i]
			value := e[f.Key]
			if value == "" || value == f.Default {
				continue
			}
			if !first {
				b.WriteByte(',')
			}
			first = false
			b.WriteString(quoteJSON(f.Key) + ":" + quoteJSON(value))
		}
		b.WriteByte('}')
	}
	return b.String() + "]"
}

func quoteJSON(s string) string {
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(s) // a string is always encoded
	return strings.TrimSuffix(b.String(), "\n")
}

// Ordered tells that no field names an entry: it is its place that does.
func (a *Attr) Ordered() bool {
	return !slices.ContainsFunc(a.Fields, func(f Attr) bool { return f.Set == OnCreate })
}

// EntryKey names an entry among the others: its fields that are set OnCreate.
func (a *Attr) EntryKey(e Entry) string {
	var parts []string
	for i := range a.Fields {
		if f := &a.Fields[i]; f.Set == OnCreate {
			parts = append(parts, e.Field(f))
		}
	}
	return strings.Join(parts, " ")
}

// Field is the value of a field, or its default.
func (e Entry) Field(f *Attr) string {
	if v, ok := e[f.Key]; ok {
		return v
	}
	return f.Default
}

// canonicalList makes entries canonical that are written as JSON.
func (a *Attr) canonicalList(text string, keep Secrets) (string, error) {
	if text == "" {
		return "", nil
	}
	var list []Entry
	if err := json.Unmarshal([]byte(text), &list); err != nil {
		return "", fmt.Errorf("it is no list of mappings")
	}
	seen := map[string]bool{}
	for _, e := range list {
		for key, value := range e {
			f := a.field(key)
			if f == nil {
				return "", fmt.Errorf("an entry has no key %q", key)
			}
			v, err := f.Seal(value, keep)
			if err != nil {
				return "", fmt.Errorf("%s: %w", key, err)
			}
			e[key] = v
		}
		key := a.EntryKey(e)
		if seen[key] && !a.Ordered() {
			return "", fmt.Errorf("%s stands twice", key)
		}
		seen[key] = true
	}
	return a.List(list), nil
}

func (a *Attr) field(key string) *Attr {
	for i := range a.Fields {
		if a.Fields[i].Key == key {
			return &a.Fields[i]
		}
	}
	return nil
}

// equalLists compares entries. What the kernel never tells is left out where
// one side does not have it.
func (a *Attr) equalLists(x, y string) bool {
	if a.Ordered() {
		return slices.EqualFunc(a.Entries(x), a.Entries(y), a.equalEntries)
	}
	diffs := a.listDifferences(x, y)
	return len(diffs) == 0
}

// EntryDifference is an entry that is added (Before nil), removed (After nil)
// or changed.
type EntryDifference struct {
	Key           string
	Before, After Entry
}

// listDifferences are the entries that differ between two canonical texts.
func (a *Attr) listDifferences(x, y string) []EntryDifference {
	before, after := a.entriesByKey(x), a.entriesByKey(y)
	var out []EntryDifference
	for key, b := range before {
		if c, ok := after[key]; !ok || !a.equalEntries(b, c) {
			out = append(out, EntryDifference{Key: key, Before: b, After: c})
		}
	}
	for key, c := range after {
		if _, ok := before[key]; !ok {
			out = append(out, EntryDifference{Key: key, After: c})
		}
	}
	sortShort(out, func(x, y EntryDifference) int { return cmp.Compare(x.Key, y.Key) })
	return out
}

// ListDifferences are the entries of a List that differ between two canonical
// texts, sorted by their keys.
func (d *Difference) ListDifferences() []EntryDifference {
	a := AttrByKey(d.Key)
	if a == nil {
		return nil
	}
	return a.listDifferences(d.Before, d.After)
}

func (a *Attr) entriesByKey(text string) map[string]Entry {
	m := map[string]Entry{}
	for _, e := range a.Entries(text) {
		m[a.EntryKey(e)] = e
	}
	return m
}

func (a *Attr) equalEntries(x, y Entry) bool {
	for i := range a.Fields {
		f := &a.Fields[i]
		v, w := x.Field(f), y.Field(f)
		if f.Running || f.Untold && (v == "" || w == "") {
			continue
		}
		if !f.equal(v, w) {
			return false
		}
	}
	return true
}

// entryText is an entry on one line: "public-key=… endpoint=…".
func (a *Attr) entryText(e Entry) string {
	var words []string
	for i := range a.Fields {
		f := &a.Fields[i]
		if v := e[f.Key]; v != "" && v != f.Default {
			words = append(words, f.Key+" "+v)
		}
	}
	return strings.Join(words, " ")
}

// listLines say what becomes of the entries of a list, one line each.
func listLines(i *Interface, d *Difference) []string {
	a := AttrByKey(d.Key)
	var lines []string
	for _, e := range a.listDifferences(d.Before, d.After) {
		name := d.Key + " of " + i.Name + " "
		if e.Before != nil {
			lines = append(lines, "- "+name+a.entryText(e.Before))
		}
		if e.After != nil {
			lines = append(lines, "+ "+name+a.entryText(e.After))
		}
	}
	return lines
}
