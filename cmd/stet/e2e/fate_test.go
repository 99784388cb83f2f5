package e2e

import (
	"strings"
	"testing"
)

// command is a document whose command takes as long as it is let.
const lengthy = "---\ntargets: {r1: \"ssh://r1\"}\ndefaults: {timeout: 60s}\n---\n\n```sh { run name=drain%s }\n" +
	"echo began >>/run/lab/began\necho before\nuntil [ -e /run/lab/go-on ]; do sleep 0.05; done\necho after\necho ended >>/run/lab/ended\n%s\n```\n\n" +
	"```rollback\necho back >>/run/lab/ended\n```\n\n```check\nlink(\"uplink\").up\n```\n"

// TestFateOfCommand: a command whose connection dies under it is not run again;
// what became of it is asked over a new one.
func TestFateOfCommand(t *testing.T) {
	needLab(t)
	const find = `pids=$(for p in $(ip netns pids r1); do tr '\0' ' ' </proc/$p/cmdline | grep -q '^sshd: root' && echo $p; done); [ -n "$pids" ] || exit 71; `
	const sessions = find + `kill -9 $pids`
	const cut = `ip -n jump link set to-r1 down; sleep 6; ip -n jump link set to-r1 up`
	for _, c := range []struct {
		name, attrs, last string
		kill              string
		code              string
		ended             string // what the host's file of that name holds
		says              []string
	}{
		{"sshd, it goes on", "", "exit 0", sessions + `; sleep 2; touch $LAB/go-on`, "0", "ended\n", []string{"had not ended with the connection: its exit code is 0", "before\nafter\n"}},
		{"sshd, it ends meanwhile", "", "exit 0", find + `touch $LAB/go-on; kill -9 $pids`, "0", "ended\n", []string{"**Done.**", "before\nafter\n"}},
		{"sshd, it fails", "", "exit 7", sessions + `; sleep 2; touch $LAB/go-on`, "4", "ended\nback\n", []string{"exit code 7", "before\nafter\n"}},
		{"the link", "", "exit 0", cut + `; touch $LAB/go-on`, "0", "ended\n", []string{"had not ended with the connection", "before\nafter\n"}},
		{"sshd, guarded", " confirm=40s", "exit 0", sessions + `; sleep 2; touch $LAB/go-on`, "0", "ended\n", []string{"had not ended with the connection", "before\nafter\n", "confirmed"}},
		{"the agent", "", "exit 0", `pkill -9 -f "agent serve$"`, "4", "back\n", []string{"nobody saw how it ended", "was still running on r1 without stet"}},
		{"the link, for longer than it has", " timeout=8s", "exit 0", `ip -n jump link set to-r1 down; sleep 16; ip -n jump link set to-r1 up`, "4", "back\n", []string{"it may still run", "did not answer again in the time that the step has"}},
		{"sshd, its time is up", " timeout=8s", "exit 0", sessions, "4", "back\n", []string{"timed out after 8s"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newBench(t, "")
			doc := b.write("doc.md", strings.Replace(strings.Replace(lengthy, "%s", c.attrs, 1), "%s", c.last, 1))
			o := b.script(`sed -i 's/^Host \*/&\n  ServerAliveInterval 1\n  ServerAliveCountMax 2/' $STET_SSH_CONFIG
("$STET" run --yes doc.md >&2) & pid=$!
n=0; until [ -e $LAB/began ]; do n=$((n+1)); [ $n -lt 1200 ] || exit 70; sleep 0.1; done
sleep 0.3
` + c.kill + `
code=0; wait $pid || code=$?
echo "run: $code"
touch $LAB/go-on; sleep 1
cat $LAB/began; echo "--"; cat $LAB/ended
n=0; while pgrep -f "agent serve$" >/dev/null; do n=$((n+1)); [ $n -lt 1200 ] || exit 72; sleep 0.1; done
find /run/stet -type f >&2`)
			if o.code != 0 || o.stdout != "run: "+c.code+"\nbegan\n--\n"+c.ended {
				t.Fatal(o)
			}
			wants(t, "the document", b.read(doc), c.says...)
			if n := strings.Count(b.read(doc), "\nbefore\n"); n > 1 {
				t.Errorf("what it printed came %d times", n)
			}
		})
	}
}

