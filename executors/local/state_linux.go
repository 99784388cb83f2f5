package local

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"stet/executors"
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
		return "", unusable(dir, uid, err)
	}
	var st unix.Stat_t
	if err := unix.Lstat(dir, &st); err != nil {
		return "", fmt.Errorf("making the state directory: %w", err)
	}
	// In a directory that others can write they could forge a guard.
	if wrong := unsafeDir(&st, uid); wrong != "" {
		return "", unusable(dir, uid, errors.New(wrong))
	}
	if err := unix.Access(dir, unix.W_OK); err != nil {
		return "", unusable(dir, uid, err)
	}
	return dir, nil
}

// unsafeDir says what is wrong with a state directory of a user; "" if nothing is.
func unsafeDir(st *unix.Stat_t, uid int) string {
	switch kind := st.Mode & unix.S_IFMT; {
	case kind == unix.S_IFLNK:
		return "it is a symbolic link"
	case kind != unix.S_IFDIR:
		return "it is not a directory"
	case int(st.Uid) != uid:
		return fmt.Sprintf("it belongs to user %d", st.Uid)
	case st.Mode&0o022 != 0:
		return fmt.Sprintf("others can write to it (mode %04o)", st.Mode&0o7777)
	}
	return ""
}

// unusable is the error of a state directory that cannot be used.
func unusable(dir string, uid int, err error) error {
	e := &executors.Error{Code: "permission", Op: "using the state directory " + dir, Err: err,
		Message: err.Error(),
		Remedy:  fmt.Sprintf("guards and locks lie there, in a directory that only user %d can write: see who made this one (ls -ld %s) and remove it there; stet makes it anew", uid, dir)}
	var path *fs.PathError
	if errors.As(err, &path) {
		e.Message = path.Err.Error()
	}
	var st unix.Stat_t
	switch {
	case errors.Is(err, unix.EROFS):
		e.Message = "the file system is read-only"
		e.Remedy = "mount it so that it can be written (mount -o remount,rw), and look why it is not: guards and locks lie there"
	case unix.Lstat(dir, &st) == nil: // of what is in its place more can be said
		if wrong := unsafeDir(&st, uid); wrong != "" {
			e.Message = wrong
		}
	}
	return e
}

func bootID() string {
	b, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(b))
}
