package markdown

import (
	"errors"
	"os"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// likeOld gives the new file owner, mode and extended attributes (access
// lists, security labels) of the old one.
func likeOld(f, old *os.File, info os.FileInfo) error {
	if s, ok := info.Sys().(*syscall.Stat_t); ok {
		if err := f.Chown(int(s.Uid), int(s.Gid)); err != nil {
			// A group that the user is not in cannot be kept; the owner
			// must be.
			if os.Geteuid() == 0 || int(s.Uid) != os.Geteuid() {
				return err
			}
		}
	}
	if err := f.Chmod(info.Mode().Perm() | info.Mode()&(os.ModeSetuid|os.ModeSetgid|os.ModeSticky)); err != nil {
		return err
	}
	copyAttributes(f, old)
	return nil
}

// copyAttributes copies what the file system lets it copy.
func copyAttributes(f, old *os.File) {
	names := make([]byte, 64<<10)
	n, err := unix.Flistxattr(int(old.Fd()), names)
	if err != nil {
		return
	}
	value := make([]byte, 64<<10)
	for name := range strings.SplitSeq(strings.TrimSuffix(string(names[:n]), "\x00"), "\x00") {
		if n, err := unix.Fgetxattr(int(old.Fd()), name, value); err == nil {
			_ = unix.Fsetxattr(int(f.Fd()), name, value[:n], 0) // labels may be the kernel's own to set
		}
	}
}

// replace exchanges the two files and looks at what came out: when it is not
// what was read, somebody saved in between, and the files are exchanged back.
func replace(temporary, real string, src, out []byte, watch *writers) error {
	exchange := func() error {
		return unix.Renameat2(unix.AT_FDCWD, temporary, unix.AT_FDCWD, real, unix.RENAME_EXCHANGE)
	}
	switch err := exchange(); {
	case errors.Is(err, unix.ENOSYS) || errors.Is(err, unix.EINVAL) || errors.Is(err, unix.EOPNOTSUPP):
		return renameOver(temporary, real, src)
	case err != nil:
		return &os.LinkError{Op: "replacing", Old: temporary, New: real, Err: err}
	}
	same, err := unchanged(temporary, src)
	if same && !watch.broken() {
		return nil
	}
	if e := exchange(); e != nil {
		return &os.LinkError{Op: "bringing back", Old: temporary, New: real, Err: e}
	}
	if err != nil {
		return err
	}
	// What comes out now should be ours; if not, a newer save replaced it.
	if ours, err := unchanged(temporary, out); err == nil && !ours {
		if e := exchange(); e != nil {
			return &os.LinkError{Op: "bringing back", Old: temporary, New: real, Err: e}
		}
	}
	return errEdited
}

// writers notices who opens a file to write in place: such a writer would
// write into the file that has just been replaced. A lease (fcntl(2),
// F_SETLEASE) is refused while one has it open, and is broken by the next one,
// who waits until it is given back.
type writers struct {
	f     *os.File
	leave bool // there is a lease
}

func watchWriters(f *os.File) *writers {
	w := &writers{f: f}
	for range 40 { // editors that write in place take some milliseconds
		_, err := unix.FcntlInt(f.Fd(), unix.F_SETLEASE, unix.F_RDLCK)
		if err == nil {
			w.leave = true
			break
		}
		if !errors.Is(err, unix.EAGAIN) { // not our file, or no leases here
			break
		}
		time.Sleep(25 * time.Millisecond)
	}
	return w
}

// broken reports whether a writer waits.
func (w *writers) broken() bool {
	if !w.leave {
		return false
	}
	lease, err := unix.FcntlInt(w.f.Fd(), unix.F_GETLEASE, 0)
	return err == nil && lease != unix.F_RDLCK
}

func (w *writers) end() {
	if w.leave {
		_, _ = unix.FcntlInt(w.f.Fd(), unix.F_SETLEASE, unix.F_UNLCK)
	}
}
