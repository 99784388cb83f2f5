package wire

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"time"

	"stet/executors"
	"stet/executors/netstate"
)

// method answers a request about a session.
type method func(ctx context.Context, s executors.Session, params json.RawMessage) (any, error)

// methods are those of a session that are one question and one answer.
var methods = map[string]method{
	"observe": func(ctx context.Context, s executors.Session, b json.RawMessage) (any, error) {
		p, err := params[queryParams](b)
		if err != nil {
			return nil, err
		}
		return result(s.Observe(ctx, p.Query))
	},
	"probe": func(ctx context.Context, s executors.Session, b json.RawMessage) (any, error) {
		p, err := params[probeParams](b)
		if err != nil {
			return nil, err
		}
		return result(s.Probe(ctx, p.Probe))
	},
	"info": func(ctx context.Context, s executors.Session, _ json.RawMessage) (any, error) {
		return result(s.Info(ctx))
	},
	"apply": func(ctx context.Context, s executors.Session, b json.RawMessage) (any, error) {
		p, err := params[changeParams](b)
		if err != nil {
			return nil, err
		}
		return result(s.Apply(ctx, given(p)))
	},
	"undo": func(ctx context.Context, s executors.Session, b json.RawMessage) (any, error) {
		p, err := params[changeParams](b)
		if err != nil {
			return nil, err
		}
		return result(s.Undo(ctx, given(p)))
	},
	"arm": func(ctx context.Context, s executors.Session, b json.RawMessage) (any, error) {
		p, err := params[guardParams](b)
		if err != nil {
			return nil, err
		}
		return s.Arm(ctx, p.Guard)
	},
	"confirm": func(ctx context.Context, s executors.Session, b json.RawMessage) (any, error) {
		p, err := params[idParams](b)
		if err != nil {
			return nil, err
		}
		return nil, s.Confirm(ctx, p.ID)
	},
	"revert": func(ctx context.Context, s executors.Session, b json.RawMessage) (any, error) {
		p, err := params[idParams](b)
		if err != nil {
			return nil, err
		}
		g, err := s.Revert(ctx, p.ID)
		if g != nil && g.Now.IsZero() {
			g.Now = time.Now()
		}
		return result(g, err)
	},
	"guards": func(ctx context.Context, s executors.Session, _ json.RawMessage) (any, error) {
		all, err := s.Guards(ctx)
		all = slices.Clone(all)
		for i := range all {
			if all[i].Now.IsZero() {
				all[i].Now = time.Now()
			}
		}
		return all, err
	},
	"lock": func(ctx context.Context, s executors.Session, b json.RawMessage) (any, error) {
		p, err := params[lockParams](b)
		if err != nil {
			return nil, err
		}
		if err := s.Lock(ctx, p.Lock); err != nil {
			return nil, err
		}
		// Whoever locks something asks next what it is: that costs no round trip
		// of its own. What goes wrong here is told when it is asked again.
		info, err := s.Info(ctx)
		if err != nil {
			return nil, nil
		}
		return result(info, nil)
	},
	"unlock": func(ctx context.Context, s executors.Session, _ json.RawMessage) (any, error) {
		return nil, s.Unlock(ctx)
	},
}

func params[T any](b json.RawMessage) (T, error) {
	var p T
	if err := json.Unmarshal(b, &p); err != nil {
		return p, &executors.Error{Code: "protocol", Op: "reading the parameters of a request", Err: err}
	}
	return p, nil
}

// given is the change with its keys, an empty one for none.
func given(p changeParams) *netstate.Change {
	if p.Change == nil {
		return &netstate.Change{}
	}
	p.Change.Secrets = p.Secrets
	return p.Change
}

// result keeps a nil pointer from becoming a result.
func result[T any](r *T, err error) (any, error) {
	if r == nil {
		return nil, err
	}
	return r, err
}

