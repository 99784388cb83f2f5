package e2e

import (
	"context"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"stet/runbook/markdown"
)

const sleeping = `---
title: An edit while it runs
targets: {box: sandbox}
---

# An edit while it runs

Some prose.

## A heading

` + "```sh { run name=first }\necho first-output\n```\n\n```sh { run name=sleep }\ntouch %WAIT%\nwhile test -e %WAIT% -a ! -e %GO%; do sleep 0.05; done\necho slept-output\n```\n\nMore prose.\n\n```check { name=last }\nlink(\"lo\").exists\n```\n"

// TestEditDuringRun edits the prose, adds a paragraph above and renames a
// heading while a step sleeps, in the way that two kinds of editors save.
func TestEditDuringRun(t *testing.T) {
	for _, save := range []string{"in-place", "by-rename"} {
		t.Run(save, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, "")
			wait, goon := filepath.Join(b.dir, "wait"), filepath.Join(b.dir, "go")
			doc := b.write("runbook.md", strings.NewReplacer("%WAIT%", wait, "%GO%", goon).Replace(sleeping))
			_, end := b.start(nil, "run", "--yes", doc)
			await(t, wait)
			edited := strings.NewReplacer("Some prose.", "A new paragraph above.\n\nSome changed prose.",
				"## A heading", "## Another heading", "More prose.", "Much more prose.", "echo slept-output", "echo other words").Replace(b.read(doc))
			b.save(save, doc, edited)
			b.write("go", "")
			if o := end(); o.code != 0 {
				t.Fatal(o)
			}
			now := b.read(doc)
			for _, want := range []string{"A new paragraph above.", "Some changed prose.", "## Another heading",
				"Much more prose.", "first-output", "echo other words", "\nslept-output\n", "**The block above was edited since.**"} {
				if !strings.Contains(now, want) {
					t.Errorf("%q is not in the document:\n%s", want, now)
				}
			}
			for _, gone := range []string{"## A heading", "Some prose."} {
				if strings.Contains(now, gone) {
					t.Errorf("the edit that removed %q was undone:\n%s", gone, now)
				}
			}
			b.isReport(doc, string(markdown.Strip([]byte(edited))))
		})
	}
}

// TestEditorWithOldText has ed(1) read the document before the run writes
// anything into it, and save that text over it in the middle of the run.
func TestEditorWithOldText(t *testing.T) {
	t.Parallel()
	program, err := exec.LookPath("ed")
	if err != nil {
		t.Skip("ed(1) is not installed")
	}
	b := newBench(t, "")
	wait, goon := filepath.Join(b.dir, "wait"), filepath.Join(b.dir, "go")
	doc := b.write("runbook.md", strings.NewReplacer("%WAIT%", wait, "%GO%", goon).Replace(sleeping))
	before := b.read(doc)
	ctx, cancel := context.WithTimeout(t.Context(), 2*patience)
	defer cancel()
	ed := exec.CommandContext(ctx, program, "-s", doc)
	commands, err := ed.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := ed.Start(); err != nil {
		t.Fatal(err)
	}
	tell := func(text string) {
		if _, err := io.WriteString(commands, text); err != nil {
			t.Errorf("telling ed: %v", err)
		}
	}
	tell("!touch " + filepath.Join(b.dir, "loaded") + "\n")
	await(t, filepath.Join(b.dir, "loaded"))
	_, end := b.start(nil, "run", "--yes", doc)
	await(t, wait)
	until(t, "the first result comes", func() bool { return strings.Contains(b.read(doc), "\nfirst-output\n") })
	tell("%s/Some prose/Some changed prose/\nw\nq\n")
	if err := ed.Wait(); err != nil {
		t.Fatalf("%s: %v", program, err)
	}
	edited := strings.Replace(before, "Some prose", "Some changed prose", 1)
	if now := b.read(doc); now != edited {
		t.Fatalf("ed did not save its old text:\n%s", now)
	}
	b.write("go", "")
	if o := end(); o.code != 0 {
		t.Fatal(o)
	}
	for _, want := range []string{"\nfirst-output\n", "\nslept-output\n"} {
		if !strings.Contains(b.read(doc), want) {
			t.Errorf("%q is not in the document:\n%s", want, b.read(doc))
		}
	}
	b.isReport(doc, edited)
}

func (b *bench) save(how, path, text string) {
	b.t.Helper()
	var err error
	if how == "in-place" {
		err = os.WriteFile(path, []byte(text), 0o644)
	} else {
		if err = os.WriteFile(path+"~new", []byte(text), 0o644); err == nil {
			err = os.Rename(path+"~new", path)
		}
	}
	if err != nil {
		b.t.Fatal(err)
	}
}

// await waits until a file is there.
func await(t testing.TB, path string) {
	t.Helper()
	until(t, path+" appears", func() bool { return exists(path) })
}
