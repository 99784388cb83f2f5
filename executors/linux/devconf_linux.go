package linux

import (
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// Parameters of interfaces that the kernel sends along with each of them
// (IFLA_INET_CONF, IFLA_INET6_CONF), by their place there: of a thousand
// interfaces that is a thousand times faster than a file each.

// devconf4 are IPV4_DEVCONF_* of linux/ip.h, less one.
var devconf4 = map[string]int{
	"forwarding": 0, "mc_forwarding": 1, "proxy_arp": 2, "accept_redirects": 3, "secure_redirects": 4, "send_redirects": 5,
	"shared_media": 6, "rp_filter": 7, "accept_source_route": 8, "log_martians": 10, "arp_filter": 12, "arp_announce": 17,
	"arp_ignore": 18, "promote_secondaries": 19, "arp_accept": 20, "arp_notify": 21, "accept_local": 22, "src_valid_mark": 23,
	"proxy_arp_pvlan": 24, "route_localnet": 25,
}

// devconf6 are DEVCONF_* of linux/ipv6.h.
var devconf6 = map[string]int{
	"forwarding": 0, "hop_limit": 1, "accept_ra": 3, "accept_redirects": 4, "autoconf": 5, "dad_transmits": 6, "use_tempaddr": 10,
	"accept_ra_defrtr": 17, "accept_ra_pinfo": 18, "proxy_ndp": 22, "disable_ipv6": 26, "accept_dad": 27, "keep_addr_on_down": 42,
	"addr_gen_mode": 47,
}

// deviceConf is what the kernel sends of one interface: IFLA_INET_CONF and
// IFLA_INET6_CONF, arrays of 32-bit numbers.
type deviceConf struct {
	name      string // as in a key
	four, six []byte
}

// deviceConfs are those of all interfaces of a namespace.
type deviceConfs struct {
	list   []deviceConf
	byName map[string]int
}

func newDeviceConfs(raw []rawLink) deviceConfs {
	d := deviceConfs{byName: make(map[string]int, len(raw))}
	for i := range raw {
		c := deviceConf{name: strings.ReplaceAll(raw[i].name(), ".", "/")}
		for family, own := range attributes(raw[i].attrs.get(unix.IFLA_AF_SPEC)) {
			for number, conf := range attributes(own) {
				switch {
				case family == unix.AF_INET && number == unix.IFLA_INET_CONF:
					c.four = conf
				case family == unix.AF_INET6 && number == unix.IFLA_INET6_CONF:
					c.six = conf
				}
			}
		}
		d.byName[c.name] = len(d.list)
		d.list = append(d.list, c)
	}
	return d
}

// read reads the parameter that a key names: of one interface, or, for a "*",
// of all of them, but not of "all" and "default". One that is not there has no
// value, nor has one that is as it is usual. ok is false for a key that is not
// among what the kernel sends.
func (d deviceConfs) read(values map[string]string, key, usual string) (ok bool) {
	version, rest, ok := strings.Cut(key, ".conf.")
	name, parameter, cut := strings.Cut(rest, ".")
	if !ok || !cut || len(d.list) == 0 {
		return false
	}
	places := devconf4
	switch version {
	case "net.ipv4":
	case "net.ipv6":
		places = devconf6
	default:
		return false
	}
	at, ok := places[parameter]
	if !ok {
		return false
	}
	if name != "*" {
		i, there := d.byName[name]
		if !there {
			return name != "all" && name != "default"
		}
		return d.list[i].value(values, version, parameter, usual, at)
	}
	for i := range d.list {
		d.list[i].value(values, version, parameter, usual, at)
	}
	return true
}

func (c *deviceConf) value(values map[string]string, version, parameter, usual string, at int) bool {
	conf := c.four
	if version == "net.ipv6" {
		conf = c.six
	}
	if len(conf) < 4*(at+1) {
		return false
	}
	if value := strconv.Itoa(int(int32(u32(conf[4*at:])))); value != usual {
		values[version+".conf."+c.name+"."+parameter] = value
	}
	return true
}
