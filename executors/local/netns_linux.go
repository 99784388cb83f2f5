package local

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"golang.org/x/sys/unix"

	"stet/executors"
	"stet/executors/linux"
)

// named is where ip-netns(8) keeps its namespaces.
const named = "/run/netns"

// openNamed opens an existing named namespace.
func openNamed(name string) (*space, error) {
	f, err := openNetns(name)
	if err != nil {
		return nil, err
	}
	s := &space{net: f, resolv: filepath.Join("/etc/netns", name, "resolv.conf")}
	if err = s.mounts(func() error { return furnish(name) }); err == nil {
		err = s.identify()
	}
	if err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

// openNetns opens the namespace's file, and makes sure that it is one: after a
// reboot, or an unmount, an empty file may lie there.
func openNetns(name string) (*os.File, error) {
	if err := checkName(name); err != nil {
		return nil, err
	}
	f, err := os.Open(filepath.Join(named, name))
	if err != nil {
		return nil, err
	}
	if !isNetns(f) {
		f.Close()
		return nil, &fs.PathError{Op: "open", Path: f.Name(), Err: errNoNamespace}
	}
	return f, nil
}

var errNoNamespace = errors.New("is a left-over file, no namespace")

func isNetns(f *os.File) bool {
	var st unix.Statfs_t
	if unix.Fstatfs(int(f.Fd()), &st) != nil || st.Type != unix.NSFS_MAGIC {
		return false
	}
	typ, err := unix.IoctlRetInt(int(f.Fd()), unix.NS_GET_NSTYPE)
	return err != nil || typ == unix.CLONE_NEWNET
}

// checkName refuses what ip-netns(8) refuses.
func checkName(name string) error {
	if name == "" || name == "." || name == ".." || len(name) > unix.NAME_MAX || strings.ContainsAny(name, "/\x00") {
		return &executors.Error{Code: "not-found", Op: "opening netns://" + name, Message: "not a name of a namespace",
			Remedy: "a namespace's name is a file name below " + named}
	}
	return nil
}

// addNamed does what `ip netns add` does: a new network namespace, kept alive
// by a bind mount in a shared directory.
func addNamed(name string) error {
	if err := checkName(name); err != nil {
		return err
	}
	if err := os.MkdirAll(named, 0o755); err != nil {
		return err
	}
	if err := share(named); err != nil {
		return err
	}
	path := filepath.Join(named, name)
	f, err := os.OpenFile(path, os.O_RDONLY|os.O_CREATE|os.O_EXCL, 0o444)
	if err != nil {
		return err
	}
	f.Close()
	result := make(chan error, 1)
	go func() {
		runtime.LockOSThread()
		if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
			result <- os.NewSyscallError("unshare", err)
			return
		}
		result <- unix.Mount("/proc/thread-self/ns/net", path, "none", unix.MS_BIND, "")
	}()
	if err := <-result; err != nil {
		os.Remove(path)
		return err
	}
	return nil
}

// share makes dir a shared mount, so that other mount namespaces see what is
// mounted and unmounted below it (iproute2 does the same).
func share(dir string) error {
	err := unix.Mount("", dir, "none", unix.MS_SHARED|unix.MS_REC, "")
	if err == unix.EINVAL { // not a mount point yet
		if err = unix.Mount(dir, dir, "none", unix.MS_BIND|unix.MS_REC, ""); err == nil {
			err = unix.Mount("", dir, "none", unix.MS_SHARED|unix.MS_REC, "")
		}
	}
	if err != nil {
		return fmt.Errorf("sharing %s: %w", dir, err)
	}
	return nil
}

// endNamed removes a namespace, with the processes of teamd(8) in it: they would
// go on where nobody can reach them, and keep the names of their teams.
func endNamed(name string) error {
	f, err := openNetns(name)
	if err != nil {
		return removeNamed(name)
	}
	defer f.Close()
	ns, err := linux.Open(linux.Options{NS: int(f.Fd())})
	if err == nil {
		err = errors.Join(ns.EndTeamd(context.Background()), ns.Close())
	}
	return errors.Join(err, removeNamed(name))
}

// removeNamed does what `ip netns delete` does.
func removeNamed(name string) error {
	path := filepath.Join(named, name)
	if err := unix.Unmount(path, unix.MNT_DETACH); err != nil && err != unix.EINVAL && err != unix.ENOENT {
		return fmt.Errorf("unmounting %s: %w", path, err)
	}
	if err := os.Remove(path); err != nil && !os.IsNotExist(err) {
		return err
	}
	return nil
}
