package e2e

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
)

var netnsCount atomic.Int64

// netns makes a network namespace with lo up, removed after the test.
func netns(t testing.TB, hint string) string {
	t.Helper()
	needRoot(t)
	name := fmt.Sprintf("stet-%s-%d-%d", hint, os.Getpid(), netnsCount.Add(1))
	ip(t, "netns", "add", name)
	t.Cleanup(func() {
		forget(t, name)
		ip(t, "netns", "delete", name)
	})
	ip(t, "-n", name, "link", "set", "lo", "up")
	return name
}

func ip(t testing.TB, args ...string) string {
	t.Helper()
	return command(t, "ip", args...)
}

func command(t testing.TB, name string, args ...string) string {
	t.Helper()
	cmd := exec.Command(name, args...)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, stderr.String())
	}
	return string(out)
}

// volatile are keys of iproute2's JSON that differ from one moment to the next
// with nobody changing anything.
var volatile = map[string]bool{
	"hello_timer": true, "tcn_timer": true, "topology_change_timer": true, "gc_timer": true,
	"hold_timer": true, "message_age_timer": true, "forward_delay_timer": true,
	"used": true, "updated": true, "probes": true, "refcnt": true, "stats64": true, "stats": true,
	"valid_life_time": true, "preferred_life_time": true, "expires": true,
}

// state is what iproute2 says of a namespace, comparable: links,
// addresses, all routes, rules, permanent neighbours, forwarding entries, and
// the two forwarding sysctls.
func state(t testing.TB, ns string) string {
	t.Helper()
	var b strings.Builder
	for _, args := range [][]string{
		{"ip", "-d", "-j", "-n", ns, "link"}, {"ip", "-d", "-j", "-n", ns, "addr"},
		{"ip", "-d", "-j", "-n", ns, "-4", "route", "show", "table", "all"},
		{"ip", "-d", "-j", "-n", ns, "-6", "route", "show", "table", "all"},
		{"ip", "-d", "-j", "-n", ns, "-4", "rule"}, {"ip", "-d", "-j", "-n", ns, "-6", "rule"},
		{"ip", "-d", "-j", "-n", ns, "neigh", "show", "nud", "permanent"},
		{"bridge", "-j", "-n", ns, "fdb", "show", "state", "permanent"},
		{"ip", "-n", ns, "xfrm", "state"}, {"ip", "-n", ns, "xfrm", "policy"},
		{"ip", "netns", "exec", ns, "sysctl", "net.ipv4.ip_forward", "net.ipv6.conf.all.forwarding"},
	} {
		out := command(t, args[0], args[1:]...)
		fmt.Fprintf(&b, "# %s\n%s\n", strings.Join(args, " "), pretty(t, out))
	}
	return b.String()
}

// pretty indents JSON without what is volatile; other text is left as it is.
func pretty(t testing.TB, text string) string {
	t.Helper()
	if !strings.HasPrefix(text, "[") {
		return text
	}
	var v any
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		t.Fatalf("reading iproute2's JSON: %v", err)
	}
	out, err := json.MarshalIndent(settle(v), "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

// allNodes tells an entry for the Ethernet group of ff02::1 in the filter of a
// device: the kernel leaves it there when a port that is down leaves its bond.
func allNodes(v any) bool {
	entry, ok := v.(map[string]any)
	return ok && entry["mac"] == "33:33:00:00:00:01" && entry["master"] == nil
}

func settle(v any) any {
	switch v := v.(type) {
	case []any:
		v = slices.DeleteFunc(v, allNodes)
		for i := range v {
			v[i] = settle(v[i])
		}
		return v
	case map[string]any:
		for k := range v {
			if volatile[k] {
				delete(v, k)
				continue
			}
			v[k] = settle(v[k])
		}
	}
	return v
}
