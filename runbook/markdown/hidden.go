package markdown

import (
	"bytes"
	"fmt"
	"strings"

	"github.com/yuin/goldmark/ast"
)

// hidden looks for a step in what CommonMark takes for no fence: in an indented
// code block, and in HTML, which ends at a blank line. A comment (type 2) and <pre>
// (type 1) mean it so.
func (w *walker) hidden(n ast.Node) {
	where, remedy := "a block that is indented by four blanks or more", "Indent the fence as the text around it."
	if html, ok := n.(*ast.HTMLBlock); ok {
		if html.HTMLBlockType != ast.HTMLBlockType6 && html.HTMLBlockType != ast.HTMLBlockType7 {
			return
		}
		where, remedy = "HTML", "Put a blank line before it."
	}
	for i := range n.Lines().Len() {
		line := n.Lines().At(i)
		text := bytes.TrimLeft(w.text[line.Start:line.Stop], " \t")
		if len(text) == 0 || text[0] != '`' && text[0] != '~' {
			continue
		}
		if length := runLength(text, text[0]); length < 3 || !startsBlock(text[length:]) {
			continue
		}
		w.mistaken = append(w.mistaken, mistaken{
			span{Start: w.base + line.Stop - len(text), End: w.base + line.Start + len(bytes.TrimRight(w.text[line.Start:line.Stop], " \t\r\n"))},
			"this block is not run: it stands in " + where, remedy,
		})
	}
}

// astray looks at a comment line with attributes that no fence follows: the fence
// that it was meant for is run without them. Words that are no attributes are
// somebody's remark.
func (w *walker) astray(tag *commentTag) {
	var above attributes
	w.words(&above, tag.text)
	if len(above.faults) > 0 || len(above.list) == 0 {
		return
	}
	for _, a := range above.list {
		if a.Bare || !stepWord(a.Key) {
			return
		}
	}
	w.mistaken = append(w.mistaken, mistaken{
		tag.text, "these attributes are of no block: no fence stands right below this comment",
		"Move the comment to right above its fence, or write them in braces behind the fence's language.",
	})
}

// almostTask looks at the first line of a list item that is no manual step, and
// was perhaps meant as one.
func (w *walker) almostTask(at int, text []byte) {
	text = bytes.TrimRight(text, " \t\r\n")
	end := bytes.IndexByte(text, ']')
	if end < 0 || text[0] != '[' {
		return
	}
	mark, rest := strings.TrimSpace(string(text[1:end])), string(text[end+1:])
	if mark != "" && !strings.EqualFold(mark, "x") || strings.HasPrefix(rest, "(") || strings.HasPrefix(rest, "[") || strings.HasPrefix(rest, ":") {
		return // a link
	}
	m := mistaken{span{Start: at, End: at + len(text)}, "this is no manual step: nobody is asked to do it", ""}
	if mark == "" {
		mark = " "
	}
	if rest = strings.TrimSpace(rest); rest == "" {
		m.detail = "Write behind the box what is to be done."
	} else {
		m.detail = fmt.Sprintf("Write the box as [%s] with a blank behind it.", mark)
	}
	w.mistaken = append(w.mistaken, m)
}
