package local

import (
	"context"
	"errors"
	"os"
	"os/user"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"stet/executors"
	"stet/executors/guard"
	"stet/executors/kept"
	"stet/executors/linux"
	"stet/executors/netstate"
	"stet/executors/probe"
	"stet/executors/shell"
	"stet/executors/transaction"
)

// session is an open target.
type session struct {
	host   *Host
	target executors.Target
	space  *space
	ns     *linux.Namespace
	guards *guard.Store
	kept   *kept.Store

	ctx    context.Context // ends with Close
	cancel context.CancelFunc
	use    sync.WaitGroup

	mu     sync.Mutex
	closed bool
	lock   *os.File
	began  []string // kept commands, or those attached to
	lost   bool     // the peer went without a word
	goesOn bool     // what it began does
}

func newSession(h *Host, t executors.Target, sp *space) (*session, error) {
	fd := -1
	if sp.net != nil {
		fd = int(sp.net.Fd())
	}
	shown := newShown(sp.resolv)
	ns, err := linux.Open(linux.Options{NS: fd, Resolve: h.resolve, Known: h.known, Named: h.names, Keys: h.keys(sp.key),
		ResolvConf: sp.resolv, Files: sp.enter, Shown: shown.again, Outlive: h.scope.prefix})
	if err != nil {
		if !sp.shared {
			sp.close()
		}
		return nil, err
	}
	s := &session{host: h, target: t, space: sp, ns: ns, guards: guard.Open(h.guards(sp.key)), kept: kept.Open(filepath.Join(h.dir(sp.key), "commands"))}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	return s, nil
}

// dir is what a namespace has in the state directory.
func (h *Host) dir(key string) string    { return filepath.Join(h.state, key) }
func (h *Host) guards(key string) string { return filepath.Join(h.dir(key), "guards") }
func (h *Host) keys(key string) string   { return filepath.Join(h.dir(key), "keys") }

// Target implements executors.Observer.
func (s *session) Target() executors.Target { return s.target }

// begin bounds one method by ctx and by the session. The returned function
// must be called at its end.
func (s *session) begin(ctx context.Context, op string) (context.Context, func(), error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, nil, &executors.Error{Code: "unreachable", Op: op + " on " + s.target.Address, Message: "the session is closed", Err: os.ErrClosed}
	}
	s.use.Add(1)
	ctx, cancel := context.WithCancelCause(ctx)
	stop := context.AfterFunc(s.ctx, func() { cancel(s.host.whyClosed()) })
	return ctx, func() {
		stop()
		cancel(nil)
		s.use.Done()
	}, nil
}

// Observe implements executors.Observer.
func (s *session) Observe(ctx context.Context, q netstate.Query) (*netstate.State, error) {
	ctx, end, err := s.begin(ctx, "reading the network state")
	if err != nil {
		return nil, err
	}
	defer end()
	return s.ns.Observe(ctx, q)
}

// Probe implements executors.Observer.
func (s *session) Probe(ctx context.Context, p executors.Probe) (*executors.ProbeReply, error) {
	ctx, end, err := s.begin(ctx, "probing")
	if err != nil {
		return nil, err
	}
	defer end()
	o := probe.Options{Enter: s.space.enter, Route: s.ns.RouteTo, Foreign: s.space.net != nil}
	if s.space.net != nil {
		_, inode, _ := strings.Cut(s.space.id, ":")
		o.Netns = "net:[" + inode + "]" // as readlink(2) gives it
	}
	return probe.Ask(ctx, p, o)
}

// Info implements executors.Observer.
func (s *session) Info(ctx context.Context) (*executors.Info, error) {
	_, end, err := s.begin(ctx, "reading the machine's description")
	if err != nil {
		return nil, err
	}
	defer end()
	var u unix.Utsname
	if err := unix.Uname(&u); err != nil {
		return nil, os.NewSyscallError("uname", err)
	}
	i := &executors.Info{
		Hostname: unix.ByteSliceToString(u.Nodename[:]), OS: runtime.GOOS, Arch: runtime.GOARCH,
		Kernel: unix.ByteSliceToString(u.Release[:]), BootID: bootID(), UID: os.Geteuid(), Netns: s.space.id,
		Clock: time.Now().UTC(), // this process need not read its zone
	}
	i.User = strconv.Itoa(i.UID)
	if me, err := user.Current(); err == nil {
		i.User = me.Username
	}
	return i, nil
}

// Location implements executors.Located.
func (s *session) Location() string {
	boot := bootID()
	if boot == "" || s.space.id == "" {
		return ""
	}
	return boot + " " + s.space.id
}

