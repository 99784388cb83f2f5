package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"stet/executors"
	"stet/executors/netstate"
	"stet/executors/netstate/netyaml"
)

func factsCmd(c *cli) *cobra.Command {
	var sysctls []string
	cmd := &cobra.Command{
		Use:   "facts TARGET [FILE]",
		Short: "Print a target's network state as netconfig",
		Long: `Print a target's network state in the language of netconfig blocks: pasted into
one, it is zero changes. TARGET is a name of FILE's front matter, or an address:
local, netns://NAME, ssh://HOST.`,
		Example: `  stet facts local
  stet facts netns://lab1
  stet facts ssh://ops@r1.example.net
  stet facts r1 change.md
  stet facts --sysctl net.ipv4.ip_forward local`,
		Args: args(cobra.RangeArgs(1, 2)),
		RunE: func(cmd *cobra.Command, given []string) (err error) {
			t, err := c.factsTarget(given)
			if err != nil {
				return err
			}
			open := newSessions(c.stderr)
			open.passing = true
			if c.terminal() {
				open.remote.prompter = &person{c: c}
			}
			defer func() { err = errors.Join(err, open.Close()) }()
			state, err := observe(cmd.Context(), open, t, sysctls, !c.json)
			if err != nil {
				return err
			}
			return c.printFacts(state)
		},
	}
	cmd.Flags().StringSliceVar(&sysctls, "sysctl", nil, "kernel parameters to print too, by `key`")
	jsonFlag(c, cmd, "the whole state as JSON, counters and flags included")
	return cmd
}

// factsTarget is the target that the arguments name. An address stands for
// itself; a namespace is never made for the sake of looking at it.
func (c *cli) factsTarget(given []string) (executors.Target, error) {
	name := given[0]
	if len(given) == 2 {
		d, err := c.load(given[1], choice{})
		if err != nil {
			return executors.Target{}, err
		}
		if t, ok := target(d, name); ok {
			t.Create = false
			return t, nil
		}
		if d.Diagnostics.Faults() {
			return executors.Target{}, c.invalid(d, d.Diagnostics)
		}
		return executors.Target{}, usage(fmt.Errorf("there is no target %s in %s", name, given[1]), "it has "+listOr(targetNames(d), "none"))
	}
	if name != "local" && !strings.Contains(name, "://") && name != "sandbox" {
		return executors.Target{}, usage(fmt.Errorf("%s is no address of a target", name), "write local, netns://NAME or ssh://HOST, or give the document that names it")
	}
	return executors.Target{Name: name, Address: name}, nil
}

func observe(ctx context.Context, open *sessions, t executors.Target, sysctls []string, sets bool) (*netstate.State, error) {
	session, err := open.Open(ctx, t)
	if err != nil {
		return nil, err
	}
	q := netstate.Query{
		Links: true, Ethtool: true, Routes: true, RouteSets: sets, Rules: true, Neighbors: true, FDB: true, TrafficControl: true, Xfrm: true, MPTCP: true, DNS: true, DNSOwner: true, Sysctls: sysctls,
	}
	if scheme := t.Scheme(); scheme == "local" || scheme == "ssh" {
		q.Netns = []string{"*"} // they are the machine's, and not another namespace's
	}
	return session.Observe(ctx, q)
}

func (c *cli) printFacts(state *netstate.State) error {
	if !c.json {
		state.Sort()
		if err := netyaml.Write(c.stdout, state); err != nil {
			return fmt.Errorf("writing facts: %w", err)
		}
		return nil
	}
	text, err := json.Marshal(state)
	if err != nil {
		return fmt.Errorf("writing facts: %w", err)
	}
	c.out().Verbatim(string(text) + "\n")
	return nil
}
