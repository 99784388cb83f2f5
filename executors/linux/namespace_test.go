//go:build linux

package linux

import (
	"context"
	"errors"
	"maps"
	"os"
	"slices"
	"sync"
	"testing"

	"golang.org/x/sys/unix"

	"stet/executors/netstate"
)

// TestPeers makes a pair to another namespace, looks at it from both, removes
// it and makes it again from what was seen.
func TestPeers(t *testing.T) {
	t.Run("veth", func(t *testing.T) {
		testPeers(t, "veth", netstate.Attrs{"mac-address": macA}, "address", macB, "mtu", "1400")
	})
	for typ, attrs := range map[string]netstate.Attrs{"vxcan": {"mtu": "72"}, "netkit": {"mtu": "1400", "netkit.mode": "l3", "netkit.peer-policy": "blackhole"}} {
		t.Run(typ, func(t *testing.T) {
			reason, err := kindLacks(t.Context(), netstate.KindByName(typ))
			if err != nil {
				t.Fatal(err)
			}
			if reason != "" {
				t.Skip(reason)
			}
			testPeers(t, typ, attrs, "mtu", map[string]string{"vxcan": "16", "netkit": "1300"}[typ])
		})
	}
}

func testPeers(t *testing.T, typ string, attrs netstate.Attrs, farAttrs ...string) {
	t.Parallel()
	kind := netstate.KindByName(typ)
	ns, other := newNamespace(t), newNamespace(t)
	q := everything
	q.Namespaces = []string{other.name}
	empty := ns.observe(q)
	want := netstate.Interface{Name: "v0", Type: typ, Attrs: netstate.Attrs{"state": "up", kind.PeerKey(): "v1", kind.PeerTargetKey(): other.name}}
	maps.Copy(want.Attrs, attrs)
	ns.edit(added(want))
	other.run(append([]string{"ip", "link", "set", "v1", "alias", "far", "up"}, farAttrs...)...)
	near, far := ns.settled(), other.settled()
	s := ns.observe(q)
	v0 := find(t, s, "v0")
	holds(t, v0, want)
	at := slices.IndexFunc(s.Interfaces, func(i netstate.Interface) bool { return i.Name == "v1" && i.Netns == other.name })
	if at < 0 {
		t.Fatal("the far end is not seen")
	}
	v1 := s.Interfaces[at]
	if peer, target := v1.Peer(); peer != "v0" || target != "" {
		t.Errorf("the far end's peer is %q in %q", peer, target)
	}
	ns.edit(deleted(v0))
	if left := netstate.Diff(empty, ns.observe(q)); !left.Empty() {
		t.Errorf("deleting left\n%s", netstate.Text(left))
	}
	ns.edit(added(v0), added(v1))
	ns.same("made again, near", near)
	other.same("made again, far", far)
}

// TestUnread counts routes that cannot be expressed, and leaves them out.
func TestUnread(t *testing.T) {
	t.Parallel()
	ns := newNamespace(t)
	ns.runAll(place0)
	ns.settled() // the kernel's own routes are there
	before := ns.observe(everything)
	if _, err := ns.try("ip", "-6", "route", "add", "2001:db8:99::/48", "from", "2001:db8:98::/48", "dev", "low0"); err != nil {
		t.Skipf("the kernel has no routes from a source: %v", err)
	}
	after := ns.observe(everything)
	if after.UnreadRoutes != before.UnreadRoutes+1 || len(after.Routes) != len(before.Routes) {
		t.Errorf("%d routes unread of %d, before %d of %d", after.UnreadRoutes, len(after.Routes), before.UnreadRoutes, len(before.Routes))
	}
}

// TestInterrupted tells that a dump which the kernel marks is not taken.
func TestInterrupted(t *testing.T) {
	var m message
	m.begin(unix.RTM_NEWLINK, unix.NLM_F_DUMP_INTR, 5)
	m.ifinfo(1, 0, 0)
	m.end()
	m.begin(unix.NLMSG_DONE, 0, 5)
	m.raw(0, 0, 0, 0)
	m.end()
	interrupted, taken := false, 0
	done, err := readDump(m.b, 5, &interrupted, func(reply) { taken++ })
	if !done || err != nil || !interrupted || taken != 1 {
		t.Errorf("done %v, interrupted %v, taken %d, %v", done, interrupted, taken, err)
	}
}

