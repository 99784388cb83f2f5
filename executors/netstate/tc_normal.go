package netstate

import (
	"strconv"
)

// normalize brings an entry that somebody wrote to the form that the kernel's
// answer has: what follows from other options, and sizes that take as long. It
// returns what is wrong, or "".
func (e *TCEntry) normalize() string {
	if e.Options == nil {
		e.Options = Attrs{}
	}
	o := e.Options
	switch e.Object + " " + e.Kind {
	case "class htb":
		if o["ceil"] == "" {
			o["ceil"] = o["rate"]
		}
		for burst, rate := range map[string]string{"burst": "rate", "cburst": "ceil"} {
			if o[burst] == "" {
				n, _ := ParseRate(o[rate])
				o[burst] = FormatSize(n/1e9 + 1600)
			}
		}
		if fault := roundBurst(o, "burst", "rate", sizeTicks); fault != "" {
			return fault
		}
		return roundBurst(o, "cburst", "ceil", sizeTicks)
	case "qdisc tbf":
		return normalizeTBF(o)
	case "qdisc fq_codel":
		for _, key := range []string{"target", "interval", "ce-threshold"} {
			if n, err := ParseTime(o[key]); err == nil {
				o[key] = CodelTime(codelTime(uint32(n / 1e3)))
			}
		}
	case "qdisc cake":
		if n, err := ParseTime(e.option("rtt")); err == nil && o["target"] == "" {
			o["target"] = FormatTime(max(n/20/1e3, 1) * 1e3)
		}
	case "qdisc netem":
		if o["gap"] == "" && o["reorder"] != "" && o["reorder"] != "0%" {
			o["gap"] = "1"
		}
		if e.option("reorder") != "0%" && e.option("delay") == "0s" {
			return "`reorder` needs `delay`"
		}
	case "qdisc sfq", "qdisc fq":
		for _, key := range []string{"divisor", "buckets"} {
			if n, err := strconv.ParseUint(o[key], 10, 32); err == nil && (n == 0 || n&(n-1) != 0) {
				return "`" + key + "` is " + o[key] + ", which is no power of two"
			}
		}
		if e.Kind == "sfq" {
			return normalizeRED(o)
		}
	}
	return e.normalizeActions()
}

func normalizeTBF(o Attrs) string {
	if o["latency"] != "" {
		wait, _ := ParseTime(o["latency"])
		rate, _ := ParseRate(o["rate"])
		burst, _ := ParseSize(o["burst"])
		if o["limit"] != "" {
			return "`limit` and `latency` say the same twice"
		}
		limit := float64(rate)*float64(wait)/1e9 + float64(burst)
		if o["peakrate"] != "" { // what has passed its own bucket in that time
			peak, _ := ParseRate(o["peakrate"])
			bucket, _ := ParseSize(o["mtu"])
			limit = min(limit, float64(peak)*float64(wait)/1e9+float64(bucket))
		}
		o["limit"] = FormatSize(uint64(limit))
		delete(o, "latency")
	}
	if o["limit"] == "" {
		return "a tbf needs `limit` or `latency`"
	}
	if (o["peakrate"] == "") != (o["mtu"] == "") {
		return "`peakrate` needs `mtu`, and `mtu` needs `peakrate`"
	}
	if fault := roundBurst(o, "burst", "rate", PacketLengthOf(o).TokenTicks); fault != "" {
		return fault
	}
	return roundBurst(o, "mtu", "peakrate", PacketLengthOf(o).TokenTicks)
}

func (e *TCEntry) normalizeActions() string {
	for i := range e.Actions {
		a := &e.Actions[i]
		if a.Kind != "police" {
			continue
		}
		if a.Options["peakrate"] != "" && a.Options["mtu"] == "" {
			return "`peakrate` needs `mtu`"
		}
		if fault := roundBurst(a.Options, "burst", "rate", sizeTicks); fault != "" {
			return fault
		}
	}
	return ""
}

// roundBurst replaces a size by the one that stands for all that take as long.
func roundBurst(o Attrs, key, rateKey string, ticks func(size, rate uint64) (uint32, bool)) string {
	rate, err := ParseRate(o[rateKey])
	if o[key] == "" || err != nil {
		return ""
	}
	size, err := ParseSize(o[key])
	if err != nil {
		return "" // in ticks
	}
	n, ok := ticks(size, rate)
	if !ok {
		return "`" + key + "` of " + o[key] + " takes longer at " + o[rateKey] + " than the kernel can count"
	}
	o[key] = Burst(n, rate, ticks)
	return ""
}

// codelTime is what the kernel makes of microseconds: it counts in 1024 ns
// (net/codel.h, CODEL_SHIFT).
func codelTime(us uint32) uint32 { return uint32(uint64(us) * 1000 >> 10 << 10 / 1000) }

// CodelTime is the time that the kernel shows as us microseconds.
func CodelTime(us uint32) string {
	at := us
	for at < us+3 && codelTime(at) != us {
		at++
	}
	if codelTime(at) != us {
		at = us // of another kernel
	}
	if round := (at + 999) / 1000 * 1000; codelTime(round) == us {
		at = round
	}
	return FormatTime(uint64(at) * 1000)
}
