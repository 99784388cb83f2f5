package netyaml

import (
	"fmt"
	"maps"
	"strings"

	"stet/executors/netstate"
	"stet/internal/yaml"
)

// featureAliases are other names of features that nmstate and ethtool(8) take.
var featureAliases = map[string]string{
	"rx": "rx-checksum", "rx-checksumming": "rx-checksum",
	"gso": "tx-generic-segmentation", "generic-segmentation-offload": "tx-generic-segmentation",
	"gro": "rx-gro", "generic-receive-offload": "rx-gro", "lro": "rx-lro", "large-receive-offload": "rx-lro",
	"rxvlan": "rx-vlan-hw-parse", "rx-vlan-offload": "rx-vlan-hw-parse",
	"txvlan": "tx-vlan-hw-insert", "tx-vlan-offload": "tx-vlan-hw-insert",
	"ntuple": "rx-ntuple-filter", "ntuple-filters": "rx-ntuple-filter", "rxhash": "rx-hashing", "receive-hashing": "rx-hashing",
}

// ethtool decodes the settings of the driver but for those of the line.
func (d *decoder) ethtool(n *yaml.Node, i *netstate.InterfaceConfig) {
	known := fields{"feature": {decode: func(v *yaml.Node) { d.features(v, i) }}}
	for _, g := range netstate.EthtoolGroups {
		if name, ok := strings.CutPrefix(strings.TrimSuffix(g.Section, "."), "ethtool."); ok {
			known[name] = field{decode: func(v *yaml.Node) { d.mapping(v, "`"+name+"`", d.group(g.Section, i)) }}
		}
	}
	d.mapping(n, "`ethtool`", known)
	// As nmstate shows it: what was negotiated.
	if i.Attrs[netstate.FECAuto] == "true" {
		delete(i.Attrs, netstate.FECMode)
	}
	asked := netstate.Interface{Attrs: i.Attrs}
	maps.DeleteFunc(i.Attrs, func(key, _ string) bool { return asked.Negotiated(key) })
}

// ethernet decodes the settings of the line.
func (d *decoder) ethernet(n *yaml.Node, i *netstate.InterfaceConfig) {
	known := d.group("ethernet.", i)
	known["sr-iov"] = field{decode: func(v *yaml.Node) { d.sriov(v, i) }}
	d.mapping(n, "`ethernet`", known)
	key := func(name string) *yaml.Node { return keyOf(n, name) }
	if i.Attrs["ethernet.auto-negotiation"] == "true" && n.Kind == yaml.Mapping {
		// As nmstate shows it: what was negotiated, or is to be.
		for _, name := range []string{"speed", "duplex"} {
			if key(name) != nil {
				delete(i.Attrs, "ethernet."+name)
			}
		}
	}
}

// sriov decodes the virtual functions of a card.
func (d *decoder) sriov(n *yaml.Node, i *netstate.InterfaceConfig) {
	d.mapping(n, "`sr-iov`", d.group("ethernet.sr-iov.", i))
}

func (d *decoder) group(section string, i *netstate.InterfaceConfig) fields {
	known := fields{}
	attrs := netstate.EthtoolAttrs()
	for k := range attrs {
		a := &attrs[k]
		if name, ok := strings.CutPrefix(a.Key, section); ok && !strings.Contains(name, ".") {
			known[name] = field{decode: func(v *yaml.Node) { d.attr(v, a, i) }, hidden: a.Set == netstate.ReadOnly}
		}
	}
	return known
}

// features decodes a mapping of names that the driver knows.
func (d *decoder) features(n *yaml.Node, i *netstate.InterfaceConfig) {
	if n.Null() {
		return
	}
	if n.Kind != yaml.Mapping {
		d.fail(n, "wrong-type", "`feature` is a mapping, not a "+n.Kind.String(), "Write `rx-gro: true`.")
		return
	}
	for _, p := range n.Pairs {
		name := p.Key.Value
		if full, ok := featureAliases[name]; ok {
			name = full
		}
		if err := checkFeature(name); err != nil {
			d.fail(p.Key, "unknown-key", err.Error(), "`ethtool -k` shows the names.")
			continue
		}
		key := netstate.EthtoolFeature + name
		before, given := i.Attrs[key]
		d.attr(p.Value, netstate.AttrByKey(key), i)
		if given && i.Attrs[key] != before {
			d.fail(p.Key, "contradiction", "feature "+name+" stands twice, with different values", "Leave one of the two out.")
		}
	}
}

// checkFeature tells what cannot be a feature's name (ETH_GSTRING_LEN).
func checkFeature(name string) error {
	if name == "" || len(name) > 31 || strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789-_") != "" {
		return fmt.Errorf("%q is no name of a feature", name)
	}
	return nil
}
