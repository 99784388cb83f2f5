package linux

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"stet/executors/netstate"
)

// maxResolvConf is far more than any resolver reads.
const maxResolvConf = 1 << 16

// observeDNS reads the name servers: the file, and, where systemd-resolved
// answers, what it has for each interface. owner tells to look for a program
// that writes the file in silence.
func (n *Namespace) observeDNS(ctx context.Context, s *netstate.State, raw []rawLink, owner bool) error {
	if n.o.ResolvConf == "-" {
		return nil
	}
	var file netstate.DNS
	err := n.files(func() (err error) {
		file, err = readResolvConf(n.resolvConf())
		return err
	})
	if err != nil {
		return err
	}
	s.DNS = []netstate.DNS{file}
	if n.o.ResolvConf != "" || file.Owner != netstate.Resolved {
		if owner {
			n.claim(ctx, &s.DNS[0])
		}
		return nil
	}
	links, err := resolvedLinks(ctx, raw)
	if err != nil {
		s.DNS[0].Seen = "the symbolic link /etc/resolv.conf leads to its files, and it does not answer (" + err.Error() + ")"
		return nil
	}
	s.DNS[0].Seen = ""
	s.DNS = append(s.DNS, links...)
	return nil
}

func (n *Namespace) files(f func() error) error {
	if n.o.Files == nil {
		return f()
	}
	return n.o.Files(f)
}

func (n *Namespace) resolvConf() string {
	if n.o.ResolvConf == "" {
		return "/etc/resolv.conf"
	}
	return n.o.ResolvConf
}

// readResolvConf reads a file of resolv.conf(5), and tells whose it is by where
// it leads and what it says.
func readResolvConf(path string) (netstate.DNS, error) {
	target, err := follow(path)
	if err != nil {
		return netstate.DNS{}, err
	}
	f := &netstate.ResolvConf{Path: target}
	d := netstate.DNS{File: f}
	var st unix.Stat_t
	switch err := unix.Stat(target, &st); {
	case err == unix.ENOENT:
		f.Missing = true
		_, err := os.Stat(filepath.Dir(target))
		f.NoDir = errors.Is(err, fs.ErrNotExist)
		d.Owner, d.Seen = ownerOf(path, target, nil)
		return d, nil
	case err != nil:
		return d, &fs.PathError{Op: "stat", Path: target, Err: err}
	case st.Mode&unix.S_IFMT != unix.S_IFREG:
		return d, fmt.Errorf("%s is no file", target)
	case st.Size > maxResolvConf:
		return d, fmt.Errorf("%s has more than %d bytes", target, maxResolvConf)
	}
	if f.Content, err = os.ReadFile(target); err != nil {
		return d, err
	}
	f.Mode, f.UID, f.GID = st.Mode&0o7777, int(st.Uid), int(st.Gid)
	d.Servers, d.Search, d.Options = netstate.ParseResolvConf(f.Content)
	d.Owner, d.Seen = ownerOf(path, target, f.Content)
	return d, nil
}

// follow is the file that a path leads to, which need not be there.
func follow(path string) (string, error) {
	for range 40 {
		to, err := os.Readlink(path)
		if errors.Is(err, unix.EINVAL) || errors.Is(err, fs.ErrNotExist) {
			return path, nil
		}
		if err != nil {
			return "", err
		}
		if !filepath.IsAbs(to) {
			to = filepath.Join(filepath.Dir(path), to)
		}
		path = to
	}
	return "", &fs.PathError{Op: "readlink", Path: path, Err: unix.ELOOP}
}

