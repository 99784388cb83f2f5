package yaml

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"go.yaml.in/yaml/v4"
	"go.yaml.in/yaml/v4/plugin/loaderlimits"
)

const (
	// maxDepth bounds how deep values nest.
	maxDepth = 200
	// maxExpanded bounds the nodes that aliases stand for, all together: some
	// lines of aliases of aliases would otherwise be billions.
	maxExpanded = 200_000
)

// Error is a fault of a document, counted as Node counts.
type Error struct {
	Line, Column int
	Message      string
}

// Error implements error: "line:column: message".
func (e Error) Error() string { return fmt.Sprintf("%d:%d: %s", e.Line, e.Column, e.Message) }

// Parse reads one document and reports all faults in the order of their
// places. The node is nil for an empty document and after a fault of syntax;
// after other faults it holds everything that could be understood.
func Parse(src string) (*Node, []Error) {
	if errs := badBytes(src); errs != nil {
		return nil, errs
	}
	doc, errs := load(src)
	if errs != nil || doc == nil {
		return nil, errs
	}
	c := &converter{source: newSource(src), done: map[*yaml.Node]*converted{}}
	n := c.node(doc.Content[0], 0).node
	if n.Null() && n.Value == "" && c.errs == nil {
		return nil, nil
	}
	slices.SortStableFunc(c.errs, func(a, b Error) int {
		if a.Line != b.Line {
			return a.Line - b.Line
		}
		return a.Column - b.Column
	})
	return n, c.errs
}

// badBytes finds what is not text: the library has no position for it.
func badBytes(src string) []Error {
	var errs []Error
	line, column := 1, 1
	for i, r := range src {
		switch {
		case r == '\n':
			line, column = line+1, 0
		case r == utf8.RuneError && !strings.HasPrefix(src[i:], "\uFFFD"):
			errs = append(errs, Error{line, column, "this is not valid UTF-8"})
		case r < ' ' && r != '\t' && r != '\r' || r == 0x7F || r == 0xFFFE || r == 0xFFFF:
			errs = append(errs, Error{line, column, fmt.Sprintf("the control character U+%04X cannot stand in YAML", r)})
		}
		if column++; len(errs) == 20 {
			break
		}
	}
	return errs
}

// load runs the library over src. The node is nil for an empty document.
func load(src string) (*yaml.Node, []Error) {
	loader, err := yaml.NewLoader(strings.NewReader(src), yaml.WithSingleDocument(false),
		yaml.WithPlugin(loaderlimits.New(loaderlimits.DepthValue(maxDepth), loaderlimits.AliasNone())))
	if err != nil {
		return nil, []Error{{1, 1, err.Error()}}
	}
	var doc, more yaml.Node
	if err := loader.Load(&doc); errors.Is(err, io.EOF) {
		return nil, nil
	} else if err != nil {
		return nil, loadErrors(err, src)
	}
	if err := loader.Load(&more); err == nil {
		return nil, []Error{{max(more.Line, 1), max(more.Column, 1), "a second document starts here; only one is read"}}
	} else if !errors.Is(err, io.EOF) {
		return nil, loadErrors(err, src)
	}
	if len(doc.Content) == 0 {
		return nil, nil
	}
	return &doc, nil
}
