package linux

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"net/netip"
	"strconv"

	"golang.org/x/sys/unix"

	"stet/executors/netstate"
)

// xfrmWriter makes the messages of IPsec.
type xfrmWriter struct {
	l     *links
	vault *vault
	x     *netstate.Xfrm
	err   error // the first one
}

// encode appends the message that adds, changes or deletes an object.
func (w *xfrmWriter) encode(m *message, seq uint32, op netstate.Op, x *netstate.Xfrm) error {
	w.x, w.err = x, nil
	typ := map[string][3]uint16{
		netstate.XfrmState:   {xfrmNewState, xfrmUpdState, xfrmDelState},
		netstate.XfrmPolicy:  {xfrmNewPolicy, xfrmUpdPolicy, xfrmDelPolicy},
		netstate.XfrmDefault: {xfrmSetDefault, xfrmSetDefault, xfrmSetDefault},
	}[x.Sort][map[netstate.Op]int{netstate.Modify: 1, netstate.Delete: 2}[op]]
	m.begin(typ, 0, seq)
	switch {
	case x.Sort == netstate.XfrmDefault:
		m.raw(uint8(w.enum("in")), uint8(w.enum("fwd")), uint8(w.enum("out")))
	case x.Sort == netstate.XfrmState && op == netstate.Delete:
		w.stateID(m)
	case x.Sort == netstate.XfrmState:
		w.state(m)
	case op == netstate.Delete:
		w.policyID(m)
	default:
		w.policy(m)
	}
	m.end()
	return w.err
}

func (w *xfrmWriter) fail(key string, err error) {
	if err != nil && w.err == nil {
		w.err = fmt.Errorf("encoding %s: %w", key, err)
	}
}

// number is an attribute that is a number, in any base.
func (w *xfrmWriter) number(key string) uint64 {
	text := w.x.Get(key)
	if text == "" {
		return 0
	}
	n, err := strconv.ParseUint(text, 0, 64)
	w.fail(key, err)
	return n
}

func (w *xfrmWriter) enum(key string) uint64 {
	return w.word(netstate.XfrmAttr(w.x.Sort, key), w.x.Get(key))
}

// word is the number of an attribute's word.
func (w *xfrmWriter) word(a *netstate.Attr, name string) uint64 {
	for _, v := range a.Enum {
		if v.Name == name {
			return v.Value
		}
	}
	if name != "" {
		w.fail(a.Key, fmt.Errorf("%q is unknown", name))
	}
	return 0
}

// address puts an xfrm_address_t at b, and gives its family; 0 for none.
func (w *xfrmWriter) address(b []byte, key, text string) uint16 {
	if text == "" {
		return 0
	}
	a, err := netip.ParseAddr(text)
	w.fail(key, err)
	copy(b, a.AsSlice())
	return familyOf(a)
}

func familyOf(a netip.Addr) uint16 {
	if a.Is6() {
		return unix.AF_INET6
	}
	return unix.AF_INET
}

// selector puts a struct xfrm_selector at b; own is its family where nothing
// tells it.
func (w *xfrmWriter) selector(b []byte, section string, own uint16) uint16 {
	family := own
	for _, end := range []struct {
		key      string
		at, bits int
	}{{"dst", 0, 42}, {"src", 16, 43}} {
		text := w.x.Attrs[section+end.key]
		if text == "" {
			continue
		}
		p, err := netip.ParsePrefix(text)
		w.fail(section+end.key, err)
		copy(b[end.at:], p.Addr().AsSlice())
		b[end.bits] = uint8(max(p.Bits(), 0))
		family = familyOf(p.Addr())
	}
	for at, key := range map[int]string{32: "dport", 36: "sport"} {
		if w.x.Attrs[section+key] != "" {
			binary.BigEndian.PutUint16(b[at:], uint16(w.number(section+key)))
			binary.BigEndian.PutUint16(b[at+2:], 0xffff)
		}
	}
	binary.NativeEndian.PutUint16(b[40:], family)
	b[44] = w.protocol(section + "proto")
	if dev := w.x.Attrs[section+"dev"]; dev != "" {
		index, err := w.l.index(dev)
		w.fail(section+"dev", err)
		binary.NativeEndian.PutUint32(b[48:], uint32(index))
	}
	return family
}

func (w *xfrmWriter) protocol(key string) uint8 {
	text := w.x.Attrs[key]
	if text == "" {
		return 0
	}
	n, err := netstate.IPProtocol(text)
	w.fail(key, err)
	return n
}

// limits puts a struct xfrm_lifetime_cfg at b.
func (w *xfrmWriter) limits(b []byte) {
	for i, key := range limitOrder {
		n := w.number("limit." + key)
		if n == 0 && i < 4 {
			n = 1<<64 - 1
		}
		binary.NativeEndian.PutUint64(b[8*i:], n)
	}
}

