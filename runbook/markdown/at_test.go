package markdown

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// Targets are moved to another host one by one, or all by one line.
func TestTargetsOnAnotherHost(t *testing.T) {
	for _, tt := range []struct {
		name, front string
		want        []string
	}{
		{"one", "targets: {a: {address: sandbox, at: ssh://ops@r1}, b: sandbox}", []string{"a sandbox at ssh://ops@r1", "b sandbox"}},
		{"all but hosts", "targets: {a: sandbox://x, b: local, c: {address: netns://n, at: ssh://r2}, d: ssh://r3}\ndefaults: {at: \"ssh://r1:2222\", on: a}",
			[]string{"a sandbox://x at ssh://r1:2222", "b ssh://r1:2222", "c netns://n at ssh://r2", "d ssh://r3"}},
		{"the host itself", "targets: {a: {address: local, at: ssh://r1}}", []string{"a ssh://r1"}},
		{"no address", "targets: {a: sandbox}\ndefaults: {at: r1}", []string{"a sandbox", "3: the address \"r1\" has no scheme"}},
		{"no host", "targets: {a: sandbox}\ndefaults: {at: netns://x}", []string{"a sandbox", "3: \"netns://x\" is no host that is reached by ssh"}},
		{"a host on a host", "targets:\n  a: {address: ssh://r1, at: ssh://r2}", []string{"a ssh://r1", "3: an ssh:// address is a host already"}},
		{"a password", "targets:\n  a: {address: sandbox, at: ssh://r1, password: x}\n  b: {address: sandbox, password: x}", []string{"a sandbox at ssh://r1", "b sandbox", "4: only an ssh:// target takes a password, a passphrase or a PIN"}},
	} {
		d := Parse("doc.md", []byte("---\n"+tt.front+"\n---\n"))
		var got []string
		for _, target := range d.Meta.Targets {
			got = append(got, target.Name+" "+target.Place())
		}
		for _, p := range d.Diagnostics {
			got = append(got, fmt.Sprintf("%d: %s", p.Start.Line, p.Summary))
		}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s: %s", tt.name, diff)
		}
	}
}

// A namespace of another host has a guard, as the host has; a sandbox ends with
// its connection.
func TestGuardsOnAnotherHost(t *testing.T) {
	for target, want := range map[string]time.Duration{
		"{address: netns://n, at: ssh://r1}": DefaultConfirm, "{address: sandbox, at: ssh://r1}": 0,
		"{address: local, at: ssh://r1}": DefaultConfirm, "netns://n": 0,
	} {
		d := Parse("doc.md", []byte(strings.Replace("---\ntargets: {a: X}\n---\n\n```netconfig\ninterfaces: []\n```\n", "X", target, 1)))
		if got := d.Blocks[0].Confirm; got != want {
			t.Errorf("%s: %s", target, got)
		}
	}
}

// An address that no host can have, or that reads otherwise than it is, is a fault
// of the document: lint finds it, before anything is connected to.
func TestAddressesThatNoHostHas(t *testing.T) {
	for address, want := range map[string]string{
		`ssh://ops@r1:22`: "", `ssh://2001:db8::1`: "", `ssh://ops@[fe80::1%eth0]:2222`: "", `ssh://b\u00fccher.example`: "", `sandbox://a`: "",
		`ssh://r\u202e1`: "no host name has", `ssh://o\u2066ps@r1`: "no host name has", `ssh://r\u200b1`: "no host name has", `ssh://r\u00851`: "no host name has",
		`ssh://-oProxyCommand=x`: "cannot begin with a hyphen", `ssh://r1;reboot`: "no host name has", `ssh://r1/x`: "no host name has",
		`ssh://r1:0`: "not a number from 1 to 65535", `ssh://a:b@r1`: "holds a password",
		`netns://a\u202eb`: "does not name a namespace", `sandbox://a\u0007`: "does not name a namespace",
	} {
		d := Parse("doc.md", []byte("---\ntargets: {a: \""+address+"\"}\n---\n"))
		switch {
		case want == "" && len(d.Diagnostics) == 0:
		case want != "" && len(d.Diagnostics) == 1 && d.Diagnostics[0].Code == "bad-address" && strings.Contains(d.Diagnostics[0].Summary, want):
		default:
			t.Errorf("%s: %v", address, d.Diagnostics)
		}
	}
}
