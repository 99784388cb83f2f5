package markdown

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/text"

	"stet/runbook"
)

// bodies are results that try to reach beyond their region.
var bodies = []string{
	"**ok** on `r1` · 0.13 s\n\n```diff\n+ link br0 linux-bridge mtu 1500 up\n```",
	"| target | status |\n|---|---|\n| r1 | ok |\n\n<details><summary>r1</summary>\n\n````text\n```\n<!-- /stet:result name=a -->\n~~~\n````\n\n</details>",
	"```text\nnever closed",
	"<!-- never closed",
	"<details>\n<summary>x</summary>",
	"<!-- /stet:result name=b0 -->\n\nout",
	"<!-- stet:result name=other -->\n\nin\n\n<!-- /stet:result name=other -->",
	"[foo]: /stolen\n[ref]: /stolen",
	"- a\n\n  - b\n\n        code\n> quote\nlazy",
	"text\n\n\tcode with a tab\n\n~~~\n\ttab\n   three\n\n\n~~~\n",
	"one\r\ntwo\rthree\xff\n\n   \n",
	"---\n===\n# heading\n***",
	"<pre>\nopen",
	"- [ ] not a step\n\n```netconfig\nnot: a step\n```",
}

// examples are the documents of CommonMark's specification.
var examples = sync.OnceValues(func() ([]string, error) {
	folder, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/yuin/goldmark").Output()
	if err != nil {
		return nil, err
	}
	if len(bytes.TrimSpace(folder)) == 0 {
		return nil, errors.New("goldmark is not in the module cache: run go mod download")
	}
	text, err := os.ReadFile(filepath.Join(strings.TrimSpace(string(folder)), "_test", "spec.json"))
	if err != nil {
		return nil, err
	}
	var list []struct{ Markdown string }
	err = json.Unmarshal(text, &list)
	var out []string
	for _, e := range list {
		out = append(out, e.Markdown)
	}
	return out, err
})

// stepped makes a step of every fence, and of every list item that starts
// with a paragraph.
func stepped(src string) string {
	infos := []string{"sh { run name=b%d }", "netconfig", "check {#b%d}", `python {"run": true, "name": "b%d"}`, "bash { run }"}
	t := parseTree([]byte(src))
	var list []replacement
	n := 0
	_ = ast.Walk(t.root, func(node ast.Node, entering bool) (ast.WalkStatus, error) {
		if !entering {
			return ast.WalkContinue, nil
		}
		switch node.Kind() {
		case ast.KindFencedCodeBlock:
			f := t.fences[node]
			at := f.open.Start
			for strings.IndexByte(" \t", src[at]) >= 0 {
				at++
			}
			for c := src[at]; at < len(src) && src[at] == c; at++ {
			}
			end := at
			for end < len(src) && src[end] != '\n' {
				end++
			}
			info := infos[n%len(infos)]
			if strings.Contains(info, "%d") {
				info = fmt.Sprintf(info, n)
			}
			list = append(list, replacement{span{Start: at, End: end}, info})
			n++
		case ast.KindListItem:
			if c := node.FirstChild(); c != nil && (c.Kind() == ast.KindParagraph || c.Kind() == ast.KindTextBlock) && c.Lines().Len() > 0 {
				at := c.Lines().At(0).Start
				list = append(list, replacement{span{Start: at, End: at}, "[ ] "})
			}
		}
		return ast.WalkContinue, nil
	})
	return string(splice([]byte(src), list))
}

// dressed are the ways to write the same document.
func dressed(src string) map[string]string {
	lines := strings.SplitAfter(src, "\n")
	if lines[len(lines)-1] == "" {
		lines = lines[:len(lines)-1]
	}
	join := func(first, rest string) string { return first + strings.Join(lines, rest) }
	mixed := ""
	for i, l := range lines {
		if i%2 == 0 {
			l = strings.Replace(l, "\n", "\r\n", 1)
		}
		mixed += l
	}
	return map[string]string{
		"plain":        src,
		"crlf":         strings.ReplaceAll(src, "\n", "\r\n"),
		"mixed":        mixed,
		"no-newline":   strings.TrimSuffix(src, "\n"),
		"crlf-no-end":  strings.TrimSuffix(strings.ReplaceAll(src, "\n", "\r\n"), "\r\n"),
		"bom":          "\uFEFF" + src,
		"front-matter": "---\ntitle: x\n---\n" + src,
		"quote":        join("> ", "> "),
		"tight-quote":  join(">", ">"),
		"item":         join("- ", "  "),
		"wide-item":    join("1234)    ", "         "),
		"tab-item":     join("-\t", "\t"),
		"quote-item":   join("> 1. > ", ">    > "),
		"before":       "# Head\n\ntext\n\n" + src,
		"after":        src + "\nend\n===\n",
		"twice":        src + "\n\n" + src,
	}
}

