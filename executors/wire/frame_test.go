package wire

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"
	"time"
)

func TestFramesComeAsTheyWent(t *testing.T) {
	var b bytes.Buffer
	w := &writer{w: &b}
	want := []frame{
		{kind: kindRequest, id: 7, payload: []byte("{}")},
		{kind: kindStdout, id: 1<<32 - 1, more: true, payload: bytes.Repeat([]byte{0, 255}, MaxFrame/2)},
		{kind: kindPing},
	}
	for _, f := range want {
		if err := w.frame(f.kind, f.id, f.more, f.payload); err != nil {
			t.Fatal(err)
		}
	}
	r := newReader(iotest.OneByteReader(&b))
	for _, f := range want {
		got, err := r.next()
		if err != nil || got.kind != f.kind || got.id != f.id || got.more != f.more || !bytes.Equal(got.payload, f.payload) {
			t.Errorf("%v %d %v %d bytes, %v", got.kind, got.id, got.more, len(got.payload), err)
		}
	}
	if _, err := r.next(); !errors.Is(err, io.EOF) {
		t.Errorf("at the end: %v", err)
	}
}

// writes takes what is written piece by piece.
type writes chan string

func (w writes) Write(b []byte) (int, error) {
	w <- string(b)
	return len(b), nil
}

// Small output goes with what follows it, alone when nothing does, and a lot of it
// at once.
func TestOutputWaits(t *testing.T) {
	told := make(writes, 100)
	w := &writer{w: told}
	put := func(text string) {
		t.Helper()
		if err := w.output(kindStdout, 1, []byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	take := func() string {
		t.Helper()
		select {
		case b := <-told:
			return b
		case <-time.After(time.Minute):
			t.Fatal("nothing is written")
			return ""
		}
	}
	put("one\n")
	if err := w.frame(kindResponse, 1, false, []byte("{}")); err != nil {
		t.Fatal(err)
	}
	all := take()
	for len(told) > 0 || !strings.HasSuffix(all, "{}") { // after a pause longer than lateBy here it is two
		all += take()
	}
	one := string(appendFrame(nil, kindStdout, 1, false, []byte("one\n")))
	if want := one + string(appendFrame(nil, kindResponse, 1, false, []byte("{}"))); all != want {
		t.Errorf("%q is written, want %q", all, want)
	}
	put("one\n")
	if got := take(); got != one {
		t.Errorf("%q is written, want %q", got, one)
	}
	large := strings.Repeat("x", maxHeld)
	put(large)
	if len(told) != 1 {
		t.Error("what is large waits")
	}
	if got, want := take(), string(appendFrame(nil, kindStdout, 1, false, []byte(large))); got != want {
		t.Errorf("%d bytes are written, want %d", len(got), len(want))
	}
	if err := w.flush(); err != nil || len(told) != 0 {
		t.Errorf("%d writes of nothing, %v", len(told), err)
	}
}

func TestBadFrames(t *testing.T) {
	for name, c := range map[string]struct{ b, err string }{
		"too large":    {"\x00\x01\x00\x01\x02\x00\x00\x00\x00\x00", "larger than 65536"},
		"huge":         {"\xff\xff\xff\xff\x02\x00\x00\x00\x00\x00", "larger than 65536"},
		"kind 0":       {"\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00", "unknown kind 0"},
		"kind 10":      {"\x00\x00\x00\x00\x0a\x00\x00\x00\x00\x00", "unknown kind 10"},
		"flags":        {"\x00\x00\x00\x00\x02\x02\x00\x00\x00\x00", "unknown flags 0x2"},
		"half header":  {"\x00\x00\x00", "cut off"},
		"half payload": {"\x00\x00\x00\x04\x02\x00\x00\x00\x00\x00ab", "cut off"},
	} {
		if _, err := newReader(strings.NewReader(c.b)).next(); err == nil || !strings.Contains(err.Error(), c.err) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestMessagesInParts(t *testing.T) {
	var b bytes.Buffer
	w := &writer{w: &b}
	large := []byte(strings.Repeat("0123456789", 20_000)) // four frames
	if err := w.message(kindRequest, 1, large); err != nil {
		t.Fatal(err)
	}
	r, p := newReader(&b), newParts(1<<20)
	for n := 1; ; n++ {
		f, err := r.next()
		if err != nil {
			t.Fatal(err)
		}
		message, complete, err := p.add(f)
		if err != nil {
			t.Fatal(err)
		}
		if complete {
			if n != 4 || !bytes.Equal(message, large) {
				t.Errorf("%d frames, %d bytes", n, len(message))
			}
			break
		}
	}
	if p.held != 0 || len(p.unfinished) != 0 {
		t.Errorf("%d bytes of %d messages are still held", p.held, len(p.unfinished))
	}
}

// TestPartsInterleave and are bounded, all of them together.
func TestPartsInterleave(t *testing.T) {
	p := newParts(10)
	for _, c := range []struct {
		id   uint32
		more bool
		text string
		want string
	}{{1, true, "a", ""}, {2, true, "b", ""}, {3, false, "whole", "whole"}, {1, false, "A", "aA"}, {2, true, "bb", ""}, {2, false, "", "bbb"}} {
		message, complete, err := p.add(frame{id: c.id, more: c.more, payload: []byte(c.text)})
		if err != nil || string(message) != c.want || complete != (c.want != "") {
			t.Errorf("%+v: %q %v %v", c, message, complete, err)
		}
	}
	for id := range uint32(2) {
		_, _, err := p.add(frame{id: id, more: true, payload: []byte("sixsix")})
		if (err == nil) != (id == 0) {
			t.Errorf("message %d: %v", id, err)
		}
	}
	many := newParts(1 << 20)
	for id := range uint32(MaxInFlight) {
		if _, _, err := many.add(frame{id: id, more: true}); err != nil {
			t.Fatal(err)
		}
	}
	if _, _, err := many.add(frame{id: MaxInFlight, more: true}); err == nil {
		t.Error("unfinished messages without number are held")
	}
}

func TestSeek(t *testing.T) {
	for _, c := range []struct {
		in    string
		limit int
		noise string
		fails bool
	}{
		{Magic, 0, "", false},
		{"x" + Magic, 0, "", true},
		{"Welcome to this host!\r\n" + Magic, 100, "Welcome to this host!\r\n", false},
		{"stet/stet/1\r\n" + Magic, 100, "stet/", false},
		{"stet/2\r\n", 100, "", true},
		{strings.Repeat("y", 300), 100, "", true},
		{"", 100, "", true},
	} {
		noise, err := newReader(strings.NewReader(c.in)).seek(c.limit)
		if (err != nil) != c.fails || !c.fails && string(noise) != c.noise || len(noise) > c.limit+len(Magic) {
			t.Errorf("%q: %q %v", c.in, noise, err)
		}
	}
}
