package local

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
)

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
