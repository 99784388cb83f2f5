package linux

import (
	"encoding/binary"
	"strconv"
	"strings"

	"stet/executors/netstate"
)

// The structures of linux/pkt_sched.h, read and written.

// native appends numbers of 32 bits.
func native(list ...uint32) []byte {
	b := make([]byte, 0, 4*len(list))
	for _, v := range list {
		b = binary.NativeEndian.AppendUint32(b, v)
	}
	return b
}

func decimal32(n uint32) string { return strconv.FormatUint(uint64(n), 10) }

// at is the nth number of 32 bits.
func at(b []byte, n int) uint32 {
	if len(b) < 4*n+4 {
		return 0
	}
	return u32(b[4*n:])
}

// decodeQdiscOptions fills in the options of a qdisc. It returns what there are
// no words for, or "".
func decodeQdiscOptions(k *netstate.TCKind, e *netstate.TCEntry, b []byte, l *links) string {
	o, t := e.Options, tabulate(b)
	switch e.Kind {
	case "htb":
		o["r2q"], o["default"] = decimal32(at(t.get(2), 1)), strconv.FormatUint(uint64(at(t.get(2), 2)), 16)
		o["direct-qlen"] = decimal32(u32(t.get(5)))
		if t.get(9) != nil {
			return "it is offloaded"
		}
	case "sfq":
		for i, key := range []string{"quantum", "perturb", "limit", "divisor", "flows", "depth"} {
			o[key] = decimal32(at(b, i))
		}
		o["headdrop"] = strconv.FormatBool(at(b, 6) != 0)
		return decodeRED(o, b)
	case "tbf":
		return decodeTBF(o, t)
	case "netem":
		return decodeNetem(o, b)
	case "prio":
		o["bands"], o["priomap"] = decimal32(at(b, 0)), priomapText(b)
	case "pfifo":
		o["limit"] = decimal32(at(b, 0))
	case "bfifo":
		o["limit"] = netstate.FormatSize(uint64(at(b, 0)))
	default:
		decodeTable(k, e, t, l)
		if e.Kind == "cake" && t.get(12) != nil { // TCA_CAKE_RAW
			delete(o, "overhead")
		}
		if mask := u8(t.get(selectorMask)); e.Kind == "fq_codel" && mask != 0 {
			o["ce-threshold-selector"] = netstate.Masked{Value: uint64(u8(t.get(selectorMask - 1))), Mask: uint64(mask), Bits: 8}.Text(true)
		}
	}
	return ""
}

// priomapText is the map in a struct tc_prio_qopt.
func priomapText(b []byte) string {
	var list []string
	for i := 4; i < min(len(b), 20); i++ {
		list = append(list, strconv.Itoa(int(b[i])))
	}
	return strings.Join(list, " ")
}

// appendPriomap writes one.
func appendPriomap(b []byte, text string) ([]byte, error) {
	for word := range strings.FieldsSeq(text) {
		v, err := strconv.ParseUint(word, 10, 8)
		if err != nil {
			return nil, err
		}
		b = append(b, byte(v))
	}
	return b, nil
}

// sizeofSFQ is the size of struct tc_sfq_qopt_v1.
const sizeofSFQ = 72

// Flags of RED in linux/pkt_sched.h.
const (
	redECN      = 1
	redHarddrop = 2
)

// decodeRED reads how a sfq drops early. What tc(8) would make of the same thresholds
// is not told: a queue that was made with other words has none here.
func decodeRED(o netstate.Attrs, b []byte) string {
	if len(b) < sizeofSFQ || at(b, 8) == 0 { // qth_min
		return ""
	}
	o["min"], o["max"], o["probability"] = decimal32(at(b, 8)), decimal32(at(b, 9)), netstate.FormatProbability(at(b, 11))
	wlog, plog, cell, flags := b[40], b[41], b[42], b[43]
	o["ecn"], o["harddrop"] = strconv.FormatBool(flags&redECN != 0), strconv.FormatBool(flags&redHarddrop != 0)
	if r, _, fault := netstate.REDOf(o); fault != "" || wlog != r.Wlog || plog != r.Plog || cell != 0 || flags&^(redECN|redHarddrop) != 0 {
		return "its average is of other packets or bursts than tc(8) assumes (avpkt, burst)"
	}
	return ""
}

// appendRED writes what follows headdrop in struct tc_sfq_qopt_v1.
func appendRED(b []byte, e *netstate.TCEntry) []byte {
	r, _, _ := netstate.REDOf(e.Options)
	flags := byte(0)
	if optionOf(e, "ecn") == "true" {
		flags |= redECN
	}
	if optionOf(e, "harddrop") == "true" {
		flags |= redHarddrop
	}
	b = append(b, native(0, r.Min, r.Max)...)
	b = append(b, r.Wlog, r.Plog, 0, flags)
	b = append(b, native(r.MaxP)...)
	return append(b, make([]byte, sizeofSFQ-len(b))...)
}

// selectorMask is TCA_FQ_CODEL_CE_THRESHOLD_MASK; what it masks is one less.
const selectorMask = 11

