package markdown

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
)

// jsonAttributes reads {"name": "x", "on": ["r1", "r2"], "run": true}.
func (r *reading) jsonAttributes(a *attributes) {
	text := r.src[a.span.Start:a.span.End]
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	fail := func(err error) {
		at := min(a.span.Start+int(d.InputOffset()), a.span.End)
		var syntax *json.SyntaxError
		if errors.As(err, &syntax) {
			at = min(max(a.span.Start+int(syntax.Offset)-1, a.span.Start), a.span.End)
		}
		for at+1 < a.span.End && (r.src[at] == ' ' || r.src[at] == '\t') {
			at++
		}
		r.into(a, span{Start: at, End: min(at+1, a.span.End)}, "these attributes are not JSON: "+jsonMessage(err),
			`Write {"key": "value"}, or { key=value }.`)
	}
	if _, err := d.Token(); err != nil {
		fail(err)
		return
	}
	for d.More() {
		x := attr{}
		x.Span.Start = skipTo(r.src, a.span.Start+int(d.InputOffset()), a.span.End, '"')
		x.Start = r.index.position(x.Span.Start)
		key, err := d.Token()
		if err != nil {
			fail(err)
			return
		}
		x.Key = fmt.Sprint(key)
		var value any
		if err := d.Decode(&value); err != nil {
			fail(err)
			return
		}
		x.Span.End = a.span.Start + int(d.InputOffset())
		x.value = x.Span
		var ok bool
		if x.Value, ok = jsonValue(value); !ok {
			r.into(a, x.Span, fmt.Sprintf("%s must be a word, a number, true or a list of them", x.Key),
				"Write the value as a string.")
			continue
		}
		switch value {
		case true: // as the word alone
			x.Bare, x.Value = true, ""
		case false:
			continue
		}
		a.list = append(a.list, x)
	}
	if _, err := d.Token(); err != nil {
		fail(err)
	} else if rest := bytes.TrimSpace(text[d.InputOffset():]); len(rest) > 0 {
		fail(errors.New("there is more behind the closing brace"))
	}
}

// skipTo is the offset of the next c, or from if there is none.
func skipTo(src []byte, from, end int, c byte) int {
	if i := bytes.IndexByte(src[from:end], c); i >= 0 {
		return from + i
	}
	return from
}

func jsonMessage(err error) string {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return "they end too early"
	}
	return strings.TrimPrefix(err.Error(), "json: ")
}

// jsonValue is a value as it would be written after "key=": lists with
// commas.
func jsonValue(v any) (string, bool) {
	switch v := v.(type) {
	case string:
		return v, true
	case json.Number:
		return v.String(), true
	case bool:
		return fmt.Sprint(v), true
	case []any:
		var items []string
		for _, item := range v {
			if _, nested := item.([]any); nested {
				return "", false
			}
			s, ok := jsonValue(item)
			if !ok {
				return "", false
			}
			items = append(items, s)
		}
		return strings.Join(items, ","), true
	}
	return "", false
}
