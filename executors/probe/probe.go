// Package probe answers probes from a place in the network: it pings, connects,
// asks name servers, looks at files and processes. It does not know where that
// place is; it is given a function that runs another one there.
package probe

import (
	"context"
	"fmt"
	"net"
	"time"

	"stet/executors"
)

// Place is where probes are asked from.
type Place struct {
	// In runs f on an operating-system thread inside the place's network
	// namespace and returns its error. nil runs it as it is. Sockets made by f
	// belong to that namespace for as long as they live.
	In func(f func() error) error
	// ResolvConf is the place's resolv.conf(5), "" for /etc/resolv.conf.
	ResolvConf string
	// Netns is the place's network namespace as readlink(2) of
	// /proc/PID/ns/net gives it ("net:[4026531840]"): only its processes are
	// seen. "" sees all.
	Netns string
}

// Do answers p. A negative answer is a reply with OK false; an error means
// that the question itself is wrong or could not be asked. RouteTo is not
// answered here: it is netlink's.
func (at Place) Do(ctx context.Context, p executors.Probe) (*executors.ProbeReply, error) {
	switch {
	case p.Ping != nil:
		return at.ping(ctx, *p.Ping)
	case p.TCP != nil:
		return at.tcp(ctx, *p.TCP)
	case p.HTTP != nil:
		return at.http(ctx, *p.HTTP)
	case p.DNS != nil:
		return at.dns(ctx, *p.DNS)
	case p.Process != nil:
		return at.process(*p.Process)
	case p.File != nil:
		return at.file(*p.File)
	}
	return nil, &executors.Error{Code: "unsupported", Op: "probing", Message: "no known probe was asked for"}
}

func (at Place) in(f func() error) error {
	if at.In == nil {
		return f()
	}
	return at.In(f)
}

// dial connects from the place. The name is looked up from there, too.
func (at Place) dial(ctx context.Context, network, address, source string) (net.Conn, error) {
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
func (at Place) dialIP(ctx context.Context, network, address, source string) (conn net.Conn, err error) {
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

// lookup resolves a name from the place; an address is returned as it is.
func (at Place) lookup(ctx context.Context, network, host string) ([]string, error) {
	if ip, _, _ := cutZone(host); net.ParseIP(ip) != nil {
		return []string{host}, nil
	}
	server, err := at.server("")
	r := net.Resolver{PreferGo: true, Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
		if err != nil {
			return nil, err
		}
		return at.dialIP(ctx, network, server, "")
	}}
	family := "ip"
	if n := len(network); n > 0 && (network[n-1] == '4' || network[n-1] == '6') {
		family += network[n-1:]
	}
	ips, err := r.LookupNetIP(ctx, family, host)
	if err != nil {
		return nil, err
	}
	var out []string
	for _, ip := range ips {
		out = append(out, ip.Unmap().String())
	}
	return out, nil
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
