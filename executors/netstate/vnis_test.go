package netstate

import "testing"

// TestVNIsInBridgeWords reads both words that bridge(8) has for the address of a
// range, and shows one.
func TestVNIsInBridgeWords(t *testing.T) {
	for text, want := range map[string]string{
		"100, 200-300 group 239.1.1.1, 400 remote 192.0.2.7": "100,200-300 group 239.1.1.1,400 group 192.0.2.7",
		"5 remote 2001:db8::7":                               "5 group 2001:db8::7",
	} {
		if got, err := canonicalVNIs(text); err != nil || got != want {
			t.Errorf("%s: %q, %v, want %q", text, got, err, want)
		}
	}
	for _, text := range []string{"5 via 192.0.2.7", "5 group", "5 group nowhere"} {
		if got, err := canonicalVNIs(text); err == nil {
			t.Errorf("%s is taken for %s", text, got)
		}
	}
}
