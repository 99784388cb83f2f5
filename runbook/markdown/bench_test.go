package markdown

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"stet/runbook"
)

// large writes a runbook of a number of blocks, 1 KiB each with the prose
// around them, in all the places where blocks stand.
func large(blocks int) []byte {
	var b strings.Builder
	b.WriteString("---\ntitle: large\ntargets: {here: local}\n---\n\n")
	prose := strings.Repeat("What is done here, and *why*: see [the plan](https://example.net/plan). ", 10)
	for i := range blocks {
		fmt.Fprintf(&b, "## Step %d\n\n%s\n\n", i, prose)
		switch i % 5 {
		case 0:
			fmt.Fprintf(&b, "```netconfig { name=n%d }\ninterfaces:\n  - {name: br%d, type: linux-bridge, state: up}\n```\n\n", i, i)
		case 1:
			b.WriteString("```check\nlink(\"br0\").up\n```\n\n")
		case 2:
			fmt.Fprintf(&b, "- a list\n\n  ```sh { run name=r%d }\n  echo %d\n  ```\n\n", i, i)
		case 3:
			fmt.Fprintf(&b, "> ~~~rollback\n> ip link delete br%d\n> ~~~\n\n", i)
		case 4:
			fmt.Fprintf(&b, "1. [ ] Call the NOC about step %d\n\n", i)
		}
		fmt.Fprintf(&b, "| port | state |\n|---|---|\n%s\n", strings.Repeat("| eth0 | forwarding, as it was |\n", 6))
	}
	return []byte(b.String())
}

// outcomes are results of the usual size for all blocks.
func outcomes(d *runbook.Document) []Edit {
	edits := make([]Edit, 0, len(d.Blocks))
	for _, b := range d.Blocks {
		edits = append(edits, Edit{Block: b, Run: "01JD0000000000000000000000", Status: runbook.OK,
			Markdown: "**ok** on `here` · 22:01:03Z, 0.13 s · confirmed 22:01:09Z\n\n```diff\n+ link br0 linux-bridge mtu 1500 up\n```"})
	}
	return edits
}

// BenchmarkRunbook parses a runbook, writes a result for every block of it,
// and the same again over those. At 10,000 blocks it has 10 MiB; MB/s stay
// the same at twice and four times the size when the time is linear.
func BenchmarkRunbook(b *testing.B) {
	for _, times := range []int{1, 2, 4} {
		src := large(times * 10_000)
		d := Parse("large.md", src)
		if len(d.Blocks) != times*10_000 || d.Diagnostics != nil {
			b.Fatalf("%d blocks, %v", len(d.Blocks), d.Diagnostics)
		}
		edits := outcomes(d)
		out, lost := Splice(src, "**ok**", edits)
		if len(lost) > 0 {
			b.Fatalf("%d results are lost", len(lost))
		}
		run := func(name string, size int, work func()) {
			b.Run(fmt.Sprintf("%s/%dx", name, times), func(b *testing.B) {
				b.SetBytes(int64(size))
				b.ReportAllocs()
				for b.Loop() {
					work()
				}
			})
		}
		run("parse", len(src), func() { Parse("large.md", src) })
		run("write", len(src), func() { Splice(src, "**ok**", edits) })
		run("rewrite", len(out), func() { Splice(out, "**ok**", edits) })
		run("strip", len(out), func() { Strip(out) })
		run("format", len(out), func() { Format(out, FormatOptions{Attributes: true}) })
		path := filepath.Join(b.TempDir(), "large.md")
		run("update", len(src), func() {
			if err := os.WriteFile(path, src, 0o600); err != nil {
				b.Fatal(err)
			}
			if _, err := Update(path, "**ok**", edits, nil); err != nil {
				b.Fatal(err)
			}
		})
	}
}

// TestLinear compares the time for a document with that for one of four times
// its size. Four is linear, sixteen quadratic; the best of three tries counts,
// as the machine may have other things to do.
func TestLinear(t *testing.T) {
	small, big := large(1000), large(4000)
	work := func(src []byte) time.Duration {
		best := time.Hour
		for range 3 {
			runtime.GC()
			start := time.Now()
			d := Parse("large.md", src)
			out, lost := Splice(src, "**ok**", outcomes(d))
			if len(lost) > 0 || len(Strip(out)) != len(src) {
				t.Fatalf("%d results are lost", len(lost))
			}
			best = min(best, time.Since(start))
		}
		return best
	}
	one, four := work(small), work(big)
	t.Logf("1x %v, 4x %v", one, four)
	if four > 9*one {
		t.Errorf("four times the document takes %.1f times as long", float64(four)/float64(one))
	}
}
