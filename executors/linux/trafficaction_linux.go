package linux

import (
	"encoding/binary"
	"fmt"
	"strconv"

	"stet/executors/netstate"
)

// Verdicts of linux/pkt_cls.h.
const (
	actPipe   = 3
	actStolen = 4
)

// verdictText is the word for a verdict; "" if there is none.
func verdictText(n uint32) string {
	for _, v := range netstate.TCKindOf("action", "police").Attr("exceed").Enum {
		if uint32(v.Value) == n {
			return v.Name
		}
	}
	return ""
}

// decodeActions reads a list of actions. It returns what there are no words
// for, or "".
func decodeActions(b []byte, l *links) (out []netstate.TCAction, unread string) {
	for _, one := range attributes(b) {
		t := tabulate(one)
		a := netstate.TCAction{Kind: text(t.get(1)), Options: netstate.Attrs{}}
		options := tabulate(t.get(2))
		if t.get(6) != nil {
			return out, "an action has a cookie"
		}
		switch a.Kind {
		case "gact":
			a.Kind = verdictText(at(options.get(2), 2))
			if options.get(3) != nil || a.Kind == "" {
				return out, "an action decides by chance, or leads elsewhere"
			}
		case "mirred":
			unread = decodeMirred(a.Options, options, l)
		case "police":
			unread = decodePolice(a.Options, options)
		default:
			return out, "stet has no words for the action " + a.Kind
		}
		if unread != "" {
			return out, unread
		}
		out = append(out, a)
	}
	return out, ""
}

// decodeMirred reads struct tc_mirred.
func decodeMirred(o netstate.Attrs, t attrTable, l *links) string {
	b := t.get(2)
	way, verdict := at(b, 5)-1, at(b, 2)
	if way > 3 || t.get(4) != nil || (way%2 == 0) != (verdict == actStolen) || way%2 == 1 && verdict != actPipe {
		return "mirred goes on in a way that stet has no words for"
	}
	o["direction"] = []string{"egress", "ingress"}[way/2]
	o["action"] = []string{"redirect", "mirror"}[way%2]
	if index := at(b, 6); index != 0 {
		o["dev"] = l.name(int(index))
	}
	return ""
}

// decodePolice reads struct tc_police.
func decodePolice(o netstate.Attrs, t attrTable) string {
	b := t.get(1)
	if len(b) < 56 || t.get(4) != nil || t.get(10) != nil {
		return "it polices by packets or by an average"
	}
	rate, overhead, mpu, layer := rateSpec(b[20:], t.get(8))
	if rate == 0 {
		return "it polices by the size of packets alone"
	}
	peak, _, _, _ := rateSpec(b[32:], t.get(9))
	o["rate"], o["burst"] = netstate.FormatRate(rate), netstate.Burst(at(b, 3), rate, sizeTicks)
	o["mtu"] = netstate.FormatSize(uint64(at(b, 4)))
	if peak != 0 {
		o["peakrate"] = netstate.FormatRate(peak)
	}
	o["exceed"], o["conform"] = verdictText(at(b, 1)), verdictText(u32(t.get(5)))
	lengthText(o, overhead, mpu, layer)
	if o["exceed"] == "" || o["conform"] == "" {
		return "police leads elsewhere"
	}
	return ""
}

// actions writes the actions of a filter.
func (w *tcWriter) actions(m *message, e *netstate.TCEntry) error {
	if len(e.Actions) == 0 {
		return nil
	}
	list := m.nest(actNumbers[e.Kind])
	defer m.endNest(list)
	for i := range e.Actions {
		a := &e.Actions[i]
		one := m.nest(uint16(i + 1))
		kind := a.Kind
		if kind != "mirred" && kind != "police" {
			kind = "gact"
		}
		m.str(1, kind)
		options := m.nest(2)
		var err error
		switch kind {
		case "mirred":
			err = w.mirred(m, a)
		case "police":
			err = police(m, a)
		default:
			m.attr(2, native(0, 0, netstate.TCVerdict(a.Kind), 0, 0)) // struct tc_gact
		}
		if err != nil {
			return fmt.Errorf("encoding action %s: %w", a.Kind, err)
		}
		m.endNest(options)
		m.endNest(one)
	}
	return nil
}

// actionOption is an action's option, or its default.
func actionOption(a *netstate.TCAction, key string) string {
	if v := a.Options[key]; v != "" {
		return v
	}
	return netstate.TCKindOf("action", a.Kind).Attr(key).Default
}

func (w *tcWriter) mirred(m *message, a *netstate.TCAction) error {
	index, err := w.l.index(actionOption(a, "dev"))
	if err != nil {
		return err
	}
	way, verdict := uint32(1), uint32(actStolen)
	if actionOption(a, "action") == "mirror" {
		way, verdict = 2, actPipe
	}
	if actionOption(a, "direction") == "ingress" {
		way += 2
	}
	m.attr(2, native(0, 0, verdict, 0, 0, way, uint32(index)))
	return nil
}

func police(m *message, a *netstate.TCAction) error {
	rate, err := netstate.ParseRate(a.Options["rate"])
	if err != nil {
		return err
	}
	burst, err := netstate.Ticks(a.Options["burst"], rate)
	if err != nil {
		return err
	}
	var mtu, peak uint64
	if text := a.Options["mtu"]; text != "" {
		if mtu, err = netstate.ParseSize(text); err != nil {
			return err
		}
	}
	if text := a.Options["peakrate"]; text != "" {
		if peak, err = netstate.ParseRate(text); err != nil {
			return err
		}
	}
	exceed, conform := netstate.TCVerdict(actionOption(a, "exceed")), netstate.TCVerdict(actionOption(a, "conform"))
	log, length := cellLog(mtu), netstate.PacketLengthOf(a.Options)
	b := native(0, exceed, 0, burst, uint32(mtu))
	b = appendRateSpec(b, rate, length, log)
	if peak != 0 {
		b = appendRateSpec(b, peak, length, log)
	} else {
		b = append(b, make([]byte, 12)...)
	}
	m.attr(1, append(b, native(0, 0, 0)...))
	m.attr(2, rateTable(rate, length, log))
	if rate >= 1<<32 {
		m.attr(8, binary.NativeEndian.AppendUint64(nil, rate))
	}
	if peak != 0 {
		m.attr(3, rateTable(peak, length, log))
		if peak >= 1<<32 {
			m.attr(9, binary.NativeEndian.AppendUint64(nil, peak))
		}
	}
	m.u32(5, conform)
	return nil
}

// cellLog is how packet sizes are rounded in a table of 256, as tc(8) does.
func cellLog(mtu uint64) (log uint8) {
	if mtu == 0 {
		mtu = 2047
	}
	for mtu>>log > 255 && log < 31 {
		log++
	}
	return log
}

// rateTable is how long packets of each size take (tc_calc_rtable). The kernel
// wants one from the policer, and calculates by itself.
func rateTable(rate uint64, length netstate.PacketLength, log uint8) []byte {
	b := make([]byte, 0, 1024)
	for i := range uint64(256) {
		size := max((i+1)<<log, length.MPU)
		if length.ATM {
			size = (size + 47) / 48 * 53
		}
		n, err := netstate.Ticks(strconv.FormatUint(size, 10), rate)
		if err != nil {
			n = 1<<32 - 1
		}
		b = binary.NativeEndian.AppendUint32(b, n)
	}
	return b
}
