package view

import (
	"bytes"
	"strings"
	"testing"

	"stet/runbook"
)

// TestPlanHidesNothing: what a document writes to play with the terminal is shown.
func TestPlanHidesNothing(t *testing.T) {
	for _, c := range []struct{ body, want string }{
		{"rm -rf /srv\x1b[2K\x1b[1Gecho harmless", `| rm -rf /srv\u001b[2K\u001b[1Gecho harmless`},
		{"rm -rf /srv\recho harmless", `| rm -rf /srv\u000decho harmless`},
		{"echo \x1b[8mhidden\x1b[2mfaint", `| echo \u001b[8mhidden\u001b[2mfaint`},
		{"echo \u202eevil\u2066 \u0085 \u009b2K", `| echo \u202eevil\u2066 \u0085 \u009b2K`},
		{"echo \xff", `| echo \xff`},
		{"printf 'a\tb' # grün · 日本", "| printf 'a\tb' # grün · 日本"},
	} {
		for _, kind := range []runbook.BlockKind{runbook.Run, runbook.Check, runbook.RollbackBlock} {
			var out bytes.Buffer
			page := NewPage(&out, []string{"CLICOLOR_FORCE=1", "TERM=xterm-256color"}, false)
			s := runbook.Step{Name: "a", Kind: kind, Targets: []runbook.StepPlan{{Target: "r1", Body: c.body}}}
			page.Print(stepLines(s, AsDiff))
			text := strings.ReplaceAll(strings.ReplaceAll(out.String(), "\x1b[2m", ""), "\x1b[m", "")
			if !strings.Contains(text, c.want+"\n") {
				t.Errorf("%s of %q: want %q in %q", kind, c.body, c.want, out.String())
			}
		}
	}
}

// TestPageKeepsItsColours and nobody else's sequences.
func TestPageKeepsItsColours(t *testing.T) {
	var out bytes.Buffer
	page := NewPage(&out, []string{"CLICOLOR_FORCE=1", "TERM=xterm-256color"}, false)
	own := green("ok") + red("no") + yellow("may") + cyan("is") + bold("b") + faint("f")
	page.Print(own + "\n")
	if out.String() != own+"\n" || !strings.Contains(own, "\x1b[") {
		t.Errorf("want %q, got %q", own, out.String())
	}
	out.Reset()
	page.Print("r1: \x1b]0;title\x07\x1b[2J\x1b[8mbanner\x1b[38;5;1m\n")
	if want := `r1: \u001b]0;title\u0007\u001b[2J\u001b[8mbanner\u001b[38;5;1m` + "\n"; out.String() != want {
		t.Errorf("want %q, got %q", want, out.String())
	}
}
