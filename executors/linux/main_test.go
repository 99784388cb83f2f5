//go:build linux

package linux

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync/atomic"
	"testing"

	"golang.org/x/sys/unix"

	"stet/executors/netstate"
)

var namespaces atomic.Int64

// TestMain loads the bridge: without it, the machine's kernel knows no bridge
// vlan, which every snapshot asks for. And it keeps the drivers of tunnels, once
// loaded, from making nine interfaces in each new namespace: every snapshot
// would show them all.
func TestMain(m *testing.M) {
	if inMachine() {
		if err := os.WriteFile("/proc/sys/net/core/fb_tunnels_only_for_init_net", []byte("1"), 0); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		if out, err := exec.Command("modprobe", "bridge").CombinedOutput(); err != nil {
			fmt.Fprintf(os.Stderr, "modprobe bridge: %v: %s", err, out)
			os.Exit(1)
		}
	}
	os.Exit(m.Run())
}

// namespace is a network namespace of a test.
type namespace struct {
	*Namespace
	t      testing.TB
	name   string
	looks  []string // command lines whose output belongs to a snapshot, too
	shaped bool     // so does what tc(8) says
	askers map[string]*asker
}

// newNamespace makes a namespace that ends with the test. The names that it
// knows others by are their own.
func newNamespace(t testing.TB) *namespace {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("making a network namespace needs root")
	}
	ns := &namespace{t: t, name: fmt.Sprintf("stet-c-%d-%d", os.Getpid(), namespaces.Add(1))}
	if out, err := exec.Command("ip", "netns", "add", ns.name).CombinedOutput(); err != nil {
		t.Fatalf("ip netns add: %v: %s", err, out)
	}
	t.Cleanup(func() { _ = exec.Command("ip", "netns", "del", ns.name).Run() })
	fd, err := openNamed(ns.name)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = unix.Close(fd) }()
	ns.Namespace, err = Open(Options{NS: fd, Resolve: openNamed, Known: func() []string { return known(t) }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = ns.Close() })
	// Addresses are not tentative for a second.
	for _, key := range []string{"net.ipv6.conf.all.accept_dad", "net.ipv6.conf.default.accept_dad"} {
		ns.edit(netstate.Edit{Op: netstate.Modify, After: netstate.Object{Sysctl: &netstate.Sysctl{Key: key, Value: "0"}}})
	}
	return ns
}

func openNamed(name string) (int, error) {
	return unix.Open("/run/netns/"+name, unix.O_RDONLY|unix.O_CLOEXEC, 0)
}

// known lists the namespaces that tests of this process have made.
func known(t testing.TB) []string {
	entries, err := os.ReadDir("/run/netns")
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), fmt.Sprintf("stet-c-%d-", os.Getpid())) {
			names = append(names, e.Name())
		}
	}
	return names
}

// run runs a command in the namespace and returns its output.
func (ns *namespace) run(argv ...string) string {
	ns.t.Helper()
	out, err := ns.try(argv...)
	if err != nil {
		ns.t.Fatalf("%s: %v", strings.Join(argv, " "), err)
	}
	return out
}

func (ns *namespace) try(argv ...string) (string, error) {
	var out, errs bytes.Buffer
	c := exec.Command("ip", append([]string{"netns", "exec", ns.name}, argv...)...)
	c.Stdout, c.Stderr = &out, &errs
	if err := c.Run(); err != nil {
		return "", fmt.Errorf("%w: %s", err, errs.String())
	}
	return out.String(), nil
}

var everything = netstate.Query{Links: true, Routes: true, Rules: true, Neighbors: true, FDB: true, TrafficControl: true, Xfrm: true, MPTCP: true}

func (ns *namespace) observe(q netstate.Query) *netstate.State {
	ns.t.Helper()
	s, err := ns.Observe(context.Background(), q)
	if err != nil {
		ns.t.Fatal(err)
	}
	s.Sort()
	return s
}

func (ns *namespace) edit(edits ...netstate.Edit) {
	ns.t.Helper()
	done, err := ns.Edit(context.Background(), edits)
	if err != nil {
		ns.t.Fatalf("after %d edits: %v", done, err)
	}
	if done != len(edits) {
		ns.t.Fatalf("%d of %d edits were done", done, len(edits))
	}
}
