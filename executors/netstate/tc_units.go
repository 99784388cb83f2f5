package netstate

import (
	"fmt"
	"math"
	"math/bits"
	"strconv"
	"strings"
)

// Numbers with units, as tc(8) has them under UNITS. The canonical text has the
// largest unit that says the number in whole.

type unit struct {
	name string
	n    uint64
}

var (
	// Bits a second, as tc(8) takes them.
	rateUnits = []unit{{"", 1}, {"tbit", 1e12}, {"gbit", 1e9}, {"mbit", 1e6}, {"kbit", 1e3}, {"bit", 1},
		{"tibit", 1 << 40}, {"gibit", 1 << 30}, {"mibit", 1 << 20}, {"kibit", 1 << 10},
		{"tbps", 8e12}, {"gbps", 8e9}, {"mbps", 8e6}, {"kbps", 8e3}, {"bps", 8},
		{"tibps", 8 << 40}, {"gibps", 8 << 30}, {"mibps", 8 << 20}, {"kibps", 8 << 10}}
	// Bytes.
	sizeUnits = []unit{{"", 1}, {"g", 1 << 30}, {"m", 1 << 20}, {"k", 1 << 10}, {"b", 1}, {"gb", 1 << 30}, {"mb", 1 << 20}, {"kb", 1 << 10},
		{"gbit", 1 << 27}, {"mbit", 1 << 17}, {"kbit", 1 << 7}}
	// Nanoseconds; tc(8) takes a bare number for microseconds.
	timeUnits = []unit{{"", 1e3}, {"s", 1e9}, {"ms", 1e6}, {"us", 1e3}, {"ns", 1}, {"sec", 1e9}, {"secs", 1e9}, {"msec", 1e6}, {"msecs", 1e6},
		{"usec", 1e3}, {"usecs", 1e3}, {"nsec", 1}, {"nsecs", 1}}
)

// parseUnit reads a decimal number with a unit.
func parseUnit(text string, units []unit, example string) (uint64, error) {
	wrong := fmt.Errorf("%q is not a number with a unit as tc(8) has them, like %s", text, example)
	at := strings.IndexFunc(text, func(r rune) bool { return (r < '0' || r > '9') && r != '.' })
	if at < 0 {
		at = len(text)
	}
	whole, fraction, _ := strings.Cut(text[:at], ".")
	if len(fraction) > 9 || whole == "" {
		return 0, wrong
	}
	name := strings.ToLower(strings.TrimSpace(text[at:]))
	for _, u := range units {
		if u.name != name {
			continue
		}
		n, err := strconv.ParseUint(whole, 10, 64)
		high, low := bits.Mul64(n, u.n)
		if err != nil || high != 0 {
			return 0, fmt.Errorf("%q is too large", text)
		}
		if fraction == "" {
			return low, nil
		}
		f, err := strconv.ParseUint(fraction, 10, 64)
		if err != nil {
			return 0, wrong
		}
		high, rest := bits.Mul64(f, u.n)
		part, _ := bits.Div64(high, rest, uint64(math.Pow10(len(fraction))))
		if low+part < low {
			return 0, fmt.Errorf("%q is too large", text)
		}
		return low + part, nil
	}
	return 0, wrong
}

// formatUnit writes a number with the first unit of those named that says it in
// whole.
func formatUnit(n uint64, units []unit) string {
	for _, u := range units[1:] {
		if u.n == 1 || n != 0 && n%u.n == 0 {
			return strconv.FormatUint(n/u.n, 10) + u.name
		}
	}
	return strconv.FormatUint(n, 10)
}

// ParseRate reads a rate in tc's units ("100mbit", "12mbps"; a bare number is
// bits a second) as bytes a second, what the kernel counts in. Parts of a byte
// are cut off, as tc(8) does.
func ParseRate(text string) (uint64, error) {
	if strings.HasSuffix(text, "%") {
		return 0, fmt.Errorf("%q is a share of the link's speed, which can change, and not supported: write a rate, like 100mbit", text)
	}
	n, err := parseUnit(text, rateUnits, "100mbit")
	if err == nil && n != 0 && n < 8 {
		err = fmt.Errorf("%q is less than one byte a second", text)
	}
	return n / 8, err
}

// FormatRate is the canonical text of bytes a second.
func FormatRate(n uint64) string {
	if n > math.MaxUint64/8 {
		return strconv.FormatUint(n, 10) + "bps"
	}
	return formatUnit(n*8, rateUnits)
}

// ParseSize reads an amount of data in tc's units ("15k", "1600b"; a bare
// number is bytes) as bytes.
func ParseSize(text string) (uint64, error) { return parseUnit(text, sizeUnits, "15k") }

// FormatSize is the canonical text of bytes.
func FormatSize(n uint64) string { return formatUnit(n, sizeUnits) }

// ParseTime reads a time in tc's units ("10ms", "2s"; a bare number is
// microseconds) as nanoseconds.
func ParseTime(text string) (uint64, error) { return parseUnit(text, timeUnits, "10ms") }

// FormatTime is the canonical text of nanoseconds.
func FormatTime(n uint64) string {
	if n == 0 {
		return "0s"
	}
	return formatUnit(n, timeUnits)
}

