package main

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const release = "6.12.1+deb12-amd64"

// unpackedKernel is one as findKernel leaves it.
func unpackedKernel(t *testing.T) (cache string, k *kernel) {
	t.Helper()
	cache = t.TempDir()
	dir := filepath.Join(cache, "linux-image-x")
	put(t, 0o600, "", dir, "boot", "vmlinuz-"+release)
	put(t, 0o600, "", dir, "lib", "modules", release, "modules.dep")
	k, err := openKernel(dir)
	if err != nil {
		t.Fatal(err)
	}
	return cache, k
}

// TestSimulate builds the module with what Debian's programs leave: each package
// is asked for in the version of the headers, the headers find each other where
// they are unpacked, and the cache keeps nothing but the module, which is not
// built again.
func TestSimulate(t *testing.T) {
	log := filepath.Join(t.TempDir(), "log")
	programs(t, map[string]string{
		"apt-cache": "printf 'Version: 6.12.1-2\\nDepends: linux-base, linux-headers-6.12.1+deb12-common (= 6.12.1-2), linux-kbuild-6.12.1+deb12, gcc-12\\n'",
		"apt-get":   "echo \"$@\" >>" + log + "\nshift 2; for p; do touch \"${p%%=*}_1_all.deb\"; done",
		"dpkg": "case $2 in *-amd64_1_all.deb) d=$3/usr/src/linux-headers-" + release + "; mkdir -p $d; " +
			"echo 'include /usr/src/common/Makefile' >$d/Makefile;; esac",
		"dpkg-deb": "mkdir -p usr/src linux-source-6.12/drivers/net/netdevsim; touch linux-source-6.12/drivers/net/netdevsim/dev.c; " +
			"tar -cJf usr/src/linux-source-6.12.tar.xz linux-source-6.12; tar -c ./usr/src; rm -r usr linux-source-6.12",
		"make":   "echo \"$@\" >>" + log + "; cat $2/Makefile >>" + log + "; test -f ${3#M=}/dev.c && echo module >${3#M=}/netdevsim.ko",
		"gcc":    "",
		"strip":  "",
		"depmod": "echo depmod \"$@\" >>" + log,
	})
	cache, k := unpackedKernel(t)
	if why := k.without(); why == "" {
		t.Error("a module that is not there is not missed")
	}
	for range 2 {
		if err := k.simulate(context.Background(), cache); err != nil {
			t.Fatal(err)
		}
		if b, err := os.ReadFile(k.simulated()); err != nil || string(b) != "module\n" || k.without() != "" {
			t.Fatalf("%q, %v, %q", b, err, k.without())
		}
		programs(t, map[string]string{"apt-cache": "exit 1", "make": "exit 1"})
	}
	b, err := os.ReadFile(log)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"-q download linux-source-6.12=6.12.1-2 linux-headers-" + release + "=6.12.1-2 linux-headers-6.12.1+deb12-common=6.12.1-2 linux-kbuild-6.12.1+deb12=6.12.1-2\n",
		"CONFIG_NETDEVSIM=m", "/tree/usr/src/common/Makefile\n", "depmod -b " + filepath.Join(cache, "linux-image-x") + " " + release + "\n",
	} {
		if !strings.Contains(string(b), want) {
			t.Errorf("no %q in:\n%s", want, b)
		}
	}
	left, err := os.ReadDir(cache)
	if err != nil || len(left) != 2 { // the kernel and the lock
		t.Errorf("left in the cache: %v, %v", left, err)
	}
}

// TestSimulateCannot checks that what goes wrong is said, also to programs in the
// machine, leaves no module, and is tried again.
func TestSimulateCannot(t *testing.T) {
	cache, k := unpackedKernel(t)
	programs(t, map[string]string{"make": "", "gcc": "", "strip": "", "xz": "", "apt-cache": "echo 'no such package' >&2; exit 100"})
	for range 2 {
		if err := k.simulate(context.Background(), cache); err == nil || !strings.Contains(err.Error(), "no such package") {
			t.Errorf("error: %v", err)
		}
		if why := k.without(); !strings.Contains(why, "no such package") {
			t.Errorf("programs are told %q", why)
		}
	}
	t.Setenv("PATH", t.TempDir())
	if err := k.simulate(context.Background(), cache); err == nil || !strings.Contains(err.Error(), "install gcc, make and xz-utils") {
		t.Errorf("without make: %v", err)
	}
}
