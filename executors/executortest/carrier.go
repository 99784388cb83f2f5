package executortest

import "slices"

// CarrierTold reports whether the kernel has told what it makes of the carrier
// of an interface: the flags and the operational state that `ip -j link` prints
// agree. It does so up to a second after the carrier came or went (linkwatch),
// and what depends on it, as a link-local address or the state of a bridge, is
// as before until then.
func CarrierTold(flags []string, operstate string) bool {
	if !slices.Contains(flags, "UP") || operstate == "DORMANT" || operstate == "TESTING" {
		return true
	}
	// ip(8) prints NO-CARRIER for the absence of IFF_RUNNING, which follows the
	// operational state; LOWER_UP is the carrier itself.
	return slices.Contains(flags, "LOWER_UP") != slices.Contains(flags, "NO-CARRIER")
}
