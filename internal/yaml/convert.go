package yaml

import (
	"fmt"
	"strings"

	"go.yaml.in/yaml/v4"
)

// converter turns the library's nodes into ours.
type converter struct {
	source *source
	errs   []Error
	done   map[*yaml.Node]*converted
	extra  int // nodes that aliases stand for
}

// converted is a node with how many nodes it is when aliases are written out.
type converted struct {
	node *Node
	size int
	open bool // still being converted: an alias to it is a loop
}

func (c *converter) fail(n *yaml.Node, format string, args ...any) {
	c.errs = append(c.errs, Error{n.Line, n.Column, fmt.Sprintf(format, args...)})
}

func (c *converter) node(n *yaml.Node, depth int) *converted {
	if n.Kind == yaml.AliasNode {
		return c.alias(n)
	}
	out := &Node{Line: n.Line, Column: n.Column, Tag: n.ShortTag()}
	r := &converted{node: out, size: 1, open: true}
	if n.Anchor != "" {
		c.done[n] = r
	}
	switch {
	case depth > maxDepth:
		c.fail(n, "values nest deeper than %d levels", maxDepth)
	case n.Kind == yaml.MappingNode:
		c.tag(n, out, "!!map")
		c.mapping(n, r, depth)
	case n.Kind == yaml.SequenceNode:
		out.Kind = Sequence
		c.tag(n, out, "!!seq")
		for _, item := range n.Content {
			got := c.node(item, depth+1)
			r.size += got.size
			out.Items = append(out.Items, got.node)
		}
	default:
		c.scalar(n, out)
	}
	c.source.extent(n, out)
	r.open = false
	return r
}

func (c *converter) scalar(n *yaml.Node, out *Node) {
	out.Value = n.Value
	out.Quoted = n.Style&(yaml.SingleQuotedStyle|yaml.DoubleQuotedStyle|yaml.LiteralStyle|yaml.FoldedStyle) != 0
	switch out.Tag {
	case "!!str", "!!int", "!!bool", "!!null", "!!float", "!!timestamp":
	case "!!merge": // "<<" somewhere else than as a key
		out.Tag = "!!str"
	default:
		c.tag(n, out, "!!str")
	}
}

// tag demands the tag that such a node has by itself.
func (c *converter) tag(n *yaml.Node, out *Node, want string) {
	if out.Tag != want {
		c.fail(n, "the tag %s is not known here", n.Tag)
		out.Tag, out.Unknown = want, n.Tag
	}
}

// alias returns the very node that the anchor has: readers do not write.
func (c *converter) alias(n *yaml.Node) *converted {
	nothing := &converted{node: &Node{Tag: "!!null", Line: n.Line, Column: n.Column, EndLine: n.Line, EndColumn: n.Column}, size: 1}
	target := c.done[n.Alias]
	switch {
	case target == nil || target.open:
		c.fail(n, "the alias *%s contains itself", n.Value)
		return nothing
	case c.extra+target.size > maxExpanded:
		if c.extra <= maxExpanded {
			c.fail(n, "the aliases of this document stand for more than %d values", maxExpanded)
		}
		c.extra = maxExpanded + 1
		return nothing
	}
	c.extra += target.size
	return target
}

func (c *converter) mapping(n *yaml.Node, r *converted, depth int) {
	out := r.node
	out.Kind = Mapping
	seen := map[string]int{}
	var merges []*yaml.Node
	for i := 0; i+1 < len(n.Content); i += 2 {
		k, v := n.Content[i], n.Content[i+1]
		if k.Kind == yaml.ScalarNode && k.ShortTag() == "!!merge" {
			merges = append(merges, v)
			continue
		}
		key, value := c.node(k, depth+1), c.node(v, depth+1)
		r.size += key.size + value.size
		switch line, dup := seen[key.node.Value]; {
		case key.node.Kind != Scalar:
			c.fail(k, "a key must be a word, not a %s", key.node.Kind)
		case key.node.Tag == "!!null" && !key.node.Quoted:
			c.fail(k, "a key is missing here")
		case dup:
			c.fail(k, "the key %q is already set %s", key.node.Value, above(k.Line-line))
		default:
			seen[key.node.Value] = k.Line
			out.Pairs = append(out.Pairs, Pair{key.node, value.node})
		}
	}
	for _, m := range merges {
		c.merge(m, r, seen, depth)
	}
}

// merge adds the pairs of "<<: *x" whose keys are not there.
func (c *converter) merge(n *yaml.Node, r *converted, seen map[string]int, depth int) {
	got := c.node(n, depth+1)
	r.size += got.size
	from := []*Node{got.node}
	if got.node.Kind == Sequence {
		from = got.node.Items
	}
	for _, m := range from {
		if m.Kind != Mapping {
			c.fail(n, "<< takes a mapping or a list of mappings, not %s", strings.TrimPrefix(m.Tag, "!!"))
			continue
		}
		for _, p := range m.Pairs {
			if _, dup := seen[p.Key.Value]; !dup {
				seen[p.Key.Value] = p.Key.Line
				r.node.Pairs = append(r.node.Pairs, p)
			}
		}
	}
}
