package linux

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"stet/executors/netstate"
)

// resolvedLinks is what systemd-resolved has for each interface but the
// loopback (org.freedesktop.resolve1(5), properties DNSEx and Domains).
func resolvedLinks(ctx context.Context, raw []rawLink) ([]netstate.DNS, error) {
	out, err := busctl(ctx, "get-property", "org.freedesktop.resolve1", "/org/freedesktop/resolve1",
		"org.freedesktop.resolve1.Manager", "DNSEx", "Domains")
	if err != nil {
		return nil, err
	}
	list := make([]netstate.DNS, 0, len(raw))
	at := map[int]*netstate.DNS{}
	for i := range raw {
		if r := &raw[i]; r.flags&unix.IFF_LOOPBACK == 0 {
			list = append(list, netstate.DNS{Device: r.name()})
			d := &list[len(list)-1]
			d.Owner, d.Seen = linkOwner(r.index)
			at[r.index] = d
		}
	}
	for line := range strings.Lines(string(out)) {
		w := busWords{strings.Fields(line)}
		if err := w.settings(at); err != nil {
			return nil, fmt.Errorf("reading the answer of systemd-resolved, %q: %w", line, err)
		}
	}
	return list, nil
}

// busWords is a value as busctl(1) prints it: its type, then its parts, those
// of lists after their number. No part has spaces: they are numbers and names of
// the DNS.
type busWords struct{ rest []string }

func (w *busWords) next() string {
	if len(w.rest) == 0 {
		return ""
	}
	word := w.rest[0]
	w.rest = w.rest[1:]
	return strings.Trim(word, `"`)
}

func (w *busWords) number() (int, error) { return strconv.Atoi(w.next()) }

// settings reads a(iiayqs), servers, or a(isb), domains.
func (w *busWords) settings(at map[int]*netstate.DNS) error {
	read := w.server
	if w.next() == "a(isb)" {
		read = w.domain
	}
	count, err := w.number()
	for ; err == nil && count > 0; count-- {
		var index int
		if index, err = w.number(); err != nil {
			break
		}
		d := at[index]
		if d == nil {
			d = &netstate.DNS{} // of all interfaces, or one that is gone
		}
		err = read(d)
	}
	return err
}

// server reads (family, address, port, name).
func (w *busWords) server(d *netstate.DNS) error {
	w.next()
	size, err := w.number()
	b := make([]byte, 0, 16)
	for ; err == nil && size > 0; size-- {
		var n int
		n, err = w.number()
		b = append(b, byte(n))
	}
	addr, ok := netip.AddrFromSlice(b)
	port, portErr := w.number()
	if err != nil || portErr != nil || !ok {
		return fmt.Errorf("an address of %d bytes: %w", len(b), errors.Join(err, portErr, unix.EBADMSG))
	}
	server := netstate.Server{Addr: addr, Port: uint16(port), Name: w.next()}
	d.Servers = append(d.Servers, server.String())
	return nil
}

// domain reads (domain, route only).
func (w *busWords) domain(d *netstate.DNS) error {
	name := w.next()
	if w.next() == "true" {
		name = "~" + name
	}
	d.Search = append(d.Search, name)
	return nil
}

// setResolved tells systemd-resolved the settings of an interface
// (SetLinkDNSEx and SetLinkDomains of org.freedesktop.resolve1(5)), as
// resolvectl(1) does. It keeps them until the machine is booted again.
func setResolved(ctx context.Context, index int, before, want *netstate.DNS) error {
	call := func(method, signature string, args []string) error {
		_, err := busctl(ctx, append([]string{"call", "org.freedesktop.resolve1", "/org/freedesktop/resolve1",
			"org.freedesktop.resolve1.Manager", method, signature, strconv.Itoa(index)}, args...)...)
		return err
	}
	if !slices.Equal(before.Servers, want.Servers) {
		args := []string{strconv.Itoa(len(want.Servers))}
		for _, s := range want.Servers {
			server, err := netstate.ParseServer(s)
			if err != nil {
				return err
			}
			args = append(args, serverArgs(server)...)
		}
		if err := call("SetLinkDNSEx", "ia(iayqs)", args); err != nil {
			return err
		}
	}
	if !slices.Equal(before.Search, want.Search) {
		args := []string{strconv.Itoa(len(want.Search))}
		for _, s := range want.Search {
			name, route := strings.CutPrefix(s, "~")
			args = append(args, name, strconv.FormatBool(route))
		}
		return call("SetLinkDomains", "ia(sb)", args)
	}
	return nil
}

// serverArgs are family, address, port and name of a server, as busctl(1) takes
// them.
func serverArgs(s netstate.Server) []string {
	b, family := s.Addr.AsSlice(), unix.AF_INET
	if len(b) == 16 {
		family = unix.AF_INET6
	}
	args := []string{strconv.Itoa(family), strconv.Itoa(len(b))}
	for _, n := range b {
		args = append(args, strconv.Itoa(int(n)))
	}
	return append(args, strconv.Itoa(int(s.Port)), s.Name)
}
