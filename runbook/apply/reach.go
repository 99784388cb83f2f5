package apply

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"stet/executors"
	"stet/runbook/check"
	"stet/runbook/journal"
	"stet/runbook/plan"
	"stet/runbook/report"
)

// each does something with every target: with those of this host one after
// another, in their order, and then with as many other hosts at once as a step
// does, since each costs a round trip. It stops beginning after an error, unless
// all are to be tried, and returns those there are.
func each(targets []executors.Target, all bool, do func(i int) error) error {
	var here, far []int
	for i, t := range targets {
		if t.Machine() != "" {
			far = append(far, i)
		} else {
			here = append(here, i)
		}
	}
	f := &failures{total: len(targets)}
	more := func() bool { return all || f.count() == 0 }
	run := func(at int, which []int) {
		fan(at, len(which), more, func(i int) {
			if err := do(which[i]); err != nil {
				f.add(targets[which[i]].Name, err)
			}
		})
	}
	run(1, here)
	run(plan.DefaultParallel, far)
	switch f.count() {
	case 0:
		return nil
	case 1:
		return f.errs[f.targets[0]]
	}
	return f
}

// open opens and locks the targets named, and asks each what it is; what was
// locked is released by close. Those with which that goes wrong are x.missing. The
// error is what says no to all of it: a lock that somebody else holds, or an
// interruption.
func (x *operation) open(ctx context.Context, targets []executors.Target) error {
	for _, m := range x.p.Missing {
		x.missing[m.Target] = errors.New(m.Error)
	}
	_ = each(targets, true, func(i int) error { // x.missing has the errors
		t := targets[i]
		x.mu.Lock()
		have := x.sessions[t.Name] != nil || x.missing[t.Name] != nil
		x.mu.Unlock()
		if have || ctx.Err() != nil {
			return nil
		}
		s, info, err := x.enter(ctx, t)
		x.mu.Lock()
		defer x.mu.Unlock()
		if err != nil {
			x.missing[t.Name] = err
			return err
		}
		x.locked = append(x.locked, t.Name)
		x.sessions[t.Name], x.infos[t.Name] = s, info
		return nil
	})
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return x.refusal()
}

// enter opens and locks one target.
func (x *operation) enter(ctx context.Context, t executors.Target) (executors.Session, *executors.Info, error) {
	s, err := x.o.Open(ctx, t)
	if err != nil {
		return nil, nil, fmt.Errorf("opening %s: %w", t.Name, err)
	}
	x.mu.Lock()
	lock := executors.Lock{
		Run: x.h.op.Run, Document: x.document(), Operator: x.o.Operator, Since: x.now().Format(time.RFC3339), Target: t.Name,
	}
	x.mu.Unlock()
	if err := s.Lock(ctx, lock); err != nil {
		if !strings.Contains(err.Error(), t.Name) {
			err = fmt.Errorf("locking %s: %w", t.Name, err)
		}
		return nil, nil, err
	}
	asked := time.Now()
	info, err := s.Info(ctx)
	if err == nil && info != nil && !info.Clock.IsZero() {
		x.clock(t.Name, info.Clock.Sub(asked.Add(time.Since(asked)/2)))
	}
	if err != nil {
		free, cancel := context.WithTimeout(context.WithoutCancel(ctx), answerWithin)
		defer cancel()
		return nil, nil, errors.Join(fmt.Errorf("looking at %s: %w", t.Name, err), s.Unlock(free))
	}
	return s, info, nil
}

// clockOff is by how much a target's clock may differ from this machine's before
// that is worth a word.
const clockOff = 30 * time.Second

