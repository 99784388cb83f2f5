package netstate

import (
	"maps"
	"slices"
	"strconv"
	"strings"
)

// lockBits are the bits of RTAX_LOCK: of each metric the one of its own number
// (linux/rtnetlink.h). A locked one holds whatever is learned of the path.
var lockBits = map[string]uint{
	"mtu": 2, "window": 3, "rtt": 4, "rttvar": 5, "ssthresh": 6, "cwnd": 7, "advmss": 8, "reordering": 9, "hoplimit": 10,
	"initcwnd": 11, "rto_min": 13, "initrwnd": 14, Congctl: 16,
}

const metricLock = "lock"

// What a route has besides numbers of its metrics, and beside them, in
// ip-route(8)'s words.
const (
	Congctl    = "congctl"
	Features   = "features" // RTAX_FEATURES
	Preference = "pref"     // RTA_PREF
	Realm      = "realm"    // RTA_FLOW
)

// RouteFeatures are the names of RTAX_FEATURE_*.
var RouteFeatures = []EnumValue{{"ecn", 1}, {"sack", 2}, {"timestamp", 4}, {"allfrag", 8}, {"tcp_usec_ts", 16}}

// RoutePreferences are the names of ICMPV6_ROUTER_PREF_* of linux/icmpv6.h.
var RoutePreferences = []EnumValue{{"medium", 0}, {"high", 1}, {"low", 3}}

// FeatureNames are the names of the bits of a route's features.
func FeatureNames(bits uint32) (names []string) {
	for _, f := range RouteFeatures {
		if bits&uint32(f.Value) != 0 {
			names = append(names, f.Name)
		}
	}
	return names
}

// PreferenceName is the name of a route's preference.
func PreferenceName(n uint32) string {
	for _, p := range RoutePreferences {
		if p.Value == uint64(n) {
			return p.Name
		}
	}
	return strconv.FormatUint(uint64(n), 10)
}

// FormatRealm writes a realm as ip-route(8) does: that of the destination, after
// that of the source and a slash where there is one.
func FormatRealm(n uint32) string {
	to := strconv.FormatUint(uint64(n&0xffff), 10)
	if n>>16 == 0 {
		return to
	}
	return strconv.FormatUint(uint64(n>>16), 10) + "/" + to
}

// LockMetrics locks these metrics, and no others.
func (r *Route) LockMetrics(keys []string) {
	var mask uint32
	for _, key := range keys {
		mask |= 1 << lockBits[key]
	}
	delete(r.Metrics, metricLock)
	if mask != 0 {
		if r.Metrics == nil {
			r.Metrics = map[string]uint32{}
		}
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

// metricText is a metric's value in ip-route(8)'s words.
func metricText(key string, value uint32, unit string) string {
	switch key {
	case Features:
		return strings.Join(FeatureNames(value), " ")
	case Preference:
		return PreferenceName(value)
	case Realm:
		return FormatRealm(value)
	case "rto_min":
		return strconv.FormatUint(uint64(value), 10) + unit
	}
	return strconv.FormatUint(uint64(value), 10)
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
		w = append(w, metricText(key, r.Metrics[key], unit))
	}
	if r.Congestion != "" {
		w = append(w, Congctl)
		if slices.Contains(locked, Congctl) {
			w = append(w, "lock")
		}
		w = append(w, r.Congestion)
	}
	return w
}
