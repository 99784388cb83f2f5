package netstate

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"iter"
	"net/netip"
	"slices"
	"strings"
)

// Prefixes is a set of networks of one address family, kept sorted and packed:
// a full Internet table has a million of them. Its contents are never changed
// once it is made, so that copies may share them.
type Prefixes struct {
	four []prefix4
	six  []prefix6
}

// prefix4 is an IPv4 address and, in its last byte, the prefix length.
type prefix4 uint64

// prefix6 is an IPv6 address and its prefix length.
type prefix6 struct {
	high, low uint64
	bits      uint8
}

func (p prefix4) compare(o prefix4) int { return cmp.Compare(p, o) }

func (p prefix6) compare(o prefix6) int {
	return cmp.Or(cmp.Compare(p.high, o.high), cmp.Compare(p.low, o.low), cmp.Compare(p.bits, o.bits))
}

func (p prefix4) prefix() netip.Prefix {
	var b [4]byte
	binary.BigEndian.PutUint32(b[:], uint32(p>>8))
	return netip.PrefixFrom(netip.AddrFrom4(b), int(p&0xff))
}

func (p prefix6) prefix() netip.Prefix {
	var b [16]byte
	binary.BigEndian.PutUint64(b[:8], p.high)
	binary.BigEndian.PutUint64(b[8:], p.low)
	return netip.PrefixFrom(netip.AddrFrom16(b), int(p.bits))
}

func pack4(p netip.Prefix) prefix4 {
	b := p.Addr().As4()
	return prefix4(binary.BigEndian.Uint32(b[:]))<<8 | prefix4(p.Bits())
}

func pack6(p netip.Prefix) prefix6 {
	b := p.Addr().As16()
	return prefix6{binary.BigEndian.Uint64(b[:8]), binary.BigEndian.Uint64(b[8:]), uint8(p.Bits())}
}

// packed is one of the two.
type packed[P any] interface {
	comparable
	compare(P) int
	prefix() netip.Prefix
}

// PrefixList gathers networks for NewPrefixes, of both families apart. The
// zero value is empty.
type PrefixList struct {
	four []prefix4
	six  []prefix6
}

// Add puts a network on the list. One that is not valid is left out.
func (l *PrefixList) Add(p netip.Prefix) {
	switch {
	case !p.IsValid():
	case p.Addr().Is4():
		l.four = append(l.four, pack4(p))
	default:
		l.six = append(l.six, pack6(p))
	}
}

// Add4 is Add for an IPv4 network in numbers.
func (l *PrefixList) Add4(address uint32, bits uint8) {
	l.four = append(l.four, prefix4(address)<<8|prefix4(bits))
}

// Len is how many networks were added.
func (l *PrefixList) Len() int { return len(l.four) + len(l.six) }

// Sets are the networks without repetition, of IPv4 and of IPv6. The list must
// not be used any more.
func (l *PrefixList) Sets() (four, six Prefixes) {
	if !slices.IsSorted(l.four) {
		l.four = sort4(l.four)
	}
	if !slices.IsSortedFunc(l.six, prefix6.compare) { // as the kernel's dumps are
		sortShort(l.six, prefix6.compare)
	}
	return Prefixes{four: slices.Compact(l.four)}, Prefixes{six: slices.Compact(l.six)}
}

// sort4 sorts by one byte after the other, the last one first: a table of half
// a million networks takes a tenth of the time that comparing them takes.
func sort4(list []prefix4) []prefix4 {
	spare := make([]prefix4, len(list))
	for shift := 0; shift < 40; shift += 8 {
		var at [256]int
		for _, p := range list {
			at[p>>shift&0xff]++
		}
		sum := 0
		for i, n := range at {
			at[i], sum = sum, sum+n
		}
		for _, p := range list {
			i := p >> shift & 0xff
			spare[at[i]] = p
			at[i]++
		}
		list, spare = spare, list
	}
	return list
}

// Len is the number of networks.
func (p Prefixes) Len() int { return len(p.four) + len(p.six) }

// Is4 tells that they are of IPv4. An empty set is of either family.
func (p Prefixes) Is4() bool { return len(p.six) == 0 }

// At is the network at an index from 0, in the order of addresses.
func (p Prefixes) At(i int) netip.Prefix {
	if len(p.six) > 0 {
		return p.six[i].prefix()
	}
	return p.four[i].prefix()
}

// All yields the networks in the order of addresses.
func (p Prefixes) All() iter.Seq[netip.Prefix] {
	return func(yield func(netip.Prefix) bool) {
		for i := range p.Len() {
			if !yield(p.At(i)) {
				return
			}
		}
	}
}