// Run implements executors.Session.
func (s *session) Run(ctx context.Context, c executors.Command, out executors.Output) (*executors.ExitStatus, error) {
	ctx, end, err := s.begin(ctx, "running a command")
	if err != nil {
		return nil, err
	}
	defer end()
	run := func(ctx context.Context, c executors.Command, out executors.Output) (*executors.ExitStatus, error) {
		return shell.Run(ctx, c, out, shell.Options{Place: shell.Place{Enter: s.space.enter}, Grace: s.host.o.Grace})
	}
	if !c.Kept || !s.host.served {
		return run(ctx, c, out)
	}
	s.remember(c.ID)
	status, err := s.kept.Run(ctx, s.host.life, &s.host.keeping, c, out, run)
	s.left(err)
	return status, err
}

// Attach implements executors.Keeper.
func (s *session) Attach(ctx context.Context, id string, got executors.Received, out executors.Output) (*executors.Fate, error) {
	ctx, end, err := s.begin(ctx, "asking what became of a command")
	if err != nil {
		return nil, err
	}
	defer end()
	s.remember(id)
	fate, err := s.kept.Attach(ctx, id, got, out)
	if s.left(err) {
		// It goes on in another process, which has given the lock to this one.
		s.host.keeping.Go(func() {
			_, _ = s.kept.Attach(s.host.life, id, executors.Received{}, executors.Output{})
		})
	}
	return fate, err
}

// left notes that a command goes on though its connection was lost.
func (s *session) left(err error) bool {
	if !errors.Is(err, executors.ErrLost) {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.goesOn = true
	return true
}

// Lost tells that the peer went without closing the session: what is kept is for
// its next connection.
func (s *session) Lost() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lost = true
}

// remember notes a kept command, whose record goes when the peer, which knows
// its fate then, closes the session.
func (s *session) remember(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.began = append(s.began, id)
}

// Apply implements executors.Session.
func (s *session) Apply(ctx context.Context, c *netstate.Change) (*executors.Result, error) {
	ctx, end, err := s.begin(ctx, "applying a change")
	if err != nil {
		return nil, err
	}
	defer end()
	if c != nil {
		if err := s.ns.Keep(c.Secrets); err != nil {
			return nil, err
		}
	}
	r, err := transaction.Apply(ctx, s.ns, c)
	return r, s.allowed("applying a change", err)
}

// Undo implements executors.Session.
func (s *session) Undo(ctx context.Context, c *netstate.Change) (*executors.Result, error) {
	ctx, end, err := s.begin(ctx, "undoing a change")
	if err != nil {
		return nil, err
	}
	defer end()
	r, err := transaction.Undo(ctx, s.ns, c)
	return r, s.allowed("undoing a change", err)
}

// allowed adds the remedy to a refusal for lack of rights.
func (s *session) allowed(op string, err error) error {
	var refused *executors.EditError
	if os.Geteuid() == 0 || !errors.As(err, &refused) || unix.Errno(refused.Errno) != unix.EPERM {
		return err
	}
	return &executors.Error{Code: "permission", Op: op + " on " + s.target.Address, Err: err,
		Remedy: "run stet as root, or set become: sudo on the target, or use a sandbox:// target"}
}

// Lock implements executors.Session.
func (s *session) Lock(_ context.Context, l executors.Lock) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return &executors.Error{Code: "unreachable", Op: "locking " + s.target.Address, Message: "the session is closed", Err: os.ErrClosed}
	}
	if s.lock != nil {
		return held("locking "+s.target.Address, s.lock, l)
	}
	mine := me(l, s.host.served)
	f, err := takeLock(s.host.dir(s.space.key), s.target.Address, mine)
	if f == nil && mine.Served && takeOver(s.host.dir(s.space.key), l) {
		f, err = takeLock(s.host.dir(s.space.key), s.target.Address, mine)
	}
	s.lock = f
	return err
}

// Unlock implements executors.Session. Without a lock it does nothing.
func (s *session) Unlock(context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.lock == nil {
		return nil
	}
	f := s.lock
	s.lock = nil
	return releaseLock(f)
}

// Close implements executors.Session: it ends what runs, and waits for it.
// Guards stay; after a lost connection kept commands do, too, with the lock.
func (s *session) Close() error {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return nil
	}
	s.closed = true
	s.mu.Unlock()
	s.cancel()
	s.use.Wait()
	s.bequeath()
	err := s.Unlock(context.Background())
	err = errors.Join(err, s.ns.Close())
	s.host.forget(s)
	return err
}

// bequeath leaves what outlives the session: records of kept commands that the
// peer may not have heard of, and, while one goes on, the lock.
func (s *session) bequeath() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.lost && !s.host.lost.Load() && !s.host.stopped.Load() {
		s.kept.Forget(s.began)
		return
	}
	if s.goesOn && s.lock != nil {
		s.host.inherit(s.lock)
		s.lock = nil
	}
}
