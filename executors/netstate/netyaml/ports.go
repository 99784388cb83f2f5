package netyaml

import (
	"maps"
	"slices"
	"strings"

	"stet/executors/netstate"
	"stet/internal/yaml"
)

// portLists adds the keys below path that list the ports of a kind.
func (d *decoder) portLists(k *netstate.Kind, path string, known fields, i *netstate.InterfaceConfig) {
	if key, ok := strings.CutPrefix(k.PortList, path+"."); ok && k.PortList != "" {
		known[key] = field{decode: func(v *yaml.Node) { d.portList(v, k, i) }}
		known[key+"s"] = field{decode: known[key].decode, hidden: true}
	}
	if key, ok := strings.CutPrefix(k.PortConfig, path+"."); ok && k.PortConfig != "" {
		known[key] = field{decode: func(v *yaml.Node) { d.portEntries(v, k, i) }}
	}
}

// portList decodes the whole list of a controller's ports.
func (d *decoder) portList(n *yaml.Node, k *netstate.Kind, i *netstate.InterfaceConfig) {
	names := d.portEntries(n, k, i)
	i.Ports = &names
}

// portEntries decodes a list of ports: names, each with the attributes that it
// has as a port.
func (d *decoder) portEntries(n *yaml.Node, k *netstate.Kind, i *netstate.InterfaceConfig) []string {
	names := []string{}
	d.list(n, "a list of ports", func(item *yaml.Node) {
		p := port{pos: pos(item), attrs: netstate.Attrs{}, attrPos: map[string]netstate.Pos{}}
		entry := netstate.InterfaceConfig{Attrs: p.attrs, AttrPos: p.attrPos}
		d.portEntry(item, k, &entry)
		if entry.Name == "" {
			return
		}
		if slices.Contains(names, entry.Name) {
			d.fail(item, "duplicate-port", "port "+entry.Name+" stands twice", "Leave one of the two out.")
			return
		}
		names = append(names, entry.Name)
		p.name, p.pos = entry.Name, entry.Pos
		i.AttrPos["port."+p.name] = p.pos
		d.ports = append(d.ports, p)
	})
	return names
}

func (d *decoder) portEntry(item *yaml.Node, k *netstate.Kind, entry *netstate.InterfaceConfig) {
	if item.Kind == yaml.Scalar && !item.Null() {
		d.name(item, entry) // a name alone, as bonds have it
		return
	}
	known := fields{"name": {decode: func(v *yaml.Node) { d.name(v, entry) }, needed: true}}
	for _, key := range children(k.PortSection) {
		a := netstate.AttrByKey(k.PortSection + "." + key)
		known[key] = field{decode: func(v *yaml.Node) { d.attr(v, a, entry) }, hidden: a.Set == netstate.ReadOnly}
	}
	d.mapping(item, "a port", known)
	if item.Kind == yaml.Mapping && item.Get("name") == nil {
		d.fail(item, "missing-key", "a port without `name`", "Add `name:`.")
	}
}

// adoptPorts gives the attributes of ports in lists to the ports themselves.
func (d *decoder) adoptPorts() {
	for _, p := range d.ports {
		if p.bridge == "" || len(p.attrs) == 0 {
			continue
		}
		at, named := d.byName[p.name]
		if !named {
			d.byName[p.name] = len(d.config.Interfaces)
			d.config.Interfaces = append(d.config.Interfaces, netstate.InterfaceConfig{Pos: p.pos, Name: p.name, Attrs: p.attrs, AttrPos: p.attrPos})
			continue
		}
		own := &d.config.Interfaces[at]
		for _, key := range slices.Sorted(maps.Keys(p.attrs)) {
			if before, given := own.Attrs[key]; given && before != p.attrs[key] {
				d.problems = append(d.problems, netstate.Problem{Pos: p.attrPos[key], Code: "contradiction",
					Summary: "`" + key + "` of " + p.name + " stands in two places, with different values", Detail: "Leave one of the two out."})
			}
			own.Attrs[key], own.AttrPos[key] = p.attrs[key], p.attrPos[key]
		}
	}
}
