package kept

import (
	"context"
	"errors"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"stet/executors"
)

// Store is the directory of the commands of one network namespace.
type Store struct {
	dir   string
	begun atomic.Uint32 // commands, by this
}

// Open names a store; the directory is made by the first Run.
func Open(dir string) *Store { return &Store{dir: dir} }

// Runner runs a command to its end, and ends it when ctx does.
type Runner func(ctx context.Context, c executors.Command, out executors.Output) (*executors.ExitStatus, error)

// Run records and runs a command. When ctx ends because the connection was lost
// (executors.ErrLost), Run returns that at once and the command goes on, until
// the deadline of ctx or the end of life; running counts it as long as it does.
func (s *Store) Run(ctx, life context.Context, running *sync.WaitGroup, c executors.Command, out executors.Output, run Runner) (*executors.ExitStatus, error) {
	e, alive, err := s.begin(c.ID)
	if err != nil {
		return nil, err
	}
	r := &process{e: e, detached: make(chan struct{}), done: make(chan struct{})}
	life, r.cancel = context.WithCancel(life)
	if at, ok := ctx.Deadline(); ok {
		life, r.cancel = deadline(life, r.cancel, at)
	}
	running.Go(func() {
		defer alive.Close()
		defer close(r.done)
		r.run(life, c, out, run)
	})
	select {
	case <-r.done:
		return r.status, r.err
	case <-ctx.Done():
	}
	if errors.Is(context.Cause(ctx), executors.ErrLost) {
		close(r.detached)
		return nil, executors.ErrLost
	}
	if !errors.Is(ctx.Err(), context.DeadlineExceeded) { // which life has, too
		r.cancel()
	}
	<-r.done
	return r.status, late(ctx, r.err)
}

func deadline(ctx context.Context, cancel context.CancelFunc, at time.Time) (context.Context, context.CancelFunc) {
	ctx, inner := context.WithDeadline(ctx, at)
	return ctx, func() { inner(); cancel() }
}

// late makes the error of a command that was ended say why.
func late(ctx context.Context, err error) error {
	var known *executors.Error
	if errors.As(err, &known) && errors.Is(err, context.Canceled) {
		clone := *known
		clone.Err = ctx.Err()
		return &clone
	}
	return err
}

// process is a command that runs.
type process struct {
	e        entry
	cancel   context.CancelFunc
	detached chan struct{}
	done     chan struct{}
	status   *executors.ExitStatus
	err      error
}

func (r *process) run(ctx context.Context, c executors.Command, out executors.Output, run Runner) {
	l := &log{e: r.e}
	defer l.close()
	defer r.cancel()
	go r.heed(ctx)
	var mu sync.Mutex
	kept := executors.Output{Stdout: r.tee(&mu, l, stdout, out.Stdout)}
	if kept.Stderr = kept.Stdout; !same(out.Stdout, out.Stderr) {
		kept.Stderr = r.tee(&mu, l, stderr, out.Stderr)
	}
	r.status, r.err = run(ctx, c, kept)
	x := exit{Status: r.status, At: time.Now().UTC(), Late: errors.Is(r.err, context.DeadlineExceeded), Ended: errors.Is(r.err, context.Canceled)}
	if r.err != nil {
		var known *executors.Error
		if !errors.As(r.err, &known) {
			known = &executors.Error{Code: "protocol", Op: "running " + c.Argv[0], Message: r.err.Error()}
		}
		clone := *known
		if clone.Message == "" && clone.Err != nil {
			clone.Message = clone.Err.Error()
		}
		x.Error = &clone
	}
	// Where it cannot be written, whoever asks later learns that nobody knows.
	_ = r.e.write("exit", x)
}

// heed ends the command when somebody asks for that after its connection was
// lost.
func (r *process) heed(ctx context.Context) {
	select {
	case <-r.detached:
	case <-ctx.Done():
		return
	}
	tick := time.NewTicker(look)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			if r.e.has("end") {
				r.cancel()
			}
		}
	}
}

// same reports whether both streams go to one writer, in their order.
func same(a, b io.Writer) (equal bool) {
	defer func() {
		if recover() != nil { // of a type that cannot be compared
			equal = false
		}
	}()
	return a == b
}

// tee keeps a stream and hands it on.
func (r *process) tee(mu *sync.Mutex, l *log, stream byte, to io.Writer) io.Writer {
	if to == nil {
		return nil
	}
	t := &tee{r: r, mu: mu, log: l, stream: stream, to: to, work: make(chan []byte), taken: make(chan error)}
	go t.handOn()
	return t
}

type tee struct {
	r      *process
	mu     *sync.Mutex
	log    *log
	stream byte
	to     io.Writer
	work   chan []byte
	taken  chan error
}

// Write implements io.Writer. A reader that is slow holds the command up, one
// that is gone does not: it may be gone in the middle of this.
func (t *tee) Write(b []byte) (int, error) {
	t.mu.Lock()
	t.log.write(t.stream, b)
	t.mu.Unlock()
	select {
	case <-t.r.detached:
		return len(b), nil
	default:
	}
	piece := append([]byte(nil), b...)
	select {
	case t.work <- piece:
	case <-t.r.detached:
		return len(b), nil
	}
	select {
	case err := <-t.taken:
		if err != nil && !t.r.left() {
			return 0, err
		}
	case <-t.r.detached:
	}
	return len(b), nil
}

// left reports whether nobody listens any more. The writer may have learnt of a
// lost connection before Run did.
func (r *process) left() bool {
	select {
	case <-r.detached:
		return true
	case <-time.After(time.Second):
		return false
	}
}

// handOn writes beside the command: a write may block until the process ends.
func (t *tee) handOn() {
	for {
		select {
		case b := <-t.work:
			_, err := t.to.Write(b)
			select {
			case t.taken <- err:
			case <-t.r.detached:
				return
			}
		case <-t.r.done:
			return
		}
	}
}
