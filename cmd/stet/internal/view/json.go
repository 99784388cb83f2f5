package view

import (
	"encoding/json"
	"sync"

	"stet/runbook"
)

// stream is one JSON object a line.
type stream struct {
	mu sync.Mutex
	e  *json.Encoder
}

// JSON shows events as JSON on p, one a line (see the reference, "Events").
func JSON(p *Page) View {
	e := json.NewEncoder(verbatim{p})
	e.SetEscapeHTML(false)
	return &stream{e: e}
}

// verbatim is a page that takes bytes and keeps the error of writing them.
type verbatim struct{ *Page }

// Write implements io.Writer.
func (v verbatim) Write(b []byte) (int, error) {
	v.Verbatim(string(b))
	return len(b), nil
}

// Event prints e. An error of writing ends nothing: see Page.Err.
func (v *stream) Event(e runbook.Event) {
	v.mu.Lock()
	defer v.mu.Unlock()
	_ = v.e.Encode(e)
}

func (v *stream) Pause() func() { return func() {} }

func (v *stream) Close() {}
