package netyaml

import (
	"slices"

	"stet/executors/netstate"
	"stet/internal/yaml"
)

// altName checks an alternative name and notes its place.
func (d *decoder) altName(n *yaml.Node, i *netstate.InterfaceConfig) {
	if err := netstate.CheckAltName(n.Value); n.Kind == yaml.Scalar && err != nil {
		d.fail(n, "bad-value", "`name`: "+err.Error(), "Choose a name of 1 to 127 bytes without spaces and slashes.")
	}
	i.AttrPos[netstate.AltNames+"."+n.Value] = pos(n)
}

// altNames refuses alternative names that the block itself gives away twice: a
// namespace knows each name once, whether as a name or as another one.
func (d *decoder) altNames() {
	if !slices.ContainsFunc(d.config.Interfaces, func(i netstate.InterfaceConfig) bool { return i.Attrs[netstate.AltNames] != "" }) {
		return
	}
	list := netstate.AttrByKey(netstate.AltNames)
	owners := map[[2]string]string{}
	for n := range d.config.Interfaces {
		if i := &d.config.Interfaces[n]; i.State != "absent" {
			owners[[2]string{i.Attrs["netns"], i.Name}] = i.Name
		}
	}
	for n := range d.config.Interfaces {
		i := &d.config.Interfaces[n]
		for _, e := range list.Entries(i.Attrs[netstate.AltNames]) {
			name := e["name"]
			key := [2]string{i.Attrs["netns"], name}
			owner := owners[key]
			switch {
			case e["state"] == "absent":
			case owner == "":
				owners[key] = i.Name
			default:
				d.problems = append(d.problems, netstate.Problem{Pos: i.AttrPos[netstate.AltNames+"."+name], Code: "name-taken",
					Summary: i.Name + " cannot have the alternative name " + name + ": it is a name of " + owner,
					Detail:  "A name belongs to one interface, once: choose another one, or leave it out."})
			}
		}
	}
}
