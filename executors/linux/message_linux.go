package linux

import (
	"encoding/binary"
	"net/netip"

	"golang.org/x/sys/unix"

	"stet/executors/netstate"
)

// message builds netlink messages, one after another, in one buffer. (The
// library's encoder makes a tree of objects for each message, which is what
// costs it the speed of a batch.)
type message struct {
	b     []byte
	start int // of the message that is being built
}

// begin starts a message (struct nlmsghdr).
func (m *message) begin(typ, flags uint16, seq uint32) {
	m.start = len(m.b)
	m.b = binary.NativeEndian.AppendUint32(m.b, 0)
	m.b = binary.NativeEndian.AppendUint16(m.b, typ)
	m.b = binary.NativeEndian.AppendUint16(m.b, flags|unix.NLM_F_REQUEST)
	m.b = binary.NativeEndian.AppendUint32(m.b, seq)
	m.b = binary.NativeEndian.AppendUint32(m.b, 0)
}

// beginEdit begins the message that carries an edit out; typ is RTM_NEW*, after
// which comes RTM_DEL* (linux/rtnetlink.h).
func (m *message) beginEdit(op netstate.Op, typ uint16, seq uint32) {
	switch op {
	case netstate.Add:
		m.begin(typ, unix.NLM_F_CREATE|unix.NLM_F_EXCL, seq)
	case netstate.Modify:
		m.begin(typ, unix.NLM_F_CREATE|unix.NLM_F_REPLACE, seq)
	default:
		m.begin(typ+1, 0, seq)
	}
}

// end fills in the length of the message.
func (m *message) end() {
	binary.NativeEndian.PutUint32(m.b[m.start:], uint32(len(m.b)-m.start))
}

// flag adds to the flags of the message that is being built.
func (m *message) flag(flags uint16) {
	at := m.start + 6
	binary.NativeEndian.PutUint16(m.b[at:], binary.NativeEndian.Uint16(m.b[at:])|flags)
}

// raw appends bytes of a fixed header, padded to 4.
func (m *message) raw(b ...byte) {
	m.b = append(m.b, b...)
	m.pad()
}

func (m *message) pad() {
	for len(m.b)%4 != 0 {
		m.b = append(m.b, 0)
	}
}

// attr appends an attribute (struct nlattr). Every caller's payload is bounded
// well below the 64 KiB that fit.
func (m *message) attr(typ uint16, payload []byte) {
	m.b = binary.NativeEndian.AppendUint16(m.b, uint16(4+len(payload)))
	m.b = binary.NativeEndian.AppendUint16(m.b, typ)
	m.b = append(m.b, payload...)
	m.pad()
}

func (m *message) u8(typ uint16, v uint8) { m.attr(typ, []byte{v}) }

func (m *message) u16(typ, v uint16) {
	var b [2]byte
	binary.NativeEndian.PutUint16(b[:], v)
	m.attr(typ, b[:])
}

func (m *message) u32(typ uint16, v uint32) {
	var b [4]byte
	binary.NativeEndian.PutUint32(b[:], v)
	m.attr(typ, b[:])
}

// str appends a string with the terminating zero that the kernel wants.
func (m *message) str(typ uint16, s string) { m.attr(typ, append([]byte(s), 0)) }

func (m *message) addr(typ uint16, a netip.Addr) {
	if a.Is4() {
		b := a.As4()
		m.attr(typ, b[:])
		return
	}
	b := a.As16()
	m.attr(typ, b[:])
}

// nest opens a nested attribute and returns where it starts, for endNest.
func (m *message) nest(typ uint16) int {
	at := len(m.b)
	m.attr(typ|unix.NLA_F_NESTED, nil)
	return at
}

func (m *message) endNest(at int) {
	binary.NativeEndian.PutUint16(m.b[at:], uint16(len(m.b)-at))
}

// ifinfo appends a struct ifinfomsg.
func (m *message) ifinfo(index int, flags, change uint32) {
	var b [unix.SizeofIfInfomsg]byte
	binary.NativeEndian.PutUint32(b[4:], uint32(index))
	binary.NativeEndian.PutUint32(b[8:], flags)
	binary.NativeEndian.PutUint32(b[12:], change)
	m.raw(b[:]...)
}
