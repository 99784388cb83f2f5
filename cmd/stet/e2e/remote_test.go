package e2e

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// needLab skips a test that cannot have servers.
func needLab(t testing.TB) {
	t.Helper()
	needRoot(t)
	for _, program := range []string{"/usr/sbin/sshd", "ssh", "ssh-keygen", "unshare", "ip"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skipf("needs %s (apt-get install openssh-server openssh-client)", program)
		}
	}
}

// lab runs a command as the operator of the lab of examples/remote, in the
// bench's folder. What it makes ends with it.
func (b *bench) lab(argv ...string) outcome {
	b.t.Helper()
	path, err := filepath.Abs(filepath.Join(examples, "remote", "lab"))
	if err != nil {
		b.t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, path, argv...)
	cmd.Dir, cmd.Env = b.dir, slices.Concat(b.env, []string{"STET=" + b.stet})
	cmd.WaitDelay = 10 * time.Second
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	_ = cmd.Run() // the code says how it ended
	return outcome{cmd.ProcessState.ExitCode(), stdout.String(), stderr.String()}
}

// script runs lines of sh in the lab; stet, r (ssh to a host), on_r1 (a command
// among the mounts of that host's server) and reload (a host's server takes its
// changed sshd_config, and listens again) are there.
func (b *bench) script(lines string) outcome {
	b.t.Helper()
	return b.lab("sh", "-c", `stet() { "$STET" "$@"; }
r() { host=$1; shift; ssh -F "$STET_SSH_CONFIG" "$host" "$@"; }
on_r1() { nsenter --mount --target $(cat $LAB/r1/pid) "$@"; }
listened() { grep -c '^Server listening on' $LAB/$1/log; }
reload() {
	times=$(listened $1); kill -HUP $(cat $LAB/$1/pid); n=0
	until [ $(listened $1) -gt $times ] && [ -s $LAB/$1/pid ]; do n=$((n+1)); [ $n -lt 1200 ] || { cat $LAB/$1/log >&2; exit 69; }; sleep 0.1; done
}
`+lines)
}

func wants(t testing.TB, what, text string, words ...string) {
	t.Helper()
	for _, w := range words {
		if !strings.Contains(text, w) {
			t.Errorf("%s does not say %q:\n%s", what, w, text)
		}
	}
}

// TestRemoteExample: two hosts behind a jump host; what the document says
// happened is on the hosts.
func TestRemoteExample(t *testing.T) {
	needLab(t)
	b := newBench(t, "")
	doc := b.write("runbook.md", b.read(filepath.Join(examples, "remote", "runbook.md")))
	o := b.script(`set -e
stet plan runbook.md >&2
stet run --yes runbook.md >&2
for host in r1 r2; do r $host "ip -brief address show dev service; ip route show proto static; ls ~/.cache/stet /run/stet 2>/dev/null"; done
grep -c "Accepted publickey" $LAB/jump/log $LAB/r1/log
stet run --yes runbook.md >&2
stet rollback --yes runbook.md >&2 || echo "rollback: $?"
stet status runbook.md`)
	if o.code != 0 {
		t.Fatal(o)
	}
	wants(t, "the host", o.stdout, "198.51.100.1/25", "198.51.100.129/25", "198.51.100.128/25 via 10.77.1.12", "agent-")
	wants(t, "the progress", o.stderr, "goes back at", "confirmed")
	wants(t, "the document", b.read(doc), "stet:report", "confirmed", "| `r1` | `ssh://root@r1` |", "`SHA256:")
}

// TestRemoteFacts: looking needs neither a document nor an agent there.
func TestRemoteFacts(t *testing.T) {
	needLab(t)
	b := newBench(t, "")
	o := b.script(`stet facts ssh://r1`)
	if o.code != 0 {
		t.Fatal(o)
	}
	wants(t, "the state", o.stdout, "name: uplink", "ip: 10.77.1.11")
}

