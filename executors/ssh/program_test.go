package ssh

import (
	"bytes"
	"os"
	"os/exec"
	"testing"
)

// What an agent may weigh: on the host, and on the way there.
const (
	mostPlain  = 8 << 20
	mostPacked = 3 << 20
)

// TestAgentSize builds the agents as `make build` does. They are compressed
// once, whatever the number of hosts.
func TestAgentSize(t *testing.T) {
	if testing.Short() {
		t.Skip("builds programs")
	}
	maker, err := exec.LookPath("make")
	if err != nil {
		t.Skip("needs make")
	}
	dir := t.TempDir()
	cmd := exec.Command(maker, "-C", "../..", "agents", "AGENTS="+dir)
	cmd.Env = append(os.Environ(), "MAKEFLAGS=")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	programs, err := Beside(dir)
	if err != nil || len(programs) != 2 {
		t.Fatalf("%d agents: %v", len(programs), err)
	}
	for _, p := range programs {
		plain, err := p.plain()
		if err != nil {
			t.Fatal(err)
		}
		packed, err := p.pack()
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("%s: %d bytes, %d as sent", p.Platform, len(plain), len(packed))
		if len(plain) > mostPlain {
			t.Errorf("the agent for %s has %d bytes, more than %d", p.Platform, len(plain), mostPlain)
		}
		if len(packed) > mostPacked {
			t.Errorf("the agent for %s has %d bytes as sent, more than %d", p.Platform, len(packed), mostPacked)
		}
		if again, err := p.pack(); err != nil || &again[0] != &packed[0] || !bytes.Equal(again, packed) {
			t.Errorf("the agent for %s was compressed again: %v", p.Platform, err)
		}
	}
}
