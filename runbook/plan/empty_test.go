package plan

import (
	"strings"
	"testing"

	"stet/runbook/markdown"
)

// A block in which nothing stands would end well and do nothing: that is said.
func TestEmptyBlocks(t *testing.T) {
	const head = "---\ntargets: {here: local}\n---\n```sh { run name=before }\ntrue\n```\n\n"
	for _, test := range []struct{ body, want string }{
		{"```check\n# link(\"lo\").up\n\n```\n", "this check always holds: it has no assertion"},
		{"```netconfig\n# interfaces: []\n```\n", "this block changes nothing: it is empty"},
		{"```sh { run }\n\n```\n", "this block runs nothing: it is empty"},
		{"```rollback\n# by hand\n```\n", "this block undoes nothing: it is empty"},
		{"```snapshot\n```\n", "this snapshot records nothing: it is empty"},
		{"```check\ntrue\n```\n", ""},
		{"```rollback\ntrue # nothing to undo\n```\n", ""},
	} {
		var got []string
		for _, d := range Lint(markdown.Parse("x.md", []byte(head+test.body))) {
			got = append(got, d.Summary)
		}
		if strings.Join(got, "; ") != test.want {
			t.Errorf("%q: %q, want %q", test.body, got, test.want)
		}
	}
}
