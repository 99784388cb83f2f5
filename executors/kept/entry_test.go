//go:build linux

package kept

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"testing"

	"stet/executors"
)

// Of many commands that ended some are remembered, the last ones among them, and
// none of those is begun again.
func TestPrune(t *testing.T) {
	const count = 3*keepMost + 5
	dir := t.TempDir() + "/commands"
	s := Open(dir)
	ran := 0
	var running sync.WaitGroup
	run := func(id string) error {
		_, err := s.Run(t.Context(), t.Context(), &running, executors.Command{ID: id, Argv: []string{"true"}}, executors.Output{},
			func(context.Context, executors.Command, executors.Output) (*executors.ExitStatus, error) {
				ran++
				return &executors.ExitStatus{}, nil
			})
		return err
	}
	for i := range count {
		if err := run(fmt.Sprint(i)); err != nil {
			t.Fatal(err)
		}
		left, err := os.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		if least := min(i+1, keepMost); len(left) < least || len(left) > keepMost+pruneEvery {
			t.Fatalf("of %d commands %d are remembered", i+1, len(left))
		}
	}
	running.Wait()
	for i := count - keepMost; i < count; i++ {
		id := fmt.Sprint(i)
		var known *executors.Error
		if err := run(id); !errors.As(err, &known) || known.Code != "changed" {
			t.Errorf("%s is begun again: %v", id, err)
		}
		if fate, err := s.Attach(t.Context(), id, executors.Received{}, executors.Output{}); err != nil || fate.Status.Code != 0 {
			t.Errorf("%s: %+v %v", id, fate, err)
		}
	}
	if ran != count {
		t.Errorf("%d of %d were run", ran, count)
	}
}
