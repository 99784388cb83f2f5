package linux

import (
	"context"
	"fmt"

	"golang.org/x/sys/unix"

	"stet/executors/netstate"
)

const (
	// watchLeast is how many routes are worth to be told of changes: fewer are
	// read again in no time.
	watchLeast = 10_000
	// rtnlNexthop is RTNLGRP_NEXTHOP, which x/sys has not.
	rtnlNexthop = 32
	// protocolRA is RTPROT_RA: what a router says of itself changes such a route
	// without a word.
	protocolRA = 9
)

// routeGroups are told of all that changes what a dump of routes says. Routes
// of IPv4 go without a word with their interface, address or nexthop object,
// but the kernel tells that these go.
var routeGroups = []int{
	unix.RTNLGRP_LINK, unix.RTNLGRP_IPV4_IFADDR, unix.RTNLGRP_IPV6_IFADDR, unix.RTNLGRP_IPV4_ROUTE,
	unix.RTNLGRP_IPV6_ROUTE, unix.RTNLGRP_IPV4_NETCONF, unix.RTNLGRP_IPV6_NETCONF, rtnlNexthop,
}

// routeWatch is a large table of routes as it was read, and a socket that the
// kernel has told of every change since before it was read. The kernel does
// that before the call that changes something returns: while there is nothing
// in the socket, the table is what reading it again would give.
type routeWatch struct {
	fd    int
	links string          // that the routes were read with
	state *netstate.State // nil: there is no watch
}

// watchRoutes opens a socket that is told of changes; -1 where the kernel
// cannot do that.
func (n *Namespace) watchRoutes() int {
	fd := -1
	err := n.within(func() (err error) {
		fd, err = unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, unix.NETLINK_ROUTE)
		return err
	})
	if err == nil {
		// Without a number of its own it would be told nothing.
		err = unix.Bind(fd, &unix.SockaddrNetlink{Family: unix.AF_NETLINK})
	}
	for i := 0; err == nil && i < len(routeGroups); i++ {
		err = unix.SetsockoptInt(fd, unix.SOL_NETLINK, unix.NETLINK_ADD_MEMBERSHIP, routeGroups[i])
	}
	if err != nil {
		_ = unix.Close(fd)
		return -1
	}
	return fd
}

// setWatch takes the place of an earlier watch; the zero one ends that.
func (n *Namespace) setWatch(w routeWatch) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.watch.state != nil {
		_ = unix.Close(n.watch.fd)
	}
	n.watch = w
}

// unchangedRoutes is the table that was put aside; nil if there is none, or if
// something was said, or lost, since.
func (n *Namespace) unchangedRoutes(l *links) *netstate.State {
	n.mu.Lock()
	defer n.mu.Unlock()
	w := n.watch
	if w.state == nil {
		return nil
	}
	_, _, err := unix.Recvfrom(w.fd, make([]byte, 1), 0)
	if err == unix.EAGAIN && w.links == fmt.Sprint(l.byIndex) {
		return w.state
	}
	_ = unix.Close(w.fd)
	n.watch = routeWatch{}
	return nil
}

// observeRouteSets fills in the routes of all tables, with sets where many are
// alike. A large table is read again only if something changed since.
func (n *Namespace) observeRouteSets(ctx context.Context, s *netstate.State, l *links) error {
	kept := n.unchangedRoutes(l)
	if kept == nil {
		kept = &netstate.State{}
		fd := n.watchRoutes()
		told, err := n.dumpRouteSets(ctx, kept, l)
		switch {
		case fd < 0:
		case err == nil && told >= watchLeast:
			n.setWatch(routeWatch{fd, fmt.Sprint(l.byIndex), kept})
		default:
			_ = unix.Close(fd)
		}
		if err != nil {
			return err
		}
	}
	own := kept.Clone()
	s.Routes, s.RouteSets, s.UnreadRoutes = own.Routes, own.RouteSets, kept.UnreadRoutes
	return nil
}
