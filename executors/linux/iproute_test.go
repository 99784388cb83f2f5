//go:build linux

package linux

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/go-cmp/cmp"
)

// timers are fields of iproute2's JSON that change by themselves.
var timers = []string{
	"hello_timer", "tcn_timer", "topology_change_timer", "gc_timer", "valid_life_time", "preferred_life_time",
	"message_age_timer", "forward_delay_timer", "hold_timer", "used", "confirmed", "updated", "probes", "refcnt", "hoplimit",
	"topology_change", "topology_change_detected", "expires", "stats64", "fdb_n_learned",
}

// looks are the commands that show all that the tests touch.
var looks = [][]string{
	{"ip", "-d", "-j", "link"},
	{"ip", "-d", "-j", "addr"},
	{"ip", "-d", "-j", "-4", "route", "show", "table", "all"},
	{"ip", "-d", "-j", "-6", "route", "show", "table", "all"},
	{"ip", "-d", "-j", "-4", "rule"},
	{"ip", "-d", "-j", "-6", "rule"},
	{"ip", "-j", "neigh", "show", "nud", "permanent"},
	{"ip", "-j", "neigh", "show", "proxy"},
	{"bridge", "-j", "fdb"},
}

// snapshot is what iproute2 says of a namespace: one line a value, so that a
// difference reads well. Fields in without are left out, too.
func (ns *namespace) snapshot(without ...string) []string {
	ns.t.Helper()
	var lines []string
	for _, look := range looks {
		out := ns.run(look...)
		if strings.TrimSpace(out) == "" {
			continue
		}
		var list []any
		if err := json.Unmarshal([]byte(out), &list); err != nil {
			ns.t.Fatalf("%s: %v: %s", strings.Join(look, " "), err, out)
		}
		var part []string
		for _, object := range list {
			m, _ := object.(map[string]any)
			if look[0] == "bridge" && m["state"] == "" {
				continue // learned
			}
			var words []string
			flatten(&words, "", object, append(timers, without...))
			slices.Sort(words)
			part = append(part, fmt.Sprintf("%s: %v %v: %s", strings.Join(look, " "), m["ifname"], m["dst"], strings.Join(words, "\n\t")))
		}
		slices.Sort(part)
		lines = append(lines, part...)
	}
	return lines
}

// flatten writes a JSON value as one word a leaf. Neighbours in the kernel's own
// cache are no state.
func flatten(words *[]string, path string, v any, without []string) {
	switch v := v.(type) {
	case map[string]any:
		for key, value := range v {
			if !slices.Contains(without, key) {
				flatten(words, path+"."+key, value, without)
			}
		}
	case []any:
		for i, value := range v {
			flatten(words, fmt.Sprintf("%s[%d]", path, i), value, without)
		}
	default:
		*words = append(*words, fmt.Sprintf("%s=%v", path, v))
	}
}

// same fails the test when a namespace does not come to be as wanted within ten
// seconds: addresses are tentative, and operational states late, for a moment.
func (ns *namespace) same(what string, want func() []string, without ...string) {
	ns.t.Helper()
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(50 * time.Millisecond) {
		diff := cmp.Diff(want(), ns.snapshot(without...))
		if diff == "" {
			return
		}
		if time.Now().After(deadline) {
			ns.t.Errorf("%s (-want +got):\n%s", what, diff)
			return
		}
	}
}

// passing tells that a line of a snapshot will not stay so: an address is not
// probed yet, or a link's operational state lags behind its carrier (by up to a
// second, linkwatch).
func passing(line string) bool {
	lags := strings.Contains(line, "=LOWER_UP") && (strings.Contains(line, "=NO-CARRIER") || strings.Contains(line, ".operstate=DOWN"))
	return lags || strings.Contains(line, "tentative")
}

// settled is a snapshot for later: one that no longer changes by itself.
func (ns *namespace) settled() func() []string {
	ns.t.Helper()
	was := ns.snapshot()
	for range 200 {
		time.Sleep(50 * time.Millisecond)
		is := ns.snapshot()
		if slices.Equal(was, is) && !slices.ContainsFunc(is, passing) {
			break
		}
		was = is
	}
	return func() []string { return was }
}
