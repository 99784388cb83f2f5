package apply

import (
	"fmt"
	"strings"
	"testing"

	"stet/runbook"
)

// A hundred quick steps do not write the document a hundred times, each time all
// of it; at the end it holds every result all the same.
func TestQuickStepsWriteTogether(t *testing.T) {
	const count = 100
	var body strings.Builder
	for i := range count {
		fmt.Fprintf(&body, "```sh { run name=s%d }\ntrue\n```\n\n", i)
	}
	b := newBench(t, body.String())
	written := 0
	b.o.Sink = func(e runbook.Event) {
		if e.Kind == runbook.EventDocument {
			written++
		}
	}
	if _, err := b.run(); err != nil {
		t.Fatal(err)
	}
	if written > count/2 {
		t.Errorf("the document was written %d times for %d steps", written, count)
	}
	for i := range count {
		if name := fmt.Sprintf("stet:result name=s%d ", i); !strings.Contains(b.source(), name) {
			t.Errorf("there is no %s", name)
		}
	}
	b.check()
}
