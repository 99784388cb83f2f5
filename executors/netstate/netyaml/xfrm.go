package netyaml

import (
	"strings"

	"stet/executors/netstate"
	"stet/executors/netstate/netdoc"
	"stet/internal/yaml"
)

// xfrm decodes the extension for the kernel's IPsec.
func (d *decoder) xfrm(n *yaml.Node) {
	d.mapping(n, "`ipsec-xfrm`", fields{
		"states":   {decode: func(v *yaml.Node) { d.xfrmList(v, "states", netstate.XfrmState) }},
		"policies": {decode: func(v *yaml.Node) { d.xfrmList(v, "policies", netstate.XfrmPolicy) }},
		"default":  {decode: func(v *yaml.Node) { d.xfrmEntry(v, "`default`", netstate.XfrmDefault) }},
	})
	d.xfrmTwice()
}

func (d *decoder) xfrmList(n *yaml.Node, name, sort string) {
	what := map[string]string{netstate.XfrmState: "a state of IPsec", netstate.XfrmPolicy: "a policy of IPsec"}[sort]
	d.list(n, "`"+name+"`", func(item *yaml.Node) { d.xfrmEntry(item, what, sort) })
}

// xfrmEntry decodes a state, a policy, or the default.
func (d *decoder) xfrmEntry(n *yaml.Node, what, sort string) {
	below := "ipsec-xfrm." + sort + "."
	c, ok := d.tabled(n, what, below, sort, sort != netstate.XfrmDefault)
	d.below = below
	defer func() { d.below = "" }()
	if ok && (c.Absent || d.xfrmWhole(n, what, &c)) {
		d.config.Xfrm = append(d.config.Xfrm, c)
	}
}

// tabled decodes an entry whose attributes the table of its sort has, and which can
// be absent, or not. ok is false for one with faults.
func (d *decoder) tabled(n *yaml.Node, what, below, sort string, absent bool) (c netstate.XfrmConfig, ok bool) {
	i := netstate.InterfaceConfig{Attrs: netstate.Attrs{}, AttrPos: map[string]netstate.Pos{}}
	c = netstate.XfrmConfig{Pos: pos(n), Sort: sort}
	faults := len(d.problems)
	d.below = below
	defer func() { d.below = "" }()
	known, sections := d.xfrmFields(sort, &i)
	for section, keys := range sections {
		known[section] = field{decode: func(v *yaml.Node) { d.mapping(v, "`"+section+"`", keys) }}
	}
	if absent {
		known["state"] = field{decode: scalar(d, "state", oneOf("absent"), func(string) { c.Absent = true })}
	}
	d.mapping(n, what, known)
	c.Attrs, c.AttrPos = i.Attrs, i.AttrPos
	return c, n.Kind == yaml.Mapping && len(d.problems) == faults
}

// xfrmFields are the keys of an entry, and those of the mappings in it.
func (d *decoder) xfrmFields(sort string, i *netstate.InterfaceConfig) (known fields, sections map[string]fields) {
	known, sections = fields{}, map[string]fields{}
	list := netstate.XfrmAttrs(sort)
	for k := range list {
		a := &list[k]
		section, key, nested := strings.Cut(a.Key, ".")
		if !nested {
			known[a.Key] = field{decode: func(v *yaml.Node) { d.attr(v, a, i) }}
			continue
		}
		if sections[section] == nil {
			sections[section] = fields{}
		}
		sections[section][key] = field{decode: func(v *yaml.Node) { d.attr(v, a, i) }}
	}
	return known, sections
}

// xfrmWhole checks an entry by itself, and fills in what follows from it.
func (d *decoder) xfrmWhole(n *yaml.Node, what string, c *netstate.XfrmConfig) bool {
	faults := len(d.problems)
	need := map[string][]string{netstate.XfrmState: {"dst", "proto", "spi"}, netstate.XfrmPolicy: {"dir"}}[c.Sort]
	for _, key := range need {
		if c.Attrs[key] == "" {
			d.fail(n, "missing-key", what+" without `"+key+"`", "Add `"+key+":`. "+netdoc.Key(d.below+key))
		}
	}
	for _, key := range []string{"mark", "output-mark"} {
		if v := c.Attrs[key]; v != "" && v != "0x0" && c.Attrs[key+"-mask"] == "" {
			c.Attrs[key+"-mask"] = "0xffffffff"
		}
	}
	switch c.Sort {
	case netstate.XfrmState:
		d.xfrmStateWhole(c)
	case netstate.XfrmPolicy:
		d.xfrmPolicyWhole(n, c)
	}
	return len(d.problems) == faults
}

// wrong reports a fault of an attribute.
func (d *decoder) wrong(c *netstate.XfrmConfig, key, code, summary, detail string) {
	p, ok := c.AttrPos[key]
	if !ok {
		p = c.Pos
	}
	d.problems = append(d.problems, netstate.Problem{Pos: p, Code: code, Summary: summary, Detail: detail})
}

func six(text string) bool { return strings.Contains(text, ":") }

