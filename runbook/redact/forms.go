package redact

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"html"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// form is a text that stands for a secret. wraps tells that programs break
// such a text into lines.
type form struct {
	text  string
	wraps bool
}

// forms are all texts that stand for a secret, without duplicates and without
// any that is too short to look for.
func forms(value string) []form {
	var list []form
	seen := map[string]bool{}
	for _, piece := range pieces(value) {
		for _, f := range encodings(piece) {
			if len(f.text) >= minLength && !seen[f.text] {
				seen[f.text] = true
				list = append(list, f)
			}
		}
	}
	return list
}

// pieces are the secret, without the line ends and blanks around it, and each
// of its lines: output may be indented, numbered or cut at line ends.
func pieces(value string) []string {
	list := []string{value, strings.TrimSpace(value)}
	if !strings.ContainsAny(strings.TrimSpace(value), "\r\n") {
		return list
	}
	list = append(list, strings.ReplaceAll(strings.ReplaceAll(value, "\r\n", "\n"), "\n", "\r\n"), strings.ReplaceAll(value, "\r\n", "\n"))
	for _, line := range strings.FieldsFunc(value, func(r rune) bool { return r == '\n' || r == '\r' }) {
		line = strings.TrimSpace(line)
		// The armour around a key is no secret.
		if strings.HasPrefix(line, "-----BEGIN ") || strings.HasPrefix(line, "-----END ") {
			continue
		}
		if utf8.RuneCountInString(line) >= minLength {
			list = append(list, line)
		}
	}
	return list
}

// encodings are a piece as it is, and as programs write it. The encodings come
// first: a text that is both is one that wraps.
func encodings(s string) []form {
	var list []form
	digits := hex.EncodeToString([]byte(s))
	encoded := append(base64Forms(s), digits, strings.ToUpper(digits))
	for _, text := range encoded {
		list = append(list, form{text, true})
	}
	plain := []string{s, inner(strconv.Quote(s)), inner(strconv.QuoteToASCII(s))}
	plain = append(plain, percentForms(s)...)
	plain = append(plain, markupForms(s)...)
	plain = append(plain, shellForms(s)...)
	plain = append(plain, jsonForms(s)...)
	for _, text := range encoded { // base64 has characters that mean something there
		plain = append(plain, url.QueryEscape(text), lowerPercent(url.QueryEscape(text)), strings.ReplaceAll(text, "/", `\/`))
	}
	for _, text := range plain {
		list = append(list, form{text, false})
	}
	return list
}

// base64Forms are the encodings of s alone, with and without padding, and of s
// at the three places where it can stand in something longer: there, without
// the characters that its neighbours share.
func base64Forms(s string) []string {
	var list []string
	for _, e := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
		alone := e.EncodeToString([]byte(s))
		padding := strings.Repeat("=", (4-len(alone)%4)%4)
		list = append(list, alone, alone+padding)
		for before := range 3 {
			text := e.EncodeToString(append(make([]byte, before), s...))
			from, to := (8*before+5)/6, 8*(before+len(s))/6
			list = append(list, text[from:to])
		}
	}
	return list
}

// unreserved are the characters, besides letters and digits, that RFC 3986 (2.3)
// never escapes.
const unreserved = "-_.~"

// kept are the characters, besides letters and digits, that programs leave as they
// are when they write a text into a URL.
var kept = []string{
	"",                                // everything but letters and digits
	unreserved,                        // RFC 3986; PHP's rawurlencode, curl, jq
	unreserved + "/",                  // Python's quote
	"-_.",                             // PHP's urlencode
	"*-._",                            // forms (WHATWG URL, application/x-www-form-urlencoded); Java
	"-_.!~*'()",                       // JavaScript's encodeURIComponent
	"-_.!~*'();,/?:@&=+$#",            // JavaScript's encodeURI
	unreserved + "!$%&'()*+,/:;=@[]|", // a path, as WHATWG URL writes it
	unreserved + "!$%&'()*+,",         // a user or a password, as WHATWG URL writes it
}

// percentForms are URL encodings, with upper and lower case digits.
func percentForms(s string) []string {
	list := []string{url.QueryEscape(s), url.PathEscape(s), (&url.URL{Path: s}).EscapedPath(), url.UserPassword("", s).String()[1:]}
	for _, keep := range kept {
		text := percent(s, keep)
		list = append(list, text, strings.ReplaceAll(text, "%20", "+"))
	}
	var every strings.Builder
	for i := range len(s) {
		fmt.Fprintf(&every, "%%%02X", s[i])
	}
	list = append(list, every.String())
	for _, f := range slices.Clone(list) {
		list = append(list, lowerPercent(f))
	}
	return list
}

