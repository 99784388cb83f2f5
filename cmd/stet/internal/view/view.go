// Package view shows what happens: the events of a run, plans, diagnostics and
// operations, for people on a terminal, for logs, and as JSON for programs. It
// decides nothing: every view is made from the same values.
package view

import (
	"io"
	"os"
	"runtime"

	"golang.org/x/term"

	"stet/runbook"
)

// View shows the events of a run as they happen.
type View interface {
	// Event shows one event; it may be called from several goroutines.
	Event(e runbook.Event)
	// Pause takes the status line away while somebody is asked something, and
	// returns the function that brings it back.
	Pause() (resume func())
	// Close takes the status line away for good.
	Close()
}

// Terminal reports whether w is a terminal.
func Terminal(w any) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// Interactive reports whether a redrawn status line makes sense on w: it is a
// terminal that can move its cursor, and no CI service reads it. One that nobody
// says anything of (a serial console) may not be able to; Windows says nothing of its own.
func Interactive(w io.Writer, getenv func(string) string) bool {
	kind := getenv("TERM")
	if kind == "" && runtime.GOOS == "windows" {
		kind = "windows"
	}
	return Terminal(w) && kind != "dumb" && kind != "" && getenv("CI") == ""
}

// plain is append-only lines.
type plain struct {
	page *Page
}

// Plain shows events as lines on p, never going back.
func Plain(p *Page) View { return plain{p} }

func (v plain) Event(e runbook.Event) {
	text := v.page.eventLines(e)
	if e.Kind == runbook.EventStep && !v.page.fleet.has(e) {
		text += v.page.started(e)
	}
	v.page.Print(text)
}

func (v plain) Pause() func() { return func() {} }

func (v plain) Close() {}
