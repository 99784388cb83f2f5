package e2e

import (
	"path/filepath"
	"strings"
	"testing"
)

// bothMTU changes both hosts of the lab, one of which may fail.
const bothMTU = `---
targets: {r1: "ssh://r1", r2: "ssh://r2", both: [r1, r2]}
defaults: {on: both, confirm: 60s}
---

` + "```check { name=before }\nlink(\"uplink\").up\n```\n\n" +
	"```netconfig { name=mtu max-failures=1 }\ninterfaces: [{name: uplink, mtu: 1400}]\n```\n\n" +
	"```check { name=held }\nlink(\"uplink\").mtu == 1400\n```\n"

// mtus prints what both hosts have.
const mtus = `
for host in r1 r2; do echo $host $(ip -n $host link show uplink | grep -o 'mtu [0-9]*'); done
`

// TestHostWithoutTools: what the agent needs on its way is not there. It is said,
// and the other host is changed; without gzip alone it arrives all the same.
func TestHostWithoutTools(t *testing.T) {
	needLab(t)
	path := `sed -i "s|^SetEnv HOME=.*|& PATH=$LAB/bin|" $LAB/r1/sshd_config; reload r1
mkdir $LAB/bin; for p in %; do ln -s $(command -v $p) $LAB/bin/$p; done
`
	few := "uname id ls mkdir chmod mv rm find cat env sh sed touch"
	for _, c := range []struct{ name, tools, says, stdout string }{
		{"nothing", "", "the host lacks the programs that tell what it is (uname)", "run: 1\nr1 mtu 1500\nr2 mtu 1400\n"},
		{"nothing to verify with", few, "the host has no program to verify it with (sha256sum, shasum or openssl)", "run: 1\nr1 mtu 1500\nr2 mtu 1400\n"},
		{"no gzip", few + " sha256sum", "", "run: 0\nr1 mtu 1400\nr2 mtu 1400\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, "")
			doc := b.write("doc.md", bothMTU)
			o := b.script(strings.Replace(path, "%", c.tools, 1) + `code=0; stet run --yes doc.md >&2 || code=$?; echo "run: $code"` + mtus)
			if o.stdout != c.stdout {
				t.Errorf("want %q: %v", c.stdout, o)
			}
			if c.says != "" {
				wants(t, "the progress", o.stderr, "left out: r1", c.says)
				wants(t, "the document", b.read(doc), "Left out: `r1`. Still in place: `mtu` on `r2`.", c.says)
			}
		})
	}
}

// TestNoRoomForGuard: the lock fits, the guard does not. Nothing is touched there.
func TestNoRoomForGuard(t *testing.T) {
	needLab(t)
	b := newBench(t, "")
	doc := b.write("doc.md", bothMTU)
	o := b.script(`mkdir -p /run/stet; on_r1 mount -t tmpfs -o size=24k,mode=700 tmpfs /run/stet
code=0; stet run --yes doc.md >&2 || code=$?; echo "run: $code"` + mtus)
	if want := "run: 1\nr1 mtu 1500\nr2 mtu 1400\n"; o.stdout != want {
		t.Errorf("want %q: %v", want, o)
	}
	wants(t, "the progress", o.stderr, "mtu failed on r1, which the operation goes on without", "the disk is full there")
	wants(t, "the document", b.read(doc), "nothing was touched: arming the guard on r1", "the disk is full there")
}

// TestAgentKilledMidStep: the agent is killed in the middle of a command that has
// a guard, as the kernel does when memory runs out. The command does not go on by
// itself, the host is led back, and the other one is done.
func TestAgentKilledMidStep(t *testing.T) {
	needLab(t)
	b := newBench(t, "")
	doc := b.write("doc.md", `---
targets: {r1: "ssh://r1", r2: "ssh://r2", both: [r1, r2]}
defaults: {on: both, confirm: 60s, timeout: 60s}
---

`+"```sh { run name=work max-failures=1 }\ntouch ~/began\nuntil test -e ~/go; do sleep 0.1; done\ntouch ~/done\n```\n\n"+
		"```rollback\nrm -f ~/began ~/done\n```\n\n```check\nrun(\"test -e ~/done\").ok\n```\n")
	o := b.script(`touch $LAB/r2/home/go
("$STET" run --yes doc.md >&2; echo "run: $?") & run=$!
n=0; until test -e $LAB/r1/home/began; do n=$((n+1)); [ $n -lt 600 ] || exit 70; sleep 0.1; done
for p in $(ip netns pids r1); do ! tr '\0' ' ' </proc/$p/cmdline | grep -q 'agent serve *$' || kill -9 $p; done
wait $run
touch $LAB/r1/home/go; sleep 1
echo r1: $(ls $LAB/r1/home); echo r2: $(ls $LAB/r2/home)
n=0; while pgrep -f "agent guar[d]" >/dev/null; do n=$((n+1)); [ $n -lt 1200 ] || exit 71; sleep 0.1; done`)
	if want := "run: 1\nr1: go\nr2: began done go\n"; o.code != 0 || o.stdout != want {
		t.Errorf("want %q: %v", want, o)
	}
	wants(t, "the progress", o.stderr, "work on r1", "it was ended by SIGKILL", "ran out of memory", "work failed on r1, which the operation goes on without")
	wants(t, "the document", b.read(doc), "`work` on `r1`", "it was ended by SIGKILL", "Undone", "Left out: `r1`.")
}

