package markdown

import (
	"bytes"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"stet/runbook"
)

// proveEdited writes the results of one document into another: what somebody
// made of it while the operation ran. Every byte of the other one stays, each
// result stands behind the block that it is of or is told as lost, and no
// block has the result of another one, nor, untold, that of another text.
func proveEdited(t testing.TB, planned, now []byte) (lost int) {
	t.Helper()
	before := Parse("x.md", planned)
	var edits []Edit
	for _, b := range before.Blocks {
		edits = append(edits, Edit{Block: b, Markdown: "result " + b.Name + " " + b.Hash[:8], Run: "PROOF", Status: runbook.OK})
	}
	out, gone := Splice(now, "", edits)
	if !bytes.Equal(Strip(out), Strip(now)) {
		t.Fatalf("the edits were lost\nwant %q\ngot  %q", now, out)
	}
	after := Parse("x.md", out)
	there := map[string]int{}
	for _, b := range after.Blocks {
		if b.Result == nil || b.Result.Fields["run"] != "PROOF" {
			continue
		}
		body, stale := strings.CutPrefix(b.Result.Body, staleNote+"\n\n")
		there[body]++
		of := slices.IndexFunc(edits, func(e Edit) bool { return e.Markdown == body })
		if of < 0 {
			t.Fatalf("%s has the result %q, which was not written", b.Name, b.Result.Body)
		}
		e := edits[of].Block
		if byName := e.Named && b.Named && e.Name == b.Name && e.Kind == b.Kind; !byName && e.Hash != b.Hash {
			t.Fatalf("%s has the result of %s\n%q", b.Name, e.Name, out)
		}
		if stale != (e.Hash != b.Hash) {
			t.Fatalf("that the text of %s is another one is said: %v\n%q", b.Name, stale, out)
		}
	}
	for _, e := range gone {
		there[e.Markdown]++
	}
	for _, e := range edits {
		if there[e.Markdown] == 0 {
			t.Fatalf("the result of %s is neither there nor lost\nplanned %q\nnow %q\nout %q", e.Block.Name, planned, now, out)
		}
	}
	return len(gone)
}

// revised is a document as somebody leaves it who works on its prose.
func revised(r *rand.Rand, src []byte) []byte {
	var out []byte
	for _, line := range bytes.SplitAfter(src, []byte("\n")) {
		switch text := string(line); {
		case strings.HasPrefix(text, "# Heading"):
			out = append(out, "# Renamed\n"...)
			continue
		case strings.HasPrefix(text, "a word") && r.IntN(2) == 0:
			out = append(out, "another word\n\nand a paragraph\n"...)
			continue
		}
		out = append(out, line...)
	}
	return append([]byte("A paragraph above.\n\n"), out...)
}

func TestResultsIntoEditedDocuments(t *testing.T) {
	results, lost := 0, 0
	for seed := range 200 {
		r := rand.New(rand.NewPCG(uint64(seed), 11))
		src := generate(r)
		src = src[bom(src):]
		if frontMatterEnd(src) > 0 {
			continue // a paragraph above would make text of it
		}
		open := 0
		for _, b := range structure("", src).blocks {
			results++
			if !b.closed {
				open++
			}
		}
		if gone := proveEdited(t, src, revised(r, src)); gone > open {
			lost += gone - open
			t.Logf("seed %d: %d results are lost: %q", seed, gone-open, src)
		}
		proveEdited(t, src, generate(r)) // another document
	}
	t.Logf("%d results, %d lost", results, lost)
	if results < 500 || lost > results/50 {
		t.Errorf("%d results, %d lost", results, lost)
	}
}

func FuzzEdited(f *testing.F) {
	for seed := range 10 {
		r := rand.New(rand.NewPCG(uint64(seed), 13))
		src := generate(r)
		f.Add(src, revised(r, src))
		f.Add(src, generate(r))
	}
	f.Add([]byte("```sh { run name=a }\nx\n```\n\n```sh { run name=b }\nx\n```\n"), []byte("```sh { run name=b }\nx\n```\n"))
	f.Add([]byte("```sh { run }\nx\n```\n\n```sh { run }\nx\n```\n"), []byte("```sh { run }\nx\n```\n"))
	f.Fuzz(func(t *testing.T, planned, now []byte) { proveEdited(t, planned, now) })
}

// FuzzUpdate writes results into a file, through a link or not: the file holds
// what Splice says, with its mode, and nothing is left beside it.
func FuzzUpdate(f *testing.F) {
	for seed := range 10 {
		f.Add(generate(rand.New(rand.NewPCG(uint64(seed), 17))), uint16(0o600+seed), seed%2 == 0)
	}
	all := f.TempDir()
	f.Fuzz(func(t *testing.T, src []byte, mode uint16, linked bool) {
		folder, err := os.MkdirTemp(all, "")
		if err != nil {
			t.Fatal(err)
		}
		defer os.RemoveAll(folder)
		path, name := filepath.Join(folder, "x.md"), filepath.Join(folder, "x.md")
		if err := os.WriteFile(path, src, 0o600); err != nil {
			t.Fatal(err)
		}
		want := os.FileMode(mode)&0o777 | 0o400
		if err := os.Chmod(path, want); err != nil {
			t.Fatal(err)
		}
		files := []string{"x.md"}
		if linked {
			name, files = filepath.Join(folder, "link"), []string{"link", "x.md"}
			if err := os.Symlink("x.md", name); err != nil {
				t.Fatal(err)
			}
		}
		edits := results(Parse(name, src), "**ok**")
		expected, _ := Splice(src, "head", edits)
		if _, err := Update(name, "head", edits, nil); err != nil {
			t.Fatal(err)
		}
		if got := contents(t, path); got != string(expected) {
			t.Fatalf("the file holds %q, want %q", got, expected)
		}
		info, err := os.Lstat(path)
		if err != nil || info.Mode() != want {
			t.Fatalf("the file has %v, want %v: %v", info.Mode(), want, err)
		}
		alone(t, folder, files...)
	})
}
