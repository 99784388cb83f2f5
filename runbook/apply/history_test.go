package apply

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"stet/executors"
	"stet/runbook"
)

// TestHostsInOrder has hosts answer in any order; an operation names them in that
// of the targets, each once.
func TestHostsInOrder(t *testing.T) {
	h := newHistory()
	h.plan = &runbook.Plan{}
	for _, name := range []string{"r1", "r2", "r10"} {
		h.plan.Targets = append(h.plan.Targets, executors.Target{Name: name})
	}
	for _, name := range []string{"r10", "r2", "r1", "r10"} {
		h.host(&lockData{Target: name, Info: &executors.Info{HostKey: "SHA256:" + name}})
	}
	var got []string
	for _, host := range h.operation().Hosts {
		got = append(got, host.Target)
	}
	if diff := cmp.Diff([]string{"r1", "r2", "r10"}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
