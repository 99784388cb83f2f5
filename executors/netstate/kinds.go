package netstate

import (
	"strings"
	"sync"
)

// kinds is every kind of interface that this version knows. The order is that
// of the reference page.
var kinds = []*Kind{
	&ethernet,
	&loopback,
	&veth,
	&linuxBridge,
	&vxlan,
	&macVlan,
	&macVtap,
	&ifb,
	&tun,
	&team,
	&bond,
	&vlan,
	&vrf,
	&dummy,
	&ipVlan,
	&ipVtap,
	&geneve,
	&vcan,
	&vxcan,
	&netkit,
	&nlmon,
	&hsr,
	&infiniband,
	&gre,
	&gretap,
	&ip6gre,
	&ip6gretap,
	&ipip,
	&sit,
	&ip6tnl,
	&vti,
	&vti6,
	&xfrm,
	&wireGuard,
	&macSec,
}

// Kinds returns every kind of interface. The result is shared: do not change it.
func Kinds() []*Kind { return kinds }

// KindByName returns the kind of a netconfig type ("linux-bridge"), or nil.
func KindByName(name string) *Kind {
	for _, k := range kinds {
		if k.Name == name {
			return k
		}
	}
	return nil
}

// KindByKernel returns the kind of an IFLA_INFO_KIND ("bridge"), or nil.
// Hardware and the loopback interface have none.
func KindByKernel(kernel string) *Kind {
	if kernel == "" {
		return nil
	}
	for _, k := range kinds {
		if k.Kernel == kernel {
			return k
		}
	}
	return nil
}

// LinkAttrs returns the attributes of every interface. The result is shared:
// do not change it.
func LinkAttrs() []Attr { return linkAttrs }

// attrsByKey has every attribute by its key: the sections keep the keys of the
// kinds apart, and a test proves it. Like other large tables it is made when it
// is needed: an agent that only runs a command is started in less time.
var attrsByKey = sync.OnceValue(indexAttrs)

func indexAttrs() map[string]*Attr {
	m := map[string]*Attr{}
	add := func(attrs []Attr) {
		for i := range attrs {
			m[attrs[i].Key] = &attrs[i]
		}
	}
	add(linkAttrs)
	add(EthtoolAttrs())
	for _, k := range kinds {
		add(k.Attrs)
		add(k.PortAttrs)
	}
	return m
}

// AttrByKey returns the description of an attribute of an interface, of its
// kind or of its being a port ("mtu", "vxlan.id", "bridge-port.isolated"), or
// nil.
func AttrByKey(key string) *Attr {
	a := attrsByKey()[key]
	if a == nil && len(key) > len(EthtoolFeature) && strings.HasPrefix(key, EthtoolFeature) {
		return &Attr{Key: key, Type: Bool, Set: Anytime} // drivers have features of their own
	}
	return a
}
