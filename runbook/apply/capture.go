package apply

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"time"
	"unicode/utf8"

	"stet/runbook"
	"stet/runbook/redact"
)

// Bounds of what is kept of an output in memory; the whole is in a file.
const (
	headBytes     = 64 << 10
	tailBytes     = 64 << 10
	registerBytes = 1 << 20
	// linesPerSecond bounds the events of one command.
	linesPerSecond = 200
	// longestShown is how much of one line is shown while the command runs.
	longestShown = 4 << 10
)

// capture takes what a command prints: redacted before anything else sees it,
// whole into a file, made safe for text with its head and tail kept, line by
// line to the view.
type capture struct {
	x            *operation
	step, target string
	out, err     *stream

	mu      sync.Mutex
	file    *os.File
	name    string
	failed  error // of the file
	bytes   int64
	lines   int64
	head    []byte
	headN   int64 // lines in head
	tail    []byte
	text    int64 // bytes of text seen
	second  time.Time
	shown   int
	unshown int64
}

func newCapture(x *operation, step, target, name string) *capture {
	c := &capture{x: x, step: step, target: target, name: name}
	c.file, c.failed = x.log.Attach(name)
	c.out, c.err = c.stream(), c.stream()
	return c
}

// stream is one of a command's two outputs.
type stream struct {
	c     *capture
	keep  []byte // as printed, for a register
	cut   bool
	red   *redact.Writer
	lines liner

	goesOn bool  // the line that is shown
	unseen int64 // bytes of it that are not
}

func (c *capture) stream() *stream {
	s := &stream{c: c}
	s.lines.emit = s.line
	s.red = c.x.red.Writer(safe{s})
	return s
}

// Write implements io.Writer. It never fails: what cannot be kept does not
// stop the command.
func (s *stream) Write(p []byte) (int, error) {
	room := registerBytes - len(s.keep)
	s.keep = append(s.keep, p[:min(room, len(p))]...)
	s.cut = s.cut || room < len(p)
	if _, err := s.red.Write(p); err != nil {
		return 0, err
	}
	return len(p), nil
}

func (s *stream) kept() string { return string(s.keep) }

// safe is the stream behind the redactor.
type safe struct{ s *stream }

// Write implements io.Writer.
func (w safe) Write(p []byte) (int, error) {
	c := w.s.c
	c.mu.Lock()
	defer c.mu.Unlock()
	c.bytes += int64(len(p))
	if c.failed == nil && c.file != nil {
		_, c.failed = c.file.Write(p)
	}
	w.s.lines.write(p)
	return len(p), nil
}

var _ io.Writer = safe{}

// line takes one line of text, safe to show, without its end. Called with mu
// held.
func (c *capture) line(text []byte) {
	c.lines++
	c.text += int64(len(text)) + 1
	if c.tail == nil && len(c.head)+len(text)+1 <= headBytes {
		c.head = append(append(c.head, text...), '\n')
		c.headN++
	} else {
		c.tail = append(append(c.tail, text...), '\n')
		if len(c.tail) > 2*tailBytes {
			c.tail = append(c.tail[:0], c.tail[len(c.tail)-tailBytes:]...)
		}
	}
}

// line takes one line of text, or a part of a long one, safe to show, without its
// end. Of a line the view is told the beginning, and how much more there is.
// Called with c.mu held.
func (s *stream) line(text []byte, more bool) {
	s.c.line(text)
	n := len(text)
	if s.goesOn {
		n = 0
	} else if n > longestShown {
		for n = longestShown; !utf8.RuneStart(text[n]); {
			n--
		}
	}
	s.unseen += int64(len(text) - n)
	if shown := string(text[:n]); !s.goesOn && (more || s.unseen > 0) {
		s.c.show(shown + " …")
	} else if !s.goesOn {
		s.c.show(shown)
	}
	if s.goesOn = more; !more && s.unseen > 0 {
		s.c.show(fmt.Sprintf("… %d bytes of this line not shown", s.unseen))
		s.unseen = 0
	}
}

// show tells the view of a line, unless there were too many in this second.
func (c *capture) show(text string) {
	if c.x.o.Sink == nil {
		return
	}
	now := time.Now()
	if now.Sub(c.second) >= time.Second {
		c.missed()
		c.second, c.shown = now, 0
	}
	if c.shown >= linesPerSecond {
		c.unshown++
		return
	}
	c.shown++
	c.event(text)
}

func (c *capture) missed() {
	if c.unshown > 0 {
		c.event(fmt.Sprintf("… %d lines not shown", c.unshown))
	}
	c.unshown = 0
}

func (c *capture) event(text string) {
	c.x.emit(runbook.Event{Kind: runbook.EventOutput, Step: c.step, Target: c.target, Text: text})
}

// close flushes everything and returns the bounded record.
func (c *capture) close() *runbook.Output {
	for _, s := range []*stream{c.out, c.err} {
		_ = s.red.Close() // it writes to memory and to a file whose error is kept
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.out.lines.end()
	c.err.lines.end()
	c.missed()
	o := &runbook.Output{Head: string(c.head), Bytes: c.bytes, Lines: c.lines, File: c.name}
	tail := c.tail
	if len(tail) > tailBytes {
		tail = tail[len(tail)-tailBytes:]
	}
	if int64(len(c.head)+len(tail)) < c.text {
		if i := bytes.IndexByte(tail, '\n'); i >= 0 && i < len(tail)-1 {
			tail = tail[i+1:] // begin with a whole line
		}
	}
	o.Tail = string(bytes.ToValidUTF8(tail, []byte("�")))
	o.OmittedBytes = c.text - int64(len(c.head)+len(tail))
	o.OmittedLines = max(c.lines-c.headN-int64(bytes.Count(tail, []byte{'\n'})), 0)
	c.closeFile(o)
	return o
}

// closeFile ends the file with the whole output; one that says nothing more
// than the record is not kept.
func (c *capture) closeFile(o *runbook.Output) {
	if c.file == nil {
		o.File = ""
	} else {
		c.failed = errors.Join(c.failed, c.file.Close())
	}
	if c.file != nil && c.failed == nil && c.bytes == 0 {
		c.failed = os.Remove(c.file.Name())
		o.File = ""
	}
	if c.failed != nil {
		o.File = ""
		c.x.tell("The whole output of %s on %s could not be kept: %v.", c.step, c.target, c.failed)
	}
}
