package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"stet/executors/netstate/netyaml"
)

// placed are all keys of the language that are not refused, by their places.
func placed(s *netyaml.Shape, at string, found map[string]*netyaml.Key) map[string]*netyaml.Key {
	for name, key := range s.Keys {
		if key.Refused != "" {
			continue
		}
		place := strings.TrimPrefix(at+"."+name, ".")
		found[place] = key
		placed(&key.Shape, place, found)
	}
	if s.Items != nil {
		placed(s.Items, at+"[]", found)
	}
	for name, kind := range s.Kinds {
		placed(kind, strings.TrimSuffix(at, "[]")+"["+name+"]", found)
	}
	return found
}

// TestPageHasEveryKey compares the keys of the published page with those that the
// decoder takes: none is missing, and none is invented.
func TestPageHasEveryKey(t *testing.T) {
	taken := placed(language(), "", map[string]*netyaml.Key{})
	onPage := map[string]bool{}
	for _, row := range pageRows(t) {
		for _, place := range row.places {
			onPage[place] = true
			if key := taken[place]; key == nil {
				t.Errorf("netconfig.md:%d: `%s` is on the page, and the decoder does not know it", row.line, place)
			} else if key.Hidden && row.columns["set"] != "never" {
				t.Errorf("netconfig.md:%d: `%s` is a key that nobody is told of, and it is on the page", row.line, place)
			}
		}
	}
	for _, place := range slices.Sorted(maps.Keys(taken)) {
		if key := taken[place]; !onPage[asOnPage(place)] && !key.Hidden && !isSection(&key.Shape) && !hiddenAbove(taken, place) {
			t.Errorf("`%s` is taken, and it is not on the page", place)
		}
	}
	t.Logf("%d keys on the page, %d in the language", len(onPage), len(taken))
}

// anyFilter is an action of any filter: the page has them once.
var anyFilter = regexp.MustCompile(`filters\[[a-z0-9]+\]\.actions`)

// anyWatch is a link watch of a team or of a port, one alone or in a list.
var anyWatch = regexp.MustCompile(`^interfaces\[\]\.(team|team-port|team\.port\[\])\.link-watch(\[\])?\.`)

// asOnPage is a place as the page has it, which says once what holds for several.
func asOnPage(place string) string {
	top, rest, _ := strings.Cut(place, ".")
	if entry, ok := strings.CutPrefix(rest, "config[]."); ok && top != "routes" && top != "route-rules" {
		return top + "[]." + entry
	}
	place = anyWatch.ReplaceAllString(place, "interfaces[].team.link-watch[].")
	place = anyFilter.ReplaceAllString(place, "filters[matchall].actions")
	if at := strings.Index(place, ".actions["); at >= 0 && strings.HasSuffix(place, ".kind") {
		return place[:at] + ".actions" // which says that they have a kind
	}
	return place
}

// isSection tells of a mapping, or of a list of mappings, that headings and other
// keys tell of.
func isSection(s *netyaml.Shape) bool {
	if s.Value != nil || s.Free {
		return false
	}
	return len(s.Keys) > 0 || s.Items != nil && (len(s.Items.Keys) > 0 || len(s.Items.Kinds) > 0)
}

// hiddenAbove tells that a key stands in a mapping that nobody is told of.
func hiddenAbove(taken map[string]*netyaml.Key, place string) bool {
	for at := strings.LastIndexByte(place, '.'); at >= 0; at = strings.LastIndexByte(place, '.') {
		place = place[:at]
		if key := taken[strings.TrimSuffix(place, "[]")]; key != nil && key.Hidden {
			return true
		}
	}
	return false
}

// narrower are the types of keys that stand in one table for two families.
var narrower = map[string]string{
	"interfaces[].ipv4.address[].ip": "IPv4 address", "interfaces[].ipv6.address[].ip": "IPv6 address",
	"interfaces[].ipv4.address[].prefix-length": "number, 0 to 32", "interfaces[].ipv6.address[].prefix-length": "number, 0 to 128",
	"interfaces[].ipv4.address[].peer": "IPv4 network", "interfaces[].ipv6.address[].peer": "IPv6 network",
	"interfaces[].ipv4.address[].broadcast": "IPv4 address", "interfaces[].ipv6.address[].broadcast": "nothing",
	"interfaces[].ipv4.address[].flags": "list of `autojoin`, `noprefixroute`",
	"interfaces[].ipv6.address[].scope": "nothing", "interfaces[].ipv6.address[].label": "nothing",
}

