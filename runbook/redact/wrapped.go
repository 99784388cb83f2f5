package redact

import "sort"

// Programs break base64 and hexadecimal into lines wherever these are full,
// also within the encoding of a secret. Beside the scan of the text as it is,
// a second one follows the text without its line breaks, from a break that
// stands within what may be a secret until no match can reach back over it:
// nearly always, that is the next character.

// A line break of encoded text follows minRun characters of its alphabet or
// more. Without this, the end of nearly every line of a log would be held
// back until the next line comes. Blanks that indent the next line belong to
// the break; a limit bounds what is held back.
const (
	minRun   = 16
	maxGap   = 80
	breakers = "\n\r\\"
)

// breaks reports whether a line break can start with c. Within JSON it is
// written with a backslash.
func breaks(c byte) bool { return c == '\n' || c == '\r' || c == '\\' }

// wrapped is the scan of the text without line breaks. Positions in it count
// from the break at which it started.
type wrapped struct {
	state int32 // 0: it is not running
	at    int   // how many characters it has followed since its start
	gaps  []gap // breaks that a match can still reach back over
	in    gapState
	raw   int // offset in the text as it is, of the next character
}

// gap is a line break: its place in the text without breaks, and how much
// longer the text as it is has become up to its end.
type gap struct{ at, removed int }

// gapState is how far a line break has been read.
type gapState struct {
	phase gapPhase
	start int // offset in the text as it is
}

type gapPhase uint8

const (
	noGap      gapPhase = iota
	afterCR             // "\r"
	afterSlash          // "\\", or several: JSON within JSON
	afterR              // "\\r"
	inMargin            // "\n", and blanks
)

// next goes on reading a line break. It returns noGap where the break has
// ended before c, and ok false where this is no line break.
func (g gapPhase) next(c byte) (next gapPhase, ok bool) {
	switch {
	case c == '\n' && g <= afterCR, c == 'n' && g == afterSlash, (c == ' ' || c == '\t') && g == inMargin:
		return inMargin, true
	case c == '\r' && g <= afterCR:
		return afterCR, true
	case c == 'r' && g == afterSlash:
		return afterR, true
	case c == '\\' && g != inMargin && g != afterCR:
		return afterSlash, true
	case g == inMargin:
		return noGap, !breaks(c)
	}
	return noGap, false
}

// start is the offset in the text as it is of the last n characters.
func (w *wrapped) start(n int) int {
	at := w.at - n
	i := sort.Search(len(w.gaps), func(i int) bool { return w.gaps[i].at > at })
	end := w.raw
	if w.in.phase != noGap {
		end = w.in.start
	}
	offset := end - n
	if len(w.gaps) > i { // some of the breaks stand within
		before := 0
		if i > 0 {
			before = w.gaps[i-1].removed
		}
		offset -= w.gaps[len(w.gaps)-1].removed - before
	}
	return offset
}

// across takes the next byte, text[i]; state is that of the scan of the text
// as it is, before that byte.
func (s *search) across(r *Redactor, state int32, text []byte, i int) {
	w := &s.wrap
	c, offset := text[i], s.at+i
	if w.state == 0 { // c may start a line break
		w.state = r.nodes[state].encoded
		w.raw = offset
	}
	if w.state == 0 {
		return
	}
	if w.in.phase == noGap && breaks(c) {
		if s.runBefore(text, i) < minRun {
			*w = wrapped{}
			return
		}
		w.in.start = offset
	}
	if w.in.phase != noGap || breaks(c) {
		phase, ok := w.in.phase.next(c)
		if !ok || offset-w.in.start > maxGap {
			*w = wrapped{}
			return
		}
		if phase != noGap {
			w.in.phase = phase
			return
		}
		w.close(offset)
	}
	s.follow(r, c, offset)
}

// close ends a line break before the character at an offset.
func (w *wrapped) close(offset int) {
	removed := offset - w.in.start
	if n := len(w.gaps); n > 0 {
		removed += w.gaps[n-1].removed
	}
	w.gaps = append(w.gaps, gap{at: w.at, removed: removed})
	w.in = gapState{}
}

// follow takes a character of the text without line breaks.
func (s *search) follow(r *Redactor, c byte, offset int) {
	w := &s.wrap
	w.state = r.nodes[r.step(w.state, c)].encoded
	w.at++
	w.raw = offset + 1
	first := w.at - int(r.nodes[w.state].depth)
	drop := sort.Search(len(w.gaps), func(i int) bool { return w.gaps[i].at > first })
	if drop == len(w.gaps) { // no match reaches back over a break any more
		*w = wrapped{}
		return
	}
	if n := &r.nodes[w.state]; n.match > 0 {
		s.found(span{start: w.start(int(n.match)), end: offset + 1, longest: int(n.match), owner: n.owner})
	}
	if dead := drop - 1; dead > len(w.gaps)/2 { // one stays: the others count from it
		w.gaps = append([]gap(nil), w.gaps[dead:]...)
	}
}

// runBefore counts the characters of encoded text right before text[i], up to
// minRun.
func (s *search) runBefore(text []byte, i int) int {
	n := 0
	for n < minRun && i > n && ofEncoding[text[i-n-1]] {
		n++
	}
	if n == i {
		n += s.run
	}
	return min(n, minRun)
}

// ofEncoding has the characters of base64 in both alphabets, and with them
// those of hexadecimal.
var ofEncoding = func() (set [256]bool) {
	for _, c := range []byte("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/-_") {
		set[c] = true
	}
	return set
}()
