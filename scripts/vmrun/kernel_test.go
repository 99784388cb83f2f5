package main

import (
	"context"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// put makes a file with its folders.
func put(t *testing.T, perm os.FileMode, text string, parts ...string) {
	t.Helper()
	path := filepath.Join(parts...)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), perm); err != nil {
		t.Fatal(err)
	}
}

func TestOpenKernel(t *testing.T) {
	dir := t.TempDir()
	put(t, 0o600, "", dir, "boot", "vmlinuz-6.12.1-amd64")
	if _, err := openKernel(dir); err == nil {
		t.Error("a kernel without modules is opened")
	}
	put(t, 0o600, "", dir, "lib", "modules", "6.12.1-amd64", "modules.dep")
	k, err := openKernel(dir)
	if err != nil {
		t.Fatal(err)
	}
	if k.release != "6.12.1-amd64" || k.image != filepath.Join(dir, "boot", "vmlinuz-6.12.1-amd64") || k.modules != filepath.Join(dir, "lib", "modules", "6.12.1-amd64") {
		t.Errorf("%+v", k)
	}
	put(t, 0o600, "", dir, "boot", "vmlinuz-6.13.0-amd64")
	if _, err := openKernel(dir); err == nil {
		t.Error("one of two kernels is opened")
	}
}

// programs puts a folder before PATH, with programs that a shell runs.
func programs(t *testing.T, scripts map[string]string) {
	t.Helper()
	dir := t.TempDir()
	for name, script := range scripts {
		put(t, 0o755, "#!/bin/sh\n"+script, dir, name)
	}
	t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
}

func TestRealPackage(t *testing.T) {
	for _, c := range []struct{ name, prints, want string }{
		{"a metapackage", "linux-image-6.12-amd64\n  Depends: linux-image-6.12.117+deb12-amd64\n", "linux-image-6.12.117+deb12-amd64"},
		{"a kernel", "linux-image-6.12.117+deb12-amd64\n  Depends: kmod\n", "linux-image-6.12-amd64"},
	} {
		t.Run(c.name, func(t *testing.T) {
			programs(t, map[string]string{"apt-cache": "cat <<'END'\n" + c.prints + "END\n"})
			got, err := realPackage(context.Background(), t.TempDir(), "linux-image-6.12-amd64")
			if err != nil || got != c.want {
				t.Errorf("%q, %v; want %q", got, err, c.want)
			}
		})
	}
}

// TestUnpackWholeOrNot checks that a download that fails leaves no folder that
// looks like a kernel, and says what the program said.
func TestUnpackWholeOrNot(t *testing.T) {
	programs(t, map[string]string{
		"apt-cache": "echo; echo",
		"apt-get":   "echo 'no such package' >&2; exit 100",
	})
	cache := t.TempDir()
	dir := filepath.Join(cache, "linux-image-x")
	err := unpackKernel(context.Background(), cache, "linux-image-x", dir)
	if err == nil || !strings.Contains(err.Error(), "no such package") {
		t.Errorf("error: %v", err)
	}
	left, err := os.ReadDir(cache)
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

// TestUnpackKernel unpacks what apt-get and dpkg leave, and uses the cache from
// then on.
func TestUnpackKernel(t *testing.T) {
	if runtime.GOARCH != "amd64" {
		t.Skip("the kernels are for amd64")
	}
	programs(t, map[string]string{
		"apt-cache": "echo '  Depends: linux-image-6.1-x'",
		"apt-get":   "touch \"$3.deb\"",
		"dpkg":      "mkdir -p $3/boot $3/lib/modules/6.1-x && touch $3/boot/vmlinuz-6.1-x",
		"depmod":    "touch $2/lib/modules/$3/modules.dep",
	})
	cache := t.TempDir()
	for range 2 {
		k, err := findKernel(context.Background(), cache, "linux-image-x")
		if err != nil {
			t.Fatal(err)
		}
		if k.release != "6.1-x" {
			t.Errorf("release %q", k.release)
		}
		programs(t, map[string]string{"apt-get": "exit 1", "apt-cache": "exit 1"})
	}
}
