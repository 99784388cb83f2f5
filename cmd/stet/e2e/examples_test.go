package e2e

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"stet/executors/netstate"
	"stet/runbook"
	"stet/runbook/markdown"
)

const examples = "../../../examples"

// example is a runbook of the examples folder, with the exit code that running
// it is meant to have.
type example struct {
	dir  string
	exit int
}

func allExamples(t *testing.T) []example {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(examples, "*", "runbook.md"))
	if err != nil {
		t.Fatal(err)
	}
	if len(paths) < 8 {
		t.Fatalf("found only %d examples", len(paths))
	}
	var all []example
	for _, p := range paths {
		e := example{dir: filepath.Dir(p)}
		if exampleIsRemote(t, e.dir) {
			continue // they need a lab: see the tests of remote targets
		}
		if filepath.Base(e.dir) == "rollback" {
			e.exit = 4
		}
		all = append(all, e)
	}
	return all
}

// copyTo puts the example's files into the bench and returns the runbook's
// path and the arguments that running it needs.
func (e example) copyTo(b *bench) (doc string, args []string) {
	b.t.Helper()
	doc = b.write("runbook.md", b.read(filepath.Join(e.dir, "runbook.md")))
	args = []string{"run", "--yes", "--json"}
	if answers := filepath.Join(e.dir, "answers.yaml"); exists(answers) {
		args = append(args, "--answers", b.write("answers.yaml", b.read(answers)))
	}
	return doc, append(args, doc)
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// events decodes what --json prints.
func events(t testing.TB, o outcome) []runbook.Event {
	t.Helper()
	var all []runbook.Event
	for line := range strings.Lines(o.stdout) {
		var e runbook.Event
		if err := json.Unmarshal([]byte(line), &e); err != nil {
			t.Fatalf("an event that is no JSON: %v\n%s", err, line)
		}
		all = append(all, e)
	}
	if len(all) == 0 {
		t.Fatalf("no events: %v", o)
	}
	return all
}

// planned are the diffs of the plan by step and target, without empty ones.
func planned(t testing.TB, all []runbook.Event) map[string]string {
	t.Helper()
	diffs := map[string]string{}
	found := false
	for _, e := range all {
		if e.Plan == nil {
			continue
		}
		found = true
		for _, g := range e.Plan.Groups {
			for _, s := range g.Steps {
				for _, p := range s.Targets {
					if !p.Change.Empty() {
						diffs[s.Name+" on "+p.Target] = netstate.Text(p.Change)
					}
				}
			}
		}
	}
	if !found {
		t.Fatal("no event has the plan")
	}
	return diffs
}

// applied are the diffs of the outcomes.
func applied(all []runbook.Event) map[string]string {
	diffs := map[string]string{}
	for _, e := range all {
		if e.Kind == runbook.EventOutcome && e.Outcome != nil && !e.Outcome.Change.Empty() {
			diffs[e.Outcome.Step+" on "+e.Outcome.Target] = netstate.Text(e.Outcome.Change)
		}
	}
	return diffs
}

// TestExamplesInSandboxes runs every example as it stands.
func TestExamplesInSandboxes(t *testing.T) {
	for _, e := range allExamples(t) {
		t.Run(filepath.Base(e.dir), func(t *testing.T) {
			t.Parallel()
			b := newBench(t, "")
			doc, args := e.copyTo(b)
			original := b.read(doc)
			all := events(t, b.must(e.exit, args...))
			want, got := planned(t, all), applied(all)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("the diff applied is not the diff planned (-planned +applied):\n%s", diff)
			}
			if len(want) == 0 && filepath.Base(e.dir) != "manual" {
				t.Error("the example plans no change")
			}
			b.isReport(doc, original)
		})
	}
}

// isReport holds for a document after a run.
func (b *bench) isReport(doc, original string) {
	b.t.Helper()
	now := b.read(doc)
	if diff := cmp.Diff(untick(original), untick(string(markdown.Strip([]byte(now))))); diff != "" {
		b.t.Errorf("the prose changed (-want +got):\n%s", diff)
	}
	d := markdown.Parse(doc, []byte(now))
	if d.Diagnostics.Faults() {
		b.t.Errorf("the report no longer parses: %v", d.Diagnostics)
	}
	if d.Report == nil {
		b.t.Errorf("no report at the head:\n%s", now)
	}
	for _, k := range d.Blocks {
		if k.Result == nil && k.Kind != runbook.RollbackBlock {
			b.t.Errorf("%s has no result", k.Name)
		}
	}
}

// untick empties the boxes of tasks, the one thing that a run writes outside
// its regions.
func untick(s string) string { return strings.ReplaceAll(s, "- [x]", "- [ ]") }

var sandboxAddress = regexp.MustCompile(`(?m)^(  \w+): sandbox(?:://(\w+))?$`)

// TestExamplesInNamespaces runs every example in namespaces that outlive it:
// twice, and then back.
func TestExamplesInNamespaces(t *testing.T) {
	needRoot(t)
	for _, e := range allExamples(t) {
		t.Run(filepath.Base(e.dir), func(t *testing.T) {
			t.Parallel()
			b := newBench(t, "")
			doc, args := e.copyTo(b)
			var names []string
			text := sandboxAddress.ReplaceAllStringFunc(b.read(doc), func(line string) string {
				name := netns(t, "example")
				names = append(names, name)
				return sandboxAddress.FindStringSubmatch(line)[1] + ": netns://" + name
			})
			if len(names) == 0 {
				t.Fatal("the example has no sandbox")
			}
			b.write("runbook.md", text)
			before := states(t, names)
			all := events(t, b.must(e.exit, args...))
			if diff := cmp.Diff(planned(t, all), applied(all)); diff != "" {
				t.Errorf("the diff applied is not the diff planned (-planned +applied):\n%s", diff)
			}
			if e.exit == 0 {
				if cmp.Equal(before, states(t, names)) {
					t.Error("the run changed nothing")
				}
				again := events(t, b.must(0, args...))
				if diffs := planned(t, again); len(diffs) > 0 {
					t.Errorf("a second run is not zero changes: %v", diffs)
				}
				if diffs := applied(again); len(diffs) > 0 {
					t.Errorf("a second run changed something: %v", diffs)
				}
				b.must(0, "rollback", "--yes", doc)
			}
			for i, ns := range names {
				if diff := notAsBefore(t, before[i], ns); diff != "" {
					t.Errorf("%s is not as it was before (-before +now):\n%s", ns, diff)
				}
			}
		})
	}
}

func states(t testing.TB, names []string) (all []string) {
	t.Helper()
	for _, n := range names {
		all = append(all, settledState(t, n))
	}
	return all
}
