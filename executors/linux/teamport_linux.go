package linux

import (
	"context"
	"time"

	"stet/executors/netstate"
)

// tellTeamd tells the process of teamd(8) of a team what a port of it is to be
// like, before it comes: teamd reads that then, and later follows only the
// priority.
func (w *linkWriter) tellTeamd(ctx context.Context, want *netstate.Interface, d *differences) error {
	if !d.controller && len(d.team) == 0 {
		return nil
	}
	_, _, err := w.n.untilTeamd(ctx, "teamdctl", want.Attrs["controller"], "port", "config", "update", want.Name, want.TeamdPort())
	return err
}

// untilTeamd gives a command of teamdctl(8) until the process of the team carries
// it out, and returns what it says: it does not answer at once when it starts, nor
// when it ends; it sets nothing of a port that is on its way out, and shows nothing
// of one that is not there yet. If there is no process, pid is "".
func (n *Namespace) untilTeamd(ctx context.Context, words ...string) (pid string, out []byte, err error) {
	for start := time.Now(); ; time.Sleep(20 * time.Millisecond) {
		pid, here := n.teamdProcess(words[1])
		if !here {
			return "", nil, err
		}
		if out, err = n.tool(ctx, words...); err == nil || ctx.Err() != nil || time.Since(start) > teamdWithin {
			return pid, out, err
		}
	}
}