// leaves lists the leaf blocks that goldmark's own parser sees.
func leaves(src []byte) []string {
	root := parser.NewParser(parser.WithBlockParsers(parser.DefaultBlockParsers()...),
		parser.WithParagraphTransformers(parser.DefaultParagraphTransformers()...)).Parse(text.NewReader(src))
	var out []string
	_ = ast.Walk(root, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		if !entering || n.Type() != ast.TypeBlock || n.Lines() == nil {
			return ast.WalkContinue, nil
		}
		kind := n.Kind().String()
		switch n.Kind() {
		case ast.KindDocument, ast.KindList, ast.KindListItem, ast.KindBlockquote:
			return ast.WalkContinue, nil
		case ast.KindTextBlock:
			kind = ast.KindParagraph.String()
		}
		var b strings.Builder
		for i := range n.Lines().Len() {
			line := n.Lines().At(i)
			b.Write(line.Value(src))
		}
		body := strings.NewReplacer("\r\n", "\n", "[x]", "[ ]").Replace(b.String())
		out = append(out, kind+": "+strings.TrimRight(body, "\n"))
		return ast.WalkSkipChildren, nil
	})
	return out
}

// missing is the first of wanted that does not stand in got, in order.
func missing(wanted, got []string) string {
	for _, w := range wanted {
		for len(got) > 0 && got[0] != w {
			got = got[1:]
		}
		if len(got) == 0 {
			return w
		}
		got = got[1:]
	}
	return ""
}

// tally counts what a property test has seen.
type tally struct{ documents, blocks, results, unclosed, lost int }

// prove checks every invariant on one document.
func prove(t testing.TB, src []byte, seed int, count *tally) {
	t.Helper()
	before := Parse("x.md", src)
	for _, d := range before.Diagnostics {
		if d.Span.Start < 0 || d.Span.End < d.Span.Start || d.Span.End > len(src) || d.Start.Line < 1 || d.Start.Column < 1 || d.Summary == "" || d.Code == "" {
			t.Fatalf("diagnostic without a good place: %+v", d)
		}
		if d.Start != Position(src, d.Span.Start) {
			t.Fatalf("diagnostic %q at %v, its span at %v", d.Summary, d.Start, Position(src, d.Span.Start))
		}
	}
	closed := map[int]bool{}
	for i, b := range structure("", src).blocks {
		closed[i] = b.closed
	}
	var edits []Edit
	for i, b := range before.Blocks {
		e := Edit{Block: b, Markdown: bodies[(seed+i)%len(bodies)], Run: "PROOF", Status: runbook.OK}
		if b.Kind == runbook.Manual {
			e.Tick = &runbook.Answer{Done: true, By: "ops", At: time.Unix(0, 0)}
		}
		edits = append(edits, e)
	}
	out, lost := Splice(src, bodies[seed%len(bodies)], edits)
	count.documents++
	count.blocks += len(edits)
	for _, e := range lost {
		if closed[e.Block.Ordinal] {
			count.lost++
		} else {
			count.unclosed++
		}
	}
	after := Parse("x.md", out)
	proveBlocks(t, src, out, before, after)
	proveResults(t, out, before, after, edits, lost, count)
	proveBytes(t, src, out)
	if again, _ := Splice(out, bodies[seed%len(bodies)], edits); !bytes.Equal(again, out) {
		t.Fatalf("writing twice differs from writing once\n%q\nonce  %q\ntwice %q", src, out, again)
	}
	var anew []Edit
	for i, e := range edits {
		e.Block, e.Markdown = after.Blocks[i], "anew"
		anew = append(anew, e)
	}
	rerun, _ := Splice(out, "anew", anew)
	if !bytes.Equal(Strip(rerun), Strip(src)) {
		t.Fatalf("after a rerun, stripping does not give back the original\n%q\n%q", src, rerun)
	}
	if got := Format(out, FormatOptions{}); !bytes.Equal(got, out) {
		t.Fatalf("formatting changes what was just written\n%q\n%q", out, got)
	}
	tidy := Format(out, FormatOptions{Attributes: true, Spellings: true})
	if again := Format(tidy, FormatOptions{Attributes: true, Spellings: true}); !bytes.Equal(again, tidy) {
		t.Fatalf("formatting twice differs\n%q\n%q", tidy, again)
	}
}

