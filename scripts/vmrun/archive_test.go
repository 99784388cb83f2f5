package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// unpacked is an entry of an archive as the kernel reads it.
type unpacked struct {
	Name, Data string
	Mode       uint64
}

// unpack reads the newc format: a header of 110 bytes, the name with its NUL, and
// the data, each filled up to a multiple of four bytes.
func unpack(t *testing.T, b []byte) []unpacked {
	t.Helper()
	var list []unpacked
	for len(b) > 0 {
		if len(b) < 110 || string(b[:6]) != "070701" {
			t.Fatalf("no header: %q", b[:min(len(b), 20)])
		}
		field := func(n int) uint64 {
			v, err := strconv.ParseUint(string(b[6+8*n:14+8*n]), 16, 64)
			if err != nil {
				t.Fatal(err)
			}
			return v
		}
		size, nameSize := int(field(6)), int(field(11))
		name := b[110 : 110+nameSize]
		if name[nameSize-1] != 0 {
			t.Fatalf("the name %q does not end", name)
		}
		start := (110 + nameSize + 3) &^ 3
		list = append(list, unpacked{string(name[:nameSize-1]), string(b[start : start+size]), field(1)})
		b = b[(start+size+3)&^3:]
	}
	return list
}

func TestArchive(t *testing.T) {
	file := filepath.Join(t.TempDir(), "from")
	if err := os.WriteFile(file, []byte("12345"), 0o600); err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	a := &archive{w: &b}
	a.file("/init", file, 0o755)
	a.file("/lib/modules/a.ko", file, 0o644)
	a.file("/lib/modules/b.ko", file, 0o644)
	a.dir("proc")
	if err := a.close(); err != nil {
		t.Fatal(err)
	}
	want := []unpacked{
		{"init", "12345", 0o100755},
		{"lib", "", 0o040755}, {"lib/modules", "", 0o040755},
		{"lib/modules/a.ko", "12345", 0o100644}, {"lib/modules/b.ko", "12345", 0o100644},
		{"proc", "", 0o040755}, {"TRAILER!!!", "", 0},
	}
	if diff := cmp.Diff(want, unpack(t, b.Bytes())); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestArchiveWithoutFile checks that a file that cannot be read is an error of the
// whole, and not a gap in it.
func TestArchiveWithoutFile(t *testing.T) {
	a := &archive{w: &bytes.Buffer{}}
	a.file("/init", filepath.Join(t.TempDir(), "missing"), 0o755)
	if err := a.close(); err == nil {
		t.Error("no error")
	}
}
