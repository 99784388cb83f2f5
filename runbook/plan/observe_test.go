package plan

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"stet/executors"
	"stet/executors/netstate"
	"stet/runbook/markdown"
)

// asked is a machine that remembers which interfaces may go, by each question.
type asked struct {
	observer
	going []string
}

func (a *asked) Observe(ctx context.Context, q netstate.Query) (*netstate.State, error) {
	a.going = append(a.going, fmt.Sprint(q.Going))
	return a.observer.Observe(ctx, q)
}

// TestHeldIsAskedLess asks targets of this host what would be lost with an
// interface only when something is to be done, and others at once.
func TestHeldIsAskedLess(t *testing.T) {
	pair := func(mtu string) []netstate.Interface {
		return []netstate.Interface{
			{Name: "n0", Type: "veth", Index: 3, Attrs: netstate.Attrs{"state": "up", "mtu": mtu, "veth.peer": "f0"}},
			{Name: "f0", Type: "veth", Index: 4, Attrs: netstate.Attrs{"state": "up", "mtu": mtu, "veth.peer": "n0"}},
		}
	}
	const wanted = "interfaces:\n  - {name: n0, type: veth, mtu: 1400, veth: {peer: f0}}\n"
	for _, c := range []struct {
		name, target, body string
		there              []netstate.Interface
		going              []string
		edits              int
	}{
		{"it holds", "netns://r1", wanted, pair("1400"), []string{"[]"}, 0},
		{"it is changed", "netns://r1", wanted, pair("1500"), []string{"[]", "[n0]"}, 1},
		{"it is made anew", "netns://r1", strings.Replace(wanted, "f0", "g0", 1), pair("1400"), []string{"[]", "[n0]"}, 2},
		{"it is not there", "netns://r1", wanted, nil, []string{"[]", "[n0]"}, 2},
		{"far away", "ssh://r1", wanted, pair("1400"), []string{"[n0]"}, 0},
		{"nothing may go", "netns://r1", "interfaces:\n  - {name: n0, mtu: 1400}\n", pair("1500"), []string{"[]"}, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := &asked{observer: observer{m: machine(c.there...)}}
			src := "---\ntargets: {r1: \"" + c.target + "\"}\n---\n" + block("it", "", c.body)
			p, ds, err := Build(context.Background(), markdown.Parse("doc.md", []byte(src)), map[string]executors.Observer{"r1": o}, Options{})
			if err != nil || ds.Faults() {
				t.Fatalf("%v %v", err, ds)
			}
			if diff := cmp.Diff(c.going, o.going); diff != "" {
				t.Errorf("asked (-want +got):\n%s", diff)
			}
			if made := change(p, "it", "r1"); (c.edits == 0) != made.Empty() || len(made.Edits) < c.edits {
				t.Errorf("the change is\n%s", netstate.Text(made))
			}
		})
	}
}
