package local

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
)

// own opens the program that runs when path is where it came from, and it is not
// there any more: somebody emptied the caches of the host, or installed another
// version. Otherwise there is no file.
func own(path string) (*os.File, error) {
	const self = "/proc/self/exe"
	from, err := os.Executable()
	if err != nil || from != path {
		return nil, nil
	}
	running, err := os.Stat(self)
	if err != nil {
		return nil, nil // without a /proc the path is all there is
	}
	if there, err := os.Stat(path); err == nil && os.SameFile(running, there) {
		return nil, nil
	}
	return os.Open(self)
}

// program is the argv that starts the helper entries.
func program(given []string) ([]string, error) {
	if len(given) > 0 {
		return given, nil
	}
	path, err := os.Executable()
	if err != nil {
		return nil, err
	}
	if strings.HasSuffix(path, ".test") {
		return nil, errors.New("a test binary must say how it is called for helper processes (Program)")
	}
	beside := filepath.Join(filepath.Dir(path), "stet-agent")
	if info, err := os.Stat(beside); err == nil && info.Mode().IsRegular() && info.Mode()&0o111 != 0 {
		return []string{beside, "agent"}, nil
	}
	return []string{path, "agent"}, nil
}
