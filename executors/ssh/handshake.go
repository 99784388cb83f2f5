package ssh

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"slices"
	"strings"
	"sync"
	"time"

	cryptossh "golang.org/x/crypto/ssh"

	"stet/executors"
)

// handshake is one login under way: its clock, and its turn at a jump host.
// While the operator is asked, the clock rests and the turn is given back, so
// that other hosts can come to their questions too.
type handshake struct {
	stream  *stream
	release func() // gives the turn back; may be called again

	mu      sync.Mutex
	timer   *time.Timer
	left    time.Duration
	started time.Time
	phase   string
	late    bool
	expired chan struct{}
}

// begin starts the clock of a phase; when it runs out the connection is
// closed.
func (h *handshake) begin(phase string, limit time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.timer != nil {
		h.timer.Stop()
	}
	h.phase, h.left, h.started = phase, limit, time.Now()
	h.timer = time.AfterFunc(limit, h.expire)
}

func (h *handshake) expire() {
	h.mu.Lock()
	if !h.late {
		h.late = true
		close(h.expired)
	}
	h.mu.Unlock()
	h.stream.Close()
}

// end stops the clock and tells whether it had run out.
func (h *handshake) end() (phase string, late bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.timer.Stop()
	return h.phase, h.late
}

// rest stops the clock until the returned function is called.
func (h *handshake) rest() func() {
	h.release()
	h.mu.Lock()
	defer h.mu.Unlock()
	h.timer.Stop()
	h.left = max(h.left-time.Since(h.started), time.Second)
	return func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.started = time.Now()
		h.timer = time.AfterFunc(h.left, h.expire)
	}
}

// attempt makes one connection and logs in.
func (d *Dialer) attempt(ctx context.Context, s *Settings, trail []string) (*Conn, *authentication, error) {
	config, err := d.config(s)
	if err != nil {
		return nil, nil, err
	}
	done, err := d.turn(ctx, trail)
	if err != nil {
		return nil, nil, err
	}
	defer done()
	way, leave, err := d.way(ctx, s, trail)
	if err != nil {
		return nil, nil, err
	}
	release := func() { leave(); done() }
	defer release()
	h := &handshake{stream: newStream(way), release: release, expired: make(chan struct{})}
	h.begin(keyExchange, s.connectTimeout())
	stop := context.AfterFunc(ctx, func() { h.stream.Close() })
	defer stop()

	c := &Conn{Settings: s, ask: d.asker(s), prove: d.prompts.prove, stream: h.stream, done: make(chan struct{})}
	login, entered := d.prepare(ctx, s, h, c, config)
	made, err := h.run(ctx, s.address(), config)
	phase, late := h.end()
	if err != nil {
		h.stream.Close()
		return nil, login, d.explain(ctx, s, h, way, phase, late, err)
	}
	entered()
	h.stream.forget()
	c.newClient(made.conn, made.channels, made.requests)
	c.prove(Password, s.Host, s.User)
	return c, login, nil
}

