package markdown

import (
	"bytes"
	"fmt"
	"regexp"
	"strings"

	"stet/internal/yaml"
	"stet/runbook"
)

var keyLine = regexp.MustCompile(`^[A-Za-z][A-Za-z-]*:(\s|$)`)

// frontMatterEnd is the offset right after the front matter, or 0: a first
// line "---" that no other such line follows is a rule across the page.
func frontMatterEnd(src []byte) int {
	at := bom(src)
	first, rest, found := bytes.Cut(src[at:], []byte("\n"))
	if !found || string(bytes.TrimRight(first, " \t\r")) != "---" {
		return 0
	}
	at = len(src) - len(rest)
	for at < len(src) {
		end := len(src)
		if i := bytes.IndexByte(src[at:], '\n'); i >= 0 {
			end = at + i + 1
		}
		if line := string(bytes.TrimRight(src[at:end], " \t\r\n")); line == "---" || line == "..." {
			return end
		}
		at = end
	}
	return 0
}

// decoder reads the front matter. Positions of nodes count from its second
// line.
type decoder struct {
	*reading
	meta *runbook.Meta
}

// frontMatter reads title, targets, variables and all else at the head.
func (r *reading) frontMatter() runbook.Meta {
	meta := runbook.Meta{Groups: map[string][]string{}, Places: map[string]runbook.Position{}}
	d := decoder{r, &meta}
	if r.meta.Start == r.meta.End {
		d.unclosed()
		return meta
	}
	meta.Span = r.meta
	text := r.src[r.index.end(r.meta.Start):r.meta.End]
	text = text[:len(text)-len(lastLine(text))]
	root, errs := yaml.Parse(string(text))
	for _, e := range errs {
		at := r.index.at(runbook.Position{Line: e.Line + 1, Column: e.Column})
		r.fault("yaml", span{Start: at, End: min(at+1, r.meta.End)}, "the front matter is not good YAML: "+e.Message,
			"Put it right; the front matter stands between the two lines \"---\".")
	}
	if root == nil {
		r.unread = len(errs) > 0
		return meta
	}
	d.root(root)
	return meta
}

// unclosed warns about a front matter without its last line.
func (d *decoder) unclosed() {
	lines := bytes.SplitN(d.src[d.head:], []byte("\n"), 3)
	if len(lines) > 1 && string(bytes.TrimRight(lines[0], " \t\r")) == "---" && keyLine.Match(lines[1]) {
		d.fault("front-matter", d.line(d.head), "the front matter has no end", "End it with a line \"---\".")
	}
}

func lastLine(text []byte) []byte {
	body := trimEnd(text)
	return text[bytes.LastIndexByte(body, '\n')+1:]
}

// node is the span of a YAML node in the document.
func (d *decoder) node(n *yaml.Node) span {
	start := d.index.at(runbook.Position{Line: n.Line + 1, Column: n.Column})
	end := d.index.at(runbook.Position{Line: n.EndLine + 1, Column: n.EndColumn})
	return span{Start: start, End: max(start, end)}
}

func (d *decoder) wrong(n *yaml.Node, code, summary, detail string) {
	d.fault(code, d.node(n), summary, detail)
}

// entries visits a mapping's pairs by key. The rest are unknown keys.
func (d *decoder) entries(n *yaml.Node, path string, known map[string]func(*yaml.Node)) {
	if !d.mapping(n, path) {
		return
	}
	for _, p := range n.Pairs {
		d.place(path, p.Key)
		if read, ok := known[p.Key.Value]; ok {
			read(p.Value)
			continue
		}
		var names []string
		for name := range known {
			names = append(names, name)
		}
		d.wrong(p.Key, "unknown-key", fmt.Sprintf("the key %q is not known %s", p.Key.Value, within(path)), d.remedy(p.Key.Value, names))
	}
}

// place notes where an entry stands.
func (d *decoder) place(path string, key *yaml.Node) {
	if path != "" {
		path += "."
	}
	d.meta.Places[path+key.Value] = d.index.position(d.node(key).Start)
}

func within(path string) string {
	if path == "" {
		return "in the front matter"
	}
	return "in " + path
}

func (d *decoder) mapping(n *yaml.Node, path string) bool {
	if n.Kind == yaml.Mapping {
		return true
	}
	if !n.Null() {
		d.wrong(n, "type", fmt.Sprintf("here are keys and values expected %s, not a %s", within(path), n.Kind), "Write \"key: value\" lines.")
	}
	return false
}

// text reads a scalar as it is written.
func (d *decoder) text(n *yaml.Node, what string) (string, bool) {
	if n.Kind != yaml.Scalar || n.Null() {
		d.wrong(n, "type", fmt.Sprintf("%s must be text, not a %s", what, kindOf(n)), "Write it on one line.")
		return "", false
	}
	return n.Value, true
}

func (d *decoder) boolean(n *yaml.Node, what string) bool {
	if n.Kind != yaml.Scalar || n.Tag != "!!bool" {
		d.wrong(n, "type", what+" must be true or false", "Write true or false.")
		return false
	}
	return strings.EqualFold(n.Value, "true")
}

func kindOf(n *yaml.Node) string {
	if n.Null() {
		return "missing value"
	}
	return n.Kind.String()
}

// list reads a list of words; one word alone, or words with commas, is one
// too.
func (d *decoder) list(n *yaml.Node, what string) []*yaml.Node {
	switch {
	case n.Kind == yaml.Sequence:
		var out []*yaml.Node
		for _, item := range n.Items {
			if _, ok := d.text(item, "each of "+what); ok {
				out = append(out, item)
			}
		}
		return out
	case n.Kind == yaml.Scalar && !n.Null():
		if !strings.Contains(n.Value, ",") {
			return []*yaml.Node{n}
		}
		var out []*yaml.Node
		for word := range strings.SplitSeq(n.Value, ",") {
			one := *n
			one.Value = strings.TrimSpace(word)
			out = append(out, &one)
		}
		return out
	}
	d.wrong(n, "type", fmt.Sprintf("%s must be a list, not a %s", what, kindOf(n)), "Write [one, two].")
	return nil
}
