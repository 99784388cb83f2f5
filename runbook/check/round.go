package check

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"stet/executors"
	"stet/executors/netstate"
)

// round is one look at the target: what was observed or asked is kept until
// the next round, so that all assertions of a round speak of the same facts
// and the same question is asked once.
type round struct {
	session executors.Session
	// want is what the whole block needs: the first look takes all of it, in
	// one trip to the target.
	want netstate.Query
	env  func() []string // of commands; may be nil

	state  netstate.State
	have   netstate.Query
	failed map[string]error
	looked bool
	keys   map[string]bool // sysctls that were asked for

	replies map[string]reply
	outputs map[string]ran

	// lists are the facts as expressions see them, by name.
	lists map[string]any
}

type reply struct {
	value *executors.ProbeReply
	err   error
}

type ran struct {
	value output
	err   error
}

func newRound(s executors.Session, want netstate.Query, env func() []string) *round {
	return &round{
		session: s, want: want, env: env, failed: map[string]error{}, keys: map[string]bool{},
		replies: map[string]reply{}, outputs: map[string]ran{}, lists: map[string]any{},
	}
}

// timeout is the cause of a context that has run out of an evaluation's time.
type timeout struct{ after time.Duration }

func (t timeout) Error() string { return "no answer within " + t.after.String() }

// told says what was being done, unless err says so itself, and what helps.
func told(what string, err error) error {
	if !strings.HasPrefix(err.Error(), what+": ") {
		err = fmt.Errorf("%s: %w", what, err)
	}
	var known *executors.Error
	if errors.As(err, &known) && known.Remedy != "" {
		err = fmt.Errorf("%w; %s", err, known.Remedy)
	}
	return err
}

// bounded calls f and gives up when ctx ends, even if f does not.
func bounded[T any](ctx context.Context, what string, f func(context.Context) (T, error)) (T, error) {
	type result struct {
		value T
		err   error
	}
	var zero T
	if ctx.Err() != nil {
		return zero, fmt.Errorf("%s: %w", what, context.Cause(ctx))
	}
	done := make(chan result, 1)
	go func() {
		var r result
		defer func() {
			if p := recover(); p != nil {
				r.err = fmt.Errorf("internal fault: %v", p)
			}
			done <- r
		}()
		r.value, r.err = f(ctx)
	}()
	select {
	case r := <-done:
		if r.err != nil {
			if ctx.Err() != nil && !unreached(r.err) {
				r.err = context.Cause(ctx)
			}
			return r.value, told(what, r.err)
		}
		return r.value, nil
	case <-ctx.Done():
		return zero, fmt.Errorf("%s: %w", what, context.Cause(ctx))
	}
}

// unreached tells that the target was not reached, which says more than that the
// time was up.
func unreached(err error) bool {
	var known *executors.Error
	return errors.As(err, &known) && !errors.Is(err, context.Canceled) &&
		slices.Contains([]string{"unreachable", "refused", "timeout"}, known.Code)
}

// observe reads the parts that q asks for and this round has not yet.
func (r *round) observe(ctx context.Context, part string, q netstate.Query) (*netstate.State, error) {
	if covers(r.have, q) && r.haveKeys(q.Sysctls) {
		return &r.state, nil
	}
	if !r.looked {
		r.looked = true
		if all := merge(r.want, q); !same(all, q) {
			if err := r.read(ctx, all); err == nil {
				return &r.state, nil
			}
		}
	}
	if err := r.failed[part]; err != nil {
		return nil, err
	}
	if err := r.read(ctx, q); err != nil {
		r.failed[part] = err
		return nil, err
	}
	return &r.state, nil
}

