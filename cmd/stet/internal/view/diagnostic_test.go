package view

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"stet/runbook"
)

func TestDiagnostic(t *testing.T) {
	src := []byte("\ufefftitle\r\n\t- ört: \x1b[2Jfoo bar\r\nlast")
	tests := []struct {
		start, end runbook.Position
		want       string
	}{
		{runbook.Position{Line: 1, Column: 1}, runbook.Position{Line: 1, Column: 6},
			"a.md:1:1: error: wrong\n    1 | title\n      | ^^^^^\n      = Do it right.\n"},
		// A tab stays a tab, a control character cannot reach the terminal.
		{runbook.Position{Line: 2, Column: 13}, runbook.Position{Line: 2, Column: 16},
			"a.md:2:13: error: wrong\n    2 | \t- ört: \ufffd[2Jfoo bar\n      | \t           ^^^\n      = Do it right.\n"},
		{runbook.Position{Line: 2, Column: 17}, runbook.Position{Line: 3, Column: 2},
			"a.md:2:17: error: wrong\n    2 | \t- ört: \ufffd[2Jfoo bar\n      | \t               ^^^\n      = Do it right.\n"},
		{runbook.Position{Line: 3, Column: 5}, runbook.Position{},
			"a.md:3:5: error: wrong\n    3 | last\n      |     ^\n      = Do it right.\n"},
		{runbook.Position{Line: 9, Column: 99}, runbook.Position{},
			"a.md:9:99: error: wrong\n      = Do it right.\n"},
		{runbook.Position{}, runbook.Position{},
			"a.md:0:0: error: wrong\n      = Do it right.\n"},
	}
	for _, test := range tests {
		d := runbook.Diagnostic{Severity: runbook.Fault, Path: "a.md", Start: test.start, End: test.end, Summary: "wrong", Detail: "Do it right."}
		if diff := cmp.Diff(test.want, text(NewSource(src).Diagnostic(d))); diff != "" {
			t.Errorf("%v: %s", test.start, diff)
		}
	}
}

// TestDiagnosticInLongLine shows what is around the place.
func TestDiagnosticInLongLine(t *testing.T) {
	src := NewSource([]byte("first\n" + strings.Repeat("é", 1000) + "wrong" + strings.Repeat("x", 1<<20) + "\n"))
	at := func(column, end int) string {
		return text(src.Diagnostic(runbook.Diagnostic{Severity: runbook.Fault, Path: "a.md", Summary: "wrong",
			Start: runbook.Position{Line: 2, Column: column}, End: runbook.Position{Line: 2, Column: end}}))
	}
	for _, test := range []struct {
		column, end int
		want        string
	}{
		{1001, 1006, "    2 | …" + strings.Repeat("é", 40) + "wrong" + strings.Repeat("x", 75) + "…\n      | " + strings.Repeat(" ", 41) + "^^^^^\n"},
		{1, 1, "    2 | " + strings.Repeat("é", 120) + "…\n      | ^\n"},
		{1 << 40, 1 << 40, "    2 | …\n      |  ^\n"},
	} {
		want := fmt.Sprintf("a.md:2:%d: error: wrong\n", test.column) + test.want
		if diff := cmp.Diff(want, at(test.column, test.end)); diff != "" {
			t.Errorf("column %d: %s", test.column, diff)
		}
	}
}

func FuzzDiagnostic(f *testing.F) {
	f.Add("a\tb\r\n\x00\xff", 1, 2, 1, 9)
	f.Add("", -1, -1, 0, 0)
	f.Fuzz(func(t *testing.T, src string, line, column, endLine, endColumn int) {
		d := runbook.Diagnostic{Start: runbook.Position{Line: line, Column: column}, End: runbook.Position{Line: endLine, Column: endColumn}}
		out := text(NewSource([]byte(src)).Diagnostic(d))
		for _, r := range out {
			if r < ' ' && r != '\n' && r != '\t' {
				t.Errorf("control character %q in %q", r, out)
			}
		}
	})
}

func lintOf(t *testing.T, format LintFormat) string {
	t.Helper()
	d := runbook.Diagnostic{
		Severity: runbook.Warning, Code: "yaml", Path: "a,b:c.md", Summary: "100 % wrong", Detail: "Do it\nright.",
		Start: runbook.Position{Line: 2, Column: 3}, End: runbook.Position{Line: 2, Column: 5},
	}
	var out bytes.Buffer
	err := WriteLint(&out, NewPage(&out, nil, false), format, "1.0", []Linted{{Diagnostics: runbook.Diagnostics{d}}})
	if err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func TestLintGitHub(t *testing.T) {
	const want = "::warning file=a%2Cb%3Ac.md,line=2,col=3,endLine=2,endColumn=5,title=stet yaml::100 %25 wrong%0ADo it%0Aright.\n"
	if got := lintOf(t, LintGitHub); got != want {
		t.Errorf("got %q", got)
	}
}

func TestLintSARIF(t *testing.T) {
	var log sarifLog
	if err := json.Unmarshal([]byte(lintOf(t, LintSARIF)), &log); err != nil {
		t.Fatal(err)
	}
	want := sarifResult{RuleID: "yaml", Level: "warning", Message: sarifText{"100 % wrong\nDo it\nright."},
		Locations: []sarifLocation{{sarifPhysical{sarifArtifact{"a,b:c.md"}, sarifRegion{2, 3, 2, 5}}}}}
	if diff := cmp.Diff(want, log.Runs[0].Results[0]); diff != "" {
		t.Error(diff)
	}
}

func TestProfile(t *testing.T) {
	var out bytes.Buffer
	tests := []struct {
		env     []string
		noColor bool
		want    string
	}{
		{nil, false, "x"},
		{[]string{"CLICOLOR_FORCE=1", "TERM=xterm-256color"}, false, "\x1b[32mx\x1b[m"},
		{[]string{"CLICOLOR_FORCE=1", "TERM=xterm-256color", "NO_COLOR=1"}, false, "x"},
		{[]string{"CLICOLOR_FORCE=1", "TERM=xterm-256color"}, true, "x"},
		{[]string{"CLICOLOR_FORCE=0", "TERM=xterm-256color"}, false, "x"},
	}
	for _, test := range tests {
		out.Reset()
		NewPage(&out, test.env, test.noColor).Print(green("x"))
		if out.String() != test.want {
			t.Errorf("%v: got %q, want %q", test.env, out.String(), test.want)
		}
	}
}
