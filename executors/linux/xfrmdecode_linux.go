package linux

import (
	"encoding/hex"
	"net/netip"
	"strconv"

	"golang.org/x/sys/unix"

	"stet/executors/netstate"
)

// xfrmReader collects what dumps of IPsec tell.
type xfrmReader struct {
	l      *links
	list   []netstate.Xfrm
	unread int
	keys   netstate.Secrets
	hidden bool // zeros stand for keys
}

// take takes an object, or counts it where it has something unknown.
func (r *xfrmReader) take(x netstate.Xfrm, known bool) {
	if !known {
		r.unread++
		return
	}
	for key, v := range x.Attrs {
		if v == "" || v == netstate.XfrmAttr(x.Sort, key).Default {
			delete(x.Attrs, key)
		}
	}
	r.list = append(r.list, x)
}

func decimal[T uint8 | uint16 | uint32 | uint64](n T) string {
	return strconv.FormatUint(uint64(n), 10)
}

func hex32(n uint32) string { return "0x" + strconv.FormatUint(uint64(n), 16) }

// xfrmWord is the word for a number of an attribute; ok is false for others.
func xfrmWord(a *netstate.Attr, n uint64) (name string, ok bool) {
	for _, v := range a.Enum {
		if v.Value == n {
			return v.Name, true
		}
	}
	return "", false
}

// setEnum sets an attribute to the word for a number.
func setEnum(x *netstate.Xfrm, key string, n uint64) bool {
	name, ok := xfrmWord(netstate.XfrmAttr(x.Sort, key), n)
	x.Attrs[key] = name
	return ok
}

// xfrmAddress reads an xfrm_address_t; "" is the unspecified one.
func xfrmAddress(b []byte, family uint16) string {
	a := address(b[:16])
	if family != unix.AF_INET6 {
		a = address(b[:4])
	}
	if a.IsUnspecified() {
		return ""
	}
	return a.String()
}

// selector reads a struct xfrm_selector. own is the family of the object: of
// that, a selector that takes everything is left out.
func (r *xfrmReader) selector(x *netstate.Xfrm, section string, b []byte, own uint16) bool {
	family := u16(b[40:])
	at := func(b []byte, bits byte) string {
		a := netip.IPv4Unspecified()
		switch family {
		case unix.AF_INET6:
			a = address(b[:16])
		case unix.AF_INET:
			a = address(b[:4])
		}
		return prefix(a, int(bits)).Masked().String()
	}
	if family != 0 && (family != own || b[42] != 0 || b[43] != 0) {
		x.Attrs[section+"src"], x.Attrs[section+"dst"] = at(b[16:], b[43]), at(b, b[42])
	}
	ok := u32(b[52:]) == 0
	for at, key := range map[int]string{32: "dport", 36: "sport"} {
		switch mask := u16(b[at+2:]); mask {
		case 0:
		case 0xffff:
			x.Attrs[section+key] = decimal(be16(b[at:]))
		default:
			ok = false
		}
	}
	if proto, err := netstate.XfrmAttr(x.Sort, section+"proto").Canonical(decimal(b[44])); err == nil {
		x.Attrs[section+"proto"] = proto
	}
	x.Attrs[section+"dev"] = r.l.name(int(u32(b[48:])))
	return ok
}

// xfrmLimits reads a struct xfrm_lifetime_cfg: all ones are none.
func xfrmLimits(x *netstate.Xfrm, b []byte) {
	for i, key := range limitOrder {
		if n := u64(b[8*i:]); n != 1<<64-1 {
			x.Attrs["limit."+key] = decimal(n)
		}
	}
}

// limitOrder is the order of struct xfrm_lifetime_cfg.
var limitOrder = []string{"byte-soft", "byte-hard", "packet-soft", "packet-hard", "time-soft", "time-hard", "use-soft", "use-hard"}

// used reads a struct xfrm_lifetime_cur.
func used(x *netstate.Xfrm, b []byte) {
	for i, key := range []string{"bytes", "packets", "add-time", "use-time"} {
		x.Status[key] = decimal(u64(b[8*i:]))
	}
}

// flagBits sets the flags of a number; it is false where one is not known.
func flagBits(x *netstate.Xfrm, group uint16, bits uint32) bool {
	list := netstate.XfrmAttrs(x.Sort)
	for i := range list {
		if a := &list[i]; a.Type == netstate.FlagBit && a.IFLA == group && bits>>a.Bit&1 != 0 {
			x.Attrs[a.Key] = "true"
			bits &^= 1 << a.Bit
		}
	}
	return bits == 0
}