// clock notes by how much a target's clock is ahead.
func (x *operation) clock(target string, ahead time.Duration) {
	if ahead.Abs() < clockOff {
		return
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	x.ahead[target] = ahead
}

// tellClocks says which clocks differ from this machine's: whoever compares the
// report with a target's log must know.
func (x *operation) tellClocks() {
	var off []string
	for _, t := range x.p.Targets {
		switch ahead := x.ahead[t.Name]; {
		case ahead > 0:
			off = append(off, t.Name+" ("+report.Duration(ahead.Round(time.Second))+" ahead)")
		case ahead < 0:
			off = append(off, t.Name+" ("+report.Duration(-ahead.Round(time.Second))+" behind)")
		}
	}
	if n := len(off); n > 12 {
		off = append(off[:12:12], fmt.Sprintf("and %d more", n-12))
	}
	if len(off) > 0 {
		x.tell("Clocks that differ from this machine's: %s. The times here are this machine's.", strings.Join(off, ", "))
	}
}

// refusal is the error of locks that somebody else holds.
func (x *operation) refusal() error {
	f := &failures{total: len(x.p.Targets)}
	for _, t := range x.p.Targets {
		if err := x.missing[t.Name]; code(err) == "locked" {
			f.add(t.Name, err)
		}
	}
	switch f.count() {
	case 0:
		return nil
	case 1:
		return fmt.Errorf("%w: %w", ErrRefused, f.errs[f.targets[0]])
	}
	return fmt.Errorf("%w: %w", ErrRefused, f)
}

// openUnlocked opens the targets of all steps, to look at them only. Those that
// cannot be opened are x.missing.
func (x *operation) openUnlocked(ctx context.Context) error {
	var targets []executors.Target
	seen := map[string]bool{}
	for gi := range x.p.Groups {
		for si := range x.p.Groups[gi].Steps {
			for _, t := range x.p.Groups[gi].Steps[si].Targets {
				if target, ok := plan.Target(x.d, t.Target); ok && !seen[t.Target] && x.sessions[t.Target] == nil {
					targets = append(targets, target)
				}
				seen[t.Target] = true
			}
		}
	}
	err := each(targets, true, func(i int) error {
		s, err := x.o.Open(ctx, targets[i])
		x.mu.Lock()
		defer x.mu.Unlock()
		if err != nil {
			err = fmt.Errorf("opening %s: %w", targets[i].Name, err)
			x.missing[targets[i].Name] = err
			return err
		}
		x.sessions[targets[i].Name] = s
		return nil
	})
	if err != nil && len(x.missing) == len(targets) {
		return err // there is nothing to look at
	}
	return nil
}

// introduce journals what each target's machine is.
func (x *operation) introduce() error {
	return each(x.p.Targets, false, func(i int) error {
		t := x.p.Targets[i]
		x.mu.Lock()
		info := x.infos[t.Name]
		x.mu.Unlock()
		if info == nil {
			return nil
		}
		return x.record(journal.Locked, &lockData{Target: t.Name, Info: info})
	})
}

// close releases what the operation holds. Sessions stay with their opener.
func (x *operation) close(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
	defer cancel()
	f := &failures{total: len(x.locked)}
	fan(leaving, len(x.locked), always, func(i int) {
		name := x.locked[len(x.locked)-1-i]
		x.mu.Lock()
		err, freed := x.freed[name]
		x.mu.Unlock()
		if !freed {
			err = leave(ctx, x.sessions[name])
		}
		if err != nil {
			f.add(name, fmt.Errorf("unlocking %s: %w", name, err))
		}
	})
	var errs []error
	if f.count() > 0 {
		errs = append(errs, f)
	}
	if x.log != nil {
		errs = append(errs, x.log.Close())
	}
	if x.release != nil {
		errs = append(errs, x.release())
	}
	return errors.Join(errs...)
}

// leaving is how many targets are left at once: each costs a round trip, and no
// work.
const leaving = 128

// leave gives a target's lock back, and with it what only this operation uses.
func leave(ctx context.Context, s executors.Session) error {
	if l, ok := s.(executors.Leaver); ok {
		return l.Leave(ctx)
	}
	return s.Unlock(ctx)
}

// recall makes the targets and variables of the document those of the plan: an
// inventory may have changed, or be gone, since it was made, and variables may
// have been set for that one operation.
func (x *operation) recall() {
	for i := range x.d.Meta.Vars {
		v := &x.d.Meta.Vars[i]
		if was, ok := x.p.Vars[v.Name]; ok && !sameJSON(v.Value, was) {
			v.Value = check.Whole(was)
		}
	}
	at := map[string]int{}
	for i, t := range x.d.Meta.Targets {
		at[t.Name] = i
	}
	for _, t := range x.p.Targets {
		i, ok := at[t.Name]
		if !ok {
			x.d.Meta.Targets = append(x.d.Meta.Targets, t)
			continue
		}
		if have := &x.d.Meta.Targets[i]; !sameJSON(have, &t) {
			*have = t
		}
	}
}

// sameJSON compares as the journal keeps values: it knows one kind of number.
func sameJSON(a, b any) bool {
	one, err1 := json.Marshal(a)
	two, err2 := json.Marshal(b)
	return err1 == nil && err2 == nil && bytes.Equal(one, two)
}
