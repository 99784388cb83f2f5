package e2e

import (
	"os/exec"
	"strings"
	"testing"
)

// expect runs a command on a terminal of its own and answers what it asks:
//
//	expect.py QUESTION ANSWER [QUESTION ANSWER]... -- COMMAND...
//
// What was on the terminal goes to standard output, then the exit code.
const expect = `import os, pty, re, select, sys, time
end = sys.argv.index("--")
pairs = list(zip(sys.argv[1:end:2], sys.argv[2:end:2]))
pid, fd = pty.fork()
if pid == 0:
    os.execvp(sys.argv[end + 1], sys.argv[end + 1:])
seen, new, limit = b"", b"", time.time() + 120
while time.time() < limit:
    if not select.select([fd], [], [], 1)[0]:
        continue
    try:
        chunk = os.read(fd, 4096)
    except OSError:
        break
    if not chunk:
        break
    seen, new = seen + chunk, new + chunk
    for question, answer in pairs:
        if re.search(question.encode(), new):
            new = b""
            time.sleep(0.3)  # until it listens
            os.write(fd, answer.encode() + b"\r")
            break
_, status = os.waitpid(pid, 0)
sys.stdout.write(seen.decode("utf-8", "replace").replace("\r", ""))
print("exit:", os.waitstatus_to_exitcode(status))
`

// TestRemoteTerminal answers on a terminal what two hosts want to know: whether
// their keys are the right ones, the password of the login, that of sudo, and
// the passphrase of the key that the jump host takes.
func TestRemoteTerminal(t *testing.T) {
	needLab(t)
	for _, program := range []string{"python3", "sudo"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skip("needs " + program)
		}
	}
	b := newBench(t, "")
	b.write("expect.py", expect)
	b.write("doc.md", `---
targets:
  r1: {address: "ssh://ops@r1", become: sudo}
  r2: {address: "ssh://ops@r2", become: sudo}
  both: [r1, r2]
defaults: {on: both, parallel: 2}
---

`+"```netconfig { name=mtu }\ninterfaces: [{name: uplink, mtu: 1400}]\n```\n\n```check\nlink(\"uplink\").mtu == 1400\n```\n")
	// The password of ops is "correct horse".
	o := b.script(`set -e
mkdir $LAB/ops; chown 7001 $LAB/ops
echo "ops:x:7001:65534::$LAB/ops:/bin/sh" >>$LAB/passwd
echo 'ops:$5$stetstet$v6ZasIheTu.fXxqqwUqcwmg7PSCqkdLqhxYwZJNdCF9:::::::' >>$LAB/shadow
printf 'Defaults lecture=never,timestamp_timeout=0\nops ALL=(root) ALL\n' >$LAB/sudoers
chmod 440 $LAB/sudoers; mount --bind $LAB/sudoers /etc/sudoers
for h in r1 r2; do
sed -i "s|^SetEnv.*||; s/PasswordAuthentication no/PasswordAuthentication yes/; s|^AuthorizedKeysFile.*|AuthorizedKeysFile none|" $LAB/$h/sshd_config; reload $h
done
ssh-keygen -q -p -P '' -N 'open sesame' -f $LAB/operator
sed -i '/^10.77.1/d' $LAB/known_hosts
sed -i 's/StrictHostKeyChecking yes/StrictHostKeyChecking ask/' $STET_SSH_CONFIG
python3 expect.py 'assphrase.*: $' 'open sesame' 'yes/no.*\] $' yes "sudo's? password.*: \$|sudo.*: \$" 'correct horse' 'password.*: $' 'correct horse' 'run this plan.*\? ?.*$' yes -- env -u CI "$STET" run doc.md
for h in r1 r2; do ip -n $h link show uplink; done
if grep -rl "correct horse" . $LAB; then exit 9; fi
# From then on their keys are known.
grep -c '^10.77.1' $LAB/known_hosts`)
	if o.code != 0 {
		t.Fatal(o)
	}
	wants(t, "the terminal", o.stdout, "assphrase", "password of ops", "exit: 0")
	if n := strings.Count(o.stdout, "mtu 1400 qdisc"); n != 2 {
		t.Errorf("%d hosts were changed: %v", n, o)
	}
	if strings.Contains(o.stdout, "open sesame") || strings.Contains(o.stdout, "correct horse") {
		t.Errorf("an answer is on the terminal: %v", o)
	}
	// What was right is not asked again under a guard, for the new connection.
	if _, running, _ := strings.Cut(o.stdout, "run this plan?"); strings.Contains(running, "password of ops") {
		t.Errorf("a password is asked while the guards wait: %v", o)
	}
}
