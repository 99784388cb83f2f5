package plan

import (
	"fmt"
	"maps"
	"net"
	"slices"
	"strings"

	"stet/executors/netstate"
	"stet/runbook"
)

// permanentMAC is the address that a card was made with, in Interface.Status.
const permanentMAC = "permanent-mac-address"

// foreignMACs warns of a card that gets the hardware address of another card, as
// facts of one host carry it into the document of another.
func (b *builder) foreignMACs(s *runbook.Step, t *runbook.StepPlan, was *netstate.State) {
	for e := range edits(t.Change) {
		before, after := e.Before.Link, e.After.Link
		if before == nil || after == nil {
			continue
		}
		mac := after.Attrs["mac-address"]
		card := was.Interface(before.Name)
		if mac == before.Attrs["mac-address"] || card == nil || card.Status[permanentMAC] == "" || card.Status[permanentMAC] == mac {
			continue
		}
		whose := b.cardWith(mac)
		if whose == "" && assigned(mac) {
			whose = "another card: it is not locally administered"
		}
		if whose != "" {
			b.warn(s, "foreign-mac", fmt.Sprintf("%s on %s gives %s the hardware address %s, which is that of %s", s.Name, t.Target, before.Name, mac, whose),
				"Two cards with one address disturb each other. Facts carry the addresses of their host: leave out `mac-address` where no other than the card's own ("+card.Status[permanentMAC]+") is meant.")
		}
	}
}

// cardWith names the card that was made with an address, on any target of the
// plan.
func (b *builder) cardWith(mac string) string {
	for _, name := range slices.Sorted(maps.Keys(b.states)) {
		s := b.states[name]
		if s == nil {
			continue
		}
		for i := range s.Interfaces {
			if v := &s.Interfaces[i]; v.Netns == "" && v.Status[permanentMAC] == mac {
				return v.Name + " on " + name
			}
		}
	}
	return ""
}

// assigned tells that an address comes from its maker (IEEE 802c: the second bit
// of the first byte is not set), and not from a protocol of RFC 9542 (VRRP).
func assigned(mac string) bool {
	a, err := net.ParseMAC(mac)
	return err == nil && len(a) == 6 && a[0]&3 == 0 && !strings.HasPrefix(mac, "00:00:5e:")
}
