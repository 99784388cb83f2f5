package apply

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"stet/executors"
	"stet/runbook"
	"stet/runbook/journal"
)

func TestRunSteps(t *testing.T) {
	for name, c := range map[string]struct {
		block string
		out   string
		fails string
	}{
		"variables":     {"```sh { run name=x env=A=b }\necho $mtu \"$name\" $A $STET_TARGET $STET_STEP\n```", "1400 two words b r1 x\n", ""},
		"stops":         {"```sh { run name=x }\nfalse\necho on\n```", "", "exit code 1"},
		"expected":      {"```sh { run name=x expect-exit=3,4 }\nexit 4\n```", "", ""},
		"not expected":  {"```sh { run name=x expect-exit=3,4 }\nexit 5\n```", "", "exit code 5, expected 3 4"},
		"stdin":         {"```sh { run name=x stdin=\"${name}\" }\ncat\n```", "two words\n", ""},
		"python":        {"```python { run name=x }\nimport os\nprint(os.environ['mtu'])\n```", "1400\n", ""},
		"by file":       {"```text { run name=x interpreter=\"sh -u\" }\necho file\n```", "file\n", ""},
		"file stdin":    {"```text { run name=x interpreter=\"sh -u\" stdin=given }\ncat\n```", "given\n", ""},
		"both outputs":  {"```sh { run name=x }\necho err >&2\n```", "err\n", ""},
		"timeout":       {"```sh { run name=x timeout=300ms }\nsleep 600 & sleep 600\n```", "", "timed out after 300ms; all processes of the step were ended"},
		"no such":       {"```sh { run name=x interpreter=\"./nosuchshell\" }\ntrue\n```", "stet: 5: ./nosuchshell: not found\n", "exit code 127"},
		"carriage":      {"```sh { run name=x }\nprintf '10%%\\r50%%\\r100%%\\n'\n```", "100%\n", ""},
		"colours":       {"```sh { run name=x }\nprintf '\\033[31mred\\033[0m \\033]0;title\\007x\\n'\n```", "red x\n", ""},
		"invalid UTF-8": {"```sh { run name=x }\nprintf 'a\\377b\\000c\\n'\n```", "a\\xffb\\x00c\n", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, c.block+"\n")
			start := time.Now()
			op, err := b.run()
			if time.Since(start) > time.Minute {
				t.Error("it was not ended in time")
			}
			b.check()
			o := outcome(t, op, "x", "r1")
			if c.fails == "" && err != nil || c.fails != "" && (!errors.Is(err, ErrRolledBack) || !strings.Contains(err.Error(), c.fails)) {
				t.Fatalf("%v", err)
			}
			if d := cmp.Diff(c.out, o.Output.Head); d != "" {
				t.Error(d)
			}
		})
	}
}

// The commands of checks and snapshots see what those of run blocks see.
func TestEnvironmentOfChecks(t *testing.T) {
	b := newBench(t, "```sh { run name=ask register=answer }\necho 42\n```\n\n"+
		"```snapshot { name=before }\nrun echo $STET_TARGET $STET_STEP $answer\n```\n\n"+
		"```check { name=held }\nrun(\"echo $STET_TARGET $STET_STEP $mtu $answer $STET_RUN\").out matches \"^r1 held 1400 42 [0-9A-Z]{26}$\"\n"+
		"before.output[\"echo $STET_TARGET $STET_STEP $answer\"].out == \"r1 before 42\"\n```\n")
	if op, err := b.run(); err != nil {
		t.Fatalf("%v %+v", err, op.Outcomes)
	}
	b.check()
}

// Of a line that does not end the view gets the beginning, and is told how much
// more there was; the file has all of it.
func TestLongLine(t *testing.T) {
	const long = 100000
	b := newBench(t, fmt.Sprintf("```sh { run name=x }\nprintf 'é%%%ds\\nshort\\n' x\nprintf '%%5000s\\n' y\n```\n", long))
	op, err := b.run()
	if err != nil {
		t.Fatal(err)
	}
	var shown []string
	for _, e := range b.events {
		if e.Kind == runbook.EventOutput {
			shown = append(shown, e.Text)
		}
	}
	want := []string{
		"é" + strings.Repeat(" ", longestShown-2) + " …", fmt.Sprintf("… %d bytes of this line not shown", long+2-longestShown), "short",
		strings.Repeat(" ", longestShown) + " …", fmt.Sprintf("… %d bytes of this line not shown", 5000-longestShown),
	}
	if d := cmp.Diff(want, shown); d != "" {
		t.Error(d)
	}
	dirs, err := journal.List(b.state, b.path)
	if err != nil {
		t.Fatal(err)
	}
	o := outcome(t, op, "x", "r1").Output
	whole, err := os.ReadFile(filepath.Join(dirs[0], o.File))
	if err != nil || len(whole) != long+2+1+6+5001 {
		t.Errorf("the file has %d bytes: %v", len(whole), err)
	}
}

