//go:build linux

package linux

import (
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"

	"stet/executors/netstate"
)

// TestPrintedCommands runs what `stet plan --as ip` prints for the kinds whose
// commands are not ip-link(8)'s alone, and for what every interface has, and compares with what stet does. Keys,
// which are printed as their fingerprints, are put in their places.
func TestPrintedCommands(t *testing.T) {
	for _, c := range kindCases(t) {
		// What ip(8) of the day does not know of bonds is in a test of the words.
		if c.kind != "wireguard" && c.kind != "macsec" && c.kind != "team" && (c.kind != "bond" || c.name == "bond_802.3ad") && c.name != "veth" && c.name != "linux-bridge_vlan-tunnel" {
			continue
		}
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			oracle, ns := newNamespace(t), newNamespace(t)
			ns.look(c)
			oracle.look(c)
			c.try(newNamespace(t), &score{}, slices.Concat(c.setup, c.oracle))
			oracle.runAll(c.setup)
			ns.runAll(c.setup)
			without := slices.Concat(chosen, c.ignore)
			for _, block := range slices.Concat([]string{c.block}, c.changes) {
				change := ns.apply(block)
				commands := strings.Join(netstate.IP(change), "\n")
				for print, key := range change.Secrets {
					commands = strings.ReplaceAll(commands, print, key)
				}
				cmd := exec.Command("ip", "netns", "exec", oracle.name, "bash", "-ec", inPlace(commands))
				if out, err := cmd.CombinedOutput(); err != nil {
					t.Fatalf("%v: %s\nof\n%s\nfor\n%s", err, out, netstate.Text(change), block)
				}
				ns.same("printed: "+netstate.Text(change), func() []string { return oracle.snapshot(without...) }, without...)
				if t.Failed() {
					return
				}
			}
		})
	}
}

// keyPlace is where a key stands, of which wg(8) wants a file.
var keyPlace = regexp.MustCompile(`<\(([^()]*)\)`)

// inPlace makes commands for bash of those that are printed.
func inPlace(commands string) string {
	return keyPlace.ReplaceAllString(commands, "<(echo '$1')")
}
