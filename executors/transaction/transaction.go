// Package transaction carries out changes on a machine so that they hold as a
// whole or not at all. It works over any Machine: the kernel through package
// linux, or package fake in memory.
package transaction

import (
	"context"
	"fmt"
	"strings"
	"time"

	"stet/executors"
	"stet/executors/netstate"
)

// Machine is what a change is carried out on.
type Machine interface {
	// Observe reads the parts of the network state that q asks for.
	Observe(ctx context.Context, q netstate.Query) (*netstate.State, error)
	// Edit carries out edits in their order, implied ones excepted. done
	// counts those before the first one that was refused, which is an
	// *executors.EditError. After any error, edits after done may have been
	// carried out, too.
	Edit(ctx context.Context, edits []netstate.Edit) (done int, err error)
}

const (
	// undoRounds bounds how often undoing looks and edits again. One round is
	// the rule; a second one repairs what the kernel did because of the first.
	undoRounds = 5
	// undoTime bounds undoing when the operation's own time is up.
	undoTime = 2 * time.Minute
	// settleTries bounds how often a state that is not as expected is read
	// again: the kernel ends some things later (duplicate address detection,
	// operational states, port timers). The waits grow from 20 ms; together
	// they are about two seconds.
	settleTries = 9
	settleFirst = 20 * time.Millisecond
	settleMost  = 400 * time.Millisecond
)

// settled reads the state until nothing differs from what is expected, or the
// tries are used up, and returns what differs last.
func settled(ctx context.Context, m Machine, q netstate.Query, differs func(*netstate.State) []netstate.Mismatch) (now *netstate.State, left []netstate.Mismatch, err error) {
	wait := settleFirst
	for try := 0; ; try++ {
		if now, err = m.Observe(ctx, q); err != nil {
			return nil, nil, err
		}
		if left = differs(now); len(left) == 0 || try == settleTries {
			return now, left, nil
		}
		select {
		case <-ctx.Done():
			return now, left, context.Cause(ctx)
		case <-time.After(wait):
		}
		wait = min(2*wait, settleMost)
	}
}

// list puts mismatches into one line; the first few speak for all.
func list(mismatches []netstate.Mismatch) string {
	const most = 5
	var words []string
	for i, m := range mismatches {
		if i == most {
			words = append(words, fmt.Sprintf("and %d more", len(mismatches)-most))
			break
		}
		name := m.Object
		if m.Key != "" {
			name += " " + m.Key
		}
		words = append(words, fmt.Sprintf("%s is %s instead of %s", name, m.Got, m.Want))
	}
	return strings.Join(words, "; ")
}

// changed is the error for objects that are not as the plan saw them.
func changed(mismatches []netstate.Mismatch) error {
	return &executors.Error{
		Code: "changed", Op: "applying the change",
		Message: "it was changed since it was planned, nothing was touched: " + list(mismatches),
		Remedy:  "plan again and look at what the others changed",
	}
}