// TestRemoteBecome: the agent runs as root of a user who is not.
func TestRemoteBecome(t *testing.T) {
	needLab(t)
	if _, err := exec.LookPath("sudo"); err != nil {
		t.Skip("needs sudo")
	}
	b := newBench(t, "")
	b.write("become.md", `---
targets: {r1: {address: "ssh://ops@r1", become: sudo, become-password: sudo}}
secrets: {sudo: env:SUDO_PASSWORD}
---

`+"```netconfig { name=mtu }\ninterfaces: [{name: uplink, mtu: 1400}]\n```\n\n```check\nlink(\"uplink\").mtu == 1400\n```\n")
	// The password of ops is "correct horse".
	o := b.script(`set -e
mkdir $LAB/ops; chown 7001 $LAB/ops
echo "ops:x:7001:65534::$LAB/ops:/bin/sh" >>$LAB/passwd
echo 'ops:$5$stetstet$v6ZasIheTu.fXxqqwUqcwmg7PSCqkdLqhxYwZJNdCF9:::::::' >>$LAB/shadow
printf 'Defaults lecture=never,timestamp_timeout=0\nops ALL=(root) ALL\n' >$LAB/sudoers
chmod 440 $LAB/sudoers; mount --bind $LAB/sudoers /etc/sudoers
sed -i "s|^SetEnv.*||" $LAB/r1/sshd_config; reload r1
SUDO_PASSWORD="correct horse" stet run --yes become.md >&2
r ops@r1 ip link show uplink
code=0; SUDO_PASSWORD="battery staple" stet run --yes become.md 2>wrong >&2 || code=$?
echo "wrong: $code"; cat wrong
printf 'Defaults requiretty\nops ALL=(root) NOPASSWD: ALL\n' >$LAB/sudoers
code=0; SUDO_PASSWORD="correct horse" stet run --yes become.md 2>tty >&2 || code=$?
echo "requiretty: $code"; cat tty
code=0; grep -rl "correct horse" . $LAB && exit 9
exit 0`)
	if o.code != 0 {
		t.Fatal(o)
	}
	wants(t, "the host", o.stdout, "mtu 1400", "wrong: 3", "becoming root on r1",
		"requiretty: 3", "becoming root on r1: sudo: sorry, you must have a tty to run sudo", "hint: the agent is started without a terminal: allow that in the host's sudoers with the line Defaults:ops !requiretty")
}

// oneHost is a change of a host.
const oneHost = "---\ntargets: {r1: \"ssh://r1\"}\n---\n\n```sh { run name=touch }\ntouch ~/touched\n```\n"

// bothHosts is a change of both hosts, one of which may be missing.
const bothHosts = "---\ntargets: {r1: \"ssh://r1\", r2: \"ssh://r2\", both: [r1, r2]}\ndefaults: {on: both, max-failures: 50%}\n---\n\n```sh { run name=all }\ntouch ~/touched\n```\n"