// Contains tells whether the very network is in the set.
func (p Prefixes) Contains(n netip.Prefix) bool {
	if !n.IsValid() {
		return false
	}
	if n.Addr().Is4() {
		_, ok := slices.BinarySearch(p.four, pack4(n))
		return ok
	}
	_, ok := slices.BinarySearchFunc(p.six, pack6(n), prefix6.compare)
	return ok
}

// split parts p into what is in other, too, and the rest.
func (p Prefixes) split(other Prefixes) (both, rest Prefixes) {
	both.four, rest.four = split(p.four, other.four)
	both.six, rest.six = split(p.six, other.six)
	return both, rest
}

// same tells that both have the same networks.
func (p Prefixes) same(other Prefixes) bool {
	return equalPacked(p.four, other.four) && equalPacked(p.six, other.six)
}

func equalPacked[P packed[P]](a, b []P) bool {
	if len(a) != len(b) || len(a) == 0 {
		return len(a) == len(b)
	}
	return &a[0] == &b[0] || slices.Equal(a, b)
}

// join is the networks of both.
func (p Prefixes) join(other Prefixes) Prefixes {
	return Prefixes{four: join(p.four, other.four), six: join(p.six, other.six)}
}

// disjoint tells that no two of the sets have a network in common.
func disjoint(sets []Prefixes) bool {
	if len(sets) < 2 {
		return true
	}
	// Joining neighbours first walks each network a few times only.
	for len(sets) > 1 {
		var next []Prefixes
		for i := 0; i < len(sets); i += 2 {
			a := sets[i]
			if i+1 < len(sets) {
				b := sets[i+1]
				n := a.Len() + b.Len()
				if a = a.join(b); a.Len() < n {
					return false
				}
			}
			next = append(next, a)
		}
		sets = next
	}
	return true
}

// apart tells without looking at each that two lists have nothing in common.
func apart[P packed[P]](a, b []P) bool {
	return len(a) == 0 || len(b) == 0 || a[len(a)-1].compare(b[0]) < 0 || b[len(b)-1].compare(a[0]) < 0
}

func split[P packed[P]](a, b []P) (both, rest []P) {
	if apart(a, b) {
		return nil, a
	}
	n := common(a, b, func(P, bool) {})
	switch n {
	case 0:
		return nil, a
	case len(a):
		return a, nil
	}
	both, rest = make([]P, 0, n), make([]P, 0, len(a)-n)
	common(a, b, func(p P, shared bool) {
		if shared {
			both = append(both, p)
		} else {
			rest = append(rest, p)
		}
	})
	return both, rest
}

// common walks a and tells of each whether b has it; it returns how many.
func common[P packed[P]](a, b []P, each func(p P, shared bool)) (n int) {
	k := 0
	for _, p := range a {
		for k < len(b) && b[k].compare(p) < 0 {
			k++
		}
		shared := k < len(b) && b[k] == p
		if shared {
			n++
		}
		each(p, shared)
	}
	return n
}

func join[P packed[P]](a, b []P) []P {
	switch {
	case len(a) == 0:
		return b
	case len(b) == 0:
		return a
	}
	out := make([]P, 0, len(a)+len(b))
	k := 0
	for _, p := range a {
		for k < len(b) && b[k].compare(p) < 0 {
			out = append(out, b[k])
			k++
		}
		if k < len(b) && b[k] == p {
			k++
		}
		out = append(out, p)
	}
	return append(out, b[k:]...)
}

// MarshalText writes the networks with spaces between them, in their order.
func (p Prefixes) MarshalText() ([]byte, error) {
	b := make([]byte, 0, 16*len(p.four)+40*len(p.six))
	for i := range p.Len() {
		if i > 0 {
			b = append(b, ' ')
		}
		b = p.At(i).AppendTo(b)
	}
	return b, nil
}

// UnmarshalText reads what MarshalText writes.
func (p *Prefixes) UnmarshalText(text []byte) error {
	var l PrefixList
	for word := range strings.FieldsSeq(string(text)) {
		n, err := netip.ParsePrefix(word)
		if err != nil {
			return fmt.Errorf("reading a set of networks: %w", err)
		}
		if n.Addr().Is4In6() || n != n.Masked() {
			return fmt.Errorf("reading a set of networks: %s is no network", word)
		}
		l.Add(n)
	}
	four, six := l.Sets()
	if four.Len() > 0 && six.Len() > 0 {
		return fmt.Errorf("reading a set of networks: it has both families")
	}
	*p = four
	if six.Len() > 0 {
		*p = six
	}
	return nil
}
