package plan

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"stet/executors"
	"stet/runbook"
)

// fleet is a group of a change on n targets with a check on them and another
// one elsewhere, a snapshot elsewhere and a manual step.
func fleet(n int, b runbook.Block) *runbook.Group {
	g := &runbook.Group{Name: "c"}
	change := runbook.Step{Name: "c", Kind: runbook.Run, Block: b}
	check := runbook.Step{Name: "p", Kind: runbook.Check}
	for i := range n {
		change.Targets = append(change.Targets, runbook.StepPlan{Target: fmt.Sprintf("r%d", i+1)})
		check.Targets = append(check.Targets, runbook.StepPlan{Target: fmt.Sprintf("r%d", i+1)})
	}
	check.Targets = append(check.Targets, runbook.StepPlan{Target: "monitor"})
	g.Steps = []runbook.Step{change, check,
		{Name: "s", Kind: runbook.Snapshot, Targets: []runbook.StepPlan{{Target: "monitor"}}},
		{Name: "m", Kind: runbook.Manual, Targets: []runbook.StepPlan{{}}}}
	setWaves(g, func(string) bool { return false })
	return g
}

func TestWaves(t *testing.T) {
	n := func(n int) runbook.Share { return runbook.Share{N: n} }
	percent := func(n int) runbook.Share { return runbook.Share{N: n, Percent: true} }
	for _, tt := range []struct {
		targets int
		batch   []runbook.Share
		want    string
	}{
		{20, nil, "all"},
		{20, []runbook.Share{n(1), n(3), percent(100)}, "1 3 16"},
		{20, []runbook.Share{n(1), percent(10), percent(100)}, "1 2 17"},
		{5, []runbook.Share{percent(10)}, "1 1 1 1 1"},
		{5, []runbook.Share{n(2)}, "2 2 1"},
		{3, []runbook.Share{n(9), n(1)}, "3"},
	} {
		var sizes []string
		waves := Waves(fleet(tt.targets, runbook.Block{Batch: tt.batch}))
		for _, w := range waves {
			if w.Targets == nil {
				sizes = append(sizes, "all")
				continue
			}
			sizes = append(sizes, fmt.Sprint(len(w.Targets)))
			if w.Of != len(waves) {
				t.Errorf("wave %d of %d", w.Number, w.Of)
			}
		}
		if d := cmp.Diff(tt.want, strings.Join(sizes, " ")); d != "" {
			t.Error(d)
		}
	}
}

func TestWaveHas(t *testing.T) {
	g := fleet(4, runbook.Block{Batch: []runbook.Share{{N: 1}, {N: 100, Percent: true}}})
	var got []string
	waves := Waves(g)
	for i := range waves {
		for _, s := range g.Steps {
			for _, x := range s.Targets {
				if waves[i].Has(&x) {
					got = append(got, fmt.Sprintf("%d:%s/%s", waves[i].Number, s.Name, x.Target))
				}
			}
		}
	}
	want := "1:c/r1 1:p/r1 1:p/monitor 1:s/monitor 2:c/r2 2:c/r3 2:c/r4 2:p/r2 2:p/r3 2:p/r4 2:p/monitor 2:m/"
	if d := cmp.Diff(want, strings.Join(got, " ")); d != "" {
		t.Error(d)
	}
}

func TestParallelAndDuration(t *testing.T) {
	far := []executors.Target{{Name: "monitor", Address: "ssh://m"}}
	for i := range 100 {
		far = append(far, executors.Target{Name: fmt.Sprintf("r%d", i+1), Address: "ssh://r"})
	}
	mixed := append([]executors.Target{{Name: "r1", Address: "netns://r1"}}, far[2:]...)
	b := runbook.Block{Kind: runbook.Run, Timeout: time.Second}
	for _, tt := range []struct {
		name     string
		block    runbook.Block
		targets  []executors.Target
		parallel int
		duration time.Duration
	}{
		{"hosts", b, far, DefaultParallel, 4 * time.Second},
		{"a namespace among them", b, mixed, 1, 100 * time.Second},
		{"said", runbook.Block{Timeout: time.Second, Parallel: 50}, mixed, 50, 2 * time.Second},
		{"waves", runbook.Block{Timeout: time.Second, Parallel: 50, Batch: []runbook.Share{{N: 1}, {N: 100, Percent: true}}}, mixed, 50, 3 * time.Second},
	} {
		g := fleet(100, tt.block)
		p := &runbook.Plan{Targets: tt.targets, Groups: []runbook.Group{{Change: 0, Steps: g.Steps[:1]}}}
		if got := Parallel(g, &g.Steps[0], tt.targets); got != tt.parallel {
			t.Errorf("%s: %d at once", tt.name, got)
		}
		if got := duration(p); got != tt.duration {
			t.Errorf("%s: %s", tt.name, got)
		}
	}
}
