package e2e

import (
	"path/filepath"
	"strings"
	"testing"
)

// interruptible waits in its first command, and then in the check of it.
const interruptible = "---\ntargets: {r1: \"ssh://r1\"}\ndefaults: {confirm: 60s}\n---\n\n" +
	"```sh { run name=work }\ntouch $LAB_DIR/began\nuntil test -e $LAB_DIR/go; do sleep 0.1; done\n```\n\n```rollback\ntouch $LAB_DIR/back\n```\n\n" +
	"```check { name=held }\nrun(\"touch $LAB_DIR/checking; until test -e $LAB_DIR/end; do sleep 0.1; done\").ok\n```\n"

// TestInterrupted: whoever reads the report learns what ended the operation, on
// the terminal, in the document and in the journal, whichever signal it was.
func TestInterrupted(t *testing.T) {
	needLab(t)
	for _, c := range []struct{ signal, at, says string }{
		{"INT", "began", "interrupted by SIGINT (Ctrl-C)"},
		{"TERM", "began", "interrupted by SIGTERM"},
		{"HUP", "checking", "interrupted by SIGHUP (as of a closed terminal)"},
	} {
		t.Run(c.signal, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, "")
			doc := b.write("doc.md", strings.ReplaceAll(interruptible, "$LAB_DIR", "/run/lab"))
			// A program that a shell starts in the background ignores SIGINT only if
			// it does not ask for it.
			o := b.script(`[ ` + c.at + ` = began ] || touch $LAB/go
"$STET" run --yes doc.md >out 2>err & pid=$!
n=0; until test -e $LAB/` + c.at + `; do n=$((n+1)); [ $n -lt 1200 ] || { cat err >&2; exit 70; }; sleep 0.1; done
kill -` + c.signal + ` $pid; code=0; wait $pid || code=$?
echo "run: $code"; test -e $LAB/back && echo back
touch $LAB/go $LAB/end`)
			if want := "run: 130\nback\n"; o.code != 0 || o.stdout != want {
				t.Fatalf("want %q: %v\n%s", want, o, b.read(filepath.Join(b.dir, "err")))
			}
			journals, err := filepath.Glob(filepath.Join(b.dir, "state/stet/operations/*/*/journal.jsonl"))
			if err != nil || len(journals) != 1 {
				t.Fatal(journals, err)
			}
			progress, text, summary := b.read(filepath.Join(b.dir, "err")), b.read(doc), b.read(filepath.Join(b.dir, "out"))
			wants(t, "the progress", progress, "stet: "+c.says+"; ending in order, undoing what was begun", "note        "+c.says+": undoing")
			wants(t, "the summary", summary, "aborted: "+c.says)
			wants(t, "the document", text, "**I"+c.says[1:]+".** Undone: `work` on `r1`.")
			for _, s := range []string{progress, text, summary, b.read(journals[0])} {
				if strings.Contains(s, "context canceled") {
					t.Errorf("a reader is told of a context:\n%s", s)
				}
			}
		})
	}
}

// TestInterruptedBefore: before anything has begun each verb ends at once, and says
// what ended it.
func TestInterruptedBefore(t *testing.T) {
	needLab(t)
	b := newBench(t, "")
	b.write("doc.md", oneHost)
	o := b.script(`kill -STOP $(cat $LAB/r1/pid)
for verb in "run --yes doc.md" "plan doc.md" "facts ssh://r1"; do
	"$STET" $verb 2>err & pid=$!
	n=0; until ss -H -t -n -N jump dst 10.77.1.11 | grep -q ESTAB; do n=$((n+1)); [ $n -lt 1200 ] || exit 70; sleep 0.1; done
	kill -TERM $pid; code=0; wait $pid || code=$?
	echo "$verb: $code"; tail -1 err
	n=0; while ss -H -t -n -N jump dst 10.77.1.11 | grep -q ESTAB; do n=$((n+1)); [ $n -lt 1200 ] || exit 71; sleep 0.1; done
done
kill -CONT $(cat $LAB/r1/pid)`)
	want := "run --yes doc.md: 130\nstet: interrupted by SIGTERM\nplan doc.md: 130\nstet: interrupted by SIGTERM\n" +
		"facts ssh://r1: 130\nstet: connecting to r1: interrupted by SIGTERM\n"
	if o.code != 0 || o.stdout != want {
		t.Errorf("want %q: %v", want, o)
	}
}
