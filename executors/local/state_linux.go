package local

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// stateDir finds and makes the directory for what outlives a process.
func stateDir(override string) (string, error) {
	dir := override
	uid := os.Geteuid()
	switch {
	case dir != "":
	case uid == 0:
		dir = "/run/stet"
	case os.Getenv("XDG_RUNTIME_DIR") != "":
		dir = filepath.Join(os.Getenv("XDG_RUNTIME_DIR"), "stet")
	default:
		// Not cleared by a boot everywhere, hence the boot in the name.
		dir = filepath.Join(os.TempDir(), fmt.Sprintf("stet-%d-%.8s", uid, bootID()))
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", fmt.Errorf("making the state directory: %w", err)
	}
	var st unix.Stat_t
	if err := unix.Lstat(dir, &st); err != nil {
		return "", fmt.Errorf("making the state directory: %w", err)
	}
	// In a directory that others can write they could forge a guard.
	if st.Mode&unix.S_IFMT != unix.S_IFDIR || int(st.Uid) != uid || st.Mode&0o022 != 0 {
		return "", fmt.Errorf("using the state directory %s: it must be a directory that only its owner, user %d, can write", dir, uid)
	}
	return dir, nil
}

func bootID() string {
	b, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(b))
}
