package main

import (
	_ "embed"
	"encoding/json"
	"fmt"
	"strings"

	"stet/executors/netstate"
	"stet/executors/netstate/netyaml"
	"stet/internal/yaml"
)

//go:embed nmstate.txt
var nmstateKeys string

// nmstateKey is a key of nmstate with a value, in a block that nmstate takes.
type nmstateKey struct {
	path  string // "interfaces.link-aggregation.options.miimon"
	value string
	// block is a netconfig block, in JSON.
	block string
	// note is what is different here.
	note string
}

// problems are what the decoder says of the key's block.
func (k *nmstateKey) problems() []netstate.Problem {
	_, found := netyaml.Decode(k.block)
	return found
}

// parseNmstate reads nmstate.txt.
func parseNmstate(text string) ([]nmstateKey, error) {
	var keys []nmstateKey
	var place, beside string
	for i, line := range strings.Split(text, "\n") {
		rest, isPlace := strings.CutPrefix(line, "[")
		switch {
		case line == "" || line[0] == '#':
			continue
		case isPlace:
			place, beside, _ = strings.Cut(rest, "]")
			continue
		}
		k, err := parseNmstateKey(line, place, beside)
		if err != nil {
			return nil, fmt.Errorf("nmstate.txt:%d: %w", i+1, err)
		}
		keys = append(keys, k)
	}
	return keys, nil
}

// parseNmstateKey reads "KEY = VALUE : BESIDE ! NOTE".
func parseNmstateKey(line, place, beside string) (nmstateKey, error) {
	line, note, _ := strings.Cut(line, " ! ")
	key, value, ok := strings.Cut(line, " = ")
	if !ok {
		return nmstateKey{}, fmt.Errorf("no key with a value: %q", line)
	}
	if v, own, ok := strings.Cut(value, " : "); ok {
		value, beside = v, own
	}
	entry, err := flow(beside)
	if err != nil {
		return nmstateKey{}, err
	}
	given, err := flow(value)
	if err != nil {
		return nmstateKey{}, err
	}
	mapping, _ := entry.(map[string]any)
	if mapping == nil {
		mapping = map[string]any{}
	}
	setAt(mapping, strings.Split(key, "."), given)
	block, err := json.Marshal(within(place, mapping))
	path := key
	if place != "" {
		path = strings.ReplaceAll(place, ".config", "") + "." + key
	}
	return nmstateKey{path: path, value: value, block: string(block), note: note}, err
}

func flow(text string) (any, error) {
	n, errs := yaml.Parse(text)
	if len(errs) > 0 {
		return nil, fmt.Errorf("%q: %s", text, errs[0].Message)
	}
	return n.Any(), nil
}

// setAt puts a value into a mapping of mappings. "802.1x" is one key.
func setAt(m map[string]any, path []string, value any) {
	if len(path) > 1 && path[0] == "802" {
		path = append([]string{"802." + path[1]}, path[2:]...)
	}
	if len(path) == 1 {
		m[path[0]] = value
		return
	}
	below, ok := m[path[0]].(map[string]any)
	if !ok {
		below = map[string]any{}
		m[path[0]] = below
	}
	setAt(below, path[1:], value)
}

// within is a block that has an entry at a place. Each list on the way has one
// entry, which is made to be there.
func within(place string, entry map[string]any) map[string]any {
	switch place {
	case "":
		return entry
	case "interfaces":
		return map[string]any{"interfaces": []any{entry}}
	case "interfaces.ipv4.address":
		return within("interfaces", map[string]any{"name": "eth1", "ipv4": map[string]any{"enabled": true, "address": []any{entry}}})
	case "interfaces.bridge.port":
		return within("interfaces", map[string]any{"name": "br1", "type": "linux-bridge", "bridge": map[string]any{"port": []any{entry}}})
	}
	section, _, _ := strings.Cut(place, ".")
	return map[string]any{section: map[string]any{"config": []any{entry}}}
}

// nmstatePage is docs/reference/nmstate.md.
func nmstatePage() (string, error) {
	keys, err := parseNmstate(nmstateKeys)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	taken, refused := 0, 0
	for i := range keys {
		if len(keys[i].problems()) == 0 {
			taken++
		} else {
			refused++
		}
	}
	fmt.Fprintf(&b, nmstateIntro, len(keys), taken, refused)
	for i := range keys {
		k := &keys[i]
		verdict, note := "supported", k.note
		switch problems := k.problems(); {
		case len(problems) > 0:
			verdict, note = "**not**", sentence(problems[0].Summary)+" "+problems[0].Detail
		case note != "":
			verdict = "different"
		}
		fmt.Fprintf(&b, "| `%s` | `%s` | %s | %s |\n", k.path, strings.ReplaceAll(k.value, "|", "\\|"), verdict, strings.ReplaceAll(note, "|", "\\|"))
	}
	return b.String(), nil
}

// sentence is a fault as a sentence.
func sentence(s string) string {
	if s != "" && s[0] >= 'a' && s[0] <= 'z' {
		s = strings.ToUpper(s[:1]) + s[1:]
	}
	return s + "."
}

const nmstateIntro = `<!-- Made by "go generate ./executors/netstate/..." from nmstate.txt and the decoder. Do not edit. -->

# Compatibility with nmstate

The keys of nmstate 2.2.38, and what later versions show in their examples, each with a
value that was given to the decoder: of %d, %d are taken and %d refused. A key that is
refused is refused with the reason that stands here, at its line and column; nothing is
passed over in silence but what the table says. There is no release of stet yet, so that
all of it is since the first one.

What stet has beyond nmstate is marked ᵉ in [the language of netconfig](netconfig.md).
In general:

- Nothing is kept for the next boot: stet changes the kernel, and no profiles of
  NetworkManager. Whatever manages an interface at boot has to be told, too.
- What is not named is left alone. An option of a bridge or bond that a block does
  not name keeps the value that it has.
- The file may be one of nmstate's states. Its policies (` + "`capture`, `desired`" + `) are not read.

| key | value | stet | |
|---|---|---|---|
`
