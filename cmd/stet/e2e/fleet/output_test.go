//go:build linux

package fleet

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

// maxOutputMemory is what stet may hold while hosts print more than that.
const maxOutputMemory = 128 << 20

// printing has hosts print a number of bytes each, and returns what that took.
// All of it must be on disk afterwards.
func (f *fleet) printing(bytes int64) cost {
	f.t.Helper()
	state, err := os.MkdirTemp("", "stet-fleet-") // a disk, not memory
	if err != nil {
		f.t.Fatal(err)
	}
	defer os.RemoveAll(state)
	f.env = append(f.env, "XDG_STATE_HOME="+state)
	c := f.run(f.document(fmt.Sprintf("```sh { run name=print timeout=10m }\nyes 'a line of a long log, as programs print it' | head -c %d\n```\n", bytes)))
	logs, err := filepath.Glob(filepath.Join(state, "stet", "operations", "*", "*", "output-*.log"))
	if err != nil || len(logs) != len(f.hosts) {
		f.t.Fatalf("%d logs of %d hosts: %v", len(logs), len(f.hosts), err)
	}
	for _, log := range logs {
		if info, err := os.Stat(log); err != nil || info.Size() != bytes {
			f.t.Errorf("%s: %v, want %d bytes", log, info, bytes)
		}
	}
	return c
}

// TestOutput: what twenty hosts print goes to disk, not into memory.
func TestOutput(t *testing.T) {
	f := newFleet(t, 20)
	f.sshd("hosts", f.hosts, "MaxStartups 100")
	c := f.printing(12 << 20)
	t.Logf("%v, %d MiB", c.wall, c.memory>>20)
	if c.memory > maxOutputMemory {
		t.Errorf("%d MiB of memory for %d MiB of output", c.memory>>20, 20*12)
	}
}
