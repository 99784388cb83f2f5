package linux

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strconv"

	"golang.org/x/sys/unix"

	"stet/executors/netstate"
)

// infoPeer is VETH_INFO_PEER of linux/veth.h, and VXCAN_INFO_PEER of
// linux/can/vxcan.h.
const infoPeer = 1

// add makes an interface and gives it its attributes.
func (w *linkWriter) add(ctx context.Context, want *netstate.Interface) error {
	netns := want.Netns
	if v := want.Attrs["netns"]; v != "" {
		netns = v
	}
	l, err := w.names(ctx)
	if err != nil {
		return err
	}
	if !w.e.made[place{netns, want.Name}] {
		err := w.make(ctx, netns, want, l)
		if errors.Is(err, unix.EEXIST) {
			there, lookErr := w.isThere(ctx, netns, want, l)
			if lookErr != nil {
				return lookErr
			}
			if there {
				err = nil
			}
		}
		if err != nil {
			return err
		}
	}
	if err := w.settle(ctx, netns, want); err != nil {
		return fmt.Errorf("setting it up: %w", err)
	}
	return nil
}

// isThere tells whether one of a pair has come into being with its other end.
func (w *linkWriter) isThere(ctx context.Context, netns string, want *netstate.Interface, l *links) (bool, error) {
	if netstate.KindByName(want.Type).PeerKey() == "" {
		return false, nil
	}
	raw, ok, err := w.n.rawLink(ctx, want.Name)
	if err != nil || !ok || netns != w.netns {
		return false, err
	}
	have := interfaceOf(&raw, l)
	peer, _ := have.Peer()
	asked, target := want.Peer()
	return have.Type == want.Type && peer != "" && peer == asked && target == w.netns, nil
}

// make sends the message, or the ioctls, that make an interface.
func (w *linkWriter) make(ctx context.Context, netns string, want *netstate.Interface, l *links) error {
	kind := netstate.KindByName(want.Type)
	if kind == nil || !kind.Creatable {
		return fmt.Errorf("an interface of type %s cannot be made: %w", want.Type, unix.EOPNOTSUPP)
	}
	if want.Type == "tun" {
		return w.makeTun(ctx, netns, want)
	}
	fd := -1
	if netns != w.netns {
		var err error
		if fd, err = w.e.descriptor(netns); err != nil {
			return err
		}
		defer func() { _ = unix.Close(fd) }()
	}
	peer, err := w.peerOf(want, netns)
	if err != nil {
		return err
	}
	if peer != nil {
		defer peer.close()
	}
	err = w.create(ctx, want, func(m *message, index int) error {
		if peer != nil && index == 0 {
			peer.index = 0
		}
		return encodeCreate(m, kind, want, index, fd, peer, l)
	})
	if err == nil && peer != nil {
		w.e.made[peer.place] = true
	}
	return err
}

// farEnd is the other end of a pair that is to be made.
type farEnd struct {
	place
	fd    int // of its namespace; -1 is that of the near end
	index int
	want  *netstate.Interface // nil if nothing is known but its name
}

func (f *farEnd) close() {
	if f.fd >= 0 {
		_ = unix.Close(f.fd)
	}
}

// peerOf describes the far end of a pair, nil for other kinds. What another
// edit of the list says of it is used: it cannot be given its number later.
func (w *linkWriter) peerOf(want *netstate.Interface, netns string) (*farEnd, error) {
	kind := netstate.KindByName(want.Type)
	if kind.PeerKey() == "" {
		return nil, nil
	}
	name, target := want.Peer()
	f := &farEnd{place: place{target, name}, fd: -1}
	if f.name == "" {
		return nil, fmt.Errorf("the name of the far end (%s) is not known", kind.PeerKey())
	}
	if f.want = w.e.after(f.place); f.want != nil {
		f.index = f.want.Index
	}
	// The kernel looks for a namespace in the message of the peer; without
	// one it takes the namespace of the near end.
	if f.netns != netns {
		fd, err := w.e.descriptor(f.netns)
		if err != nil {
			return nil, err
		}
		f.fd = fd
	}
	return f, nil
}

