package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"stet/executors/ssh"
)

// What is no answer to the question about unknown keys is neither yes nor no: it is
// asked again. Hosts stand in order, whichever answered first.
func TestHostKeysAreAsked(t *testing.T) {
	questions := []ssh.Question{
		{Kind: ssh.HostKey, Host: "r2", Fingerprint: "SHA256:two", Text: "key of r2"},
		{Kind: ssh.HostKey, Host: "r1", Fingerprint: "SHA256:one", Text: "key of r1"},
	}
	for typed, want := range map[string][]string{
		"yes\n":                           {"yes", "yes"},
		"wat\n\ny\n":                      {"yes", "yes"},
		"NO\n":                            {"no", "no"},
		"each\nSHA256:o\nSHA256:one\nn\n": {"no", "SHA256:one"},
		"e\nsha256:one\nmaybe\nyes\nno\n": {"no", "yes"},
		"wat\n":                           nil,
	} {
		var said bytes.Buffer
		p := &person{c: &cli{stdin: strings.NewReader(typed), stderr: &said}}
		got, err := p.Ask(context.Background(), questions)
		if want == nil && !errors.Is(err, io.EOF) || want != nil && err != nil {
			t.Errorf("%q: %v", typed, err)
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%q: %s", typed, d)
		}
		if !strings.HasPrefix(said.String(), "key of r1\nkey of r2\nAre all 2 keys") {
			t.Errorf("%q: %s", typed, said.String())
		}
	}
}