// ParsePercent reads a probability ("0.1%") as the kernel's fraction of 2^32-1.
func ParsePercent(text string) (uint32, error) {
	v, err := strconv.ParseFloat(strings.TrimSuffix(text, "%"), 64)
	if err != nil || v < 0 || v > 100 || math.IsNaN(v) {
		return 0, fmt.Errorf("%q is no percentage, like 0.1%%", text)
	}
	return uint32(math.RoundToEven(v / 100 * math.MaxUint32)), nil
}

// FormatPercent is the shortest text that ParsePercent reads as n.
func FormatPercent(n uint32) string {
	text := ""
	for digits := range 11 {
		text = strconv.FormatFloat(float64(n)/math.MaxUint32*100, 'f', digits, 64)
		if back, err := ParsePercent(text); err == nil && back == n {
			break
		}
	}
	return text + "%"
}

// tickUnit is what a burst says that is no whole number of bytes.
const tickUnit = "ticks"

// tickTime is a tick of the packet scheduler in nanoseconds (PSCHED_SHIFT).
const tickTime = 64

// Ticks is how long a burst ("15k") takes at a rate in bytes a second, in the
// kernel's ticks of 64 ns, cut off as tc(8) does.
func Ticks(burst string, rate uint64) (uint32, error) {
	if text, ok := strings.CutSuffix(burst, tickUnit); ok {
		n, err := strconv.ParseUint(text, 10, 32)
		if err != nil {
			return 0, fmt.Errorf("%q is no number of ticks", burst)
		}
		return uint32(n), nil
	}
	size, err := ParseSize(burst)
	if err != nil {
		return 0, err
	}
	n, ok := sizeTicks(size, rate)
	if !ok {
		return 0, fmt.Errorf("%s at %s takes longer than the kernel can count", burst, FormatRate(rate))
	}
	return n, nil
}

func sizeTicks(size, rate uint64) (uint32, bool) {
	if rate == 0 {
		return 0, size == 0
	}
	high, low := bits.Mul64(size, 1e9)
	if high >= rate {
		return 0, false
	}
	ns, _ := bits.Div64(high, low, rate)
	// The remainder of nanoseconds cannot be more than a tick.
	n := ns / tickTime
	return uint32(n), n <= math.MaxUint32
}

// TokenTicks is what the kernel makes of the size of tbf's bucket: it counts
// with a multiplier of its own (psched_ratecfg_precompute, psched_l2t_ns).
func TokenTicks(size, rate uint64) (uint32, bool) {
	if rate == 0 {
		return 0, size == 0
	}
	factor, shift := uint64(1e9), uint(0)
	mult := factor / rate
	for mult&(1<<31) == 0 && factor&(1<<63) == 0 {
		factor <<= 1
		shift++
		mult = factor / rate
	}
	high, low := bits.Mul64(size, mult&math.MaxUint32)
	n := (low>>shift | high<<(64-shift)) / tickTime
	return uint32(n), n <= math.MaxUint32
}

// PacketLength is how lengths of packets count (psched_l2t_ns): what is added to
// each, the least that counts, and whether they are counted in cells of ATM.
type PacketLength struct {
	Overhead, MPU uint64
	ATM           bool
}

// PacketLengthOf reads it from the options of a tbf.
func PacketLengthOf(o Attrs) PacketLength {
	overhead, _ := strconv.ParseUint(o["overhead"], 10, 16) // they are canonical, or not given
	mpu, _ := strconv.ParseUint(o["mpu"], 10, 16)
	return PacketLength{overhead, mpu, o["linklayer"] == "atm"}
}

// TokenTicks is what the kernel makes of a size for tbf, which counts the bucket
// as if it was a packet.
func (l PacketLength) TokenTicks(size, rate uint64) (uint32, bool) {
	if size > math.MaxUint32 {
		return 0, false
	}
	size = max(size+l.Overhead, l.MPU)
	if l.ATM {
		size = (size + 47) / 48 * 53
	}
	return TokenTicks(size, rate)
}

// Burst is the roundest size that takes so many ticks at a rate, by the way that
// ticks counts; the ticks themselves if no size does.
func Burst(n uint32, rate uint64, ticks func(size, rate uint64) (uint32, bool)) string {
	takes := func(size uint64) bool {
		t, ok := ticks(size, rate)
		return ok && t == n
	}
	most := uint64(float64(n)*tickTime*float64(rate)/1e9) + 3 + uint64(float64(rate)*tickTime/1e9)
	least := uint64(0)
	if n != 0 {
		least = 1 // nothing is no bucket, even where little counts as more
	}
	for most < math.MaxInt && least < most {
		middle := least + (most-least)/2
		if t, ok := ticks(middle, rate); ok && t < n {
			least = middle + 1
		} else {
			most = middle
		}
	}
	first := least
	if !takes(first) {
		return strconv.FormatUint(uint64(n), 10) + tickUnit
	}
	for _, round := range []uint64{1 << 20, 1 << 10, 1000, 100} {
		if size := (first + round - 1) / round * round; takes(size) {
			return FormatSize(size)
		}
	}
	return FormatSize(first)
}
