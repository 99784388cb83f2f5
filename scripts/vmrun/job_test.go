package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestJobTravels(t *testing.T) {
	dir := t.TempDir()
	want := &job{Args: []string{"/bin/sh", "-c", "echo \"a b\"\n"}, Env: []string{"A=b=c", "EMPTY="}, Dir: "/tmp/a b", Modules: "/m", Release: "6.12", Writable: []string{"/w"}}
	if err := want.write(dir); err != nil {
		t.Fatal(err)
	}
	got, err := readJob(dir)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if _, err := readJob(t.TempDir()); err == nil {
		t.Error("a job that is not there is read")
	}
}

// TestStatus checks that a machine that leaves no status, or no number, is told
// from one whose program ended well.
func TestStatus(t *testing.T) {
	dir := t.TempDir()
	if _, ok := readStatus(dir); ok {
		t.Error("a status that is not there is read")
	}
	for _, want := range []int{0, 1, exitProgram} {
		if err := writeStatus(dir, want); err != nil {
			t.Fatal(err)
		}
		if got, ok := readStatus(dir); !ok || got != want {
			t.Errorf("%d, %v; want %d", got, ok, want)
		}
	}
	for _, text := range []string{"", "ok\n"} {
		if err := os.WriteFile(filepath.Join(dir, statusFile), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if got, ok := readStatus(dir); ok {
			t.Errorf("%q is status %d", text, got)
		}
	}
}