// decodeTable fills in the options that have an attribute each.
func decodeTable(k *netstate.TCKind, e *netstate.TCEntry, t attrTable, l *links) {
	for i := range k.Attrs {
		a := &k.Attrs[i]
		b := t.get(a.IFLA)
		if a.IFLA == 0 || b == nil {
			continue
		}
		if v, ok := tcText(e, a, b, l); ok {
			e.Options[a.Key] = v
		}
	}
}

// tcText is the canonical text of an option's payload; false is unset.
func tcText(e *netstate.TCEntry, a *netstate.Attr, b []byte, l *links) (string, bool) {
	n := uint64(u32(b))
	if len(b) >= 8 {
		n = u64(b)
	}
	if n == a.Max && noneIsMost(a) {
		return "", false
	}
	switch {
	case a.Type == netstate.Rate:
		return netstate.FormatRate(n), true
	case a.Type == netstate.Size:
		return netstate.FormatSize(n), true
	case a.Type == netstate.Time && e.Kind == "fq_codel":
		return netstate.CodelTime(uint32(n)), true
	case a.Key == "timer-slack":
		return netstate.FormatTime(n), true
	case a.Type == netstate.Time:
		return netstate.FormatTime(n * 1000), true
	case a.Key == "buckets":
		return strconv.FormatUint(1<<(n&31), 10), true
	case a.Key == "classid":
		return netstate.FormatTCHandle(uint32(n)), n != 0
	case a.Key == "indev":
		return text(b), true
	case a.Key == "priomap":
		return priomapText(b), true
	case a.Key == "weights":
		return decimal32(at(b, 0)) + " " + decimal32(at(b, 1)) + " " + decimal32(at(b, 2)), true
	}
	return decodeAttr(a, b, l)
}

// noneIsMost tells that the largest number of an option stands for none.
func noneIsMost(a *netstate.Attr) bool {
	return a.Max != 0 && (a.Type == netstate.Rate || a.Type == netstate.Time)
}

// tcPayload is an option's payload.
func tcPayload(a *netstate.Attr, value string, l *links) ([]byte, error) {
	var n uint64
	var err error
	wide := false
	switch {
	case value == "" && noneIsMost(a):
		n = a.Max
	case value == "" && a.Key == "overhead":
		return nil, nil
	case a.Type == netstate.Rate:
		n, err = netstate.ParseRate(value)
		wide = a.Key == "bandwidth"
	case a.Type == netstate.Size:
		n, err = netstate.ParseSize(value)
	case a.Type == netstate.Time:
		if n, err = netstate.ParseTime(value); a.Key != "timer-slack" {
			n /= 1000
		}
	case a.Key == "buckets":
		n, err = strconv.ParseUint(value, 10, 32)
		for log := uint64(0); log < 32; log++ {
			if n == 1<<log {
				n = log
				break
			}
		}
	case a.Key == "classid":
		h, err := netstate.ParseTCHandle(value)
		return native(h), err
	case a.Key == "indev":
		return append([]byte(value), 0), nil
	case a.Key == "priomap":
		return appendPriomap(native(3), value) // FQ_BANDS
	case a.Key == "weights":
		var b []byte
		for word := range strings.FieldsSeq(value) {
			v, err := strconv.ParseUint(word, 10, 32)
			if err != nil {
				return nil, err
			}
			b = append(b, native(uint32(v))...)
		}
		return b, nil
	default:
		return attrPayload(a, value, l)
	}
	if wide {
		return binary.NativeEndian.AppendUint64(nil, n), err
	}
	return native(uint32(min(n, 1<<32-1))), err
}

// rateSpec reads struct tc_ratespec; wide is the attribute with 64 bits of rate.
func rateSpec(b, wide []byte) (rate uint64, overhead, mpu uint16, layer uint8) {
	if len(b) < 12 {
		return 0, 0, 0, 0
	}
	if rate = uint64(u32(b[8:])); len(wide) >= 8 {
		rate = u64(wide)
	}
	return rate, u16(b[2:]), u16(b[6:]), b[1] & 15
}

// appendRateSpec writes one. The link layer is always said, so that the kernel
// does not look for it in a table.
func appendRateSpec(b []byte, rate uint64, length netstate.PacketLength, cellLog uint8) []byte {
	layer := uint8(ethernetLayer)
	if length.ATM {
		layer = atmLayer
	}
	b = append(b, cellLog, layer)
	b = binary.NativeEndian.AppendUint16(b, uint16(length.Overhead))
	b = binary.NativeEndian.AppendUint16(b, 0xffff) // cell_align -1, as tc(8)
	b = binary.NativeEndian.AppendUint16(b, uint16(length.MPU))
	return binary.NativeEndian.AppendUint32(b, uint32(min(rate, 1<<32-1)))
}

// Link layers of linux/pkt_sched.h.
const (
	ethernetLayer = 1
	atmLayer      = 2
)

// lengthText fills in how lengths of packets count.
func lengthText(o netstate.Attrs, overhead, mpu uint16, layer uint8) {
	o["overhead"], o["mpu"] = decimal32(uint32(overhead)), decimal32(uint32(mpu))
	if o["linklayer"] = "ethernet"; layer == atmLayer {
		o["linklayer"] = "atm"
	}
}

