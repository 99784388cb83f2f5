package markdown

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"stet/runbook"
)

// results are edits for all blocks of a document.
func results(d *runbook.Document, text string) []Edit {
	var out []Edit
	for _, b := range d.Blocks {
		out = append(out, Edit{Block: b, Markdown: text + " " + b.Name, Run: "R1", Status: runbook.OK})
	}
	return out
}

func TestSpliceShows(t *testing.T) {
	src := "# Head\n\n1. Do it:\n   ```sh { run name=do }\n   true\n   ```\n2. [ ] Call the NOC\n"
	d := Parse("x.md", []byte(src))
	edits := results(d, "**ok**")
	edits[1].Markdown = ""
	edits[1].Tick = &runbook.Answer{Done: true, By: "vb", At: time.Date(2026, 11, 21, 22, 1, 3, 0, time.UTC), Note: "Anna took it."}
	out, lost := Splice([]byte(src), "All is well.", edits)
	if len(lost) > 0 {
		t.Fatalf("lost: %+v", lost)
	}
	want := `<!-- stet:report sha256=` + bodyHash("All is well.") + ` -->

All is well.

<!-- /stet:report -->

# Head

1. Do it:
   ` + "```sh { run name=do }" + `
   true
   ` + "```" + `

   <!-- stet:result name=do run=R1 status=ok sha256=` + bodyHash("**ok** do") + ` -->

   **ok** do

   <!-- /stet:result name=do -->
2. [x] Call the NOC

   <!-- stet:result name=manual-1 run=R1 status=ok box=open sha256=` + bodyHash("**done** by vb · 2026-11-21 22:01:03Z\n\nAnna took it.") + ` -->

   **done** by vb · 2026-11-21 22:01:03Z

   Anna took it.

   <!-- /stet:result name=manual-1 -->
`
	if diff := cmp.Diff(want, string(out)); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if got := string(Strip(out)); got != src {
		t.Errorf("stripped: %q", got)
	}
	untouched, _ := Splice(out, "", []Edit{{Block: d.Blocks[0]}})
	if got := Parse("x.md", untouched); got.Blocks[0].Result != nil || got.Blocks[1].Result == nil || got.Report == nil {
		t.Errorf("an empty edit removes one result: %s", untouched)
	}
}

// TestSpliceInto writes results into documents that were edited after the
// blocks had been read.
func TestSpliceInto(t *testing.T) {
	const src = "# A\n\n```sh { run name=one }\n1\n```\n\n## B\n\n```sh { run }\nsame\n```\n\n```check\nlinks\n```\n\n## C\n\n```sh { run }\nsame\n```\n\n- [ ] call\n"
	for _, test := range []struct {
		name string
		edit func(string) string
		lost string // names
		want string // name → first word of its body, in the document's order
	}{
		{"nothing", func(s string) string { return s }, "", "one=1 run-2=same check-1=links run-3=same manual-1=call"},
		{"prose", func(s string) string { return strings.Replace(s, "# A\n", "# New\n\ntext\n\n- item\n\n", 1) }, "", "one=1 run-2=same check-1=links run-3=same manual-1=call"},
		{"a heading renamed", func(s string) string { return strings.Replace(s, "## C", "## D", 1) }, "", "one=1 run-2=same check-1=links run-3=same manual-1=call"},
		{"a named block edited", func(s string) string { return strings.Replace(s, "1\n", "one\n", 1) }, "", "stale one=one run-2=same check-1=links run-3=same manual-1=call"},
		{"a named block renamed", func(s string) string { return strings.Replace(s, "name=one", "name=uno", 1) }, "", "one=1 run-2=same check-1=links run-3=same manual-1=call"},
		{"an unnamed block edited", func(s string) string { return strings.Replace(s, "links", "links ", 1) }, "check-1", "one=1 run-2=same run-3=same manual-1=call"},
		{"a block moved", func(s string) string {
			check := "```check\nlinks\n```\n\n"
			return check + strings.Replace(s, check, "", 1)
		}, "", "check-1=links one=1 run-2=same run-3=same manual-1=call"},
		{"a block inserted", func(s string) string { return "```sh { run }\nnew\n```\n\n" + s }, "", "one=1 run-2=same check-1=links run-3=same manual-1=call"},
		{"one of two equals removed", func(s string) string { return strings.Replace(s, "```sh { run }\nsame\n```\n", "", 1) }, "run-2", "one=1 check-1=links run-3=same manual-1=call"},
		{"an equal added", func(s string) string { return "```sh { run }\nsame\n```\n" + s }, "", "one=1 run-2=same check-1=links run-3=same manual-1=call"},
		{"into a quote", func(s string) string { return "> " + strings.ReplaceAll(s, "\n", "\n> ") }, "", "one=1 run-2=same check-1=links run-3=same manual-1=call"},
		{"everything gone", func(string) string { return "" }, "one run-2 check-1 run-3 manual-1", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			edits := results(Parse("x.md", []byte(src)), "result of")
			edited := test.edit(src)
			out, lost := Splice([]byte(edited), "", edits)
			var names, got []string
			for _, e := range lost {
				names = append(names, e.Block.Name)
			}
			for _, b := range Parse("x.md", out).Blocks {
				if b.Result != nil {
					body := strings.Replace(b.Result.Body, staleNote+"\n\nresult of ", "stale ", 1)
					got = append(got, strings.TrimPrefix(body, "result of ")+"="+strings.TrimSpace(b.Body))
				}
			}
			if strings.Join(names, " ") != test.lost || strings.Join(got, " ") != test.want {
				t.Errorf("lost %q, want %q\nresults %q\nwant    %q\n%s", names, test.lost, got, test.want, out)
			}
			if string(Strip(out)) != edited {
				t.Errorf("the edit was lost:\n%s", out)
			}
		})
	}
}

