package netstate

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// RangeEntry is what numbers have in an attribute of type Ranges: VLANs, or
// spanning trees.
type RangeEntry struct {
	Min, Max uint16 // both included
	// Values are canonical, one for each of Attr.Fields; "" is the default.
	Values []string
}

// Ranges reads numbers and what they have, "10-19 msti 1,30 msti 2", in any
// order. It returns them sorted, neighbours that have the same as one, and those
// that have nothing but defaults left out.
func (a *Attr) Ranges(text string) ([]RangeEntry, error) {
	var list []RangeEntry
	for part := range strings.SplitSeq(text, ",") {
		words := strings.Fields(part)
		if len(words) == 0 {
			continue
		}
		e, err := a.rangeEntry(words)
		if err != nil {
			return nil, err
		}
		list = append(list, e)
	}
	sortShort(list, func(x, y RangeEntry) int { return cmp.Compare(x.Min, y.Min) })
	for i, e := range list {
		if i > 0 && list[i-1].Max >= e.Min {
			return nil, fmt.Errorf("%d stands twice", e.Min)
		}
	}
	return joinRanges(list), nil
}

// parseEnds reads the ends of a range of numbers, which are called what: "20-29",
// or "20" alone.
func parseEnds(text, what string, least, most uint64) (low, high uint64, err error) {
	first, last, isRange := strings.Cut(text, "-")
	if !isRange {
		last = first
	}
	var ends [2]uint64
	for i, end := range []string{first, last} {
		ends[i], err = strconv.ParseUint(end, 10, 64)
		if err != nil || ends[i] < least || ends[i] > most {
			return 0, 0, fmt.Errorf("%q is no %s from %d to %d", end, what, least, most)
		}
	}
	if ends[0] > ends[1] {
		return 0, 0, fmt.Errorf("%q begins after its end", text)
	}
	return ends[0], ends[1], nil
}

func (a *Attr) rangeEntry(words []string) (e RangeEntry, err error) {
	low, high, err := parseEnds(words[0], "number", a.Min, a.Max)
	if err != nil {
		return e, err
	}
	e.Min, e.Max = uint16(low), uint16(high)
	if len(words) == 1 || len(words)%2 == 0 {
		return e, fmt.Errorf("%q is not as `%s %s`", strings.Join(words, " "), words[0], a.rangeExample())
	}
	e.Values = make([]string, len(a.Fields))
	for n := 1; n < len(words); n += 2 {
		i := slices.IndexFunc(a.Fields, func(f Attr) bool { return f.Key == words[n] })
		if i < 0 {
			return e, fmt.Errorf("%q is not as `%s %s`", strings.Join(words, " "), words[0], a.rangeExample())
		}
		value, err := a.Fields[i].Canonical(words[n+1])
		if err != nil {
			return e, fmt.Errorf("%s: %w", words[n], err)
		}
		if !a.Fields[i].equal(value, a.Fields[i].Default) {
			e.Values[i] = value
		}
	}
	return e, nil
}

func (a *Attr) rangeExample() string {
	if f := &a.Fields[0]; f.Type == Enum {
		return f.Key + " " + f.Enum[len(f.Enum)-1].Name
	}
	return a.Fields[0].Key + " 1"
}

// joinRanges makes one of neighbours that have the same; the list is sorted.
func joinRanges(list []RangeEntry) []RangeEntry {
	var merged []RangeEntry
	for _, e := range list {
		n := len(merged) - 1
		switch {
		case strings.Join(e.Values, "") == "":
		case n >= 0 && merged[n].Max+1 == e.Min && slices.Equal(merged[n].Values, e.Values):
			merged[n].Max = e.Max
		default:
			merged = append(merged, e)
		}
	}
	return merged
}

// FormatRanges is the canonical text of what Ranges returned.
func (a *Attr) FormatRanges(list []RangeEntry) string {
	out := make([]string, 0, len(list))
	for i := range list {
		out = append(out, a.rangeText(&list[i]))
	}
	return strings.Join(out, ",")
}

func (a *Attr) rangeText(e *RangeEntry) string {
	s := VLANRange{Min: e.Min, Max: e.Max}.String()
	for i, value := range e.Values {
		if value != "" {
			s += " " + a.Fields[i].Key + " " + value
		}
	}
	return s
}

func (a *Attr) canonicalRanges(text string) (string, error) {
	list, err := a.Ranges(text)
	return a.FormatRanges(list), err
}

// singleRanges has each number by itself; one without values has only defaults.
func singleRanges(list []RangeEntry) *[4095]RangeEntry {
	var all [4095]RangeEntry
	for _, e := range list {
		for n := e.Min; n <= e.Max && n < 4095; n++ {
			all[n] = RangeEntry{n, n, e.Values}
		}
	}
	return &all
}

// RangeDelta is what has to be set to come from some entries to others: "" is
// what is left as it is. What is no longer named gets its default.
func (a *Attr) RangeDelta(from, to []RangeEntry) []RangeEntry {
	have, want := singleRanges(from), singleRanges(to)
	var list []RangeEntry
	for n := range have {
		e := RangeEntry{uint16(n), uint16(n), make([]string, len(a.Fields))}
		for i := range a.Fields {
			if was, is := valueAt(&have[n], i), valueAt(&want[n], i); was != is {
				e.Values[i] = cmp.Or(is, a.Fields[i].Default)
			}
		}
		list = append(list, e)
	}
	return joinRanges(list)
}

func valueAt(e *RangeEntry, i int) string {
	if i < len(e.Values) {
		return e.Values[i]
	}
	return ""
}

// equalRanges compares entries by their values.
func (a *Attr) equalRanges(x, y string) bool {
	from, err := a.Ranges(x)
	to, failed := a.Ranges(y)
	if err != nil || failed != nil {
		return false
	}
	have, want := singleRanges(from), singleRanges(to)
	for n := range have {
		for i := range a.Fields {
			f := &a.Fields[i]
			if !f.equal(cmp.Or(valueAt(&have[n], i), f.Default), cmp.Or(valueAt(&want[n], i), f.Default)) {
				return false
			}
		}
	}
	return true
}

// rangeWords are numbers and values in bridge(8)'s words.
func (a *Attr) rangeWords(e *RangeEntry) []string {
	w := []string{VLANRange{Min: e.Min, Max: e.Max}.String()}
	for i, value := range e.Values {
		if value != "" {
			w = append(w, a.Fields[i].Key, ipValue(&a.Fields[i], value))
		}
	}
	return w
}

// rangeCommands are bridge(8)'s commands from some entries to others.
func rangeCommands(i *Interface, d Difference) []string {
	a := AttrByKey(d.Key)
	from, _ := a.Ranges(d.Before)
	to, err := a.Ranges(d.After)
	if err != nil {
		return nil
	}
	var out []string
	for _, e := range a.RangeDelta(from, to) {
		w := append([]string{"bridge"}, ipIn(i.Netns)[1:]...)
		if a.Key != portMST {
			w = append(w, "vlan", "global", "set", "dev", i.Name, "vid")
			out = append(out, words(append(w, a.rangeWords(&e)...)...))
			continue
		}
		w = append(w, "mst", "set", "dev", i.Name, "msti")
		for n := e.Min; n <= e.Max; n++ { // one at a time
			one := RangeEntry{n, n, e.Values}
			out = append(out, words(append(slices.Clone(w), a.rangeWords(&one)...)...))
		}
	}
	return out
}
