//go:build linux

package linux

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"stet/executors/executortest"
)

// timers are fields of iproute2's JSON that change by themselves, or follow from
// the interfaces below.
var timers = []string{
	"hello_timer", "tcn_timer", "topology_change_timer", "gc_timer", "valid_life_time", "preferred_life_time",
	"message_age_timer", "forward_delay_timer", "hold_timer", "used", "confirmed", "updated", "probes", "refcnt", "hoplimit",
	"permaddr", "topology_change", "topology_change_detected", "expires", "stats64", "seq_nr", "fdb_n_learned", "tso_max_size", "tso_max_segs",
}

// looks are the questions that show all that the tests touch.
var looks = []struct{ words, command string }{
	{"ip -d -j", "link"},
	{"ip -d -j", "addr"},
	{"ip -d -j", "route show table all"},
	{"ip -d -j -6", "route show table all"},
	{"ip -d -j", "rule"},
	{"ip -d -j -6", "rule"},
	{"ip -d -j", "neigh show nud permanent"},
	{"ip -d -j", "neigh show proxy"},
	{"ip -d -j", "nexthop"},
	{"bridge -d -j", "fdb"},
}

// look makes what a case wants to be looked at part of the snapshots.
func (ns *namespace) look(c *kindCase) { ns.looks, ns.shaped = c.looks, c.traffic }

// snapshot is what iproute2 says of a namespace: one line a value, so that a
// difference reads well. Fields in without are left out, too.
func (ns *namespace) snapshot(without ...string) []string {
	ns.t.Helper()
	var lines []string
	for _, look := range looks {
		lines = append(lines, pictures(look.words+" "+look.command, ns.ask(look.words, look.command), without)...)
	}
	if inMachine() { // other kernels may lack it
		lines = append(lines, pictures("bridge vlan", ns.ask("bridge -d -j", "vlan"), without)...)
		// Asked a second time, bridge(8) of iproute2 6.1 fails an assertion.
		ns.askers["bridge -d -j"].close()
		delete(ns.askers, "bridge -d -j")
	}
	if ns.shaped {
		lines = append(lines, ns.traffic()...)
	}
	for _, look := range ns.looks {
		lines = append(lines, look+": "+ns.run("sh", "-ec", look))
	}
	return lines
}

// pictures writes each object of an answer.
func pictures(look string, list []any, without []string) []string {
	var part []string
	for _, object := range list {
		m, _ := object.(map[string]any)
		name, _ := m["ifname"].(string)
		if strings.HasPrefix(look, "bridge") && strings.HasSuffix(look, "fdb") && m["state"] == "" {
			continue // learned
		}
		if _, fallback := fallbacks[name]; fallback {
			continue // its driver has been loaded meanwhile
		}
		var words []string
		flatten(&words, "", object, append(timers, without...))
		slices.Sort(words)
		part = append(part, fmt.Sprintf("%s: %v %v: %s", look, m["ifname"], m["dst"], strings.Join(words, "\n\t")))
	}
	slices.Sort(part)
	return part
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

// same fails the test when a namespace does not come to be as wanted within a
// minute: addresses are tentative, and operational states late, for a moment.
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
// probed yet, or the kernel has not told of a carrier that came or went.
func passing(line string) bool {
	var flags []string
	for _, m := range flag.FindAllStringSubmatch(line, -1) {
		flags = append(flags, m[1])
	}
	state := operstate.FindStringSubmatch(line)
	return state != nil && !executortest.CarrierTold(flags, state[1]) || strings.Contains(line, "tentative")
}

// How flatten writes the flags and the state of an interface.
var flag, operstate = regexp.MustCompile(`\s\.flags\[\d+\]=(\S+)`), regexp.MustCompile(`\s\.operstate=(\S+)`)

func TestPassing(t *testing.T) {
	for line, want := range map[string]bool{
		"ip link: v0 <nil>: .flags[0]=UP\n\t.flags[1]=LOWER_UP\n\t.operstate=UP":                                         false,
		"ip link: v0 <nil>: .address=0\n\t.flags[0]=NO-CARRIER\n\t.flags[1]=UP\n\t.operstate=DOWN":                       false,
		"ip link: v0 <nil>: .address=0\n\t.flags[0]=NO-CARRIER\n\t.flags[1]=UP\n\t.flags[2]=LOWER_UP\n\t.operstate=DOWN": true,
		"ip link: v0 <nil>: .address=0\n\t.flags[0]=UP\n\t.operstate=UP":                                                 true,
		"ip addr: v0 <nil>: .addr_info[0].tentative=true\n\t.flags[0]=UP\n\t.flags[1]=LOWER_UP\n\t.operstate=UP":         true,
		"ip route: <nil> default: .flags[0]=linkdown":                                                                    false,
	} {
		if passing(line) != want {
			t.Errorf("%q: %v", line, !want)
		}
	}
}

// settled is a snapshot for later: one that no longer changes by itself.
func (ns *namespace) settled() func() []string {
	ns.t.Helper()
	was := ns.snapshot()
	for deadline := time.Now().Add(60 * time.Second); time.Now().Before(deadline); {
		time.Sleep(50 * time.Millisecond)
		is := ns.snapshot()
		if slices.Equal(was, is) && !slices.ContainsFunc(is, passing) {
			break
		}
		was = is
	}
	return func() []string { return was }
}
