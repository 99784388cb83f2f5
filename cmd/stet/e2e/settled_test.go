package e2e

import (
	"encoding/json"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"stet/executors/executortest"
)

// settledLimit is how long a namespace may take to settle: one second for the
// kernel to tell of a carrier, one more for that of a bridge over it, and one to two
// for duplicate address detection; and all that on a machine that does other things.
const settledLimit = 30 * time.Second

// address is one of an interface, as `ip -j address` tells it.
type address struct {
	Local, Scope string
	Family       string
	Tentative    bool
}

// linkWithAddresses is an interface, as `ip -d -j address` tells it.
type linkWithAddresses struct {
	Name      string    `json:"ifname"`
	Flags     []string  `json:"flags"`
	Operstate string    `json:"operstate"`
	Master    string    `json:"master"`
	Addresses []address `json:"addr_info"`
}

// waitSettled waits until the kernel has done with the interfaces of a
// namespace what it does by itself some time after they came up or went down: it
// tells of the carrier, makes a link-local address, looks for a duplicate of it,
// and makes the address's own route. After settledLimit the state is compared as
// it is.
func waitSettled(t testing.TB, ns string) {
	t.Helper()
	// Twice: one look does not see all interfaces at the same time.
	for limit, times := time.Now().Add(settledLimit), 0; times < 2; time.Sleep(20 * time.Millisecond) {
		if !settled(t, ns) {
			times = 0
		} else {
			times++
		}
		if time.Now().After(limit) {
			t.Logf("%s has not settled within %v", ns, settledLimit)
			return
		}
	}
}

// settledState is the state of a namespace that others are compared with later.
func settledState(t testing.TB, ns string) string {
	t.Helper()
	waitSettled(t, ns)
	return state(t, ns)
}

func settled(t testing.TB, ns string) bool {
	t.Helper()
	var links []linkWithAddresses
	if err := json.Unmarshal([]byte(command(t, "ip", "-d", "-j", "-n", ns, "address")), &links); err != nil {
		t.Fatalf("reading the addresses of %s: %v", ns, err)
	}
	routes := strings.Fields(ip(t, "-n", ns, "-6", "route", "show", "table", "local"))
	for _, l := range links {
		if !executortest.CarrierTold(l.Flags, l.Operstate) {
			return false
		}
		linkLocal := !l.expectsLinkLocal()
		for _, a := range l.Addresses {
			if a.Family != "inet6" {
				continue
			}
			up := slices.Contains(l.Flags, "LOWER_UP")
			if a.Tentative || up && !slices.Contains(routes, a.Local) {
				return false
			}
			linkLocal = linkLocal || a.Scope == "link"
		}
		if !linkLocal && !noLinkLocal(ns, l.Name) {
			return false
		}
	}
	return true
}

// expectsLinkLocal is true of an interface that the kernel gives a link-local
// address when it is up and has a carrier.
func (l linkWithAddresses) expectsLinkLocal() bool {
	for _, not := range []string{"LOOPBACK", "NOARP", "POINTOPOINT"} {
		if slices.Contains(l.Flags, not) {
			return false
		}
	}
	return slices.Contains(l.Flags, "LOWER_UP") && l.Master == ""
}

// noLinkLocal is true of an interface that has no IPv6, or chooses no link-local
// address, by its sysctls. One that was removed meanwhile is none of those: the
// caller looks again.
func noLinkLocal(ns, name string) bool {
	dir := "/proc/sys/net/ipv6/conf/" + name
	out, err := exec.Command("ip", "netns", "exec", ns, "cat", dir+"/disable_ipv6", dir+"/addr_gen_mode").Output()
	off, mode, _ := strings.Cut(strings.TrimSpace(string(out)), "\n")
	return err == nil && (off == "1" || mode == "1")
}

// notAsBefore is what differs from an earlier state of a namespace. It gives
// the kernel time for what follows by itself, as a carrier does.
func notAsBefore(t testing.TB, before, ns string) string {
	t.Helper()
	diff := cmp.Diff(before, state(t, ns))
	for limit := time.Now().Add(settledLimit); diff != "" && time.Now().Before(limit); {
		time.Sleep(50 * time.Millisecond)
		diff = cmp.Diff(before, state(t, ns))
	}
	return diff
}
