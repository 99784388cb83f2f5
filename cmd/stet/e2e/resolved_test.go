package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

const resolvedDocument = `---
targets: {here: local}
---

` + "```netconfig { name=servers }" + `
dns-resolver:
  config:
    server: [192.0.2.53, "192.0.2.55:5353", "192.0.2.54:853#dns.example.net", "2001:db8::53"]
    search: [example.net, ~corp.example]
` + "```\n\n```check { name=proof }\n"

// TestResolved sets the name servers of a machine that a real systemd-resolved
// resolves the names of, and has them undone: by a check that fails, and by the
// operator. busctl(1) tells what it has.
func TestResolved(t *testing.T) {
	t.Parallel()
	needRoot(t)
	b := newBench(t, "")
	b.write("fails.md", resolvedDocument+"any(resolvers, \"192.0.2.99\" in .servers)\n```\n")
	b.write("holds.md", resolvedDocument+"any(resolvers, \"192.0.2.53\" in .servers)\n```\n")
	o := b.onResolved(`has() { busctl --system get-property org.freedesktop.resolve1 /org/freedesktop/resolve1 org.freedesktop.resolve1.Manager DNSEx Domains; }
said() { "$STET" "$@" >out 2>&1; echo "$1: $?"; cat out >&2; }
busctl --system call org.freedesktop.resolve1 /org/freedesktop/resolve1 org.freedesktop.resolve1.Manager SetLinkDNSEx 'ia(iayqs)' $(ip -o link show e0 | cut -d: -f1) 1 2 4 192 0 2 7 0 ''
has >before
said run --yes fails.md
cmp before "$(has >after; echo after)" && echo as before
said run --yes holds.md
has
said plan holds.md
"$STET" facts local | sed -n '/^dns-resolver/,/^[a-z]*:$/p'
said rollback --yes holds.md
cmp before "$(has >after; echo after)" && echo as before`)
	if o.code != 0 {
		t.Fatal(o)
	}
	wants(t, "what was done", o.stdout, "run: 4\nas before\nrun: 0\na(iiayqs) 4 ",
		` 192 0 2 53 0 "" `, ` 192 0 2 55 5353 "" `, ` 192 0 2 54 0 "dns.example.net" `, // 853 is its usual port
		`"example.net" false `, `"corp.example" true`,
		"plan: 0\ndns-resolver:\n", "    interface: e0\n    server:\n    - 192.0.2.53\n    - 192.0.2.55:5353\n",
		"rollback: 0\nas before\n")
	wants(t, "the plan", o.stderr, "holds already", "server 192.0.2.7 → 192.0.2.53 ")
}

// onResolved runs lines of sh on the machine of testdata/resolved.
func (b *bench) onResolved(lines string) outcome {
	b.t.Helper()
	for _, program := range []string{"dbus-daemon", "busctl", "unshare", "ip"} {
		if _, err := exec.LookPath(program); err != nil {
			b.t.Skipf("needs %s (apt-get install dbus systemd)", program)
		}
	}
	if _, err := exec.LookPath("apt-get"); err != nil {
		b.t.Skip("systemd-resolved is taken from Debian's archive, with apt-get")
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		b.t.Fatal(err)
	}
	return b.through("resolved", []string{"RESOLVED_CACHE=" + filepath.Join(cache, "stet-resolved")}, lines)
}
