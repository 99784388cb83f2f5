package markdown

import (
	"sync"

	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/text"
	"github.com/yuin/goldmark/util"
)

// maxNesting bounds how deep lists and quotes nest. What is deeper is text:
// goldmark recurses, and time grows with depth times lines.
const maxNesting = 100

// fence is what the parser knows of a fenced code block and its tree does not
// tell: where its opening and closing lines stand behind the container.
type fence struct {
	open, close text.Segment
	closed      bool
}

var fencesKey = parser.NewContextKey()

// fences wraps goldmark's parser of fenced code blocks and takes notes.
type fences struct{ parser.BlockParser }

// Open implements parser.BlockParser.
func (p fences) Open(parent ast.Node, reader text.Reader, pc parser.Context) (ast.Node, parser.State) {
	_, line := reader.PeekLine()
	node, state := p.BlockParser.Open(parent, reader, pc)
	if node != nil {
		pc.Get(fencesKey).(map[ast.Node]*fence)[node] = &fence{open: line}
	}
	return node, state
}

// Continue implements parser.BlockParser.
func (p fences) Continue(node ast.Node, reader text.Reader, pc parser.Context) parser.State {
	_, line := reader.PeekLine()
	state := p.BlockParser.Continue(node, reader, pc)
	if state&parser.Continue == 0 {
		f := pc.Get(fencesKey).(map[ast.Node]*fence)[node]
		f.close, f.closed = line, true
	}
	return state
}

// shallow wraps the parsers of containers and bounds the nesting.
type shallow struct{ parser.BlockParser }

// Open implements parser.BlockParser.
func (p shallow) Open(parent ast.Node, reader text.Reader, pc parser.Context) (ast.Node, parser.State) {
	if len(pc.OpenedBlocks()) >= maxNesting {
		return nil, parser.NoChildren
	}
	return p.BlockParser.Open(parent, reader, pc)
}

// commonMark is CommonMark's block structure. Inline elements are not parsed:
// nothing here depends on them.
var commonMark = sync.OnceValue(func() parser.Parser {
	return parser.NewParser(
		parser.WithBlockParsers(
			util.Prioritized(parser.NewSetextHeadingParser(), 100),
			util.Prioritized(parser.NewThematicBreakParser(), 200),
			util.Prioritized(shallow{parser.NewListParser()}, 300),
			util.Prioritized(parser.NewListItemParser(), 400),
			util.Prioritized(parser.NewCodeBlockParser(), 500),
			util.Prioritized(parser.NewATXHeadingParser(), 600),
			util.Prioritized(fences{parser.NewFencedCodeBlockParser()}, 700),
			util.Prioritized(shallow{parser.NewBlockquoteParser()}, 800),
			util.Prioritized(parser.NewHTMLBlockParser(), 900),
			util.Prioritized(parser.NewParagraphParser(), 1000),
		),
		parser.WithParagraphTransformers(parser.DefaultParagraphTransformers()...),
	)
})

// tree is the block structure of a text.
type tree struct {
	root   ast.Node
	fences map[ast.Node]*fence
	// references counts link reference definitions.
	references int
}

func parseTree(src []byte) tree {
	t := tree{fences: map[ast.Node]*fence{}}
	pc := parser.NewContext()
	pc.Set(fencesKey, t.fences)
	t.root = commonMark().Parse(text.NewReader(src), parser.WithContext(pc))
	t.references = len(pc.References())
	return t
}
