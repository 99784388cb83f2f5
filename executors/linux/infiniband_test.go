//go:build linux

package linux

import (
	"encoding/binary"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"stet/executors/netstate"
)

// TestInfiniBand proves the messages of a partition of an InfiniBand port: no
// kernel makes a link of that kind without hardware (rdma_rxe and siw are RoCE
// and iWARP, of which ib_ipoib makes none). The numbers are those of
// IFLA_IPOIB_* in linux/if_link.h.
func TestInfiniBand(t *testing.T) {
	kind := netstate.KindByName("infiniband")
	l := newLinks()
	l.add(7, "ib0")
	want := netstate.Interface{Name: "ib0.8001", Type: "infiniband", Attrs: netstate.Attrs{
		"infiniband.base-iface": "ib0", "infiniband.pkey": "32769", "infiniband.mode": "connected", "infiniband.user-multicast": "true"}}
	var m message
	if err := encodeCreate(&m, kind, &want, 9, -1, nil, l); err != nil {
		t.Fatal(err)
	}
	raw, ok := decodeLink(m.b)
	if !ok {
		t.Fatal("what was written is no link")
	}
	if got := raw.link(); got != 7 || raw.kind != "ipoib" {
		t.Errorf("IFLA_LINK is %d, IFLA_INFO_KIND %q; want 7, ipoib", got, raw.kind)
	}
	for number, value := range map[uint16]uint16{1: 0x8001, 2: 1, 3: 1} {
		if b := raw.data.get(number); len(b) != 2 || binary.NativeEndian.Uint16(b) != value {
			t.Errorf("attribute %d is %v, want %d in two bytes", number, b, value)
		}
	}
	got := interfaceOf(&raw, l)
	if diff := cmp.Diff(want.Attrs, got.Attrs, cmp.Comparer(sameWhere(want.Attrs))); diff != "" || got.Type != "infiniband" {
		t.Errorf("read back as %s (-want +got):\n%s", got.Type, diff)
	}
}

// sameWhere compares the keys that want has.
func sameWhere(want netstate.Attrs) func(a, b netstate.Attrs) bool {
	return func(a, b netstate.Attrs) bool {
		for key := range want {
			if a[key] != b[key] {
				return false
			}
		}
		return true
	}
}

// TestInfiniBandPort tells a port by its hardware type, and leaves its address
// of 20 bytes out.
func TestInfiniBandPort(t *testing.T) {
	var m message
	m.ifinfo(7, 0, 0)
	binary.NativeEndian.PutUint16(m.b[2:], unix.ARPHRD_INFINIBAND)
	m.str(unix.IFLA_IFNAME, "ib0")
	m.attr(unix.IFLA_ADDRESS, make([]byte, 20))
	raw, _ := decodeLink(m.b)
	got := interfaceOf(&raw, newLinks())
	if got.Type != "infiniband" || got.Attrs["mac-address"] != "" {
		t.Errorf("it is of type %s with address %q", got.Type, got.Attrs["mac-address"])
	}
}
