// Package templates holds the runbooks that `stet new` starts from, and fills
// templates in. A template is an ordinary runbook whose front matter asks for
// parameters; ${name} stands for a parameter's value wherever the text has it.
package templates

import (
	"embed"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"stet/internal/yaml"
	"stet/runbook"
	"stet/runbook/markdown"
)

//go:embed *.md
var embedded embed.FS

// Template is a runbook with parameters.
type Template struct {
	Name string
	// Summary is one line: the comment that the front matter begins with.
	Summary  string
	Document *runbook.Document
}

// Names lists the embedded templates.
func Names() []string {
	files, err := fs.Glob(embedded, "*.md")
	if err != nil {
		return nil
	}
	for i, f := range files {
		files[i] = strings.TrimSuffix(f, ".md")
	}
	return files
}

// Named returns an embedded template.
func Named(name string) (*Template, bool) {
	src, err := embedded.ReadFile(name + ".md")
	if err != nil {
		return nil, false
	}
	return Parse(name, src), true
}

// Parse reads a template. Its faults are the document's Diagnostics.
func Parse(name string, src []byte) *Template {
	return &Template{Name: name, Summary: summary(src), Document: markdown.Parse(name, src)}
}

func summary(src []byte) string {
	for i, line := range strings.Split(string(src), "\n") {
		line = strings.TrimSpace(line)
		switch {
		case i == 0:
		case strings.HasPrefix(line, "#"):
			return strings.TrimSpace(strings.TrimPrefix(line, "#"))
		default:
			return ""
		}
	}
	return ""
}

// Complete checks the values given, adds the defaults of those that were not,
// and returns the names of parameters that still lack a value.
func (t *Template) Complete(given map[string]string) (values map[string]string, missing []string, err error) {
	values = map[string]string{}
	params := t.Document.Meta.Params
	for name := range given {
		if !slices.ContainsFunc(params, func(p runbook.Param) bool { return p.Name == name }) {
			return nil, nil, fmt.Errorf("filling in %s: it has no parameter %s", t.Name, name)
		}
	}
	for _, p := range params {
		value, ok := given[p.Name]
		if !ok {
			value = p.Default
		}
		if value == "" && !ok {
			missing = append(missing, p.Name)
			continue
		}
		if err := Valid(p, value); err != nil {
			return nil, nil, err
		}
		values[p.Name] = value
	}
	return values, missing, nil
}

// Fill returns the template's text with the values filled in, without the
// parameters and the summary.
func (t *Template) Fill(values map[string]string) []byte {
	return t.fill(values, false)
}

// Preview is the template with its defaults filled in (a parameter without one
// has its name), each line where it stands in the template: what lint reads.
func (t *Template) Preview() []byte {
	values := map[string]string{}
	for _, p := range t.Document.Meta.Params {
		values[p.Name] = p.Default
		if p.Default == "" {
			values[p.Name] = p.Name
		}
	}
	return t.fill(values, true)
}

func (t *Template) fill(values map[string]string, keepLines bool) []byte {
	meta := t.Document.Meta.Span
	src := string(t.Document.Source)
	front := withoutParams(src[meta.Start:meta.End], keepLines)
	var b strings.Builder
	b.WriteString(src[:meta.Start])
	for line := range strings.Lines(front) {
		b.WriteString(fillEntry(line, values))
	}
	b.WriteString(fill(src[meta.End:], values))
	return []byte(b.String())
}

// withoutParams drops the entry params, which stands at the first column, with
// the lines below it that are indented, and the summary; with keepLines, empty
// lines are left in their place.
func withoutParams(front string, keepLines bool) string {
	var b strings.Builder
	inside := false
	for i, line := range slices.Collect(strings.Lines(front)) {
		bare := strings.TrimRight(line, "\r\n")
		switch {
		case i == 1 && strings.HasPrefix(bare, "#"):
		case strings.HasPrefix(bare, "params:"):
			inside = true
		case inside && (bare == "" || bare[0] == ' ' || bare[0] == '\t'):
		default:
			inside = false
			b.WriteString(line)
			continue
		}
		if keepLines {
			b.WriteString(line[len(bare):])
		}
	}
	return b.String()
}

// fillEntry fills in a line of the front matter. A value that is a whole entry
// is quoted where YAML would read it as something else.
func fillEntry(line string, values map[string]string) string {
	key, rest, ok := strings.Cut(line, ": ")
	if ok {
		bare := strings.TrimSpace(rest)
		if name, isRef := reference(bare); isRef {
			if value, known := values[name]; known {
				return key + ": " + quoted(value) + rest[strings.Index(rest, bare)+len(bare):]
			}
		}
	}
	return fill(line, values)
}

func reference(s string) (string, bool) {
	if !strings.HasPrefix(s, "${") || strings.IndexByte(s, '}') != len(s)-1 {
		return "", false
	}
	return s[2 : len(s)-1], true
}

// quoted is value as YAML's text, plain where that reads back as it is or as a
// number or boolean, which is what its author meant by not quoting it.
func quoted(value string) string {
	if n, faults := yaml.Parse("k: " + value + "\n"); len(faults) == 0 && n != nil && len(n.Pairs) == 1 {
		v := n.Pairs[0].Value
		if v.Kind == yaml.Scalar && v.Value == value && !v.Quoted {
			return value
		}
	}
	return `"` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(value) + `"`
}

// fill replaces each ${name} of a known name; $${name} and ${expressions} stay.
func fill(text string, values map[string]string) string {
	var b strings.Builder
	for {
		at := strings.Index(text, "${")
		if at < 0 {
			b.WriteString(text)
			return b.String()
		}
		end := strings.IndexByte(text[at:], '}')
		if end < 0 {
			b.WriteString(text)
			return b.String()
		}
		value, known := values[text[at+2:at+end]]
		if !known || at > 0 && text[at-1] == '$' {
			b.WriteString(text[:at+2])
			text = text[at+2:]
			continue
		}
		b.WriteString(text[:at] + value)
		text = text[at+end+1:]
	}
}
