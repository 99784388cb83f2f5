package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// TestRelease builds a release for this machine. Alone in a folder it brings
// the agent that it has inside to a host; one that lies beside it comes first.
func TestRelease(t *testing.T) {
	needLab(t)
	if runtime.GOARCH != "amd64" && runtime.GOARCH != "arm64" {
		t.Skip("releases have no agent for this machine inside")
	}
	b := newBench(t, "")
	here := "linux/" + runtime.GOARCH
	cmd := exec.Command("../../../scripts/release", "v9.8.7", b.dir+"/out", here)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("building a release: %v\n%s", err, out)
	}
	built := filepath.Join(b.dir, "out", "stet-linux-"+runtime.GOARCH)
	sums := b.read(filepath.Join(b.dir, "out", "SHA256SUMS"))
	wants(t, "the file of checksums", sums, "stet-agent-linux-amd64", "stet-agent-linux-arm64", filepath.Base(built))
	check := exec.Command("sha256sum", "--check", "SHA256SUMS")
	check.Dir = filepath.Join(b.dir, "out")
	if out, err := check.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	// The agent lies under the name of its hash in the host's cache.
	agent := ""
	for line := range strings.Lines(sums) {
		if sum, name, _ := strings.Cut(strings.TrimSpace(line), "  "); name == "stet-agent-linux-"+runtime.GOARCH {
			agent = "agent-" + sum
		}
	}
	alone := filepath.Join(b.dir, "alone", "stet")
	if err := os.Mkdir(filepath.Dir(alone), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(built, alone); err != nil {
		t.Fatal(err)
	}
	b.stet = alone
	if o := b.must(0, "--version"); !strings.Contains(o.stdout, "v9.8.7") {
		t.Errorf("%v", o)
	}
	list := "stet facts ssh://r1 >/dev/null; ls $LAB/r1/home/.cache/stet"
	if o := b.script(list); o.code != 0 || strings.TrimSpace(o.stdout) != agent {
		t.Errorf("the host has another agent than %s: %v", agent, o)
	}
	beside := filepath.Join(filepath.Dir(alone), "stet-agent-linux-"+runtime.GOARCH)
	if err := os.Link(filepath.Join(bin, "build-", "stet-agent"), beside); err != nil {
		t.Fatal(err)
	}
	if o := b.script(list); o.code != 0 || !strings.HasPrefix(o.stdout, "agent-") || strings.TrimSpace(o.stdout) == agent {
		t.Errorf("the agent beside it did not come first: %v", o)
	}
}
