package e2e

import (
	"strings"
	"testing"
)

// TestOneHostUnderTwoNames: the host says that it is the same one. Nothing is
// run there twice, and no name takes the other's lock.
func TestOneHostUnderTwoNames(t *testing.T) {
	needLab(t)
	b := newBench(t, "")
	const targets = "---\ntargets: {r1: \"ssh://r1\", r2: \"ssh://r2\", other: \"ssh://root@other\", all: [r1, r2, other]}\ndefaults: {timeout: 30s}\n---\n\n"
	b.write("network.md", targets+"```netconfig { name=bridge on=all }\ninterfaces:\n  - {name: br0, type: linux-bridge, state: up}\n```\n")
	b.write("command.md", targets+"```sh { run name=touch on=all }\ntouch ~/touched\n```\n")
	b.write("steps.md", targets+"```sh { run name=touch on=r1 }\ntouch ~/touched\n```\n\n```sh { run name=again on=other }\ntouch ~/touched\n```\n")
	o := b.script(`printf 'Host other\n  HostName 10.77.1.11\n  ProxyJump jump\n' >>$STET_SSH_CONFIG
for doc in network command steps; do
	code=0; stet plan $doc.md >$doc.plan 2>&1 || code=$?
	stet run --yes $doc.md >$doc.run 2>&1 || code=$code,$?
	echo "$doc: $code"
done
ls $LAB/r*/home; ip -n r1 -br link show br0 2>&1 || true`)
	wants(t, "what was done", o.stdout, "network: 2,2\n", "command: 0,6\n", "steps: 0,6\n")
	if strings.Contains(o.stdout, "touched") || strings.Contains(o.stdout, "br0  ") {
		t.Errorf("something was changed: %v", o)
	}
	wants(t, "the plan of a change", b.read(b.dir+"/network.plan"), "network.md:6:1: error: bridge would change one host twice: r1, other are one host under 2 names")
	wants(t, "the plan of a command", b.read(b.dir+"/command.plan"), "command.md:6:1: warning: touch runs 2 times on one host: r1, other are one host under 2 names")
	for _, doc := range []string{"command", "steps"} {
		text := b.read(b.dir + "/" + doc + ".run")
		wants(t, doc, text, "refused: locking ", "it is one host with ", ", which this operation has locked already", "hint: name a host once in a document")
	}
}