func TestEditedRegion(t *testing.T) {
	src := []byte("> ```check { name=a }\n> true\n> ```\n")
	out, _ := Splice(src, "", results(Parse("x.md", src), "**ok**"))
	for _, test := range []struct {
		from, to string
		want     bool
	}{
		{"**ok**", "**failed**", true},
		{"**ok** a\n", "**ok** a  \n", false},
		{"> \n", ">\n", false},
		{"\n", "\r\n", false},
	} {
		text := strings.ReplaceAll(string(out), test.from, test.to)
		d := Parse("x.md", []byte(text))
		warned := strings.Contains(faults(d), "warning edited-region: this was changed after stet wrote it")
		if d.Blocks[0].Result == nil || d.Blocks[0].Result.Edited != test.want || warned != test.want {
			t.Errorf("%q → %q: %+v", test.from, test.to, d.Blocks[0].Result)
		}
		if got := Format([]byte(text), FormatOptions{}); Parse("x.md", got).Blocks[0].Result.Edited != test.want {
			t.Errorf("formatting hides that the region was edited:\n%s", got)
		}
	}
}

func TestOrphans(t *testing.T) {
	src := "```check { name=a }\ntrue\n```\n\n```check { name=b }\ntrue\n```\n"
	out, _ := Splice([]byte(src), "", results(Parse("x.md", []byte(src)), "**ok**"))
	moved := strings.Replace(string(out), "```check { name=a }\ntrue\n```\n", "text\n", 1) + "\n```check { name=a }\ntrue\n```\n"
	d := Parse("x.md", []byte(moved))
	if len(d.Orphans) != 1 || d.Orphans[0].Fields["name"] != "a" || d.Blocks[0].Result == nil || d.Blocks[1].Result != nil {
		t.Fatalf("orphans: %+v", d.Orphans)
	}
	again, lost := Splice([]byte(moved), "", results(d, "**again**"))
	if d := Parse("x.md", again); len(lost) > 0 || len(d.Orphans) > 0 || d.Blocks[1].Result == nil {
		t.Errorf("a rerun replaces the old result of a block that moved:\n%s", again)
	}
}

