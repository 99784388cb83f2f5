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
	return w.n.untilTeamd(ctx, "teamdctl", want.Attrs["controller"], "port", "config", "update", want.Name, want.TeamdPort())
}

// untilTeamd gives a command of teamdctl(8) until the process of the team, if it
// has one, carries it out: it sets nothing of a port that is on its way out, and
// shows nothing of one that is not there yet.
func (n *Namespace) untilTeamd(ctx context.Context, words ...string) (err error) {
	for start := time.Now(); time.Since(start) < teamdWithin; time.Sleep(20 * time.Millisecond) {
		if _, here := n.teamdProcess(words[1]); !here {
			return err
		}
		if _, err = n.tool(ctx, words...); err == nil {
			return nil
		}
	}
	return err
}
