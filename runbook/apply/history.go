package apply

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"stet/executors/netstate"
	"stet/runbook"
	"stet/runbook/check"
	"stet/runbook/journal"
	"stet/runbook/report"
)

// history is what happened in an operation. It changes only by taking records,
// the same ones whether they are being written or read back: so an operation
// replayed from its journal is the operation that was.
type history struct {
	op       runbook.Operation
	plan     *runbook.Plan
	outcomes map[place]*runbook.Outcome
	acts     []*act
	done     map[string]bool // groups that were confirmed
	sure     map[string]bool // groups whose checks held, being confirmed
	gaveUp   map[string]bool // groups that failed under the policy to go on
	waves    map[string]int  // the latest wave confirmed, by group
	left     map[string]*leftOutData
	failing  *failingData
	failures int
	begun    bool
	ended    bool
	// snapshots and registers by name, then target.
	snapshots map[string]map[string]*check.Snapshot
	registers map[string]map[string]*check.Register
}

// place is a step on a target.
type place struct{ step, target string }

// act is a changing step that was begun on a target.
type act struct {
	place
	group     string
	kind      runbook.BlockKind
	change    *netstate.Change
	guard     string
	timeout   time.Duration
	rollback  []rollbackData
	errand    errand // of a run step
	begun     time.Time
	ended     bool
	untouched bool // ended before it acted, or undone by the transaction itself
	reverted  bool // undone by the transaction itself
	confirmed bool
	unheard   bool // told that it stands, and nobody knows whether it heard that
	astray    bool // its command may go on: nobody saw it end
	undoing   bool // begun to be undone, with no word of how that went
	undone    bool
	kept      bool // cannot be undone: it has no rollback block
}

// standing reports whether the act may have left something that can be undone.
func (a *act) standing() bool { return !a.untouched && !a.undone && !a.kept }

// acted reports whether the act did something, whatever became of it.
func (a *act) acted() bool { return !a.untouched || a.reverted }

// acted reports whether anything was done that could have had an effect.
func (h *history) acted() bool { return slices.ContainsFunc(h.acts, (*act).acted) }

// undid reports whether anything was undone.
func (h *history) undid() bool {
	return slices.ContainsFunc(h.acts, func(a *act) bool { return a.undone || a.reverted })
}

func newHistory() *history {
	return &history{
		outcomes: map[place]*runbook.Outcome{}, done: map[string]bool{}, sure: map[string]bool{},
		gaveUp: map[string]bool{}, waves: map[string]int{}, left: map[string]*leftOutData{},
		snapshots: map[string]map[string]*check.Snapshot{}, registers: map[string]map[string]*check.Register{},
	}
}

// replay takes all records of a chain.
func replay(log *journal.Log) (*history, error) {
	h := newHistory()
	for _, r := range log.Records {
		data, err := decode(r)
		if err == nil {
			err = h.take(r.Kind, data, r.Time)
		}
		if err != nil {
			return nil, fmt.Errorf("replaying record %d (%s) of %s: %w", r.Seq, r.Kind, log.Dir, err)
		}
	}
	return h, nil
}

// decode gives a record's data its type.
func decode(r journal.Record) (any, error) {
	var v any
	switch r.Kind {
	case journal.Start:
		v = &startData{}
	case journal.Locked:
		v = &lockData{}
	case journal.Intent:
		v = &intentData{}
	case journal.Outcome:
		v = &outcomeData{}
	case journal.Fact:
		v = &factData{}
	case journal.Guarded:
		v = &guardData{}
	case journal.Confirming, journal.Confirm:
		v = &groupData{}
	case journal.LeftOut:
		v = &leftOutData{}
	case journal.Failing:
		v = &failingData{}
	case journal.UndoIntent, journal.UndoOutcome:
		v = &undoData{}
	case journal.Note:
		v = &noteData{}
	case journal.Resume:
		v = &resumeData{}
	case journal.End:
		v = &endData{}
	default:
		return nil, nil // of a later version
	}
	return v, json.Unmarshal(r.Data, v)
}

