package markdown

import (
	"fmt"
	"unicode"

	"stet/runbook"
)

// names gives each block its name: the author's, or kind and number.
func (r *reading) names() {
	taken := map[string]bool{}
	for i := range r.blocks {
		b := &r.blocks[i]
		for _, a := range b.attrs {
			if a.Key == "name" && !a.Bare && nameFault(a.Value) == "" {
				b.Name, b.Named = a.Value, true
				taken[b.Name] = true
			}
		}
	}
	number := map[runbook.BlockKind]int{}
	twins := map[[2]string][]int{}
	for i := range r.blocks {
		b := &r.blocks[i]
		for number[b.Kind]++; !b.Named && b.Name == ""; {
			name := fmt.Sprintf("%s-%d", b.Kind, number[b.Kind])
			for more := 2; taken[name]; more++ {
				name = fmt.Sprintf("%s-%d-%d", b.Kind, number[b.Kind], more)
			}
			b.Name = name
			taken[name] = true
		}
		for _, key := range [][2]string{{b.Hash}, {b.Hash, underneath(b.Heading)}} {
			twins[key] = append(twins[key], i)
		}
	}
	for key, equals := range twins {
		for n, i := range equals {
			if b := &r.blocks[i]; key[1] == "" {
				b.Twin, b.Twins = n, len(equals)
			} else {
				b.NearTwin, b.NearTwins = n, len(equals)
			}
		}
	}
}

// nameFault says what is wrong with the name of a block, target or group.
func nameFault(name string) string {
	if name == "" {
		return "is empty"
	}
	if len(name) > 64 {
		return "is longer than 64 bytes"
	}
	for i, r := range name {
		switch {
		case unicode.IsLetter(r) || unicode.IsDigit(r) || r == '_':
		case i > 0 && (r == '-' || r == '.'):
		default:
			return fmt.Sprintf("holds %q", r)
		}
	}
	return ""
}
