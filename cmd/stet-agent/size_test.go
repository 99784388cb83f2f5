package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// most is what the agent may weigh: it is copied to every host that is changed
// over SSH.
const most = 8 << 20

// TestSize builds the agent as `make build` does.
func TestSize(t *testing.T) {
	if testing.Short() {
		t.Skip("builds a program")
	}
	for _, arch := range []string{"amd64", "arm64"} {
		path := filepath.Join(t.TempDir(), arch)
		cmd := exec.Command("go", "build", "-trimpath", "-tags", "nethttpomithttp2", "-ldflags", "-s -w", "-o", path, ".")
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOARCH="+arch)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("%s: %d bytes", arch, info.Size())
		if info.Size() > most {
			t.Errorf("the agent for %s has %d bytes, more than %d", arch, info.Size(), most)
		}
	}
}