// dns carries out an edit of name servers.
func (e *editor) dns(ctx context.Context, edit *netstate.Edit) error {
	want := edit.After.DNS
	if edit.Op != netstate.Modify || edit.Before.DNS == nil || want == nil {
		return fmt.Errorf("name servers can only be changed")
	}
	if want.Device != "" {
		l, err := e.names(ctx)
		if err != nil {
			return err
		}
		index, err := l.index(want.Device)
		if err != nil {
			return err
		}
		return setResolved(ctx, index, edit.Before.DNS, want)
	}
	if want.File == nil {
		return fmt.Errorf("name servers without a file or an interface: %w", unix.EINVAL)
	}
	return e.n.files(func() error {
		// The edit may come from elsewhere: only this file is written.
		if target, err := follow(e.n.resolvConf()); err != nil || target != want.File.Path {
			return errors.Join(err, fmt.Errorf("%s is not where the name servers are: that is %s", want.File.Path, target))
		}
		if err := writeResolvConf(want.File, e.n.o.ResolvConf != ""); err != nil {
			return err
		}
		if e.n.o.Shown != nil {
			return e.n.o.Shown()
		}
		return nil
	})
}

// writeResolvConf writes or removes a file: by a rename, so that nobody reads
// half of it. Where that cannot be, because something is mounted there, or
// should not, because the file is mounted elsewhere, it is written in place.
func writeResolvConf(f *netstate.ResolvConf, inPlace bool) error {
	dir := filepath.Dir(f.Path)
	if f.Missing {
		if err := os.Remove(f.Path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		if f.NoDir {
			_ = os.Remove(dir) // if it is empty
			_ = os.Remove(filepath.Dir(dir))
		}
		return nil
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	if _, err := os.Stat(f.Path); inPlace && err == nil {
		return overwrite(f)
	}
	err := replace(f, dir)
	if errors.Is(err, unix.EBUSY) {
		return overwrite(f)
	}
	if errors.Is(err, unix.EPERM) && os.Geteuid() == 0 {
		return fmt.Errorf("%w; it may be immutable (see lsattr(1))", err)
	}
	return err
}

// replace puts a new file in the place of another.
func replace(f *netstate.ResolvConf, dir string) (err error) {
	tmp, err := os.CreateTemp(dir, ".resolv.conf.")
	if err != nil {
		return err
	}
	defer func() {
		_ = tmp.Close()
		if err != nil {
			_ = os.Remove(tmp.Name())
		}
	}()
	if _, err = tmp.Write(f.Content); err != nil {
		return err
	}
	if err = own(tmp, f); err != nil {
		return err
	}
	label(tmp, f.Path)
	if err = tmp.Sync(); err != nil {
		return err
	}
	if err = os.Rename(tmp.Name(), f.Path); err != nil {
		return err
	}
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer func() { _ = d.Close() }()
	return d.Sync()
}

// own gives a file its owner and mode.
func own(file *os.File, f *netstate.ResolvConf) error {
	var st unix.Stat_t
	if err := unix.Fstat(int(file.Fd()), &st); err != nil {
		return err
	}
	if int(st.Uid) != f.UID || int(st.Gid) != f.GID {
		if err := file.Chown(f.UID, f.GID); err != nil {
			return err
		}
	}
	return unix.Fchmod(int(file.Fd()), f.Mode)
}

// label gives a new file the security label (SELinux) of the one that it
// replaces, where there is one.
func label(file *os.File, path string) {
	var b [256]byte
	if n, err := unix.Getxattr(path, "security.selinux", b[:]); err == nil && n > 0 {
		_ = unix.Fsetxattr(int(file.Fd()), "security.selinux", b[:n], 0)
	}
}

// overwrite writes a file in place: its new text first, then what is too much
// goes.
func overwrite(f *netstate.ResolvConf) error {
	file, err := os.OpenFile(f.Path, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = file.WriteAt(f.Content, 0)
	if err == nil {
		err = file.Truncate(int64(len(f.Content)))
	}
	if err == nil {
		err = own(file, f)
	}
	return errors.Join(err, file.Sync(), file.Close())
}

// ownResolvConf is the first line of a file that a sandbox has for itself.
const ownResolvConf = "# This sandbox's own.\n"

// OwnResolvConf is the text of a resolv.conf(5) for one sandbox alone, made of
// another: without comments, which may say whose the other one is.
func OwnResolvConf(text string) string {
	var b strings.Builder
	b.WriteString(ownResolvConf)
	for line := range strings.Lines(text) {
		if t := strings.TrimSpace(line); t != "" && t[0] != '#' && t[0] != ';' {
			b.WriteString(t + "\n")
		}
	}
	return b.String()
}
