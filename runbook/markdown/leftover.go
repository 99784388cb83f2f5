package markdown

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// A file that is to replace a document is written beside it, as
// .NAME.stet-PROCESS-RANDOM.new, and loses the .new once it is complete. Then the
// two are exchanged, and it holds what was the document's: what was read, or what
// somebody saved at that moment. A process that is killed leaves it there.

// newSuffix marks a file that never was the document.
const newSuffix = ".new"

// leftoverPrefix begins the names of files that replace the document.
func leftoverPrefix(real string) string {
	base := filepath.Base(real)
	return "." + base[:min(len(base), 160)] + ".stet-" // names have 255 bytes
}

// deadAfter is the age of a file whose process is not known from here (it ran on
// another machine, or before this one was started) from which on it is dead: a
// document is replaced within seconds.
const deadAfter = time.Hour

// Sweep removes what processes that were killed while they replaced the file at
// path left beside it. What differs from the file but for results is kept and
// returned: it may be an edit that was saved at that very moment.
func Sweep(path string) (kept []string, err error) {
	real, err := filepath.EvalSymlinks(path)
	if err != nil {
		return nil, err
	}
	info, err := os.Lstat(real)
	if err != nil {
		return nil, err
	}
	entries, err := os.ReadDir(filepath.Dir(real))
	if err != nil {
		return nil, err
	}
	var errs []error
	for _, e := range entries {
		process, found := strings.CutPrefix(e.Name(), leftoverPrefix(real))
		if !found || !e.Type().IsRegular() {
			continue
		}
		leftover := filepath.Join(filepath.Dir(real), e.Name())
		own, err := left(leftover, process, info)
		if err == nil && own && !strings.HasSuffix(process, newSuffix) {
			own, err = repeats(leftover, real)
			if err == nil && !own {
				kept = append(kept, leftover)
			}
		}
		if err == nil && own {
			err = os.Remove(leftover)
		}
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			errs = append(errs, err)
		}
	}
	if err := errors.Join(errs...); err != nil {
		return kept, fmt.Errorf("removing what is left beside %s: %w", path, err)
	}
	return kept, nil
}

// left reports whether a file is of a stet that is dead, and of this user or of
// the owner of the document.
func left(leftover, process string, document os.FileInfo) (bool, error) {
	info, err := os.Lstat(leftover)
	if err != nil || !ours(info, document) {
		return false, err
	}
	name := strings.TrimSuffix(process, newSuffix)
	at := strings.LastIndexByte(name, '-')
	if at < 0 {
		return false, nil
	}
	known, alive := lives(name[:at])
	if !known {
		alive = time.Since(info.ModTime()).Abs() < deadAfter
	}
	return !alive, nil
}

// repeats reports whether a file has no text that the document lacks.
func repeats(leftover, real string) (bool, error) {
	was, err := os.ReadFile(leftover)
	if err != nil {
		return false, err
	}
	now, err := os.ReadFile(real)
	return err == nil && bytes.Equal(Strip(was), Strip(now)), err
}
