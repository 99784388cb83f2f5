package linux

import (
	"encoding/binary"
	"fmt"
	"sort"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"stet/executors/netstate"
)

// qosText reads IFLA_VLAN_INGRESS_QOS or IFLA_VLAN_EGRESS_QOS: nested
// IFLA_VLAN_QOS_MAPPING (struct ifla_vlan_qos_mapping).
func qosText(b []byte) string {
	type pair struct{ from, to uint32 }
	var pairs []pair
	for typ, p := range attributes(b) {
		if typ == unix.IFLA_VLAN_QOS_MAPPING && len(p) >= 8 && u32(p[4:]) != 0 {
			pairs = append(pairs, pair{u32(p), u32(p[4:])})
		}
	}
	sort.Slice(pairs, func(i, j int) bool { return pairs[i].from < pairs[j].from })
	out := make([]string, 0, len(pairs))
	for _, p := range pairs {
		out = append(out, fmt.Sprintf("%d:%d", p.from, p.to))
	}
	return strings.Join(out, ",")
}

// qosMap appends a map of priorities. The kernel only adds to the one that it
// has: what was in it before and is no more is set to 0.
func (w *attrWriter) qosMap(a *netstate.Attr, value, before string) error {
	at := w.m.nest(a.IFLA)
	defer w.m.endNest(at)
	set := func(pair string, zero bool) error {
		from, to, _ := strings.Cut(pair, ":")
		f, err := strconv.ParseUint(from, 10, 32)
		if err != nil {
			return fmt.Errorf("encoding %s %q: %w", a.Key, pair, err)
		}
		t, err := strconv.ParseUint(to, 10, 32)
		if err != nil {
			return fmt.Errorf("encoding %s %q: %w", a.Key, pair, err)
		}
		if zero {
			t = 0
		}
		b := binary.NativeEndian.AppendUint32(nil, uint32(f))
		w.m.attr(unix.IFLA_VLAN_QOS_MAPPING, binary.NativeEndian.AppendUint32(b, uint32(t)))
		return nil
	}
	for _, list := range []struct {
		pairs string
		zero  bool
	}{{before, true}, {value, false}} {
		for pair := range strings.FieldsFuncSeq(list.pairs, func(r rune) bool { return r == ',' }) {
			if err := set(pair, list.zero); err != nil {
				return err
			}
		}
	}
	return nil
}
