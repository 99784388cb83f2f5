package view

import (
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/charmbracelet/x/ansi"
	"golang.org/x/term"

	"stet/runbook"
)

const (
	tick = 120 * time.Millisecond
	// wipe goes to the line's beginning and clears it.
	wipe = "\r" + ansi.EraseEntireLine
)

// live is append-only lines with one redrawn status line below them: what is
// running since when, and how long until guards go back.
type live struct {
	page *Page
	w    io.Writer

	mu     sync.Mutex
	paused bool
	drawn  bool
	frame  int
	state  status
	done   chan struct{}
	ended  sync.WaitGroup
}

// Live shows events as lines on p with a status line below them. w is p's
// writer, a terminal.
func Live(p *Page, w *os.File) View {
	v := &live{page: p, w: w, state: newStatus(), done: make(chan struct{})}
	v.ended.Go(func() { v.redraw(w) })
	return v
}

func (v *live) redraw(f *os.File) {
	every := time.NewTicker(tick)
	defer every.Stop()
	for {
		select {
		case <-v.done:
			return
		case <-every.C:
			width, _, err := term.GetSize(int(f.Fd()))
			if err != nil || width < 10 {
				width = 80
			}
			v.draw(width, time.Now())
		}
	}
}

func (v *live) draw(width int, now time.Time) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.paused {
		return
	}
	v.clear()
	line := v.state.line(now, v.page.fleet.progress(now))
	if line == "" {
		return
	}
	v.frame++
	spinner := string(`|/-\`[v.frame%4])
	v.page.Print(ansi.Truncate(spinner+" "+line, width-1, "…"))
	v.drawn = true
}

// clear takes the status line away; v.mu is held.
func (v *live) clear() {
	if v.drawn {
		_, _ = io.WriteString(v.w, wipe)
		v.drawn = false
	}
}

func (v *live) Event(e runbook.Event) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.state.take(e)
	lines := v.page.eventLines(e)
	if lines == "" {
		return
	}
	v.clear()
	v.page.Print(lines)
}

func (v *live) Pause() func() {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.clear()
	v.paused = true
	return func() {
		v.mu.Lock()
		defer v.mu.Unlock()
		v.paused = false
	}
}

func (v *live) Close() {
	select {
	case <-v.done:
		return
	default:
	}
	close(v.done)
	v.ended.Wait()
	v.mu.Lock()
	defer v.mu.Unlock()
	v.clear()
}

// status is what is going on right now.
type status struct {
	running map[string]time.Time // by place
	guards  map[string]time.Time // deadlines by place
	waits   map[string]time.Time // until when silent targets are waited for, by place
	retry   string
}

func newStatus() status {
	return status{running: map[string]time.Time{}, guards: map[string]time.Time{}, waits: map[string]time.Time{}}
}

func (s *status) take(e runbook.Event) {
	at := place(e.Step, e.Target)
	if e.Outcome != nil && e.Step == "" {
		at = place(e.Outcome.Step, e.Outcome.Target)
	}
	switch e.Kind {
	case runbook.EventStep, runbook.EventUndo:
		s.running[at] = e.Time
		delete(s.waits, at)
	case runbook.EventWait:
		s.waits[at] = e.Deadline
	case runbook.EventOutcome:
		delete(s.running, at)
		s.retry = ""
	case runbook.EventRetry:
		s.retry = e.Text
	case runbook.EventGuard:
		if e.Deadline.IsZero() {
			delete(s.guards, at)
		} else {
			s.guards[at] = e.Deadline
		}
	case runbook.EventConfirm:
		s.forget(e)
	case runbook.EventUndone:
		delete(s.running, at)
		delete(s.waits, at)
		s.forget(e)
	case runbook.EventEnd:
		*s = newStatus()
	}
}

// forget drops the guards that an event put an end to: its step's, or when it
// names none, all (a group is confirmed as a whole).
func (s *status) forget(e runbook.Event) {
	for _, times := range []map[string]time.Time{s.guards, s.waits} {
		maps.DeleteFunc(times, func(at string, _ time.Time) bool {
			return e.Step == "" || at == e.Step || strings.HasPrefix(at, e.Step+" on ") && (e.Target == "" || at == place(e.Step, e.Target))
		})
	}
}

// line is what is going on; fleet says it of a step on many targets.
func (s *status) line(now time.Time, fleet string) string {
	var parts []string
	places := slices.Sorted(maps.Keys(s.running))
	if fleet != "" {
		parts, places = append(parts, fleet), nil
	}
	for i, at := range places {
		if i == 3 {
			parts = append(parts, fmt.Sprintf("and %d more", len(places)-i))
			break
		}
		parts = append(parts, at+" "+faint(seconds(now.Sub(s.running[at]))))
	}
	if s.retry != "" && len(parts) > 0 {
		parts = append(parts, faint(s.retry))
	}
	parts = append(parts, s.patience(now)...)
	return strings.Join(append(parts, s.countdowns(now)...), dot)
}

// patience tells for how long silent targets are waited for: the longest of many.
func (s *status) patience(now time.Time) []string {
	var parts []string
	var last time.Time
	for _, at := range slices.Sorted(maps.Keys(s.waits)) {
		parts = append(parts, yellow("waiting for an answer: "+at+", "+countdown(max(0, s.waits[at].Sub(now)))+" at most"))
		if s.waits[at].After(last) {
			last = s.waits[at]
		}
	}
	if len(parts) > 3 {
		return []string{yellow(fmt.Sprintf("waiting for %d answers, %s at most", len(parts), countdown(max(0, last.Sub(now)))))}
	}
	return parts
}

// countdowns tells when guards go back: each of a few, the first of many.
func (s *status) countdowns(now time.Time) []string {
	var parts []string
	var soonest time.Time
	for _, at := range slices.Sorted(maps.Keys(s.guards)) {
		deadline := s.guards[at]
		if _, silent := s.waits[at]; silent && now.After(deadline) {
			continue // nobody knows whether it did
		}
		parts = append(parts, cyan(at+" goes back in "+countdown(max(0, deadline.Sub(now)))))
		if soonest.IsZero() || deadline.Before(soonest) {
			soonest = deadline
		}
	}
	if len(parts) > 3 {
		return []string{cyan(fmt.Sprintf("%d guards, the first goes back in %s", len(parts), countdown(max(0, soonest.Sub(now)))))}
	}
	return parts
}

func seconds(d time.Duration) string { return fmt.Sprintf("%.0f s", max(0, d.Seconds())) }

// countdown is what is left, as a clock shows it: "1:05".
func countdown(d time.Duration) string {
	left := int(d.Round(time.Second).Seconds())
	return fmt.Sprintf("%d:%02d", left/60, left%60)
}
