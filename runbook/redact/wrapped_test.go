package redact

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"io"
	"math/rand"
	"strings"
	"testing"
)

// survives looks for a piece of the secret's encoding in what was redacted:
// what a reader would get who joins its lines. Characters shared with the
// neighbours of the secret may stay, at each end.
func survives(redacted, encoded string, at, length int) string {
	joined := strings.NewReplacer("\r", "", "\n", "", `\n`, "", `\r`, "", " ", "", "\t", "").Replace(redacted)
	inside := encoded[at : at+length]
	for i := 0; i+6 <= len(inside); i++ {
		if strings.Contains(joined, inside[i:i+6]) {
			return inside[i : i+6]
		}
	}
	return ""
}

// base64(1) and PEM break their lines wherever they are full: also within the
// secret of a file that is encoded as a whole.
func TestSecretAcrossLinesOfBase64(t *testing.T) {
	random := rand.New(rand.NewSource(3))
	ends := map[string]string{"LF": "\n", "CRLF": "\r\n", "indented": "\n      ", "tab": "\r\n\t", "JSON": `\n`, "JSON with CR": `\r\n`, "JSON in JSON": `\\n`}
	for _, secret := range []string{"hunter22", "secret", "ghp_16C7e42F292c6912E7710c838347Ae178B4a", strings.Repeat("0123456789abcdef", 8)} {
		r := redactor(t, map[string]string{"s": secret})
		for name, end := range ends {
			for _, width := range []int{16, 17, 60, 64, 76} {
				for before := range 120 {
					file := strings.Repeat("\xa5", before) + secret + strings.Repeat("\x5a", 50)
					encoded := base64.StdEncoding.EncodeToString([]byte(file))
					text := wrap(encoded, width, end)
					got := r.String(text)
					from := (8*before + 5) / 6
					if left := survives(got, encoded, from, 8*(before+len(secret))/6-from); left != "" || !strings.Contains(got, "[redacted:s]") {
						t.Fatalf("%d bytes of secret, %d before, %s after %d characters: %q survives in\n%s", len(secret), before, name, width, left, got)
					}
					if pieces := write(t, r, text, random, 1+before); pieces != got {
						t.Fatalf("in pieces %q, as a whole %q", pieces, got)
					}
				}
			}
		}
	}
}

func TestSecretAcrossLinesOfHexadecimal(t *testing.T) {
	const secret = "correct horse battery staple"
	r := redactor(t, map[string]string{"s": secret})
	for before := range 60 { // as xxd -p writes it
		encoded := hex.EncodeToString([]byte(strings.Repeat("\xff", before) + secret + "\xff\xff"))
		got := r.String(wrap(encoded, 60, "\n"))
		if left := survives(got, encoded, 2*before, 2*len(secret)); left != "" || !strings.Contains(got, "[redacted:s]") {
			t.Fatalf("%d before: %q survives in %s", before, left, got)
		}
	}
}

// A multi-line key, encoded again, in a JSON answer.
func TestKeyInWrappedBase64InJSON(t *testing.T) {
	r := redactor(t, map[string]string{"key": key})
	answer, err := json.Marshal(map[string]string{"content": wrap(base64.StdEncoding.EncodeToString([]byte("# file\n"+key)), 60, "\n") + "\n"})
	if err != nil {
		t.Fatal(err)
	}
	got := r.String(string(answer))
	if !strings.HasPrefix(got, `{"content":"IyBmaWxlC`) || !strings.HasSuffix(got, `\n"}`) || !strings.Contains(got, "[redacted:key]") || len(got) > 120 {
		t.Errorf("got %s", got)
	}
}

// Text around a broken line stays.
func TestLinesAround(t *testing.T) {
	r := redactor(t, map[string]string{"s": "hunter22"})
	encoded := base64.StdEncoding.EncodeToString([]byte("hunter22")) // aHVudGVyMjI=
	line := strings.Repeat("x", 20)
	for text, want := range map[string]string{
		line + encoded[:4] + "\n" + encoded[4:] + "\nnext":                 line + "[redacted:s]\nnext",
		line + encoded[:4] + "\n   " + encoded[4:] + " next":               line + "[redacted:s] next",
		line + "\n" + encoded:                                              line + "\n[redacted:s]",
		line + encoded[:4] + "\n" + encoded[4:] + "\n" + line + encoded:    line + "[redacted:s]\n" + line + "[redacted:s]",
		line + encoded[:4] + "\n" + line + "\n" + encoded:                  line + encoded[:4] + "\n" + line + "\n[redacted:s]",
		line + encoded[:4] + "\n\n" + encoded[4:]:                          line + encoded[:4] + "\n\n" + encoded[4:], // a paragraph
		"short " + encoded[:4] + "\n" + encoded[4:]:                        "short " + encoded[:4] + "\n" + encoded[4:],
		line + encoded[:4] + "\n" + strings.Repeat(" ", 100) + encoded[4:]: line + encoded[:4] + "\n" + strings.Repeat(" ", 100) + encoded[4:],
	} {
		if got := r.String(text); got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
		if got := write(t, r, text, rand.New(rand.NewSource(1)), 1); got != want {
			t.Errorf("%q byte by byte: got %q, want %q", text, got, want)
		}
	}
}

// Lines of a log are not held back until the next one comes, also where their
// last word looks like the beginning of an encoded secret.
func TestWriterHoldsNoLineBack(t *testing.T) {
	r := redactor(t, map[string]string{"s": "correct horse"})
	encoded := base64.StdEncoding.EncodeToString([]byte("correct horse"))
	var b bytes.Buffer
	w := r.Writer(&b)
	line := "state is " + encoded[:4] + "\n"
	io.WriteString(w, line)
	if b.String() != line {
		t.Errorf("got %q", b.String())
	}
}

// gauge notes the most that a Writer held back.
type gauge struct {
	w       *Writer
	in, out int
	most    int
}

func (g *gauge) Write(p []byte) (int, error) {
	g.out += len(p)
	return len(p), nil
}

// What is held back is bounded by the secret, whatever the text looks like.
func TestWriterHoldsBackBounded(t *testing.T) {
	secret := strings.Repeat("A", 600)
	r := redactor(t, map[string]string{"s": secret})
	g := &gauge{}
	g.w = r.Writer(g)
	full := base64.StdEncoding.EncodeToString([]byte(secret))
	encoded := wrap(full[:len(full)-8], 16, "\r\n"+strings.Repeat(" ", maxGap-2)) + "!" // nearly the secret
	for range 50 {
		for _, c := range []byte(encoded) {
			g.w.Write([]byte{c})
			g.in++
			g.most = max(g.most, g.in-g.out)
		}
	}
	if limit := len(full) * (minRun + maxGap) / minRun; g.most > limit || g.most < len(full) {
		t.Errorf("held back %d bytes, at most %d are expected", g.most, limit)
	}
	if err := g.w.Close(); err != nil || g.in != g.out {
		t.Errorf("%d in, %d out: %v", g.in, g.out, err)
	}
}
