package e2e

import (
	"strings"
	"testing"
)

// TestCheckOfSilentHost: the deadline of a guard comes while the host is not
// reached. What is said is not that something took its time, but which host did not
// answer, and in what.
func TestCheckOfSilentHost(t *testing.T) {
	needLab(t)
	const doc = "---\ntargets: {r1: \"ssh://r1\"}\n---\n\n" +
		"```netconfig { name=mtu confirm=10s }\ninterfaces: [{name: uplink, mtu: 1400}]\n```\n\n" +
		"```check { name=held within=60s timeout=30s }\nrun(\"touch /run/lab/checking; exec sleep 100\").ok\n```\n"
	for _, c := range []struct{ name, alive, says string }{
		{"found dead", "1", "r1"},
		{"not found out yet", "60", "it still waited for r1 then: running touch /run/lab/checking"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, "")
			path := b.write("doc.md", doc)
			o := b.script(`sed -i 's/^Host \*/&\n  ServerAliveInterval ` + c.alive + `\n  ServerAliveCountMax 2/' $STET_SSH_CONFIG
"$STET" run --yes doc.md >&2 & pid=$!
n=0; until test -e $LAB/checking; do n=$((n+1)); [ $n -lt 1200 ] || exit 70; sleep 0.1; done
ip -n jump link set to-r1 down
(until ip -n r1 link show uplink | grep -q 'mtu 1500'; do sleep 0.1; done; sleep 1; ip -n jump link set to-r1 up) &
code=0; wait $pid || code=$?; echo "run: $code"`)
			if o.code != 0 || o.stdout != "run: 4\n" {
				t.Fatal(o)
			}
			for line := range strings.Lines(b.read(path)) {
				if strings.HasPrefix(line, "**Failed and rolled back.** Step `held` on `r1`: the guard's deadline came before this was proven") {
					wants(t, "the report", line, c.says)
					return
				}
			}
			t.Errorf("no verdict:\n%s", b.read(path))
		})
	}
}
