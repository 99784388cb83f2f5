package ssh

import (
	"context"
	"errors"
	"sync"
	"time"

	"stet/executors"
)

// Options are what a Dialer needs besides ssh_config.
type Options struct {
	// Config is a file to read instead of ssh_config's usual ones (ssh -F).
	Config string
	// Program is the ssh program; "" looks it up on PATH. Without one, only
	// plain settings can be read.
	Program string
	// Prompter asks the operator; nil where there is no terminal: then every
	// question is an error that says what to do instead.
	Prompter Prompter
	// Secret answers a passphrase, password, challenge, become or PIN question from
	// the declared secrets; it may be nil. It is asked once for each attempt at
	// a login, never again when its answer was wrong.
	Secret func(Question) (string, bool)
	// Passphrases are declared ones. An encrypted key that a host would take is
	// tried with each of them before anybody is asked: where a wrong one goes
	// nobody sees it.
	Passphrases []string
	// Askpass is a program that calls Askpass with its arguments: by it the
	// system's ssh gets a declared PIN. Without one, no PIN is given.
	Askpass string
	// Terminal lets the system's ssh ask on the terminal by itself, where a
	// login goes through it (PKCS#11, Kerberos). One at a time.
	Terminal bool
	// Handshakes bounds how many logins go through one jump host at once; 0
	// means 16.
	Handshakes int
}

// Dialer connects to hosts. It keeps what many connections share: resolved
// settings, known_hosts, keys, the agent, jump hosts, questions. Its methods
// may be called from several goroutines.
type Dialer struct {
	options  Options
	ctx      context.Context // ends with Close
	cancel   context.CancelFunc
	resolver *resolver
	known    knownHosts
	agents   keyAgents
	keys     keyFiles
	offers   offers
	prompts  *collector
	logins   chan struct{} // turns for logins under way

	mu       sync.Mutex
	bastions map[string]*bastion
	masters  masters
}

// maxLogins bounds how many logins are under way at once, those to jump hosts not
// counted: enough for hosts far away, and no more memory for handshakes than
// that.
const maxLogins = 128

// New returns a Dialer. Close it.
func New(o Options) *Dialer {
	d := &Dialer{options: o, resolver: newResolver(o.Program, o.Config), bastions: map[string]*bastion{}, logins: make(chan struct{}, maxLogins)}
	d.ctx, d.cancel = context.WithCancel(context.Background())
	d.keys.declared = o.Passphrases
	d.prompts = newCollector(d.ctx, o.Prompter, o.Secret)
	return d
}

// Settings returns what ssh_config says about a host, and an error where stet
// would not connect under those settings.
func (d *Dialer) Settings(ctx context.Context, a Address) (*Settings, error) {
	s, err := d.resolver.resolve(ctx, a, "")
	if err != nil {
		return nil, err
	}
	return s, s.check()
}

// check refuses settings under which nobody knows whom they talk to.
func (s *Settings) check() error {
	if s.StrictHostKeyChecking == "no" {
		return refuse("host-key", s.Host, "StrictHostKeyChecking is no: any machine that answers could take the changes, and their secrets",
			"set StrictHostKeyChecking accept-new, which takes a host's first key and refuses another one later")
	}
	return nil
}

// Close ends the connections to jump hosts, the control masters that the
// Dialer started, and the connection to ssh-agent. Connections through a jump
// host end with it.
func (d *Dialer) Close() error {
	d.cancel()
	d.mu.Lock()
	var open []*bastion
	for _, b := range d.bastions {
		open = append(open, b)
	}
	d.bastions = map[string]*bastion{}
	d.mu.Unlock()
	var errs []error
	for _, b := range open {
		<-b.ready
		if b.conn != nil {
			errs = append(errs, b.conn.Close())
		}
	}
	errs = append(errs, d.masters.close())
	d.agents.Close()
	return errors.Join(errs...)
}

// Dial connects to a host and logs in. Errors are *executors.Error with the
// codes "unreachable", "refused", "timeout", "not-found", "permission",
// "host-key", "expired", "protocol", "invalid", "unsupported", "canceled".
func (d *Dialer) Dial(ctx context.Context, a Address) (*Conn, error) {
	return d.connect(ctx, a, false)
}

// connect is Dial; fresh makes a connection of its own even where the user has
// one open (ControlPath).
func (d *Dialer) connect(ctx context.Context, a Address, fresh bool) (*Conn, error) {
	ctx, cancel := d.join(ctx)
	defer cancel()
	s, err := d.Settings(ctx, a)
	if err != nil {
		return nil, fail(ctx, a.Host, err)
	}
	if !fresh {
		if c := d.attachOpen(ctx, s); c != nil {
			return c, nil
		}
	}
	c, err := d.dial(ctx, s, nil)
	if err != nil {
		return nil, fail(ctx, a.Host, err)
	}
	return c, nil
}

// join makes a context that also ends with the Dialer.
func (d *Dialer) join(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancelCause(ctx)
	stop := context.AfterFunc(d.ctx, func() { cancel(errClosed) })
	return ctx, func() { stop(); cancel(context.Canceled) }
}

var errClosed = errors.New("the dialer has been closed")

// dial connects by the way that the settings ask for: a new control master, or
// natively. Trail holds the identities of the hosts that are
// reached through this one.
func (d *Dialer) dial(ctx context.Context, s *Settings, trail []string) (*Conn, error) {
	if reason := s.beyond(); reason != "" {
		return d.viaSystem(ctx, s, reason)
	}
	c, login, err := d.native(ctx, s, trail)
	if err == nil || !errors.Is(err, errAuth) {
		return c, err
	}
	if reason := login.otherWays(); reason != "" && d.resolver.program != "" {
		if c, second := d.viaSystem(ctx, s, reason); second == nil {
			return c, nil
		}
	}
	return nil, err
}

// Backoff after a server that closed the connection at once, as sshd does with
// too many logins under way (MaxStartups).
var pauses = []time.Duration{150 * time.Millisecond, 400 * time.Millisecond, time.Second, 2 * time.Second}

// native dials with the library, again if the server dropped the connection
// before it said anything.
func (d *Dialer) native(ctx context.Context, s *Settings, trail []string) (*Conn, *authentication, error) {
	for try := 0; ; try++ {
		c, login, err := d.attempt(ctx, s, trail)
		again := errors.Is(err, errDropped) || try < s.ConnectAttempts-1 && retryable(err)
		if err == nil || !again || try >= max(len(pauses), s.ConnectAttempts-1) {
			return c, login, err
		}
		select {
		case <-time.After(jitter(pauses[min(try, len(pauses)-1)])):
		case <-ctx.Done():
			return nil, nil, context.Cause(ctx)
		}
	}
}

// retryable tells whether ConnectionAttempts applies: the host was not reached
// at all.
func retryable(err error) bool {
	var typed *executors.Error
	return err != nil && !errors.As(err, &typed) && !errors.Is(err, context.Canceled)
}