// answer answers one request. What a request's content makes fall over fails
// that request only: the same process may be all that keeps sandboxes alive.
func (s *server) answer(ctx context.Context, id uint32, q request, j *job) (r any, err error) {
	defer func() {
		if p := recover(); p != nil {
			r, err = nil, &executors.Error{Code: "protocol", Op: "answering the request " + q.Method,
				Message: fmt.Sprintf("it made the helper fail: %v", p), Remedy: "please report this as a bug of stet"}
		}
	}()
	switch q.Method {
	case "open":
		return s.openSession(ctx, q.Params)
	case "close":
		return nil, s.closeSession(q.Session)
	case "shutdown":
		return nil, s.shutdown()
	case "echo":
		p, err := params[echoParams](q.Params)
		return p.Payload, err
	}
	session := s.session(q.Session)
	if session == nil {
		return nil, &executors.Error{Code: "unreachable", Op: "using a session", Message: "the session is closed", Err: os.ErrClosed}
	}
	switch q.Method {
	case "run":
		return s.run(ctx, id, session, q.Params, j)
	case "attach":
		return s.attach(ctx, id, session, q.Params, j)
	}
	m, ok := methods[q.Method]
	if !ok {
		return nil, &executors.Error{Code: "unsupported", Op: "answering a request", Message: fmt.Sprintf("the method %q is not known", q.Method)}
	}
	return m(ctx, session, q.Params)
}

func (s *server) session(id uint32) executors.Session {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.open[id]
}

func (s *server) openSession(ctx context.Context, b json.RawMessage) (any, error) {
	p, err := params[openParams](b)
	if err != nil {
		return nil, err
	}
	session, err := s.opener.Open(ctx, p.Target)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	full := len(s.open) >= MaxSessions
	if !full {
		s.last++
		s.open[s.last] = session
	}
	id := s.last
	s.mu.Unlock()
	if full {
		return nil, errors.Join(&executors.Error{Code: "unsupported", Op: "opening " + p.Target.Address,
			Message: fmt.Sprintf("%d sessions are open", MaxSessions)}, session.Close())
	}
	where := ""
	if l, ok := session.(executors.Located); ok {
		where = l.Location()
	}
	return opened{id, where}, nil
}

func (s *server) closeSession(id uint32) error {
	s.mu.Lock()
	session := s.open[id]
	delete(s.open, id)
	s.mu.Unlock()
	if session == nil {
		return nil
	}
	return session.Close()
}

// shutdown closes everything, so that the client learns how that went.
func (s *server) shutdown() error {
	s.mu.Lock()
	open := s.open
	s.open = map[uint32]executors.Session{}
	s.mu.Unlock()
	var errs []error
	for _, session := range open {
		errs = append(errs, session.Close())
	}
	return errors.Join(append(errs, s.opener.Close())...)
}

func (s *server) run(ctx context.Context, id uint32, session executors.Session, b json.RawMessage, j *job) (any, error) {
	p, err := params[runParams](b)
	if err != nil {
		return nil, err
	}
	var out executors.Output
	if p.Stdout {
		out.Stdout = &output{ctx, s.w, kindStdout, id, j.credit}
	}
	switch {
	case p.Merge:
		out.Stderr = out.Stdout
	case p.Stderr:
		out.Stderr = &output{ctx, s.w, kindStderr, id, j.credit}
	}
	return result(session.Run(ctx, p.Command, out))
}

func (s *server) attach(ctx context.Context, id uint32, session executors.Session, b json.RawMessage, j *job) (any, error) {
	p, err := params[attachParams](b)
	if err != nil {
		return nil, err
	}
	keeper, ok := session.(executors.Keeper)
	if !ok {
		return nil, &executors.Error{Code: "unsupported", Op: "asking what became of " + p.ID, Message: "commands are not kept here"}
	}
	var out executors.Output
	if p.Stdout {
		out.Stdout = &output{ctx, s.w, kindStdout, id, j.credit}
	}
	if p.Stderr {
		out.Stderr = &output{ctx, s.w, kindStderr, id, j.credit}
	}
	return result(keeper.Attach(ctx, p.ID, p.Got, out))
}
