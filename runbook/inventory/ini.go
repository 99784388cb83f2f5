package inventory

import "strings"

var (
	section  = pattern(`^\[([^:\]\s]+)(?::(\w+))?\]\s*(?:#.*)?$`)
	oneGroup = pattern(`^([^:\]\s]+)\s*(?:#.*)?$`)
)

// ini is an INI inventory while it is read.
type ini struct {
	*graph
	path  string
	line  int
	in    string // the group of the section
	state string // "hosts", "children" or "vars"
	// needed are groups that something is said of before they are declared:
	// where that was, and what it is called.
	needed map[string]need
	order  []string
}

type need struct {
	line    int
	section string
	vars    bool // a section of variables declares nothing
}

func (g *graph) ini(path string, src []byte) {
	p := &ini{graph: g, path: path, in: loose, state: "hosts", needed: map[string]need{}}
	for line := range strings.SplitSeq(string(src), "\n") {
		p.line++
		if line = strings.TrimSpace(line); line != "" && line[0] != '#' && line[0] != ';' {
			p.read(line)
		}
	}
	for _, name := range p.order {
		n := p.needed[name]
		if g.groups[name].declared {
			continue
		}
		g.groups[name].declared = true // said once
		if n.vars {
			g.fault(path, n.line, "[%s:vars] is about a group that is nowhere declared; add [%s]", name, name)
		} else {
			g.fault(path, n.line, "[%s:children] names %s, which is nowhere declared; add [%s]", n.section, name, name)
		}
	}
}

func (p *ini) read(line string) {
	if m := section().FindStringSubmatch(line); m != nil {
		p.section(m[1], m[2])
		return
	}
	if line[0] == '[' && strings.HasSuffix(line, "]") {
		p.state = ""
		p.fault(p.path, p.line, "%q is no section: write [GROUP], [GROUP:children] or [GROUP:vars], without blanks", line)
		return
	}
	switch p.state {
	case "hosts":
		p.host(line)
	case "vars":
		key, value, found := strings.Cut(line, "=")
		if key = strings.TrimSpace(key); !found || key == "" {
			p.fault(p.path, p.line, "%q is no KEY=VALUE", line)
			return
		}
		p.groups[p.in].vars[key] = literal(strings.TrimSpace(value))
	case "children":
		m := oneGroup().FindStringSubmatch(line)
		if m == nil {
			p.fault(p.path, p.line, "%q is no name of a group", line)
			return
		}
		p.need(m[1], need{line: p.line, section: p.in})
		p.group(m[1], p.path, p.line)
		p.child(p.in, m[1])
	}
}

func (p *ini) section(name, state string) {
	if state == "" {
		state = "hosts"
	}
	p.in, p.state = name, state
	g := p.group(name, p.path, p.line)
	switch state {
	case "hosts", "children":
		g.declared = true
	case "vars":
		p.need(name, need{line: p.line, vars: true})
	default:
		p.state = ""
		p.fault(p.path, p.line, "sections [%s:%s] are not known: there are :children and :vars", name, state)
	}
}

func (p *ini) need(name string, n need) {
	if _, ok := p.needed[name]; !ok {
		p.needed[name] = n
		p.order = append(p.order, name)
	}
}

// child puts a group into another one.
func (g *graph) child(parent, name string) {
	if parent == all {
		return // all holds every group anyway
	}
	in := g.groups[parent]
	for _, c := range in.children {
		if c == name {
			return
		}
	}
	in.children = append(in.children, name)
}

// host reads "name key=value key='two words' # remark".
func (p *ini) host(line string) {
	words, ok := split(line)
	if !ok {
		p.fault(p.path, p.line, "a quote in this line is not closed")
		return
	}
	if len(words) == 0 {
		return
	}
	vars := map[string]any{}
	for _, w := range words[1:] {
		key, value, found := strings.Cut(w, "=")
		if !found || key == "" {
			p.fault(p.path, p.line, "%q is no KEY=VALUE", w)
			continue
		}
		vars[key] = literal(value)
	}
	p.add(p.groups[p.in], p.in, words[0], vars, p.path, p.line)
}

// split parts a line as a POSIX shell does, up to a "#". ok is false when a
// quote is not closed.
func split(line string) (words []string, ok bool) {
	var word strings.Builder
	open := false
	end := func() {
		if open {
			words = append(words, word.String())
		}
		word.Reset()
		open = false
	}
	for i := 0; i < len(line); i++ {
		switch c := line[i]; c {
		case ' ', '\t', '\r':
			end()
		case '#':
			end()
			return words, true
		case '\\':
			if i++; i >= len(line) {
				return words, false
			}
			open = true
			word.WriteByte(line[i])
		case '\'', '"':
			open = true
			n, closed := quoted(line[i:], &word)
			if !closed {
				return words, false
			}
			i += n - 1
		default:
			open = true
			word.WriteByte(c)
		}
	}
	end()
	return words, true
}

// quoted reads a quoted part and returns how long it is.
func quoted(text string, word *strings.Builder) (n int, closed bool) {
	for i := 1; i < len(text); i++ {
		switch {
		case text[i] == text[0]:
			return i + 1, true
		case text[i] == '\\' && text[0] == '"' && i+1 < len(text) && (text[i+1] == '"' || text[i+1] == '\\'):
			i++
			word.WriteByte(text[i])
		default:
			word.WriteByte(text[i])
		}
	}
	return 0, false
}
