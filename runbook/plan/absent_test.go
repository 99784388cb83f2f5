package plan

import (
	"strings"
	"testing"

	"stet/runbook"
)

// What to do about missing targets is a sentence of its own, and does not speak of
// others where there are none.
func TestRemedyOfMissingTargets(t *testing.T) {
	r1, r2 := runbook.Missing{Target: "r1", Error: "no", Remedy: "see to it"}, runbook.Missing{Target: "r2", Error: "no"}
	for _, tt := range []struct {
		e    AbsentError
		want string
	}{
		{AbsentError{Step: "x", Of: 1, Missing: []runbook.Missing{r1}}, "see to it"},
		{AbsentError{Step: "x", Of: 2, Missing: []runbook.Missing{r1, r2}}, "see to it"},
		{AbsentError{Step: "x", Of: 3, Missing: []runbook.Missing{r1, r2}}, "see to it; or let the others go on without it: max-failures=2"},
		{AbsentError{Step: "x", Of: 2, Missing: []runbook.Missing{r2}}, "let the others go on without it: max-failures=1"},
		{AbsentError{Step: "x", Of: 2, Missing: []runbook.Missing{r2, r2}}, ""},
	} {
		if got := tt.e.Remedy(); got != tt.want {
			t.Errorf("%q", got)
		}
	}
	e := AbsentError{Step: "x", Of: 2, Missing: []runbook.Missing{r1, r2}}
	if !strings.Contains(e.Error(), "targets of x cannot be used (r1, r2), and it has no max-failures") {
		t.Error(e.Error())
	}
}
