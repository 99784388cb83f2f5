package view

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"

	"stet/runbook"
)

// LintFormat is how `stet lint` prints diagnostics.
type LintFormat string

// The formats of lint.
const (
	LintText   LintFormat = "text"   // for people
	LintJSON   LintFormat = "json"   // one diagnostic a line
	LintGitHub LintFormat = "github" // workflow commands, shown at the line by GitHub and Forgejo
	LintSARIF  LintFormat = "sarif"  // SARIF 2.1.0, read by GitLab, GitHub, Azure and editors
)

// LintFormats lists the formats in the order of the help.
var LintFormats = []LintFormat{LintText, LintJSON, LintGitHub, LintSARIF}

// Linted is one document with what is wrong with it.
type Linted struct {
	Source      []byte
	Diagnostics runbook.Diagnostics
}

// WriteLint writes the diagnostics of several documents. Text goes through
// page, so that it has colours on a terminal; the other formats go to w.
func WriteLint(w io.Writer, page *Page, format LintFormat, version string, docs []Linted) error {
	switch format {
	case LintJSON:
		return lintJSON(w, docs)
	case LintGitHub:
		return lintGitHub(w, docs)
	case LintSARIF:
		return lintSARIF(w, version, docs)
	}
	for _, d := range docs {
		src := NewSource(d.Source)
		for _, diag := range d.Diagnostics {
			page.Print(src.Diagnostic(diag))
		}
	}
	return nil
}

func lintJSON(w io.Writer, docs []Linted) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	for _, d := range docs {
		for _, diag := range d.Diagnostics {
			if err := e.Encode(diag); err != nil {
				return fmt.Errorf("writing diagnostics: %w", err)
			}
		}
	}
	return nil
}

// lintGitHub writes workflow commands
// (docs.github.com, "Workflow commands for GitHub Actions").
func lintGitHub(w io.Writer, docs []Linted) error {
	for _, d := range docs {
		for _, diag := range d.Diagnostics {
			message := diag.Summary
			if diag.Detail != "" {
				message += "\n" + diag.Detail
			}
			end := ""
			if diag.End.Line > 0 {
				end = fmt.Sprintf(",endLine=%d", diag.End.Line)
				if diag.End.Line == diag.Start.Line {
					end += fmt.Sprintf(",endColumn=%d", diag.End.Column)
				}
			}
			_, err := fmt.Fprintf(w, "::%s file=%s,line=%d,col=%d%s,title=%s::%s\n", diag.Severity,
				property(diag.Path), diag.Start.Line, diag.Start.Column, end, property("stet "+diag.Code), data(message))
			if err != nil {
				return fmt.Errorf("writing diagnostics: %w", err)
			}
		}
	}
	return nil
}

func data(s string) string {
	return strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A").Replace(s)
}

func property(s string) string {
	return strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A", ":", "%3A", ",", "%2C").Replace(s)
}
