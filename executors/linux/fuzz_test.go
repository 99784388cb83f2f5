//go:build linux

package linux

import (
	"testing"

	"golang.org/x/sys/unix"

	"stet/executors/netstate"
	"stet/executors/netstate/netyaml"
)

// FuzzDecode gives the decoders what no kernel sends: attributes cut off, of
// wrong length, nested in themselves. Nothing may panic.
func FuzzDecode(f *testing.F) {
	for _, seed := range seeds(f) {
		f.Add(seed)
		f.Add(seed[:len(seed)-1])
		f.Add(append(append([]byte{}, seed...), 0xff, 0xff, 0, 0))
	}
	f.Add([]byte{})
	f.Fuzz(func(_ *testing.T, b []byte) {
		l := newLinks()
		l.add(1, "lo")
		for rest := b; ; {
			r, next, ok := split(rest)
			if !ok {
				break
			}
			rest = next
			decodeAll(r.body, l)
			parseError(r.flags, r.body)
			_ = dumpEnd(r)
			linkName(reply{typ: unix.RTM_NEWLINK, body: r.body})
		}
		decodeAll(b, l)
		parseError(unix.NLM_F_ACK_TLVS, b)
		parseError(unix.NLM_F_ACK_TLVS|unix.NLM_F_CAPPED, b)
		interrupted := false
		_, _ = readDump(b, 1, &interrupted, func(reply) {})
		acknowledged(b, 1, 4, func(int, *kernelError) {})
	})
}

func decodeAll(b []byte, l *links) {
	decodeAddress(b)
	decodeRule(b)
	decodeNeighbor(b, l)
	decodeFDB(b, l)
	routeValues(b, l)
	reader := routeReader{l: l}
	reader.decode(b)
	if raw, ok := decodeLink(b); ok {
		interfaceOf(&raw, l)
		kernelDefault(&raw, true)
		o := ownAddresses([]rawLink{raw}, l)
		o.kernel(&netstate.FDBEntry{Device: raw.name(), MAC: "02:00:00:00:00:01", State: "permanent"})
	}
	// Every attribute of every table, fed with the same bytes.
	for _, k := range netstate.Kinds() {
		for _, attrs := range [][]netstate.Attr{k.Attrs, k.PortAttrs} {
			for i := range attrs {
				decodeAttr(&attrs[i], b, l)
			}
		}
	}
}

// seeds are messages as stet itself writes them.
func seeds(t testing.TB) [][]byte {
	l := newLinks()
	l.add(1, "lo")
	l.add(3, "low0")
	l.add(4, "br0")
	l.add(5, "p0")
	l.add(6, "p1")
	l.add(7, "vx0")
	var out [][]byte
	for _, c := range objectCases {
		for _, op := range []netstate.Op{netstate.Add, netstate.Delete} {
			var m message
			if err := encode(&m, 1, op, &c.object, l); err == nil {
				out = append(out, m.b)
			}
		}
	}
	for _, c := range kindCases(t) {
		config, _ := netyaml.Decode(c.block)
		for _, i := range config.Interfaces {
			link := netstate.Interface{Name: i.Name, Type: i.Type, Attrs: i.Attrs}
			var m message
			m.begin(unix.RTM_NEWLINK, 0, 1)
			if kind := netstate.KindByName(link.Type); kind != nil && encodeCreate(&m, kind, &link, 9, -1, nil, l) == nil {
				m.end()
				out = append(out, m.b)
			}
		}
	}
	return out
}
