package apply

import (
	"maps"
	"slices"
	"sync"
	"time"

	"stet/runbook"
	"stet/runbook/markdown"
	"stet/runbook/report"
)

// writeEvery is the most time between two writes of the document while an operation
// runs. The end of a group that fails, what is undone and the end are written at
// once, and so is the end of one that succeeds, unless a write has just been: then
// the next ones are written together. What comes next waits for it if it could see
// the document.
const writeEvery = time.Second

// haste is how many times as long as a write took the next end of a group that
// succeeds is not written: a hundred quick steps would else spend their time on it.
// patience is the same for a write that nobody waits for.
const (
	haste    = 20
	patience = 100
)

// lull is how long a write that nobody waits for is put off: until then the next
// step is on its way, and needs neither processor nor disk.
const lull = 5 * time.Millisecond

// A document that takes longer than writeSlow to write is one of thousands of
// blocks: between two writes of it there is restFactor times as long, so that
// the time for all results grows with their number, not with its square. A
// group's end does not wait for it then.
const (
	writeSlow  = 100 * time.Millisecond
	restFactor = 9
)

// writer brings results into the document. Nothing that happens to the document
// stops the operation: what cannot be written is in the journal, and said.
type writer struct {
	x *operation
	// headless leaves the report at the document's head as it is.
	headless bool

	kick  chan request
	aside chan struct{} // asks for a write that nobody waits for
	quit  chan struct{}
	ended chan struct{}

	mu      sync.Mutex
	pending []*runbook.Step // in the order in which they were put
	all     []*runbook.Step // whatever was put
	touched bool
	fault   error // why the last write failed; nil after one that did not
	lost    map[string]bool
	kept    map[string]bool // files of what others wrote into results, that were told
}

func newWriter(x *operation) *writer {
	w := &writer{
		x: x, kick: make(chan request), aside: make(chan struct{}, 1), quit: make(chan struct{}), ended: make(chan struct{}),
		lost: map[string]bool{}, kept: map[string]bool{},
	}
	go w.loop()
	return w
}

// sweep removes what a stet that was killed while it wrote left beside the
// document, and names what may be somebody's edit.
func (x *operation) sweep() {
	if x.o.ReadOnly || x.d.Path == "" || x.d.Path == "-" {
		return
	}
	kept, err := markdown.Sweep(x.d.Path)
	for _, name := range kept {
		x.tell("%s was left by a stet that was killed while it wrote the document, and differs from it: it may be an edit that was saved at that moment. Compare them, and delete it.", name)
	}
	if err != nil {
		x.hint("%v", err) // it hinders nobody
	}
}

// put has a step's results written soon.
func (w *writer) put(s *runbook.Step) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.touched = true
	w.pending, w.all = with(w.pending, s), with(w.all, s)
}

// with is steps and s, once.
func with(steps []*runbook.Step, s *runbook.Step) []*runbook.Step {
	if slices.ContainsFunc(steps, func(o *runbook.Step) bool { return o.Name == s.Name }) {
		return steps
	}
	return append(steps, s)
}

// flush writes now and returns when it is done, unless the document rests.
func (w *writer) flush() { w.ask(request{done: make(chan struct{})}) }

// soon is flush, unless it has just been written: then it is with the next tick.
func (w *writer) soon() { w.ask(request{done: make(chan struct{}), mayWait: true}) }

// beside is soon for what goes on meanwhile.
func (w *writer) beside() {
	select {
	case w.aside <- struct{}{}:
	default: // it was asked for, and has not begun
	}
}

// request asks for a write.
type request struct {
	done    chan struct{}
	mayWait bool
}

func (w *writer) ask(r request) {
	select {
	case w.kick <- r:
		<-r.done
	case <-w.ended:
	}
}

// close writes for the last time, with the report as it is at the end, and all
// results once more: an editor may have saved a text from before them. The error
// is why the document does not hold the results.
func (w *writer) close() error {
	w.mu.Lock()
	w.touched = true
	w.pending = slices.Clone(w.all)
	w.mu.Unlock()
	close(w.quit)
	<-w.ended
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.fault
}

