package journal

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// DefaultDir is where state lives: $XDG_STATE_HOME/stet, else
// ~/.local/state/stet (XDG Base Directory Specification).
func DefaultDir() (string, error) {
	if d := os.Getenv("XDG_STATE_HOME"); filepath.IsAbs(d) {
		return filepath.Join(d, "stet"), nil
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "", fmt.Errorf("finding the state folder: %w", err)
	}
	return filepath.Join(home, ".local", "state", "stet"), nil
}

// Folder is where the operations of a document are: named by the file's name
// and a hash of its real path, so that people find it and no two collide. The
// document need not exist any more.
func Folder(stateDir, document string) (string, error) {
	id, err := identity(document)
	if err != nil {
		return "", err
	}
	return filepath.Join(stateDir, "operations", id), nil
}

func identity(document string) (string, error) {
	path, err := filepath.Abs(document)
	if err != nil {
		return "", fmt.Errorf("finding the document's place: %w", err)
	}
	if real, err := filepath.EvalSymlinks(path); err == nil {
		path = real
	} else if dir, err := filepath.EvalSymlinks(filepath.Dir(path)); err == nil {
		path = filepath.Join(dir, filepath.Base(path))
	}
	sum := sha256.Sum256([]byte(path))
	return slug(filepath.Base(path)) + "-" + hex.EncodeToString(sum[:6]), nil
}

// slug keeps a file name readable and harmless as part of another one.
func slug(name string) string {
	name = strings.TrimSuffix(name, filepath.Ext(name))
	s := strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '_':
			return r
		}
		return '-'
	}, name)
	if len(s) > 48 {
		s = s[:48]
	}
	if s = strings.Trim(s, "-"); s == "" {
		return "document"
	}
	return s
}

// List returns the folders of a document's operations, the latest first. A
// document without any is an empty list.
func List(stateDir, document string) ([]string, error) {
	folder, err := Folder(stateDir, document)
	if err != nil {
		return nil, err
	}
	entries, err := os.ReadDir(folder)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("listing operations: %w", err)
	}
	var dirs []string
	for _, e := range entries {
		if !e.IsDir() || !IsRun(e.Name()) {
			continue
		}
		dirs = append(dirs, filepath.Join(folder, e.Name()))
	}
	slices.SortFunc(dirs, func(a, b string) int { return strings.Compare(b, a) })
	return dirs, nil
}

// ListAll returns the folders of every document's operations, the latest first.
func ListAll(stateDir string) ([]string, error) {
	dirs, err := filepath.Glob(filepath.Join(escapeGlob(stateDir), "operations", "*", "*"))
	if err != nil {
		return nil, fmt.Errorf("listing operations: %w", err)
	}
	dirs = slices.DeleteFunc(dirs, func(d string) bool { return !IsRun(filepath.Base(d)) })
	slices.SortFunc(dirs, func(a, b string) int { return strings.Compare(filepath.Base(b), filepath.Base(a)) })
	return dirs, nil
}

func escapeGlob(s string) string {
	return strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`, `[`, `\[`).Replace(s)
}
