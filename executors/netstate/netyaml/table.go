package netyaml

import (
	"strings"

	"stet/executors/netstate"
	"stet/executors/netstate/netdoc"
	"stet/internal/yaml"
)

// table decodes an attribute that is a list of mappings.
func (d *decoder) table(n *yaml.Node, a *netstate.Attr, name string, i *netstate.InterfaceConfig) {
	before := len(d.problems)
	entries := []netstate.Entry{}
	seen := map[string]bool{}
	each := func(item *yaml.Node) {
		e := netstate.Entry{}
		d.mapping(item, "an entry of `"+name+"`", d.entry(a, e))
		if item.Kind != yaml.Mapping {
			return
		}
		for _, f := range a.Fields {
			if f.Set == netstate.OnCreate && f.Default == "" && e[f.Key] == "" && item.Get(f.Key) == nil {
				d.fail(item, "missing-key", "an entry of `"+name+"` without `"+f.Key+"`", "Add `"+f.Key+":`. "+netdoc.Key(a.Key+"."+f.Key))
			}
		}
		if key := a.EntryKey(e); seen[key] && !a.Ordered() {
			d.fail(item, "duplicate-entry", "`"+name+"` has "+key+" twice", "Put everything about it into one entry.")
		} else {
			seen[key] = true
		}
		if name := item.Get("name"); a.Key == netstate.AltNames && name != nil {
			d.altName(name, i)
		}
		entries = append(entries, e)
	}
	if n.Kind == yaml.Mapping && name == "link-watch" {
		each(n) // one alone, as teamd.conf(5) has it
	} else {
		d.list(n, "`"+name+"`", each)
	}
	if len(d.problems) == before {
		i.Attrs[a.Key], i.AttrPos[a.Key] = a.List(entries), pos(n)
	}
}

// entry are the keys of one entry, which go to e.
func (d *decoder) entry(a *netstate.Attr, e netstate.Entry) fields {
	known := fields{}
	for k := range a.Fields {
		f := &a.Fields[k]
		needed := f.Set == netstate.OnCreate && f.Default == ""
		known[f.Key] = field{hidden: f.Set == netstate.ReadOnly, needed: needed, decode: func(v *yaml.Node) {
			if f.Set == netstate.ReadOnly {
				return
			}
			text, ok := d.attrText(v, f, f.Key)
			if !ok {
				return
			}
			if canonical, ok := d.canonical(v, f, a.Key+"."+f.Key, f.Key, text); ok {
				e[f.Key] = canonical
			}
		}}
	}
	return known
}

// canonical makes a value canonical, and keeps a key beside the configuration.
// The meaning of the key is under path.
func (d *decoder) canonical(n *yaml.Node, a *netstate.Attr, path, name, text string) (string, bool) {
	if d.config.Secrets == nil {
		d.config.Secrets = netstate.Secrets{}
	}
	value, err := a.Seal(text, d.config.Secrets)
	if err != nil {
		d.fail(n, "bad-value", "`"+name+"`: "+err.Error(), "Correct the value. "+netdoc.Key(d.below+path))
	}
	return value, err == nil
}

// listed tells that a value may be written as a list of single values.
func listed(a *netstate.Attr) bool {
	switch a.Type {
	case netstate.MACList, netstate.CIDRs, netstate.QoSMap, netstate.IPv4List, netstate.IPv6List, netstate.VNIList, netstate.VLANTunnels, netstate.Ranges:
		return true
	}
	return a.Key == "team.runner.tx-hash"
}

// tableNode is a list of mappings.
func tableNode(a *netstate.Attr, text string) *yaml.Node {
	list := &yaml.Node{Kind: yaml.Sequence}
	for _, e := range a.Entries(text) {
		if a.Key == netstate.AltNames && netstate.CheckAltName(e["name"]) != nil {
			continue // a block cannot say it
		}
		m := &mapping{}
		for k := range a.Fields {
			if f := &a.Fields[k]; e[f.Key] != "" && f.Set != netstate.ReadOnly {
				m.add(f.Key, value(f, e[f.Key]))
			}
		}
		list.Items = append(list.Items, m.node())
	}
	return list
}

// listNode is a list of single values.
func listNode(text string) *yaml.Node {
	list := &yaml.Node{Kind: yaml.Sequence}
	for _, part := range strings.FieldsFunc(text, func(r rune) bool { return r == ',' }) {
		list.Items = append(list.Items, word(part))
	}
	return list
}