func (r *round) read(ctx context.Context, q netstate.Query) error {
	s, err := bounded(ctx, "reading the network state", func(ctx context.Context) (*netstate.State, error) {
		return r.session.Observe(ctx, q)
	})
	if err != nil {
		return err
	}
	if s == nil {
		return errors.New("reading the network state: nothing came back")
	}
	if q.Links {
		r.state.Interfaces, r.have.Links, r.have.Ethtool = s.Interfaces, true, q.Ethtool
	}
	if q.Routes {
		r.state.Routes, r.state.MPLS, r.have.Routes = s.Routes, s.MPLS, true
	}
	if q.Rules {
		r.state.Rules, r.have.Rules = s.Rules, true
	}
	if q.Neighbors {
		r.state.Neighbors, r.have.Neighbors = s.Neighbors, true
	}
	if q.FDB {
		r.state.FDB, r.have.FDB = s.FDB, true
	}
	if q.TrafficControl {
		r.state.TrafficControl, r.have.TrafficControl = s.TrafficControl, true
	}
	if len(q.Netns) > 0 {
		r.state.Namespaces, r.have.Netns = s.Namespaces, q.Netns
	}
	if q.DNS {
		r.state.DNS, r.have.DNS = s.DNS, true
	}
	if q.Xfrm {
		if reason := s.Lacks["ipsec-xfrm"]; reason != "" {
			return errors.New("reading the states and policies of IPsec: " + reason)
		}
		r.xfrm(s, false)
		r.have.Xfrm = true
	}
	if q.MPTCP {
		if reason := s.Lacks["mptcp"]; reason != "" {
			return errors.New("reading the endpoints and limits of Multipath TCP: " + reason)
		}
		r.xfrm(s, true)
		r.have.MPTCP = true
	}
	if len(q.Sysctls) > 0 && r.state.Sysctls == nil {
		r.state.Sysctls = map[string]string{}
	}
	for _, key := range q.Sysctls {
		r.keys[key] = true
	}
	for key, value := range s.Sysctls {
		r.state.Sysctls[key] = value
	}
	return nil
}

// xfrm takes over the objects of Multipath TCP, or those of IPsec.
func (r *round) xfrm(s *netstate.State, mptcp bool) {
	r.state.Xfrm = slices.DeleteFunc(r.state.Xfrm, func(x netstate.Xfrm) bool { return x.MPTCP() == mptcp })
	for i := range s.Xfrm {
		if s.Xfrm[i].MPTCP() == mptcp {
			r.state.Xfrm = append(r.state.Xfrm, s.Xfrm[i])
		}
	}
}

func (r *round) haveKeys(keys []string) bool {
	for _, key := range keys {
		if !r.keys[key] {
			return false
		}
	}
	return true
}

// covers reports whether what was observed has all parts of q but sysctls.
func covers(have, q netstate.Query) bool {
	return (have.Links || !q.Links) && (have.Routes || !q.Routes) && (have.Rules || !q.Rules) &&
		(have.Neighbors || !q.Neighbors) && (have.FDB || !q.FDB) && (have.Xfrm || !q.Xfrm) && (have.MPTCP || !q.MPTCP) && (have.DNS || !q.DNS) && (have.TrafficControl || !q.TrafficControl) && len(have.Netns) >= len(q.Netns) && (have.Ethtool || !q.Ethtool)
}

func same(a, b netstate.Query) bool {
	return covers(a, b) && covers(b, a) && len(a.Sysctls) == len(b.Sysctls)
}

// merge asks for what either query asks for.
func merge(a, b netstate.Query) netstate.Query {
	m := netstate.Query{
		Links: a.Links || b.Links, Routes: a.Routes || b.Routes, Rules: a.Rules || b.Rules,
		Neighbors: a.Neighbors || b.Neighbors, FDB: a.FDB || b.FDB, Xfrm: a.Xfrm || b.Xfrm, MPTCP: a.MPTCP || b.MPTCP, DNS: a.DNS || b.DNS, TrafficControl: a.TrafficControl || b.TrafficControl, Ethtool: a.Ethtool || b.Ethtool,
	}
	if m.Netns = a.Netns; len(m.Netns) == 0 {
		m.Netns = b.Netns // both are of all
	}
	seen := map[string]bool{}
	for _, key := range append(append([]string(nil), a.Sysctls...), b.Sysctls...) {
		if !seen[key] {
			seen[key] = true
			m.Sysctls = append(m.Sysctls, key)
		}
	}
	return m
}

// probe asks one question, once a round.
func (r *round) probe(ctx context.Context, what string, p executors.Probe) (*executors.ProbeReply, error) {
	key, err := json.Marshal(p)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", what, err)
	}
	if known, ok := r.replies[string(key)]; ok {
		return known.value, known.err
	}
	v, err := bounded(ctx, what, func(ctx context.Context) (*executors.ProbeReply, error) {
		return r.session.Probe(ctx, p)
	})
	if err == nil && v == nil {
		err = fmt.Errorf("%s: nothing came back", what)
	}
	r.replies[string(key)] = reply{v, err}
	return v, err
}
