//go:build linux

package linux

import (
	"testing"

	"golang.org/x/sys/unix"

	"stet/executors/netstate"
	"stet/executors/netstate/netyaml"
)

// TestNetFailover proves what is read of net_failover (net/core/failover.c,
// drivers/net/net_failover.c): an Ethernet interface without a kind whose
// standby and primary name it as their controller. No kernel makes one without
// a virtio card that offers a standby (VIRTIO_NET_F_STANDBY).
func TestNetFailover(t *testing.T) {
	l := newLinks()
	for index, name := range map[int]string{2: "eth0", 3: "eth0nsby", 4: "ens4"} {
		l.add(index, name)
	}
	s := &netstate.State{}
	for index, name := range l.byIndex {
		var m message
		m.ifinfo(index, unix.IFF_UP, 0)
		m.b[2], m.b[3] = unix.ARPHRD_ETHER, 0
		m.str(unix.IFLA_IFNAME, name)
		m.u32(unix.IFLA_MTU, 1500)
		if index != 2 {
			m.u32(unix.IFLA_MASTER, 2)
		}
		raw, ok := decodeLink(m.b)
		if !ok {
			t.Fatal("what was written is no link")
		}
		s.Interfaces = append(s.Interfaces, interfaceOf(&raw, l))
	}
	s.Sort()
	for _, name := range []string{"eth0nsby", "ens4"} {
		if i := s.Interface(name); i.Type != "ethernet" || i.Attrs["controller"] != "eth0" {
			t.Errorf("%s is %s of %q", name, i.Type, i.Attrs["controller"])
		}
	}
	config, problems := netyaml.Decode(netyaml.Encode(s))
	if len(problems) > 0 {
		t.Fatalf("%+v", problems)
	}
	to, _, problems := netstate.Simulate(s, config)
	if len(problems) > 0 || !netstate.Diff(s, to).Empty() {
		t.Errorf("facts, pasted back: %+v\n%s", problems, netstate.Text(netstate.Diff(s, to)))
	}
}
