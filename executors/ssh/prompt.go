package ssh

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"time"

	"stet/executors"
)

// Kind is what a Question is about.
type Kind string

// The kinds of questions.
const (
	// HostKey asks whether an unknown host key is the right one. The answer is
	// "yes", the fingerprint itself, or anything else for no.
	HostKey Kind = "host-key"
	// Passphrase asks for that of an encrypted key file.
	Passphrase Kind = "passphrase"
	// Password asks for the user's password on a host.
	Password Kind = "password"
	// Challenge is a question that the host asks (keyboard-interactive): a
	// one-time code, or again the password.
	Challenge Kind = "challenge"
	// Become asks for the password that sudo wants.
	Become Kind = "become"
	// PIN asks for that of a token or security key.
	PIN Kind = "pin"
)

// Question is one thing that only the operator knows.
type Question struct {
	Kind Kind
	// Host and User are those of the connection; empty for a passphrase, which
	// is asked once for all hosts.
	Host, User string
	// Text is the question in words. Challenge texts come from the host, with
	// control characters replaced.
	Text string
	// Echo tells that the answer may be shown while it is typed.
	Echo bool
	// File is the key file of a Passphrase; Fingerprint and KeyType describe a
	// HostKey, Known the other keys that known_hosts has for the host.
	File                 string
	Fingerprint, KeyType string
	Known                []string
	// Attempt counts from 1; more than 1 means that the last answer was wrong.
	Attempt int
}

// Prompter asks the operator. It gets the questions of all hosts that wait at
// that moment, and returns as many answers in the same order. An error means
// that there was no answer; every question of the batch then fails.
type Prompter interface {
	Ask(ctx context.Context, questions []Question) ([]string, error)
}

// errNobody tells that there is no one to ask.
var errNobody = errors.New("there is no terminal to ask on")

// gather is how long a batch waits for more questions after each one, and
// gatherMost how long in all.
const (
	gather     = 200 * time.Millisecond
	gatherMost = time.Second
)

// collector puts the questions of many connections together and asks them at
// once; while it asks, the next batch gathers.
type collector struct {
	// ctx is the dialer's: a batch outlives the connection that began it.
	ctx      context.Context
	prompter Prompter
	secret   func(Question) (string, bool)

	mu      sync.Mutex
	waiting []*pending
	running bool
	news    chan struct{}
	// given are the passwords that the operator typed; proven those of them
	// that were right. A new connection under a guard must not wait for
	// somebody who has turned away.
	given, proven map[about]string
}

// about is whose password it is.
type about struct {
	kind       Kind
	host, user string
}

// lasting reports whether the answer to a question is the same the next time.
func (q *Question) lasting() bool { return q.Kind == Password || q.Kind == Become }

// remembered is a password that was right before.
func (c *collector) remembered(q Question) (string, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	key := about{q.Kind, q.Host, q.User}
	if q.Attempt > 1 {
		delete(c.proven, key) // no longer
		return "", false
	}
	answer, ok := c.proven[key]
	return answer, ok && q.lasting()
}

// prove keeps the password that was given last for the connections to come.
func (c *collector) prove(kind Kind, host, user string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	key := about{kind, host, user}
	if answer, ok := c.given[key]; ok {
		c.proven[key] = answer
	}
}

type pending struct {
	ctx      context.Context
	question Question
	done     chan struct{}
	answer   string
	err      error
}

func newCollector(ctx context.Context, p Prompter, secret func(Question) (string, bool)) *collector {
	return &collector{ctx: ctx, prompter: p, secret: secret, news: make(chan struct{}, 1), given: map[about]string{}, proven: map[about]string{}}
}

// declared is a secret's answer. It is given only to the first attempt: a
// wrong secret sent again would lock the account.
func (c *collector) declared(q Question) (string, bool) {
	if c.secret == nil || q.Attempt > 1 || q.Kind == HostKey {
		return "", false
	}
	return c.secret(q)
}

// ask returns the answer to one question, from a declared secret or, unless
// batch is set, from the operator.
func (c *collector) ask(ctx context.Context, q Question, batch bool) (string, error) {
	if answer, ok := c.declared(q); ok {
		return answer, nil
	}
	if answer, ok := c.remembered(q); ok && !batch {
		return answer, nil
	}
	if c.prompter == nil || batch {
		return "", errNobody
	}
	p := &pending{ctx: ctx, question: q, done: make(chan struct{})}
	c.mu.Lock()
	c.waiting = append(c.waiting, p)
	if !c.running {
		c.running = true
		go c.run()
	}
	c.mu.Unlock()
	select {
	case c.news <- struct{}{}:
	default:
	}
	select {
	case <-p.done:
		if p.err == nil && q.lasting() {
			c.mu.Lock()
			c.given[about{q.Kind, q.Host, q.User}] = p.answer
			c.mu.Unlock()
		}
		return p.answer, p.err
	case <-ctx.Done():
		return "", context.Cause(ctx)
	}
}

func (c *collector) run() {
	for {
		c.settle()
		c.mu.Lock()
		// Whoever has given up meanwhile needs no answer.
		batch := slices.DeleteFunc(c.waiting, func(p *pending) bool { return p.ctx.Err() != nil })
		c.waiting = nil
		if len(batch) == 0 {
			c.running = false
			c.mu.Unlock()
			return
		}
		c.mu.Unlock()
		c.put(c.ctx, batch)
	}
}

// settle waits until questions have stopped coming for a moment.
func (c *collector) settle() {
	most := time.NewTimer(gatherMost)
	defer most.Stop()
	for {
		quiet := time.NewTimer(gather)
		select {
		case <-c.news:
			quiet.Stop()
		case <-quiet.C:
			return
		case <-most.C:
			quiet.Stop()
			return
		}
	}
}

func (c *collector) put(ctx context.Context, batch []*pending) {
	questions := make([]Question, len(batch))
	for i, p := range batch {
		questions[i] = p.question
	}
	answers, err := c.prompter.Ask(ctx, questions)
	if err == nil && len(answers) != len(batch) {
		err = errors.New("not every question was answered")
	}
	for i, p := range batch {
		if p.err = err; err == nil {
			p.answer = answers[i]
		}
		close(p.done)
	}
}

// nobody makes a clear error of a question that could not be asked.
func nobody(host string, q Question, err error) *executors.Error {
	if !errors.Is(err, errNobody) {
		return &executors.Error{Code: "permission", Op: "connecting to " + host, Message: "asking for " + q.Text + ": " + err.Error(), Err: err}
	}
	remedy := map[Kind]string{
		HostKey:    "run it once on a terminal, add the key with ssh-keyscan after comparing it, or set StrictHostKeyChecking accept-new",
		Passphrase: "declare the passphrase as a secret, or load the key into ssh-agent: ssh-add " + q.File,
		Password:   "declare the password as a secret, or use a key",
		Challenge:  "declare the password as a secret, or use a key",
		PIN:        "declare the PIN as a secret, or load the token into ssh-agent",
		Become:     "declare sudo's password as a secret, or allow sudo without one",
	}[q.Kind]
	return &executors.Error{
		Code: "permission", Op: "connecting to " + host, Err: err,
		Message: strings.TrimSuffix(q.Text, ": ") + ": " + err.Error(), Remedy: remedy,
	}
}
