package netstate

import "testing"

// TestVerifyUntold reads back an interface of which the kernel does not tell what was
// set: it passed over it, and that is not what was asked for.
func TestVerifyUntold(t *testing.T) {
	const key = "bridge.options.fdb-max-learned"
	bridge := func(value string) *State {
		i := Interface{Name: "br0", Type: "linux-bridge", Attrs: Attrs{"state": "up"}}
		if value != "" {
			i.Attrs[key] = value
		}
		return &State{Interfaces: []Interface{i}}
	}
	for name, from := range map[string]*State{"made": {}, "changed": bridge("")} {
		change := Diff(from, bridge("77"))
		if change.Empty() {
			t.Fatalf("%s: nothing changes", name)
		}
		if left := Verify(change, bridge("77")); len(left) > 0 {
			t.Errorf("%s: it is there, and verifying says %+v", name, left)
		}
		left := Verify(change, bridge(""))
		if len(left) != 1 || left[0] != (Mismatch{Object: "link br0", Key: key, Want: "77", Got: untold}) {
			t.Errorf("%s: it is not there, and verifying says %+v", name, left)
		}
	}
}
