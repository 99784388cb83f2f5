package linux

import (
	"encoding/binary"
	"math"
	"strconv"
	"strings"

	"stet/executors/netstate"
)

// netemFields are the places of probabilities in struct tc_netem_qopt (by
// number) and in its attributes.
var netemFields = []struct {
	key  string
	attr uint16 // 0: the structure
	at   int
}{
	{"loss", 0, 2}, {"duplicate", 0, 4},
	{"delay-correlation", 1, 0}, {"loss-correlation", 1, 1}, {"duplicate-correlation", 1, 2},
	{"reorder", 3, 0}, {"reorder-correlation", 3, 1}, {"corrupt", 4, 0}, {"corrupt-correlation", 4, 1},
}

// netemTick is a tick in nanoseconds.
const netemTick = 64

func decodeNetem(o netstate.Attrs, b []byte) string {
	if len(b) < 24 {
		return "its options are not understood"
	}
	t := tabulate(b[24:])
	delay, jitter := uint64(at(b, 0))*netemTick, uint64(at(b, 5))*netemTick
	if len(t.get(10)) >= 8 {
		delay = u64(t.get(10))
	}
	if len(t.get(11)) >= 8 {
		jitter = u64(t.get(11))
	}
	o["delay"], o["jitter"] = netstate.FormatTime(delay), netstate.FormatTime(jitter)
	o["limit"], o["gap"] = decimal32(at(b, 1)), decimal32(at(b, 3))
	for _, f := range netemFields {
		from := b
		if f.attr != 0 {
			from = t.get(f.attr)
		}
		o[f.key] = netstate.FormatPercent(at(from, f.at))
	}
	shape := t.get(6) // struct tc_netem_rate
	o["packet-overhead"], o["cell-size"], o["cell-overhead"] = signed32(at(shape, 1)), decimal32(at(shape, 2)), signed32(at(shape, 3))
	rate := uint64(at(shape, 0))
	if len(t.get(8)) >= 8 {
		rate = u64(t.get(8))
	}
	o["rate"], o["ecn"] = netstate.FormatRate(rate), strconv.FormatBool(u32(t.get(7)) != 0)
	if loss := tabulate(t.get(5)); t.get(5) != nil {
		decodeLoss(o, loss)
	}
	return decodeSlot(o, t.get(12))
}

func signed32(n uint32) string { return strconv.Itoa(int(int32(n))) }

// Numbers of the models of loss (NETEM_LOSS_*).
const (
	lossState   = 1
	lossGEModel = 2
)

// decodeLoss reads struct tc_netem_gimodel (p13, p31, p32, p14, p23) or struct
// tc_netem_gemodel (p, r, h, k1), of which tc(8) says 1-h.
func decodeLoss(o netstate.Attrs, t attrTable) {
	shares := func(list ...uint32) string {
		var words []string
		for _, n := range list {
			words = append(words, netstate.FormatPercent(n))
		}
		return strings.Join(words, " ")
	}
	if b := t.get(lossState); b != nil {
		o["loss-state"] = shares(at(b, 0), at(b, 1), at(b, 2), at(b, 4), at(b, 3))
	}
	if b := t.get(lossGEModel); b != nil {
		o["loss-gemodel"] = shares(at(b, 0), at(b, 1), math.MaxUint32-at(b, 2), at(b, 3))
	}
}

// lossModel writes one, if there is one.
func lossModel(m *message, e *netstate.TCEntry) error {
	for number, key := range map[uint16]string{lossState: "loss-state", lossGEModel: "loss-gemodel"} {
		var n []uint32
		for word := range strings.FieldsSeq(e.Options[key]) {
			v, err := netstate.ParsePercent(word)
			if err != nil {
				return err
			}
			n = append(n, v)
		}
		nest := func(list ...uint32) {
			at := m.nest(5)
			m.attr(number, native(list...))
			m.endNest(at)
		}
		switch {
		case len(n) == 5:
			nest(n[0], n[1], n[2], n[4], n[3])
		case len(n) == 4:
			nest(n[0], n[1], math.MaxUint32-n[2], n[3])
		}
	}
	return nil
}

// decodeSlot reads struct tc_netem_slot.
func decodeSlot(o netstate.Attrs, b []byte) string {
	if len(b) < 40 {
		return ""
	}
	if u64(b[24:])|u64(b[32:]) != 0 {
		return "its slots have a distribution"
	}
	o["slot"], o["slot-max"] = netstate.FormatTime(u64(b)), netstate.FormatTime(u64(b[8:]))
	o["slot-packets"], o["slot-bytes"] = decimal32(at(b, 4)), decimal32(at(b, 5))
	return ""
}

// slot writes them, also none: the kernel keeps what it is not told of.
func slot(m *message, e *netstate.TCEntry) error {
	var b []byte
	for _, key := range []string{"slot", "slot-max"} {
		n, err := netstate.ParseTime(optionOf(e, key))
		if err != nil {
			return err
		}
		b = binary.NativeEndian.AppendUint64(b, n)
	}
	packets, _ := strconv.ParseUint(optionOf(e, "slot-packets"), 10, 32) // they are canonical
	size, _ := strconv.ParseUint(optionOf(e, "slot-bytes"), 10, 32)
	b = append(b, native(uint32(packets), uint32(size))...)
	m.attr(12, append(b, make([]byte, 16)...))
	return nil
}

func encodeNetem(m *message, e *netstate.TCEntry) error {
	value := func(key string) string { return optionOf(e, key) }
	delay, err := netstate.ParseTime(value("delay"))
	if err != nil {
		return err
	}
	jitter, err := netstate.ParseTime(value("jitter"))
	if err != nil {
		return err
	}
	rate, err := netstate.ParseRate(value("rate"))
	if err != nil {
		return err
	}
	fields := map[uint16][]uint32{0: make([]uint32, 6), 1: make([]uint32, 3), 3: make([]uint32, 2), 4: make([]uint32, 2)}
	for _, f := range netemFields {
		if fields[f.attr][f.at], err = netstate.ParsePercent(value(f.key)); err != nil {
			return err
		}
	}
	head := fields[0]
	limit, _ := strconv.ParseUint(value("limit"), 10, 32)
	gap, _ := strconv.ParseUint(value("gap"), 10, 32)
	head[0], head[5] = uint32(min(delay/netemTick, 1<<32-1)), uint32(min(jitter/netemTick, 1<<32-1))
	head[1], head[3] = uint32(limit), uint32(gap)
	m.raw(native(head...)...)
	for _, number := range []uint16{1, 3, 4} {
		m.attr(number, native(fields[number]...))
	}
	m.attr(10, binary.NativeEndian.AppendUint64(nil, delay))
	m.attr(11, binary.NativeEndian.AppendUint64(nil, jitter))
	overhead, _ := strconv.ParseInt(value("packet-overhead"), 10, 32)
	cell, _ := strconv.ParseUint(value("cell-size"), 10, 32)
	cellOverhead, _ := strconv.ParseInt(value("cell-overhead"), 10, 32)
	m.attr(6, native(uint32(min(rate, 1<<32-1)), uint32(overhead), uint32(cell), uint32(cellOverhead)))
	if rate >= 1<<32 {
		m.attr(8, binary.NativeEndian.AppendUint64(nil, rate))
	}
	var ecn uint32
	if value("ecn") == "true" {
		ecn = 1
	}
	m.u32(7, ecn)
	if err := lossModel(m, e); err != nil {
		return err
	}
	return slot(m, e)
}
