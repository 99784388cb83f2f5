package markdown

import (
	"fmt"
	"slices"
	"strings"

	"stet/runbook"
)

// mistaken is a fence that is prose, and looks as if it was to be run.
type mistaken struct {
	span
	summary, detail string
}

// mistake looks at the info string of a fence that is prose. A step that is
// misspelt would be left out without a word.
func (w *walker) mistake(info span, lang string, attrs attributes) {
	m := mistaken{span: info, summary: "this block is prose, and is not run"}
	switch near := nearest(lang, kindNames()); {
	case near != "":
		m.detail = fmt.Sprintf("Did you mean %q? No language of stet is called %q.", near, lang)
	case lang == "run":
		m.detail = "Write the language of the command before it: sh { run }."
	default:
		key := slices.IndexFunc(attrs.list, func(a attr) bool { return stepWord(a.Key) })
		words := strings.Fields(string(w.src[info.Start:info.End]))
		switch {
		case key >= 0 && attrs.list[key].Key == "run":
			m.detail = "Write run alone, without a value: " + lang + " { run }."
		case key >= 0 && kinds[attrs.list[key].Key] != "":
			m.detail = fmt.Sprintf("Write %s without braces, as the language.", attrs.list[key].Key)
		case key >= 0:
			m.detail = fmt.Sprintf("It has the attribute %q: write run into its braces, too, or remove that.", attrs.list[key].Key)
		case len(attrs.faults) > 0 && slices.Contains(words, "run"):
			m.detail = "Attributes stand in braces: " + lang + " { run }."
		default:
			return
		}
	}
	w.mistaken = append(w.mistaken, m)
}

// stepWord reports whether a key in the braces of a fence is one of stet's, one
// of its kinds, or a slip of "run".
func stepWord(key string) bool {
	if _, ok := kinds[key]; ok {
		return true
	}
	if slices.ContainsFunc(vocabulary, func(m meaning) bool { return m.key == key }) {
		return true
	}
	return len(key) == len("run") && distance(strings.ToLower(key), "run") <= 1
}

func kindNames() []string {
	var names []string
	for name := range kinds {
		names = append(names, name)
	}
	return names
}

// mistakes warns of them where the document names targets: elsewhere nothing
// says that it is a runbook of stet's.
func (r *reading) mistakes(meta runbook.Meta) {
	if len(meta.Targets) == 0 {
		return
	}
	for _, m := range r.mistaken {
		r.warn("mistaken-fence", m.span, m.summary, m.detail)
	}
}
