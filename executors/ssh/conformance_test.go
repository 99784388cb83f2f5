//go:build linux

package ssh

import (
	"context"
	"testing"
	"time"

	"stet/executors"
	"stet/executors/executortest"
)

// A host behind SSH passes the suite that every session passes: the agent
// serves the very session that is opened locally.
func TestConformance(t *testing.T) {
	b := newBed(t)
	s := b.behindLink(t)
	a := ownAgent(t)
	a.Args = []string{"agent", "serve"}
	o := opener(t, b.dialer(t, "", Options{}), a)
	executortest.Test(t, func(t *testing.T) executors.Session {
		// The suite also opens sessions when a test has ended, and with it
		// t.Context.
		ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
		defer cancel()
		session, err := o.Open(ctx, executors.Target{Name: "r1", Address: "ssh://" + s.address})
		if err != nil {
			t.Fatal(err)
		}
		return session
	})
	if n := s.logins(); n != 1 {
		t.Errorf("%d logins for all of it", n)
	}
}