func (w *xfrmWriter) flags(group uint16) (bits uint32) {
	list := netstate.XfrmAttrs(w.x.Sort)
	for i := range list {
		if a := &list[i]; a.Type == netstate.FlagBit && a.IFLA == group && w.x.Attrs[a.Key] == "true" {
			bits |= 1 << a.Bit
		}
	}
	return bits
}

// stateID is a struct xfrm_usersa_id.
func (w *xfrmWriter) stateID(m *message) {
	var b [24]byte
	family := w.address(b[:], "dst", w.x.Attrs["dst"])
	binary.BigEndian.PutUint32(b[16:], uint32(w.number("spi")))
	binary.NativeEndian.PutUint16(b[20:], family)
	b[22] = uint8(w.enum("proto"))
	m.raw(b[:]...)
	w.mark(m)
}

// state is a struct xfrm_usersa_info with its attributes.
func (w *xfrmWriter) state(m *message) {
	var b [sizeofState]byte
	x := w.x
	family := w.address(b[56:], "dst", x.Attrs["dst"])
	w.address(b[80:], "src", x.Attrs["src"])
	binary.BigEndian.PutUint32(b[72:], uint32(w.number("spi")))
	b[76] = uint8(w.enum("proto"))
	own := family
	if x.Attrs["af-unspec"] == "true" {
		own = 0
	}
	w.selector(b[:sizeofSelector], "selector.", own)
	w.limits(b[96:])
	binary.NativeEndian.PutUint32(b[208:], uint32(w.number("reqid")))
	binary.NativeEndian.PutUint16(b[212:], family)
	b[214] = uint8(w.enum("mode"))
	window := w.number("replay-window")
	extended := window > 32 || x.Attrs["esn"] == "true"
	if !extended {
		b[215] = uint8(window)
	}
	b[216] = uint8(w.flags(0))
	m.raw(b[:]...)
	w.replay(m, uint32(window), extended)
	w.algorithms(m)
	if x.Attrs["encap.type"] != "" {
		w.encap(m)
	}
	w.mark(m)
	w.plain(m)
	w.offload(m)
}

// replay writes where the sequence numbers go on, and how late packets may be.
// Of those before, none is taken again.
func (w *xfrmWriter) replay(m *message, window uint32, extended bool) {
	oseq, seq := w.sequence(w.x)
	words := []uint32{uint32(oseq), uint32(seq), seen(seq)}
	if !extended {
		if oseq|seq != 0 {
			m.attr(xfrmaReplay, nativeWords(words))
		}
		return
	}
	n := (window + 31) / 32
	words = []uint32{n, uint32(oseq), uint32(seq), uint32(oseq >> 32), uint32(seq >> 32), window}
	for range n {
		words = append(words, seen(seq))
	}
	m.attr(xfrmaReplayESN, nativeWords(words))
}

// seen are the bits of packets that came before the number seq.
func seen(seq uint64) uint32 {
	if seq == 0 {
		return 0
	}
	return 1<<32 - 1
}

func nativeWords(list []uint32) (b []byte) {
	for _, n := range list {
		b = binary.NativeEndian.AppendUint32(b, n)
	}
	return b
}

func (w *xfrmWriter) algorithms(m *message) {
	for _, a := range []struct {
		typ             uint16
		section, length string
	}{{xfrmaAuth, "auth", "trunc-len"}, {xfrmaEnc, "enc", ""}, {xfrmaAEAD, "aead", "icv-len"}, {xfrmaComp, "comp", ""}} {
		name := w.x.Attrs[a.section+".name"]
		if name == "" {
			continue
		}
		var key []byte
		if a.section != "comp" {
			value, err := w.vault.get(w.x.Attrs[a.section+".key"])
			w.fail(a.section+".key", err)
			key, err = hex.DecodeString(value)
			w.fail(a.section+".key", err)
		}
		b := make([]byte, 64, 72+len(key))
		copy(b[:63], name)
		b = binary.NativeEndian.AppendUint32(b, uint32(8*len(key)))
		if a.length != "" {
			b = binary.NativeEndian.AppendUint32(b, uint32(w.number(a.section+"."+a.length)))
		}
		m.attr(a.typ, append(b, key...))
	}
}

// encap is a struct xfrm_encap_tmpl.
func (w *xfrmWriter) encap(m *message) {
	var b [24]byte
	binary.NativeEndian.PutUint16(b[:], uint16(w.enum("encap.type")))
	binary.BigEndian.PutUint16(b[2:], uint16(w.number("encap.sport")))
	binary.BigEndian.PutUint16(b[4:], uint16(w.number("encap.dport")))
	w.address(b[8:], "encap.oa", w.x.Attrs["encap.oa"])
	m.attr(xfrmaEncap, b[:])
}

