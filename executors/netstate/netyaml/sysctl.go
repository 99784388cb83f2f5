package netyaml

import (
	"strings"

	"stet/executors/netstate"
	"stet/internal/yaml"
)

// sysctl decodes the extension for kernel parameters.
func (d *decoder) sysctl(n *yaml.Node) {
	d.parameters(n, func(key *yaml.Node, value string) {
		name := dotted(key.Value)
		if !strings.HasPrefix(name, "net.") || !plainKey(name) {
			d.fail(key, "bad-value", "sysctl `"+key.Value+"` is not one of a network namespace", "Only keys that begin with net. can be set here.")
			return
		}
		d.config.Sysctls = append(d.config.Sysctls, netstate.SysctlConfig{Pos: pos(key), Key: name, Value: value})
	})
}

// ownSysctls decodes an interface's own: "ipv4.forwarding" stands for
// net.ipv4.conf.NAME.forwarding, "ipv4.neigh.gc_stale_time" for
// net.ipv4.neigh.NAME.gc_stale_time. The name is filled in when it is known.
func (d *decoder) ownSysctls(n *yaml.Node, i *netstate.InterfaceConfig) {
	d.parameters(n, func(key *yaml.Node, value string) {
		family, rest, ok := strings.Cut(dotted(key.Value), ".")
		table := "conf"
		if after, neigh := strings.CutPrefix(rest, "neigh."); neigh {
			table, rest = "neigh", after
		}
		if !ok || (family != "ipv4" && family != "ipv6" && family != "mpls") || strings.Contains(rest, ".") || !plainKey(rest) {
			d.fail(key, "bad-value", "`"+key.Value+"` is no sysctl of an interface", "Write it as `ipv4.forwarding`, `ipv6.accept_ra` or `ipv4.neigh.gc_stale_time`; the interface's name is filled in.")
			return
		}
		i.Sysctls = append(i.Sysctls, netstate.SysctlConfig{Pos: pos(key), Key: "net." + family + "." + table + ".*." + rest, Value: value})
	})
}

func (d *decoder) parameters(n *yaml.Node, set func(key *yaml.Node, value string)) {
	if d.takesFree(n) || n.Null() {
		return
	}
	if n.Kind != yaml.Mapping {
		d.fail(n, "wrong-type", "`sysctl` is a mapping, not a "+n.Kind.String(), "Write `net.ipv4.ip_forward: 1`.")
		return
	}
	for _, p := range n.Pairs {
		text, ok := d.text(p.Value, "sysctl `"+p.Key.Value+"`")
		if !ok {
			continue
		}
		if strings.ContainsAny(text, "\n\r\x00") {
			d.fail(p.Value, "bad-value", "the value of a sysctl is one line", "Correct the value.")
			continue
		}
		if p.Value.Tag == "!!bool" {
			text = map[bool]string{true: "1", false: "0"}[strings.EqualFold(text, "true")]
		}
		set(p.Key, strings.TrimSpace(text))
	}
}

// dotted is a key as sysctl(8) writes it. Where it is written with slashes
// first, dots and slashes change places.
func dotted(key string) string {
	if slash := strings.Index(key, "/"); slash < 0 || strings.Contains(key[:slash], ".") {
		return key
	}
	return strings.Map(func(r rune) rune {
		switch r {
		case '/':
			return '.'
		case '.':
			return '/'
		}
		return r
	}, key)
}

// plainKey keeps what could lead elsewhere out of a path below /proc/sys.
func plainKey(key string) bool {
	if key == "" || strings.ContainsAny(key, "*\x00 \t\n\r") {
		return false
	}
	for _, part := range strings.Split(key, ".") {
		if part == "" || part == "/" || strings.HasPrefix(part, "/") || strings.HasSuffix(part, "/") || strings.Contains(part, "//") {
			return false
		}
	}
	return true
}