// take makes one record part of the history.
func (h *history) take(kind journal.Kind, data any, at time.Time) error {
	if !h.begun && kind != journal.Start {
		return fmt.Errorf("no start before it")
	}
	switch d := data.(type) {
	case *startData:
		return h.start(d, at)
	case *lockData:
		h.host(d)
	case *intentData:
		return h.intent(d, at)
	case *outcomeData:
		h.outcome(d)
	case *factData:
		h.fact(d)
	case *guardData:
		if o := h.outcomes[place{d.Step, d.Target}]; o != nil {
			o.Guard = &d.State
		}
	case *groupData:
		h.confirm(kind, d)
	case *leftOutData:
		h.leave(d)
	case *failingData:
		h.failing, h.op.InterruptedBy = d, d.By
		if !d.Requested {
			h.failures++
			h.gaveUp[d.Group] = d.Policy == runbook.Continue
		}
	case *undoData:
		switch a := h.act(place{d.Step, d.Target}); {
		case d.Undo != nil:
			h.undo(d)
		case a != nil:
			a.undoing = true
		}
	case *noteData:
		if !slices.Contains(h.op.Notes, d.Text) {
			h.op.Notes = append(h.op.Notes, d.Text)
		}
	case *resumeData:
		h.ended, h.op.Status, h.op.End = false, runbook.Running, time.Time{}
		did := "took the operation up"
		if d.Mode == "rollback" {
			did = "began to roll the operation back"
		}
		h.op.Notes = append(h.op.Notes, fmt.Sprintf("%s %s at %s.", d.Operator, did, at.UTC().Format("2006-01-02 15:04:05Z")))
	case *endData:
		h.ended, h.op.Status, h.op.End = true, d.Status, d.At
	}
	return nil
}

// ran reports whether a step was begun on a target.
func (h *history) ran(target string) bool {
	for at := range h.outcomes {
		if at.target == target {
			return true
		}
	}
	return false
}

// leave keeps that the operation goes on without a target.
func (h *history) leave(d *leftOutData) {
	h.left[d.Target] = d
	h.failures++
	step := d.Step
	if step == "" {
		step = d.Group // a journal of an earlier version
	}
	h.op.LeftOut = append(h.op.LeftOut, runbook.LeftOut{Target: d.Target, Step: step, Absent: d.Absent, Error: d.Error, Remedy: d.Remedy})
}

func (h *history) start(d *startData, at time.Time) error {
	if d.Plan == nil {
		return fmt.Errorf("no plan in it")
	}
	h.begun, h.plan = true, d.Plan
	h.op = runbook.Operation{
		Run: d.Run, Document: d.Document, Title: d.Title, Ticket: d.Ticket, Operator: d.Operator,
		Host: d.Host, Tool: d.Tool, PlanHash: d.Plan.Hash, Start: at, Status: runbook.Running,
	}
	if len(d.Only) > 0 {
		h.op.Notes = append(h.op.Notes, "Only the groups of "+strings.Join(d.Only, ", ")+" were run, after the pre-checks (--only).")
	}
	if d.From != "" {
		h.op.Notes = append(h.op.Notes, "The groups before "+d.From+" were left out (--from).")
	}
	return nil
}

// host keeps who a target behind a network proved to be.
func (h *history) host(d *lockData) {
	if d.Info == nil || d.Info.HostKey == "" {
		return
	}
	t, _ := find(h.plan.Targets, d.Target)
	now := runbook.Host{Target: d.Target, Address: t.Place(), Name: d.Info.Hostname, Key: d.Info.HostKey}
	for i := range h.op.Hosts {
		if h.op.Hosts[i].Target == d.Target {
			h.op.Hosts[i] = now
			return
		}
	}
	h.op.Hosts = append(h.op.Hosts, now)
}

func (h *history) intent(d *intentData, at time.Time) error {
	h.outcomes[place{d.Step, d.Target}] = &runbook.Outcome{Step: d.Step, Kind: d.Kind, Target: d.Target, Status: runbook.Running}
	delete(h.sure, d.Group)
	if !d.Kind.Changing() && len(d.Rollback) == 0 {
		return nil
	}
	a := &act{
		place: place{d.Step, d.Target}, group: d.Group, kind: d.Kind, change: d.Change,
		guard: d.Guard, timeout: d.Timeout, rollback: d.Rollback,
		errand: errand{d.Command, d.Output}, begun: at,
	}
	if d.AsPlanned {
		if a.change = h.planned(a.place); a.change == nil {
			return fmt.Errorf("the plan has no change for %s on %s", d.Step, d.Target)
		}
	}
	h.acts = append(h.acts, a)
	h.outcomes[a.place].Change = a.change
	return nil
}

func (h *history) planned(p place) *netstate.Change {
	for _, g := range h.plan.Groups {
		for _, s := range g.Steps {
			for _, t := range s.Targets {
				if s.Name == p.step && t.Target == p.target {
					return t.Change
				}
			}
		}
	}
	return nil
}

func (h *history) outcome(d *outcomeData) {
	o := d.Outcome
	p := place{o.Step, o.Target}
	if a := h.act(p); a != nil && !a.ended {
		a.ended = true
		a.untouched, a.astray = d.Untouched, d.Astray
		a.reverted = o.Result != nil && o.Result.Undone
		if o.Change == nil {
			o.Change = a.change
		}
		if o.Result != nil && o.Result.Actual != nil {
			a.change = o.Result.Actual
		}
		if was := h.outcomes[p]; was != nil && o.Guard == nil {
			o.Guard = was.Guard
		}
	}
	o.Untouched = h.untouched(&o, d.Untouched)
	h.outcomes[p] = &o
}

