package netstate

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestResolvConf(t *testing.T) {
	const old = "# kept: the office\n; and this\ndomain old.example\nnameserver 192.0.2.1\nsortlist 10.0.0.0/8\nnameserver 2001:DB8::1\noptions ndots:2 rotate\n nameserver 192.0.2.9\noptions edns0"
	servers, search, options := ParseResolvConf([]byte(old))
	if diff := cmp.Diff([][]string{{"192.0.2.1", "2001:db8::1"}, {"old.example"}, {"ndots:2", "rotate", "edns0"}}, [][]string{servers, search, options}); diff != "" {
		t.Fatalf("read (-want +got):\n%s", diff)
	}
	before := &DNS{Servers: servers, Search: search, Options: options}
	for _, c := range []struct {
		name  string
		after DNS
		want  string
	}{
		{"nothing", *before, old + "\n"},
		{"servers", DNS{Servers: []string{"192.0.2.53"}, Search: search, Options: options},
			"# kept: the office\n; and this\ndomain old.example\nnameserver 192.0.2.53\nsortlist 10.0.0.0/8\noptions ndots:2 rotate\n nameserver 192.0.2.9\noptions edns0\n"},
		{"search and options", DNS{Servers: servers, Search: []string{"a.example", "b.example"}, Options: []string{"use-vc"}},
			"# kept: the office\n; and this\nsearch a.example b.example\nnameserver 192.0.2.1\nsortlist 10.0.0.0/8\nnameserver 2001:DB8::1\noptions use-vc\n nameserver 192.0.2.9\n"},
		{"all gone", DNS{}, "# kept: the office\n; and this\nsortlist 10.0.0.0/8\n nameserver 192.0.2.9\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := resolvConf([]byte(old), before, &c.after)
			if diff := cmp.Diff(c.want, string(got)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
	if got := string(resolvConf(nil, &DNS{}, before)); got != "search old.example\nnameserver 192.0.2.1\nnameserver 2001:db8::1\noptions ndots:2 rotate edns0\n" {
		t.Errorf("of nothing: %q", got)
	}
}

// FuzzResolvConf: what is written reads back as what was asked for, and every
// other line stays.
func FuzzResolvConf(f *testing.F) {
	f.Add("# c\nnameserver 192.0.2.1\nsearch a b\noptions ndots:1\n", "192.0.2.53", "example.net")
	f.Add("domain x\r\nnameserver", "2001:db8::53", "a.b")
	f.Fuzz(func(t *testing.T, text, server, domain string) {
		s, err := ParseServer(server)
		if err != nil || s.Port != 0 || s.Name != "" || CheckSearch(domain) != nil {
			t.Skip()
		}
		before := &DNS{}
		before.Servers, before.Search, before.Options = ParseResolvConf([]byte(text))
		after := &DNS{Servers: []string{s.String()}, Search: []string{domain}, Options: before.Options}
		servers, search, options := ParseResolvConf(resolvConf([]byte(text), before, after))
		if diff := cmp.Diff([][]string{after.Servers, after.Search, after.Options}, [][]string{servers, search, options}); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}

func TestParseServer(t *testing.T) {
	for text, want := range map[string]string{
		"192.0.2.53": "192.0.2.53", "2001:DB8::53": "2001:db8::53", "fe80::1%eth0": "fe80::1%eth0", "192.0.2.53:853#dns.example.net": "192.0.2.53:853#dns.example.net",
		"[2001:db8::53]:853": "[2001:db8::53]:853", "192.0.2.53#dns.example": "192.0.2.53#dns.example",
		"": "", "dns.example.net": "", "192.0.2.53:0": "", "192.0.2.53#": "", "0.0.0.0": "", "224.0.0.1": "", "192.0.2.53#a b": "", "192.0.2.53 ": "",
	} {
		s, err := ParseServer(text)
		if (err != nil) != (want == "") || err == nil && s.String() != want {
			t.Errorf("ParseServer(%q) = %v, %v", text, s, err)
		}
	}
}

// TestDNSSimulate: where the settings go, and when they cannot.
func TestDNSSimulate(t *testing.T) {
	file := func(owner, seen string) DNS {
		return DNS{Owner: owner, Seen: seen, Servers: []string{"192.0.2.1"}, File: &ResolvConf{Path: "/etc/resolv.conf", Content: []byte("nameserver 192.0.2.1\n"), Mode: 0o600}}
	}
	lists := func(s ...string) *[]string { return &s }
	links := []Interface{{Name: "eth0", Type: "ethernet"}, {Name: "eth1", Type: "ethernet"}}
	resolved := []DNS{file(Resolved, ""), {Device: "eth0"}, {Device: "eth1", Servers: []string{"192.0.2.9"}, Search: []string{"~x"}}, {Device: "wlan0", Owner: "NetworkManager", Seen: "s"}}
	for _, c := range []struct {
		name string
		dns  []DNS
		c    DNSConfig
		want string // the change, or the summary of the fault
	}{
		{"the file", []DNS{file("", "")}, DNSConfig{Servers: lists("192.0.2.53")}, "! dns-resolver /etc/resolv.conf server 192.0.2.1 → 192.0.2.53\n"},
		{"as it is, whoever has it", []DNS{file("dhclient", "it runs")}, DNSConfig{Servers: lists("192.0.2.1")}, ""},
		{"owned", []DNS{file("dhclient", "it runs")}, DNSConfig{Servers: lists("192.0.2.2")}, "dns-resolver /etc/resolv.conf is dhclient's: it runs"},
		{"removed", []DNS{file("", "")}, DNSConfig{}, "! dns-resolver /etc/resolv.conf server 192.0.2.1 → none\n"},
		{"too many", []DNS{file("", "")}, DNSConfig{Servers: lists("192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.4")}, "resolv.conf(5) takes three servers: programs would never ask the others"},
		{"a port", []DNS{file("", "")}, DNSConfig{Servers: lists("192.0.2.1:54")}, "resolv.conf(5) takes addresses alone, not 192.0.2.1:54"},
		{"the only interface with servers", resolved, DNSConfig{Servers: lists("192.0.2.53")}, "! dns-resolver eth1 server 192.0.2.9 → 192.0.2.53\n"},
		{"the named interface", resolved, DNSConfig{Interface: "eth0", Search: lists("example.net")}, "! dns-resolver eth0 search none → example.net\n"},
		{"the zone's interface", resolved, DNSConfig{Servers: lists("fe80::1%eth0")}, "! dns-resolver eth0 server none → fe80::1\n"},
		{"ports that are its own", resolved, DNSConfig{Interface: "eth0", Servers: lists("192.0.2.53:853#dns.example", "192.0.2.54:53", "192.0.2.55:5353")}, "! dns-resolver eth0 server none → 192.0.2.53#dns.example 192.0.2.54 192.0.2.55:5353\n"},
		{"another's interface", resolved, DNSConfig{Interface: "wlan0", Servers: lists("192.0.2.53")}, "there is no interface wlan0 for the name servers"},
		{"options", resolved, DNSConfig{Interface: "eth0", Options: lists("rotate")}, "systemd-resolved takes no `options` of resolv.conf(5)"},
		{"all removed", resolved, DNSConfig{}, "! dns-resolver eth1 server 192.0.2.9 → none, search ~x → none\n"},
		{"it does not answer", []DNS{file(Resolved, "it does not answer")}, DNSConfig{Servers: lists("192.0.2.53")}, "dns-resolver /etc/resolv.conf is systemd-resolved's: it does not answer"},
		{"none", nil, DNSConfig{Servers: lists("192.0.2.53")}, "the name servers of this target cannot be read"},
	} {
		t.Run(c.name, func(t *testing.T) {
			from := &State{Interfaces: links, DNS: c.dns}
			to, _, problems := Simulate(from, &Config{DNS: &c.c})
			got := ""
			for _, p := range problems {
				got += p.Summary
			}
			if len(problems) == 0 {
				change := Diff(from, to)
				got = Text(change)
				if err := change.Check(); err != nil {
					t.Error(err)
				}
				after := Predict(from, change)
				if diff := Verify(change, after); len(diff) > 0 {
					t.Errorf("predicted: %v", diff)
				}
				back := Predict(after, Undo(change, after))
				if diff := cmp.Diff(from.DNS, back.DNS); diff != "" {
					t.Errorf("undone (-want +got):\n%s", diff)
				}
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// TestDNSOfVanishedLink: what systemd-resolved has for an interface goes and
// comes with it.
func TestDNSOfVanishedLink(t *testing.T) {
	from := &State{Interfaces: []Interface{{Name: "d0", Type: "dummy", Attrs: Attrs{"state": "up"}}}, DNS: []DNS{{Owner: Resolved, File: &ResolvConf{}}, {Device: "d0", Servers: []string{"192.0.2.53"}}}}
	to, _, problems := Simulate(from, &Config{Interfaces: []InterfaceConfig{{Name: "d0", State: "absent"}}})
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	c := Diff(from, to)
	gone := &State{DNS: from.DNS[:1]}
	if left := Verify(c, gone); len(left) > 0 {
		t.Error(left)
	}
	want := "+ link d0 dummy up\n! dns-resolver d0 server none → 192.0.2.53\n"
	if diff := cmp.Diff(want, Text(Undo(c, gone))); diff != "" {
		t.Errorf("undone (-want +got):\n%s\nof\n%s", diff, Text(c))
	}
}
