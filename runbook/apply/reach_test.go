package apply

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"stet/runbook"
)

// What was set for one operation holds for it to its end: stet resume and stet
// rollback take variables from the journal, in the types they had.
func TestVariablesThatWereSetAreRemembered(t *testing.T) {
	kept, err := json.Marshal(&runbook.Plan{Vars: map[string]any{"mtu": 1300, "name": "two words", "ports": []any{1, "x"}}})
	if err != nil {
		t.Fatal(err)
	}
	x := &operation{p: &runbook.Plan{}, d: &runbook.Document{Meta: runbook.Meta{Vars: []runbook.Var{
		{Name: "mtu", Value: 1400}, {Name: "name", Value: "two words"}, {Name: "ports", Value: []any{2}}, {Name: "later", Value: true},
	}}}}
	if err := json.Unmarshal(kept, x.p); err != nil {
		t.Fatal(err)
	}
	x.recall()
	want := []runbook.Var{{Name: "mtu", Value: 1300}, {Name: "name", Value: "two words"}, {Name: "ports", Value: []any{1, "x"}}, {Name: "later", Value: true}}
	if d := cmp.Diff(want, x.d.Meta.Vars); d != "" {
		t.Error(d)
	}
}
