package ssh

import (
	"bytes"
	"compress/gzip"
	"io"
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

// TestPackedBeside takes the file that was packed when the agent was built, and
// no other.
func TestPackedBeside(t *testing.T) {
	dir := t.TempDir()
	path := dir + "/stet-agent-linux-amd64"
	agent := bytes.Repeat([]byte("an agent "), 1000)
	gz := func(data []byte) []byte {
		p := &Program{Data: data}
		packed, err := p.pack()
		if err != nil {
			t.Fatal(err)
		}
		return append(packed, gzEmpty...) // a second, empty member tells it from what pack makes
	}
	for name, c := range map[string]struct {
		beside []byte
		taken  bool
	}{
		"its own":     {gz(agent), true},
		"of an other": {gz(append(agent, '!')), false},
		"cut off":     {gz(agent)[:40], false},
		"no gzip":     {agent, false},
		"nothing":     {nil, false},
	} {
		write(t, path, string(agent), 0o755)
		if err := os.RemoveAll(path + ".gz"); err != nil {
			t.Fatal(err)
		}
		if c.beside != nil {
			write(t, path+".gz", string(c.beside), 0o644)
		}
		programs, err := Beside(dir)
		if err != nil || len(programs) != 1 {
			t.Fatalf("%d agents: %v", len(programs), err)
		}
		packed, err := programs[0].pack()
		if err != nil || bytes.Equal(packed, c.beside) != c.taken {
			t.Errorf("%s: taken %t, %v", name, bytes.Equal(packed, c.beside), err)
		}
		r, err := gzip.NewReader(bytes.NewReader(packed))
		if err != nil {
			t.Fatal(err)
		}
		if data, err := io.ReadAll(r); err != nil || !bytes.Equal(data, agent) {
			t.Errorf("%s: %d bytes come out, %v", name, len(data), err)
		}
	}
}

var gzEmpty = []byte{0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff, 1, 0, 0, 0xff, 0xff, 0, 0, 0, 0, 0, 0, 0, 0}