// TestRemoteErrors: each is one clear sentence, with what to do about it.
func TestRemoteErrors(t *testing.T) {
	needLab(t)
	for _, c := range []struct {
		name, before string
		code         int
		says         []string
	}{
		{"refused", `kill $(cat $LAB/r1/pid)`, 3, []string{"connecting to r1", "refused", "hint: "}},
		{"jump host gone", `kill $(cat $LAB/jump/pid)`, 3, []string{"connecting to r1 through jump", "refused"}},
		{"no answer", `ip -n jump link set to-r1 down; sed -i 's/ConnectTimeout 5/ConnectTimeout 2/' $STET_SSH_CONFIG`, 3, []string{"connecting to r1", "hint: "}},
		{"changed host key", `ssh-keygen -q -t ed25519 -N '' -f $LAB/other; k=$(cut -d' ' -f2 $LAB/other.pub)
sed -i "s|^10.77.1.11 .*|10.77.1.11 ssh-ed25519 $k|" $LAB/known_hosts`, 3, []string{"THE HOST KEY HAS CHANGED", "ssh-keygen -R"}},
		{"unknown host key", `sed -i '/^10.77.1.11/d' $LAB/known_hosts`, 3, []string{"is not in known_hosts", "hint: compare"}},
		{"wrong key", `: >$LAB/operator.pub; ssh-keygen -q -t ed25519 -N '' -f $LAB/new
sed -i "s|AuthorizedKeysFile.*|AuthorizedKeysFile $LAB/new.pub|" $LAB/r1/sshd_config; reload r1
ssh-keygen -y -f $LAB/operator >$LAB/operator.pub`, 3, []string{"does not let root in", "publickey"}},
		{"expired certificate", `ssh-keygen -q -t ed25519 -N '' -f $LAB/ca
ssh-keygen -q -s $LAB/ca -I r1 -h -V 20200101:20200102 -n 10.77.1.11 $LAB/r1/key.pub
echo "HostCertificate $LAB/r1/key-cert.pub" >>$LAB/r1/sshd_config; reload r1
echo "@cert-authority 10.77.1.11 $(cat $LAB/ca.pub)" >$LAB/k; sed '/^10.77.1.11/d' $LAB/known_hosts >>$LAB/k; cp $LAB/k $LAB/known_hosts`, 3, []string{"expired at 2020-01-02"}},
		{"the operator's certificate expired", `ssh-keygen -q -t ed25519 -N '' -f $LAB/ca; ssh-keygen -q -t ed25519 -N '' -f $LAB/user
ssh-keygen -q -s $LAB/ca -I alice -V 20200101:20200102 -n root $LAB/user.pub
echo "TrustedUserCAKeys $LAB/ca.pub" >>$LAB/r1/sshd_config; sed -i "s|AuthorizedKeysFile.*|AuthorizedKeysFile none|" $LAB/r1/sshd_config; reload r1
printf 'Host r1\n  IdentityFile %s\n  CertificateFile %s\n' $LAB/user $LAB/user-cert.pub >>$STET_SSH_CONFIG`, 3, []string{"your certificate “alice” expired at 2020-01-02"}},
		{"unknown name", `sed -i 's/HostName 10.77.1.11/HostName r1.invalid/' $STET_SSH_CONFIG`, 3, []string{"connecting to r1"}},
		{"a host without SFTP", `! grep -q Subsystem $LAB/r1/sshd_config || exit 98; ! sftp -b /dev/null -F $STET_SSH_CONFIG r1 >/dev/null 2>&1 || exit 97`, 0, nil},
		{"no room for the lock", `mkdir -p /run/stet; on_r1 mount -t tmpfs -o size=4k,mode=700 tmpfs /run/stet; on_r1 dd if=/dev/zero of=/run/stet/full bs=4k 2>/dev/null`, 3, []string{"the disk is full there", "hint: make room in /run/stet"}},
		{"a profile that prints", `echo 'echo Welcome to r1' >$LAB/r1/home/.profile; echo 'echo Welcome' >$LAB/r1/home/.bashrc`, 0, nil},
		{"a full disk", `mkdir -p $LAB/r1/home/.cache; mount -t tmpfs -o size=64k,mode=700 tmpfs $LAB/r1/home/.cache; mount -t tmpfs -o size=64k,mode=1777 tmpfs /var/tmp`, 3, []string{"disk is full"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, "")
			b.write("doc.md", oneHost)
			both := b.write("both.md", bothHosts)
			o := b.script(c.before + "\n" + `code=0; stet run --yes --no-write doc.md || code=$?; [ $code = 0 ] || [ ! -e $LAB/r1/home/touched ] || code=99
group=0; stet run --yes both.md >&2 2>group || group=$?
echo "both: $group"; ls $LAB/r*/home; exit $code`)
			if o.code != c.code {
				t.Fatalf("want exit %d: %v", c.code, o)
			}
			wants(t, "stderr", o.stderr, c.says...)
			progress, text := b.read(filepath.Join(b.dir, "group")), b.read(both)
			switch {
			case c.code == 0:
				wants(t, "the group", o.stdout, "both: 0")
				return
			case c.name == "jump host gone": // and both hosts with it
				wants(t, "the group", o.stdout, "both: 3")
				wants(t, "the progress", progress, "2 of the 2 targets of all cannot be used (r1, r2), and it may do without 1", "r1, r2: through jump: connection refused")
				return
			}
			// The other host of the group is changed, and it is said what became
			// of this one.
			wants(t, "what was done", o.stdout, "both: 1")
			wants(t, "the progress", progress, "left out: r1 (all has max-failures=50%)", "it went on without r1", c.says[0])
			wants(t, "the document", text, "**Failed.** Left out: `r1`. Still in place: `all` on `r2`.", "| `r1` | `all` | missing from the beginning: ", "| `r1` | skipped |  |  | left out: ")
			if n := strings.Count(o.stdout, "touched"); n != 1 {
				t.Errorf("%d hosts were touched: %v", n, o)
			}
		})
	}
}

