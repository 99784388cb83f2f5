package check

import (
	"context"
	"fmt"
	"time"

	"stet/executors"
	"stet/executors/netstate"
)

// Snapshot is what a snapshot block recorded. It is kept in the journal as
// JSON. What changes by itself (counters, timers, the states of the neighbour
// cache) is in it, but diff leaves it alone.
type Snapshot struct {
	// Spec is the body of the block.
	Spec  string    `json:"spec"`
	Taken time.Time `json:"taken"`
	// Facts are the kinds recorded: "links", "addresses", "routes", "rules",
	// "neighbours", "fdb", "sysctl", "output", and those of namedFacts.
	Facts   []string        `json:"facts"`
	State   *netstate.State `json:"state,omitempty"`
	Outputs []Recorded      `json:"outputs,omitempty"`
}

// Recorded is a command's output in a Snapshot.
type Recorded struct {
	Name    string `json:"name"`
	Command string `json:"command"`
	Register
}

// Counts tells how many objects of each kind were recorded.
func (s *Snapshot) Counts() map[string]int {
	counts := map[string]int{}
	for _, f := range s.Facts {
		switch f {
		case "links":
			counts[f] = len(s.State.Interfaces)
		case "addresses":
			counts[f] = len(addressesOf(s.State))
		case "routes":
			counts[f] = len(s.State.Routes)
		case "rules":
			counts[f] = len(s.State.Rules)
		case "neighbours":
			counts[f] = len(s.State.Neighbors)
		case "fdb":
			counts[f] = len(s.State.FDB)
		case "qdiscs":
			counts[f] = len(qdiscsOf(s.State))
		case "classes":
			counts[f] = len(classesOf(s.State))
		case "filters":
			counts[f] = len(filtersOf(s.State))
		case "resolvers":
			counts[f] = len(resolversOf(s.State))
		case "namespaces":
			counts[f] = len(namespacesOf(s.State))
		case "mpls_routes":
			counts[f] = len(mplsRoutesOf(s.State))
		case "xfrm_states":
			counts[f] = len(xfrmStatesOf(s.State))
		case "xfrm_policies":
			counts[f] = len(xfrmPoliciesOf(s.State))
		case "mptcp_endpoints":
			counts[f] = len(mptcpEndpointsOf(s.State))
		case "mptcp_limits":
			counts[f] = len(mptcpLimitsOf(s.State))
		case "sysctl":
			counts[f] = len(s.State.Sysctls)
		case "output":
			counts[f] = len(s.Outputs)
		}
	}
	return counts
}

// Take records what the body of a snapshot block asks for. A command that
// exits with another code than 0 is recorded as such; env, which may be nil, is the
// environment that commands get besides the target's own. The error is a fault of
// the body, or a target that could not be read.
func Take(ctx context.Context, s executors.Session, spec string, env func() []string) (*Snapshot, error) {
	parsed, problems := parseSnapshot(spec)
	if len(problems) > 0 {
		return nil, problems[0]
	}
	snapshot := &Snapshot{Spec: spec, Taken: time.Now().UTC(), Facts: parsed.facts}
	r := newRound(s, parsed.query, env)
	if !same(parsed.query, netstate.Query{}) {
		if err := r.read(ctx, parsed.query); err != nil {
			return nil, err
		}
		snapshot.State = &r.state
	} else {
		snapshot.State = &netstate.State{}
	}
	for _, c := range parsed.commands {
		o, err := r.run(ctx, c.Command)
		if err != nil {
			return nil, err
		}
		if o.truncated {
			return nil, fmt.Errorf("running %s: it printed more than %d KiB, too much to compare", flat(c.Command), maxOut>>10)
		}
		c.Register = Register{Out: o.Out, Err: o.Err, Exit: o.Exit, Truncated: o.truncated}
		snapshot.Outputs = append(snapshot.Outputs, c)
	}
	return snapshot, nil
}
