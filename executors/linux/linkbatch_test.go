//go:build linux

package linux

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"stet/executors"
	"stet/executors/netstate"
)

// births are edits as a plan has them: near ends are made first, each up, and
// then the far ends that came along come up. What is not made in one message is
// among them: a bridge with a timer, and its port.
func births(n int) (edits []netstate.Edit) {
	var far []netstate.Edit
	for i := range n {
		a, b := fmt.Sprintf("a%d", i), fmt.Sprintf("b%d", i)
		edits = append(edits, added(netstate.Interface{Name: a, Type: "veth", Attrs: netstate.Attrs{"state": "up", "veth.peer": b, "mtu": "1400"}}))
		if i == bornLeast {
			edits = append(edits, added(netstate.Interface{Name: "br0", Type: "linux-bridge", Attrs: netstate.Attrs{"state": "up", "mtu": "1450", "bridge.forward-delay": "7"}}),
				added(netstate.Interface{Name: "p0", Type: "veth", Attrs: netstate.Attrs{"state": "down", "veth.peer": "q0", "controller": "br0", "alias": "a port"}}))
		}
		born := netstate.Interface{Name: b, Type: "veth", Attrs: netstate.Attrs{"state": "down", "veth.peer": a}}
		implied := added(born)
		implied.Implied = true
		far = append(far, implied, modified(born, with(born, netstate.Attrs{"state": "up"})))
	}
	return append(edits, far...)
}

// wanted is what edits make of interfaces.
func wanted(edits []netstate.Edit) map[string]netstate.Interface {
	ends := map[string]netstate.Interface{}
	for i := range edits {
		ends[edits[i].After.Link.Name] = *edits[i].After.Link
	}
	return ends
}

// TestBornTogether makes more interfaces than go into one write.
func TestBornTogether(t *testing.T) {
	t.Parallel()
	ns := newNamespace(t)
	edits := births(bornLeast + 2*linksAtOnce + 3)
	ns.edit(edits...)
	now := ns.observe(everything)
	for name, want := range wanted(edits) {
		holds(t, find(t, now, name), want)
	}
}

// TestBornRefused finds a name taken amid the interfaces that are made together:
// it is the one that is told of, and those before it are all that they are to
// be.
func TestBornRefused(t *testing.T) {
	t.Parallel()
	ns := newNamespace(t)
	ns.run("ip", "link", "add", "a11", "type", "bridge")
	edits := births(20)
	at := 0
	for edits[at].After.Link.Name != "a11" {
		at++
	}
	done, err := ns.Edit(t.Context(), edits)
	var refused *executors.EditError
	if !errors.As(err, &refused) || done != at || refused.Index != at || !strings.Contains(err.Error(), "a11") || !strings.Contains(err.Error(), "exists") {
		t.Fatalf("%d of %d done: %v", done, at, err)
	}
	now := ns.observe(everything)
	for name, want := range wanted(edits[:at]) {
		holds(t, find(t, now, name), want)
	}
}

// TestBornWithNumber gives interfaces their numbers back; the one whose number
// somebody has meanwhile gets another one.
func TestBornWithNumber(t *testing.T) {
	t.Parallel()
	ns := newNamespace(t)
	ns.run("ip", "link", "add", "other", "index", "512", "type", "bridge")
	var edits []netstate.Edit
	for i := range bornLeast + 1 {
		edits = append(edits, added(netstate.Interface{Name: fmt.Sprintf("br%d", i), Type: "linux-bridge", Index: 509 + i, Attrs: netstate.Attrs{"state": "up"}}))
	}
	ns.edit(edits...)
	now := ns.observe(everything)
	for i := range edits {
		want := edits[i].After.Link
		have := find(t, now, want.Name)
		holds(t, have, *want)
		if (have.Index == want.Index) == (want.Index == 512) {
			t.Errorf("%s has number %d, before %d", want.Name, have.Index, want.Index)
		}
	}
}

// TestFlagsRefused changes flags of interfaces one of which is gone.
func TestFlagsRefused(t *testing.T) {
	t.Parallel()
	ns := newNamespace(t)
	var up []netstate.Edit
	for i := range 6 {
		is := netstate.Interface{Name: fmt.Sprintf("br%d", i), Type: "linux-bridge", Attrs: netstate.Attrs{"state": "down"}}
		ns.edit(added(is))
		up = append(up, modified(is, with(is, netstate.Attrs{"state": "up"})))
	}
	ns.run("ip", "link", "del", "br4")
	done, err := ns.Edit(t.Context(), up)
	var refused *executors.EditError
	if !errors.As(err, &refused) || done != 4 || refused.Index != 4 || !strings.Contains(err.Error(), "br4") {
		t.Fatalf("%d done: %v", done, err)
	}
	now := ns.observe(everything)
	for i := range 4 {
		holds(t, find(t, now, fmt.Sprintf("br%d", i)), *up[i].After.Link)
	}
}

// TestFlagsRefusedByKernel brings interfaces up one of which cannot come up: the
// port of a VXLAN is taken.
func TestFlagsRefusedByKernel(t *testing.T) {
	t.Parallel()
	ns := newNamespace(t)
	ns.runAll([]string{"ip link add br0 type bridge", "ip link add vx0 type vxlan id 7 dstport 4790 local 127.0.0.1", "ip link add br1 type bridge"})
	err := ns.within(func() error {
		fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			return err
		}
		t.Cleanup(func() { _ = unix.Close(fd) })
		return unix.Bind(fd, &unix.SockaddrInet4{Port: 4790})
	})
	if err != nil {
		t.Fatal(err)
	}
	var up []netstate.Edit
	now := ns.observe(everything)
	for _, name := range []string{"br0", "vx0", "br1"} {
		is := find(t, now, name)
		up = append(up, modified(is, with(is, netstate.Attrs{"state": "up"})))
	}
	done, err := ns.Edit(t.Context(), up)
	var refused *executors.EditError
	if !errors.As(err, &refused) || done != 1 || refused.Errno != int(unix.EADDRINUSE) || !strings.Contains(err.Error(), "vx0") {
		t.Fatalf("%d done: %v", done, err)
	}
	holds(t, find(t, ns.observe(everything), "br0"), *up[0].After.Link)
}