func proveBlocks(t testing.TB, src, out []byte, before, after *runbook.Document) {
	t.Helper()
	if len(before.Blocks) != len(after.Blocks) {
		t.Fatalf("%d blocks before, %d after\n%q\n%q", len(before.Blocks), len(after.Blocks), src, out)
	}
	for i, a := range before.Blocks {
		b := after.Blocks[i]
		if a.Kind != b.Kind || a.Name != b.Name || a.Body != b.Body || a.Hash != b.Hash || a.Heading != b.Heading || a.Prefix != b.Prefix {
			t.Fatalf("block %d changed\n%+v\n%+v\n%q\n%q", i, a, b, src, out)
		}
	}
}

func proveResults(t testing.TB, out []byte, before, after *runbook.Document, edits, lost []Edit, count *tally) {
	t.Helper()
	gone := map[int]bool{}
	for _, e := range lost {
		gone[e.Block.Ordinal] = true
	}
	for i, e := range edits {
		r := after.Blocks[i].Result
		switch {
		case gone[i] && (before.Blocks[i].Result == nil) != (r == nil):
			t.Fatalf("the lost result of %s changed the document: %q", e.Block.Name, out)
		case gone[i]:
			continue
		case r == nil:
			t.Fatalf("%s has no result: %q", e.Block.Name, out)
		case r.Edited || r.Fields["name"] != e.Block.Name || r.Fields["run"] != "PROOF" || r.Fields["status"] != "ok":
			t.Fatalf("result of %s: %+v", e.Block.Name, r)
		case r.Body != cleanBody(safeBody(e.Markdown)):
			t.Fatalf("result of %s holds %q", e.Block.Name, r.Body)
		case e.Tick != nil && !after.Blocks[i].Ticked:
			t.Fatalf("%s is not ticked: %q", e.Block.Name, out)
		}
		count.results++
	}
}

// proveBytes looks at the bytes, with nothing of this package's parser.
func proveBytes(t testing.TB, src, out []byte) {
	t.Helper()
	if original := Strip(src); !bytes.Equal(Strip(out), original) {
		t.Fatalf("stripping does not give back the original\nwant %q\ngot  %q\nfrom %q", original, Strip(out), out)
	}
	if bytes.Contains(src, []byte("stet:re")) {
		return // the rest is for documents without regions
	}
	if bom(src) != bom(out) {
		t.Fatalf("the byte order mark went: %q", out)
	}
	src, out = src[bom(src):], out[bom(out):]
	untick := func(b []byte) []string {
		return strings.SplitAfter(strings.NewReplacer("[x]", "[ ]", "[X]", "[ ]").Replace(string(b)), "\n")
	}
	a, b := untick(src), untick(out)
	if n := len(a) - 1; !strings.HasSuffix(a[n], "\n") { // the end of the file
		a, b = a[:n], append(b, a[n])
	}
	if line := missing(a, b); line != "" {
		t.Fatalf("the line %q is not in the outcome\n%q\n%q", line, src, out)
	}
	if leaf := missing(leaves(src[frontMatterEnd(src):]), leaves(out[frontMatterEnd(out):])); leaf != "" {
		t.Fatalf("what was %q is something else now\n%q\n%q", leaf, src, out)
	}
}

func TestInvariantsOnSpecification(t *testing.T) {
	list, err := examples()
	if err != nil {
		t.Fatal(err)
	}
	if len(list) < 600 {
		t.Fatalf("only %d examples", len(list))
	}
	var count tally
	for i, example := range list {
		for name, src := range dressed(example) {
			t.Run(fmt.Sprintf("%d/%s", i+1, name), func(t *testing.T) {
				prove(t, []byte(stepped(src)), i, &count)
			})
		}
	}
	t.Logf("%+v", count)
	if count.results < 3500 || count.lost > 0 {
		t.Errorf("of %d blocks %d could not be placed", count.blocks, count.lost)
	}
}

func TestInvariantsOnGenerated(t *testing.T) {
	var count tally
	for seed := range 400 {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			prove(t, generate(rand.New(rand.NewPCG(uint64(seed), 7))), seed, &count)
		})
	}
	t.Logf("%+v", count)
	if count.results < 2500 || count.lost > 0 {
		t.Errorf("of %d blocks %d could not be placed", count.blocks, count.lost)
	}
}

func FuzzSplice(f *testing.F) {
	list, err := examples()
	if err != nil {
		f.Fatal(err)
	}
	for i, example := range list {
		if strings.ContainsAny(example, "`~") || i%10 == 0 {
			f.Add([]byte(stepped(example)), i)
		}
	}
	for seed := range 20 {
		f.Add(generate(rand.New(rand.NewPCG(uint64(seed), 9))), seed)
	}
	f.Fuzz(func(t *testing.T, src []byte, seed int) {
		if seed < 0 {
			seed = -(seed + 1)
		}
		var count tally
		prove(t, src, seed%len(bodies), &count)
	})
}