// state reads a struct xfrm_usersa_info and its attributes. What the kernel
// makes by itself is passed over: states that wait for a daemon, and the
// tunnels of compression.
func (r *xfrmReader) state(m reply) {
	b := m.body
	if m.typ != xfrmNewState || len(b) < sizeofState || u32(b[72:]) == 0 || b[76] == unix.IPPROTO_IPIP || b[76] == unix.IPPROTO_IPV6 {
		return
	}
	x := netstate.Xfrm{Sort: netstate.XfrmState, Attrs: netstate.Attrs{}, Status: netstate.Attrs{}}
	family := u16(b[212:])
	x.Attrs["dst"], x.Attrs["src"] = xfrmAddress(b[56:], family), xfrmAddress(b[80:], family)
	x.Attrs["spi"] = hex32(uint32(be16(b[72:]))<<16 | uint32(be16(b[74:])))
	ok := setEnum(&x, "proto", uint64(b[76]))
	ok = r.selector(&x, "selector.", b, family) && ok
	xfrmLimits(&x, b[96:])
	used(&x, b[160:])
	for i, key := range []string{"late", "replayed", "forged"} {
		x.Status[key] = decimal(u32(b[192+4*i:]))
	}
	x.Attrs["reqid"] = decimal(u32(b[208:]))
	ok = setEnum(&x, "mode", uint64(b[214])) && ok
	x.Attrs["replay-window"] = decimal(b[215])
	ok = flagBits(&x, 0, uint32(b[216])) && ok
	for typ, p := range attributes(b[sizeofState:]) {
		ok = r.stateAttr(&x, typ, p, family) && ok
	}
	r.take(x, ok)
}

// stateAttr takes one attribute; it is false for one that is not known.
func (r *xfrmReader) stateAttr(x *netstate.Xfrm, typ uint16, p []byte, family uint16) bool {
	const alg, lastUsed, pad1, pad2 = 1, 15, 26, 27
	switch typ {
	case alg, lastUsed, pad1, pad2: // auth says it, too; read only
	case xfrmaAuth:
		return r.algorithm(x, "auth", "trunc-len", p)
	case xfrmaAEAD:
		return r.algorithm(x, "aead", "icv-len", p)
	case xfrmaEnc:
		return r.algorithm(x, "enc", "", p)
	case xfrmaComp:
		return r.algorithm(x, "comp", "", p)
	case xfrmaReplay:
		if len(p) < 12 {
			return false
		}
		x.Status["replay-oseq"], x.Status["replay-seq"] = decimal(u32(p)), decimal(u32(p[4:]))
	case xfrmaReplayESN:
		if len(p) < 24 {
			return false
		}
		x.Status["replay-oseq"] = decimal(uint64(u32(p[12:]))<<32 | uint64(u32(p[4:])))
		x.Status["replay-seq"] = decimal(uint64(u32(p[16:]))<<32 | uint64(u32(p[8:])))
		x.Attrs["replay-window"] = decimal(u32(p[20:]))
	case xfrmaEncap:
		if len(p) < 24 {
			return false
		}
		x.Attrs["encap.sport"], x.Attrs["encap.dport"] = decimal(be16(p[2:])), decimal(be16(p[4:]))
		x.Attrs["encap.oa"] = xfrmAddress(p[8:], family)
		return setEnum(x, "encap.type", uint64(u16(p)))
	default:
		return r.anyAttr(x, typ, p)
	}
	return true
}

// anyAttr takes an attribute that states and policies have.
func (r *xfrmReader) anyAttr(x *netstate.Xfrm, typ uint16, p []byte) bool {
	switch typ {
	case xfrmaMark:
		if len(p) < 8 {
			return false
		}
		x.Attrs["mark"], x.Attrs["mark-mask"] = hex32(u32(p)), hex32(u32(p[4:]))
		return true
	case xfrmaOffload:
		if len(p) < 5 {
			return false
		}
		x.Attrs["offload.dev"] = r.l.name(int(u32(p)))
		if x.Sort == netstate.XfrmState {
			_ = setEnum(x, "offload.dir", uint64(p[4]&2))
		}
		return setEnum(x, "offload.type", uint64(p[4]&4))
	}
	return plainAttr(x, typ, p)
}

// plainAttr takes one that the table says everything of.
func plainAttr(x *netstate.Xfrm, typ uint16, p []byte) bool {
	list := netstate.XfrmAttrs(x.Sort)
	found := false
	for i := range list {
		a := &list[i]
		if a.IFLA != typ || a.IFLA6 != 0 {
			continue
		}
		found = true
		switch a.Type {
		case netstate.FlagBit:
			return flagBits(x, typ, u32(p))
		case netstate.Enum:
			return setEnum(x, a.Key, uint64(u8(p)))
		case netstate.Hex32:
			x.Attrs[a.Key] = hex32(u32(p))
		default:
			x.Attrs[a.Key] = decimal(u32(p))
		}
	}
	return found
}

