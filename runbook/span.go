// Package runbook is the vocabulary of a maintenance operation: the document
// and its blocks, the plan made from them, the outcomes of its steps and the
// diagnostics about it. Packages below it do the work. Data flows one way:
// document → plan → apply → outcome → report.
package runbook

// Span is a half-open range of bytes of a document's source.
type Span struct {
	Start int `json:"start"`
	End   int `json:"end"`
}

// Position is a place in a document for people and editors: both count from
// 1, columns in characters (Unicode code points), a tab being one.
type Position struct {
	Line   int `json:"line"`
	Column int `json:"column"`
}