// TestFateAfterStet: with stet killed, a command on another host goes on until
// its guard goes back, which ends it first. Resume takes up what became of it, and
// runs it again only where nobody knows. What is killed holds its locks until it has
// ended, so that this is waited for.
func TestFateAfterStet(t *testing.T) {
	needLab(t)
	const (
		killed  = `n=0; until [ -e $LAB/began ]; do n=$((n+1)); [ $n -lt 1200 ] || exit 70; sleep 0.1; done; sleep 0.3; kill -9 $pid; wait $pid; `
		resume  = `code=0; "$STET" resume --yes doc.md >&2 || code=$?; echo "resume: $code"`
		later   = `(sleep 4; touch $LAB/go-on) & ` + resume
		ended   = `touch $LAB/go-on; n=0; until [ -e $LAB/ended ]; do n=$((n+1)); [ $n -lt 1200 ] || exit 73; sleep 0.1; done; `
		orphans = `pkill -9 -f "agent serve$"; `
		// Resume shows what was printed once the host tells it.
		taken  = `"$STET" resume --yes doc.md >taken 2>&1 & pid=$!; n=0; until grep -q '^  | before$' taken; do n=$((n+1)); [ $n -lt 1200 ] || { cat taken >&2; exit 74; }; sleep 0.1; done; `
		outage = taken + `ip -n jump link set to-r1 down; sleep 6; ip -n jump link set to-r1 up; touch $LAB/go-on; code=0; wait $pid || code=$?; cat taken >&2; echo "resume: $code"`
		twice  = taken + `kill -9 $pid; wait $pid; `
	)
	for _, c := range []struct {
		name, attrs, last, then, want string
		says                          []string
	}{
		{"its guard goes back", " confirm=8s", "exit 0", killed + `n=0; until [ -e $LAB/ended ]; do n=$((n+1)); [ $n -lt 1200 ] || exit 73; sleep 0.1; done`, "began\n--\nback\n", nil},
		{"it runs", "", "exit 0", killed + later, "resume: 0\nbegan\n--\nended\n", []string{"had gone on without stet: its exit code is 0", "before\nafter\n"}},
		{"it runs, guarded", " confirm=60s", "exit 0", killed + later, "resume: 0\nbegan\n--\nended\n", []string{"had gone on without stet", "before\nafter\n", "confirmed"}},
		{"it runs, the link goes meanwhile", "", "exit 0", killed + outage, "resume: 0\nbegan\n--\nended\n", []string{"had not ended with the connection", "before\nafter\n"}},
		{"it runs, resume is killed, too", "", "exit 0", killed + twice + later, "resume: 0\nbegan\n--\nended\n", []string{"had gone on without stet", "before\nafter\n"}},
		{"it has ended", "", "exit 0", killed + ended + resume, "resume: 0\nbegan\n--\nended\n", []string{"had gone on without stet: its exit code is 0", "before\nafter\n"}},
		{"it has failed", "", "exit 7", killed + ended + resume, "resume: 4\nbegan\n--\nended\nback\n", []string{"exit code 7", "before\nafter\n"}},
		{"its time is up", " timeout=8s", "exit 0", killed + "sleep 10; " + resume, "resume: 4\nbegan\n--\nback\n", []string{"timed out after 8s"}},
		{"its agent is dead", "", "exit 0", killed + orphans + later, "resume: 0\nbegan\nbegan\n--\nback\nended\n", []string{"nobody saw how it ended", "undone before it is run again"}},
		{"it is rolled back", "", "exit 0", killed + strings.ReplaceAll(resume, "resume", "rollback"), "rollback: 0\nbegan\n--\nback\n", []string{"was still running on r1 without stet"}},
		{"it was not begun", "", "exit 0", "touch $LAB/go-on; wait $pid; " + resume, "resume: 0\nbegan\n--\nback\nended\n", []string{"the target knows of no such command", "undone before it is run again", "before\nafter\n"}},
		{"it was checked", "", "exit 0", ended + `until grep -qs '"kind":"check"' state/stet/operations/*/*/journal.jsonl; do sleep 0.1; done; kill -9 $pid; wait $pid; ` + resume, "resume: 0\nbegan\n--\nended\n", []string{"before\nafter\n"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newBench(t, "crashpoint")
			text := strings.Replace(strings.Replace(lengthy, "%s", c.attrs, 1), "%s", c.last, 1)
			env := ""
			switch c.name {
			case "it was not begun":
				env = "STET_CRASHPOINT=after:3 " // the intent
			case "it was checked":
				text = strings.Replace(text, "```check\n", "```check\nrun(\"sleep 3\").ok\n", 1)
			}
			doc := b.write("doc.md", text)
			o := b.script(`sed -i 's/^Host \*/&\n  ServerAliveInterval 1\n  ServerAliveCountMax 2/' $STET_SSH_CONFIG
` + env + `"$STET" run --yes doc.md >&2 & pid=$!
` + c.then + `
touch $LAB/go-on; sleep 1
cat $LAB/began; echo "--"; cat $LAB/ended
n=0; while pgrep -f "agent serve$" >/dev/null; do n=$((n+1)); [ $n -lt 1200 ] || exit 72; sleep 0.1; done`)
			if o.code != 0 || o.stdout != c.want {
				t.Fatalf("%v\n%s", o, b.read(doc))
			}
			wants(t, "the document", b.read(doc), c.says...)
			if n := strings.Count(b.read(doc), "\nbefore\n"); n > 1 {
				t.Errorf("what it printed came %d times", n)
			}
		})
	}
}

