package redact

// The patterns stand in an Aho-Corasick automaton: one pass over the text,
// linear in its length whatever the secrets look like. What is replaced is the
// union of all matches, so that no part of one secret survives beside another
// that overlaps it; a group of overlapping matches is named after the longest.

// node is a state: a prefix of patterns.
type node struct {
	child, sibling int32 // first child, next child of the same parent; 0: none
	fail           int32
	depth          int32
	// match is the length of the longest pattern that ends here, also as a
	// suffix; 0: none.
	match int32
	owner int32
	// encoded is the longest suffix of this prefix, itself included, that is
	// a prefix of a form which programs break into lines; 0: none.
	encoded int32
	b       byte
}

// add adds a pattern. The first secret to have a pattern owns it. wraps tells
// that programs break it into lines.
func (r *Redactor) add(pattern string, owner int32, wraps bool) {
	at := int32(0)
	for i := range len(pattern) {
		next := r.childOf(at, pattern[i])
		if next == 0 {
			next = int32(len(r.nodes))
			r.nodes = append(r.nodes, node{b: pattern[i], depth: int32(i + 1)})
			if at == 0 {
				r.root[pattern[i]] = next
			} else {
				r.nodes[next].sibling = r.nodes[at].child
				r.nodes[at].child = next
			}
		}
		at = next
		if wraps {
			r.nodes[at].encoded = at
		}
	}
	if n := &r.nodes[at]; n.match == 0 {
		n.match, n.owner = n.depth, owner
	}
	if len(pattern) > 1 {
		r.pair(pattern[0], pattern[1])
	}
	if wraps {
		for _, c := range []byte(breakers) {
			r.pair(pattern[0], c)
		}
	}
}

// pair notes that a match can start with these two bytes.
func (r *Redactor) pair(a, b byte) {
	pair := uint(a)<<8 | uint(b)
	r.pairs[pair/64] |= 1 << (pair % 64)
}

func (r *Redactor) childOf(at int32, b byte) int32 {
	if at == 0 {
		return r.root[b]
	}
	for c := r.nodes[at].child; c != 0; c = r.nodes[c].sibling {
		if r.nodes[c].b == b {
			return c
		}
	}
	return 0
}

// link sets the failure links, in order of depth.
func (r *Redactor) link() {
	queue := make([]int32, 0, len(r.nodes))
	for _, c := range r.root {
		if c != 0 {
			queue = append(queue, c)
		}
	}
	for len(queue) > 0 {
		at := queue[0]
		queue = queue[1:]
		for c := r.nodes[at].child; c != 0; c = r.nodes[c].sibling {
			fail := r.step(r.nodes[at].fail, r.nodes[c].b)
			n := &r.nodes[c]
			n.fail = fail
			if n.match == 0 && r.nodes[fail].match > 0 {
				n.match, n.owner = r.nodes[fail].match, r.nodes[fail].owner
			}
			if n.encoded == 0 {
				n.encoded = r.nodes[fail].encoded
			}
			queue = append(queue, c)
		}
	}
}

// step is the state after one more byte.
func (r *Redactor) step(at int32, b byte) int32 {
	for {
		if next := r.childOf(at, b); next != 0 {
			return next
		}
		if at == 0 {
			return 0
		}
		at = r.nodes[at].fail
	}
}

// span is a stretch of text to replace: offsets from the start of the text.
type span struct {
	start, end int
	longest    int
	owner      int32
}

// search is the state of a scan, which may go on over several chunks.
type search struct {
	state int32
	at    int // offset of the next byte
	run   int // as runBefore has it, at the end of the last chunk
	wrap  wrapped
	spans []span
}

// scan goes on with the next bytes of the text.
func (s *search) scan(r *Redactor, text []byte) {
	state := s.state
	for i := 0; i < len(text); i++ {
		if state == 0 && s.wrap.state == 0 {
			// Most text starts no pattern: skip it two bytes at a look.
			for i+1 < len(text) {
				pair := uint(text[i])<<8 | uint(text[i+1])
				if r.pairs[pair/64]&(1<<(pair%64)) != 0 {
					break
				}
				i++
			}
		}
		c := text[i]
		if s.wrap.state != 0 || state != 0 && breaks(c) {
			s.across(r, state, text, i)
		}
		state = r.step(state, c)
		if n := &r.nodes[state]; n.match > 0 {
			end := s.at + i + 1
			s.found(span{start: end - int(n.match), end: end, longest: int(n.match), owner: n.owner})
		}
	}
	s.run = s.runBefore(text, len(text))
	s.state = state
	s.at += len(text)
}

// found adds a match: matches come in the order of their ends, and those that
// overlap become one.
func (s *search) found(m span) {
	for len(s.spans) > 0 {
		last := s.spans[len(s.spans)-1]
		if last.end <= m.start {
			break
		}
		m.start = min(m.start, last.start)
		if last.longest >= m.longest {
			m.longest, m.owner = last.longest, last.owner
		}
		s.spans = s.spans[:len(s.spans)-1]
	}
	s.spans = append(s.spans, m)
}

// settled is the offset up to which no later match can reach back.
func (s *search) settled(r *Redactor) int {
	at := s.at - int(r.nodes[s.state].depth)
	if s.wrap.state != 0 {
		at = min(at, s.wrap.start(int(r.nodes[s.wrap.state].depth)))
	}
	return at
}

// end forgets matches that have only begun: the text ends here.
func (s *search) end() { s.state, s.wrap = 0, wrapped{} }