// TestTwoOperatorsWithoutAgent: on a host whose folders run no programs there is a
// lock all the same, and it ends with whoever held it.
func TestTwoOperatorsWithoutAgent(t *testing.T) {
	needLab(t)
	b := newBench(t, "")
	b.write("first.md", "---\ntargets: {r1: \"ssh://r1\"}\n---\n\n```sh { run name=wait timeout=100s }\ntouch ~/began\nuntil test -e ~/go; do sleep 0.1; done\n```\n\n```rollback\ntrue\n```\n")
	b.write("second.md", oneHost)
	o := b.script(`mkdir -p $LAB/r1/home/.cache; on_r1 mount -t tmpfs -o noexec,mode=700 tmpfs $LAB/r1/home/.cache; on_r1 mount -t tmpfs -o noexec,mode=1777 tmpfs /var/tmp
("$STET" run --yes first.md >&2; echo "first: $?") & first=$!
n=0; until test -e $LAB/r1/home/began; do n=$((n+1)); [ $n -lt 600 ] || exit 70; sleep 0.1; done
code=0; stet run --yes second.md 2>said >&2 || code=$?; echo "second: $code"; cat said >&2
touch $LAB/r1/home/go; wait $first
stet run --yes second.md >&2; echo "then: $?"; on_r1 ls $LAB/r1/home/.cache/stet`)
	if want := "second: 6\nfirst: 0\nthen: 0\n"; o.code != 0 || o.stdout != want {
		t.Errorf("want %q: %v", want, o)
	}
	wants(t, "the refusal", b.read(filepath.Join(b.dir, "said")), "refused: locking r1: root holds it since 20", "first.md (run ", "hint: wait until it has ended")
}

// TestAgentFileGone: the agent runs on when its file is deleted or replaced, and so
// do the guards that it starts.
func TestAgentFileGone(t *testing.T) {
	needLab(t)
	for name, c := range map[string]string{
		"deleted":  `rm $LAB/r1/home/.cache/stet/agent-*`,
		"replaced": `echo junk >$LAB/junk; chmod 700 $LAB/junk; mv $LAB/junk $LAB/r1/home/.cache/stet/agent-*`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, "")
			b.write("doc.md", "---\ntargets: {r1: \"ssh://r1\"}\n---\n\n```sh { run name=clean confirm=no }\n"+strings.ReplaceAll(c, "$LAB", "/run/lab")+"\n```\n\n"+
				"```netconfig { name=mtu confirm=30s }\ninterfaces: [{name: uplink, mtu: 1400}]\n```\n\n```check\nlink(\"uplink\").mtu == 1400\n```\n")
			o := b.script(`code=0; stet run --yes doc.md >&2 || code=$?; echo "run: $code"; ip -n r1 link show uplink | grep -o 'mtu [0-9]*'`)
			if want := "run: 0\nmtu 1400\n"; o.stdout != want {
				t.Errorf("want %q: %v", want, o)
			}
		})
	}
}

// TestStateDirectoryUnusable: what lies in the place of /run/stet is named, with
// what to do about it, and nothing is touched.
func TestStateDirectoryUnusable(t *testing.T) {
	needLab(t)
	b := newBench(t, "")
	b.write("doc.md", oneHost)
	o := b.script(`try() {
	echo "# $1"; stet run --yes --no-write doc.md 2>err; echo "run: $?"
	grep '^stet: \|^hint: ' err | sed 's/.*using the/using the/'
	umount /run/stet 2>/dev/null; rm -rf /run/stet; test ! -e $LAB/r1/home/touched || exit 70
}
mkdir /run/stet; mount -t tmpfs -o ro,mode=700 tmpfs /run/stet; try read-only
touch /run/stet; try "a file"
ln -s /nowhere /run/stet; try "a link"
mkdir -m 700 /run/stet; chown 7001 /run/stet; try "of another user"
mkdir -m 777 /run/stet; try open`)
	const hint = "hint: guards and locks lie there, in a directory that only user 0 can write: see who made this one (ls -ld /run/stet) and remove it there; stet makes it anew\n"
	want := "# read-only\nrun: 3\nusing the state directory /run/stet: the file system is read-only\nhint: mount it so that it can be written (mount -o remount,rw), and look why it is not: guards and locks lie there\n" +
		"# a file\nrun: 3\nusing the state directory /run/stet: it is not a directory\n" + hint +
		"# a link\nrun: 3\nusing the state directory /run/stet: it is a symbolic link\n" + hint +
		"# of another user\nrun: 3\nusing the state directory /run/stet: it belongs to user 7001\n" + hint +
		"# open\nrun: 3\nusing the state directory /run/stet: others can write to it (mode 0777)\n" + hint
	if o.code != 0 || o.stdout != want {
		t.Errorf("want:\n%s\ngot: %v", want, o)
	}
}
