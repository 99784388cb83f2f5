package netstate_test

import (
	"net/netip"
	"slices"
	"testing"

	"stet/executors/netstate"
)

// TestWayInElsewhere removes the near end of a pair in a namespace of a host: the
// way to that host may lead over the far end, or over what it is a port of.
func TestWayInElsewhere(t *testing.T) {
	local, peer := netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("198.51.100.7")
	address := func(s string) []netstate.Address {
		return []netstate.Address{{Prefix: netip.MustParsePrefix(s)}}
	}
	route := netstate.Route{Destination: netip.MustParsePrefix("198.51.100.0/24"), Table: 254, Protocol: 4}
	up := func(more ...string) netstate.Attrs {
		a := netstate.Attrs{"state": "up"}
		for i := 0; i < len(more); i += 2 {
			a[more[i]] = more[i+1]
		}
		return a
	}
	for name, c := range map[string]struct {
		far  netstate.State
		want []string
	}{
		"the address": {
			netstate.State{Interfaces: []netstate.Interface{{Name: "v1", Type: "veth", Attrs: up(), Addresses: address("192.0.2.1/24")}}},
			[]string{
				"- link v1 netns r1 veth (by itself) (v1 carries the connection with 198.51.100.7)",
				"- address 192.0.2.1/24 dev v1 netns r1 (by itself) (it is the address that is connected to)",
			},
		},
		"the route": {
			netstate.State{
				Interfaces: []netstate.Interface{{Name: "lo0", Type: "dummy", Attrs: up(), Addresses: address("192.0.2.1/32")}, {Name: "v1", Type: "veth", Attrs: up()}},
				Routes:     []netstate.Route{with(route, netstate.NextHop{Device: "v1"})},
			},
			[]string{
				"- link v1 netns r1 veth (by itself) (v1 carries the connection with 198.51.100.7)",
				"- route 198.51.100.0/24 dev v1 netns r1 (by itself) (it leads to 198.51.100.7, where the connection comes from)",
			},
		},
		"a port": {
			netstate.State{Interfaces: []netstate.Interface{
				{Name: "br0", Type: "linux-bridge", Attrs: up(), Addresses: address("192.0.2.1/24")}, {Name: "v1", Type: "veth", Attrs: up("controller", "br0")}}},
			[]string{"- link v1 netns r1 veth (by itself) (v1 carries the connection with 198.51.100.7)"},
		},
		"another way": {
			netstate.State{
				Interfaces: []netstate.Interface{{Name: "eth0", Type: "ethernet", Attrs: up(), Addresses: address("192.0.2.1/24")},
					{Name: "v1", Type: "veth", Attrs: up(), Addresses: address("203.0.113.1/24")}},
				Routes: []netstate.Route{with(route, netstate.NextHop{Device: "eth0"})},
			}, nil,
		},
	} {
		t.Run(name, func(t *testing.T) {
			far := c.far.Interfaces[slices.IndexFunc(c.far.Interfaces, func(i netstate.Interface) bool { return i.Name == "v1" })]
			far.Netns, far.Addresses = "r1", nil
			far.Attrs = up("veth.peer", "v0", "controller", far.Attrs["controller"])
			s := &netstate.State{
				Interfaces: []netstate.Interface{{Name: "v0", Type: "veth", Attrs: up("veth.peer", "v1", "veth.peer-target", "r1")}, far},
				Elsewhere:  map[string]*netstate.State{"r1": &c.far},
			}
			next, _, problems := netstate.Simulate(s, &netstate.Config{Interfaces: []netstate.InterfaceConfig{{Name: "v0", State: "absent"}}})
			if len(problems) > 0 {
				t.Fatal(problems)
			}
			change := netstate.Diff(s, next)
			if got := netstate.WayInElsewhere(s, change, local, peer); !slices.Equal(got, c.want) {
				t.Errorf("it names %q, want %q", got, c.want)
			}
			// The namespace itself is not what is connected to, whatever is in it.
			if got := netstate.WayIn(s, change, local, peer); !slices.Equal(got, c.want) {
				t.Errorf("of the whole it names %q, want %q", got, c.want)
			}
		})
	}
}

func with(r netstate.Route, hops ...netstate.NextHop) netstate.Route {
	r.NextHops = hops
	return r
}
