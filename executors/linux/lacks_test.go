//go:build linux

package linux

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"stet/executors/netstate"
)

// TestModule reads what depmod(8) and sysfs say of modules.
func TestModule(t *testing.T) {
	root := t.TempDir()
	write := func(path, text string) {
		t.Helper()
		path = filepath.Join(root, path)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write("sys/module/ib_ipoib/refcnt", "0\n")
	write("lib/modules/6.1/modules.builtin", "kernel/drivers/net/veth.ko\n")
	write("lib/modules/6.1/modules.dep", "kernel/net/8021q/8021q.ko.xz: kernel/net/802/garp.ko.xz\nkernel/drivers/net/tun-fake.ko.zst:\n")
	for _, c := range []struct {
		name             string
		loaded, loadable bool
	}{
		{"ib_ipoib", true, false}, {"veth", true, false}, {"8021q", false, true}, {"tun_fake", false, true}, {"garp", false, false}, {"vrf", false, false},
	} {
		if loaded, loadable := module(root, "6.1", c.name); loaded != c.loaded || loadable != c.loadable {
			t.Errorf("%s: loaded %v, loadable %v; want %v, %v", c.name, loaded, loadable, c.loaded, c.loadable)
		}
	}
}

// TestLacks asks the running kernel for kinds, and makes each that it is said to
// have; one that it has not names its module.
func TestLacks(t *testing.T) {
	ns := newNamespace(t)
	none := &netstate.Kind{Name: "nosuch", Kernel: "nosuch", Module: "nosuch", Option: "CONFIG_NOSUCH"}
	reason, err := kindLacks(context.Background(), none)
	if err != nil || !strings.Contains(reason, "module nosuch") || !strings.Contains(reason, "CONFIG_NOSUCH") {
		t.Errorf("of a kind that no kernel has is said %q, %v", reason, err)
	}
	for _, kind := range []string{"dummy", "linux-bridge", "ifb", "vrf", "nlmon", "bond"} {
		s := ns.observe(netstate.Query{Links: true, Kinds: []string{kind}})
		k := netstate.KindByName(kind)
		words := []string{"ip", "link", "add", "probe0", "type", k.Kernel}
		if kind == "vrf" {
			words = append(words, "table", "7")
		}
		_, err := ns.try(words...)
		if lacking := s.Lacks[kind] != ""; lacking != (err != nil) {
			t.Errorf("%s: observed %q, iproute2 says %v", kind, s.Lacks[kind], err)
		}
		if err == nil {
			ns.run("ip", "link", "del", "probe0")
		}
	}
}

// TestTunnelEncapLacks wants a module that could be loaded, and is not, to be named.
func TestTunnelEncapLacks(t *testing.T) {
	release, err := kernelRelease()
	if err != nil {
		t.Fatal(err)
	}
	for _, mod := range []string{"fou", "fou6", "no_such_module"} {
		loaded, loadable := module("/", release, mod)
		reason, err := tunnelEncapLacks(mod)
		if err != nil || (reason != "") != (loadable && !loaded) || reason != "" && !strings.Contains(reason, "modprobe "+mod) {
			t.Errorf("%s, loaded %v, to be loaded %v: %q, %v", mod, loaded, loadable, reason, err)
		}
	}
}
