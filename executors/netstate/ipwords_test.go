package netstate

import (
	"strings"
	"testing"
)

// TestWordsOfBonds wants the words that ip-link(8) reads of bonds where they are not
// those of its options: numbers, on and off, and nothing for what is taken away.
func TestWordsOfBonds(t *testing.T) {
	for _, c := range []struct{ key, value, want string }{
		{"all_slaves_active", "delivered", "all_slaves_active 1"},
		{"lacp_active", "false", "lacp_active off"},
		{"coupled_control", "true", "coupled_control on"},
		{"active_slave", "", "clear_active_slave"},
		{"active_slave", "eth1", "active_slave eth1"},
		{"arp_missed_max", "5", "arp_missed_max 5"},
		{"peer_notif_delay", "300", "peer_notify_delay 300"},
		{"use_carrier", "false", "use_carrier 0"},
		{"xmit_hash_policy", "layer3+4", "xmit_hash_policy layer3+4"},
	} {
		if got := strings.Join(kindWords(AttrByKey(bondOptions+c.key), c.value), " "); got != c.want {
			t.Errorf("%s %s: %q, want %q", c.key, c.value, got, c.want)
		}
	}
	bond := &Interface{Name: "bond0", Type: "bond"}
	got := setCommands(bond, []Difference{{Key: bondOptions + "primary", Before: "eth1"}})
	if want := "echo > /sys/class/net/bond0/bonding/primary"; len(got) != 1 || got[0] != want {
		t.Errorf("without a primary port: %q, want %q", got, want)
	}
}

// TestLockedMetrics wants metrics locked that do nothing otherwise, and said as
// ip-route(8) does.
func TestLockedMetrics(t *testing.T) {
	r := &Route{Metrics: map[string]uint32{"mtu": 1400, "rto_min": 200, "cwnd": 10}}
	r.LockMetrics(r.IdleUnlocked())
	if got, want := strings.Join(metricWords(r, "ms"), " "), "cwnd lock 10 mtu 1400 rto_min 200ms"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if got := r.Metrics["lock"]; got != 1<<7|1<<13 {
		t.Errorf("the locks are %#x", got)
	}
	r.LockMetrics([]string{"mtu"})
	if got := r.LockedMetrics(); len(got) != 1 || got[0] != "mtu" {
		t.Errorf("locked are %q", got)
	}
	if r.LockMetrics(nil); len(r.Metrics) != 3 {
		t.Errorf("without locks, %v is left", r.Metrics)
	}
}