// untouched reports whether the outcome is that of a changing step which failed
// before it acted: it says so itself, or no intent was journaled for it.
func (h *history) untouched(o *runbook.Outcome, said bool) bool {
	if !o.Kind.Changing() || o.Status == runbook.OK || o.Status == runbook.Unchanged || o.Status == runbook.Skipped {
		return false
	}
	return said && (o.Result == nil || !o.Result.Undone) || h.act(place{o.Step, o.Target}) == nil
}

// act is the latest one of a step on a target.
func (h *history) act(p place) *act {
	for i := len(h.acts) - 1; i >= 0; i-- {
		if h.acts[i].place == p {
			return h.acts[i]
		}
	}
	return nil
}

func (h *history) fact(d *factData) {
	if d.Snapshot != nil {
		put(h.snapshots, d.Name, d.Target, d.Snapshot)
	}
	if d.Register != nil {
		put(h.registers, d.Name, d.Target, d.Register)
	}
}

func put[T any](m map[string]map[string]T, name, target string, v T) {
	if m[name] == nil {
		m[name] = map[string]T{}
	}
	m[name][target] = v
}

func (h *history) confirm(kind journal.Kind, d *groupData) {
	if kind == journal.Confirming {
		h.sure[d.Group] = true
		return
	}
	delete(h.sure, d.Group)
	if len(d.Targets) == 0 {
		h.done[d.Group] = d.Wave == d.Of
		h.waves[d.Group] = d.Wave
	}
	for _, a := range h.acts {
		if a.group != d.Group || a.undone || a.confirmed || len(d.Targets) > 0 && !slices.Contains(d.Targets, a.target) {
			continue
		}
		a.confirmed = true
		if o := h.outcomes[a.place]; o != nil && o.Status == runbook.OK {
			o.Confirmed = d.At
		}
	}
}

func (h *history) undo(d *undoData) {
	p := place{d.Step, d.Target}
	if a := h.act(p); a != nil {
		a.undoing = false
		a.undone = d.Undo.Status == runbook.RolledBack
		a.kept = d.Undo.Status == runbook.Skipped
	}
	delete(h.done, d.Group)
	delete(h.sure, d.Group)
	o := h.outcomes[p]
	if o == nil {
		o = &runbook.Outcome{Step: d.Step, Target: d.Target, Kind: d.Undo.Kind}
		h.outcomes[p] = o
	}
	o.Undo = d.Undo
	if d.Undo.Status != runbook.Skipped {
		o.Status = d.Undo.Status
	} else if o.Status == runbook.Running { // stet died while it ran
		o.Status = runbook.Aborted
	}
	for _, b := range d.Blocks {
		h.outcomes[place{b.Step, b.Target}] = &b
	}
}

// standing are the groups that have something to undo, the latest first.
func (h *history) standing() []string {
	var out []string
	for i := len(h.acts) - 1; i >= 0; i-- {
		if a := h.acts[i]; a.standing() && !slices.Contains(out, a.group) {
			out = append(out, a.group)
		}
	}
	return out
}

// lasting reports whether something of it stands. What was done in sandboxes
// ended with them.
func (h *history) lasting() bool {
	return slices.ContainsFunc(h.acts, func(a *act) bool {
		t, ok := find(h.plan.Targets, a.target)
		return a.standing() && (!ok || t.Scheme() != "sandbox")
	})
}

// incomplete reports whether something that was to be undone is not.
func (h *history) incomplete() bool {
	for _, o := range h.outcomes {
		if o.Status == runbook.Incomplete {
			return true
		}
	}
	return false
}

// operation is a copy of what happened so far, outcomes in the plan's order.
// Once it has ended, steps that were not reached are skipped ones.
func (h *history) operation() *runbook.Operation {
	op := h.op
	op.Notes, op.Hosts, op.LeftOut = slices.Clone(op.Notes), slices.Clone(op.Hosts), slices.Clone(op.LeftOut)
	op.Outcomes = nil
	if h.plan == nil {
		return &op
	}
	place := map[string]int{}
	for i := range h.plan.Targets {
		place[h.plan.Targets[i].Name] = i
	}
	// They are kept in the order in which they answered.
	slices.SortStableFunc(op.Hosts, func(a, b runbook.Host) int { return place[a.Target] - place[b.Target] })
	for gi := range h.plan.Groups {
		g := &h.plan.Groups[gi]
		for si := range g.Steps {
			s := &g.Steps[si]
			if s.Kind == runbook.RollbackBlock || h.op.Status == runbook.Running {
				op.Outcomes = append(op.Outcomes, h.had(s)...)
				continue
			}
			op.Outcomes = append(op.Outcomes, h.all(g, s)...)
		}
	}
	if f := h.failing; f != nil && !f.Requested && !f.Aborted {
		op.Error, op.Remedy = f.Error, f.Remedy
		if _, ok := report.Cause(&op); ok { // it says so itself
			op.Error, op.Remedy = "", ""
		}
	}
	return &op
}
