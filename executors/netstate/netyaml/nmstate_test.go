package netyaml

import (
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "rewrite golden files")

// TestNmstate reads every file of nmstate's own examples: each is accepted, or
// refused with reasons. A key that is not known at all would be an oversight.
func TestNmstate(t *testing.T) {
	const dir = "testdata/nmstate"
	var got strings.Builder
	accepted, refused := 0, 0
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || filepath.Ext(path) != ".yml" {
			return err
		}
		src, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		name := strings.TrimPrefix(path, dir+"/")
		config, problems := Decode(string(src))
		if len(problems) == 0 {
			if config == nil {
				t.Errorf("%s: accepted, and nothing of it", name)
			}
			accepted++
			fmt.Fprintf(&got, "%s: accepted\n", name)
			return nil
		}
		refused++
		fmt.Fprintf(&got, "%s: refused\n", name)
		for _, p := range problems {
			fmt.Fprintf(&got, "    %d:%d %s\n", p.Pos.Line, p.Pos.Column, p.Summary)
			if p.Code != "unsupported" {
				t.Errorf("%s:%d:%d: %s (%s)", name, p.Pos.Line, p.Pos.Column, p.Summary, p.Code)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if accepted+refused != 86 {
		t.Errorf("there are %d files, want 86", accepted+refused)
	}
	fmt.Fprintf(&got, "%d accepted, %d refused\n", accepted, refused)
	golden := filepath.Join(dir, "verdicts.txt")
	if *update {
		if err := os.WriteFile(golden, []byte(got.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got.String()); diff != "" {
		t.Errorf("verdicts (-golden +now):\n%s", diff)
	}
}
