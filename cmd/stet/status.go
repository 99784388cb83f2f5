package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"stet/cmd/stet/internal/view"
	"stet/runbook"
	"stet/runbook/apply"
	"stet/runbook/journal"
)

func statusCmd(c *cli) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "status [FILE]",
		Short: "Show how the latest operation went, what is pending, and what to do next",
		Long: `Show the latest operation of a runbook: its steps, the guards that are pending on
its targets with the time left, and what to do next. Without FILE, the latest
operations of all runbooks.`,
		Example: `  stet status change.md
  stet status`,
		Args:              args(cobra.MaximumNArgs(1)),
		ValidArgsFunction: completeDocuments,
		RunE: func(cmd *cobra.Command, files []string) error {
			if len(files) == 0 {
				return c.statusAll()
			}
			return c.status(cmd.Context(), files[0])
		},
	}
	jsonFlag(c, cmd, "as JSON, one operation a line")
	return cmd
}

// most is how many operations the list of all shows.
const most = 20

func (c *cli) statusAll() error {
	state, err := c.state()
	if err != nil {
		return err
	}
	dirs, err := journal.ListAll(state)
	if err != nil {
		return err
	}
	if len(dirs) == 0 {
		c.msg().Print("no operations in " + state + "\n")
		return nil
	}
	for i, dir := range dirs {
		if i == most {
			c.msg().Print(fmt.Sprintf("… and %d more\n", len(dirs)-i))
			return nil
		}
		op, err := apply.Load(dir)
		if err != nil {
			c.msg().Print(dir + ": " + err.Error() + "\n")
			continue
		}
		if c.json {
			if err := c.printJSON(op); err != nil {
				return err
			}
			continue
		}
		c.out().Print(view.Listed(op))
	}
	return nil
}

func (c *cli) status(ctx context.Context, file string) (err error) {
	dir, err := c.latest(file)
	if errors.Is(err, errNoOperation) {
		c.msg().Print("stet: " + file + " was not run yet, or not from here\nhint: stet plan " + file + "\n")
		return nil
	}
	if err != nil {
		return err
	}
	op, err := apply.Load(dir)
	if err != nil {
		return err
	}
	pending, err := c.pending(ctx, file)
	if err != nil {
		c.msg().Print("note: asking the targets for guards: " + err.Error() + "\n")
	}
	if c.json {
		return c.printJSON(struct {
			*runbook.Operation
			Guards []view.Waiting `json:"guards"`
		}{op, pending})
	}
	c.out().Print(view.Headline(op) + view.Steps(op) + view.Guards(pending, "pending") + view.Next(op, c.stateFlag()+quoted(file), pending))
	return nil
}

// pending are the guards on the document's targets.
func (c *cli) pending(ctx context.Context, file string) (waiting []view.Waiting, err error) {
	o, err := c.beginAgain(ctx, file)
	if err != nil {
		return nil, err
	}
	defer o.end(&err)
	o.sessions.passing = true
	options, err := o.options()
	if err != nil {
		return nil, err
	}
	found, err := apply.Guards(ctx, o.d, options)
	return waitingOf(found), err
}

func waitingOf(found []apply.Pending) []view.Waiting {
	waiting := make([]view.Waiting, 0, len(found))
	for _, p := range found {
		waiting = append(waiting, view.Waiting{Target: p.Target.Name, Guard: p.Guard, Unseen: p.Unseen})
	}
	return waiting
}

func (c *cli) printJSON(v any) error {
	text, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("writing JSON: %w", err)
	}
	c.out().Verbatim(string(text) + "\n")
	return nil
}
