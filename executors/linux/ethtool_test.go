//go:build linux

package linux

import (
	"context"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"stet/executors/netstate"
)

// TestEthtoolNumbers compares the tables with the kernel's header.
func TestEthtoolNumbers(t *testing.T) {
	numbers := map[string]int{
		"ethtool.channels.rx-max": unix.ETHTOOL_A_CHANNELS_RX_MAX, "ethtool.channels.rx": unix.ETHTOOL_A_CHANNELS_RX_COUNT, "ethtool.channels.combined": unix.ETHTOOL_A_CHANNELS_COMBINED_COUNT,
		"ethtool.ring.tx-max": unix.ETHTOOL_A_RINGS_TX_MAX, "ethtool.ring.rx": unix.ETHTOOL_A_RINGS_RX, "ethtool.ring.rx-mini": unix.ETHTOOL_A_RINGS_RX_MINI, "ethtool.ring.rx-jumbo": unix.ETHTOOL_A_RINGS_RX_JUMBO, "ethtool.ring.tx": unix.ETHTOOL_A_RINGS_TX,
		"ethtool.coalesce.rx-usecs": unix.ETHTOOL_A_COALESCE_RX_USECS, "ethtool.coalesce.rx-frames": unix.ETHTOOL_A_COALESCE_RX_MAX_FRAMES, "ethtool.coalesce.rx-frames-irq": unix.ETHTOOL_A_COALESCE_RX_MAX_FRAMES_IRQ,
		"ethtool.coalesce.tx-usecs": unix.ETHTOOL_A_COALESCE_TX_USECS, "ethtool.coalesce.tx-frames-irq": unix.ETHTOOL_A_COALESCE_TX_MAX_FRAMES_IRQ, "ethtool.coalesce.stats-block-usecs": unix.ETHTOOL_A_COALESCE_STATS_BLOCK_USECS,
		"ethtool.coalesce.adaptive-rx": unix.ETHTOOL_A_COALESCE_USE_ADAPTIVE_RX, "ethtool.coalesce.adaptive-tx": unix.ETHTOOL_A_COALESCE_USE_ADAPTIVE_TX,
		"ethtool.coalesce.pkt-rate-low": unix.ETHTOOL_A_COALESCE_PKT_RATE_LOW, "ethtool.coalesce.rx-usecs-low": unix.ETHTOOL_A_COALESCE_RX_USECS_LOW, "ethtool.coalesce.tx-frames-low": unix.ETHTOOL_A_COALESCE_TX_MAX_FRAMES_LOW,
		"ethtool.coalesce.pkt-rate-high": unix.ETHTOOL_A_COALESCE_PKT_RATE_HIGH, "ethtool.coalesce.tx-frames-high": unix.ETHTOOL_A_COALESCE_TX_MAX_FRAMES_HIGH, "ethtool.coalesce.sample-interval": unix.ETHTOOL_A_COALESCE_RATE_SAMPLE_INTERVAL,
		"ethtool.pause.autoneg": unix.ETHTOOL_A_PAUSE_AUTONEG, "ethtool.pause.rx": unix.ETHTOOL_A_PAUSE_RX, "ethtool.pause.tx": unix.ETHTOOL_A_PAUSE_TX,
		"ethtool.fec.mode": fecModes, "ethtool.fec.auto": fecAuto,
		"ethernet.auto-negotiation": unix.ETHTOOL_A_LINKMODES_AUTONEG, "ethernet.speed": unix.ETHTOOL_A_LINKMODES_SPEED, "ethernet.duplex": unix.ETHTOOL_A_LINKMODES_DUPLEX,
	}
	for key, want := range numbers {
		if a := netstate.AttrByKey(key); a == nil || int(a.IFLA) != want {
			t.Errorf("%s: %+v, not number %d", key, a, want)
		}
	}
	for name, bit := range map[string]uint64{"off": unix.ETHTOOL_LINK_MODE_FEC_NONE_BIT, "rs": unix.ETHTOOL_LINK_MODE_FEC_RS_BIT, "baser": unix.ETHTOOL_LINK_MODE_FEC_BASER_BIT, "llrs": unix.ETHTOOL_LINK_MODE_FEC_LLRS_BIT} {
		if !slices.Contains(netstate.AttrByKey(netstate.FECMode).Enum, netstate.EnumValue{Name: name, Value: bit}) {
			t.Errorf("the code %s is not number %d", name, bit)
		}
	}
	messages := map[string][2]uint8{
		"ethtool.channels.": {unix.ETHTOOL_MSG_CHANNELS_GET, unix.ETHTOOL_MSG_CHANNELS_SET}, "ethtool.ring.": {unix.ETHTOOL_MSG_RINGS_GET, unix.ETHTOOL_MSG_RINGS_SET},
		"ethtool.coalesce.": {unix.ETHTOOL_MSG_COALESCE_GET, unix.ETHTOOL_MSG_COALESCE_SET}, "ethtool.pause.": {unix.ETHTOOL_MSG_PAUSE_GET, unix.ETHTOOL_MSG_PAUSE_SET},
		"ethtool.fec.": {unix.ETHTOOL_MSG_FEC_GET, unix.ETHTOOL_MSG_FEC_SET}, "ethernet.": {unix.ETHTOOL_MSG_LINKMODES_GET, unix.ETHTOOL_MSG_LINKMODES_SET},
	}
	for _, g := range netstate.EthtoolGroups {
		if messages[g.Section] != [2]uint8{g.Get, g.Set} {
			t.Errorf("%s: messages %d and %d", g.Section, g.Get, g.Set)
		}
	}
	for header, want := range []int{unix.ETHTOOL_A_CHANNELS_HEADER, unix.ETHTOOL_A_RINGS_HEADER, unix.ETHTOOL_A_COALESCE_HEADER, unix.ETHTOOL_A_PAUSE_HEADER, unix.ETHTOOL_A_LINKMODES_HEADER, unix.ETHTOOL_A_FEATURES_HEADER} {
		if want != 1 {
			t.Errorf("header %d is %d", header, want)
		}
	}
}

