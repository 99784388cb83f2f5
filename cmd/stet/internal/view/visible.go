package view

import (
	"fmt"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

// palette are the sequences that this package itself writes: colours, bold, faint,
// and their end.
var palette = regexp.MustCompile(`^\x1b\[(?:0|1|2|3[0-7]|9[0-7])?m`)

// visible shows what a terminal would act upon, or show elsewhere than where it
// stands, as \u and its number: control characters but line ends and tabs, and those
// that change the direction of writing. Bytes that are no text become \x and theirs.
// Sequences that allowed matches stay; nil is none.
func visible(s string, allowed *regexp.Regexp) string {
	var b strings.Builder
	kept := 0 // up to where s is in b
	for i := 0; i < len(s); {
		c := s[i]
		if c >= ' ' && c < 0x7f || c == '\n' || c == '\t' {
			i++
			continue
		}
		r, n := utf8.DecodeRuneInString(s[i:])
		shown := ""
		switch {
		case r == utf8.RuneError && n == 1:
			shown = fmt.Sprintf(`\x%02x`, c)
		case c == 0x1b && allowed != nil && allowed.MatchString(s[i:]):
			n = len(allowed.FindString(s[i:]))
		case unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r):
			shown = fmt.Sprintf(`\u%04x`, r)
		}
		if shown != "" {
			b.WriteString(s[kept:i])
			b.WriteString(shown)
			kept = i + n
		}
		i += n
	}
	if kept == 0 {
		return s
	}
	b.WriteString(s[kept:])
	return b.String()
}
