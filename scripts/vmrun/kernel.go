package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
)

// kernel is an unpacked kernel package.
type kernel struct {
	image   string // boot/vmlinuz-RELEASE
	modules string // lib/modules/RELEASE
	release string // as uname -r says it
}

// findKernel returns the kernel of a Debian package, from the cache folder or,
// the first time, from Debian's archive. A cached kernel is used for good:
// remove the folder to have the newest one.
func findKernel(ctx context.Context, cache, name string) (*kernel, error) {
	if runtime.GOARCH != "amd64" {
		return nil, fmt.Errorf("programs built for %s do not run on it: it is an amd64 kernel", runtime.GOARCH)
	}
	if err := os.MkdirAll(cache, 0o755); err != nil {
		return nil, err
	}
	unlock, err := lock(filepath.Join(cache, "lock"))
	if err != nil {
		return nil, err
	}
	defer unlock()
	dir := filepath.Join(cache, name)
	if k, err := openKernel(dir); err == nil {
		return k, nil
	}
	if err := unpackKernel(ctx, cache, name, dir); err != nil {
		return nil, err
	}
	return openKernel(dir)
}

// lock waits until no other vmrun fills the cache.
func lock(path string) (unlock func(), err error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX); err != nil {
		_ = f.Close()
		return nil, fmt.Errorf("locking %s: %w", path, err)
	}
	return func() { _ = f.Close() }, nil
}

func openKernel(dir string) (*kernel, error) {
	images, _ := filepath.Glob(filepath.Join(dir, "boot", "vmlinuz-*"))
	if len(images) != 1 {
		return nil, fmt.Errorf("%s holds %d kernels, want one", dir, len(images))
	}
	release := strings.TrimPrefix(filepath.Base(images[0]), "vmlinuz-")
	k := &kernel{image: images[0], modules: filepath.Join(dir, "lib", "modules", release), release: release}
	if _, err := os.Stat(filepath.Join(k.modules, "modules.dep")); err != nil {
		return nil, err
	}
	return k, nil
}

// unpackKernel makes the folder dir, whole or not at all.
func unpackKernel(ctx context.Context, cache, name, dir string) error {
	temp, err := os.MkdirTemp(cache, "unpacking-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(temp) }()
	deb, err := download(ctx, temp, name)
	if err != nil {
		return err
	}
	tree := filepath.Join(temp, "tree")
	if _, err := command(ctx, temp, "dpkg", "-x", deb, tree); err != nil {
		return err
	}
	releases, err := os.ReadDir(filepath.Join(tree, "lib", "modules"))
	if err != nil {
		return err
	}
	for _, r := range releases {
		if _, err := command(ctx, temp, "depmod", "-b", tree, r.Name()); err != nil {
			return err
		}
	}
	if err := os.RemoveAll(dir); err != nil {
		return err
	}
	return os.Rename(tree, dir)
}

// download fetches the package that a metapackage stands for, into dir. The
// lists of a machine that has not been updated for a while name packages that
// the archive no longer has: then they are updated, which needs root.
func download(ctx context.Context, dir, name string) (deb string, err error) {
	for _, update := range []bool{false, true} {
		if update {
			if _, upErr := command(ctx, dir, "apt-get", "-q", "update"); upErr != nil {
				return "", errors.Join(err, upErr)
			}
		}
		var real string
		if real, err = realPackage(ctx, dir, name); err != nil {
			continue
		}
		if _, err = command(ctx, dir, "apt-get", "-q", "download", real); err != nil {
			continue
		}
		debs, _ := filepath.Glob(filepath.Join(dir, "*.deb"))
		if len(debs) == 1 {
			return debs[0], nil
		}
		err = fmt.Errorf("apt-get download %s left %d files", real, len(debs))
	}
	return "", err
}

// realPackage is what "linux-image-6.12-amd64" depends on:
// "linux-image-6.12.117+deb12-amd64". A package that depends on no other
// kernel is one itself.
func realPackage(ctx context.Context, dir, name string) (string, error) {
	out, err := command(ctx, dir, "apt-cache", "depends", "--important", name)
	if err != nil {
		return "", err
	}
	for line := range strings.SplitSeq(out, "\n") {
		if _, real, ok := strings.Cut(line, "Depends: linux-image-"); ok {
			return "linux-image-" + real, nil
		}
	}
	return name, nil
}

// command runs a program in dir and returns what it prints.
func command(ctx context.Context, dir string, argv ...string) (string, error) {
	path, err := find(argv[0])
	if err != nil {
		return "", err
	}
	var out, errs bytes.Buffer
	c := exec.CommandContext(ctx, path, argv[1:]...)
	c.Dir, c.Stdout, c.Stderr = dir, &out, &errs
	if err := c.Run(); err != nil {
		return "", fmt.Errorf("running %s: %w: %s", strings.Join(argv, " "), err, strings.TrimSpace(errs.String()))
	}
	return out.String(), nil
}

// find looks for a program also where only root's PATH leads.
func find(name string) (string, error) {
	path, err := exec.LookPath(name)
	if err == nil {
		return path, nil
	}
	for _, dir := range []string{"/usr/sbin", "/sbin"} {
		if path, sbinErr := exec.LookPath(filepath.Join(dir, name)); sbinErr == nil {
			return path, nil
		}
	}
	return "", err
}