// TestLost repeats a dump whose replies did not fit into the socket's buffer,
// and gives up with an error when they never do.
func TestLost(t *testing.T) {
	t.Parallel()
	ns := newNamespace(t)
	tries := 0
	err := ns.dump(context.Background(), unix.RTM_GETLINK, func(m *message) { m.ifinfo(0, 0, 0) }, func() {
		if tries++; tries > 1 {
			return
		}
		s, err := ns.take()
		if err != nil {
			t.Fatal(err)
		}
		s.buf = make([]byte, 16) // the first answer is cut off
		ns.put(s)
	}, func(reply) {})
	if err != nil || tries != 2 {
		t.Errorf("%d tries, %v", tries, err)
	}
}

func TestCancelled(t *testing.T) {
	t.Parallel()
	ns := newNamespace(t)
	ns.runAll(place0)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := ns.Observe(ctx, everything); !errors.Is(err, context.Canceled) {
		t.Errorf("observing: %v", err)
	}
	if done, err := ns.Edit(ctx, routes(10)); !errors.Is(err, context.Canceled) || done != 0 {
		t.Errorf("editing: %d, %v", done, err)
	}
	if _, err := ns.Observe(context.Background(), everything); err != nil {
		t.Errorf("afterwards: %v", err)
	}
}

// TestTogether uses one namespace from several goroutines, and leaves no thread
// in it.
func TestTogether(t *testing.T) {
	ns := newNamespace(t)
	ns.runAll(place0)
	home, err := os.Readlink("/proc/self/ns/net")
	if err != nil {
		t.Fatal(err)
	}
	q := everything
	q.Sysctls = []string{"net.ipv4.conf.*.forwarding"}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 20 {
				if s, err := ns.Observe(context.Background(), q); err != nil || s.Sysctls["net.ipv4.conf.low0.forwarding"] != "0" {
					t.Errorf("observed %v, %v", s, err)
					return
				}
			}
		})
	}
	wg.Wait()
	tasks, err := os.ReadDir("/proc/self/task")
	if err != nil {
		t.Fatal(err)
	}
	for _, task := range tasks {
		if at, err := os.Readlink("/proc/self/task/" + task.Name() + "/ns/net"); err == nil && at != home {
			t.Errorf("thread %s is in %s", task.Name(), at)
		}
	}
}

func TestClosed(t *testing.T) {
	ns := newNamespace(t)
	if err := ns.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := ns.Observe(context.Background(), everything); !errors.Is(err, os.ErrClosed) {
		t.Errorf("after closing: %v", err)
	}
}

// TestBridgeMTU holds the MTU that a bridge was given when ports of another join.
func TestBridgeMTU(t *testing.T) {
	t.Parallel()
	for _, mtu := range []string{"1400", "1500", "9000"} {
		ns := newNamespace(t)
		bridge := netstate.Interface{Name: "x0", Type: "linux-bridge", Attrs: netstate.Attrs{"mtu": mtu}}
		port := netstate.Interface{Name: "y0", Type: "veth", Attrs: netstate.Attrs{"veth.peer": "y1", "mtu": "1450", "controller": "x0"}}
		ns.edit(added(bridge), added(port))
		holds(t, find(t, ns.observe(everything), "x0"), bridge)
	}
	ns := newNamespace(t)
	free := netstate.Interface{Name: "x0", Type: "linux-bridge", Attrs: netstate.Attrs{}}
	port := netstate.Interface{Name: "y0", Type: "veth", Attrs: netstate.Attrs{"veth.peer": "y1", "mtu": "1450", "controller": "x0"}}
	ns.edit(added(free), added(port))
	if got := find(t, ns.observe(everything), "x0").Attrs["mtu"]; got != "1450" {
		t.Errorf("a bridge without an MTU of its own has %s, that of its port is 1450", got)
	}
}