// encodeCreate writes the message that makes an interface. Attributes that can
// be set later and have the kernel's default are left out. It is up at once where
// nothing else is left to set.
func encodeCreate(m *message, kind *netstate.Kind, want *netstate.Interface, index, fd int, peer *farEnd, l *links) error {
	flags := uint32(0)
	if fd < 0 && want.Attrs["state"] == "up" && said(kind, want) {
		flags = unix.IFF_UP
	}
	want = pinned(want)
	m.ifinfo(index, flags, flags)
	m.str(unix.IFLA_IFNAME, want.Name)
	if fd >= 0 {
		m.u32(unix.IFLA_NET_NS_FD, uint32(fd))
	}
	if err := encodeBasics(m, want, l); err != nil {
		return err
	}
	data := attrWriter{m: m, l: l}
	for i := range kind.Attrs {
		a := &kind.Attrs[i]
		value, ok := want.Attrs[a.Key]
		if a.Message && ok && value != "" {
			if err := data.set(a, value, ""); err != nil {
				return err
			}
		}
	}
	info := m.nest(unix.IFLA_LINKINFO)
	m.str(unix.IFLA_INFO_KIND, kind.Kernel)
	nest := m.nest(unix.IFLA_INFO_DATA)
	for i := range kind.Attrs {
		a := &kind.Attrs[i]
		value, ok := want.Attrs[a.Key]
		if !ok || a.Message || a.Set == netstate.ReadOnly || a.IFLA == 0 && a.IFLA6 == 0 || value == "" {
			continue
		}
		if value == a.Default && a.Key != "vxlan.destination-port" {
			continue // that one's default is stet's, not the kernel's
		}
		if err := data.set(a, value, ""); err != nil {
			return err
		}
	}
	data.flush(want.Attrs, kind.Attrs)
	if x := extraOf(kind.Name); x != nil && x.creation != nil {
		x.creation(m, want)
	}
	if peer != nil {
		if err := encodePeer(m, peer, l); err != nil {
			return err
		}
	}
	m.endNest(nest)
	m.endNest(info)
	return nil
}

// createKeys are attributes of every interface that are set when it is made:
// some can only be set then, others have side effects later.
var createKeys = []string{"mtu", "mac-address", "txqueuelen", "num-tx-queues", "num-rx-queues", "group"}

// pinned is want as it is made. A bridge follows the MTU of its ports until one
// is set on it (br_change_mtu), and the one that it is made with does not
// count, nor does setting the one that it has: it is made with another, and set
// afterwards.
func pinned(want *netstate.Interface) *netstate.Interface {
	if want.Type == "macsec" {
		return macsecMade(want)
	}
	mtu, err := strconv.ParseUint(want.Attrs["mtu"], 10, 32)
	if want.Type != "linux-bridge" || err != nil {
		return want
	}
	const least, usual = 68, 1500 // ETH_MIN_MTU, ETH_DATA_LEN
	other := uint64(usual)
	if mtu == usual {
		other = least
	}
	p := *want
	p.Attrs = maps.Clone(want.Attrs)
	p.Attrs["mtu"] = strconv.FormatUint(other, 10)
	return &p
}

func encodeBasics(m *message, want *netstate.Interface, l *links) error {
	w := attrWriter{m: m, l: l}
	for _, key := range createKeys {
		if value := want.Attrs[key]; value != "" {
			if err := w.set(netstate.AttrByKey(key), value, ""); err != nil {
				return err
			}
		}
	}
	return nil
}

func encodePeer(m *message, f *farEnd, l *links) error {
	at := m.nest(infoPeer)
	m.ifinfo(f.index, 0, 0)
	m.str(unix.IFLA_IFNAME, f.name)
	if f.fd >= 0 {
		m.u32(unix.IFLA_NET_NS_FD, uint32(f.fd))
	}
	if f.want != nil {
		if err := encodeBasics(m, f.want, l); err != nil {
			return err
		}
	}
	m.endNest(at)
	return nil
}
