package inventory

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

var (
	integer  = pattern(`^[+-]?(0[xX][0-9a-fA-F]+|0[oO][0-7]+|0[bB][01]+|0+|[1-9][0-9]*)$`)
	floating = pattern(`^[+-]?([0-9]+\.[0-9]*|\.[0-9]+|[0-9]+)([eE][+-]?[0-9]+)?$`)
)

// literal is the value of a Python literal, as Ansible takes values in INI:
// numbers, True, False, None, quoted text, lists, tuples and dictionaries. What
// is none is text as it stands.
func literal(text string) any {
	p := &python{rest: text}
	v, ok := p.value(0)
	if p.blank(); ok && (p.rest == "" || p.rest[0] == '#' && len(text) > len(p.rest)) {
		return v
	}
	return text
}

// python reads literals.
type python struct{ rest string }

func (p *python) blank() { p.rest = strings.TrimLeft(p.rest, " \t") }

func (p *python) take(c byte) bool {
	if p.blank(); p.rest != "" && p.rest[0] == c {
		p.rest = p.rest[1:]
		return true
	}
	return false
}

func (p *python) value(depth int) (any, bool) {
	if p.blank(); p.rest == "" || depth > maxDepth {
		return nil, false
	}
	switch c := p.rest[0]; c {
	case '[':
		p.rest = p.rest[1:]
		return p.list(']', depth)
	case '(':
		p.rest = p.rest[1:]
		return p.list(')', depth)
	case '{':
		p.rest = p.rest[1:]
		return p.dict(depth)
	case '\'', '"':
		return p.text(c)
	}
	end := strings.IndexAny(p.rest, ",:]})# \t")
	if end < 0 {
		end = len(p.rest)
	}
	word := p.rest[:end]
	p.rest = p.rest[end:]
	return atom(word)
}

func atom(word string) (any, bool) {
	switch word {
	case "True":
		return true, true
	case "False":
		return false, true
	case "None":
		return nil, true
	}
	if integer().MatchString(word) {
		n, err := strconv.ParseInt(word, 0, 0)
		return int(n), err == nil
	}
	if floating().MatchString(word) && (len(word) == 1 || strings.ContainsAny(word, ".eE")) {
		f, err := strconv.ParseFloat(word, 64)
		return f, err == nil
	}
	return nil, false
}

func (p *python) list(end byte, depth int) (any, bool) {
	out := []any{}
	for !p.take(end) {
		v, ok := p.value(depth + 1)
		if !ok {
			return nil, false
		}
		out = append(out, v)
		if !p.take(',') {
			return out, p.take(end)
		}
	}
	return out, true
}

func (p *python) dict(depth int) (any, bool) {
	out := map[string]any{}
	for !p.take('}') {
		k, ok := p.value(depth + 1)
		key, isText := k.(string)
		if !ok || !isText || !p.take(':') {
			return nil, false
		}
		v, ok := p.value(depth + 1)
		if !ok {
			return nil, false
		}
		out[key] = v
		if !p.take(',') {
			return out, p.take('}')
		}
	}
	return out, true
}

var escapes = map[byte]string{
	'\\': "\\", '\'': "'", '"': "\"", 'n': "\n", 't': "\t", 'r': "\r", 'a': "\a", 'b': "\b", 'f': "\f", 'v': "\v", '0': "\x00",
}

// text reads a quoted string with Python's escapes; those of code points too.
func (p *python) text(quote byte) (any, bool) {
	var b strings.Builder
	for i := 1; i < len(p.rest); i++ {
		c := p.rest[i]
		switch {
		case c == quote:
			p.rest = p.rest[i+1:]
			return b.String(), true
		case c != '\\':
			b.WriteByte(c)
			continue
		}
		if i++; i >= len(p.rest) {
			return nil, false
		}
		digits := map[byte]int{'x': 2, 'u': 4, 'U': 8}[p.rest[i]]
		switch s, ok := escapes[p.rest[i]]; {
		case ok:
			b.WriteString(s)
		case digits > 0 && i+digits < len(p.rest):
			n, err := strconv.ParseUint(p.rest[i+1:i+1+digits], 16, 32)
			if err != nil || n > utf8.MaxRune {
				return nil, false
			}
			b.WriteRune(rune(n))
			i += digits
		default:
			b.WriteString(p.rest[i-1 : i+1]) // an unknown escape stays as it is
		}
	}
	return nil, false
}