// TestFateOfSome: of a step on several hosts each command has its own fate. The one
// that ended well stays done, also where another one has to be run again.
func TestFateOfSome(t *testing.T) {
	needLab(t)
	for name, c := range map[string]struct{ then, want, says string }{
		"the other runs": {"", "r1\nr2\n--\nr1\nr2\n", "drain on r2 had gone on without stet: its exit code is 0"},
		"the other's agent is dead": {`kill -9 $(for p in $(ip netns pids r2); do tr '\0' ' ' </proc/$p/cmdline | grep -q 'agent serve $' && echo $p; done)
`, "r1\nr2\nr2\n--\nr1\nback r2\nr2\n", "nobody saw how it ended"},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, "")
			doc := b.write("doc.md", "---\ntargets: {r1: \"ssh://r1\", r2: \"ssh://r2\", both: [r1, r2]}\ndefaults: {on: both, timeout: 60s}\n---\n\n"+
				"```sh { run name=drain }\necho $STET_TARGET >>/run/lab/began\necho \"this is $STET_TARGET\"\n"+
				"[ $STET_TARGET = r1 ] || until [ -e /run/lab/go-on ]; do sleep 0.05; done\necho $STET_TARGET >>/run/lab/ended\n```\n\n"+
				"```rollback\necho back $STET_TARGET >>/run/lab/ended\n```\n\n```check\nlink(\"uplink\").up\n```\n")
			o := b.script(`"$STET" run --yes doc.md >&2 & pid=$!
n=0; until grep -qs '"kind":"outcome"' state/stet/operations/*/*/journal.jsonl && [ $(grep -c . $LAB/began) = 2 ]; do n=$((n+1)); [ $n -lt 1200 ] || exit 70; sleep 0.1; done
kill -9 $pid; wait $pid
` + c.then + `(sleep 2; touch $LAB/go-on) & "$STET" resume --yes doc.md >&2 || exit
sort $LAB/began; echo "--"; cat $LAB/ended`)
			if o.code != 0 || o.stdout != c.want {
				t.Fatalf("%v\n%s", o, b.read(doc))
			}
			wants(t, "the document", b.read(doc), "**Done.**", c.says, "this is r1", "this is r2")
		})
	}
}
