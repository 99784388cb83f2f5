package e2e

import (
	"strings"
	"testing"
)

// TestDeclaredPassphrase logs in with an encrypted key, at the jump host and at
// the host behind it, without a terminal: the document declares the passphrase. It
// is nowhere that anybody could read it.
func TestDeclaredPassphrase(t *testing.T) {
	needLab(t)
	const passphrase = "open sesame and close it"
	b := newBench(t, "")
	secret := b.write("pass", passphrase+"\n")
	other := b.write("other", "of another key\n")
	body := "\n```sh { run name=look }\necho \"it is $key\"\nif cat /proc/[0-9]*/cmdline | tr '\\0' ' ' | grep -a '[o]pen sesame'; then exit 9; fi\n```\n"
	doc := b.write("doc.md", `---
targets:
  r1: {address: "ssh://r1", passphrase: other}
  r2: ssh://r2
  both: [r1, r2]
secrets: {key: "file:`+secret+`", other: "file:`+other+`"}
defaults: {on: both, passphrase: key}
---
`+body)
	o := b.script(`set -e
ssh-keygen -q -p -P '' -N "$(cat pass)" -f $LAB/operator
"$STET" run --yes doc.md
"$STET" status doc.md
sed 's/passphrase: key/timeout: 60s/; s/, passphrase: other//' doc.md >none.md
"$STET" run --yes none.md && exit 8
sed 's/passphrase: key/passphrase: nosuch/' doc.md >nosuch.md
"$STET" plan nosuch.md && exit 7
grep -rl "$(cat pass)" . | grep -v '^./pass$' && exit 6
true`)
	if o.code != 0 {
		t.Fatal(o)
	}
	wants(t, "the document", b.read(doc), "**Done.**", "it is ")
	wants(t, "what it says", o.stderr, "declare the passphrase as a secret", "names the secret nosuch, which is not declared")
	if strings.Contains(o.stdout+o.stderr+b.read(doc), passphrase) {
		t.Errorf("the passphrase shows: %v", o)
	}
}
