package plan

import (
	"testing"

	"stet/executors/netstate"
)

// A key that a command prints is known only when the plan is agreed to: in the
// plan its name stands for it.
func TestFitsUntoldKeys(t *testing.T) {
	oldKey, newKey := netstate.Fingerprint("old"), netstate.Fingerprint("new")
	state := func(key, mode string) *netstate.Xfrm {
		return &netstate.Xfrm{Sort: netstate.XfrmState, Attrs: netstate.Attrs{"dst": "192.0.2.1", "proto": "esp", "spi": "0x100", "mode": mode, "enc.name": "cbc(aes)", "enc.key": key}}
	}
	xfrm := func(before, after *netstate.Xfrm, why string) *netstate.Change {
		e := netstate.Edit{Op: netstate.Add, After: netstate.Object{Xfrm: after}}
		if before != nil {
			e = netstate.Edit{Op: netstate.Modify, Before: netstate.Object{Xfrm: before}, After: netstate.Object{Xfrm: after}, Replaces: why != "", Why: why}
		}
		return &netstate.Change{Edits: []netstate.Edit{e}}
	}
	wg := func(key, peers string) *netstate.Interface {
		return &netstate.Interface{Name: "wg0", Type: "wireguard", Attrs: netstate.Attrs{"state": "up", "wireguard.private-key": key, "wireguard.peers": peers}}
	}
	link := func(before, after *netstate.Interface) *netstate.Change {
		return &netstate.Change{Edits: []netstate.Edit{{Op: netstate.Modify, Before: netstate.Object{Link: before}, After: netstate.Object{Link: after}}}}
	}
	unknown := netstate.Unknown("key")
	peer := func(key string) string { return `[{"public-key":"a","preshared-key":"` + key + `"}]` }
	tests := []struct {
		name         string
		now, planned *netstate.Change
		want         bool
	}{
		{"made", xfrm(nil, state(newKey, "tunnel"), ""), xfrm(nil, state(unknown, "tunnel"), ""), true},
		{"made otherwise", xfrm(nil, state(newKey, "beet"), ""), xfrm(nil, state(unknown, "tunnel"), ""), false},
		{"no fingerprint", xfrm(nil, state("none", "tunnel"), ""), xfrm(nil, state(unknown, "tunnel"), ""), false},
		{"changed", xfrm(state(oldKey, "tunnel"), state(newKey, "tunnel"), "enc.key"), xfrm(state(oldKey, "tunnel"), state(unknown, "tunnel"), "enc.key"), true},
		{"changed, the key is the same", xfrm(state(oldKey, "beet"), state(oldKey, "tunnel"), "mode"), xfrm(state(oldKey, "beet"), state(unknown, "tunnel"), "mode"), true},
		{"changed meanwhile", xfrm(state(oldKey, "beet"), state(newKey, "tunnel"), "mode"), xfrm(state(oldKey, "tunnel"), state(unknown, "tunnel"), "enc.key"), false},
		{"nothing to change any more", &netstate.Change{}, xfrm(state(oldKey, "tunnel"), state(unknown, "tunnel"), "enc.key"), true},
		{"a link", link(wg(oldKey, peer(oldKey)), wg(newKey, peer(newKey))), link(wg(oldKey, peer(oldKey)), wg(unknown, peer(unknown))), true},
		{"a link, one key is the same", link(wg(oldKey, peer(oldKey)), wg(oldKey, peer(newKey))), link(wg(oldKey, peer(oldKey)), wg(unknown, peer(unknown))), true},
		{"a link, another peer", link(wg(oldKey, peer(oldKey)), wg(newKey, `[{"public-key":"b"}]`)), link(wg(oldKey, peer(oldKey)), wg(unknown, peer(unknown))), false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := Fits(tt.now, tt.planned); got != tt.want {
				t.Errorf("it fits: %v, want %v", got, tt.want)
			}
		})
	}
}
