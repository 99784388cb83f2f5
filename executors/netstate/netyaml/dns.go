package netyaml

import (
	"slices"

	"stet/executors/netstate"
	"stet/internal/yaml"
)

// dns decodes dns-resolver. What is running is only shown.
func (d *decoder) dns(n *yaml.Node) {
	d.mapping(n, "`dns-resolver`", fields{
		"config":  {decode: d.dnsConfig},
		"running": {decode: d.ignore, hidden: true},
	})
}

func (d *decoder) dnsConfig(n *yaml.Node) {
	c := &netstate.DNSConfig{Pos: pos(n), At: map[string]netstate.Pos{}}
	list := func(key string, to **[]string, parse func(string) (string, error)) field {
		return field{decode: func(v *yaml.Node) { d.dnsList(v, c, key, to, parse) }}
	}
	as := func(check func(string) error) func(string) (string, error) {
		return func(s string) (string, error) { return s, check(s) }
	}
	d.mapping(n, "`config` of `dns-resolver`", fields{
		"server": list("server", &c.Servers, func(s string) (string, error) {
			server, err := netstate.ParseServer(s)
			if err != nil {
				return "", err
			}
			return server.String(), nil
		}),
		"search":  list("search", &c.Search, as(netstate.CheckSearch)),
		"options": list("options", &c.Options, as(netstate.CheckOption)),
		"interface": {decode: func(v *yaml.Node) {
			scalar(d, "interface", func(s string) (string, error) { return s, netstate.CheckName(s) }, func(s string) {
				c.Interface, c.At["interface"] = s, pos(v)
			})(v)
		}},
	})
	if n.Kind == yaml.Mapping {
		d.config.DNS = c
	}
}

// dnsList decodes a list of words; twice the same is a mistake.
func (d *decoder) dnsList(n *yaml.Node, c *netstate.DNSConfig, key string, to **[]string, parse func(string) (string, error)) {
	all := []string{}
	d.list(n, "`"+key+"`", func(v *yaml.Node) {
		scalar(d, key, parse, func(s string) {
			if slices.Contains(all, s) {
				d.fail(v, "contradiction", s+" stands twice in `"+key+"`", "Leave one of the two out.")
				return
			}
			all = append(all, s)
		})(v)
	})
	*to, c.At[key] = &all, pos(n)
}

// encodeDNS writes the name servers: the file's, or those of the one interface
// that a configuration without `interface` would change; all that answer are
// shown as running.
func encodeDNS(m *mapping, s *netstate.State) {
	if len(s.DNS) == 0 {
		return
	}
	best := &s.DNS[0]
	var servers, search, options []string
	for i := range s.DNS {
		d := &s.DNS[i]
		if s.DNS[0].Owner == netstate.Resolved && len(s.DNS) > 1 && d.Device == "" {
			continue // the stub, which asks the others
		}
		servers, search, options = append(servers, d.Servers...), append(search, d.Search...), append(options, d.Options...)
		if best.Device == "" && len(d.Servers)+len(d.Search) > 0 {
			best = d
		}
	}
	own := &mapping{}
	running := &mapping{}
	dnsLists(running, servers, search, options)
	if len(running.pairs) > 0 {
		own.add("running", running.node())
	}
	resolved := len(s.DNS) > 1
	if config := (&mapping{}); resolved == (best.Device != "") {
		config.text("interface", best.Device)
		dnsLists(config, sayable(best.Servers, checkServer), sayable(best.Search, netstate.CheckSearch), sayable(best.Options, netstate.CheckOption))
		if len(config.pairs) > 0 {
			own.add("config", config.node())
		}
	}
	if len(own.pairs) > 0 {
		m.add("dns-resolver", own.node())
	}
}

// sayable is a list, or nil where it holds what a configuration would not take.
func sayable(list []string, check func(string) error) []string {
	for i, s := range list {
		if check(s) != nil || slices.Contains(list[:i], s) {
			return nil
		}
	}
	return list
}

func checkServer(s string) error {
	_, err := netstate.ParseServer(s)
	return err
}

func dnsLists(m *mapping, servers, search, options []string) {
	for _, part := range []struct {
		key  string
		list []string
	}{{"server", servers}, {"search", search}, {"options", options}} {
		var words []*yaml.Node
		for _, w := range part.list {
			words = append(words, word(w))
		}
		m.list(part.key, words)
	}
}