func TestRegistersReachLaterSteps(t *testing.T) {
	b := newBench(t, "```sh { run name=ask register=answer }\necho '{\"mtu\": 1400}'\n```\n\n"+
		"```netconfig { name=use }\ninterfaces:\n  - name: eth0\n    mtu: ${answer.json.mtu}\n```\n\n"+
		"```check { name=held }\nlink(\"eth0\").mtu == answer.json.mtu\n```\n\n"+
		"```sh { run name=echo }\necho \"$answer\"\n```\n")
	op, err := b.run()
	if err != nil {
		t.Fatal(err)
	}
	b.check()
	if got := link(b.hosts["r1"].m.State(), "eth0").Attrs["mtu"]; got != "1400" {
		t.Errorf("mtu %s", got)
	}
	if got := outcome(t, op, "echo", "r1").Output.Head; got != "{\"mtu\": 1400}\n" {
		t.Errorf("%q", got)
	}
}

func TestRollbackBlocks(t *testing.T) {
	flag := filepath.Join(t.TempDir(), "flag")
	b := newBench(t, "```sh { run name=x }\ntouch "+flag+"; false\n```\n\n```rollback { name=back }\nrm "+flag+" && echo removed ${mtu}\n```\n")
	op, err := b.run()
	if !errors.Is(err, ErrRolledBack) {
		t.Fatal(err)
	}
	b.check()
	if _, err := os.Stat(flag); !os.IsNotExist(err) {
		t.Error("the rollback block did not run")
	}
	if o := outcome(t, op, "back", "r1"); o.Status != runbook.OK || o.Output.Head != "removed 1400\n" {
		t.Errorf("%+v", o)
	}

	b = newBench(t, "```sh { run name=x }\ntrue\n```\n\n```rollback { name=back }\nfalse\n```\n\n"+fails)
	op, err = b.run()
	if !errors.Is(err, ErrIncomplete) || outcome(t, op, "x", "r1").Status != runbook.Incomplete {
		t.Fatalf("%v", err)
	}
	b.check()
}

func TestRunWithoutRollbackBlockIsSaid(t *testing.T) {
	b := newBench(t, "```sh { run name=x }\ntrue\n```\n\n"+fails)
	if _, err := b.run(); !errors.Is(err, ErrRolledBack) {
		t.Fatal(err)
	}
	if !strings.Contains(b.source(), "Not undone, because there is no rollback block: `x` on `r1`") {
		t.Errorf("%s", b.source())
	}
}

// TestNothingWasRolledBack: where nothing that was done has a way back, neither report
// nor error says that it was rolled back. The exit code is that of ErrRolledBack:
// nothing is left that could be undone.
func TestNothingWasRolledBack(t *testing.T) {
	for name, c := range map[string]struct {
		body, head string
		status     runbook.Status
		want       error
	}{
		"alone": {"```sh { run name=x }\nfalse\n```\n", "**Failed.** Step `x` on `r1`: exit code 1, expected 0. Not undone, because there is no rollback block: `x` on `r1`.", runbook.Failed, ErrRolledBack},
		"after a command": {"```sh { run name=w }\ntrue\n```\n\n```sh { run name=x }\nfalse\n```\n",
			"**Failed.** Step `x` on `r1`: exit code 1, expected 0. Not undone, because there is no rollback block: `w` on `r1`, `x` on `r1`.", runbook.Failed, ErrRolledBack},
		"stop": {strings.Replace(bridge, "{ name=bridge", "{ on-failure=stop name=bridge", 1) + "```sh { run name=x on-failure=stop }\nfalse\n```\n",
			"**Failed.** Step `x` on `r1`: exit code 1, expected 0. Still in place: `bridge` on `r1`. Not undone, because there is no rollback block: `x` on `r1`.", runbook.Failed, ErrFailed},
		"after a change": {bridge + "```sh { run name=x }\nfalse\n```\n",
			"**Failed and rolled back.** Step `x` on `r1`: exit code 1, expected 0. What could be undone was undone. Not undone, because there is no rollback block: `x` on `r1`.", runbook.RolledBack, ErrRolledBack},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, c.body)
			op, err := b.run()
			if op.Status != c.status || !errors.Is(err, c.want) || strings.Contains(err.Error(), "rolled back") != (c.status == runbook.RolledBack) {
				t.Errorf("%s: %v", op.Status, err)
			}
			if !strings.Contains(b.source(), c.head) {
				t.Errorf("%s", b.source())
			}
			b.check()
		})
	}
}

