package netyaml

import (
	"fmt"
	"strconv"
	"strings"

	"stet/executors/netstate"
	"stet/internal/yaml"
)

// namespaces decodes the extension for named network namespaces.
func (d *decoder) namespaces(n *yaml.Node) { d.extensionList(n, "namespaces", d.namespace) }

func (d *decoder) namespace(n *yaml.Node) {
	c := netstate.NamespaceConfig{Pos: pos(n)}
	o := &c.Namespace
	faults := len(d.problems)
	d.mapping(n, "a namespace", fields{
		"name":     {decode: scalar(d, "name", parseNetns, func(v string) { o.Name = v })},
		"state":    {decode: scalar(d, "state", oneOf("present", "absent"), func(v string) { c.Absent = v == "absent" })},
		"nsid":     {decode: scalar(d, "nsid", parseUint(0, 1<<31-1), func(v uint64) { o.ID = strconv.FormatUint(v, 10) })},
		"loopback": {decode: scalar(d, "loopback", oneOf("up", "down"), func(v string) { o.Loopback = v })},
	})
	if n.Kind != yaml.Mapping || len(d.problems) > faults {
		return
	}
	if o.Name == "" {
		d.fail(n, "missing-key", "a namespace without `name`", "Add the name that `ip netns` has for it.")
		return
	}
	for i := range d.config.Namespaces {
		if d.config.Namespaces[i].Namespace.Name == o.Name {
			d.fail(n, "duplicate-namespace", "namespace "+o.Name+" stands twice", "Put everything about it into one entry.")
			return
		}
	}
	d.config.Namespaces = append(d.config.Namespaces, c)
}

func encodeNamespace(n *netstate.Namespace) *yaml.Node {
	m := &mapping{}
	m.text("name", n.Name)
	m.text("nsid", n.ID)
	m.text("loopback", n.Loopback)
	return m.node()
}

// parseNetns takes what ip-netns(8) takes for a name.
func parseNetns(s string) (string, error) {
	if s == "" || s == "." || s == ".." || len(s) > 255 || strings.ContainsAny(s, "/\x00") {
		return "", fmt.Errorf("%q is no file name", s)
	}
	return s, nil
}
