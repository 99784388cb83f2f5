package e2e

import (
	"bytes"
	"context"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// onMachine runs lines of sh as the operator of a machine with systemd; m runs
// something there.
func (b *bench) onMachine(env, lines string) outcome {
	b.t.Helper()
	needLab(b.t)
	for _, program := range []string{"/lib/systemd/systemd", "systemd-run", "dbus-daemon"} {
		if _, err := exec.LookPath(program); err != nil {
			b.t.Skipf("needs %s (apt-get install libpam-systemd)", program)
		}
	}
	if found, err := filepath.Glob("/lib/*/security/pam_systemd.so"); err != nil || len(found) == 0 {
		b.t.Skip("needs pam_systemd (apt-get install libpam-systemd)")
	}
	return b.through("machine", []string{env}, `m() { ssh -F "$STET_SSH_CONFIG" machine "$@"; }
later() { n=0; until eval "$1"; do n=$((n+1)); [ $n -lt 1200 ] || { { echo "not within 2 min: $1"; ps axww -o pid,ppid,etimes,args; } >&2; exit 70; }; sleep 0.1; done; }
running() { pgrep -f "$1" >/dev/null; }
mtu() { ip -n machine link show uplink | grep -o 'mtu [0-9]*'; }
`+lines)
}

// through runs lines of sh by a script of testdata, which makes a machine for
// them in the bench's folder. Its code 77 says that it cannot.
func (b *bench) through(script string, env []string, lines string) outcome {
	b.t.Helper()
	path, err := filepath.Abs(filepath.Join("testdata", script))
	if err != nil {
		b.t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Minute) // machines in emulated ones are slow
	defer cancel()
	cmd := exec.CommandContext(ctx, path, "sh", "-c", lines)
	cmd.Dir, cmd.Env = b.dir, slices.Concat(b.env, []string{"STET=" + b.stet}, env)
	cmd.WaitDelay = 10 * time.Second
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	_ = cmd.Run() // the code says how it ended
	o := outcome{cmd.ProcessState.ExitCode(), stdout.String(), stderr.String()}
	if o.code == 77 {
		b.t.Skip(script + ": " + o.stderr)
	}
	return o
}

const onSystemd = "---\ntargets: {machine: \"ssh://machine\"}\ndefaults: {confirm: 15s}\n---\n\n```netconfig { name=change }\ninterfaces: [{name: uplink, mtu: 1400}]\n```\n\n" +
	"```check { timeout=60s within=60s every=200ms }\nfile(\"/run/go-on\").exists\n```\n"

// TestGuardOutlivesLogin: where logind ends all processes of a login with it, the
// guard lives on, in a scope of its own, and goes back.
func TestGuardOutlivesLogin(t *testing.T) {
	b := newBench(t, "")
	b.write("doc.md", onSystemd)
	o := b.onMachine("A=", `"$STET" run --yes doc.md >&2 & pid=$!
later 'mtu | grep -q 1400'
later 'running "agent guar[d]"'
group() { for p in $(pgrep -f "$1"); do tail -1 /proc/$p/cgroup; done 2>/dev/null | sed 's#.*/##; s/-.*[.]/-N./' | sort -u; }
echo "agent: $(group 'agent serv[e]$')"
echo "guard: $(group 'agent guar[d]')"
kill -9 $pid
later '! running "agent serv[e]$"'
echo "alone: $(mtu), guards: $(pgrep -c -f 'agent guar[d]')"
later '! running "agent guar[d]"'
echo "then: $(mtu)"
"$STET" status doc.md
m touch /run/go-on; "$STET" resume --yes doc.md >&2; echo "resume: $?, $(mtu)"`)
	if o.code != 0 {
		t.Fatal(o)
	}
	if strings.Contains(o.stderr, "beware") {
		t.Errorf("a guard in a scope outlives the login: %v", o)
	}
	wants(t, "what was done", o.stdout, "agent: session-N.scope\nguard: run-N.scope\n",
		"alone: mtu 1400, guards: 1\n", "then: mtu 1500\n", "reverted    change on machine", "resume: 0, mtu 1400\n")
}

// TestGuardEndsWithLogin is what happens there without systemd-run: the guard ends
// with the login (or before, with the connection that it was armed over, when the
// way in is tried with another), is reported as lost, keeps others out, and is reverted when the
// operator comes back.
func TestGuardEndsWithLogin(t *testing.T) {
	b := newBench(t, "")
	b.write("doc.md", onSystemd)
	o := b.onMachine("WITHOUT_SYSTEMD_RUN=1", `"$STET" run --yes doc.md >&2 & pid=$!
later 'mtu | grep -q 1400'
kill -9 $pid
later '! running "agent guar[d]"'
sleep 15
echo "left: $(mtu)"
"$STET" status doc.md
"$STET" rollback --yes doc.md >&2; echo "rollback: $?, $(mtu)"`)
	if o.code != 0 {
		t.Fatal(o)
	}
	wants(t, "what was done", o.stdout, "left: mtu 1400\n", "lost        change on machine", "rollback: 0, mtu 1500\n")
	const why = "in a session of its own (setsid), and logind ends it with the login that it was armed from (KillUserProcesses)"
	wants(t, "the progress", o.stderr, "unless confirmed; beware: it is "+why)
}

// TestCommandEndsWithLogin: there a command ends with its connection, and the step
// says so; it is not run again.
func TestCommandEndsWithLogin(t *testing.T) {
	b := newBench(t, "")
	doc := b.write("doc.md", "---\ntargets: {machine: \"ssh://machine\"}\n---\n\n```sh { run name=drain }\necho began >>/run/began\nsleep 30\necho ended >>/run/began\n```\n\n```rollback\necho back >>/run/began\n```\n")
	o := b.onMachine("A=", `"$STET" run --yes doc.md >&2 & pid=$!
later '[ -e $MACHINE/began ]'
kill -9 $(for p in /proc/[0-9]*; do case $(tr '\0' ' ' <$p/cmdline 2>/dev/null) in *listener*) ;; "sshd: root"*) echo ${p#/proc/} ;; esac; done)
code=0; wait $pid || code=$?
echo "run: $code"; cat $MACHINE/began`)
	if o.code != 0 || o.stdout != "run: 4\nbegan\nback\n" {
		t.Fatal(o)
	}
	// logind's signal reaches the agent, which ends the command, or the command
	// itself first.
	if text := b.read(doc); !strings.Contains(text, "it was ended with all it had started") && !strings.Contains(text, "ended by SIGTERM") {
		t.Errorf("the document does not say what ended it:\n%s", text)
	}
}