// algorithm reads a struct xfrm_algo, or one with a length after that of the
// key: xfrm_algo_auth, xfrm_algo_aead.
func (r *xfrmReader) algorithm(x *netstate.Xfrm, section, length string, p []byte) bool {
	at := 68
	if length != "" {
		at = 72
	}
	if len(p) < at || len(p) < at+int(u32(p[64:])+7)/8 {
		return false
	}
	x.Attrs[section+".name"] = text(p[:64])
	if length != "" {
		x.Attrs[section+"."+length] = decimal(u32(p[68:]))
	}
	key := p[at : at+int(u32(p[64:])+7)/8]
	if len(key) == 0 || r.hidden && allZero(key) {
		return true
	}
	value := hex.EncodeToString(key)
	print := netstate.Fingerprint(value)
	r.keys[print] = value
	x.Attrs[section+".key"] = print
	return true
}

func allZero(b []byte) bool {
	for _, c := range b {
		if c != 0 {
			return false
		}
	}
	return true
}

// policy reads a struct xfrm_userpolicy_info and its attributes; those of single
// sockets are passed over.
func (r *xfrmReader) policy(m reply) {
	b := m.body
	if m.typ != xfrmNewPolicy || len(b) < sizeofPolicy || b[160] > 2 {
		return
	}
	x := netstate.Xfrm{Sort: netstate.XfrmPolicy, Attrs: netstate.Attrs{}, Status: netstate.Attrs{}}
	ok := setEnum(&x, "dir", uint64(b[160])) && b[163] == 0
	ok = r.selector(&x, "", b, 0) && ok
	xfrmLimits(&x, b[56:])
	used(&x, b[120:])
	x.Attrs["priority"], x.Status["index"] = decimal(u32(b[152:])), decimal(u32(b[156:]))
	ok = setEnum(&x, "action", uint64(b[161])) && ok
	ok = flagBits(&x, 0, uint32(b[162])) && ok
	for typ, p := range attributes(b[sizeofPolicy:]) {
		switch typ {
		case xfrmaPolicyType:
			ok = setEnum(&x, "ptype", uint64(u8(p))) && ok
		case xfrmaTemplates:
			ok = r.templates(&x, p, u16(b[40:])) && ok
		default:
			ok = r.anyAttr(&x, typ, p) && ok
		}
	}
	r.take(x, ok)
}

// templates reads structs xfrm_user_tmpl.
func (r *xfrmReader) templates(x *netstate.Xfrm, p []byte, own uint16) bool {
	a := netstate.XfrmAttr(x.Sort, "templates")
	var list []netstate.Entry
	for ; len(p) >= sizeofTemplate; p = p[sizeofTemplate:] {
		family := u16(p[24:])
		e := netstate.Entry{"dst": xfrmAddress(p, family), "src": xfrmAddress(p[28:], family),
			"spi": hex32(uint32(be16(p[16:]))<<16 | uint32(be16(p[18:]))), "reqid": decimal(u32(p[44:]))}
		for key, n := range map[string]uint64{"proto": uint64(p[20]), "mode": uint64(p[48]), "share": uint64(p[49]), "level": uint64(p[50])} {
			name, ok := fieldName(a, key, n)
			if !ok {
				return false
			}
			e[key] = name
		}
		if family != own && e["src"] == "" && e["dst"] == "" {
			e["family"], _ = fieldName(a, "family", uint64(family))
		}
		if u32(p[52:])&u32(p[56:])&u32(p[60:]) != 1<<32-1 {
			return false // only some algorithms
		}
		list = append(list, e)
	}
	x.Attrs["templates"] = a.List(list)
	return true
}

func fieldName(a *netstate.Attr, key string, n uint64) (string, bool) {
	for i := range a.Fields {
		if a.Fields[i].Key == key {
			return xfrmWord(&a.Fields[i], n)
		}
	}
	return "", false
}

// defaults reads a struct xfrm_userpolicy_default.
func (r *xfrmReader) defaults(m reply) {
	if len(m.body) < 3 || m.typ != xfrmGetDefault {
		return
	}
	x := netstate.Xfrm{Sort: netstate.XfrmDefault, Attrs: netstate.Attrs{}}
	ok := true
	for i, dir := range []string{"in", "fwd", "out"} {
		ok = setEnum(&x, dir, uint64(m.body[i])) && ok
	}
	r.take(x, ok)
}
