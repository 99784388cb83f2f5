package executors

import (
	"time"

	"stet/executors/netstate"
)

// Guard is a promise to go back: unless it is confirmed within Timeout, the
// target returns the objects of Change to what they were before.
type Guard struct {
	// ID is unique on the target: the run's ID and the step's name.
	ID       string `json:"id"`
	Run      string `json:"run"`
	Step     string `json:"step"`
	Document string `json:"document"`
	Operator string `json:"operator"`
	// Timeout is counted on a clock that goes on in suspend
	// (CLOCK_BOOTTIME).
	Timeout time.Duration `json:"timeout"`
	// Change is the one that is about to be applied. It may be empty when
	// only Commands lead back.
	Change *netstate.Change `json:"change,omitempty"`
	// Commands run before the state is restored, in order; the exit code of
	// each is in the outcome.
	Commands []Command `json:"commands,omitempty"`
}

// Footing is what keeps a guard's process from ending with the login that it was
// armed from.
type Footing struct {
	// Kept is how the process is kept apart from that login; "" is not known.
	Kept Kept `json:"kept,omitempty"`
	// EndsWithLogin tells that the login's end is known to end it all the same:
	// logind ends what a login leaves (KillUserProcesses= of logind.conf(5)), or the
	// user's manager ends with it (enable-linger of loginctl(1)).
	EndsWithLogin bool `json:"ends-with-login,omitempty"`
}

// Kept is how a process is kept apart from a login.
type Kept string

// The ways to keep a process apart from a login.
const (
	SystemScope Kept = "system-scope" // a systemd.scope(5) of the system
	UserScope   Kept = "user-scope"   // one of the user's manager
	OwnSession  Kept = "session"      // setsid(2) alone
)

// Phase is where a guard stands.
type Phase string

// The phases of a guard.
const (
	Armed     Phase = "armed"
	Confirmed Phase = "confirmed"
	Reverting Phase = "reverting"
	Reverted  Phase = "reverted"
	// Incomplete is a revert after which something still differs.
	Incomplete Phase = "incomplete"
	// Lost is a guard whose process died before it could act.
	Lost Phase = "lost"
)

// GuardState is a guard as its target sees it.
type GuardState struct {
	ID       string        `json:"id"`
	Run      string        `json:"run"`
	Step     string        `json:"step"`
	Document string        `json:"document"`
	Operator string        `json:"operator"`
	Phase    Phase         `json:"phase"`
	Armed    time.Time     `json:"armed"`
	Deadline time.Time     `json:"deadline"`
	Left     time.Duration `json:"left,omitempty"` // until the deadline, while armed
	Ended    time.Time     `json:"ended,omitzero"`
	// Now is the target's clock when it said this. Who asked from elsewhere puts
	// the other times on their own clock, and leaves this zero.
	Now    time.Time `json:"now,omitzero"`
	Result *Result   `json:"result,omitempty"`
	Output string    `json:"output,omitempty"` // of the commands, bounded
	// Footing is that of the process.
	Footing
}

// clockError is by how much two clocks may differ without being wrong: an answer
// is on its way for a while.
const clockError = 2 * time.Second

// On puts the times of the state on the clock of whoever got it at now.
func (g GuardState) On(now time.Time) GuardState {
	ahead := g.Now.Sub(now)
	if !g.Now.IsZero() && ahead.Abs() > clockError {
		for _, t := range []*time.Time{&g.Armed, &g.Deadline, &g.Ended} {
			if !t.IsZero() {
				*t = t.Add(-ahead)
			}
		}
	}
	g.Now = time.Time{}
	return g
}
