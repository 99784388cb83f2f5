package probe

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"os"
	"strconv"
	"strings"

	"golang.org/x/net/dns/dnsmessage"
)

// resolv is what matters here of resolv.conf(5).
type resolv struct {
	servers []string // host:port, at least one
	search  []string
	ndots   int
}

const (
	maxServers = 3 // MAXNS of resolv.h
	maxSearch  = 6
	maxConf    = 1 << 20 // bytes of resolv.conf(5) and hosts(5) that are read
)

// read reads a file as the place sees it: its /etc may be its own.
func (at Options) read(path string) (string, error) {
	var text []byte
	err := at.in(func() error {
		f, err := os.Open(path)
		if err != nil {
			return err
		}
		defer f.Close()
		text, err = io.ReadAll(io.LimitReader(f, maxConf))
		return err
	})
	return string(text), err
}

// resolv reads the place's resolv.conf(5).
func (at Options) resolv() (*resolv, error) {
	path := at.ResolvConf
	if path == "" {
		path = "/etc/resolv.conf"
	}
	text, err := at.read(path)
	if err != nil {
		return nil, fmt.Errorf("reading %s: %w", path, err)
	}
	c := parseResolv(text)
	if len(c.servers) == 0 {
		return nil, fmt.Errorf("reading %s: it names no server", path)
	}
	return c, nil
}

func parseResolv(text string) *resolv {
	c := &resolv{ndots: 1}
	for line := range strings.Lines(text) {
		f := strings.Fields(line)
		if len(f) < 2 || f[0][0] == '#' || f[0][0] == ';' {
			continue
		}
		switch f[0] {
		case "nameserver":
			if _, err := netip.ParseAddr(f[1]); err == nil && len(c.servers) < maxServers {
				c.servers = append(c.servers, net.JoinHostPort(f[1], "53"))
			}
		case "domain", "search":
			c.search = f[1:min(len(f), 1+maxSearch)]
		case "options":
			for _, o := range f[1:] {
				if n, err := strconv.Atoi(strings.TrimPrefix(o, "ndots:")); err == nil {
					c.ndots = max(0, min(n, 15))
				}
			}
		}
	}
	return c
}

// candidates are the complete names that host may mean, in order.
func (c *resolv) candidates(host string) []string {
	if strings.HasSuffix(host, ".") {
		return []string{host}
	}
	var names []string
	for _, domain := range c.search {
		names = append(names, host+"."+domain)
	}
	if strings.Count(host, ".") >= c.ndots {
		return append([]string{host}, names...)
	}
	return append(names, host)
}

// lookup resolves a name from the place, as its hosts(5) or its name servers
// have it; an address is returned as it is. A network that ends in 4 or 6 wants
// only addresses of that family.
func (at Options) lookup(ctx context.Context, network, host string) ([]string, error) {
	if ip, _, _ := cutZone(host); net.ParseIP(ip) != nil {
		return []string{host}, nil
	}
	if !at.Foreign {
		return net.DefaultResolver.LookupHost(ctx, host)
	}
	// The resolver of package net would read this process's files.
	if text, err := at.read("/etc/hosts"); err == nil {
		if found := inHosts(text, host, network); len(found) > 0 {
			return found, nil
		}
	}
	conf, err := at.resolv()
	if err != nil {
		return nil, fmt.Errorf("looking up %s: %w", host, err)
	}
	for _, name := range conf.candidates(host) {
		found, err := at.addresses(ctx, conf.servers, name, network)
		if err != nil {
			return nil, fmt.Errorf("looking up %s: %w", host, err)
		}
		if len(found) > 0 {
			return found, nil
		}
	}
	return nil, fmt.Errorf("looking up %s: no such host", host)
}

// addresses asks for a complete name: the first server that answers is
// believed. None is no error.
func (at Options) addresses(ctx context.Context, servers []string, name, network string) (found []string, err error) {
	for _, server := range servers {
		found, err = nil, nil
		for _, kind := range []dnsmessage.Type{dnsmessage.TypeA, dnsmessage.TypeAAAA} {
			if !wants(network, kind == dnsmessage.TypeA) {
				continue
			}
			answer, aerr := at.ask(ctx, server, name, kind)
			if aerr == nil && answer.RCode != dnsmessage.RCodeSuccess && answer.RCode != dnsmessage.RCodeNameError {
				aerr = fmt.Errorf("%s answered %s", server, rcodeName(answer.RCode))
			}
			if aerr != nil {
				err = aerr
				break
			}
			for _, r := range answer.Answers {
				if r.Header.Type == kind {
					found = append(found, recordText(r.Body))
				}
			}
		}
		if err == nil || len(found) > 0 || errors.Is(ctx.Err(), context.Canceled) {
			break
		}
	}
	if len(found) > 0 {
		return found, nil
	}
	return nil, err
}

// wants reports whether a network such as "tcp6" has addresses of the family.
func wants(network string, four bool) bool {
	switch {
	case strings.HasSuffix(network, "4"):
		return four
	case strings.HasSuffix(network, "6"):
		return !four
	}
	return true
}

// inHosts looks a name up in hosts(5).
func inHosts(text, host, network string) (found []string) {
	host = strings.TrimSuffix(host, ".")
	for line := range strings.Lines(text) {
		line, _, _ = strings.Cut(line, "#")
		f := strings.Fields(line)
		if len(f) < 2 {
			continue
		}
		ip, err := netip.ParseAddr(f[0])
		if err != nil || !wants(network, ip.Is4()) {
			continue
		}
		for _, name := range f[1:] {
			if strings.EqualFold(strings.TrimSuffix(name, "."), host) {
				found = append(found, ip.String())
				break
			}
		}
	}
	return found
}
