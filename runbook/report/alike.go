package report

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"stet/internal/names"
	"stet/runbook"
)

// Bounds of a result of many targets.
const (
	mostRows    = 100 // of its table
	mostDetails = 30
	mostNames   = 12 // names and ranges in a cell
	shortOutput = 72 // characters of an output that fits into the table
)

// alike are targets on which a step came to the same. What they have in common
// is in first, without times.
type alike struct {
	outcomes []runbook.Outcome
	first    runbook.Outcome
	text     string // its details
}

// group puts outcomes together that differ in nothing but when they were.
func group(outcomes []runbook.Outcome) []*alike {
	var all []*alike
	by := map[string]*alike{}
	for _, o := range outcomes {
		plain := timeless(o)
		var text strings.Builder
		details(&text, plain)
		key := fmt.Sprintf("%d %s %s %s", o.Wave, o.Status, remark(plain), text.String())
		g := by[key]
		if g == nil {
			g = &alike{first: plain, text: text.String()}
			by[key] = g
			all = append(all, g)
		}
		g.outcomes = append(g.outcomes, o)
	}
	return all
}

// timeless is an outcome without what is never the same twice: times, how often
// it was tried, what was measured and is within its limit, and the file that has
// the whole output.
func timeless(o runbook.Outcome) runbook.Outcome {
	o.Start, o.End, o.Confirmed = time.Time{}, time.Time{}, time.Time{}
	o.Checks = slices.Clone(o.Checks)
	for i := range o.Checks {
		c := &o.Checks[i]
		c.Tries, c.Took = 0, 0
		if c.OK {
			c.Operands = nil
		}
	}
	if o.Output != nil {
		out := *o.Output
		out.File = ""
		o.Output = &out
	}
	if o.Guard != nil {
		g := *o.Guard
		g.Armed, g.Ended, g.Deadline = time.Time{}, time.Time{}, time.Time{}
		o.Guard = &g
	}
	if o.Undo != nil {
		u := timeless(*o.Undo)
		o.Undo = &u
	}
	return o
}

func (a *alike) targets() []string {
	out := make([]string, len(a.outcomes))
	for i, o := range a.outcomes {
		out[i] = o.Target
	}
	return out
}

// who names the targets: one, or a list with how many there are.
func (a *alike) who() string {
	if len(a.outcomes) == 1 {
		return a.outcomes[0].Target
	}
	return names.Short(a.targets(), mostNames)
}

func (a *alike) number() string {
	if len(a.outcomes) < 3 {
		return ""
	}
	return fmt.Sprintf(" (%s)", thousands(int64(len(a.outcomes))))
}

// when is the first start, and how long the quickest and the slowest took.
func (a *alike) when() (start, took string) {
	var first time.Time
	var quick, slow time.Duration
	ended := false
	for _, o := range a.outcomes {
		if o.Start.IsZero() || o.Status == runbook.Skipped {
			continue
		}
		if first.IsZero() || o.Start.Before(first) {
			first = o.Start
		}
		if o.End.IsZero() {
			continue
		}
		d := o.End.Sub(o.Start)
		if !ended || d < quick {
			quick = d
		}
		slow, ended = max(slow, d), true
	}
	if first.IsZero() {
		return "", ""
	}
	start = clock(first)
	if !ended {
		return start, ""
	}
	if took = Duration(quick); took != Duration(slow) {
		took += " to " + Duration(slow)
	}
	return start, took
}

// confirmed is when the last of them was, if all were.
func (a *alike) confirmed() time.Time {
	var last time.Time
	for _, o := range a.outcomes {
		if o.Confirmed.IsZero() {
			return time.Time{}
		}
		if o.Confirmed.After(last) {
			last = o.Confirmed
		}
	}
	return last
}

// several writes what a step came to on several targets.
func several(b *strings.Builder, outcomes []runbook.Outcome) {
	groups := group(outcomes)
	if len(groups) == 1 {
		same(b, groups[0])
		return
	}
	waves := slices.ContainsFunc(outcomes, func(o runbook.Outcome) bool { return o.Wave > 0 })
	table(b, groups, waves)
	shown, left := 0, 0
	for _, g := range worstFirst(together(groups)) {
		switch {
		case g.text == "" || g.first.Status == runbook.Skipped || g.inTable():
		case shown == mostDetails:
			left++
		default:
			shown++
			g.details(b)
		}
	}
	if left > 0 {
		fmt.Fprintf(b, "\nThe details of %s are in the journal.\n", count(left, "other result"))
	}
}