func (d *decoder) xfrmStateWhole(c *netstate.XfrmConfig) {
	a := c.Attrs
	has := func(key string) bool { return a[key] != "" && a[key] != "0" && a[key] != "false" }
	switch number, proto := hexNumber(a["spi"]), a["proto"]; {
	case a["src"] != "" && six(a["src"]) != six(a["dst"]):
		d.wrong(c, "src", "contradiction", "`src` and `dst` are of two families", "The outer packets are of one family; `selector` says what is carried.")
	case a["spi"] != "" && (proto == "esp" || proto == "ah") && number < 0x100:
		d.wrong(c, "spi", "bad-value", "`spi`: numbers below 0x100 are reserved (RFC 4303)", "Choose one from 0x100 to 0xffffffff.")
	case proto == "comp" && number > 0xffff:
		d.wrong(c, "spi", "bad-value", "`spi`: `comp` has 16 bits for it (RFC 3173)", "Choose one from 0x100 to 0xffff.")
	}
	if a["encap.type"] != "" && a["proto"] != "esp" {
		d.wrong(c, "encap.type", "contradiction", "`encap` carries ESP only", "Leave it out, or write `proto: esp`.")
	}
	if a["encap.type"] != "" && (!has("encap.sport") || !has("encap.dport")) {
		d.wrong(c, "encap.type", "missing-key", "`encap` needs `sport` and `dport`", "Both are usually 4500.")
	}
	for _, key := range []string{"encap.sport", "encap.dport", "encap.oa"} {
		if a["encap.type"] == "" && a[key] != "" {
			d.wrong(c, key, "missing-key", "`encap` needs `type`", "Write `type: espinudp`, for ESP in UDP.")
			break
		}
	}
	if (a["offload.dev"] == "") != (a["offload.dir"] == "") {
		d.wrong(c, "offload.dev", "missing-key", "`offload` needs `dev` and `dir`", "Add both.")
	}
	d.xfrmAlgorithms(c)
	d.xfrmSelector(c, "selector.")
}

func (d *decoder) xfrmPolicyWhole(n *yaml.Node, c *netstate.XfrmConfig) {
	a := c.Attrs
	if a["src"] == "" && a["dst"] == "" {
		d.fail(n, "missing-key", "a policy of IPsec without `src` or `dst`", "Add the prefixes that it is for; 0.0.0.0/0 and ::/0 are every address.")
		return
	}
	d.xfrmSelector(c, "")
	whole := "0.0.0.0/0"
	if six(a["src"] + a["dst"]) {
		whole = "::/0"
	}
	for _, key := range []string{"src", "dst"} {
		if a[key] == "" {
			a[key] = whole
		}
	}
	list := netstate.XfrmAttr(c.Sort, "templates").Entries(a["templates"])
	if len(list) > 6 {
		d.wrong(c, "templates", "bad-value", "a policy has at most six `templates`", "Leave some out.")
	}
	if len(list) > 0 && a["action"] == "block" {
		d.wrong(c, "action", "contradiction", "a policy that blocks has no `templates`", "Leave one of the two out.")
	}
	for _, e := range list {
		switch {
		case e["proto"] == "":
			d.wrong(c, "templates", "missing-key", "a template without `proto`", "Add `proto: esp`.")
		case e["src"] != "" && e["dst"] != "" && six(e["src"]) != six(e["dst"]):
			d.wrong(c, "templates", "contradiction", "`src` and `dst` of a template are of two families", "The outer packets are of one family.")
		}
	}
}

// xfrmSelector checks what a state or a policy is for.
func (d *decoder) xfrmSelector(c *netstate.XfrmConfig, section string) {
	a := c.Attrs
	if s, t := a[section+"src"], a[section+"dst"]; s != "" && t != "" && six(s) != six(t) {
		d.wrong(c, section+"src", "contradiction", "`src` and `dst` are of two families", "Write one entry for each family.")
	}
	for _, key := range []string{"sport", "dport"} {
		if a[section+key] != "" && a[section+"proto"] == "" {
			d.wrong(c, section+key, "missing-key", "`"+key+"` needs `proto`", "Add `proto: tcp` or `proto: udp`.")
		}
	}
}

// xfrmTwice refuses entries for the same object.
func (d *decoder) xfrmTwice() {
	for i := range d.config.Xfrm {
		c := &d.config.Xfrm[i]
		x := netstate.Xfrm{Sort: c.Sort, Attrs: c.Attrs}
		for k := range d.config.Xfrm[:i] {
			other := &d.config.Xfrm[k]
			y := netstate.Xfrm{Sort: other.Sort, Attrs: other.Attrs}
			if c.Absent || other.Absent || netstate.CompareXfrm(&x, &y) != 0 {
				continue
			}
			d.problems = append(d.problems, netstate.Problem{Pos: c.Pos, Code: "duplicate-entry",
				Summary: "the same " + c.Sort + " of IPsec stands twice", Detail: "The kernel tells a state by `dst`, `proto`, `spi` and `mark`, a policy by `dir`, what it is for, `mark` and `if-id`. Put everything about it into one entry."})
			break
		}
	}
}

// encodeXfrm is the extension for the kernel's IPsec.
func encodeXfrm(s *netstate.State) *yaml.Node {
	m := &mapping{}
	lists := map[string][]*yaml.Node{}
	for i := range s.Xfrm {
		x := &s.Xfrm[i]
		if x.MPTCP() {
			continue
		}
		one := encodeTabled(x)
		if x.Sort == netstate.XfrmDefault {
			if len(one.pairs) > 0 {
				m.add("default", one.node())
			}
			continue
		}
		lists[x.Sort] = append(lists[x.Sort], one.node())
	}
	m.list("states", lists[netstate.XfrmState])
	m.list("policies", lists[netstate.XfrmPolicy])
	return m.node()
}

// encodeTabled are the attributes of an object that are not as they are without
// being given.
func encodeTabled(x *netstate.Xfrm) *mapping {
	m := &mapping{}
	list := netstate.XfrmAttrs(x.Sort)
	for k := range list {
		if a := &list[k]; x.Attrs[a.Key] != "" && x.Attrs[a.Key] != a.Default {
			m.path(a.Key, value(a, x.Attrs[a.Key]))
		}
	}
	return m
}