// percent escapes all but letters, digits and what keep holds.
func percent(s, keep string) string {
	var b strings.Builder
	for i := range len(s) {
		if c := s[i]; c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte(keep, c) >= 0 {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}

// markupForms are s within HTML and XML: as text alone, and with quotes escaped as
// Go, Python, PHP, and XML do.
func markupForms(s string) []string {
	text := strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(s)
	list := []string{html.EscapeString(s), text, strings.ReplaceAll(text, `"`, "&quot;")}
	for _, quote := range []string{"&#x27;", "&#039;", "&#39;", "&apos;"} {
		list = append(list, strings.NewReplacer(`"`, "&quot;", "'", quote).Replace(text))
	}
	return list
}

// lowerPercent writes %2F as %2f.
func lowerPercent(s string) string {
	b := []byte(s)
	for i := 0; i+2 < len(b); i++ {
		if b[i] == '%' {
			copy(b[i+1:i+3], strings.ToLower(string(b[i+1:i+3])))
		}
	}
	return string(b)
}

// shellForms are s as shells quote it: within '…' in both manners of writing
// a quote, within "…", with backslashes, and within $'…'.
func shellForms(s string) []string {
	escape := func(special string) string {
		var b strings.Builder
		for i := range len(s) {
			if strings.IndexByte(special, s[i]) >= 0 {
				b.WriteByte('\\')
			}
			b.WriteByte(s[i])
		}
		return b.String()
	}
	return []string{
		strings.ReplaceAll(s, `'`, `'\''`),
		strings.ReplaceAll(s, `'`, `'"'"'`),
		escape("$`\"\\"),
		escape("$`\"\\!"),
		atStart(escape(" \t!\"$&'()*,;<>?[\\]^`{|}")),
		escape(" \t!\"#$&'()*,;<>?[\\]^`{|}~"),
		escape(" \t!\"#$&'()*,;<>?[\\]^`{|}~=%:@"),
		ansiC(s, func(c byte) string { return fmt.Sprintf(`\%03o`, c) }),
		ansiC(s, func(c byte) string { return fmt.Sprintf(`\x%02x`, c) }),
		ansiC(s, nil),
	}
}

// atStart escapes what bash's printf %q escapes only there.
func atStart(s string) string {
	if strings.HasPrefix(s, "#") || strings.HasPrefix(s, "~") {
		return `\` + s
	}
	return s
}

// ansiC is s within $'…' as bash writes it; other says how bytes outside
// printable ASCII are written, nil that those from 0x80 on stay.
func ansiC(s string, other func(byte) string) string {
	names := map[byte]string{'\a': `\a`, '\b': `\b`, '\f': `\f`, '\n': `\n`, '\r': `\r`, '\t': `\t`, '\v': `\v`, 27: `\E`, '\\': `\\`, '\'': `\'`}
	var b strings.Builder
	for i := range len(s) {
		c := s[i]
		switch name, ok := names[c]; {
		case ok:
			b.WriteString(name)
		case c >= ' ' && c < 127 || c >= 128 && other == nil:
			b.WriteByte(c)
		case other == nil:
			fmt.Fprintf(&b, `\%03o`, c)
		default:
			b.WriteString(other(c))
		}
	}
	return b.String()
}

// jsonForms are s within a JSON string: as Go writes it with and without
// escaping HTML, with slashes escaped (PHP), and in ASCII only (Python), with
// lower and upper case digits.
func jsonForms(s string) []string {
	escaped, err := json.Marshal(s)
	if err != nil {
		return nil
	}
	var plain strings.Builder
	enc := json.NewEncoder(&plain)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(s); err != nil {
		return nil
	}
	readable := inner(strings.TrimSuffix(plain.String(), "\n"))
	list := []string{inner(string(escaped)), readable, strings.ReplaceAll(readable, "/", `\/`)}
	for _, format := range []string{`\u%04x`, `\u%04X`} {
		var b strings.Builder
		for _, r := range readable {
			if r < 128 {
				b.WriteRune(r)
				continue
			}
			for _, unit := range utf16.Encode([]rune{r}) {
				fmt.Fprintf(&b, format, unit)
			}
		}
		list = append(list, b.String(), strings.ReplaceAll(b.String(), "/", `\/`))
	}
	return list
}

// inner is text without the quotes around it.
func inner(quoted string) string { return quoted[1 : len(quoted)-1] }
