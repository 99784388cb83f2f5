//go:build linux

package linux

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

// TestPauseBefore has a dump try again at once, and then for longer than the
// kernel takes to find out about duplicates of new addresses.
func TestPauseBefore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		for try := range dumpTries {
			if err := pauseBefore(t.Context(), try); err != nil {
				t.Fatal(err)
			}
			if try == atOnce-1 && time.Since(start) != 0 {
				t.Errorf("the first tries come after %v", time.Since(start))
			}
		}
		if took := time.Since(start); took < 2500*time.Millisecond || took > 5*time.Second {
			t.Errorf("all tries take %v", took)
		}
		over, cancel := context.WithCancelCause(t.Context())
		why := errors.New("interrupted")
		cancel(why)
		if err := pauseBefore(over, dumpTries-1); !errors.Is(err, why) {
			t.Errorf("the wait ended with %v", err)
		}
	})
}
