package redact

import (
	"errors"
	"io"
	"sync"
)

// segment is how much text is looked at between two writes.
const segment = 64 << 10

// Writer replaces secrets in what passes through it, also where a chunk ends
// in the middle of one: it holds back as much as could be the beginning of a
// secret, which is at most the length of the longest form of one, with its
// line breaks. It may be used from several goroutines.
type Writer struct {
	mu     sync.Mutex
	r      *Redactor
	w      io.Writer
	search search
	held   []byte // text from offset base on that is not written yet
	base   int
	err    error
	closed bool
}

// Writer makes a Writer in front of w. Close it, or its end is missing.
func (r *Redactor) Writer(w io.Writer) *Writer { return &Writer{r: r, w: w} }

// Write implements io.Writer. An error is w's; after one, all writes fail.
func (w *Writer) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		return 0, errors.New("writing to a closed redacting writer")
	}
	if w.err != nil {
		return 0, w.err
	}
	if w.r == nil || len(w.r.markers) == 0 {
		n, err := w.w.Write(p)
		w.err = err
		return n, err
	}
	for at := 0; at < len(p); at += segment {
		chunk := p[at:min(at+segment, len(p))]
		w.search.scan(w.r, chunk)
		if err := w.emit(chunk, w.search.settled(w.r)); err != nil {
			return at, err
		}
	}
	return len(p), nil
}

// emit writes what is settled, with the secrets in it replaced, and holds the
// rest back.
func (w *Writer) emit(chunk []byte, settled int) error {
	spans := w.search.spans
	final := len(spans)
	for final > 0 && spans[final-1].end > settled {
		final--
		settled = min(settled, spans[final].start)
	}
	if final == 0 && len(w.held) == 0 && settled == w.base+len(chunk) {
		w.base = settled
		return w.put(chunk)
	}
	w.held = append(w.held, chunk...)
	for _, s := range spans[:final] {
		if err := w.put(w.held[:s.start-w.base]); err != nil {
			return err
		}
		if err := w.put([]byte(w.r.markers[s.owner])); err != nil {
			return err
		}
		w.drop(s.end)
	}
	w.search.spans = append(w.search.spans[:0], spans[final:]...)
	if err := w.put(w.held[:settled-w.base]); err != nil {
		return err
	}
	w.drop(settled)
	w.held = append([]byte(nil), w.held...)
	return nil
}

// drop forgets held text up to an offset.
func (w *Writer) drop(to int) {
	w.held = w.held[to-w.base:]
	w.base = to
}

func (w *Writer) put(p []byte) error {
	if len(p) == 0 {
		return nil
	}
	_, w.err = w.w.Write(p)
	return w.err
}

// Close writes what was held back. It does not close the writer behind.
func (w *Writer) Close() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		return nil
	}
	w.closed = true
	if w.err != nil {
		return w.err
	}
	if w.r == nil || len(w.r.markers) == 0 {
		return nil
	}
	w.search.end()
	return w.emit(nil, w.search.at)
}