// lines is a file of JSON, a value a line, comparable.
func (b *bench) lines(name string) string {
	b.t.Helper()
	var out strings.Builder
	for line := range strings.Lines(b.read(filepath.Join(b.dir, name))) {
		out.WriteString(pretty(b.t, line) + "\n")
	}
	return out.String()
}

func exampleIsRemote(t testing.TB, dir string) bool {
	t.Helper()
	src, err := os.ReadFile(filepath.Join(dir, "runbook.md"))
	if err != nil {
		t.Fatal(err)
	}
	return bytes.Contains(src, []byte("ssh://"))
}

// TestLockout: a change that cuts its own way in goes back by itself, and the
// document says so; done right it is confirmed; without a guard it is refused.
func TestLockout(t *testing.T) {
	needLab(t)
	b := newBench(t, "")
	dir := filepath.Join(examples, "lockout")
	doc := b.write("runbook.md", b.read(filepath.Join(dir, "runbook.md")))
	fixed := b.write("fixed.md", b.read(filepath.Join(dir, "fixed.md")))
	unguarded := b.write("unguarded.md", strings.Replace(b.read(doc), "name=readdress", "name=readdress confirm=no", 1))
	o := b.script(`set -e
look() { for what in link address; do ip -n r1 -d -j $what; done; for f in 4 6; do ip -n r1 -$f -j route show table all; done; }
r r1 true; look >before
code=0; stet run --yes unguarded.md 2>refusal || code=$?
echo "unguarded: $code"; cat refusal
code=0; stet run --yes runbook.md >&2 || code=$?
echo "cut: $code"
look >after
stet run --yes fixed.md >&2
echo "fixed: $?"
ip -n r1 -brief address show dev uplink`)
	if o.code != 0 {
		t.Fatal(o)
	}
	wants(t, "what was done", o.stdout, "unguarded: 6", "touches the way in to r1", "address 10.77.1.11/24", "confirm=120s", "cut: 4", "fixed: 0", "10.77.1.21/24")
	wants(t, "the progress", o.stderr, "goes back at", "cannot be reached any more", "took it back by itself", "touches the way in")
	if before, after := b.lines("before"), b.lines("after"); before != after {
		t.Errorf("it is not as it was before:\n%s\nbut\n%s", before, after)
	}
	wants(t, "the document", b.read(doc), "**Failed and rolled back.**", "the way in to r1 is lost", "The guard reverted the change", "it is as it was before", "took it back by itself")
	wants(t, "the fixed document", b.read(fixed), "**Done.**", "confirmed")
	if text := b.read(unguarded); strings.Contains(text, "stet:report") {
		t.Errorf("a refused document has a report:\n%s", text)
	}
}

// slow is a document whose check takes long after the change of r1.
const slow = "---\ntargets: {r1: \"ssh://r1\"}\ndefaults: {confirm: 12s}\n---\n\n```netconfig { name=change }\ninterfaces: [{name: uplink, mtu: 1400}]\n```\n\n" +
	"```check { timeout=30s within=30s every=200ms }\nfile(\"/run/lab/go-on\").exists\n```\n"

