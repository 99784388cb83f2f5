package redact

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"math/rand"
	"net/url"
	"os/exec"
	"strconv"
	"strings"
	"testing"
)

const key = "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASC\nBKcwggSjAgEAAoIBAQC7VJTUt9Us8cKj\nabc\n-----END PRIVATE KEY-----\n"

func redactor(t testing.TB, secrets map[string]string) *Redactor {
	t.Helper()
	r, err := New(secrets)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestForms(t *testing.T) {
	const secret = `p@ss/w'or"d $x&=é\1`
	r := redactor(t, map[string]string{"db": secret, "key": key})
	quoted, err := json.Marshal(secret)
	if err != nil {
		t.Fatal(err)
	}
	cases := map[string]string{
		"plain":                secret,
		"JSON":                 string(quoted),
		"URL query":            "https://x/?p=" + url.QueryEscape(secret) + "&q=1",
		"URL path":             "https://x/" + url.PathEscape(secret),
		"URL lower case":       strings.ToLower(url.QueryEscape("x")) + lowerPercent(url.QueryEscape(secret)),
		"URL password":         (&url.URL{Scheme: "https", Host: "x", User: url.UserPassword("u", secret)}).String(),
		"Python quote":         `p%40ss/w%27or%22d%20%24x%26%3D%C3%A9%5C1`,
		"Python quote all":     `p%40ss%2Fw%27or%22d%20%24x%26%3D%C3%A9%5C1`,
		"Python quote_plus":    `p%40ss%2Fw%27or%22d+%24x%26%3D%C3%A9%5C1`,
		"JavaScript component": `p%40ss%2Fw'or%22d%20%24x%26%3D%C3%A9%5C1`,
		"JavaScript URI":       `p@ss/w'or%22d%20$x&=%C3%A9%5C1`,
		"URL path, WHATWG":     `p@ss/w'or%22d%20$x&=%C3%A9%5C1`,
		"URL user, WHATWG":     `p%40ss%2Fw'or%22d%20$x&%3D%C3%A9%5C1`,
		"form":                 `p%40ss%2Fw%27or%22d+%24x%26%3D%C3%A9%5C1`,
		"URL, every character": `%70%40%73%73%2F%77%27%6F%72%22%64%20%24%78%26%3D%C3%A9%5C%31`,
		"url, every character": `%70%40%73%73%2f%77%27%6f%72%22%64%20%24%78%26%3d%c3%a9%5c%31`,
		"HTML Python":          `p@ss/w&#x27;or&quot;d $x&amp;=é\1`,
		"HTML text":            `p@ss/w'or"d $x&amp;=é\1`,
		"HTML PHP":             `p@ss/w&#039;or&quot;d $x&amp;=é\1`,
		"XML":                  `p@ss/w&apos;or&quot;d $x&amp;=é\1`,
		"hex":                  hex.EncodeToString([]byte(secret)),
		"HEX":                  strings.ToUpper(hex.EncodeToString([]byte(secret))),
		"Go":                   strconv.Quote(secret),
		"Go ASCII":             strconv.QuoteToASCII(secret),
		"base64":               base64.StdEncoding.EncodeToString([]byte(secret)),
		"base64 URL":           base64.RawURLEncoding.EncodeToString([]byte(secret)),
		"base64 at 1":          base64.StdEncoding.EncodeToString([]byte("u" + secret + "\n")),
		"base64 at 2":          base64.StdEncoding.EncodeToString([]byte("u:" + secret + " and more")),
		"base64 at 3":          base64.URLEncoding.EncodeToString([]byte("uu:" + secret + " and")),
		"Python":               `"p@ss/w'or\"d $x&=\u00e9\\1"`,
		"shell single":         `'p@ss/w'\''or"d $x&=é\1'`,
		"shell single 2":       `'p@ss/w'"'"'or"d $x&=é\1'`,
		"shell double":         `"p@ss/w'or\"d \$x&=é\\1"`,
		"shell ANSI":           `$'p@ss/w\'or"d $x&=\303\251\\1'`,
		"shell ANSI plain":     `$'p@ss/w\'or"d $x&=é\\1'`,
		"line of a key":        "    BKcwggSjAgEAAoIBAQC7VJTUt9Us8cKj | 2",
		"whole key":            key,
		"key with CRLF":        strings.ReplaceAll(key, "\n", "\r\n"),
		"key in JSON":          strings.ReplaceAll(key, "\n", `\n`),
		"key in base64":        base64.StdEncoding.EncodeToString([]byte(key)),
		"key wrapped":          wrap(base64.StdEncoding.EncodeToString([]byte(key)), 76, "\n"),
		"line in base64":       base64.StdEncoding.EncodeToString([]byte("x MIIEvQIBADANBgkqhkiG9w0BAQEFAASC y")),
	}
	for name, text := range cases {
		t.Run(name, func(t *testing.T) {
			got := r.String("before " + text + " after")
			if !strings.Contains(got, "[redacted:") || !strings.HasPrefix(got, "before ") || !strings.HasSuffix(got, " after") {
				t.Fatalf("got %q", got)
			}
			// What is left of the text must not be more than its wrapping.
			rest := strings.Map(func(r rune) rune {
				if r == 'é' || r >= '0' && r <= '9' {
					return r
				}
				return -1
			}, strings.ReplaceAll(got, "[redacted:", ""))
			if strings.Contains(got, "ss/w") || strings.Contains(got, "Kcwgg") || strings.Contains(got, "IIEvQ") || strings.Contains(rest, "é") {
				t.Errorf("survives: %q", got)
			}
		})
	}
}

func TestShellsOwnQuoting(t *testing.T) {
	if _, err := exec.LookPath("bash"); err != nil {
		t.Skip("no bash")
	}
	for _, secret := range []string{"plain-secret", "it's a \"secret\"", "tab\tand\nline end", "dollar $HOME `x` !", "naïve-Ärger;|&<>", "a,b~c=d%e:f@g{h}^[i]*?#"} {
		r := redactor(t, map[string]string{"s": secret})
		for _, script := range []string{`printf %q "$0"`, `echo "${0@Q}"`, `set -x; : "$0"`} {
			out, err := exec.Command("bash", "-c", script, secret).CombinedOutput()
			if err != nil {
				t.Fatal(err)
			}
			if got := r.String(string(out)); !strings.Contains(got, "[redacted:s]") {
				t.Errorf("%s of %q: %q survives as %q", script, secret, out, got)
			}
		}
	}
}

func TestOverlapsAndNames(t *testing.T) {
	r := redactor(t, map[string]string{"short": "secret", "long": "secret-of-all", "next": "all-night"})
	for text, want := range map[string]string{
		"a secret b":                "a [redacted:short] b",
		"a secret-of-all b":         "a [redacted:long] b",
		"a secret-of-b":             "a [redacted:short]-of-b",
		"a secret-of-all-night b":   "a [redacted:long] b",
		"secretsecret":              "[redacted:short][redacted:short]",
		"secre secrets":             "secre [redacted:short]s",
		"nothing here":              "nothing here",
		"":                          "",
		"all-nightsecret-of-all":    "[redacted:next][redacted:long]",
		"[redacted:short] is known": "[redacted:short] is known",
	} {
		if got := r.String(text); got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
		if got := string(r.Bytes([]byte(text))); got != want {
			t.Errorf("bytes of %q: got %q, want %q", text, got, want)
		}
	}
}

func TestRefusals(t *testing.T) {
	for name, secrets := range map[string]map[string]string{
		"pin":      {"pin": "12345", "ok": "long-enough"},
		"blank":    {"blank": "          "},
		"word":     {"word": "redacted"},
		"hunter2x": {"hunter2x": "hunter2x"},
		"big":      {"big": strings.Repeat("0123456789", 7000)},
	} {
		_, err := New(secrets)
		if err == nil {
			t.Errorf("%s: accepted", name)
			continue
		}
		if !strings.Contains(err.Error(), "secret "+name+":") {
			t.Errorf("%s: error does not name the secret: %v", name, err)
		}
		if name == "pin" && strings.Contains(err.Error(), "12345") {
			t.Errorf("the error shows the value: %v", err)
		}
	}
}

func TestNilAndEmpty(t *testing.T) {
	var none *Redactor
	if got := none.String("text"); got != "text" {
		t.Errorf("got %q", got)
	}
	var b bytes.Buffer
	for _, r := range []*Redactor{nil, redactor(t, nil)} {
		w := r.Writer(&b)
		io.WriteString(w, "through")
		w.Close()
	}
	if b.String() != "throughthrough" {
		t.Errorf("got %q", b.String())
	}
}

// wrap breaks text into lines of a width.
func wrap(text string, width int, end string) string {
	var b strings.Builder
	for len(text) > width {
		b.WriteString(text[:width])
		b.WriteString(end)
		text = text[width:]
	}
	b.WriteString(text)
	return b.String()
}

// write passes text through a Writer in chunks of random sizes up to largest.
func write(t testing.TB, r *Redactor, text string, random *rand.Rand, largest int) string {
	t.Helper()
	var b bytes.Buffer
	w := r.Writer(&b)
	for rest := text; rest != ""; {
		n := min(1+random.Intn(largest), len(rest))
		if wrote, err := io.WriteString(w, rest[:n]); err != nil || wrote != n {
			t.Fatal(wrote, err)
		}
		rest = rest[n:]
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestChunks(t *testing.T) {
	r := redactor(t, map[string]string{"a": "abababc", "b": "babab-x", "key": key})
	random := rand.New(rand.NewSource(1))
	for range 300 {
		var b strings.Builder
		for b.Len() < 400 {
			b.WriteString([]string{"ab", "abababc", "babab-", "x", key, "\n", key[:40], base64.StdEncoding.EncodeToString([]byte("u" + key))}[random.Intn(8)])
		}
		text := b.String()
		want := r.String(text)
		for _, largest := range []int{1, 3, 50, 1000} {
			if got := write(t, r, text, random, largest); got != want {
				t.Fatalf("chunks up to %d of %q:\ngot  %q\nwant %q", largest, text, got, want)
			}
		}
	}
}

func TestWriterHoldsBackLittle(t *testing.T) {
	r := redactor(t, map[string]string{"s": "correct horse"})
	var b bytes.Buffer
	w := r.Writer(&b)
	io.WriteString(w, "Proceed? correct")
	if b.String() != "Proceed? " {
		t.Errorf("got %q", b.String())
	}
	io.WriteString(w, "ly")
	if b.String() != "Proceed? correctly" {
		t.Errorf("got %q", b.String())
	}
}

type full struct{}

func (full) Write([]byte) (int, error) { return 0, errors.New("disk full") }

func TestWriterReportsErrors(t *testing.T) {
	w := redactor(t, map[string]string{"s": "correct horse"}).Writer(full{})
	if _, err := io.WriteString(w, "text"); err == nil {
		t.Error("no error from Write")
	}
	if _, err := io.WriteString(w, "text"); err == nil {
		t.Error("no error from the second Write")
	}
	if err := w.Close(); err == nil {
		t.Error("no error from Close")
	}
	if _, err := io.WriteString(w, "text"); err == nil {
		t.Error("no error after Close")
	}
}

func FuzzRedact(f *testing.F) {
	f.Add("hunter22", "correct horse", "a hunter22 b correct horse", int64(1))
	f.Add("aaaaaa", "aaaaaaab", "aaaaaaaaaaaaaaaaaaaabaaaaaa", int64(2))
	f.Add("abcdef", "defghi", "abcdefghi abcdefdefghi", int64(3))
	f.Add(key, "é\xff\x00\n'\"\\", "x"+key+"é\xff\x00\n'\"\\", int64(4))
	f.Fuzz(func(t *testing.T, a, b, text string, seed int64) {
		if len(a)+len(b) > 400 {
			t.Skip()
		}
		r, err := New(map[string]string{"a": a, "b": b})
		if err != nil {
			for _, s := range []string{a, b} {
				if len(s) > 12 && strings.Contains(err.Error(), s) {
					t.Fatalf("the error shows a value: %v", err)
				}
			}
			return
		}
		want := r.String(text)
		if got := string(r.Bytes([]byte(text))); got != want {
			t.Fatalf("Bytes gives %q, String %q", got, want)
		}
		if got := write(t, r, text, rand.New(rand.NewSource(seed)), 1+int(uint64(seed)%64)); got != want {
			t.Fatalf("chunks give %q, the whole %q", got, want)
		}
		fuzzWrapped(t, r, a, text, seed)
		// Between the marks nothing of a secret is left.
		for _, rest := range strings.FieldsFunc(strings.NewReplacer("[redacted:a]", "\x01", "[redacted:b]", "\x01").Replace(want), func(r rune) bool { return r == 1 }) {
			for _, s := range []string{a, b} {
				if !strings.ContainsAny(s, "[]\x01") && strings.Contains(rest, s) {
					t.Fatalf("%q survives in %q", s, want)
				}
			}
		}
	})
}

// fuzzWrapped looks for what is left of a secret in a file that is encoded and
// broken into lines.
func fuzzWrapped(t *testing.T, r *Redactor, secret, text string, seed int64) {
	t.Helper()
	width := minRun + int(uint64(seed)%70)
	end := []string{"\n", "\r\n", "\n  ", `\n`}[uint64(seed)/70%4]
	encoded := base64.StdEncoding.EncodeToString([]byte(text + secret + text))
	wrapped := wrap(encoded, width, end)
	got := r.String(wrapped)
	if pieces := write(t, r, wrapped, rand.New(rand.NewSource(seed)), 1+width); pieces != got {
		t.Fatalf("chunks of %q give %q, the whole %q", wrapped, pieces, got)
	}
	from, to := (8*len(text)+5)/6, 8*(len(text)+len(secret))/6
	if strings.Contains(strings.ReplaceAll(got, end, ""), encoded[from:to]) {
		t.Fatalf("%q survives in lines of %d: %q", secret, width, got)
	}
}

func BenchmarkWriter(b *testing.B) {
	secrets := map[string]string{"db": "correct horse battery staple", "token": "ghp_16C7e42F292c6912E7710c838347Ae178B4a", "key": strings.Repeat(key, 10)}
	r := redactor(b, secrets)
	random := rand.New(rand.NewSource(1))
	noise := make([]byte, 1<<20)
	for i := range noise {
		noise[i] = byte(random.Intn(256))
	}
	for name, text := range map[string][]byte{
		"log":    bytes.Repeat([]byte("Nov 21 12:00:01 r1 kernel: [12345.678901] br0: port 2(tap0) entered forwarding state\n"), 12000),
		"base64": []byte(base64.StdEncoding.EncodeToString(noise)),
		"lines":  []byte(wrap(base64.StdEncoding.EncodeToString(noise), 76, "\n")),
		"hex":    []byte(wrap(hex.EncodeToString(noise), 60, "\n")),
		"near":   bytes.Repeat([]byte("correct horse battery stapl"), 40000),
		"binary": noise,
	} {
		b.Run(name, func(b *testing.B) {
			w := r.Writer(io.Discard)
			b.SetBytes(int64(len(text)))
			b.ReportAllocs()
			for b.Loop() {
				w.Write(text)
			}
		})
	}
}
