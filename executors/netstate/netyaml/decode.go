// Package netyaml is the YAML of netconfig: nmstate's schema with stet's
// extensions, to and from package netstate.
package netyaml

import (
	"io"
	"strings"
	"unicode/utf8"

	"stet/executors/netstate"
	"stet/internal/yaml"
)

// Decode reads the body of a netconfig block. It reports all faults, with
// positions that count from the body's first line; with faults the Config holds
// what could be understood.
//
// Files that the block names are not read, and their routes are not in the
// Config: that is for DecodeFiles.
func Decode(body string) (*netstate.Config, []netstate.Problem) { return DecodeFiles(body, nil) }

// DecodeFiles is Decode that reads the tables that a block names with
// `from-file`; open is given the path as it is written there. Faults of a table
// name its line, and have the position of the path.
//
// The Config is shared by all who decode the same body: nobody changes it.
func DecodeFiles(body string, open func(path string) (io.ReadCloser, error)) (*netstate.Config, []netstate.Problem) {
	if known, ok := latest.get(body); ok && known.holds(open) {
		return known.config, known.problems
	}
	d := decode(body, open)
	switch now := (decoded{body, d.config, d.problems}); {
	case !d.named:
		latest.put(now)
	case len(d.problems) == 0 && len(d.config.Files) > 0:
		latest.putTable(now)
	}
	return d.config, d.problems
}

func decode(body string, open func(path string) (io.ReadCloser, error)) *decoder {
	d := &decoder{open: open, config: &netstate.Config{}, byName: map[string]int{}}
	root, errs := yaml.Parse(body)
	for _, e := range errs {
		d.problems = append(d.problems, netstate.Problem{
			Pos: within(body, e.Line, e.Column), Code: "yaml", Summary: e.Message,
			Detail: "The block is not valid YAML here. Check indentation, colons and quotes.",
		})
	}
	if root != nil && !root.Null() {
		d.top(root)
	}
	d.adoptPorts()
	d.pairs()
	d.altNames()
	return d
}

// within is a place in the body: what is missing at its end, the parser finds
// on the line after it.
func within(body string, line, column int) netstate.Pos {
	lines := strings.Split(body, "\n")
	if line <= len(lines) {
		return netstate.Pos{Line: max(line, 1), Column: max(column, 1)}
	}
	last := strings.TrimSuffix(lines[len(lines)-1], "\r")
	return netstate.Pos{Line: len(lines), Column: utf8.RuneCountInString(last) + 1}
}

// decoder is one run of Decode.
type decoder struct {
	open     func(path string) (io.ReadCloser, error)
	config   *netstate.Config
	problems []netstate.Problem
	// named is true of a body that names files: what it means is not in it alone.
	named bool
	// below is what the keys of the tables stand below in package netdoc.
	below string
	// byName is where each interface is in config.
	byName map[string]int
	// probing is set while the decoder is asked what it takes: then shape is what
	// the place of probe takes. See Language.
	probing bool
	shape   *Shape
	probe   *yaml.Node
	// ports are attributes of ports that stand in a bridge's list.
	ports []port
}

// port is an entry of a controller's list of ports.
type port struct {
	bridge, name string
	pos          netstate.Pos
	attrs        netstate.Attrs
	attrPos      map[string]netstate.Pos
}

func pos(n *yaml.Node) netstate.Pos { return netstate.Pos{Line: n.Line, Column: n.Column} }

func (d *decoder) fail(n *yaml.Node, code, summary, detail string) {
	if d.probing {
		return
	}
	d.problems = append(d.problems, netstate.Problem{Pos: pos(n), Code: code, Summary: summary, Detail: detail})
}

// noPolicy says what to do instead of a policy of nmstate.
const noPolicy = "`nmstatectl policy` prints the state that a policy leads to; `${…}` and templates have what varies."

func (d *decoder) top(n *yaml.Node) {
	d.mapping(n, "a netconfig block", fields{
		"namespaces":   {decode: d.namespaces},
		"interfaces":   {decode: d.interfaces},
		"routes":       {decode: d.routes},
		"nexthops":     {decode: d.nexthops},
		"mpls-routes":  {decode: d.mpls},
		"route-rules":  {decode: d.rules},
		"neighbors":    {decode: d.neighbors},
		"fdb":          {decode: d.fdb},
		"mdb":          {decode: d.mdb},
		"sysctl":       {decode: d.sysctl},
		"ipsec-xfrm":   {decode: d.xfrm},
		"mptcp":        {decode: d.mptcp},
		"description":  {decode: d.remark},
		"capture":      {refuse: "policies with `capture` are nmstate's own; write the state itself", detail: noPolicy},
		"desired":      {refuse: "policies with `desired` are nmstate's own; write the state itself", detail: noPolicy},
		"desiredState": {refuse: "policies with `desiredState` are nmstate's own; write the state itself", detail: noPolicy},
		"dns-resolver": {decode: d.dns},
		"hostname":     {refuse: "`hostname` is no network state of the kernel", detail: "Use a run block with hostname(1) or hostnamectl(1)."},
		"ovs-db":       {refuse: "`ovs-db` needs the Open vSwitch daemon", detail: "stet configures the kernel directly. Use a run block with ovs-vsctl(8)."},
		"ovn":          {refuse: "`ovn` needs the OVN daemons", detail: "stet configures the kernel directly. Use a run block with ovs-vsctl(8)."},
	})
}

// remark accepts a text for readers.
func (d *decoder) remark(n *yaml.Node) {
	if d.probing || !n.Null() {
		d.text(n, "`description`")
	}
}

// ignore accepts a key that says nothing about what is to be done.
func (d *decoder) ignore(*yaml.Node) {}