func decodeTBF(o netstate.Attrs, t attrTable) string {
	b := t.get(1)
	if len(b) < 36 {
		return "its options are not understood"
	}
	rate, overhead, mpu, layer := rateSpec(b, t.get(4))
	o["rate"], o["limit"] = netstate.FormatRate(rate), netstate.FormatSize(uint64(at(b, 6)))
	lengthText(o, overhead, mpu, layer)
	ticks := netstate.PacketLengthOf(o).TokenTicks
	o["burst"] = netstate.Burst(at(b, 7), rate, ticks)
	if peak, _, _, _ := rateSpec(b[12:], t.get(5)); peak != 0 {
		o["peakrate"] = netstate.FormatRate(peak)
		o["mtu"] = netstate.Burst(at(b, 8), peak, ticks)
	}
	return ""
}

func encodeTBF(m *message, e *netstate.TCEntry) error {
	rate, err := netstate.ParseRate(e.Options["rate"])
	if err != nil {
		return err
	}
	var peak uint64
	if text := e.Options["peakrate"]; text != "" {
		if peak, err = netstate.ParseRate(text); err != nil {
			return err
		}
	}
	limit, err := netstate.ParseSize(e.Options["limit"])
	if err != nil {
		return err
	}
	burst, err := netstate.Ticks(e.Options["burst"], rate)
	if err != nil {
		return err
	}
	var peakBurst uint32
	if peak != 0 {
		if peakBurst, err = netstate.Ticks(e.Options["mtu"], peak); err != nil {
			return err
		}
	}
	length := netstate.PacketLengthOf(e.Options)
	b := appendRateSpec(nil, rate, length, 0)
	if peak != 0 {
		b = appendRateSpec(b, peak, length, 0)
	} else {
		b = append(b, make([]byte, 12)...)
	}
	m.attr(1, append(b, native(uint32(min(limit, 1<<32-1)), burst, peakBurst)...))
	if size, err := netstate.ParseSize(e.Options["burst"]); err == nil {
		m.u32(6, uint32(size)) // TCA_TBF_BURST
	}
	if rate >= 1<<32 {
		m.attr(4, binary.NativeEndian.AppendUint64(nil, rate))
	}
	if peak != 0 {
		if size, err := netstate.ParseSize(e.Options["mtu"]); err == nil {
			m.u32(7, uint32(size))
		}
		if peak >= 1<<32 {
			m.attr(5, binary.NativeEndian.AppendUint64(nil, peak))
		}
	}
	return nil
}

func decodeHTBClass(e *netstate.TCEntry, t attrTable) string {
	b := t.get(1)
	if len(b) < 44 {
		return "its options are not understood"
	}
	o := e.Options
	rate, overhead, mpu, layer := rateSpec(b, t.get(6))
	ceil, _, _, _ := rateSpec(b[12:], t.get(7))
	o["rate"], o["ceil"] = netstate.FormatRate(rate), netstate.FormatRate(ceil)
	o["burst"], o["cburst"] = netstate.Burst(at(b, 6), rate, sizeTicks), netstate.Burst(at(b, 7), ceil, sizeTicks)
	o["quantum"], o["prio"] = decimal32(at(b, 8)), decimal32(at(b, 10))
	lengthText(o, overhead, mpu, layer)
	return ""
}

func sizeTicks(size, rate uint64) (uint32, bool) {
	n, err := netstate.Ticks(strconv.FormatUint(size, 10), rate)
	return n, err == nil
}

func encodeHTBClass(m *message, e *netstate.TCEntry) error {
	o := e.Options
	var rates [2]uint64
	var ticks, numbers [2]uint32
	for i, keys := range [][2]string{{"rate", "burst"}, {"ceil", "cburst"}} {
		var err error
		if rates[i], err = netstate.ParseRate(o[keys[0]]); err != nil {
			return err
		}
		if ticks[i], err = netstate.Ticks(o[keys[1]], rates[i]); err != nil {
			return err
		}
	}
	for i, key := range []string{"quantum", "prio"} {
		v, _ := strconv.ParseUint(o[key], 10, 32) // it is canonical, or not given
		numbers[i] = uint32(v)
	}
	var b []byte
	for _, rate := range rates {
		b = appendRateSpec(b, rate, netstate.PacketLengthOf(o), 0)
	}
	m.attr(1, append(b, native(ticks[0], ticks[1], numbers[0], 0, numbers[1])...))
	for i, rate := range rates {
		if rate >= 1<<32 {
			m.attr(uint16(6+i), binary.NativeEndian.AppendUint64(nil, rate))
		}
	}
	return nil
}

// optionOf is an option's value, or its default.
func optionOf(e *netstate.TCEntry, key string) string {
	if v := e.Options[key]; v != "" {
		return v
	}
	if a := netstate.TCKindOf(e.Object, e.Kind).Attr(key); a != nil {
		return a.Default
	}
	return ""
}
