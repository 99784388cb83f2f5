//go:build linux

package linux

import (
	"strings"
	"testing"

	"stet/executors/netstate"
)

// TestMovedIn gives an address to an interface that came from another namespace
// after the names of this one had been read.
func TestMovedIn(t *testing.T) {
	t.Parallel()
	ns := withNamed(t)
	blue := another(t)
	if err := ipNetns("add", blue); err != nil {
		t.Fatal(err)
	}
	ns.run("ip", "link", "add", "v0", "type", "veth", "peer", "name", "v1")
	ns.run("ip", "link", "set", "v0", "netns", blue)
	there := netstate.Interface{Name: "v0", Type: "veth", Netns: blue, Attrs: netstate.Attrs{"state": "down"}}
	here := there
	here.Netns = ""
	ns.edit(
		added(netstate.Interface{Name: "br0", Type: "linux-bridge", Attrs: netstate.Attrs{"state": "up"}}),
		modified(there, here),
		netstate.Edit{Op: netstate.Add, After: addressed("v0", netstate.Address{Prefix: prefixed("192.0.2.1/24")})})
	if is := ns.run("ip", "-o", "addr", "show", "dev", "v0"); !strings.Contains(is, "192.0.2.1/24") {
		t.Errorf("it has %q", is)
	}
}
