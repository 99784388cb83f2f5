package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const teamDocument = `---
targets: {box: {address: "netns://NETNS", create: CREATE}}
defaults: {on: box}
---

` + "```netconfig { name=bridge confirm=CONFIRM }\ninterfaces:\n  - INTERFACE\n```\n\n```check { name=there }\nlink(\"lo\").exists\n```\n"

// teamBench is a guardBench with a team that a teamd(8) of stet's has: teamd
// knows teams by their names alone.
type teamBench struct {
	*guardBench
	team string
}

func newTeamBench(t *testing.T) *teamBench {
	needRoot(t)
	if _, err := exec.LookPath("teamd"); err != nil {
		t.Skipf("needs teamd (apt-get install libteam-utils): %v", err)
	}
	b := &teamBench{newGuardBench(t, "netns://NETNS", "8s,manual"), "tg" + strconv.Itoa(os.Getpid())}
	n := &namespaces{names: map[string]string{"box": b.ns}}
	n.need(t, "box", "team")
	return b
}

// put writes a document with one interface.
func (b *teamBench) put(name, ns, create, confirm, block string) string {
	return b.write(name, strings.NewReplacer("NETNS", ns, "CREATE", create, "CONFIRM", confirm,
		"INTERFACE", "{name: "+b.team+", "+block+"}").Replace(teamDocument))
}

// pid is the process of teamd; "" when none is there.
func (b *teamBench) pid() string {
	p, err := os.ReadFile("/var/run/teamd/" + b.team + ".pid")
	if err != nil && !os.IsNotExist(err) {
		b.t.Fatal(err)
	}
	return strings.TrimSpace(string(p))
}

func (b *teamBench) config() string {
	return ip(b.t, "netns", "exec", b.ns, "teamdctl", b.team, "config", "dump")
}

// dies runs a document and kills stet while the change waits for the operator.
func (b *teamBench) dies(doc string) {
	b.t.Helper()
	b.doc = doc
	cmd, wait := b.start(nil, "run", "--yes", doc)
	b.waits()
	if err := cmd.Process.Kill(); err != nil {
		b.t.Fatal(err)
	}
	wait()
}

// TestTeamdGuard: a guard ends the teamd that a change started, and starts the
// one that it ended, as it was, when stet has been killed.
func TestTeamdGuard(t *testing.T) {
	b := newTeamBench(t)
	const runner = "type: team, team: {runner: {name: activebackup}, link-watch: {name: ethtool, delay-up: 7}}"
	b.dies(b.put("make.md", b.ns, "false", "15s,manual", runner))
	if b.pid() == "" {
		t.Error("no teamd while the change waits")
	}
	until(t, "the team has gone", func() bool { return !strings.Contains(ip(t, "-n", b.ns, "-br", "link"), b.team) })
	until(t, "teamd has ended", func() bool { return b.pid() == "" })
	b.noGuard()
	b.isBefore()

	made := b.put("made.md", b.ns, "false", "60s", runner)
	b.must(0, "run", "--yes", made)
	config, first := b.config(), b.pid()
	b.dies(b.put("remove.md", b.ns, "false", "15s,manual", "state: absent"))
	until(t, "teamd has been started again", func() bool { p := b.pid(); return p != "" && p != first })
	b.noGuard()
	if diff := cmp.Diff(config, b.config()); diff != "" {
		t.Errorf("the configuration of teamd (-before +now):\n%s", diff)
	}
	b.must(0, "rollback", "--yes", made)
	if p := b.pid(); p != "" {
		t.Errorf("teamd %s after the rollback", p)
	}
	b.isBefore()
}

// TestTeamdEnds: a namespace that stet made for an operation is removed with the
// teamd in it.
func TestTeamdEnds(t *testing.T) {
	b := newTeamBench(t)
	doc := b.put("made.md", b.ns+"m", "true", "60s", "type: team, team: {runner: {name: activebackup}}")
	b.must(0, "run", "--yes", doc)
	if p := b.pid(); p != "" {
		t.Errorf("teamd %s is left in a namespace without a name", p)
	}
	if strings.Contains(ip(t, "netns"), b.ns+"m") {
		t.Error("the namespace is left")
	}
}

const teamOnSystemd = "---\ntargets: {machine: \"ssh://machine\"}\ndefaults: {CONFIRM}\n---\n\n```netconfig { name=team }\ninterfaces:\n  - {name: tm0, type: team, state: up, team: {runner: {name: activebackup}}}\n```\n\n" +
	"```check { timeout=60s within=60s every=200ms }\nCHECK\n```\n"

