package markdown

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// maxTries bounds how often Update starts again when the file is edited while
// it works. An editor that saves faster than that is no editor.
const maxTries = 50

// errEdited tells that the file was edited between reading and replacing it.
var errEdited = errors.New("the file is being edited")

// errAnother tells that a document is not the one that ran: a version control system
// may have put another one into its place meanwhile.
var errAnother = errors.New("it has none of the blocks that ran, and nothing of their operation")

// Update writes results and report into the file at path. The file is read
// anew, so that every edit made meanwhile is kept; edits whose block is gone
// are returned as lost. A document without any of their blocks, and in which nothing of
// the operation stands, is another one, and left as it is. The file is replaced as a
// whole, or not at all: owner, mode and a symbolic link to it stay, other hard links to
// it keep the old text.
//
// keep gets each region that somebody wrote into by hand and that is about to be
// replaced, with the name of its block, "" of the report. Its error leaves the file
// as it is. It may get the same one several times; nil keeps nothing.
//
// renameio is not used: as root it would give a user's file to root, and it
// cannot notice an edit that comes between its reading and its renaming.
func Update(path, head string, edits []Edit, keep func(name string, text []byte) error) (lost []Edit, err error) {
	return update(path, head, edits, keep, false)
}

// UpdateAny is Update of a document that somebody has chosen: it is written into also
// when it has nothing of the operation.
func UpdateAny(path, head string, edits []Edit, keep func(name string, text []byte) error) (lost []Edit, err error) {
	return update(path, head, edits, keep, true)
}

func update(path, head string, edits []Edit, keep func(name string, text []byte) error, anyDocument bool) (lost []Edit, err error) {
	err = rewrite(path, func(src []byte) (out []byte, err error) {
		r := structure("", src)
		out, lost = r.splice(head, edits)
		if !anyDocument && len(lost) > 0 && len(lost) == len(edits) && !bytes.Contains(src, []byte(edits[0].Run)) {
			return nil, errAnother
		}
		if keep != nil {
			err = r.keepEdited(out, keep)
		}
		return out, err
	})
	if err != nil {
		return nil, fmt.Errorf("writing results into %s: %w", path, err)
	}
	return lost, nil
}

// Rewrite replaces the text of the file at path by what change makes of it, as
// carefully as Update does. change may be called several times.
func Rewrite(path string, change func(src []byte) []byte) error {
	sure := func(src []byte) ([]byte, error) { return change(src), nil }
	if err := rewrite(path, sure); err != nil {
		return fmt.Errorf("rewriting %s: %w", path, err)
	}
	return nil
}

func rewrite(path string, change func(src []byte) ([]byte, error)) (err error) {
	for try := range maxTries {
		if try > 0 {
			time.Sleep(time.Duration(min(try, 10)) * 5 * time.Millisecond)
		}
		err = rewriteOnce(path, change)
		if !errors.Is(err, errEdited) {
			break
		}
	}
	return err
}

// rewriteOnce is one try.
func rewriteOnce(path string, change func(src []byte) ([]byte, error)) error {
	real, err := filepath.EvalSymlinks(path)
	if err != nil {
		return err
	}
	f, err := openRegular(real)
	if err != nil {
		return err
	}
	defer f.Close()
	watch := watchWriters(f)
	defer watch.end()
	src, err := io.ReadAll(f)
	if err != nil {
		return err
	}
	out, err := change(src)
	if err != nil || bytes.Equal(out, src) {
		return err
	}
	temporary, err := copyBeside(f, real, out)
	if err != nil {
		return err
	}
	defer os.Remove(temporary)
	if err := replace(temporary, real, src, out, watch); err != nil {
		return err
	}
	return syncFolder(filepath.Dir(real))
}

// errNotRegular tells that a path is no file that can be replaced.
var errNotRegular = errors.New("it is not a regular file")

// openRegular opens a file to read it. Opening a pipe would wait for somebody
// to write into it: that is found out before.
func openRegular(path string) (*os.File, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, errNotRegular
	}
	return os.Open(path)
}

// copyBeside writes text into a new file in the same folder, with owner and
// mode of the old one, and makes it safe on disk.
func copyBeside(old *os.File, real string, text []byte) (name string, err error) {
	info, err := old.Stat()
	if err != nil {
		return "", err
	}
	if !info.Mode().IsRegular() {
		return "", errNotRegular
	}
	f, err := os.CreateTemp(filepath.Dir(real), leftoverPrefix(real)+process()+"-*"+newSuffix)
	if err != nil {
		return "", err
	}
	defer func() {
		if e := f.Close(); err == nil {
			err = e
		}
		name = strings.TrimSuffix(f.Name(), newSuffix)
		if err == nil {
			err = os.Rename(f.Name(), name)
		}
		if err != nil {
			os.Remove(f.Name())
		}
	}()
	if _, err := f.Write(text); err != nil {
		return "", err
	}
	if err := likeOld(f, old, info); err != nil {
		return "", fmt.Errorf("keeping owner and mode: %w", err)
	}
	return "", f.Sync()
}

// unchanged reads a file again and compares it.
func unchanged(path string, want []byte) (bool, error) {
	got, err := os.ReadFile(path)
	return err == nil && bytes.Equal(got, want), err
}

// renameOver replaces the file when it still is what was read. It is for
// systems and file systems that cannot exchange two files.
func renameOver(temporary, real string, src []byte) error {
	same, err := unchanged(real, src)
	if err != nil {
		return err
	}
	if !same {
		return errEdited
	}
	return os.Rename(temporary, real)
}

// syncFolder makes the new entry safe on disk.
func syncFolder(path string) error {
	folder, err := os.Open(path)
	if err != nil {
		return nil // a folder that can be written and not read: nothing to do
	}
	defer folder.Close()
	if err := folder.Sync(); err != nil && !errors.Is(err, errors.ErrUnsupported) {
		return fmt.Errorf("syncing the folder: %w", err)
	}
	return nil
}
