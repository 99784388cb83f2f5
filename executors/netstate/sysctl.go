package netstate

import "strings"

// impliedSysctls are the parameters that change by themselves when to differs
// from from in those that drag others along: forwarding for all interfaces
// (inet_forward_change, addrconf_fixup_forwarding) and disable_ipv6 for all
// (addrconf_disable_change).
func impliedSysctls(from, to *State) map[string]string {
	m := map[string]string{}
	drag := func(key string, also ...string) {
		value, ok := to.Sysctls[key]
		if !ok || value == from.Sysctls[key] {
			return
		}
		prefix, name := key[:len("net.ipv4.conf.")], key[strings.LastIndex(key, ".")+1:]
		if key == "net.ipv4.ip_forward" {
			prefix, name = "net.ipv4.conf.", "forwarding"
		}
		for k := range from.Sysctls {
			if strings.HasPrefix(k, prefix) && strings.HasSuffix(k, "."+name) && k != key {
				m[k] = value
			}
		}
		for _, k := range also {
			if _, ok := from.Sysctls[k]; ok {
				m[k] = value
			}
		}
	}
	// Two names for one parameter: only one of them can be the cause.
	if drag("net.ipv4.ip_forward"); len(m) == 0 {
		drag("net.ipv4.conf.all.forwarding", "net.ipv4.ip_forward")
	}
	drag("net.ipv6.conf.all.forwarding")
	drag("net.ipv6.conf.all.disable_ipv6")
	if on, ok := m["net.ipv4.conf.all.forwarding"]; ok || to.Sysctls["net.ipv4.conf.all.forwarding"] != from.Sysctls["net.ipv4.conf.all.forwarding"] {
		if !ok {
			on = to.Sysctls["net.ipv4.conf.all.forwarding"]
		}
		if _, ok := from.Sysctls["net.ipv4.conf.all.accept_redirects"]; ok {
			m["net.ipv4.conf.all.accept_redirects"] = opposite(on)
		}
	}
	return m
}

func opposite(on string) string {
	if on == "0" {
		return "1"
	}
	return "0"
}

// draggedSysctls are the keys that must be observed with key, because setting
// it changes them.
func draggedSysctls(key string) []string {
	switch key {
	case "net.ipv4.ip_forward", "net.ipv4.conf.all.forwarding":
		return []string{"net.ipv4.ip_forward", "net.ipv4.conf.all.forwarding", "net.ipv4.conf.default.forwarding",
			"net.ipv4.conf.*.forwarding", "net.ipv4.conf.all.accept_redirects"}
	case "net.ipv6.conf.all.forwarding":
		return []string{"net.ipv6.conf.default.forwarding", "net.ipv6.conf.*.forwarding"}
	case "net.ipv6.conf.all.disable_ipv6":
		return []string{"net.ipv6.conf.default.disable_ipv6", "net.ipv6.conf.*.disable_ipv6"}
	}
	return nil
}
