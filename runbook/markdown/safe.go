package markdown

import (
	"strings"
)

// safeBody returns Markdown that cannot reach beyond its region: text that
// leaves a fence, a comment or an element open, that holds markers of stet, or
// that defines links for the rest of the document, is shown as it is in a
// fence.
func safeBody(text string) string {
	text = cleanBody(text)
	if text == "" || contained(text) {
		return text
	}
	fence := strings.Repeat("`", max(3, longestRun(text, '`')+1))
	return fence + "text\n" + text + "\n" + fence
}

// contained parses the text between two markers and looks whether both are
// still there, and nothing else of stet.
func contained(text string) bool {
	const word = "<!-- " + resultWord + " -->"
	const end = "<!-- /" + resultWord + " -->"
	src := []byte(word + "\n\n" + text + "\n\n" + end + "\n")
	t := parseTree(src)
	if t.references > 0 || t.unread {
		return false
	}
	markers := 0
	for c := t.root.FirstChild(); c != nil; c = c.NextSibling() {
		if _, ok := readMarker(c, src); ok {
			markers++
		}
	}
	first, ok1 := readMarker(t.root.FirstChild(), src)
	last, ok2 := readMarker(t.root.LastChild(), src)
	return markers == 2 && ok1 && ok2 && !first.closes && last.closes
}

// longestRun is the longest row of c in text.
func longestRun(text string, c rune) int {
	longest, run := 0, 0
	for _, r := range text {
		if r == c {
			run++
			longest = max(longest, run)
		} else {
			run = 0
		}
	}
	return longest
}