// TestPageSaysWhatIsTaken gives the decoder, and the schema, what the page says of each
// key: every word, both ends of every range, and what lies beyond them.
func TestPageSaysWhatIsTaken(t *testing.T) {
	s := compiled(t)
	tried := 0
	for _, row := range pageRows(t) {
		if row.columns["set"] == "never" {
			continue // what is read and ignored may be anything
		}
		for _, place := range row.places {
			typ, ok := narrower[place]
			if !ok {
				typ = row.columns["type"]
			}
			v, err := samplesOf(typ)
			if err != nil {
				t.Errorf("netconfig.md:%d: %s: %v", row.line, place, err)
				continue
			}
			if d := ticked.FindStringSubmatch(row.columns["default"]); d != nil {
				v.good = append(v.good, d[1])
			}
			for _, value := range v.good {
				row.taken(t, s, place, value, true)
			}
			for _, value := range v.bad {
				row.taken(t, s, place, value, false)
			}
			tried += len(v.good) + len(v.bad)
		}
	}
	if tried < 3000 {
		t.Errorf("only %d values were tried", tried)
	}
	t.Logf("%d values", tried)
}

// ofForm are the codes of faults that a key, or a value, has by itself.
var ofForm = []string{"unknown-key", "bad-value", "wrong-type", "unknown-type", "unknown-kind", "unsupported", "yaml"}

// taken checks that a value is taken at a place, or is not.
func (r *pageRow) taken(t *testing.T, s *jsonschema.Schema, place string, v any, want bool) {
	t.Helper()
	b, err := json.Marshal(blockWith(strings.Split(place, "."), "", language(), v))
	if err != nil {
		t.Fatal(err)
	}
	block, fault := string(b), ""
	_, problems := netyaml.Decode(block)
	for _, p := range problems {
		if slices.Contains(ofForm, p.Code) {
			fault = p.Summary
		}
	}
	if want != (fault == "") {
		t.Errorf("netconfig.md:%d: `%s` is %s: the decoder says %q of %v\n%s", r.line, place, r.columns["type"], fault, v, block)
	}
	err = s.Validate(values(t, block))
	if want && err != nil || !want && err == nil && strict.MatchString(r.columns["type"]) && narrower[place] == "" && fmt.Sprint(v) != beyond64 {
		t.Errorf("netconfig.md:%d: `%s` is %s: the schema says %v of %v\n%s", r.line, place, r.columns["type"], err, v, block)
	}
}

// beyond64 is a number that a validator may have as a float.
const beyond64 = "18446744073709551616"

// strict are the types that the schema looks at as closely as the decoder.
var strict = regexp.MustCompile("^(number|seconds|hundredths|true|interface|hardware|IP|`[^`]+`(, `[^`]+`)*($|, number)|list of (`|mappings))")

// beside is what an entry cannot be without, or where its values would contradict
// each other, by the end of its place.
var beside = map[string]map[string]any{
	"ipv4.address[]": {"ip": "192.0.2.1", "prefix-length": 24},
	"ipv6.address[]": {"ip": "2001:db8::1", "prefix-length": 64},
	"id-range":       {"min": 1, "max": 4094},
	"filters[u32]":   {"match": "ip dst 192.0.2.1"},
}

// blockWith is a block that has a value at a place, with what it cannot be
// without on the way.
func blockWith(path []string, at string, s *netyaml.Shape, v any) any {
	if len(path) == 0 {
		return v
	}
	m := map[string]any{}
	for other, k := range s.Keys {
		if k.Needed {
			m[other] = sample(&k.Shape)
		}
	}
	for end, keys := range beside {
		if strings.HasSuffix(at, end) {
			maps.Copy(m, keys)
		}
	}
	name, kind, isList := strings.Cut(strings.TrimSuffix(path[0], "]"), "[")
	key := s.Keys[name]
	if key == nil {
		return m
	}
	below := &key.Shape
	if isList && below.Items != nil {
		below = below.Items
		if of := below.Kinds[kind]; of != nil {
			below = of
		}
	}
	inner := blockWith(path[1:], at+"."+path[0], below, v)
	if entry, ok := inner.(map[string]any); ok && kind != "" && entry["kind"] == nil {
		entry["kind"] = kind
	}
	if isList {
		inner = []any{inner}
	}
	m[name] = inner
	return m
}

// sample is a value that a place takes.
func sample(s *netyaml.Shape) any {
	switch v := s.Value; {
	case v == nil:
		return nil
	case v.Attr != nil:
		of, err := samplesOf(typeText(v.Attr))
		if err != nil || len(of.good) == 0 {
			return "x"
		}
		return of.good[len(of.good)-1]
	case v.Type == netyaml.Name:
		return "eth0"
	case v.Type == netyaml.Number:
		return v.Most
	case v.Type == netyaml.HardwareName:
		return "02:00:00:00:00:01"
	case v.Type == netyaml.Address:
		return "192.0.2.1"
	}
	return "239.1.1.1"
}
