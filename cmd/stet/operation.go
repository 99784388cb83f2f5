package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/user"
	"strings"

	"stet/cmd/stet/internal/view"
	"stet/internal/version"
	"stet/runbook"
	"stet/runbook/apply"
)

// operation is what the verbs that act have in common: the document, its
// secrets, the sessions to its targets.
type operation struct {
	c        *cli
	d        *runbook.Document
	secrets  map[string]string
	sessions *sessions
	person   *person
}

// begin loads the document and reads its secrets. The caller ends it.
func (c *cli) begin(ctx context.Context, path string, f choice) (*operation, error) {
	d, err := c.load(path, f)
	if err != nil {
		return nil, err
	}
	return c.beginWith(ctx, d, all)
}

// beginWith begins with a document that is loaded, and those of its secrets
// that want chooses.
func (c *cli) beginWith(ctx context.Context, d *runbook.Document, want func(runbook.Secret) bool) (*operation, error) {
	if len(d.Meta.Params) > 0 {
		path := d.Path
		return nil, usage(errors.New(path+" is a template: its parameters have no values yet"), "make a runbook of it: stet new "+path+" change.md")
	}
	secrets, err := c.secrets(ctx, d, nil, want)
	if err != nil {
		return nil, err
	}
	if err := knownSecrets(d); err != nil {
		return nil, err
	}
	open := newSessions(c.stderr)
	open.neighbours = neighbours(d)
	open.targets = d.Meta.Targets
	o := &operation{c: c, d: d, secrets: secrets, sessions: open, person: &person{c: c}}
	o.reaches(d)
	return o, nil
}

// end closes the sessions. What goes wrong there is told, and makes a good end
// a bad one: a namespace may be left.
func (o *operation) end(err *error) {
	o.c.close()
	if closing := o.sessions.Close(); closing != nil {
		*err = errors.Join(*err, closing)
	}
}

// options are those of package apply.
func (o *operation) options() (apply.Options, error) {
	state, err := o.c.state()
	if err != nil {
		return apply.Options{}, err
	}
	host, err := os.Hostname()
	if err != nil {
		host = "unknown"
	}
	shown := o.c.view()
	options := apply.Options{
		Open:     o.sessions.Open,
		Sink:     func(e runbook.Event) { o.c.follow(e); shown.Event(e) },
		Secrets:  o.secrets,
		StateDir: state,
		Operator: operator(),
		Host:     host,
		Tool:     "stet " + version.String(),

		StateFlag: o.c.stateFlag(),
	}
	if o.c.terminal() {
		options.Ask = o.person.ask
	}
	return options, nil
}

// operator is who runs this: behind sudo, who called it.
func operator() string {
	if name := os.Getenv("SUDO_USER"); name != "" && os.Getuid() == 0 {
		return name
	}
	u, err := user.Current()
	if err != nil {
		return fmt.Sprintf("uid %d", os.Getuid())
	}
	return u.Username
}

// conclude shows the operation that ended: a table on stdout. With --json the
// events told it.
func (o *operation) conclude(op *runbook.Operation, err error) error {
	o.c.close()
	if op != nil && !o.c.json {
		o.c.out().Print(view.Summary(op))
		if err != nil {
			err = brief{err}
		}
	}
	var lost *apply.UnwrittenError
	if !errors.As(err, &lost) {
		return err
	}
	// Two things went wrong, and each gets its line: what became of the
	// operation decides the exit code, what became of the report comes last,
	// with what to do about it.
	if lost.Outcome != nil {
		o.c.complain(brief{lost.Outcome})
	}
	return codeError{exitCode(err), hinted{errors.New(lost.Error()), o.c.writeLater(lost)}}
}

// brief is an error that was told at length already: its first line is enough.
type brief struct{ error }

// Error is the first line.
func (e brief) Error() string {
	text, _, _ := strings.Cut(e.error.Error(), "\n")
	return text
}

// Unwrap returns the error at length.
func (e brief) Unwrap() error { return e.error }

// valid refuses a document with faults, showing them.
func (o *operation) valid(ds runbook.Diagnostics) error {
	if ds.Faults() {
		return o.c.invalid(o.d, ds)
	}
	return nil
}
