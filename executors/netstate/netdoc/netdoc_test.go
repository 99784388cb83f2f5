package netdoc

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParse(t *testing.T) {
	got := parse("# x\n\nA kind.\nMore of it.\n\n- x.id: Number: its own.\n- {x,y}.{a,b}: Both.\n\n```yaml\ninterfaces: []\n```\n")
	want := Topic{
		Text:    "A kind.\nMore of it.",
		Keys:    map[string]string{"x.id": "Number: its own.", "x.a": "Both.", "x.b": "Both.", "y.a": "Both.", "y.b": "Both."},
		Order:   []string{"x.id", "x.a", "x.b", "y.a", "y.b"},
		Example: "interfaces: []\n",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestOnce checks that no key is told twice.
func TestOnce(t *testing.T) {
	keys := 0
	for _, topic := range all().topics {
		keys += len(topic.Keys)
	}
	if keys != len(Keys()) {
		t.Errorf("%d texts for %d keys: one is told twice", keys, len(Keys()))
	}
}
