package runbook

import "fmt"

// Severity of a diagnostic.
type Severity string

// The severities. Only Fault stops a document from being planned and run.
const (
	Fault   Severity = "error"
	Warning Severity = "warning"
)

// Diagnostic is a fault of a document, or a warning about it.
type Diagnostic struct {
	Severity Severity `json:"severity"`
	// Code is stable and kebab-case, listed in the reference:
	// "unknown-attribute", "duplicate-name", "yaml", "expr", ….
	Code  string   `json:"code"`
	Path  string   `json:"path"`
	Start Position `json:"start"`
	End   Position `json:"end"`
	Span  Span     `json:"-"`
	// Summary is one line without a full stop.
	Summary string `json:"summary"`
	// Detail explains and ends in the remedy.
	Detail string `json:"detail,omitempty"`
}

// Error implements error: "file:line:column: summary".
func (d Diagnostic) Error() string {
	return fmt.Sprintf("%s:%d:%d: %s", d.Path, d.Start.Line, d.Start.Column, d.Summary)
}

// Diagnostics are the faults and warnings of one document in its order.
type Diagnostics []Diagnostic

// Faults reports whether any of them is an error.
func (ds Diagnostics) Faults() bool {
	for _, d := range ds {
		if d.Severity == Fault {
			return true
		}
	}
	return false
}
