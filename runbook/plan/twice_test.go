package plan

import (
	"context"
	"testing"

	"stet/executors"
	"stet/runbook/markdown"
)

// placed is a machine that knows where it is.
type placed struct {
	observer
	where string
}

func (p *placed) Location() string { return p.where }

// TestOneHostUnderTwoNames: a change of the network is refused there, a command is
// told of; a check may look twice, and what does not say where it is, is not judged.
func TestOneHostUnderTwoNames(t *testing.T) {
	const net = "interfaces:\n  - {name: lo, state: up}\n"
	run := "```sh { run name=it }\ntrue\n```\n\n```rollback\ntrue\n```\n"
	for _, c := range []struct {
		name, body string
		where      []string
		fault      bool
		want       string
	}{
		{"a change of the network", block("it", "", net), []string{"boot 4:1", "boot 4:2", "boot 4:1"}, true, "it would change one host twice: r1, r3 are one host under 2 names"},
		{"a command", run, []string{"boot 4:1", "boot 4:1", "boot 4:1"}, false, "it runs 3 times on one host: r1–r3 are one host under 3 names"},
		{"a check", "```check\ntrue\n```\n", []string{"boot 4:1", "boot 4:1", "boot 4:1"}, false, ""},
		{"different namespaces", block("it", "", net), []string{"boot 4:1", "boot 4:2", "another 4:1"}, false, ""},
		{"not known", run, []string{"", "", ""}, false, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			observers := map[string]executors.Observer{}
			for i, where := range c.where {
				observers["r"+string(rune('1'+i))] = &placed{observer{m: machine()}, where}
			}
			src := "---\ntargets: {r1: \"ssh://r1\", r2: \"ssh://r2\", r3: \"ssh://r3\", all: [r1, r2, r3]}\ndefaults: {on: all}\n---\n" + c.body
			_, ds, err := Build(context.Background(), markdown.Parse("doc.md", []byte(src)), observers, Options{})
			if err != nil || ds.Faults() != c.fault {
				t.Fatalf("%v %v", err, ds)
			}
			said := ""
			for _, d := range ds {
				if d.Code == "one-host" {
					said += d.Summary
				}
			}
			if said != c.want {
				t.Errorf("it says %q, not %q", said, c.want)
			}
		})
	}
}
