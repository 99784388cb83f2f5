package view

import (
	"encoding/json"
	"fmt"
	"io"
	"path/filepath"

	"stet/runbook"
)

// The parts of SARIF 2.1.0 (OASIS) that a linter needs.
type (
	sarifLog struct {
		Schema  string     `json:"$schema"`
		Version string     `json:"version"`
		Runs    []sarifRun `json:"runs"`
	}
	sarifRun struct {
		Tool       sarifTool     `json:"tool"`
		ColumnKind string        `json:"columnKind"`
		Results    []sarifResult `json:"results"`
	}
	sarifTool struct {
		Driver sarifDriver `json:"driver"`
	}
	sarifDriver struct {
		Name    string      `json:"name"`
		Version string      `json:"version"`
		Rules   []sarifRule `json:"rules"`
	}
	sarifRule struct {
		ID string `json:"id"`
	}
	sarifResult struct {
		RuleID    string          `json:"ruleId"`
		Level     string          `json:"level"`
		Message   sarifText       `json:"message"`
		Locations []sarifLocation `json:"locations"`
	}
	sarifText struct {
		Text string `json:"text"`
	}
	sarifLocation struct {
		Physical sarifPhysical `json:"physicalLocation"`
	}
	sarifPhysical struct {
		Artifact sarifArtifact `json:"artifactLocation"`
		Region   sarifRegion   `json:"region"`
	}
	sarifArtifact struct {
		URI string `json:"uri"`
	}
	sarifRegion struct {
		StartLine   int `json:"startLine"`
		StartColumn int `json:"startColumn"`
		EndLine     int `json:"endLine,omitempty"`
		EndColumn   int `json:"endColumn,omitempty"`
	}
)

func lintSARIF(w io.Writer, version string, docs []Linted) error {
	run := sarifRun{
		Tool:       sarifTool{sarifDriver{Name: "stet", Version: version, Rules: []sarifRule{}}},
		ColumnKind: "unicodeCodePoints",
		Results:    []sarifResult{},
	}
	known := map[string]bool{}
	for _, d := range docs {
		for _, diag := range d.Diagnostics {
			if !known[diag.Code] {
				known[diag.Code] = true
				run.Tool.Driver.Rules = append(run.Tool.Driver.Rules, sarifRule{diag.Code})
			}
			run.Results = append(run.Results, sarifOf(diag))
		}
	}
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	err := e.Encode(sarifLog{
		Schema:  "https://json.schemastore.org/sarif-2.1.0.json",
		Version: "2.1.0",
		Runs:    []sarifRun{run},
	})
	if err != nil {
		return fmt.Errorf("writing diagnostics: %w", err)
	}
	return nil
}

func sarifOf(d runbook.Diagnostic) sarifResult {
	text := d.Summary
	if d.Detail != "" {
		text += "\n" + d.Detail
	}
	return sarifResult{
		RuleID:  d.Code,
		Level:   string(d.Severity),
		Message: sarifText{text},
		Locations: []sarifLocation{{sarifPhysical{
			Artifact: sarifArtifact{filepath.ToSlash(d.Path)},
			Region:   sarifRegion{max(1, d.Start.Line), max(1, d.Start.Column), d.End.Line, d.End.Column},
		}}},
	}
}
