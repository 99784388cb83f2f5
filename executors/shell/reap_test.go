//go:build linux

package shell_test

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"stet/executors"
	"stet/executors/shell"
)

const reaperVar = "STET_SHELL_TEST_REAPER"

func TestMain(m *testing.M) {
	if os.Getenv(reaperVar) == "" {
		os.Exit(m.Run())
	}
	if err := reaper(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// TestReap: in a process that reaps, commands keep their exit codes, and orphans
// are waited for, whichever of them ends first.
func TestReap(t *testing.T) {
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = append(os.Environ(), reaperVar+"=1")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
}

func reaper() error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := shell.Reap(ctx); err != nil {
		return err
	}
	var all sync.WaitGroup
	faults := make([]error, 30)
	for i := range faults {
		all.Go(func() {
			st, err := shell.Run(ctx, sh(fmt.Sprintf("(sleep 0.0%d &); (true &); exit 7", i%10)), executors.Output{Stdout: io.Discard}, shell.Options{Drain: time.Millisecond})
			if err == nil && st.Code != 7 {
				err = fmt.Errorf("exit code %d", st.Code)
			}
			faults[i] = err
		})
	}
	all.Wait()
	for _, err := range faults {
		if err != nil {
			return err
		}
	}
	if err := until(ctx, func(state string) bool { return false }); err != nil {
		return fmt.Errorf("orphans are left: %w", err)
	}
	if _, err := shell.Run(ctx, sh("sleep 1000 >/dev/null 2>&1 &"), executors.Output{}, shell.Options{}); err != nil {
		return err
	}
	if len(children()) == 0 {
		return fmt.Errorf("the orphan did not come to this process")
	}
	shell.EndOrphans()
	if err := until(ctx, func(state string) bool { return state == "Z" }); err != nil {
		return fmt.Errorf("an orphan was not ended: %w", err)
	}
	return nil
}

// until waits until there are no children but those in a state that may be.
func until(ctx context.Context, may func(state string) bool) error {
	for {
		left := ""
		for pid, state := range children() {
			if !may(state) {
				left += fmt.Sprintf(" %d (%s)", pid, state)
			}
		}
		if left == "" {
			return nil
		}
		select {
		case <-time.After(5 * time.Millisecond):
		case <-ctx.Done():
			return fmt.Errorf("children:%s", left)
		}
	}
}

// children are this process's, with their states (proc(5)).
func children() map[int]string {
	found := map[int]string{}
	stats, _ := filepath.Glob("/proc/[0-9]*/stat") // the pattern is well-formed
	for _, path := range stats {
		text, err := os.ReadFile(path)
		if err != nil {
			continue // it has ended
		}
		fields := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
		if len(fields) > 1 && fields[1] == strconv.Itoa(os.Getpid()) {
			pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(path))) // a number, by the pattern
			found[pid] = fields[0]
		}
	}
	return found
}
