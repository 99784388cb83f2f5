package view

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"stet/internal/names"
	"stet/runbook"
	"stet/runbook/report"
)

const (
	// each is on how many targets at once a step is told target by target; on
	// more, counts and the failures are told.
	each = 8
	// some is how many names or ranges of names a line has.
	some = 8
	// told is how many failures of a step on many targets are told one by one;
	// the rest are counted, and in the report.
	told = 10
)

// fleet follows steps that run on several targets.
type fleet struct {
	mu  sync.Mutex
	now *crowd
}

// crowd counts what becomes of a step on its targets.
type crowd struct {
	step          string
	wave          runbook.Wave
	began         time.Time
	running       map[string]bool
	counts        map[runbook.Status]int
	ended         int
	guarded, told bool
	undoing       map[string]bool
	undone, left  int // left: not all the way back
	failed        int // told or not
	silent        int // times that a target was waited for, told or not
}

func (t *crowd) big() bool { return len(t.wave.Targets) > each }

// take follows an event. handled tells that text is all there is to show of it;
// else text comes before it.
func (f *fleet) take(e runbook.Event) (text string, handled bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if e.Kind == runbook.EventWave && e.Wave != nil {
		text = f.flush(e.Time)
		f.now = &crowd{
			step: e.Step, wave: *e.Wave, began: e.Time, running: map[string]bool{},
			counts: map[runbook.Status]int{}, undoing: map[string]bool{},
		}
		if e.Text != runbook.WaveUndo && (f.now.big() || e.Wave.Of > 1) {
			text += waveLine(e)
		}
		return text, true
	}
	t := f.now
	switch {
	case t == nil:
		return "", false
	case e.Step == t.step && e.Kind != runbook.EventConfirm:
		return t.take(e)
	case e.Kind == runbook.EventUndo && t.big():
		t.step, t.undoing = e.Step, map[string]bool{} // an earlier step of as many targets
		return t.take(e)
	case t.hides(e):
		return "", true
	case len(t.running) > 0 || len(t.undoing) > 0 || e.Kind == runbook.EventDocument:
		return "", false
	}
	text = f.flush(e.Time)
	if e.Kind == runbook.EventStep {
		f.now = nil
	}
	return text, false
}

// hides reports whether an event is one of many alike: a rollback block that went
// well on a target which is being undone with many others.
func (t *crowd) hides(e runbook.Event) bool {
	if !t.big() || !t.undoing[e.Target] {
		return false
	}
	switch e.Kind {
	case runbook.EventStep, runbook.EventOutput:
		return true
	case runbook.EventOutcome:
		return e.Outcome != nil && e.Outcome.Status == runbook.OK
	}
	return false
}

// take follows an event of the step itself.
func (t *crowd) take(e runbook.Event) (text string, handled bool) {
	switch e.Kind {
	case runbook.EventOutput:
		if t.big() {
			return "", true
		}
		return indent(faint("  "+e.Target+" | "), e.Text), true
	case runbook.EventStep:
		t.running[e.Target] = true
	case runbook.EventOutcome:
		return t.outcome(e)
	case runbook.EventGuard:
		if t.big() && e.Target != "" && !t.guarded {
			t.guarded = true
			return label("guard", cyan) + t.step + ": the first target goes back at " + clock(e.Deadline) + ", and each of the others in its turn, unless confirmed\n", true
		}
	case runbook.EventWait:
		t.silent++
		return "", t.big() && t.silent > told
	case runbook.EventUndo:
		first := len(t.undoing) == 0 && t.undone+t.left == 0
		t.undoing[e.Target] = true
		if t.big() && first {
			return label("undoing", yellow) + t.step + " on its targets" + suffix(e.Text) + "\n", true
		}
	case runbook.EventUndone:
		delete(t.undoing, e.Target)
		if bad := e.Outcome != nil && e.Outcome.Undo != nil && e.Outcome.Undo.Status == runbook.Incomplete; bad {
			t.left++
			return "", t.big() && t.left > told
		}
		t.undone++
	default:
		return "", false
	}
	return "", t.big()
}

