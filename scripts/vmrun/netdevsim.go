package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
)

// netdevsim is the kernel's driver of network cards that are not there
// (drivers/net/netdevsim), which have what few emulated cards have: virtual
// functions, forward error correction, all settings of ethtool. Debian's kernels
// come without it: it is built from Debian's source of the same kernel.
const netdevsim = "netdevsim"

// simulated is where the module is kept: with the kernel that it was built for,
// where modprobe(8) finds it.
func (k *kernel) simulated() string {
	return filepath.Join(k.modules, "extra", netdevsim+".ko")
}

// lacks is the file that tells why the module could not be built.
func (k *kernel) lacks() string {
	return filepath.Join(k.modules, "extra", netdevsim+".lacks")
}

// simulate makes sure that the module is there. What it cannot do, it says to
// programs in the machine: they go without.
func (k *kernel) simulate(ctx context.Context, cache string) error {
	unlock, err := lock(filepath.Join(cache, "lock"))
	if err != nil {
		return err
	}
	defer unlock()
	if _, err := os.Stat(k.simulated()); err == nil {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(k.simulated()), 0o755); err != nil {
		return err
	}
	if err := k.build(ctx, cache); err != nil {
		why := strings.Join(strings.Fields(err.Error()), " ")
		return errors.Join(err, os.WriteFile(k.lacks(), []byte(why+"\n"), 0o644))
	}
	return os.RemoveAll(k.lacks())
}

// without says why there is no such module; "" if there is.
func (k *kernel) without() string {
	if _, err := os.Stat(k.simulated()); err == nil {
		return ""
	}
	why, err := os.ReadFile(k.lacks())
	if err != nil {
		return "vmrun -get has not built it"
	}
	return strings.TrimSpace(string(why))
}

// build builds the module with the headers of the kernel's release. Nothing of
// them is installed, and only the module is kept.
func (k *kernel) build(ctx context.Context, cache string) error {
	for _, program := range []string{"make", "gcc", "strip", "xz"} {
		if _, err := find(program); err != nil {
			return fmt.Errorf("%w: install gcc, make and xz-utils", err)
		}
	}
	temp, err := os.MkdirTemp(cache, "building-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(temp) }()
	if temp, err = filepath.Abs(temp); err != nil {
		return err
	}
	source, err := k.sources(ctx, temp)
	if err != nil {
		return err
	}
	headers := filepath.Join(temp, "tree", "usr", "src", "linux-headers-"+k.release)
	if err := relocate(filepath.Join(headers, "Makefile"), filepath.Join(temp, "tree")); err != nil {
		return err
	}
	// What a make(1) above this one wants is not meant for the kernel's.
	_, err = command(ctx, temp, "env", "-u", "MAKEFLAGS", "-u", "MFLAGS", "-u", "MAKEOVERRIDES", "-u", "MAKELEVEL",
		"make", "-C", headers, "M="+source, "CONFIG_NETDEVSIM=m", "CONFIG_DEBUG_INFO_BTF_MODULES=", "-j"+strconv.Itoa(runtime.NumCPU()), "modules")
	if err != nil {
		return err
	}
	built := filepath.Join(source, netdevsim+".ko")
	if _, err := command(ctx, temp, "strip", "-g", built); err != nil {
		return err
	}
	if err := os.Rename(built, k.simulated()); err != nil {
		return err
	}
	root := filepath.Dir(filepath.Dir(filepath.Dir(k.modules)))
	if _, err := command(ctx, temp, "depmod", "-b", root, k.release); err != nil {
		return errors.Join(err, os.Remove(k.simulated()))
	}
	return nil
}

// sources unpacks the headers into temp/tree, and returns the folder with the
// driver's source.
func (k *kernel) sources(ctx context.Context, temp string) (string, error) {
	headers := "linux-headers-" + k.release
	out, err := command(ctx, temp, "apt-cache", "show", "--no-all-versions", headers)
	if err != nil {
		return "", err
	}
	version := field(out, "Version")
	series := strings.SplitN(k.release, ".", 3)
	if version == "" || len(series) < 3 {
		return "", fmt.Errorf("no version of %s in Debian's archive", headers)
	}
	packages := []string{headers}
	for _, need := range strings.Split(field(out, "Depends"), ",") {
		name := strings.Fields(need + " -")[0]
		if strings.HasPrefix(name, "linux-headers-") || strings.HasPrefix(name, "linux-kbuild-") {
			packages = append(packages, name)
		}
	}
	source := "linux-source-" + series[0] + "." + series[1]
	argv := []string{"apt-get", "-q", "download", source + "=" + version}
	for _, name := range packages {
		argv = append(argv, name+"="+version)
	}
	if _, err := command(ctx, temp, argv...); err != nil {
		return "", err
	}
	for _, name := range packages {
		deb, err := only(filepath.Join(temp, name+"_*.deb"))
		if err != nil {
			return "", err
		}
		if _, err := command(ctx, temp, "dpkg", "-x", deb, filepath.Join(temp, "tree")); err != nil {
			return "", err
		}
	}
	deb, err := only(filepath.Join(temp, source+"_*.deb"))
	if err != nil {
		return "", err
	}
	const unpack = `dpkg-deb --fsys-tarfile "$1" | tar -xO "./usr/src/$2.tar.xz" | tar -xJ --strip-components=1 "$2/drivers/net/netdevsim"`
	if _, err := command(ctx, temp, "sh", "-c", unpack, "sh", deb, source); err != nil {
		return "", err
	}
	return filepath.Join(temp, "drivers", "net", netdevsim), nil
}

// field is a field of one line of a package's description (deb-control(5)).
func field(control, name string) string {
	for line := range strings.SplitSeq(control, "\n") {
		if value, ok := strings.CutPrefix(line, name+": "); ok {
			return value
		}
	}
	return ""
}

// only is the one file that a pattern matches.
func only(pattern string) (string, error) {
	found, err := filepath.Glob(pattern)
	if err == nil && len(found) != 1 {
		err = fmt.Errorf("%d files are %s, want one", len(found), pattern)
	}
	if err != nil {
		return "", err
	}
	return found[0], nil
}

// relocate makes the headers' Makefile find the others where they were unpacked.
func relocate(makefile, tree string) error {
	text, err := os.ReadFile(makefile)
	if err != nil {
		return err
	}
	moved := strings.ReplaceAll(string(text), " /usr/src/", " "+tree+"/usr/src/")
	return os.WriteFile(makefile, []byte(moved), 0o644)
}
