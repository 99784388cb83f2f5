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

// notes are what the wrapped parsers write down while they parse.
type notes struct {
	fences map[ast.Node]*fence
	// items has, by list item, where the first line of the paragraph that it
	// starts with stands behind the item's own prefix.
	items map[ast.Node]text.Segment
	// unread tells of a paragraph too long to look for link definitions in.
	unread bool
}

var notesKey = parser.NewContextKey()

func notesOf(pc parser.Context) *notes { return pc.Get(notesKey).(*notes) }

// fences wraps goldmark's parser of fenced code blocks and takes notes.
type fences struct{ parser.BlockParser }

// Open implements parser.BlockParser.
func (p fences) Open(parent ast.Node, reader text.Reader, pc parser.Context) (ast.Node, parser.State) {
	_, line := reader.PeekLine()
	node, state := p.BlockParser.Open(parent, reader, pc)
	if node != nil {
		notesOf(pc).fences[node] = &fence{open: line}
	}
	return node, state
}

// Continue implements parser.BlockParser.
func (p fences) Continue(node ast.Node, reader text.Reader, pc parser.Context) parser.State {
	_, line := reader.PeekLine()
	state := p.BlockParser.Continue(node, reader, pc)
	if state&parser.Continue == 0 {
		f := notesOf(pc).fences[node]
		f.close, f.closed = line, true
	}
	return state
}

// paragraphs wraps goldmark's parser of paragraphs and takes notes: a tree has
// them without their indentation.
type paragraphs struct{ parser.BlockParser }

// Open implements parser.BlockParser.
func (p paragraphs) Open(parent ast.Node, reader text.Reader, pc parser.Context) (ast.Node, parser.State) {
	_, line := reader.PeekLine()
	node, state := p.BlockParser.Open(parent, reader, pc)
	if node != nil && parent.Kind() == ast.KindListItem && !parent.HasChildren() {
		notesOf(pc).items[parent] = line
	}
	return node, state
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

// maxDefinitions bounds the lines of a paragraph in which link definitions are
// looked for: goldmark's time grows with their square.
const maxDefinitions = 2000

// definitions takes link reference definitions out of paragraphs.
type definitions struct{}

// Transform implements parser.ParagraphTransformer.
func (definitions) Transform(node *ast.Paragraph, reader text.Reader, pc parser.Context) {
	if node.Lines().Len() > maxDefinitions {
		notesOf(pc).unread = true
		return
	}
	parser.LinkReferenceParagraphTransformer.Transform(node, reader, pc)
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
			util.Prioritized(paragraphs{parser.NewParagraphParser()}, 1000),
		),
		parser.WithParagraphTransformers(util.Prioritized(definitions{}, 100)),
	)
})

// tree is the block structure of a text.
type tree struct {
	notes
	root ast.Node
	// references counts link reference definitions.
	references int
}

func parseTree(src []byte) tree {
	n := &notes{fences: map[ast.Node]*fence{}, items: map[ast.Node]text.Segment{}}
	pc := parser.NewContext()
	pc.Set(notesKey, n)
	root := commonMark().Parse(text.NewReader(src), parser.WithContext(pc))
	return tree{notes: *n, root: root, references: len(pc.References())}
}