// together makes one of groups that differ only in their waves.
func together(groups []*alike) []*alike {
	var all []*alike
	by := map[string]*alike{}
	for _, g := range groups {
		key := string(g.first.Status) + " " + g.text
		if have := by[key]; have != nil {
			have.outcomes = append(have.outcomes, g.outcomes...)
			continue
		}
		merged := *g
		merged.outcomes = slices.Clone(g.outcomes)
		by[key] = &merged
		all = append(all, by[key])
	}
	return all
}

// same writes one result that all targets share.
func same(b *strings.Builder, g *alike) {
	fmt.Fprintf(b, "**%s** on %s, all the same: %s", word(g.first.Status), count(len(g.outcomes), "target"), code(g.who()))
	if start, took := g.when(); start != "" {
		b.WriteString(" · " + start)
		if took != "" {
			b.WriteString(", " + took)
		}
	}
	if at := g.confirmed(); !at.IsZero() {
		b.WriteString(" · " + confirmed(g.first.Status) + clock(at))
	}
	b.WriteString("\n")
	b.WriteString(g.text)
}

func table(b *strings.Builder, groups []*alike, waves bool) {
	if waves {
		b.WriteString("| wave | target | status | start | took | |\n|---|---|---|---|---|---|\n")
	} else {
		b.WriteString("| target | status | start | took | |\n|---|---|---|---|---|\n")
	}
	for i, g := range groups {
		if waves {
			b.WriteString("| " + wave(g.first.Wave) + " ")
		}
		if i == mostRows {
			left := 0
			for _, more := range groups[i:] {
				left += len(more.outcomes)
			}
			fmt.Fprintf(b, "| … %s, in the journal | | | | |\n", count(left, "more target"))
			return
		}
		start, took := g.when()
		o := g.first
		o.Confirmed = g.confirmed()
		fmt.Fprintf(b, "| %s%s | %s | %s | %s | %s |\n", cellCode(g.who()), g.number(), statusCell(o), start, took, remark(g.first))
	}
}

func wave(n int) string {
	if n == 0 {
		return ""
	}
	return thousands(int64(n))
}

// details are folded away; the targets' names are all there, also when the table
// has not all of them.
func (a *alike) details(b *strings.Builder) {
	fmt.Fprintf(b, "\n<details>\n<summary>%s%s: %s</summary>\n", html(a.who()), a.number(), word(a.first.Status))
	if full := names.Fold(a.targets()); full != a.who() {
		fmt.Fprintf(b, "\nAll of them: %s.\n", code(full))
	}
	if len(a.outcomes) == 1 {
		details(b, a.outcomes[0])
	} else {
		b.WriteString(a.text)
	}
	b.WriteString("\n</details>\n")
}

// inTable tells that the table's row says everything: a command that went well
// and printed one short line, or nothing.
func (a *alike) inTable() bool {
	o := a.first
	return o.Kind == runbook.Run && o.Status == runbook.OK && o.Undo == nil && o.Guard == nil && o.Error == "" &&
		(o.Output == nil || o.Output.Bytes == 0 || oneLine(o.Output) != "")
}

// oneLine is an output that is one short line, or "".
func oneLine(o *runbook.Output) string {
	line := strings.TrimRight(o.Head, "\n")
	if o.Tail != "" || o.OmittedBytes > 0 || line == "" || len(line) > shortOutput || strings.ContainsAny(line, "\n") {
		return ""
	}
	return line
}

// worstFirst puts what somebody has to look at before the rest, where not all is
// shown.
func worstFirst(groups []*alike) []*alike {
	if len(groups) <= mostDetails {
		return groups
	}
	rank := func(s runbook.Status) int {
		switch s {
		case runbook.Incomplete:
			return 0
		case runbook.Failed, runbook.Aborted:
			return 1
		case runbook.RolledBack, runbook.Running:
			return 2
		}
		return 3
	}
	out := slices.Clone(groups)
	slices.SortStableFunc(out, func(a, b *alike) int { return cmp.Compare(rank(a.first.Status), rank(b.first.Status)) })
	return out
}
