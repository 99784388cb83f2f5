package plan

import (
	"strings"

	"stet/runbook"
)

// emptyBlocks is what a block without a line in it comes to.
var emptyBlocks = map[runbook.BlockKind]string{
	runbook.Netconfig:     "this block changes nothing: it is empty",
	runbook.Check:         "this check always holds: it has no assertion",
	runbook.Snapshot:      "this snapshot records nothing: it is empty",
	runbook.Run:           "this block runs nothing: it is empty",
	runbook.RollbackBlock: "this block undoes nothing: it is empty",
}

// empty warns of a block in which every line is blank or a comment: its step
// would end well, and prove nothing.
func (l *linter) empty(b *runbook.Block) {
	what := emptyBlocks[b.Kind]
	for line := range strings.SplitSeq(b.Body, "\n") {
		line = strings.TrimSpace(line)
		if line != "" && (line[0] != '#' || b.Kind == runbook.Run) {
			return
		}
	}
	if what != "" {
		l.diags = append(l.diags, runbook.Diagnostic{
			Severity: runbook.Warning, Code: "empty-block", Path: l.d.Path, Start: b.Start, End: b.Start,
			Summary: what, Detail: "Write what it is for, or remove it.",
		})
	}
}
