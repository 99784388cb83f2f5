//go:build linux

package linux

import (
	"cmp"
	"slices"
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
	decodeObjects(b, l)
	decodeGeneric(b, l)
	// Every attribute of every table, fed with the same bytes.
	for _, k := range netstate.Kinds() {
		for _, attrs := range [][]netstate.Attr{k.Attrs, k.PortAttrs} {
			for i := range attrs {
				decodeAttr(&attrs[i], b, l)
			}
		}
	}
}

// decodeObjects reads what is neither an interface nor an address.
func decodeObjects(b []byte, l *links) {
	if len(b) >= unix.SizeofRtMsg {
		reader := routeReader{l: l}
		reader.mpls(b)
	}
	if len(b) >= sizeofPortMsg {
		decodeMDB(b, l)
	}
	decodeMDBEntry(b, l)
	decodeNexthop(b, l)
	for _, typ := range encapTypes {
		decodeEncap(typ, b, l)
	}
	decodeVNI(b)
	decodeVLANs(b)
	decodeGlobalVLANs(b)
	decodeQdisc(reply{typ: unix.RTM_NEWQDISC, body: b}, l)
	decodeClass(reply{typ: unix.RTM_NEWTCLASS, body: b})
	decodeFilter(reply{typ: unix.RTM_NEWTFILTER, body: b}, l)
	x := xfrmReader{l: l, keys: netstate.Secrets{}}
	x.state(reply{typ: xfrmNewState, body: b})
	x.policy(reply{typ: xfrmNewPolicy, body: b})
	x.defaults(reply{typ: xfrmGetDefault, body: b})
}

// decodeGeneric reads what comes over generic netlink.
func decodeGeneric(b []byte, l *links) {
	t := tabulate(b)
	for _, section := range []string{"ethernet.", "ethtool."} {
		decodeEthtool(&netstate.Interface{Attrs: netstate.Attrs{}, Status: netstate.Attrs{}}, section, &t)
	}
	decodeFeatures(&netstate.Interface{Attrs: netstate.Attrs{}}, []string{"ethtool.feature.a", "", "ethtool.feature.b"}, &t, len(b)%2 == 0)
	m := macsecDevice{}
	m.channel(b)
	w := wgDevice{attrs: netstate.Attrs{}, keys: netstate.Secrets{}}
	w.read(b)
	for key := range teamNames {
		teamText(&teamValue{data: b}, key, l)
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
	l.add(8, "low1")
	l.add(9, "vx1")
	var out [][]byte
	for _, c := range objectCases {
		for _, op := range []netstate.Op{netstate.Add, netstate.Delete} {
			var m message
			if err := encode(&m, 1, op, &c.object, l); err == nil {
				out = append(out, m.b)
			}
		}
	}
	for _, block := range objectBlocks(t) {
		out = append(out, messages(t, block, l)...)
	}
	var tunnels message
	tunnels.begin(unix.RTM_NEWLINK, 0, 1)
	tunnels.bridgeInfo(5)
	spec := tunnels.nest(unix.IFLA_AF_SPEC)
	tunnels.vlanRange(netstate.VLANRange{Min: 10, Max: 20})
	tunnels.vlanTunnel(netstate.VLANTunnel{Min: 10, Max: 20, ID: 1000})
	tunnels.treeState(1, 3)
	tunnels.endNest(spec)
	tunnels.end()
	out = append(out, tunnels.b)
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

// objectBlocks are blocks with objects of all sorts.
func objectBlocks(t testing.TB) []string {
	list := []string{mdbBlock, vxlanMDBBlock, mplsBlock, nexthopBlock}
	for _, way := range ways {
		list = append(list, way.block, way.change)
	}
	for _, c := range slices.Concat(kindCases(t), trafficCases(t)) {
		if c.traffic || c.kind == ipsecXfrm {
			list = append(append(list, c.block), c.changes...)
		}
	}
	return list
}

// messages are those of the edits that a block leads to where there are the
// interfaces of place0.
func messages(t testing.TB, block string, l *links) (out [][]byte) {
	t.Helper()
	config, problems := netyaml.Decode(block)
	if len(problems) > 0 {
		t.Fatalf("%+v\n%s", problems, block)
	}
	s := &netstate.State{Sysctls: map[string]string{"net.mpls.platform_labels": "1000", "net.mpls.conf.low0.input": "0"}}
	types := map[string]string{"lo": "loopback", "br0": "linux-bridge", "vx0": "vxlan", "vx1": "vxlan"}
	for _, name := range l.byIndex {
		i := netstate.Interface{Name: name, Type: cmp.Or(types[name], "dummy"), Attrs: netstate.Attrs{"state": "up"}}
		if name == "p0" {
			i.Attrs["controller"] = "br0"
		}
		s.Interfaces = append(s.Interfaces, i)
	}
	s.Sort()
	to, _, _ := netstate.Simulate(s, config) // what the kernel would refuse is a message, too
	x := &xfrmWriter{l: l, vault: &vault{}}
	for _, e := range netstate.Diff(s, to).Edits {
		o := object(&e)
		var m message
		switch {
		case e.Implied, o.Link != nil, o.Sysctl != nil:
			continue
		case o.Traffic != nil:
			out = append(out, trafficMessages(&e, l)...)
			continue
		case o.Xfrm != nil:
			_ = x.encode(&m, 1, e.Op, o.Xfrm) // without the keys, which nobody has told
		default:
			if err := encode(&m, 1, e.Op, o, l); err != nil {
				t.Fatalf("%s: %v\n%s", e.String(), err, block)
			}
		}
		out = append(out, m.b)
	}
	return out
}

// trafficMessages are those of an edit of traffic control.
func trafficMessages(e *netstate.Edit, l *links) (out [][]byte) {
	for _, step := range e.TCSteps() {
		var body message
		w := &tcWriter{index: 3, l: l, s: &step}
		if typ, flags, err := w.write(&body); err == nil {
			var m message
			m.begin(typ, flags, 1)
			m.raw(body.b...)
			m.end()
			out = append(out, m.b)
		}
	}
	return out
}

// TestSeeds wants messages of everything that is read.
func TestSeeds(t *testing.T) {
	have := map[uint16]int{}
	for _, b := range seeds(t) {
		if r, _, ok := split(b); ok {
			have[r.typ]++
		}
	}
	for _, typ := range []uint16{unix.RTM_NEWLINK, unix.RTM_NEWADDR, unix.RTM_NEWROUTE, unix.RTM_NEWRULE, unix.RTM_NEWNEIGH, unix.RTM_NEWQDISC, unix.RTM_NEWTCLASS,
		unix.RTM_NEWTFILTER, rtmNewMDB, rtmNewNexthop, xfrmNewState, xfrmNewPolicy} {
		if have[typ] == 0 {
			t.Errorf("there is no message of type %d among %v", typ, have)
		}
	}
}
