package netstate

import (
	"slices"
	"strings"
)

// multicastMACs is the list of the hardware addresses that an interface listens
// to because somebody said so.
const multicastMACs = "multicast-addresses"

// listOf are the entries of a value in canonical text.
func listOf(text string) []string {
	return strings.FieldsFunc(text, func(r rune) bool { return r == ',' })
}

// ListChanges are the entries of a list of hardware addresses that a difference
// takes away, and those that it adds.
func (d *Difference) ListChanges() (gone, added []string) {
	before, after := listOf(d.Before), listOf(d.After)
	for _, e := range before {
		if !slices.Contains(after, e) {
			gone = append(gone, e)
		}
	}
	for _, e := range after {
		if !slices.Contains(before, e) {
			added = append(added, e)
		}
	}
	return gone, added
}

func maddrCommands(i *Interface, d *Difference) []string {
	var out []string
	say := func(verb string, list []string) {
		for _, mac := range list {
			out = append(out, words(append(ipIn(i.Netns), "maddress", verb, mac, "dev", i.Name)...))
		}
	}
	gone, added := d.ListChanges()
	say("del", gone)
	say("add", added)
	return out
}

// checkMaddr refuses hardware addresses of one host.
func checkMaddr(i *InterfaceConfig, fault func(key, summary, detail string)) {
	for _, mac := range listOf(i.Attrs[multicastMACs]) {
		if !strings.ContainsRune("13579bdf", rune(mac[1])) {
			fault(multicastMACs, mac+" is the address of one host", "A multicast address has the lowest bit of its first byte set: 01:…, 33:33:….")
		}
	}
}