func (w *writer) loop() {
	defer close(w.ended)
	tick := time.NewTicker(writeEvery)
	defer tick.Stop()
	var rest, just, aside time.Time // until when nothing is written, nothing that may wait, and nothing that nobody waits for
	var over <-chan time.Time       // the lull is
	write := func() {
		start := time.Now()
		if start.Before(rest) {
			return
		}
		w.write()
		took := time.Since(start)
		just, aside = time.Now().Add(haste*took), time.Now().Add(patience*took)
		if took > writeSlow {
			rest = time.Now().Add(restFactor * took)
		}
	}
	for {
		select {
		case <-w.quit:
			if w.write() {
				w.mu.Lock()
				w.touched = true
				w.mu.Unlock()
				w.write() // the report says what found no place
			}
			return
		case r := <-w.kick:
			if !r.mayWait || time.Now().After(just) {
				write()
			}
			close(r.done)
		case <-w.aside:
			if over == nil && time.Now().After(aside) {
				over = time.After(lull)
			}
		case <-over:
			over = nil
			write()
		case <-tick.C:
			write()
		}
	}
}

// write splices what is pending into the document as it is on disk now. news
// tells that there is something to say about it in the report.
func (w *writer) write() (news bool) {
	w.mu.Lock()
	steps, touched := w.pending, w.touched
	w.pending, w.touched = nil, false
	w.mu.Unlock()
	if !touched || w.x.o.ReadOnly || w.x.d.Path == "" || w.x.d.Path == "-" {
		return false
	}
	var edits []markdown.Edit
	for _, s := range steps {
		if e, ok := w.x.result(s); ok {
			edits = append(edits, e)
		}
	}
	head := ""
	if !w.headless {
		head = report.Head(w.x.operation())
	}
	kept := map[string]string{} // names of results that somebody wrote into, by the files with that
	w.x.log.Flush()             // the document is only a copy of it; what is refused, the next record tells
	lost, err := markdown.Update(w.x.d.Path, head, edits, func(name string, text []byte) error {
		file, err := w.x.keepEdited(name, text)
		kept[file] = name
		return err
	})
	if err != nil {
		w.failed(steps, err)
		return false
	}
	for _, file := range slices.Sorted(maps.Keys(kept)) {
		if !w.kept[file] {
			w.kept[file], news = true, true
			w.x.tell("%s", replacedByHand(kept[file], file))
		}
	}
	w.mu.Lock()
	recovered := w.fault != nil
	w.fault = nil
	w.mu.Unlock()
	if recovered {
		w.x.hint("The document can be written again: %s.", w.x.d.Path)
	}
	for _, e := range lost {
		if w.lost[e.Block.Name] {
			continue
		}
		w.lost[e.Block.Name], news = true, true
		w.x.tell("The document has no place for the result of %s any more; it is in the journal: %s.", e.Block.Name, w.x.log.Dir())
	}
	w.x.emit(runbook.Event{Kind: runbook.EventDocument, Text: w.x.d.Path})
	return news
}

// failed keeps what could not be written for the next try. The operator hears
// of it once; it is no note of the report, which tells it only if it stays so.
func (w *writer) failed(steps []*runbook.Step, err error) {
	w.mu.Lock()
	w.touched = true
	for _, s := range w.pending {
		if !slices.Contains(steps, s) {
			steps = append(steps, s)
		}
	}
	w.pending = steps
	news := w.fault == nil
	w.fault = err
	w.mu.Unlock()
	if news {
		w.x.hint("The results cannot be written into the document now: %v.", err)
	}
}

// Worst is the status that several outcomes of one step come to.
func Worst(outcomes []runbook.Outcome) runbook.Status {
	order := []runbook.Status{
		runbook.Incomplete, runbook.Failed, runbook.Aborted, runbook.Refused, runbook.RolledBack,
		runbook.Running, runbook.OK, runbook.Unchanged, runbook.Skipped,
	}
	for _, s := range order {
		if slices.ContainsFunc(outcomes, func(o runbook.Outcome) bool { return o.Status == s }) {
			return s
		}
	}
	return runbook.Skipped
}
