package apply

import (
	"context"

	"stet/executors"
	"stet/runbook"
	"stet/runbook/plan"
)

// free leaves a target whose last step has ended, if nothing that may still come
// needs it: others may have it, and its connection is no more memory. What became
// of the step is in the journal by then.
func (x *operation) free(ctx context.Context, s *runbook.Step, target string) {
	l, ok := x.sessions[target].(executors.Leaver)
	if x.over[target] != s.Name || !ok || !x.journalWorks() || !x.ranWell(place{s.Name, target}) {
		return
	}
	x.mu.Lock()
	if x.freed == nil {
		x.freed = map[string]error{}
	}
	x.freed[target] = nil
	x.mu.Unlock()
	limited, cancel := context.WithTimeout(context.WithoutCancel(ctx), answerWithin)
	defer cancel()
	if err := l.Leave(limited); err != nil {
		x.mu.Lock()
		x.freed[target] = err
		x.mu.Unlock()
	}
}

// behind marks the targets that an operation which is taken up needs no more: their
// last step ended well before stet did, and what it did stands. They are neither
// reached nor locked again.
func (x *operation) behind() {
	for target, step := range plan.Over(x.p) {
		p := place{step, target}
		if a := x.h.act(p); a == nil || !a.standing() || !x.ranWell(p) {
			continue
		}
		if x.freed == nil {
			x.freed = map[string]error{}
		}
		x.freed[target] = nil
	}
}

// doneWith reports whether a target was left before the operation's end.
func (x *operation) doneWith(target string) bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	_, freed := x.freed[target]
	return freed
}

// ranWell reports whether a command is known to have ended, as it should have.
func (x *operation) ranWell(p place) bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	a, o := x.h.act(p), x.h.outcomes[p]
	return a != nil && a.ended && !a.astray && o != nil && o.Status == runbook.OK
}