// TestTeamdOutlivesLogin has a teamd started on a host with systemd, over SSH. Whether
// logind ends the processes of a login or not, teamd is in a scope of its own and goes
// on when login and operation have ended; the rollback ends it. When stet is
// killed, teamd goes on until the guard ends it with its team.
func TestTeamdOutlivesLogin(t *testing.T) {
	needRoot(t)
	if _, err := exec.LookPath("teamd"); err != nil {
		t.Skipf("needs teamd (apt-get install libteam-utils): %v", err)
	}
	ns := "stet-teamd-" + strconv.Itoa(os.Getpid())
	ip(t, "netns", "add", ns)
	n := &namespaces{names: map[string]string{"box": ns}}
	t.Cleanup(func() { ip(t, "netns", "del", ns) })
	n.need(t, "box", "team")
	for _, kill := range []string{"yes", "no"} {
		t.Run("KillUserProcesses="+kill, func(t *testing.T) {
			b := newBench(t, "")
			b.write("made.md", strings.NewReplacer("CONFIRM", "", "CHECK", `link("tm0").exists`).Replace(teamOnSystemd))
			b.write("waits.md", strings.NewReplacer("CONFIRM", "confirm: 45s", "CHECK", `file("/run/never").exists`).Replace(teamOnSystemd))
			o := b.onMachine("KILL_USER_PROCESSES="+kill, `there() { pgrep -x teamd >/dev/null; }
group() { for p in $(pgrep -x teamd); do tail -1 /proc/$p/cgroup; done | sed 's#.*/##; s/-.*[.]/-N./'; }
code=0; "$STET" run --yes made.md >&2 || code=$?
later '! running "agent serv[e]$"'
sleep 3
echo "made: $code, $(pgrep -x -c teamd) in $(group), answers $(m teamdctl tm0 config dump | grep -c activebackup)"
code=0; "$STET" rollback --yes made.md >&2 || code=$?
echo "rollback: $code, teamd $(pgrep -x -c teamd), teams $(ip -n machine -br link | grep -c "^tm0"), scopes $(m systemctl --no-legend list-units 'run-*.scope' | wc -l)"
"$STET" run --yes waits.md >&2 & pid=$!
later there
later 'running "agent guar[d]" && ip -n machine -br link | grep -q tm0'
sleep 2
kill -9 $pid
later '! running "agent serv[e]$"'
echo "killed: teamd $(pgrep -x -c teamd) in $(group), teams $(ip -n machine -br link | grep -c "^tm0")"
later '! running "agent guar[d]"'
echo "guard: teamd $(pgrep -x -c teamd), teams $(ip -n machine -br link | grep -c "^tm0")"
"$STET" status waits.md
code=0; "$STET" rollback --yes waits.md >&2 || code=$?
echo "settled: $code"`)
			if o.code != 0 {
				t.Fatal(o)
			}
			wants(t, "what was done", o.stdout, "made: 0, 1 in run-N.scope, answers 1\n", "rollback: 0, teamd 0, teams 0, scopes 0\n",
				"killed: teamd 1 in run-N.scope, teams 1\n", "guard: teamd 0, teams 0\n", "reverted    team on machine", "settled: 0\n")
			if t.Failed() {
				t.Log(o)
			}
		})
	}
}

// slowTeamd is a program in place of teamd(8) that forks, as that does, says so in
// the file began, and becomes teamd(8) once there is the file go.
const slowTeamd = `#!/bin/sh
[ "$FORKED" ] || { FORKED=1 setsid "$0" "$@" & wait; exit; }
echo $$ >DIR/began
while [ ! -e DIR/go ]; do sleep 0.1; done
exec TEAMD "$@" >/dev/null 2>&1
`

// TestTeamdKilledAtStart kills stet when teamd has forked and left no number of its
// process yet: the guard ends it all the same, and it makes no team afterwards.
func TestTeamdKilledAtStart(t *testing.T) {
	b := newTeamBench(t)
	program, err := exec.LookPath("teamd")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "teamd"), []byte(strings.NewReplacer("DIR", dir, "TEAMD", program).Replace(slowTeamd)), 0o755); err != nil {
		t.Fatal(err)
	}
	doc := b.put("make.md", b.ns, "false", "15s,manual", "type: team, team: {runner: {name: activebackup}}")
	cmd, wait := b.start([]string{"PATH=" + dir + ":" + os.Getenv("PATH")}, "run", "--yes", doc)
	began := func() string {
		p, err := os.ReadFile(filepath.Join(dir, "began"))
		if err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
		return strings.TrimSpace(string(p))
	}
	until(t, "teamd has forked", func() bool { return began() != "" })
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	wait()
	there := func() bool { return strings.Contains(ip(t, "-n", b.ns, "-br", "link"), b.team) }
	if _, err := os.Stat("/proc/" + began()); err != nil || !there() || b.pid() != "" {
		t.Errorf("before the guard: process %v, team %v, number %q", err, there(), b.pid())
	}
	until(t, "the team has gone", func() bool { return !there() })
	b.noGuard()
	if err := os.WriteFile(filepath.Join(dir, "go"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	time.Sleep(2 * time.Second) // what is left of it would make the team again
	if _, err := os.Stat("/proc/" + began()); !os.IsNotExist(err) {
		t.Errorf("what became of the process: %v", err)
	}
	if p := b.pid(); p != "" {
		t.Errorf("teamd %s is left", p)
	}
	b.isBefore()
}
