package netstate

import (
	"bytes"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// DNS is where the programs of a namespace learn their name servers from:
// resolv.conf(5), or what systemd-resolved has for an interface (resolvectl(1)).
// A State that was asked for it has the file, whether or not it is there, and an
// entry for each interface that systemd-resolved can be told about.
type DNS struct {
	// Device is the interface whose settings systemd-resolved has; "" is the
	// file.
	Device string `json:"device,omitempty"`
	// Servers are IP addresses; of systemd-resolved they may have a port and
	// the name of a certificate: "192.0.2.1:853#dns.example.net".
	Servers []string `json:"servers,omitempty"`
	// Search are domains; of systemd-resolved "~example.net" is one that says
	// only which names are asked for there.
	Search  []string `json:"search,omitempty"`
	Options []string `json:"options,omitempty"` // "ndots:2"; of the file only
	// Owner is the program that writes these settings by itself, so that
	// nobody else can; "" is nobody. Seen tells by what it is known.
	Owner string `json:"owner,omitempty"`
	Seen  string `json:"seen,omitempty"`
	// File is resolv.conf itself; nil where Device is set.
	File *ResolvConf `json:"file,omitempty"`
}

// ResolvConf is a file of resolv.conf(5), as undoing puts it back.
type ResolvConf struct {
	Path    string `json:"path"` // of the file itself, symbolic links followed
	Content []byte `json:"content,omitempty"`
	Mode    uint32 `json:"mode,omitempty"` // permission bits
	UID     int    `json:"uid,omitempty"`
	GID     int    `json:"gid,omitempty"`
	// Missing is set where there is no file; NoDir where its folder is
	// missing, too.
	Missing bool `json:"missing,omitempty"`
	NoDir   bool `json:"no-dir,omitempty"`
}

// Resolved is the owner of a resolv.conf that leads to systemd-resolved.
const Resolved = "systemd-resolved"

// equalDNS compares what can be set, of a file every byte.
func equalDNS(a, b *DNS) bool {
	if a.File == nil || b.File == nil {
		return a.sameLists(b)
	}
	return a.File.Missing == b.File.Missing && bytes.Equal(a.File.Content, b.File.Content) &&
		(a.File.Missing || a.File.Mode == b.File.Mode && a.File.UID == b.File.UID && a.File.GID == b.File.GID)
}

func (d *DNS) sameLists(o *DNS) bool {
	return slices.Equal(d.Servers, o.Servers) && slices.Equal(d.Search, o.Search) && slices.Equal(d.Options, o.Options)
}

// empty tells that nothing is set.
func (d *DNS) empty() bool { return d.sameLists(&DNS{}) }

func dnsName(d *DNS) string {
	if d.Device != "" {
		return "dns-resolver " + d.Device
	}
	if d.File != nil {
		return "dns-resolver " + d.File.Path
	}
	return "dns-resolver"
}

func dnsText(d *DNS) string {
	if d.File != nil && d.File.Missing {
		return absent
	}
	var w []string
	for _, part := range d.parts() {
		if len(part.list) > 0 {
			w = append(w, part.word+" "+oneLine(strings.Join(part.list, " ")))
		}
	}
	if len(w) == 0 {
		return "without servers"
	}
	return strings.Join(w, ", ")
}

// dnsPart is one of the lists of a DNS.
type dnsPart struct {
	word string // as netconfig has it
	list []string
}

func (d *DNS) parts() []dnsPart {
	return []dnsPart{{"server", d.Servers}, {"search", d.Search}, {"options", d.Options}}
}

// dnsChange is the lists that differ; where they do not, it is the file that
// goes back to what it was.
func dnsChange(before, after *DNS) string {
	var w []string
	was := before.parts()
	for i, part := range after.parts() {
		if !slices.Equal(part.list, was[i].list) {
			w = append(w, fmt.Sprintf("%s %s → %s", part.word, orNone(strings.Join(was[i].list, " ")), orNone(strings.Join(part.list, " "))))
		}
	}
	if f := after.File; f != nil && f.Missing {
		w = append(w, "removed")
	}
	if len(w) == 0 {
		w = append(w, "back to its former text")
	}
	return "! " + dnsName(after) + " " + strings.Join(w, ", ")
}

// ipDNS are the commands that do what an edit does.
func ipDNS(e *Edit) []string {
	d := e.object().DNS
	if d.Device != "" {
		var out []string
		for _, c := range []struct {
			verb          string
			before, after []string
		}{{"dns", e.Before.DNS.Servers, d.Servers}, {"domain", e.Before.DNS.Search, d.Search}} {
			if slices.Equal(c.before, c.after) {
				continue
			}
			if len(c.after) == 0 {
				c.after = []string{""}
			}
			out = append(out, words(append([]string{"resolvectl", c.verb, d.Device}, c.after...)...))
		}
		return out
	}
	if d.File.Missing {
		return []string{words("rm", d.File.Path)}
	}
	lines := strings.Split(strings.TrimSuffix(string(d.File.Content), "\n"), "\n")
	return []string{words(append([]string{"printf", `%s\n`}, lines...)...) + " > " + quote(d.File.Path)}
}

// findDNS is the entry of an interface, "" for the file, or nil. The lists are
// short: a file, and on some machines the interfaces.
func findDNS(list []DNS, device string) *DNS {
	for i := range list {
		if list[i].Device == device {
			return &list[i]
		}
	}
	return nil
}

// dns finds the edits of name servers. What systemd-resolved has for an
// interface goes with that, and is told again when it is made anew.
func (d *differ) dns() {
	for i := range d.to.DNS {
		after := &d.to.DNS[i]
		d.dnsOf(findDNS(d.from.DNS, after.Device), after)
	}
	for i := range d.from.DNS {
		if before := &d.from.DNS[i]; findDNS(d.to.DNS, before.Device) == nil {
			d.dnsOf(before, nil)
		}
	}
}

func (d *differ) dnsOf(before, after *DNS) {
	key := before
	if key == nil {
		key = after
	}
	empty := &DNS{Device: key.Device}
	if before == nil {
		before = empty
	}
	if after == nil {
		after = empty
	}
	if gone := d.trans[key.Device].gone; key.Device != "" && gone != never && !before.empty() {
		lost := Edit{Op: Modify, Before: Object{DNS: before}, After: Object{DNS: empty}, Implied: true}
		if gone == late {
			d.lost = append(d.lost, lost)
			return
		}
		d.linksEarly = append(d.linksEarly, lost)
		before = empty
	}
	if !equalDNS(before, after) {
		d.names = append(d.names, Edit{Op: Modify, Before: Object{DNS: before}, After: Object{DNS: after}})
	}
}

// applyDNS is what an edit makes of a predicted state.
func (s *State) applyDNS(after *DNS) {
	if d := findDNS(s.DNS, after.Device); d != nil {
		*d = *after
		return
	}
	s.DNS = append(s.DNS, *after)
}

// dnsRecord is what a change knows of the name servers of one place.
type dnsRecord struct {
	before, after *DNS
	implied       bool
}

func (c *Change) dnsRecords() (list []dnsRecord) {
	for i := range c.Edits {
		e := &c.Edits[i]
		if e.Before.DNS == nil || e.After.DNS == nil {
			continue
		}
		known := false
		for n := range list {
			if r := &list[n]; r.before.Device == e.Before.DNS.Device {
				r.after, r.implied, known = e.After.DNS, r.implied && e.Implied, true
			}
		}
		if !known {
			list = append(list, dnsRecord{e.Before.DNS, e.After.DNS, e.Implied})
		}
	}
	return list
}

// verifyDNS compares settings of name servers with what is wanted, or with what
// was there before. An interface that is not there has none.
func (v *verifier) verifyDNS(c *Change, undone bool) {
	for _, r := range c.dnsRecords() {
		want := r.after
		if undone {
			want = r.before
		} else if r.implied {
			continue
		}
		got := findDNS(v.now.DNS, want.Device)
		if got == nil {
			got = &DNS{Device: want.Device}
		}
		switch {
		case equalDNS(got, want):
		case dnsText(got) == dnsText(want):
			v.differs(dnsName(want), "", "the bytes, owner and mode that were asked for", "others")
		default:
			v.differs(dnsName(want), "", dnsText(want), dnsText(got))
		}
	}
}

// Server is a name server in the words of systemd-resolved.
type Server struct {
	Addr netip.Addr
	Port uint16 // 0 is 53
	Name string // of its certificate, "" for none
}

// ParseServer reads ADDRESS[:PORT][%INTERFACE][#NAME], as resolvectl(1) has it;
// an IPv6 address with a port is in brackets.
func ParseServer(text string) (Server, error) {
	rest, name, _ := strings.Cut(text, "#")
	s := Server{Name: name}
	bad := func() (Server, error) {
		return Server{}, fmt.Errorf("%q is no address of a name server, such as 192.0.2.53 or 2001:db8::53", text)
	}
	addr, err := netip.ParseAddr(rest)
	if err != nil {
		p, err := netip.ParseAddrPort(rest)
		if err != nil || p.Port() == 0 {
			return bad()
		}
		addr, s.Port = p.Addr(), p.Port()
	}
	if s.Addr = addr; addr.IsUnspecified() || addr.IsMulticast() || strings.Contains(text, "#") && !isDomain(name) {
		return bad()
	}
	return s, nil
}

// String is the server as ParseServer reads it.
func (s Server) String() string {
	text := s.Addr.String()
	if s.Port != 0 {
		text = netip.AddrPortFrom(s.Addr, s.Port).String()
	}
	if s.Name != "" {
		text += "#" + s.Name
	}
	return text
}

// isDomain tells that a name can be one of the DNS (RFC 1035, section 2.3.4),
// underscores included.
func isDomain(name string) bool {
	if len(name) > 253 {
		return false
	}
	for label := range strings.SplitSeq(strings.TrimSuffix(name, "."), ".") {
		if label == "" || len(label) > 63 || strings.ContainsFunc(label, func(r rune) bool { return r <= ' ' || r > '~' || strings.ContainsRune("\"#%/:;@\\~", r) }) {
			return false
		}
	}
	return true
}

// CheckSearch tells what is wrong with a domain to search in. "~" before it is
// systemd-resolved's.
func CheckSearch(domain string) error {
	if name := strings.TrimPrefix(domain, "~"); name != "." && !isDomain(name) {
		return fmt.Errorf("%q is no domain such as example.net", domain)
	}
	return nil
}

// resolvOptions are the options of resolv.conf(5), those with a number with its
// largest value.
var resolvOptions = map[string]int{
	"attempts": 5, "debug": 0, "edns0": 0, "inet6": 0, "ip6-bytestring": 0, "ip6-dotint": 0, "ndots": 15, "no-aaaa": 0,
	"no-check-names": 0, "no-ip6-dotint": 0, "no-reload": 0, "no-tld-query": 0, "rotate": 0, "single-request": 0,
	"single-request-reopen": 0, "timeout": 30, "trust-ad": 0, "use-vc": 0,
}

// CheckOption tells what is wrong with an option of resolv.conf(5), such as
// "ndots:2".
func CheckOption(option string) error {
	name, value, numbered := strings.Cut(option, ":")
	most, known := resolvOptions[name]
	n, err := strconv.Atoi(value)
	switch {
	case !known:
		return fmt.Errorf("%q is no option of resolv.conf(5): %s", option, strings.Join(slices.Sorted(maps.Keys(resolvOptions)), ", "))
	case most == 0 && numbered:
		return fmt.Errorf("%q takes no number", name)
	case most > 0 && (err != nil || n < 0 || n > most):
		return fmt.Errorf("%q needs a number from 0 to %d, as in %s:%d", name, most, name, min(2, most))
	}
	return nil
}
