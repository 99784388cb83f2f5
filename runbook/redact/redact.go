// Package redact keeps secrets out of everything that is written: documents,
// journals, screens. It finds them as they are, line by line, and in the
// encodings that commands and formats put them into, also across the borders
// of chunks, and puts [redacted:NAME] in their place.
package redact

import (
	"errors"
	"fmt"
	"sort"
	"strings"
	"unicode/utf8"
)

// Shortest and longest secrets. Shorter ones would hide innocent text (a
// runner once masked every "e"); longer ones are files, not secrets.
const (
	minLength = 6
	maxLength = 16 << 10
)

// Redactor finds the secrets that it was made for. A nil Redactor finds none.
// It may be used from several goroutines.
type Redactor struct {
	nodes   []node
	root    [256]int32
	pairs   [1 << 16 / 64]uint64 // first two bytes of all matches
	markers []string             // by owner
}

// New makes a Redactor for secrets by name. Errors name the secrets that are
// too short, too long, or part of the text that would stand in their place,
// and never show a value; all of them are found.
func New(secrets map[string]string) (*Redactor, error) {
	names := make([]string, 0, len(secrets))
	for name := range secrets {
		names = append(names, name)
	}
	sort.Strings(names)
	var errs []error
	r := &Redactor{nodes: make([]node, 1)}
	for _, name := range names {
		if err := checkValue(name, secrets[name]); err != nil {
			errs = append(errs, err)
			continue
		}
		owner := int32(len(r.markers))
		r.markers = append(r.markers, "[redacted:"+name+"]")
		for _, form := range forms(secrets[name]) {
			r.add(form.text, owner, form.wraps)
		}
	}
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	r.link()
	for _, marker := range r.markers {
		for _, s := range r.find([]byte(marker)) {
			name := strings.TrimSuffix(strings.TrimPrefix(r.markers[s.owner], "[redacted:"), "]")
			errs = append(errs, fmt.Errorf("secret %s: its value is part of the text that stands in place of a secret; choose another value or name", name))
		}
	}
	if len(errs) > 0 {
		return nil, errors.Join(errs...)
	}
	return r, nil
}

func checkValue(name, value string) error {
	switch {
	case name == "":
		return errors.New("a secret has no name")
	case utf8.RuneCountInString(strings.TrimSpace(value)) < minLength:
		return fmt.Errorf("secret %s: its value has fewer than %d characters, too few to find it without hiding other text", name, minLength)
	case len(value) > maxLength:
		return fmt.Errorf("secret %s: its value is longer than %d KiB", name, maxLength>>10)
	}
	return nil
}

// String is s with its secrets replaced.
func (r *Redactor) String(s string) string {
	if r == nil || len(r.markers) == 0 {
		return s
	}
	found := r.find([]byte(s))
	if len(found) == 0 {
		return s
	}
	var b strings.Builder
	at := 0
	for _, f := range found {
		b.WriteString(s[at:f.start])
		b.WriteString(r.markers[f.owner])
		at = f.end
	}
	b.WriteString(s[at:])
	return b.String()
}

// Bytes is b with its secrets replaced; b itself is not changed.
func (r *Redactor) Bytes(b []byte) []byte {
	if r == nil || len(r.markers) == 0 {
		return b
	}
	found := r.find(b)
	if len(found) == 0 {
		return b
	}
	out := make([]byte, 0, len(b))
	at := 0
	for _, f := range found {
		out = append(out, b[at:f.start]...)
		out = append(out, r.markers[f.owner]...)
		at = f.end
	}
	return append(out, b[at:]...)
}

// find lists what to replace in text, in order, without overlaps.
func (r *Redactor) find(text []byte) []span {
	var s search
	s.scan(r, text)
	return s.spans
}
