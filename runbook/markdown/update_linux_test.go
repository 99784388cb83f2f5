package markdown

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func TestUpdateFailsOnAFileSystem(t *testing.T) {
	edits := results(Parse("", []byte(steps)), "**ok**")
	t.Run("disk full", func(t *testing.T) {
		folder := mount(t, "size=64k")
		path := filepath.Join(folder, "runbook.md")
		if err := os.WriteFile(path, []byte(steps), 0o600); err != nil {
			t.Fatal(err)
		}
		big := results(Parse("", []byte(steps)), strings.Repeat("long ", 30_000))
		if _, err := Update(path, "", big, nil); !errors.Is(err, syscall.ENOSPC) {
			t.Errorf("writing to a full disk: %v", err)
		}
		if got := contents(t, path); got != steps {
			t.Errorf("the document is now %q", got)
		}
		alone(t, folder, "runbook.md")
	})
	t.Run("read-only", func(t *testing.T) {
		folder := mount(t, "size=64k")
		path := filepath.Join(folder, "runbook.md")
		if err := os.WriteFile(path, []byte(steps), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := syscall.Mount("", folder, "", syscall.MS_REMOUNT|syscall.MS_RDONLY, ""); err != nil {
			t.Fatal(err)
		}
		if _, err := Update(path, "", edits, nil); !errors.Is(err, syscall.EROFS) {
			t.Errorf("writing to a read-only file system: %v", err)
		}
		if got := contents(t, path); got != steps {
			t.Errorf("the document is now %q", got)
		}
	})
}

// mount mounts a small file system for the time of the test.
func mount(t *testing.T, options string) string {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("mounting a file system needs root")
	}
	folder := t.TempDir()
	if err := syscall.Mount("tmpfs", folder, "tmpfs", 0, options); err != nil {
		t.Skipf("mounting a tmpfs: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(folder, 0); err != nil {
			t.Error(err)
		}
	})
	return folder
}
