package check

import (
	"bytes"
	"context"
	"fmt"
	"sync"

	"stet/executors"
)

// Bounds of what run(…) keeps of a command's output.
const (
	maxOut = 1 << 20
	maxErr = 64 << 10
)

// run runs a shell command, once a round.
func (r *round) run(ctx context.Context, command string) (output, error) {
	if known, ok := r.outputs[command]; ok {
		return known.value, known.err
	}
	c := executors.Command{Argv: []string{"sh", "-c", command}}
	if r.env != nil {
		c.Env = r.env()
	}
	stdout, stderr := &kept{limit: maxOut}, &kept{limit: maxErr}
	status, err := bounded(ctx, "running "+flat(command), func(ctx context.Context) (*executors.ExitStatus, error) {
		return r.session.Run(ctx, c, executors.Output{Stdout: stdout, Stderr: stderr})
	})
	if err == nil && status == nil {
		err = fmt.Errorf("running %s: nothing came back", flat(command))
	}
	var o output
	if err == nil {
		out, cut := stdout.text()
		errText, _ := stderr.text()
		o = newOutput(out, errText, status.Code, cut)
	}
	r.outputs[command] = ran{o, err}
	return o, err
}

// kept keeps the first limit bytes that are written to it. It stays safe when
// a command that was given up on goes on writing.
type kept struct {
	mu    sync.Mutex
	buf   bytes.Buffer
	limit int
	cut   bool
}

// Write implements io.Writer and never fails.
func (k *kept) Write(p []byte) (int, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if room := k.limit - k.buf.Len(); len(p) > room {
		k.cut = true
		k.buf.Write(p[:room])
	} else {
		k.buf.Write(p)
	}
	return len(p), nil
}

func (k *kept) text() (string, bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.buf.String(), k.cut
}