// TestTwinIsNotTheNamesake removes a block whose content another one has: its
// result must be lost, not take the other one's place.
func TestTwinIsNotTheNamesake(t *testing.T) {
	const a, b = "# H\n\n```sh { run name=a }\nsame\n```\n", "```sh { run name=b }\nsame\n```\n"
	edits := results(Parse("x.md", []byte(a+"\n"+b)), "result of")
	for _, order := range [][]Edit{{edits[0], edits[1]}, {edits[1], edits[0]}} {
		out, lost := Splice([]byte("# H\n\n"+b), "", order)
		if len(lost) != 1 || lost[0].Block.Name != "a" || !strings.Contains(string(out), "result of b") {
			t.Errorf("lost %+v\n%s", lost, out)
		}
	}
	// The same where only the result of one is written.
	for i, edits := range map[string][]Edit{"a": edits[:1], "run-1": results(Parse("x.md", []byte("```sh { run }\nsame\n```\n\n```sh { run }\nsame\n```\n")), "result of")[:1]} {
		now := "# H\n\n" + b
		if i != "a" {
			now = "```sh { run }\nsame\n```\n"
		}
		if out, lost := Splice([]byte(now), "", edits); len(lost) != 1 || lost[0].Block.Name != i || string(out) != now {
			t.Errorf("lost %+v\n%s", lost, out)
		}
	}
	// Two results of one block: the later one counts, and none is lost.
	again := edits[1]
	again.Markdown = "later"
	out, lost := Splice([]byte(a+"\n"+b), "", []Edit{edits[0], edits[1], again})
	if len(lost) > 0 || strings.Contains(string(out), "result of b") || !strings.Contains(string(out), "later") {
		t.Errorf("lost %+v\n%s", lost, out)
	}
}

// TestUnclosedRegion keeps what follows a marker whose end was deleted.
func TestUnclosedRegion(t *testing.T) {
	src := "```check { name=a }\ntrue\n```\n\n<!-- stet:result name=a run=R0 status=ok -->\n\nnotes of somebody\n\n```check { name=b }\ntrue\n```\n"
	d := Parse("x.md", []byte(src))
	if len(d.Blocks) != 2 || d.Blocks[0].Result != nil {
		t.Fatalf("%+v", d.Blocks)
	}
	out, lost := Splice([]byte(src), "head", results(d, "**ok**"))
	if len(lost) > 0 || !strings.Contains(string(out), "notes of somebody") {
		t.Errorf("lost %v\n%s", lost, out)
	}
}

func TestFormat(t *testing.T) {
	src := "---\ntitle: x\n---\n<!-- stet:report   sha256=0 -->\nhead\n<!-- /stet:report -->\n\n```netconfig {name=up   on='a'  cwd=\"x y\"}\n```\n<!--   stet:result   name=up    status=ok -->\n**ok**\n\n\n<!-- /stet:result   name=up -->\ntext  \n\n``` {.check #c}\n```\n\n~~~sh {\"run\": true, \"name\": \"j\"}\n~~~\n\n* [ ] call {#noc   on=a}\n\n```sh{run}\n```\n"
	want := "---\ntitle: x\n---\n\n<!-- stet:report sha256=0 -->\n\nhead\n\n<!-- /stet:report -->\n\n```netconfig {name=up   on='a'  cwd=\"x y\"}\n```\n\n<!-- stet:result name=up status=ok sha256=" + bodyHash("**ok**") + " -->\n\n**ok**\n\n<!-- /stet:result name=up -->\ntext  \n\n``` {.check #c}\n```\n\n~~~sh {\"run\": true, \"name\": \"j\"}\n~~~\n\n* [ ] call {#noc   on=a}\n\n```sh{run}\n```\n"
	if diff := cmp.Diff(want, string(Format([]byte(src), FormatOptions{}))); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	want = strings.NewReplacer("{name=up   on='a'  cwd=\"x y\"}", "{ name=up on=a cwd=\"x y\" }", "{#noc   on=a}", "{ #noc on=a }", "sh{run}", "sh { run }").Replace(want)
	if diff := cmp.Diff(want, string(Format([]byte(src), FormatOptions{Attributes: true}))); diff != "" {
		t.Errorf("with attributes (-want +got)\n%s", diff)
	}
	want = strings.NewReplacer("{ #noc on=a }", "{ name=noc on=a }", "{\"run\": true, \"name\": \"j\"}", "{ run name=j }", " {.check #c}", "check { name=c }").Replace(want)
	if diff := cmp.Diff(want, string(Format([]byte(src), FormatOptions{Attributes: true, Spellings: true}))); diff != "" {
		t.Errorf("with spellings (-want +got)\n%s", diff)
	}
}
