package markdown

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

const steps = "# Steps\n\n```sh { run name=one }\n1\n```\n\nprose\n\n```check { name=two }\ntrue\n```\n"

// document writes a runbook into a folder of the test's own.
func document(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "runbook.md")
	if err := os.WriteFile(path, []byte(text), 0o640); err != nil {
		t.Fatal(err)
	}
	return path
}

func contents(t testing.TB, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// alone checks that nothing but these files is in a folder.
func alone(t testing.TB, folder string, names ...string) {
	t.Helper()
	entries, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range entries {
		got = append(got, e.Name())
	}
	if strings.Join(got, " ") != strings.Join(names, " ") {
		t.Errorf("the folder holds %q, want %q", got, names)
	}
}

func TestUpdate(t *testing.T) {
	path := document(t, steps)
	link := filepath.Join(t.TempDir(), "link.md")
	if err := os.Symlink(path, link); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, 0o604); err != nil {
		t.Fatal(err)
	}
	owner := os.Getuid()
	if owner == 0 {
		owner = 4711
		if err := os.Chown(path, owner, 4712); err != nil {
			t.Fatal(err)
		}
	}
	lost, err := Update(link, "head", results(Parse(path, []byte(steps)), "**ok**"), nil)
	if err != nil || len(lost) > 0 {
		t.Fatal(lost, err)
	}
	if info, err := os.Lstat(link); err != nil || info.Mode()&os.ModeSymlink == 0 {
		t.Errorf("the link was replaced: %v %v", info, err)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o604 || int(info.Sys().(*syscall.Stat_t).Uid) != owner {
		t.Errorf("owner or mode changed: %v %v", info, err)
	}
	d := Parse(path, []byte(contents(t, path)))
	if d.Report == nil || d.Blocks[0].Result == nil || d.Blocks[1].Result == nil || string(Strip(d.Source)) != steps {
		t.Errorf("written: %s", d.Source)
	}
	alone(t, filepath.Dir(path), "runbook.md")
	before, _ := os.Stat(path)
	if _, err := Update(path, "head", results(d, "**ok**"), nil); err != nil {
		t.Fatal(err)
	}
	if after, _ := os.Stat(path); !os.SameFile(before, after) {
		t.Error("a file in which nothing changes is written anew")
	}
}

func TestUpdateTellsWhatIsLost(t *testing.T) {
	path := document(t, steps)
	edits := results(Parse(path, []byte(steps)), "**ok**")
	if err := os.WriteFile(path, []byte(strings.Replace(steps, "```check", "```text", 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	lost, err := Update(path, "", edits, nil)
	if err != nil || len(lost) != 1 || lost[0].Block.Name != "two" {
		t.Errorf("lost %+v, %v", lost, err)
	}
}

// TestUpdateAnother puts another document into the place of the one that ran. One that
// has lost all of its blocks, and in which the operation stands, is still the same.
func TestUpdateAnother(t *testing.T) {
	path := document(t, steps)
	edits := results(Parse(path, []byte(steps)), "**ok**")
	for i := range edits {
		edits[i].Run = "01M81YTTSG6KKK97XNAEFQ5ANW"
	}
	for text, wanted := range map[string]bool{"# Notes\n": false, "# Notes\n\nRun 01M81YTTSG6KKK97XNAEFQ5ANW\n": true} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		lost, err := Update(path, "**Done.**", edits, nil)
		now, _ := os.ReadFile(path)
		if wanted && (err != nil || len(lost) != len(edits)) || !wanted && (!errors.Is(err, errAnother) || string(now) != text) {
			t.Errorf("%q: lost %d of %d, %v, and it is %q", text, len(lost), len(edits), err, now)
		}
	}
}

func TestUpdateFails(t *testing.T) {
	edits := results(Parse("", []byte(steps)), "**ok**")
	t.Run("no file", func(t *testing.T) {
		if _, err := Update(filepath.Join(t.TempDir(), "none.md"), "", edits, nil); !errors.Is(err, os.ErrNotExist) || !strings.Contains(err.Error(), "none.md") {
			t.Error(err)
		}
	})
	t.Run("folder", func(t *testing.T) {
		if _, err := Update(t.TempDir(), "", edits, nil); !errors.Is(err, errNotRegular) {
			t.Errorf("updating a folder: %v", err)
		}
	})
	t.Run("pipe", func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "pipe")
		if err := syscall.Mkfifo(path, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := Update(path, "", edits, nil); !errors.Is(err, errNotRegular) {
			t.Errorf("updating a pipe: %v", err)
		}
	})
}

// TestUpdateWhileEdited lets an editor save again and again, in each of the
// two ways that editors save, while results are written.
func TestUpdateWhileEdited(t *testing.T) {
	for name, save := range map[string]func(path, text string) error{
		"by rename": func(path, text string) error {
			if err := os.WriteFile(path+".new", []byte(text), 0o600); err != nil {
				return err
			}
			return os.Rename(path+".new", path)
		},
		"in place": func(path, text string) error {
			f, err := os.OpenFile(path, os.O_WRONLY|os.O_TRUNC, 0)
			if err != nil {
				return err
			}
			defer f.Close()
			half := len(text) / 2
			if _, err := f.WriteString(text[:half]); err != nil {
				return err
			}
			time.Sleep(time.Millisecond)
			_, err = f.WriteString(text[half:])
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			path := document(t, steps)
			edits := results(Parse(path, []byte(steps)), "**ok**")
			const saves = 60
			var group sync.WaitGroup
			done := make(chan struct{})
			group.Go(func() {
				for {
					select {
					case <-done:
						return
					default:
						if _, err := Update(path, "head", edits, nil); err != nil && !errors.Is(err, errEdited) {
							t.Error(err)
						}
					}
				}
			})
			for i := range saves { // the editor never sees the results: it only adds a line
				text := steps + fmt.Sprintf("\nnote %d\n", i)
				if err := save(path, text); err != nil {
					t.Error(err)
				}
				time.Sleep(time.Duration(i%7) * time.Millisecond)
				if i%10 != 9 {
					continue
				}
				time.Sleep(30 * time.Millisecond)
				if got := string(Strip([]byte(contents(t, path)))); got != text {
					t.Errorf("save %d was lost: the document is %q", i, got)
				}
			}
			close(done)
			group.Wait()
			if _, err := Update(path, "head", edits, nil); err != nil {
				t.Fatal(err)
			}
			text := contents(t, path)
			if want := steps + fmt.Sprintf("\nnote %d\n", saves-1); string(Strip([]byte(text))) != want || !bytes.Contains([]byte(text), []byte("**ok** two")) {
				t.Errorf("at the end: %s", text)
			}
			alone(t, filepath.Dir(path), "runbook.md")
		})
	}
}

// What somebody wrote into a result by hand is handed over before it is replaced;
// without that, nothing is replaced.
func TestUpdateKeepsWhatWasWrittenIntoResults(t *testing.T) {
	path := document(t, steps)
	edits := results(Parse(path, []byte(steps)), "**ok**")
	if _, err := Update(path, "head", edits, nil); err != nil {
		t.Fatal(err)
	}
	noted := strings.Replace(contents(t, path), "**ok**", "**ok**\n\nBob waits for our call", 1)
	if err := os.WriteFile(path, []byte(noted), 0o600); err != nil {
		t.Fatal(err)
	}
	full := errors.New("full")
	if _, err := Update(path, "head", edits, func(string, []byte) error { return full }); !errors.Is(err, full) || contents(t, path) != noted {
		t.Errorf("error %v, the document %s", err, contents(t, path))
	}
	var kept []string
	keep := func(name string, text []byte) error {
		kept = append(kept, name+": "+string(text))
		return nil
	}
	if _, err := Update(path, "head", edits, keep); err != nil || len(kept) != 1 || !strings.HasPrefix(kept[0], "one: ") || !strings.Contains(kept[0], "\nBob waits for our call") {
		t.Errorf("kept %q, %v", kept, err)
	}
	if strings.Contains(contents(t, path), "Bob") {
		t.Error("the result was not replaced")
	}
	if _, err := Update(path, "other", edits, keep); err != nil || len(kept) != 1 {
		t.Errorf("kept %q, %v", kept, err)
	}
}
