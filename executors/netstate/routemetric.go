package netstate

import (
	"maps"
	"slices"
	"strconv"
)

// lockBits are the bits of RTAX_LOCK: of each metric the one of its own number
// (linux/rtnetlink.h). A locked one holds whatever is learned of the path.
var lockBits = map[string]uint{
	"mtu": 2, "window": 3, "rtt": 4, "rttvar": 5, "ssthresh": 6, "cwnd": 7, "advmss": 8, "reordering": 9, "hoplimit": 10,
	"initcwnd": 11, "rto_min": 13, "initrwnd": 14,
}

const metricLock = "lock"

// LockMetrics locks these metrics, and no others.
func (r *Route) LockMetrics(keys []string) {
	var mask uint32
	for _, key := range keys {
		mask |= 1 << lockBits[key]
	}
	delete(r.Metrics, metricLock)
	if mask != 0 {
		r.Metrics[metricLock] = mask
	}
}

// LockedMetrics are the metrics that are locked, in their order.
func (r *Route) LockedMetrics() []string {
	var list []string
	for _, key := range slices.Sorted(maps.Keys(lockBits)) {
		if r.Metrics[metricLock]&(1<<lockBits[key]) != 0 {
			list = append(list, key)
		}
	}
	return list
}

// IdleUnlocked are those metrics of the route that do nothing unless they are
// locked (tcp_rto_min, tcp_init_metrics): ip-route(8) locks only the second.
func (r *Route) IdleUnlocked() []string {
	var list []string
	for _, key := range []string{"cwnd", "rto_min"} {
		if _, given := r.Metrics[key]; given {
			list = append(list, key)
		}
	}
	return list
}

// metricWords are the metrics of a route in ip-route(8)'s words.
func metricWords(r *Route, unit string) []string {
	var w []string
	locked := r.LockedMetrics()
	for _, key := range slices.Sorted(metricNames(r)) {
		if key == metricLock {
			continue
		}
		w = append(w, key)
		if slices.Contains(locked, key) && key != "rto_min" { // which ip(8) always locks
			w = append(w, "lock")
		}
		value := strconv.FormatUint(uint64(r.Metrics[key]), 10)
		if key == "rto_min" {
			value += unit
		}
		w = append(w, value)
	}
	return w
}
