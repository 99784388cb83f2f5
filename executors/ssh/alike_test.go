//go:build linux

package ssh

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// counting is an ssh program that notes each run in a file.
func counting(t *testing.T) (program string, runs func() int) {
	t.Helper()
	real, err := exec.LookPath("ssh")
	if err != nil {
		t.Skip("needs ssh")
	}
	dir := t.TempDir()
	program = filepath.Join(dir, "ssh")
	write(t, program, "#!/bin/sh\necho >>"+dir+"/runs\nexec "+real+" \"$@\"\n", 0o755)
	return program, func() int {
		text, err := os.ReadFile(dir + "/runs")
		if err != nil {
			t.Fatal(err)
		}
		return strings.Count(string(text), "\n")
	}
}

// TestAlike: what is made from other hosts' answers is what ssh itself answers,
// and where a configuration tells hosts apart, ssh is asked.
func TestAlike(t *testing.T) {
	const hosts = 40
	for _, c := range []struct {
		name, config string
		most         int // runs of ssh for all hosts
	}{
		{"all the same", "Host *\n  User ops\n  IdentityFile /k/%r\n", 3},
		{"the name in values", "Host h*\n  HostName %h.example.net\n  ControlPath /c/%r@%h:%p\n  IdentityFile /k/%n\n  HostKeyAlias %h\n", 3},
		{"two groups", "Host h1*\n  Port 2222\nHost * !h2*\n  User ops\n", 9},
		{"one that differs", "Host h7\n  HostName 192.0.2.7\n  User seven\nHost *\n  User ops\n  ProxyJump j\n", 5},
		{"a second pass", "Host h3?\n  HostName x%h\nMatch final all\n  User ops\nHost xh*\n  Port 99\n", 5},
		{"an included file", "Include INCLUDED\nHost *\n  User ops\n", 8},
		{"a hash of the name", "Host *\n  User ops\n  ControlPath /c/%C\n", hosts},
		{"names that are looked at otherwise", "Match exec \"test %h = h5\"\n  Port 5\nMatch originalhost h6,h7\n  Port 6\nHost *\n  User ops\n", hosts},
		{"a quoted pattern", "Host \"h1 2\" h8\n  Port 8\nHost *\n  User ops\n", hosts},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			program, runs := counting(t)
			config := filepath.Join(dir, "config")
			write(t, filepath.Join(dir, "included"), "Host h1? h2?\n  Port 12\nHost h15\n  User fifteen\n", 0o600)
			write(t, config, strings.ReplaceAll(c.config, "INCLUDED", filepath.Join(dir, "included")), 0o600)
			r := newResolver(program, config)
			got := make([]*Settings, hosts)
			ctx := bounded(t)
			var all sync.WaitGroup
			for i := range hosts {
				all.Go(func() {
					s, err := r.resolve(ctx, Address{Host: fmt.Sprintf("h%d", i)}, "")
					if err != nil {
						t.Errorf("h%d: %v", i, err)
					}
					got[i] = s
				})
			}
			all.Wait()
			if n := runs(); n > c.most {
				t.Errorf("ssh was run %d times, more than %d", n, c.most)
			}
			for i := range hosts {
				want, err := newResolver(program, config).resolve(ctx, Address{Host: fmt.Sprintf("h%d", i)}, "")
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(want, got[i]); diff != "" {
					t.Errorf("h%d is not as ssh says: %s", i, diff)
				}
			}
		})
	}
}
