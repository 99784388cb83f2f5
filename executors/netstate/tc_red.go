package netstate

import (
	"cmp"
	"errors"
	"math/bits"
	"strconv"
)

// RED is how a qdisc drops early (struct tc_sfq_qopt_v1 of linux/pkt_sched.h).
type RED struct {
	Min, Max   uint32 // bytes of a flow; Min is 0 where nothing is dropped early
	Wlog, Plog uint8  // what tc(8) makes of them (tc_red.c)
	MaxP       uint32 // the probability, of 2^32
}

// REDOf is what the options of a sfq ask for. With a fault it says which of them it
// is about.
func REDOf(o Attrs) (r RED, key, fault string) {
	for _, k := range []string{"harddrop", "ecn", "probability", "min", "max", "redflowlimit"} {
		if v := o[k]; v != "" && v != "false" {
			key = k
		}
	}
	if key == "" {
		return r, "", ""
	}
	number := func(key string) uint32 {
		v, _ := strconv.ParseUint(o[key], 10, 32) // it is canonical, or not given
		return uint32(v)
	}
	limit := number("redflowlimit")
	r.Max = cmp.Or(number("max"), limit/4)
	r.Min = cmp.Or(number("min"), r.Max/3)
	var err error
	if r.MaxP, err = ParseProbability(cmp.Or(o["probability"], "0.02")); err != nil {
		return r, "probability", "`probability`: " + err.Error()
	}
	wlog, plog := redAverage(r.Min, r.Max), redStep(r)
	switch {
	case r.Max == 0:
		return r, key, "`" + key + "` needs `redflowlimit` or `max`"
	case limit != 0 && r.Max > limit:
		return r, "max", "`max` is " + o["max"] + ", and `redflowlimit` " + o["redflowlimit"]
	case r.Min >= r.Max:
		return r, "min", "`min` is " + strconv.FormatUint(uint64(r.Min), 10) + ", and `max` " + strconv.FormatUint(uint64(r.Max), 10)
	case wlog == 0 || bits.Len32(r.Max)+wlog >= 32 || plog >= 32: // red_check_params
		return r, key, "no average can be made from `min` " + strconv.FormatUint(uint64(r.Min), 10) + " to `max` " + strconv.FormatUint(uint64(r.Max), 10)
	}
	r.Wlog, r.Plog = uint8(wlog), uint8(plog)
	return r, "", ""
}

// redAverage is how slowly the average follows, for packets of 1000 bytes and the
// burst that tc(8) takes without one (tc_red_eval_ewma); 0 if there is no answer.
func redAverage(least, most uint32) int {
	const packet = 1000
	burst := float64((2*uint64(least) + uint64(most)) / (3 * packet))
	a, w := burst+1-float64(least)/packet, 0.5
	for n := 1; a >= 1 && n < 32; n++ {
		share := 1.0
		for range int(burst) {
			share *= 1 - w
		}
		if a <= (1-share)/w {
			return n
		}
		w /= 2
	}
	return 0
}

// redStep is tc(8)'s Plog (tc_red_eval_P); 32 and more is none.
func redStep(r RED) (n int) {
	p := float64(r.MaxP) / (1 << 32) / (float64(r.Max) - float64(r.Min))
	for ; n < 32 && p <= 1; n++ {
		p *= 2
	}
	return n
}

// ParseProbability reads what tc(8) takes for one, "0.02", as a fraction of 2^32.
func ParseProbability(text string) (uint32, error) {
	p, err := strconv.ParseFloat(text, 64)
	if n := p * (1 << 32); err == nil && n >= 1 && p < 1 {
		return uint32(n), nil
	}
	return 0, errors.New(strconv.Quote(text) + " is no number between 0 and 1")
}

// FormatProbability is the shortest text that ParseProbability reads as n.
func FormatProbability(n uint32) (text string) {
	for digits := 1; digits <= 17; digits++ {
		text = strconv.FormatFloat(float64(n)/(1<<32), 'g', digits, 64)
		if back, err := ParseProbability(text); err == nil && back == n {
			break
		}
	}
	return text
}

// normalizeRED writes out what follows from the limit, which the kernel does not keep.
func normalizeRED(o Attrs) string {
	r, _, fault := REDOf(o)
	if fault == "" && r.Min != 0 {
		o["min"], o["max"] = strconv.FormatUint(uint64(r.Min), 10), strconv.FormatUint(uint64(r.Max), 10)
		o["probability"] = FormatProbability(r.MaxP)
	}
	delete(o, "redflowlimit")
	return fault
}
