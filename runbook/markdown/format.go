package markdown

import (
	"strings"

	"stet/runbook"
)

// FormatOptions say what Format may touch beyond stet's own regions.
type FormatOptions struct {
	// Attributes tidies attributes in braces: one blank between them, quotes
	// only where they are needed.
	Attributes bool
	// Spellings also turns {#id .run}, JSON and comment lines into braces.
	Spellings bool
}

// Format writes stet's regions as Splice would, with the text in them as it
// is, and on request the attributes of blocks. Prose, and code in blocks, do
// not change.
func Format(src []byte, o FormatOptions) []byte {
	r := structure("", src)
	var list []replacement
	nl := newline(src)
	for _, region := range r.regions {
		prefix, before, after := region.prefix, true, false
		switch region.role {
		case resultRegion:
			prefix = r.blocks[region.block].Prefix
		case reportRegion:
			if r.meta.Start == r.meta.End && region.open.Start == r.head {
				before, after = false, true
			}
		case orphanRegion: // its place is not ours to judge
			before = region.Span.Start < region.open.Start
		}
		list = append(list, replacement{region.Span, r.tidy(region, prefix, nl, before, after)})
	}
	if o.Attributes {
		for i := range r.blocks {
			list = append(list, r.tidyAttributes(&r.blocks[i], o)...)
		}
	}
	out := splice(src, list)
	if r.equivalent(structure("", out)) {
		return out
	}
	if o.Attributes { // some attribute would read otherwise: leave all
		return Format(src, FormatOptions{})
	}
	return src
}

// tidy is a region as Splice writes it. Its hash stays: whether it was edited
// by hand must still show.
func (r *reading) tidy(region regionAt, prefix, nl string, before, after bool) string {
	text := r.regionText(region.Span, region.marker, prefix, region.Body, nl, before, after)
	if region.Edited {
		text = strings.Replace(text, " sha256="+bodyHash(region.Body), " sha256="+escapeField(region.marker.get("sha256")), 1)
	}
	return text
}

// equivalent reports whether a document still has the same blocks, attributes
// and regions.
func (r *reading) equivalent(now *reading) bool {
	if len(r.blocks) != len(now.blocks) || len(r.regions) != len(now.regions) {
		return false
	}
	for i := range r.blocks {
		a, b := &r.blocks[i], &now.blocks[i]
		if a.Hash != b.Hash || a.Name != b.Name || len(a.attrs) != len(b.attrs) {
			return false
		}
		for j := range a.attrs {
			if x, y := a.attrs[j], b.attrs[j]; x.Key != y.Key || x.Value != y.Value || x.Bare != y.Bare {
				return false
			}
		}
	}
	for i := range r.regions {
		a, b := &r.regions[i], &now.regions[i]
		if a.role != b.role || a.Body != b.Body || a.Edited != b.Edited {
			return false
		}
	}
	return true
}

// tidyAttributes rewrites the braces of one block. Those in a comment line
// stay there: the fence's own language is for renderers.
func (r *reading) tidyAttributes(b *block, o FormatOptions) []replacement {
	leading := b.Kind != runbook.Manual && b.braces.Start == b.Info.Start // {.netconfig #up}
	if len(b.attrs) == 0 || b.spell == commentedLine || !o.Spellings && (leading || b.spell != plainBraces) {
		return nil
	}
	var words []string
	for _, a := range b.attrs {
		if a.Span.Start < b.braces.Start || a.Span.End > b.braces.End {
			return nil // some stand in a comment line, too
		}
		if c := r.src[a.Span.Start]; !o.Spellings && (c == '#' || c == '.') {
			words = append(words, string(r.src[a.Span.Start:a.Span.End]))
			continue
		}
		words = append(words, attributeText(a))
	}
	text := "{ " + strings.Join(words, " ") + " }"
	if !leading {
		if c := r.src[b.braces.Start-1]; c != ' ' && c != '\t' {
			text = " " + text
		}
		return []replacement{{b.braces, text}}
	}
	at := span{Start: b.fenceEnd(r.src), End: b.braces.End}
	return []replacement{{at, b.infoLang + " " + text}}
}

// fenceEnd is where the opening fence ends and its info string may start.
func (b *block) fenceEnd(src []byte) int {
	at := b.Info.Start
	for at > 0 && (src[at-1] == ' ' || src[at-1] == '\t') {
		at--
	}
	return at
}

// attributeText writes an attribute as "key=value", quoted where it must be.
func attributeText(a attr) string {
	switch {
	case a.Bare && a.class && a.Key != "run":
		return "." + a.Key
	case a.Bare:
		return a.Key
	case a.Value != "" && !strings.ContainsAny(a.Value, " \t\"'\\{}`"):
		return a.Key + "=" + a.Value
	}
	return a.Key + `="` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(a.Value) + `"`
}
