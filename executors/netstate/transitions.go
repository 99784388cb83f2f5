package netstate

import (
	"strconv"
	"strings"
)

// What the kernel does by itself when a link changes (net/core/dev.c,
// net/ipv4/fib_frontend.c, net/ipv6/addrconf.c, net/core/neighbour.c): it is
// the same knowledge for predicting a state and for ordering its edits.

// moment says when in a change something is lost.
type moment uint8

const (
	never moment = iota
	early        // while links are made and changed, before addresses and routes
	late         // after the new routes are in
)

// transition is what becomes of one interface of the observed namespace.
type transition struct {
	gone     moment // deleted or moved away (late), or made anew (early)
	swept    bool   // made anew because it vanishes with another one
	down     bool   // up before, down after
	v6off    bool   // it loses IPv6: disable_ipv6 goes to 1, or the MTU is too small
	small    bool   // the MTU becomes too small for IPv6
	newMAC   moment // the hardware address, or IFF_NOARP, changes: neighbours are forgotten
	released bool   // it leaves its controller
	cycled   bool   // up before and after, and down on the way
}

// transitions compares the links of two states. An interface that is not in
// the result is as it was, or is new.
func transitions(from, to *State) map[string]transition {
	m := map[string]transition{}
	for i := range from.Interfaces {
		before := &from.Interfaces[i]
		if before.Netns != "" {
			continue
		}
		t := transition{}
		after := to.Interface(before.Name)
		if after == nil {
			t.gone = late
		} else {
			if again, _ := anew(before, after); again || retyped(before, after) {
				t.gone = early
			}
			t.down = attrOf(before, "state") == "up" && attrOf(after, "state") == "down"
			if changed(before, after, "mac-address") || changed(before, after, "arp") {
				t.newMAC = early
			}
			t.cycled = !t.down && cycled(from, to, before, after)
			t.released = attrOf(before, "controller") != attrOf(after, "controller") && attrOf(before, "controller") != ""
		}
		t.v6off = after != nil && noV6(to, after) && !noV6(from, before)
		t.small = after != nil && small(after) && !small(before)
		if t != (transition{}) {
			m[before.Name] = t
		}
	}
	sweep(m, from, to)
	passThrough(m, from, to)
	return m
}

// cycled tells that the kernel takes an interface down and up again when it
// comes to a controller or leaves it: a bond (bond_enslave), a VRF
// (cycle_netdev); or that a port of a team is put in anew.
func cycled(from, to *State, before, after *Interface) bool {
	if attrOf(before, "state") != "up" {
		return false
	}
	if attrOf(before, "controller") == attrOf(after, "controller") {
		return replugged(before, after)
	}
	cycles := func(c *Interface) bool { return c != nil && (c.Type == "bond" || c.Type == "vrf") }
	return cycles(from.Interface(attrOf(before, "controller"))) || cycles(to.Interface(attrOf(after, "controller")))
}

// noV6 tells that an interface has no IPv6.
func noV6(s *State, i *Interface) bool { return v6Disabled(s, i.Name) || small(i) }

// small tells that the packets of 1280 bytes that IPv6 needs do not fit
// (IPV6_MIN_MTU; addrconf_notify). An unknown MTU is large enough.
func small(i *Interface) bool {
	mtu, err := strconv.Atoi(attrOf(i, "mtu"))
	return err == nil && mtu < leastV6MTU
}

const leastV6MTU = 1280

// passThrough marks the lower interfaces whose hardware address is set when a
// macvlan in mode passthru comes or goes (macvlan_port_destroy).
func passThrough(m map[string]transition, from, to *State) {
	mark := func(i *Interface, when moment) {
		if i.Netns != "" || (i.Attrs["mac-vlan.mode"] != "passthru" && i.Attrs["mac-vtap.mode"] != "passthru") || to.Interface(lower(i)) == nil {
			return
		}
		t := m[lower(i)]
		t.newMAC = max(t.newMAC, when)
		m[lower(i)] = t
	}
	for i := range from.Interfaces {
		mark(&from.Interfaces[i], m[from.Interfaces[i].Name].gone)
	}
	for i := range to.Interfaces {
		if after := &to.Interfaces[i]; from.Interface(after.Name) == nil || m[after.Name].gone == early {
			mark(after, early)
		}
	}
}