func (t *crowd) outcome(e runbook.Event) (string, bool) {
	delete(t.running, e.Target)
	t.ended++
	if e.Outcome != nil {
		t.counts[e.Outcome.Status]++
		switch e.Outcome.Status {
		case runbook.OK, runbook.Unchanged, runbook.Skipped:
		default:
			if t.failed++; !t.big() || t.failed <= told {
				return "", false
			}
		}
	}
	if !t.big() {
		return "", false
	}
	if t.ended == len(t.wave.Targets) {
		return t.summary(e.Time), true
	}
	return "", true
}

// flush tells what was counted and not told yet.
func (f *fleet) flush(now time.Time) string {
	t := f.now
	if t == nil || !t.big() {
		return ""
	}
	text := t.summary(now)
	if n := t.undone + t.left; n > 0 {
		text += label("undone", green) + fmt.Sprintf("%s on %s", t.step, count(t.undone, "target"))
		if t.left > 0 {
			text += dot + red(fmt.Sprintf("%d not all the way back", t.left))
		}
		text += "\n"
		t.undone, t.left = 0, 0
	}
	return text
}

// statusOrder is how counts are told: what went well, then what did not.
var statusOrder = []runbook.Status{
	runbook.OK, runbook.Unchanged, runbook.Skipped, runbook.RolledBack, runbook.Failed, runbook.Incomplete, runbook.Aborted,
}

func (t *crowd) summary(now time.Time) string {
	if t.told || t.ended == 0 {
		return ""
	}
	t.told = true
	worst := runbook.OK
	for _, s := range statusOrder {
		if t.counts[s] > 0 && s != runbook.Unchanged && s != runbook.Skipped {
			worst = s
		}
	}
	text := label(string(worst), statusPaint(worst)) + t.step + waveWords(t.wave) + dot + t.words()
	if !now.IsZero() && !t.began.IsZero() {
		text += dot + faint(report.Duration(now.Sub(t.began)))
	}
	if t.failed > told {
		text += dot + fmt.Sprintf("the first %d failures are told above, all of them in the report", told)
	}
	return text + "\n"
}

// words are the counts: "38 ok, 2 failed".
func (t *crowd) words() string {
	var parts []string
	for _, s := range statusOrder {
		if n := t.counts[s]; n > 0 {
			parts = append(parts, statusPaint(s)(fmt.Sprintf("%d %s", n, s)))
		}
	}
	if n := len(t.wave.Targets) - t.ended; n > 0 && t.told {
		parts = append(parts, faint(fmt.Sprintf("%d not begun", n)))
	}
	return strings.Join(parts, ", ")
}

func waveLine(e runbook.Event) string {
	w := e.Wave
	text := label("start", faint) + e.Step + waveWords(*w) + dot + count(len(w.Targets), "target") + " (" + names.Short(w.Targets, some) + ")"
	if w.Parallel < len(w.Targets) {
		text += fmt.Sprintf(", %d at once", max(1, w.Parallel))
	}
	return text + "\n"
}

func waveWords(w runbook.Wave) string {
	if w.Of <= 1 {
		return ""
	}
	return fmt.Sprintf(", wave %d of %d", w.Number, w.Of)
}

// progress is a big step in a few words, for the status line; "" if none runs.
func (f *fleet) progress(now time.Time) string {
	f.mu.Lock()
	defer f.mu.Unlock()
	t := f.now
	if t == nil || !t.big() || len(t.running) == 0 && len(t.undoing) == 0 {
		return ""
	}
	if len(t.undoing) > 0 {
		return fmt.Sprintf("undoing %s: %d of %d done", t.step, t.undone+t.left, len(t.wave.Targets))
	}
	who := make([]string, 0, len(t.running))
	for _, target := range t.wave.Targets {
		if t.running[target] {
			who = append(who, target)
		}
	}
	text := fmt.Sprintf("%s%s %d of %d", t.step, waveWords(t.wave), t.ended, len(t.wave.Targets))
	if words := t.words(); words != "" {
		text += dot + words
	}
	return text + dot + names.Short(who, 3) + " " + faint(seconds(now.Sub(t.began)))
}

// has reports whether an event is of a step that is told in counts.
func (f *fleet) has(e runbook.Event) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.now != nil && f.now.big() && (f.now.step == e.Step || f.now.hides(e))
}

// who names targets on a line of their own or in a title.
func who(targets []string) string {
	return names.Short(slices.DeleteFunc(slices.Clone(targets), func(t string) bool { return t == "" }), some)
}