// TestRemoteKilled: whatever dies, the host ends confirmed or as it was, and
// resume finishes.
func TestRemoteKilled(t *testing.T) {
	needLab(t)
	mtu := `ip -n r1 link show uplink | grep -o 'mtu [0-9]*'`
	wait := `n=0; until ` + mtu + ` | grep -q 1400; do n=$((n+1)); [ $n -lt 600 ] || exit 70; sleep 0.1; done`
	for name, c := range map[string]struct {
		kill string
		code string // of the run that something was killed under
	}{
		"stet":           {`kill -9 $pid`, "137"},
		"agent":          {`pkill -9 -f "agent serve$"`, "4"},
		"sshd's session": {`pkill -9 -f "^sshd: root"`, "4"},
		"the link":       {`ip -n jump link set to-r1 down; (sleep 18; ip -n jump link set to-r1 up) &`, "4"},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, "")
			b.write("doc.md", slow)
			o := b.script(`stet() { exec "$STET" "$@"; }
(stet run --yes doc.md >&2) & pid=$!
` + wait + `
` + c.kill + `
code=0; wait $pid || code=$?
echo "run: $code"
n=0; while ip netns exec r1 pgrep -f "agent guar[d]" >/dev/null; do n=$((n+1)); [ $n -lt 600 ] || exit 71; sleep 0.1; done
` + mtu + `
sleep 0.5; touch $LAB/go-on
code=0; (stet resume --yes doc.md >&2) || code=$?
echo "resume: $code"
` + mtu + `
(stet verify doc.md >&2) || exit 72`)
			if o.code != 0 {
				t.Fatal(o)
			}
			wants(t, "what was done", o.stdout, "run: "+c.code)
			if name == "stet" {
				wants(t, "what was done", o.stdout, "mtu 1500\nresume: 0\nmtu 1400\n")
				return
			}
			// It ended by itself: there is nothing to resume.
			wants(t, "what was done", o.stdout, "mtu 1500\nresume: 0\nmtu 1500\n")
		})
	}
}

// TestRemoteConfirm: the word of the operator comes from another terminal.
func TestRemoteConfirm(t *testing.T) {
	needLab(t)
	b := newBench(t, "")
	b.write("doc.md", strings.Replace(slow, "name=change", "name=change confirm=60s", 1))
	o := b.script(`("$STET" run --yes doc.md >&2) & pid=$!
# The change is made, and stet knows.
n=0; until grep -qs '"kind":"outcome"' state/stet/operations/*/*/journal.jsonl; do n=$((n+1)); [ $n -lt 600 ] || exit 70; sleep 0.1; done
kill -9 $pid; wait $pid
stet status doc.md
stet confirm doc.md
stet resume --yes doc.md >&2
echo "resume: $?"
ip -n r1 link show uplink
`)
	wants(t, "what was done", o.stdout, "pending     change on r1", "confirmed   change on r1", "resume: 0", "mtu 1400")
}

// TestStartedAnewBeforeTheWord: a host that forgot its guard while the operator's word
// was awaited ends the wait.
func TestStartedAnewBeforeTheWord(t *testing.T) {
	needLab(t)
	b := newBench(t, "")
	doc := b.write("doc.md", "---\ntargets: {r1: \"ssh://r1\"}\n---\n\n```netconfig { name=mtu confirm=manual,100s }\ninterfaces: [{name: uplink, mtu: 1400}]\n```\n")
	o := b.script(`("$STET" run --yes doc.md >said 2>&1 </dev/null; echo "run: $?") & run=$!
n=0; until grep -q 'waiting for the operator' said; do n=$((n+1)); [ $n -lt 600 ] || exit 70; sleep 0.1; done
kill -9 $(ip netns pids r1); rm -rf /run/stet/*; ip -n r1 link set uplink mtu 1500; : >$LAB/r1/log
ip netns exec r1 /usr/sbin/sshd -f $LAB/r1/sshd_config -E $LAB/r1/log
wait $run; cat said >&2`)
	if o.stdout != "run: 4\n" {
		t.Errorf("want it to be undone: %v", o)
	}
	wants(t, "the progress", o.stderr, "mtu was not confirmed: r1 does not know the guard of mtu any more: it was started anew")
	wants(t, "the document", b.read(doc), "**Failed and rolled back:** r1 does not know the guard of mtu any more", "mtu was not confirmed: r1 does not know the guard of mtu any more")
}

// TestRemoteGuide runs the page of the guide about remote hosts.
func TestRemoteGuide(t *testing.T) {
	needLab(t)
	b := newBench(t, "")
	doc := b.write("page.md", b.read(filepath.Join(guide, "remote.md")))
	o := b.script(`stet lint page.md && stet run --yes page.md`)
	if o.code != 0 {
		t.Fatal(o)
	}
	wants(t, "the page", b.read(doc), "**Done.**", "confirmed")
}