// TestGuardThatIsNotArmed: nothing was changed, and why is said in the head.
func TestGuardThatIsNotArmed(t *testing.T) {
	b := newBench(t, strings.Replace(bridge, "{ name=bridge", "{ confirm=30s name=bridge", 1))
	b.hosts["r1"].fail = func(call string) error {
		if call == "arm" {
			return &executors.Error{Code: "no-space", Op: "arming the guard", Message: "the disk is full there", Remedy: "make room"}
		}
		return nil
	}
	op, err := b.run()
	if op.Status != runbook.Failed || !errors.Is(err, ErrPrecheck) || !strings.Contains(err.Error(), "the disk is full there") {
		t.Errorf("%s: %v", op.Status, err)
	}
	if o := outcome(t, op, "bridge", "r1"); !o.Untouched {
		t.Errorf("%+v", o)
	}
	if src := b.source(); !strings.Contains(src, "**Failed.** Step `bridge` on `r1`: nothing was touched: arming the guard on r1: arming the guard: the disk is full there. Nothing was changed.\n\nHint: make room\n") {
		t.Errorf("%s", src)
	}
	b.check()
}

func TestSecretsStayInside(t *testing.T) {
	const secret = "s3cr3t|value`x"
	b := newBench(t, strings.Replace(front, "title: Test\n", "title: Test\nsecrets: {key: env:KEY}\n", 1)+
		"```sh { run name=x register=kept }\nprintf '%s and in base64 ' \"$key\"; printf %s \"$key\" | base64\nprintf '%s' \"$key\" | tr -d '\\n' | cut -c1-3\n```\n\n"+
		"```check { name=c }\nkept.out == \"${key}\"\n```\n\n```rollback { name=back }\necho '${key}' >&2\n```\n")
	b.o.Secrets = map[string]string{"key": secret}
	var seen strings.Builder
	b.o.Sink = func(e runbook.Event) { fmt.Fprintf(&seen, "%+v %+v\n", e, e.Outcome) }
	if _, err := b.run(); !errors.Is(err, ErrRolledBack) {
		t.Fatal(err)
	}
	b.check()
	everything := map[string]string{"document": b.source(), "events": seen.String()}
	err := filepath.WalkDir(b.state, func(path string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			raw, rerr := os.ReadFile(path)
			everything[path], err = string(raw), rerr
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(everything) < 5 {
		t.Fatalf("only %d places were looked at", len(everything))
	}
	for where, text := range everything {
		for _, form := range []string{secret, "czNjcjN0fHZhbHVlYHg"} {
			if strings.Contains(text, form) {
				t.Errorf("%s has the secret", where)
			}
		}
	}
	if !strings.Contains(b.source(), "[redacted:key]") {
		t.Error("nothing was redacted in the document")
	}
}

// manyBytes is a session whose commands print much.
type manyBytes struct {
	*session
	total int
}

func (s *manyBytes) Run(_ context.Context, _ executors.Command, out executors.Output) (*executors.ExitStatus, error) {
	line := []byte(strings.Repeat("0123456789 ünï ", 5) + "\n")
	chunk := bytes.Repeat(line, 400)
	for n := 0; n < s.total; n += len(chunk) {
		if _, err := out.Stdout.Write(chunk); err != nil {
			return nil, err
		}
	}
	return &executors.ExitStatus{}, nil
}

func TestMuchOutputIsBounded(t *testing.T) {
	total := 64 << 20
	b := newBench(t, "```sh { run name=x timeout=10m }\ntrue\n```\n")
	open := b.o.Open
	b.o.Open = func(ctx context.Context, t executors.Target) (executors.Session, error) {
		s, err := open(ctx, t)
		if err != nil {
			return nil, err
		}
		return &manyBytes{s.(*session), total}, nil
	}
	shown := 0
	b.o.Sink = func(e runbook.Event) {
		if e.Kind == runbook.EventOutput {
			shown++
		}
	}
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	start := time.Now()
	op, err := b.run()
	if err != nil {
		t.Fatal(err)
	}
	took := time.Since(start)
	runtime.GC()
	runtime.ReadMemStats(&after)
	o := outcome(t, op, "x", "r1").Output
	if o.Bytes < int64(total) || len(o.Head) > headBytes || len(o.Tail) > tailBytes || len(o.Tail) < tailBytes/2 {
		t.Errorf("%d bytes, head %d, tail %d", o.Bytes, len(o.Head), len(o.Tail))
	}
	if got := o.OmittedBytes + int64(len(o.Head)+len(o.Tail)); got != o.Bytes {
		t.Errorf("%d bytes are neither shown nor counted", o.Bytes-got)
	}
	if got := o.OmittedLines + int64(strings.Count(o.Head, "\n")+strings.Count(o.Tail, "\n")); got != o.Lines {
		t.Errorf("%d of %d lines are neither shown nor counted", o.Lines-got, o.Lines)
	}
	info, err := os.Stat(filepath.Join(journalDir(t, b), o.File))
	if err != nil || info.Size() != o.Bytes {
		t.Errorf("the file: %v", err)
	}
	if limit := (int(took.Seconds()) + 2) * (linesPerSecond + 1); shown > limit {
		t.Errorf("%d lines shown in %s", shown, took)
	}
	if grown := int64(after.HeapAlloc) - int64(before.HeapAlloc); grown > 20<<20 {
		t.Errorf("%d bytes stay", grown)
	}
	t.Logf("%d MiB in %s", total>>20, took)
}

func TestManualAndStep(t *testing.T) {
	body := "- [ ] Call the NOC\n\n" + bridge + held
	var asked []Question
	b := newBench(t, body)
	b.o.Step = true
	b.o.Ask = func(_ context.Context, q Question) (Answer, error) {
		asked = append(asked, q)
		if q.Kind == AskManual {
			return Answer{Choice: "done", Note: "spoke to Eve", By: "bob"}, nil
		}
		return Answer{Choice: "run"}, nil
	}
	op, err := b.run()
	if err != nil || len(asked) != 4 {
		t.Fatalf("%v, %d questions", err, len(asked))
	}
	src := b.source()
	if !strings.Contains(src, "- [x] Call the NOC") || !strings.Contains(src, "spoke to Eve") {
		t.Errorf("%s", src)
	}
	if a := op.Outcomes[0].Answer; a == nil || !a.Done || a.By != "bob" {
		t.Errorf("%+v", a)
	}

	b = newBench(t, body)
	b.o.Answers = map[string]Answer{b.doc().Blocks[0].Name: {Choice: "fail"}}
	if _, err := b.run(); !errors.Is(err, ErrPrecheck) {
		t.Errorf("%v", err)
	}
	b.check()

	b = newBench(t, bridge+held)
	b.o.Step = true
	b.o.Ask = func(context.Context, Question) (Answer, error) { return Answer{Choice: "skip"}, nil }
	if op, err := b.run(); err != nil || outcome(t, op, "held", "r1").Status != runbook.Skipped {
		t.Errorf("%v", err)
	}
	if b.hosts["r1"].m.Count() != 0 {
		t.Error("a skipped step changed something")
	}
}

func TestSnapshotsServeLaterChecks(t *testing.T) {
	b := newBench(t, "```snapshot { name=was }\nlinks\n```\n\n"+bridge+"```check { name=c }\ndiff(was, now).links.appeared != []\n```\n")
	op, err := b.run()
	if err != nil {
		t.Fatal(err)
	}
	if o := outcome(t, op, "was", "r1"); o.Facts["links"] != 3 {
		t.Errorf("%+v", o.Facts)
	}
	op, err = Check(context.Background(), b.doc(), b.o)
	if err != nil || len(op.Outcomes) != 1 || op.Status != runbook.OK {
		t.Errorf("checking again: %v %+v", err, op)
	}
	b.check()
}

func TestDocumentEditedOrDeletedMeanwhile(t *testing.T) {
	body := bridge + "Old words.\n\n```sh { run name=sleep }\nsleep 0.3\n```\n\n" + held
	t.Run("edited", func(t *testing.T) {
		b := newBench(t, body)
		edit := func(e runbook.Event) {
			if e.Kind != runbook.EventStep || e.Step != "sleep" {
				return
			}
			src := b.source()
			src = strings.Replace(src, "Old words.", "New words.\n\nAnd a paragraph.", 1)
			if err := os.WriteFile(b.path, []byte(strings.Replace(src, "# Test", "# Renamed", 1)), 0o600); err != nil {
				t.Error(err)
			}
		}
		b.o.Sink = edit
		if _, err := b.run(); err != nil {
			t.Fatal(err)
		}
		b.prose = []byte(strings.NewReplacer("Old words.", "New words.\n\nAnd a paragraph.", "# Test", "# Renamed").Replace(string(b.prose)))
		b.check()
		for _, name := range []string{"bridge", "sleep", "held"} {
			if !strings.Contains(b.source(), "stet:result name="+name) {
				t.Errorf("%s has no result", name)
			}
		}
	})
	t.Run("block removed", func(t *testing.T) {
		b := newBench(t, body)
		b.o.Sink = func(e runbook.Event) {
			if e.Kind == runbook.EventStep && e.Step == "sleep" {
				cut := strings.Replace(b.source(), held, "", 1)
				if err := os.WriteFile(b.path, []byte(cut), 0o600); err != nil {
					t.Error(err)
				}
			}
		}
		op, err := b.run()
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(strings.Join(op.Notes, "\n"), "no place for the result of held") || !strings.Contains(b.source(), "no place for the result of held") {
			t.Errorf("%q", op.Notes)
		}
	})
	t.Run("away for a while", func(t *testing.T) {
		b := newBench(t, body)
		var said []string
		b.o.Sink = func(e runbook.Event) {
			var err error
			switch {
			case e.Kind == runbook.EventStep && e.Step == "bridge":
				err = os.Rename(b.path, b.path+"~")
			case e.Kind == runbook.EventStep && e.Step == "sleep":
				err = os.Rename(b.path+"~", b.path)
			case e.Kind == runbook.EventNote:
				said = append(said, e.Text)
			}
			if err != nil {
				t.Error(err)
			}
		}
		op, err := b.run()
		if err != nil || op.Unwritten != "" || len(op.Notes) > 0 {
			t.Errorf("%v %+v", err, op)
		}
		if len(said) != 2 || !strings.Contains(said[0], "cannot be written") || !strings.Contains(said[1], "can be written again") {
			t.Errorf("%q", said)
		}
		b.check()
		for _, name := range []string{"bridge", "sleep", "held"} {
			if !strings.Contains(b.source(), "stet:result name="+name) {
				t.Errorf("%s has no result", name)
			}
		}
	})
	t.Run("deleted", func(t *testing.T) {
		b := newBench(t, body)
		b.o.Sink = func(e runbook.Event) {
			if e.Kind == runbook.EventStep && e.Step == "sleep" {
				if err := os.Remove(b.path); err != nil {
					t.Error(err)
				}
			}
		}
		op, err := b.run()
		var lost *UnwrittenError
		if !errors.As(err, &lost) || lost.Outcome != nil || lost.Dir != journalDir(t, b) || !strings.Contains(err.Error(), b.path) {
			t.Fatalf("%v", err)
		}
		if op.Status != runbook.OK || op.Unwritten == "" || len(op.Notes) > 0 {
			t.Errorf("%+v", op)
		}
		again, err := Load(journalDir(t, b))
		if err != nil || len(again.Outcomes) != 3 || again.Status != runbook.OK {
			t.Errorf("the journal: %v %+v", err, again)
		}
	})
}

func TestStateDirUnusable(t *testing.T) {
	b := newBench(t, bridge)
	if err := os.WriteFile(b.state, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if op, err := b.run(); err == nil || op != nil || b.hosts["r1"].m.Count() != 0 {
		t.Fatalf("%v %+v", err, op)
	}
	var none []string
	dirs, err := journal.List(b.state, b.path)
	if d := cmp.Diff(none, dirs); err == nil && d != "" {
		t.Error(d)
	}
}

func lines(p []byte, chunks func() int) []string {
	var out []string
	l := liner{emit: func(b []byte, _ bool) { out = append(out, string(b)) }}
	for len(p) > 0 {
		n := min(chunks(), len(p))
		l.write(p[:n])
		p = p[n:]
	}
	l.end()
	return out
}

// Whatever a program prints, and however it is cut into chunks, the same lines
// come out, and they are text.
func FuzzLiner(f *testing.F) {
	for _, s := range []string{"a\nb", "\x1b[31mred\x1b[0m\n", "1%\r2%\r\n", "\xff\xfe\xc3", "ü€𝄞\n", "\x1b]0;t\x07x", "\x1b]0;t\x1b\\x", "a\bb", "\u202eevil", strings.Repeat("x", 40000)} {
		f.Add([]byte(s), int64(1))
	}
	f.Fuzz(func(t *testing.T, p []byte, seed int64) {
		r := rand.New(rand.NewSource(seed))
		whole := lines(p, func() int { return len(p) })
		parts := lines(p, func() int { return 1 + r.Intn(5) })
		if d := cmp.Diff(whole, parts); d != "" {
			t.Fatalf("cut into chunks it differs: %s", d)
		}
		for _, l := range whole {
			if len(l) > longestLine || strings.ContainsAny(l, "\x1b\r\n\x00\u202e") {
				t.Fatalf("%q", l)
			}
			if !utf8.ValidString(l) && len(l) < longestLine {
				t.Fatalf("%q is no text", l)
			}
		}
	})
}
