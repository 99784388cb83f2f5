package local

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"stet/executors/linux"
)

const etcResolvConf = "/etc/resolv.conf"

// shown keeps a mount namespace showing the resolv.conf of its network
// namespace, which may come and go: it lies over the one of /etc.
type shown struct{ path string }

func newShown(path string) shown { return shown{path} }

// again runs in the mount namespace after the file was changed.
func (s shown) again() error {
	if s.path == "" {
		return nil
	}
	file, err := os.Stat(s.path)
	missing := errors.Is(err, fs.ErrNotExist)
	if err != nil && !missing {
		return err
	}
	seen, err := os.Stat(etcResolvConf)
	if err != nil {
		return nil // ip(8) leaves out what /etc does not have
	}
	if !missing && os.SameFile(file, seen) {
		return nil
	}
	var st unix.Stat_t
	if unix.Stat(etcResolvConf, &st) == nil && st.Nlink == 0 { // the former one, which was removed
		if err := unix.Unmount(etcResolvConf, unix.MNT_DETACH); err != nil {
			return os.NewSyscallError("umount", err)
		}
	}
	if missing {
		return nil
	}
	return unix.Mount(s.path, etcResolvConf, "none", unix.MS_BIND, "")
}

// ownResolvConf gives a sandbox a resolv.conf of its own, which begins with the
// servers of the machine's: what is changed there changes nothing outside.
func ownResolvConf(text string) error {
	const own = "/run/resolv.conf"
	target, err := os.Readlink(etcResolvConf)
	if err != nil {
		target = etcResolvConf
	} else if !filepath.IsAbs(target) {
		target = filepath.Join("/etc", target)
	}
	if _, err := os.Stat(target); err != nil {
		// A link into /run, which is empty here.
		if filepath.Dir(target) == "/etc" || os.MkdirAll(filepath.Dir(target), 0o755) != nil || os.WriteFile(target, nil, 0o644) != nil {
			return nil // it has none
		}
	}
	if err := os.WriteFile(own, []byte(linux.OwnResolvConf(text)), 0o644); err != nil {
		return err
	}
	return unix.Mount(own, etcResolvConf, "none", unix.MS_BIND, "")
}

// isOwnResolvConf tells that the file is not the machine's.
func isOwnResolvConf() bool {
	own, err := os.Stat("/run/resolv.conf")
	seen, seenErr := os.Stat(etcResolvConf)
	return err == nil && seenErr == nil && os.SameFile(own, seen)
}
