package yaml

import (
	"bytes"
	"strings"

	"go.yaml.in/yaml/v4"
)

// Format writes a node as people write YAML: blocks indented by two, strings
// quoted only where they would read as something else, text of several lines
// as a "|" block. Parse(Format(n)) equals n but for positions and quotes.
func Format(n *Node) string {
	if n == nil {
		return ""
	}
	var b bytes.Buffer
	d, err := yaml.NewDumper(&b, yaml.WithIndent(2), yaml.WithLineWidth(-1))
	if err == nil {
		err = d.Dump(library(n))
	}
	if err == nil {
		err = d.Close()
	}
	if err != nil { // a buffer does not fail, and every node has a known kind
		panic("writing YAML: " + err.Error())
	}
	return b.String()
}

func library(n *Node) *yaml.Node {
	switch n.Kind {
	case Mapping:
		out := &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map"}
		if len(n.Pairs) == 0 {
			out.Style = yaml.FlowStyle
		}
		for _, p := range n.Pairs {
			out.Content = append(out.Content, library(p.Key), library(p.Value))
		}
		return out
	case Sequence:
		out := &yaml.Node{Kind: yaml.SequenceNode, Tag: "!!seq"}
		if len(n.Items) == 0 {
			out.Style = yaml.FlowStyle
		}
		for _, item := range n.Items {
			out.Content = append(out.Content, library(item))
		}
		return out
	}
	return libraryScalar(n)
}

func libraryScalar(n *Node) *yaml.Node {
	out := &yaml.Node{Kind: yaml.ScalarNode, Tag: n.Tag, Value: n.Value}
	if n.Tag == "" {
		out.Tag = "!!str"
	}
	switch {
	case out.Tag != "!!str":
	case blockable(n.Value):
		out.Style = yaml.LiteralStyle
	case strings.ContainsAny(n.Value, "\n\r\t\u0085\u2028\u2029"):
		out.Style = yaml.DoubleQuotedStyle
	}
	return out
}

// blockable reports whether a "|" block shows the text as it is.
func blockable(text string) bool {
	body, found := strings.CutSuffix(text, "\n")
	if !found || body == "" || strings.HasSuffix(body, "\n") || strings.ContainsAny(text, "\r\t\u0085\u2028\u2029\uFEFF") {
		return false
	}
	for line := range strings.SplitSeq(body, "\n") {
		if strings.HasSuffix(line, " ") || strings.HasPrefix(line, " ") || line == "" {
			return false
		}
		for _, r := range line {
			if r < ' ' || r == 0x7F {
				return false
			}
		}
	}
	return true
}