// turn waits for a turn to log in; done, which may be called again, ends it. A
// jump host's login takes none: those that wait for it hold theirs.
func (d *Dialer) turn(ctx context.Context, trail []string) (done func(), err error) {
	if len(trail) > 0 {
		return func() {}, nil
	}
	select {
	case d.logins <- struct{}{}:
		return sync.OnceFunc(func() { <-d.logins }), nil
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// made is a connection that is logged in, with what the host asks for.
type made struct {
	conn     cryptossh.Conn
	channels <-chan cryptossh.NewChannel
	requests <-chan *cryptossh.Request
}

// run does the handshake. It does not wait for a connection that was closed
// under it: one through a dead jump host would answer only much later.
func (h *handshake) run(ctx context.Context, address string, config *cryptossh.ClientConfig) (made, error) {
	type result struct {
		made
		err error
	}
	ended := make(chan result, 1)
	go func() {
		conn, channels, requests, err := cryptossh.NewClientConn(h.stream, address, config)
		ended <- result{made{conn, channels, requests}, err}
	}()
	gone := func() {
		if r := <-ended; r.err == nil {
			r.conn.Close()
		}
	}
	select {
	case r := <-ended:
		return r.made, r.err
	case <-h.expired:
		go gone()
		return made{}, errTimeout
	case <-ctx.Done():
		go gone()
		return made{}, context.Cause(ctx)
	}
}

// config holds the algorithms that the settings allow.
func (d *Dialer) config(s *Settings) (*cryptossh.ClientConfig, error) {
	a := d.offers.of(s)
	verify := &hostKey{settings: s, known: &d.known}
	order, err := verify.order(a.hostKeys)
	if err != nil {
		return nil, err
	}
	c := &cryptossh.ClientConfig{User: s.User, ClientVersion: "SSH-2.0-stet", HostKeyAlgorithms: order}
	c.KeyExchanges, c.Ciphers, c.MACs, c.RekeyThreshold = a.kex, a.ciphers, a.macs, s.RekeyBytes
	return c, nil
}

// prepare adds to a config how to check the host and how to log in. The library
// keeps the config as long as the connection, for later key exchanges: entered takes
// out of it what only the login needs.
func (d *Dialer) prepare(ctx context.Context, s *Settings, h *handshake, c *Conn, config *cryptossh.ClientConfig) (login *authentication, entered func()) {
	ask := func(ctx context.Context, q Question) (string, error) {
		resume := h.rest()
		defer resume()
		return c.ask(ctx, q)
	}
	login = &authentication{settings: s, agents: &d.agents, keys: &d.keys, ask: ask, clock: time.Now, ctx: ctx}
	now := &entrance{login: login, verify: func(remote net.Addr, key cryptossh.PublicKey) error {
		verify := &hostKey{settings: s, known: &d.known, ask: ask, now: time.Now}
		if err := verify.verify(ctx, remote, key); err != nil {
			return err
		}
		h.begin("the login", authTimeout)
		return nil
	}}
	config.HostKeyCallback = func(_ string, remote net.Addr, key cryptossh.PublicKey) error {
		print := cryptossh.FingerprintSHA256(bare(key))
		if c.HostKey != "" {
			return c.still(print)
		}
		if err := now.verify(remote, key); err != nil {
			return err
		}
		c.HostKey = print
		return nil
	}
	config.AuthCallback = func(server *cryptossh.ClientAuthContext) (cryptossh.AuthMethod, error) { return now.login.next(server) }
	config.BannerCallback = func(text string) error {
		if room := maxBanner - len(c.Banner); room > 0 {
			c.Banner += visible(text[:min(room, len(text))])
		}
		return nil
	}
	return login, func() { *now = entrance{} }
}

// entrance is what a connection needs until it is logged in.
type entrance struct {
	login  *authentication
	verify func(net.Addr, cryptossh.PublicKey) error
}

// still checks the host's key in a later key exchange: it must be the one that was
// accepted, and nobody is asked again.
func (c *Conn) still(print string) error {
	if print == c.HostKey {
		return nil
	}
	return refuse("host-key", c.Settings.Host, "the host came with another key in the midst of the connection: "+print+" instead of "+c.HostKey,
		"find out who answers at its address")
}

// asker puts questions about a host, where its settings allow any.
func (d *Dialer) asker(s *Settings) func(context.Context, Question) (string, error) {
	return func(ctx context.Context, q Question) (string, error) { return d.prompts.ask(ctx, q, s.BatchMode) }
}

// maxBanner bounds what a server may say before the login.
const maxBanner = 16 << 10

// explain finds out why a handshake failed.
func (d *Dialer) explain(ctx context.Context, s *Settings, h *handshake, way net.Conn, phase string, late bool, err error) error {
	var typed *executors.Error
	if errors.As(err, &typed) {
		return typed
	}
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if late {
		return fmt.Errorf("%s %w", phase, errTimeout)
	}
	if p, ok := way.(*proxy); ok {
		if said := p.complaint(); said != "" {
			return &executors.Error{Code: "unreachable", Op: "connecting to " + s.Host, Err: err,
				Message: "the ProxyCommand failed: " + said, Remedy: "try it by hand: " + s.ProxyCommand}
		}
	}
	switch words := h.stream.words(); {
	case strings.Contains(words, "SSH-"):
		return err
	case words == "":
		return fmt.Errorf("%w (%w)", errDropped, err)
	case slices.ContainsFunc([]string{"Exceeded MaxStartups", "Not allowed at this time"}, func(p string) bool { return strings.HasPrefix(words, p) }):
		return fmt.Errorf("%w: it said “%s” (%w)", errDropped, firstLine(words), err)
	default:
		return fmt.Errorf("%w: it began with “%s”", errNotSSH, firstLine(words))
	}
}

func jitter(d time.Duration) time.Duration { return d/2 + rand.N(d) }