// TestEthtoolRefused: what the driver does not have is refused by the plan, and
// what it refuses itself names what was to be set.
func TestEthtoolRefused(t *testing.T) {
	ns := newNamespace(t)
	ns.run("ip", "link", "add", "x0", "type", "veth", "peer", "name", "y0")
	try := func(attrs netstate.Attrs) (string, *netstate.Change) {
		c := &netstate.Config{Interfaces: []netstate.InterfaceConfig{{Name: "x0", Attrs: attrs}}}
		before := ns.observe(c.Query())
		to, _, problems := netstate.Simulate(before, c)
		var all []string
		for _, p := range problems {
			all = append(all, p.Summary)
		}
		return strings.Join(all, "; "), netstate.Diff(before, to)
	}
	for want, attrs := range map[string]netstate.Attrs{
		"x0: its driver has no ethtool.ring.rx":                         {"ethtool.ring.rx": "512"},
		"x0: its driver does not let the feature rx-hashing be changed": {"ethtool.feature.rx-hashing": "true"},
		"":                                {"ethtool.feature.rx-hashing": "false"},
		"x0: there is no feature rx-hash": {"ethtool.feature.rx-hash": "false"},
		"x0: ethtool.channels.tx is 64999, and its driver has ": {"ethtool.channels.tx": "64999"},
	} {
		got, change := try(attrs)
		if want != "" && !strings.HasPrefix(got, want) || want == "" && (got != "" || !change.Empty()) {
			t.Errorf("%v: %q, %s", attrs, got, netstate.Text(change))
		}
	}
	_, change := try(netstate.Attrs{"ethernet.speed": "100"})
	if _, err := ns.Edit(context.Background(), change.Edits); err == nil || !strings.Contains(err.Error(), "setting ethernet.speed to 100: ethtool: operation not supported") {
		t.Errorf("a veth's speed: %v", err)
	}
	// One feature that needs another is set, and has no effect.
	ns.run("ethtool", "-K", "x0", "tx-tcp-segmentation", "off")
	ns.run("ethtool", "-K", "x0", "tx-checksum-ip-generic", "off")
	_, change = try(netstate.Attrs{"ethtool.feature.tx-tcp-segmentation": "true"})
	ns.edit(change.Edits...)
	left := netstate.Verify(change, ns.observe(change.Query()))
	if len(left) != 1 || left[0].Want != "true" || !strings.Contains(left[0].Got, "depends on another") {
		t.Errorf("it is said to differ in %v", left)
	}
}
