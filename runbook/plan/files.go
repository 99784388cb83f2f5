package plan

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"

	"stet/executors/netstate"
	"stet/runbook"
)

// Files opens what blocks of a document name with `from-file`: paths are
// relative to the document, which is also where those of remote targets are
// read. Only regular files are opened.
func Files(d *runbook.Document) func(path string) (io.ReadCloser, error) {
	dir := filepath.Dir(d.Path)
	return func(path string) (io.ReadCloser, error) {
		if !filepath.IsAbs(path) {
			path = filepath.Join(dir, path)
		}
		info, err := os.Stat(path)
		if err != nil {
			return nil, err
		}
		if !info.Mode().IsRegular() {
			return nil, fmt.Errorf("%s is no regular file", path)
		}
		return os.Open(path)
	}
}

// SameFiles reports whether tables are those that were planned with, byte by
// byte.
func SameFiles(now, planned []netstate.File) bool { return slices.Equal(now, planned) }

// LintFiles is Lint that reads the files that blocks name, too.
func LintFiles(d *runbook.Document) runbook.Diagnostics { return lint(d, Files(d)) }
