// Package probe answers probes from a place in the network: it pings, connects,
// asks name servers, looks at files and processes. It does not know where that
// place is; it is given a function that runs another one there.
package probe

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"syscall"
	"time"

	"stet/executors"
)

// Options say where probes are asked from.
type Options struct {
	// Enter runs f on an operating-system thread inside the place's network
	// namespace and returns its error. nil runs it as it is. Sockets made by f
	// belong to that namespace for as long as they live.
	Enter func(f func() error) error
	// Route asks the kernel for a route (ip route get). An error of the kernel
	// (no route) is a negative answer.
	Route func(ctx context.Context, r executors.RouteTo) (map[string]any, error)
	// ResolvConf is the place's resolv.conf(5), "" for /etc/resolv.conf.
	ResolvConf string
	// Foreign tells that the place is not this process's own namespace: names
	// must be looked up from there, not by the system's resolver here.
	Foreign bool
	// Netns is the place's network namespace as readlink(2) of
	// /proc/PID/ns/net gives it ("net:[4026531840]"): only its processes are
	// seen. "" sees all.
	Netns string
}

// Ask answers p from the place of o. A negative answer is a reply with OK
// false; an error means that the question itself is wrong or could not be
// asked.
func Ask(ctx context.Context, p executors.Probe, o Options) (*executors.ProbeReply, error) {
	switch {
	case p.Ping != nil:
		return o.ping(ctx, *p.Ping)
	case p.TCP != nil:
		return o.tcp(ctx, *p.TCP)
	case p.HTTP != nil:
		return o.http(ctx, *p.HTTP)
	case p.DNS != nil:
		return o.dns(ctx, *p.DNS)
	case p.Process != nil:
		return o.process(*p.Process)
	case p.File != nil:
		return o.file(ctx, *p.File)
	case p.RouteTo != nil && o.Route != nil:
		return o.route(ctx, *p.RouteTo)
	}
	return nil, &executors.Error{Code: "unsupported", Op: "probing", Message: "no known probe was asked for"}
}

func (at Options) route(ctx context.Context, p executors.RouteTo) (*executors.ProbeReply, error) {
	if _, err := netip.ParseAddr(p.Destination); err != nil {
		return nil, fmt.Errorf("asking for a route: %w", err)
	}
	values, err := at.Route(ctx, p)
	var errno syscall.Errno
	if errors.As(err, &errno) {
		return no(err, values), nil
	}
	if err != nil {
		return nil, err
	}
	return &executors.ProbeReply{OK: true, Values: values}, nil
}

func (at Options) in(f func() error) error {
	if at.Enter == nil {
		return f()
	}
	return at.Enter(f)
}

// dial connects from the place. The name is looked up from there, too.
func (at Options) dial(ctx context.Context, network, address, source string) (net.Conn, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	ips, err := at.lookup(ctx, network, host)
	if err != nil {
		return nil, err
	}
	for _, ip := range ips {
		var conn net.Conn
		if conn, err = at.dialIP(ctx, network, net.JoinHostPort(ip, port), source); err == nil {
			return conn, nil
		}
	}
	return nil, err
}

// dialIP connects to an address in numbers: such a dial makes its socket on
// the calling thread.
func (at Options) dialIP(ctx context.Context, network, address, source string) (conn net.Conn, err error) {
	var d net.Dialer
	if source != "" {
		ip := net.ParseIP(source)
		switch {
		case ip == nil:
			return nil, fmt.Errorf("reading the source address %q: not an IP address", source)
		case network == "udp":
			d.LocalAddr = &net.UDPAddr{IP: ip}
		default:
			d.LocalAddr = &net.TCPAddr{IP: ip}
		}
	}
	err = at.in(func() (err error) {
		conn, err = d.DialContext(ctx, network, address)
		return err
	})
	return conn, err
}

// cutZone splits fe80::1%eth0.
func cutZone(host string) (ip, zone string, found bool) {
	for i := range len(host) {
		if host[i] == '%' {
			return host[:i], host[i+1:], true
		}
	}
	return host, "", false
}

// within bounds ctx by d, or by otherwise where d is not given.
func within(ctx context.Context, d, otherwise time.Duration) (context.Context, context.CancelFunc) {
	if d <= 0 {
		d = otherwise
	}
	return context.WithTimeout(ctx, d)
}

// no is a negative answer.
func no(err error, values map[string]any) *executors.ProbeReply {
	return &executors.ProbeReply{Values: values, Error: err.Error()}
}

func milliseconds(d time.Duration) float64 {
	return float64(d.Microseconds()) / 1000
}
