//go:build linux

package linux

import (
	"strings"
	"testing"
)

// TestSitIsNeverExternal holds the reference to its word: asked for a sit
// interface whose packets say where they go, the kernel makes a tunnel to
// anywhere, of which it has one.
func TestSitIsNeverExternal(t *testing.T) {
	t.Parallel()
	ns := newNamespace(t)
	ns.runKnown([]string{"ip link add x0 type sit local 192.0.2.1"})
	// The driver's own sit0 is one, where the kernel makes that.
	if err := ns.script([]string{"ip link add any0 type sit"}); err != nil && !strings.Contains(err.Error(), "File exists") {
		t.Fatal(err)
	}
	if err := ns.script([]string{"ip link add x1 type sit external"}); err == nil || !strings.Contains(err.Error(), "File exists") {
		t.Errorf("making a second tunnel to anywhere: %v", err)
	}
}