// mark is a struct xfrm_mark; one of zeros is none.
func (w *xfrmWriter) mark(m *message) {
	if v, mask := uint32(w.number("mark")), uint32(w.number("mark-mask")); v|mask != 0 {
		m.attr(xfrmaMark, nativeWords([]uint32{v, mask}))
	}
}

// plain writes the attributes that the table says everything of.
func (w *xfrmWriter) plain(m *message) {
	list := netstate.XfrmAttrs(w.x.Sort)
	for i := range list {
		a := &list[i]
		if a.IFLA == 0 || a.IFLA6 != 0 || a.Type == netstate.FlagBit {
			continue
		}
		if v := w.x.Attrs[a.Key]; v == "" || v == a.Default {
			continue
		}
		if a.Type == netstate.Enum {
			m.u8(a.IFLA, uint8(w.enum(a.Key)))
			continue
		}
		m.u32(a.IFLA, uint32(w.number(a.Key)))
	}
	const extraFlags = 24
	if bits := w.flags(extraFlags); bits != 0 {
		m.u32(extraFlags, bits)
	}
}

// offload is a struct xfrm_user_offload.
func (w *xfrmWriter) offload(m *message) {
	dev := w.x.Attrs["offload.dev"]
	if dev == "" {
		return
	}
	index, err := w.l.index(dev)
	w.fail("offload.dev", err)
	flags := uint8(w.enum("offload.type"))
	if w.x.Sort == netstate.XfrmState {
		flags |= uint8(w.enum("offload.dir"))
	}
	m.attr(xfrmaOffload, append(binary.NativeEndian.AppendUint32(nil, uint32(index)), flags, 0, 0, 0))
}

// policyID is a struct xfrm_userpolicy_id.
func (w *xfrmWriter) policyID(m *message) {
	var b [64]byte
	w.selector(b[:sizeofSelector], "", 0)
	b[60] = uint8(w.enum("dir"))
	m.raw(b[:]...)
	w.policyKey(m)
	if id := w.number("if-id"); id != 0 {
		m.u32(netstate.XfrmAttr(w.x.Sort, "if-id").IFLA, uint32(id))
	}
}

func (w *xfrmWriter) policyKey(m *message) {
	w.mark(m)
	if kind := uint8(w.enum("ptype")); kind != 0 {
		m.attr(xfrmaPolicyType, []byte{kind, 0, 0, 0, 0, 0})
	}
}

// policy is a struct xfrm_userpolicy_info with its attributes.
func (w *xfrmWriter) policy(m *message) {
	var b [sizeofPolicy]byte
	family := w.selector(b[:sizeofSelector], "", 0)
	w.limits(b[56:])
	binary.NativeEndian.PutUint32(b[152:], uint32(w.number("priority")))
	b[160], b[161], b[162] = uint8(w.enum("dir")), uint8(w.enum("action")), uint8(w.flags(0))
	m.raw(b[:]...)
	w.policyKey(m)
	w.plain(m)
	w.offload(m)
	a := netstate.XfrmAttr(w.x.Sort, "templates")
	var list []byte
	for _, e := range a.Entries(w.x.Attrs["templates"]) {
		list = append(list, w.template(a, e, family)...)
	}
	if len(list) > 0 {
		m.attr(xfrmaTemplates, list)
	}
}

// template is a struct xfrm_user_tmpl.
func (w *xfrmWriter) template(a *netstate.Attr, e netstate.Entry, family uint16) []byte {
	var b [sizeofTemplate]byte
	outer := max(w.address(b[:], "templates", e["dst"]), w.address(b[28:], "templates", e["src"]))
	values := map[string]uint64{}
	for i := range a.Fields {
		f := &a.Fields[i]
		switch v := e.Field(f); {
		case len(f.Enum) > 0:
			values[f.Key] = w.word(f, v)
		case f.Type == netstate.Hex32 || f.Type == netstate.Uint32:
			n, err := strconv.ParseUint(v, 0, 32)
			w.fail("templates", err)
			values[f.Key] = n
		}
	}
	if outer == 0 {
		outer = uint16(values["family"])
	}
	if outer == 0 {
		outer = family
	}
	binary.BigEndian.PutUint32(b[16:], uint32(values["spi"]))
	binary.NativeEndian.PutUint16(b[24:], outer)
	binary.NativeEndian.PutUint32(b[44:], uint32(values["reqid"]))
	b[20], b[48], b[49], b[50] = uint8(values["proto"]), uint8(values["mode"]), uint8(values["share"]), uint8(values["level"])
	for i := 52; i < sizeofTemplate; i++ {
		b[i] = 0xff // every algorithm
	}
	return b[:]
}
