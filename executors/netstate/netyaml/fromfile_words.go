package netyaml

import (
	"bytes"
	"fmt"
	"slices"
	"strings"

	"stet/executors/netstate"
)

// once sets a value that a line says, unless the entry says something else.
func once[T comparable](w *way, key, word string, parse func(string) (T, error), at *T) error {
	v, err := parse(word)
	if err != nil {
		return err
	}
	if w.c.Has[key] && *at != v {
		return fmt.Errorf("the line says %s, and the entry in the block says something else for `%s`", word, key)
	}
	*at, w.c.Has[key] = v, true
	return nil
}

// hop is the next hop that a line may say more about.
func (w *way) hop() *netstate.NextHop {
	if len(w.c.Route.NextHops) == 0 {
		w.c.Route.NextHops = []netstate.NextHop{{}}
	}
	return &w.c.Route.NextHops[0]
}

// says takes one value of a line, by its key in netconfig.
func (w *way) says(key, word string) error {
	r := &w.c.Route
	narrow := func(at *uint32) error { return once(w, key, word, parse32, at) }
	switch key {
	case "next-hop-address":
		return once(w, key, word, parseAddr, &w.hop().Via)
	case "next-hop-interface":
		return once(w, key, word, parseName, &w.hop().Device)
	case "metric":
		return narrow(&r.Metric)
	case "table-id":
		return once(w, key, word, parseTable, &r.Table)
	case "source":
		return once(w, key, word, parseAddr, &r.Source)
	case "scope":
		return once(w, key, word, parseScope, &r.Scope)
	case "protocol":
		return once(w, key, word, parseProtocol, &r.Protocol)
	case "route-type":
		return once(w, "type", word, func(s string) (netstate.RouteType, error) {
			v, err := oneOf(routeTypes...)(s)
			return netstate.RouteType(v), err
		}, &r.Type)
	}
	switch key {
	case netstate.Congctl:
		return once(w, key, word, parseAlgorithm, &r.Congestion)
	case netstate.Realm:
		return metricOf(w, key, word, parseRealm)
	case netstate.Preference:
		return metricOf(w, key, word, parsePreference)
	}
	if !slices.Contains(routeMetrics, key) {
		return fmt.Errorf("%q is not known", key)
	}
	err := metricOf(w, key, word, parse32)
	if key == "cwnd" || key == "rto_min" {
		r.LockMetrics(append(r.LockedMetrics(), key)) // as of an entry
	}
	return err
}

// metricOf takes a metric of a line.
func metricOf(w *way, key, word string, parse func(string) (uint32, error)) error {
	r := &w.c.Route
	if r.Metrics == nil {
		r.Metrics = map[string]uint32{}
	}
	v := r.Metrics[key]
	err := once(w, key, word, parse, &v)
	r.Metrics[key] = v
	return err
}

func parse32(word string) (uint32, error) {
	n, err := parseUint(0, 1<<32-1)(word)
	return uint32(n), err
}

// ipWords are the words of `ip route` with the keys that they mean.
var ipWords = map[string]string{
	"via": "next-hop-address", "dev": "next-hop-interface", "metric": "metric", "table": "table-id",
	"src": "source", "scope": "scope", "proto": "protocol",
}

// routeWords reads what `ip route` prints after a destination. What only
// describes the moment (linkdown, cache) says nothing about what is wanted.
func routeWords(w *way, words []string) error {
	if len(words) > 0 && slices.Contains(routeTypes, words[0]) {
		if err := w.says("route-type", words[0]); err != nil {
			return err
		}
		words = words[1:]
	}
	for len(words) > 0 {
		word := words[0]
		words = words[1:]
		switch word {
		case "linkdown", "dead", "offload", "trap", "onlink":
			if word == "onlink" {
				w.hop().OnLink, w.c.Has["onlink"] = true, true
			}
			continue
		}
		if len(words) == 0 {
			return fmt.Errorf("%q is not understood", word)
		}
		value := words[0]
		words = words[1:]
		switch {
		case word == "pref" && value == "medium":
			continue
		case word == "via" && (value == "inet" || value == "inet6") && len(words) > 0:
			value, words = words[0], words[1:]
		case word == "proto" && (value == "kernel" || value == "ra" || value == "redirect"):
			w.skip = true
			return nil
		}
		key := word
		if k, ok := ipWords[word]; ok {
			key = k
		}
		if err := w.says(key, value); err != nil {
			return err
		}
	}
	return nil
}

// csvHeader takes a first line that names columns.
func (t *routeTable) csvHeader(line []byte) bool {
	if len(t.order) > 0 || !bytes.Contains(line, []byte("destination")) {
		return false
	}
	t.header = strings.Split(string(line), ",")
	for i := range t.header {
		t.header[i] = strings.TrimSpace(t.header[i])
	}
	t.column = slices.Index(t.header, "destination")
	if t.column < 0 {
		t.fault(t.line, "no column is named destination", "Name the columns as the keys of a route.")
	}
	return true
}

// csvLine parts the destination from the other columns.
func (t *routeTable) csvLine(line []byte) (word, rest []byte) {
	if bytes.Count(line, []byte{','})+1 != len(t.header) {
		t.fault(t.line, fmt.Sprintf("the line has other than the %d columns that the first line names", len(t.header)), "Write one value a column; it may be empty.")
		return nil, nil
	}
	if t.column == 0 {
		word, rest, _ = bytes.Cut(line, []byte{','})
		return bytes.TrimSpace(word), rest
	}
	t.key = t.key[:0]
	column := 0
	for part := range bytes.SplitSeq(line, []byte{','}) {
		if column == t.column {
			word = bytes.TrimSpace(part)
		} else {
			t.key = append(append(t.key, part...), ',')
		}
		column++
	}
	return word, bytes.TrimSuffix(t.key, []byte{','})
}

// columns reads the values of all columns but the destination.
func (t *routeTable) columns(w *way, rest string) error {
	names := slices.Delete(slices.Clone(t.header), t.column, t.column+1)
	if len(names) == 0 {
		return nil
	}
	for i, value := range strings.Split(rest, ",") {
		value = strings.TrimSpace(value)
		if value == "" {
			continue
		}
		if err := w.says(names[i], value); err != nil {
			return err
		}
	}
	return nil
}

// checkPath tells what is wrong with a path in a block.
func checkPath(text string) (string, error) {
	if text == "" || strings.ContainsRune(text, 0) {
		return "", fmt.Errorf("a file needs a name")
	}
	return text, nil
}
