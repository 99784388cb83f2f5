package yaml

import (
	"errors"
	"fmt"
	"strings"

	"go.yaml.in/yaml/v4"
)

// loadErrors takes positions and words out of the library's errors.
func loadErrors(err error, src string) []Error {
	var many *yaml.LoadErrors
	if errors.As(err, &many) {
		var errs []Error
		for _, e := range many.Errors {
			errs = append(errs, loadError(e, src))
		}
		return errs
	}
	var one *yaml.LoadError
	if errors.As(err, &one) {
		return []Error{loadError(one, src)}
	}
	return []Error{{1, 1, err.Error()}}
}

// loadError says in an author's words what the library says in a parser's.
// Lines are named by their distance: the document may be a part of a larger
// one, which counts them in another way.
func loadError(e *yaml.LoadError, src string) Error {
	at, opened := Error{Line: max(e.Mark.Line, 1), Column: max(e.Mark.Column, 1)}, e.ContextMark
	since := func(what string) string {
		if opened.Line < 1 || opened.Line > at.Line {
			return what
		}
		return what + " that starts " + above(at.Line-opened.Line)
	}
	toOpened := func() {
		at.Line, at.Column = max(opened.Line, 1), max(opened.Column, 1)
	}
	switch says := func(text string) bool { return strings.Contains(e.Message, text) }; {
	case says("unexpected end of stream") && strings.Contains(e.ContextMsg, "quoted"):
		toOpened()
		at.Message = "this quote is not closed"
	case says("could not find expected ':'"):
		toOpened()
		at.Message = "a ':' is missing after this word"
	case says("expected ',' or ']'"):
		at.Message = "a ',' is missing, or the ']' of " + since("the list")
	case says("expected ',' or '}'"):
		at.Message = "a ',' is missing, or the '}' of " + since("the mapping")
	case says("expected '-' indicator"):
		at.Message = "this is indented neither as an item of " + since("the list") + " nor as a part of one"
	case says("expected key"):
		at.Message = "a key is expected here, as in " + since("the mapping")
	case says("expected node content") && strings.TrimSpace(rest(src, at)) == "":
		at = end(src)
		at.Message = "the text ends where a value, a ']' or a '}' is missing"
	case says("expected node content"):
		at.Message = "a value is expected here"
	case says("cannot start any token") && strings.HasPrefix(rest(src, at), "\t"):
		at.Message = "a tab cannot indent YAML"
	case says("cannot start any token"):
		at.Message = "a value cannot start with this sign outside of quotes"
	case says("unknown escape"):
		at.Message = "this is no escape that YAML knows"
	case says("mapping values are not allowed"):
		at.Message = "a ': ' cannot stand here: a value that holds it needs quotes, a key its own line"
	case e.ContextMsg != "":
		at.Message = e.Message + " " + e.ContextMsg
	default:
		at.Message = e.Message
	}
	return at
}

// above says how far up a line is.
func above(lines int) string {
	switch lines {
	case 0:
		return "on this line"
	case 1:
		return "1 line above"
	}
	return fmt.Sprintf("%d lines above", lines)
}

// rest is the text from a place on.
func rest(src string, at Error) string {
	for range at.Line - 1 {
		_, after, found := strings.Cut(src, "\n")
		if !found {
			return ""
		}
		src = after
	}
	column := 1
	for i := range src {
		if column == at.Column {
			return src[i:]
		}
		column++
	}
	return ""
}

// end is the place behind the last character that is not blank.
func end(src string) Error {
	text := strings.TrimRight(src, " \t\r\n")
	last := text[strings.LastIndexByte(text, '\n')+1:]
	return Error{Line: strings.Count(text, "\n") + 1, Column: len([]rune(last)) + 1}
}
