package view

import (
	"encoding/json"
	"io"
	"sync"

	"stet/runbook"
)

// stream is one JSON object a line.
type stream struct {
	mu sync.Mutex
	e  *json.Encoder
}

// JSON shows events as JSON on w, one a line (see the reference, "Events").
func JSON(w io.Writer) View {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	return &stream{e: e}
}

// Event prints e. An error of the writer is not reported: the reader is gone.
func (v *stream) Event(e runbook.Event) {
	v.mu.Lock()
	defer v.mu.Unlock()
	_ = v.e.Encode(e)
}

func (v *stream) Pause() func() { return func() {} }

func (v *stream) Close() {}