// sweep marks what vanishes with an interface that is made anew: a veth's other
// end, and what lies on it.
func sweep(m map[string]transition, from, to *State) {
	for again := true; again; {
		again = false
		for i := range from.Interfaces {
			before := &from.Interfaces[i]
			if before.Netns != "" || m[before.Name].gone != never || to.Interface(before.Name) == nil {
				continue
			}
			p := peer(before)
			if (p != "" && m[p].gone == early) || m[lower(before)].gone == early {
				t := m[before.Name]
				t.gone, t.swept = early, true
				m[before.Name] = t
				again = true
			}
		}
	}
}

// anew tells whether the kernel cannot change before into after.
func anew(before, after *Interface) (bool, string) {
	return replaces(before, after, Differences(before, after))
}

// retyped tells that the name stands for another kind of interface.
func retyped(before, after *Interface) bool { return before.Type != after.Type }

func changed(before, after *Interface, key string) bool {
	a, ok := after.Attrs[key]
	b, was := before.Attrs[key]
	return ok && was && !AttrByKey(key).equal(a, b)
}

// v6Disabled reads net.ipv6.conf.DEVICE.disable_ipv6; unknown is false.
func v6Disabled(s *State, device string) bool {
	return s.Sysctls["net.ipv6.conf."+sysctlName(device)+".disable_ipv6"] == "1"
}

// keepsV6 tells whether IPv6 addresses stay when the device goes down.
func keepsV6(s *State, device string) bool {
	value := func(name string) string { return s.Sysctls["net.ipv6.conf."+name+".keep_addr_on_down"] }
	all, own := value("all"), value(sysctlName(device))
	// A negative value of either means "no" for certain (addrconf_ifdown).
	if strings.HasPrefix(all, "-") || strings.HasPrefix(own, "-") {
		return false
	}
	return (all != "" && all != "0") || (own != "" && own != "0")
}

// promotes tells whether the next address becomes primary when the primary one
// is removed (IN_DEV_PROMOTE_SECONDARIES).
func promotes(s *State, device string) bool {
	return s.Sysctls["net.ipv4.conf.all.promote_secondaries"] == "1" ||
		s.Sysctls["net.ipv4.conf."+sysctlName(device)+".promote_secondaries"] == "1"
}

// sysctlName is a device's name as it stands in a key: sysctl(8) writes a dot
// in a name as a slash.
func sysctlName(device string) string { return strings.ReplaceAll(device, ".", "/") }

// sysctlDevice is the interface that a key belongs to ("eth0" of
// "net.ipv4.conf.eth0.forwarding"), or "".
func sysctlDevice(key string) string {
	before, name, _, ok := cutDevice(key)
	if !ok || !strings.HasPrefix(before, "net.") || !strings.HasSuffix(before, ".conf.") && !strings.HasSuffix(before, ".neigh.") {
		return ""
	}
	if name == "all" || name == "default" {
		return ""
	}
	return strings.ReplaceAll(name, "/", ".")
}

// cutDevice cuts a key around its fourth part, which is the interface in those
// of interfaces; ok is false if it has less than five.
func cutDevice(key string) (before, name, after string, ok bool) {
	start := 0
	for range 3 {
		n := strings.IndexByte(key[start:], '.')
		if n < 0 {
			return "", "", "", false
		}
		start += n + 1
	}
	n := strings.IndexByte(key[start:], '.')
	if n < 0 {
		return "", "", "", false
	}
	return key[:start], key[start : start+n], key[start+n:], true
}

// defaultKey is the parameter that a new interface takes the value of key from.
func defaultKey(key string) string {
	before, _, after, ok := cutDevice(key)
	if !ok {
		return key
	}
	return before + "default" + after
}

// kernelRoute tells that the kernel, or a router's advertisement, made the
// route: it follows from addresses and comes and goes with them.
func kernelRoute(r *Route) bool {
	const redirect, kernel, ra = 1, 2, 9 // RTPROT_* of linux/rtnetlink.h
	return r.Protocol == redirect || r.Protocol == kernel || r.Protocol == ra
}

// nowhere tells that the route's type leads nowhere, so that it has no next
// hop, whatever the kernel shows ("dev lo" in IPv6).
func nowhere(t RouteType) bool {
	return t == "blackhole" || t == "unreachable" || t == "prohibit" || t == "throw"
}

func isV4(r *Route) bool { return r.Destination.Addr().Is4() }
