package markdown

import (
	"strings"
	"testing"
)

// TestPlaceInTabbedLists writes a result where the parser sees the content of
// an item further to the right than it stands.
func TestPlaceInTabbedLists(t *testing.T) {
	src := "  > ~~~netconfig\n  > ~~~\n  > * -\tText\n  >   -\t- [ ]\tWait\n"
	d := Parse("x.md", []byte(src))
	out, lost := Splice([]byte(src), "", results(d, "**ok**"))
	if len(lost) > 0 || len(d.Blocks) != 2 || string(Strip(out)) != src {
		t.Errorf("lost %v\n%s", lost, out)
	}
	if again, _ := Splice(out, "", results(d, "**ok**")); string(again) != string(out) {
		t.Errorf("written twice\n%s", again)
	}
}

// TestBlame places many results of which some do not fit at first: the others
// are not tried one by one.
func TestBlame(t *testing.T) {
	src := []byte(strings.Repeat("```check\ntrue\n```\n\ntext\n\n", 300))
	r := structure("", src)
	found, _ := r.locate(results(Parse("x.md", src), "**ok**"))
	for i := 50; i < len(found); i += 100 {
		found[i].wider = 4 // that is code
	}
	const budget = 1 << 30
	p := placing{budget: budget}
	out, lost := p.place(r, "head", found)
	after := Parse("x.md", out)
	for _, b := range after.Blocks {
		if b.Result == nil {
			t.Errorf("%s has no result", b.Name)
		}
	}
	if len(lost) > 0 || after.Report == nil || string(Strip(out)) != string(src) {
		t.Errorf("%d results are lost", len(lost))
	}
	if readings := (budget - p.budget) / len(out); readings > 20 {
		t.Errorf("the document was read %d times", readings)
	}
	// Without a budget, what does not fit at once is told as lost.
	p = placing{budget: 1}
	out, lost = p.place(r, "", found)
	if len(lost) != len(found) || string(out) != string(src) {
		t.Errorf("%d results are lost", len(lost))
	}
}
