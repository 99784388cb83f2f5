package kept

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sort"
	"strconv"
	"strings"

	"stet/executors"
)

// A log begins with the bytes of both streams that were printed before it, and
// then has frames: the stream, the length of what was printed, and that.
const (
	logHead   = 16
	frameHead = 5
	stdout    = 1
	stderr    = 2
)

// log writes what a command prints.
type log struct {
	e     entry
	file  *os.File
	size  int
	n     int
	total executors.Received
	err   error // the first of writing: what is not kept does not stop the command
}

// write keeps a piece of output.
func (l *log) write(stream byte, b []byte) {
	if l.err != nil {
		return
	}
	if l.file == nil || l.size >= segment {
		if l.err = l.next(); l.err != nil {
			return
		}
	}
	frame := make([]byte, frameHead, frameHead+len(b))
	frame[0] = stream
	binary.BigEndian.PutUint32(frame[1:], uint32(len(b)))
	if _, l.err = l.file.Write(append(frame, b...)); l.err != nil {
		return
	}
	l.size += frameHead + len(b)
	*count(&l.total, stream) += int64(len(b))
}

// next begins another log, and removes the one before the last.
func (l *log) next() error {
	l.close()
	l.n++
	f, err := os.OpenFile(l.e.path(fmt.Sprintf("log.%d", l.n)), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	var head [logHead]byte
	binary.BigEndian.PutUint64(head[:], uint64(l.total.Stdout))
	binary.BigEndian.PutUint64(head[8:], uint64(l.total.Stderr))
	if _, err := f.Write(head[:]); err != nil {
		f.Close()
		return err
	}
	l.file, l.size = f, 0
	if err := os.Remove(l.e.path(fmt.Sprintf("log.%d", l.n-2))); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

func (l *log) close() {
	if l.file != nil {
		l.file.Close()
	}
	l.file = nil
}

func count(r *executors.Received, stream byte) *int64 {
	if stream == stderr {
		return &r.Stderr
	}
	return &r.Stdout
}

// reader gives out what logs hold beyond what was received.
type reader struct {
	e      entry
	got    executors.Received
	missed int64
	out    executors.Output
}

// read gives out what is new, in the order in which it was printed.
func (r *reader) read() error {
	names, err := filepath.Glob(r.e.path("log.*"))
	if err != nil {
		return err
	}
	number := func(name string) int {
		n, _ := strconv.Atoi(name[strings.LastIndexByte(name, '.')+1:]) // it was written as one
		return n
	}
	sort.Slice(names, func(i, j int) bool { return number(names[i]) < number(names[j]) })
	for _, name := range names {
		b, err := os.ReadFile(name)
		if errors.Is(err, fs.ErrNotExist) {
			continue // removed meanwhile: what of it is missed, the next one tells
		}
		if err == nil {
			err = r.take(b)
		}
		if err != nil {
			return fmt.Errorf("reading %s: %w", name, err)
		}
	}
	return nil
}

// take gives out what is new in one log. Its end may be cut off, while it is
// written.
func (r *reader) take(b []byte) error {
	if len(b) < logHead {
		return nil
	}
	at := executors.Received{Stdout: int64(binary.BigEndian.Uint64(b)), Stderr: int64(binary.BigEndian.Uint64(b[8:]))}
	for _, stream := range []byte{stdout, stderr} {
		got, from := count(&r.got, stream), *count(&at, stream)
		if *got < from {
			r.missed += from - *got
			*got = from
		}
	}
	for b = b[logHead:]; len(b) >= frameHead; {
		stream, n := b[0], int64(binary.BigEndian.Uint32(b[1:]))
		if stream != stdout && stream != stderr {
			return fmt.Errorf("%d is no stream", stream)
		}
		if int64(len(b)-frameHead) < n {
			return nil
		}
		piece := b[frameHead : frameHead+n]
		b = b[frameHead+n:]
		start, got := count(&at, stream), count(&r.got, stream)
		skip := min(max(*got-*start, 0), n)
		*start += n
		if skip == n {
			continue
		}
		to := r.out.Stdout
		if stream == stderr {
			to = r.out.Stderr
		}
		if err := give(to, piece[skip:]); err != nil {
			return err
		}
		*got = *start
	}
	return nil
}

func give(to io.Writer, b []byte) error {
	if to == nil {
		return nil
	}
	_, err := to.Write(b)
	return err
}
