package netstate

import (
	"cmp"
	"net/netip"
	"slices"
	"strings"
)

// DNSConfig is what a configuration says of name servers (dns-resolver.config).
// A list that is nil is left as it is; with all three nil everything is removed.
type DNSConfig struct {
	Pos                      Pos
	Servers, Search, Options *[]string
	// At has the places of the lists, and of the interface.
	At map[string]Pos
	// Interface is the one that systemd-resolved is told about; "" chooses it.
	Interface string
}

// MaxServers is how many servers of resolv.conf(5) are asked (MAXNS of
// resolv.h).
const MaxServers = 3

func (c *DNSConfig) at(key string) Pos {
	if p, ok := c.At[key]; ok {
		return p
	}
	return c.Pos
}

func (c *DNSConfig) purges() bool { return c.Servers == nil && c.Search == nil && c.Options == nil }

// dns sets the name servers.
func (m *simulation) dns(c *DNSConfig) {
	if c == nil {
		return
	}
	file := findDNS(m.to.DNS, "")
	switch {
	case file == nil:
		m.problem(c.Pos, "unsupported", "the name servers of this target cannot be read", "Use a run block.")
	case file.Owner == Resolved && c.purges() && c.Interface == "":
		for i := range m.to.DNS {
			if d := &m.to.DNS[i]; d.Device != "" && d.Owner == "" {
				m.setDNS(c, d)
			}
		}
	case file.Owner == Resolved && file.Seen == "":
		if d := m.dnsDevice(c); d != nil {
			m.setDNS(c, d)
		}
	case c.Interface != "" && m.dnsDiffers(c, file):
		m.problem(c.at("interface"), "contradiction", "`interface` is for systemd-resolved, which is not what answers here", "Leave it out: "+file.File.Path+" has the name servers.")
	default:
		m.setDNS(c, file)
	}
}

// dnsDevice is the interface that systemd-resolved is told about: the one that
// is named, the zone of a server, the only one with servers, that of the default
// route.
func (m *simulation) dnsDevice(c *DNSConfig) *DNS {
	name := c.Interface
	if name == "" && c.Servers != nil {
		for _, s := range *c.Servers {
			if a, err := netip.ParseAddr(s); err == nil && a.Zone() != "" {
				name = a.Zone()
			}
		}
	}
	if name == "" {
		name = m.onlyDNS()
	}
	if name == "" {
		name = m.defaultDevice()
	}
	if name == "" {
		m.problem(c.Pos, "missing-key", "systemd-resolved keeps name servers by interface, and there is no default route to tell which one",
			"Name it with `interface`.")
		return nil
	}
	if !m.device(c.at("interface"), name, "the name servers") {
		return nil
	}
	if d := findDNS(m.to.DNS, name); d != nil {
		return d
	}
	m.to.DNS = append(m.to.DNS, DNS{Device: name}) // the block makes it
	return findDNS(m.to.DNS, name)
}

func (m *simulation) onlyDNS() (name string) {
	for i := range m.to.DNS {
		if d := &m.to.DNS[i]; d.Device != "" && len(d.Servers) > 0 {
			if name != "" {
				return ""
			}
			name = d.Device
		}
	}
	return name
}

// defaultDevice is the interface of the default route of the main table that
// has the least metric, of IPv4 where both families have one.
func (m *simulation) defaultDevice() string {
	var best *Route
	for i := range m.to.Routes {
		r := &m.to.Routes[i]
		if r.Destination.Bits() != 0 || r.Table != mainTable || len(r.NextHops) == 0 || r.NextHops[0].Device == "" {
			continue
		}
		if best == nil || cmp.Or(cmp.Compare(r.Destination.Addr().BitLen(), best.Destination.Addr().BitLen()), cmp.Compare(r.Metric, best.Metric)) < 0 {
			best = r
		}
	}
	if best == nil {
		return ""
	}
	return best.NextHops[0].Device
}

// wanted is what the settings become.
func (c *DNSConfig) wanted(d *DNS) DNS {
	w := *d
	if c.purges() {
		w.Servers, w.Search, w.Options = nil, nil, nil
	}
	if c.Servers != nil {
		w.Servers = slices.Clone(*c.Servers)
		if d.Device != "" {
			for i := range w.Servers {
				w.Servers[i] = resolvedServer(strings.Replace(w.Servers[i], "%"+d.Device, "", 1))
			}
		}
	}
	if c.Search != nil {
		w.Search = *c.Search
	}
	if c.Options != nil {
		w.Options = *c.Options
	}
	return w
}

// resolvedServer is a server as systemd-resolved tells it: without the ports that
// it takes by itself (bus_message_read_dns_servers).
func resolvedServer(text string) string {
	s, err := ParseServer(text)
	if err != nil || s.Port != 53 && s.Port != 853 {
		return text
	}
	s.Port = 0
	return s.String()
}

func (m *simulation) dnsDiffers(c *DNSConfig, d *DNS) bool {
	w := c.wanted(d)
	return !d.sameLists(&w)
}

// setDNS sets the lists that are given, unless they are so already.
func (m *simulation) setDNS(c *DNSConfig, d *DNS) {
	if !m.dnsDiffers(c, d) {
		return
	}
	if d.Owner != "" {
		m.problem(c.Pos, "managed-elsewhere", dnsName(d)+" is "+d.Owner+"'s: "+d.Seen, ownerRemedy(d))
		return
	}
	w := c.wanted(d)
	if !m.dnsFits(c, &w) {
		return
	}
	if w.File != nil {
		f := *w.File
		f.Content = resolvConf(f.Content, d, &w)
		if f.Missing {
			f.Missing, f.Mode = false, 0o644
		}
		w.File = &f
	}
	*d = w
}

func ownerRemedy(d *DNS) string {
	switch d.Owner {
	case Resolved:
		return "Start systemd-resolved, or put a file of your own in the place of the link."
	case "NetworkManager":
		return "Set them with nmcli(1), or give the file up to others with `dns=none` in NetworkManager.conf(5)."
	case "systemd-networkd":
		return "Write `DNS=` into the interface's file of systemd.network(5), and reload it with networkctl(1)."
	}
	return "Tell " + d.Owner + " the name servers, or make it leave the file alone."
}

// dnsFits refuses what the place does not take.
func (m *simulation) dnsFits(c *DNSConfig, w *DNS) bool {
	bad := func(key, summary, detail string) bool {
		m.problem(c.at(key), "unsupported", summary, detail)
		return false
	}
	if w.Device != "" {
		if c.Options != nil && len(*c.Options) > 0 {
			return bad("options", "systemd-resolved takes no `options` of resolv.conf(5)", "Leave them out.")
		}
		return true
	}
	if c.Servers != nil {
		if n := len(w.Servers); n > MaxServers {
			return bad("server", "resolv.conf(5) takes three servers: programs would never ask the others", "Leave the last ones out.")
		}
		for _, s := range w.Servers {
			if _, err := netip.ParseAddr(s); err != nil {
				return bad("server", "resolv.conf(5) takes addresses alone, not "+s, "Leave port and name out, or use systemd-resolved.")
			}
		}
	}
	for _, s := range w.Search {
		if c.Search != nil && strings.HasPrefix(s, "~") {
			return bad("search", "resolv.conf(5) takes no domains such as "+s, "Leave the ~ out, or use systemd-resolved.")
		}
	}
	return true
}
