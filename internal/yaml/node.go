// Package yaml reads and writes YAML as trees of nodes that know where they
// stand. It wraps go.yaml.in/yaml/v4 so that the rest of stet sees neither its
// types nor its limits: positions count characters from 1, duplicate keys are
// errors, aliases and merges are resolved and bounded.
package yaml

import (
	"math"
	"strconv"
	"strings"
)

// Kind is the shape of a node.
type Kind uint8

// The kinds of nodes.
const (
	Scalar Kind = iota
	Mapping
	Sequence
)

// String names the kind as YAML's specification does.
func (k Kind) String() string {
	switch k {
	case Mapping:
		return "mapping"
	case Sequence:
		return "list"
	}
	return "scalar"
}

// Node is a value of a document.
type Node struct {
	Kind Kind
	// Tag is a scalar's type: "!!str", "!!int", "!!bool", "!!null",
	// "!!float" or "!!timestamp"; "!!map" and "!!seq" for the others.
	Tag string
	// Unknown is a tag that is not known here, such as "!vault", in place of which
	// Tag is what such a node has by itself.
	Unknown string
	// Value is a scalar's text, unquoted.
	Value string
	// Quoted tells that a scalar stands in quotes or as a block ("|", ">").
	Quoted bool
	// Line and Column are of the first character of the value, EndLine and
	// EndColumn those right after its last one. What an alias stands for has
	// the position of its anchor.
	Line, Column, EndLine, EndColumn int
	// Pairs are a mapping's entries in their order, keys unique.
	Pairs []Pair
	// Items are a list's elements.
	Items []*Node
}

// Pair is an entry of a mapping. Key is a scalar.
type Pair struct {
	Key, Value *Node
}

// Get returns the value of a mapping's key, or nil.
func (n *Node) Get(key string) *Node {
	if n == nil {
		return nil
	}
	for _, p := range n.Pairs {
		if p.Key.Value == key {
			return p.Value
		}
	}
	return nil
}

// Null reports whether the node is an empty value.
func (n *Node) Null() bool {
	return n == nil || n.Kind == Scalar && n.Tag == "!!null"
}

// Any returns the value as Go's types: map[string]any, []any, string, int,
// float64, bool or nil. Timestamps and integers beyond 64 bits are strings.
func (n *Node) Any() any {
	if n == nil {
		return nil
	}
	switch n.Kind {
	case Mapping:
		m := make(map[string]any, len(n.Pairs))
		for _, p := range n.Pairs {
			m[p.Key.Value] = p.Value.Any()
		}
		return m
	case Sequence:
		s := make([]any, len(n.Items))
		for i, item := range n.Items {
			s[i] = item.Any()
		}
		return s
	}
	return n.scalar()
}

func (n *Node) scalar() any {
	switch n.Tag {
	case "!!null":
		return nil
	case "!!bool":
		return strings.EqualFold(n.Value, "true")
	case "!!int":
		if i, err := strconv.ParseInt(n.Value, 0, 0); err == nil {
			return int(i)
		}
	case "!!float":
		if f, ok := parseFloat(n.Value); ok {
			return f
		}
	}
	return n.Value
}

func parseFloat(text string) (float64, bool) {
	switch strings.ToLower(text) {
	case ".inf", "+.inf":
		return math.Inf(1), true
	case "-.inf":
		return math.Inf(-1), true
	case ".nan":
		return math.NaN(), true
	}
	if !strings.ContainsAny(text, ".eE") { // an integer beyond 64 bits
		return 0, false
	}
	f, err := strconv.ParseFloat(strings.ReplaceAll(text, "_", ""), 64)
	return f, err == nil
}
