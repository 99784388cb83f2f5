package linux

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"stet/executors/netstate"
)

// WireGuard over generic netlink. Numbers: linux/wireguard.h, whose comments are
// the documentation.
const (
	wgGetDevice = 0
	wgSetDevice = 1

	wgIfindex    = 1
	wgPrivateKey = 3
	wgPublicKey  = 4
	wgListenPort = 6
	wgFwMark     = 7
	wgPeers      = 8

	wgPeerPublicKey    = 1
	wgPeerPresharedKey = 2
	wgPeerFlags        = 3
	wgPeerEndpoint     = 4
	wgPeerKeepalive    = 5
	wgPeerAllowedIPs   = 9

	wgAllowedFamily = 1
	wgAllowedIP     = 2
	wgAllowedMask   = 3

	wgPeerRemove         = 1
	wgPeerReplaceAllowed = 2

	// wgAllowedPerMessage bounds a message: an attribute holds 64 KiB.
	wgAllowedPerMessage = 1000
)

// wgDevice is an interface with its keys in the clear.
type wgDevice struct {
	attrs     netstate.Attrs // keys as fingerprints
	publicKey string
	peers     []netstate.Entry
	keys      netstate.Secrets
}

func (n *Namespace) wireguard(ctx context.Context, index int) (*wgDevice, error) {
	g, err := n.generic(ctx, "wireguard")
	if err != nil {
		return nil, err
	}
	defer g.close()
	d := &wgDevice{}
	reset := func() { *d = wgDevice{attrs: netstate.Attrs{}, keys: netstate.Secrets{}} }
	err = g.dump(ctx, wgGetDevice, func(m *message) { m.u32(wgIfindex, uint32(index)) }, reset, d.read)
	return d, err
}

// read takes one message of a dump: a device with many peers comes in several,
// and a peer with many addresses goes on in the next.
func (d *wgDevice) read(b []byte) {
	for typ, p := range attributes(b) {
		switch typ {
		case wgPrivateKey:
			d.attrs["wireguard.private-key"] = d.key(p)
		case wgPublicKey:
			d.publicKey = base64.StdEncoding.EncodeToString(p)
		case wgListenPort:
			d.attrs["wireguard.listen-port"] = strconv.Itoa(int(u16(p)))
		case wgFwMark:
			d.attrs["wireguard.fwmark"] = strconv.FormatUint(uint64(u32(p)), 10)
		case wgPeers:
			for _, peer := range attributes(p) {
				d.peer(peer)
			}
		}
	}
}

// key keeps a key and gives its fingerprint; zeros are none.
func (d *wgDevice) key(b []byte) string {
	if len(b) != 32 || [32]byte(b) == [32]byte{} {
		return ""
	}
	value := base64.StdEncoding.EncodeToString(b)
	print := netstate.Fingerprint(value)
	d.keys[print] = value
	return print
}

func (d *wgDevice) peer(b []byte) {
	e := netstate.Entry{}
	for typ, p := range attributes(b) {
		switch typ {
		case wgPeerPublicKey:
			e["public-key"] = base64.StdEncoding.EncodeToString(p)
		case wgPeerPresharedKey:
			e["preshared-key"] = d.key(p)
		case wgPeerEndpoint:
			e["endpoint"] = endpointText(p)
		case wgPeerKeepalive:
			e["persistent-keepalive"] = strconv.Itoa(int(u16(p)))
		case wgPeerAllowedIPs:
			var list []string
			for _, ip := range attributes(p) {
				list = append(list, allowedText(ip))
			}
			e["allowed-ips"] = strings.Join(list, ",")
		}
	}
	if last := len(d.peers) - 1; last >= 0 && d.peers[last]["public-key"] == e["public-key"] {
		d.peers[last]["allowed-ips"] = strings.Trim(d.peers[last]["allowed-ips"]+","+e["allowed-ips"], ",")
		return
	}
	d.peers = append(d.peers, e)
}

// endpointText reads a struct sockaddr_in or sockaddr_in6.
func endpointText(b []byte) string {
	switch {
	case len(b) >= unix.SizeofSockaddrInet4 && u16(b) == unix.AF_INET:
		return netip.AddrPortFrom(address(b[4:8]), be16(b[2:])).String()
	case len(b) >= unix.SizeofSockaddrInet6 && u16(b) == unix.AF_INET6:
		return netip.AddrPortFrom(address(b[8:24]), be16(b[2:])).String()
	}
	return ""
}

func endpointPayload(text string) ([]byte, error) {
	e, err := netip.ParseAddrPort(text)
	if err != nil {
		return nil, err
	}
	family := uint16(unix.AF_INET)
	if e.Addr().Is6() {
		family = unix.AF_INET6
	}
	b := binary.NativeEndian.AppendUint16(nil, family)
	b = binary.BigEndian.AppendUint16(b, e.Port())
	if e.Addr().Is6() {
		b = append(b, 0, 0, 0, 0) // flow label
		return append(append(b, e.Addr().AsSlice()...), 0, 0, 0, 0), nil
	}
	return append(append(b, e.Addr().AsSlice()...), make([]byte, 8)...), nil
}

func allowedText(b []byte) string {
	var a netip.Addr
	bits := 0
	for typ, p := range attributes(b) {
		switch typ {
		case wgAllowedIP:
			a = address(p)
		case wgAllowedMask:
			bits = int(u8(p))
		}
	}
	return prefix(a, bits).String()
}

func observeWireGuard(ctx context.Context, n *Namespace, i *netstate.Interface) error {
	d, err := n.wireguard(ctx, i.Index)
	if err != nil {
		return err
	}
	for key, value := range d.attrs {
		i.Attrs[key] = value
	}
	i.Status["wireguard.public-key"] = d.publicKey
	list := netstate.AttrByKey("wireguard.peers")
	for _, e := range d.peers {
		for k := range list.Fields {
			f := &list.Fields[k]
			if value, err := f.Canonical(e[f.Key]); err == nil {
				e[f.Key] = value
			}
		}
	}
	i.Attrs["wireguard.peers"] = list.List(d.peers)
	return nil
}

func keepWireGuard(ctx context.Context, n *Namespace, e *netstate.Edit) error {
	index, err := n.lookup(ctx, e.Before.Link.Name)
	if err != nil || index == 0 {
		return err // there is nothing to keep
	}
	d, err := n.wireguard(ctx, index)
	if err != nil {
		return err
	}
	return n.vault.put(d.keys)
}

func setWireGuard(ctx context.Context, n *Namespace, index int, _, _ *netstate.Interface, diffs []netstate.Difference) error {
	g, err := n.generic(ctx, "wireguard")
	if err != nil {
		return err
	}
	defer g.close()
	w := &wgWriter{n: n, g: g, index: index}
	if err := w.device(ctx, diffs); err != nil {
		return err
	}
	for i := range diffs {
		if diffs[i].Key != "wireguard.peers" {
			continue
		}
		if err := w.peers(ctx, diffs[i].ListDifferences()); err != nil {
			return err
		}
	}
	return nil
}

type wgWriter struct {
	n     *Namespace
	g     *generic
	index int
}

// device sets what is not about a peer.
func (w *wgWriter) device(ctx context.Context, diffs []netstate.Difference) error {
	var m message
	for _, d := range diffs {
		switch d.Key {
		case "wireguard.private-key":
			key, err := w.key(d.After)
			if err != nil {
				return fmt.Errorf("setting %s: %w", d.Key, err)
			}
			m.attr(wgPrivateKey, key)
		case "wireguard.listen-port":
			port, err := strconv.ParseUint(d.After, 10, 16)
			if err != nil {
				return fmt.Errorf("encoding %s: %w", d.Key, err)
			}
			m.u16(wgListenPort, uint16(port))
		case "wireguard.fwmark":
			mark, err := strconv.ParseUint(d.After, 10, 32)
			if err != nil {
				return fmt.Errorf("encoding %s: %w", d.Key, err)
			}
			m.u32(wgFwMark, uint32(mark))
		}
	}
	if len(m.b) == 0 {
		return nil
	}
	return w.send(ctx, m.b)
}

func (w *wgWriter) send(ctx context.Context, attrs []byte) error {
	return w.g.do(ctx, wgSetDevice, func(m *message) {
		m.u32(wgIfindex, uint32(w.index))
		m.b = append(m.b, attrs...)
	}, nil)
}

// key is the key with a fingerprint; none is zeros.
func (w *wgWriter) key(print string) ([]byte, error) {
	value, err := w.n.vault.get(print)
	if err != nil || value == "" {
		return make([]byte, 32), err
	}
	return base64.StdEncoding.DecodeString(value)
}

// peers adds and changes first, and removes after it: addresses move from one
// peer to another without being nobody's.
func (w *wgWriter) peers(ctx context.Context, list []netstate.EntryDifference) error {
	for _, d := range list {
		if d.After == nil {
			continue
		}
		if err := w.peer(ctx, d.After); err != nil {
			return fmt.Errorf("setting the peer %s: %w", d.Key, err)
		}
	}
	for _, d := range list {
		if d.After != nil {
			continue
		}
		if err := w.sendPeer(ctx, d.Before["public-key"], func(m *message) error {
			m.u32(wgPeerFlags, wgPeerRemove)
			return nil
		}); err != nil {
			return fmt.Errorf("removing the peer %s: %w", d.Key, err)
		}
	}
	return nil
}

// peer sets a peer with everything that it has, in as many messages as its
// addresses need.
func (w *wgWriter) peer(ctx context.Context, e netstate.Entry) error {
	allowed := strings.FieldsFunc(e["allowed-ips"], func(r rune) bool { return r == ',' })
	for first := true; first || len(allowed) > 0; first = false {
		some := allowed[:min(len(allowed), wgAllowedPerMessage)]
		allowed = allowed[len(some):]
		err := w.sendPeer(ctx, e["public-key"], func(m *message) error {
			if first {
				if err := w.peerAttrs(m, e); err != nil {
					return err
				}
			}
			return encodeAllowed(m, some)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (w *wgWriter) sendPeer(ctx context.Context, public string, build func(m *message) error) error {
	key, err := base64.StdEncoding.DecodeString(public)
	if err != nil {
		return fmt.Errorf("reading a public key: %w", err)
	}
	var m message
	peers := m.nest(wgPeers)
	peer := m.nest(0)
	m.attr(wgPeerPublicKey, key)
	if err := build(&m); err != nil {
		return err
	}
	m.endNest(peer)
	m.endNest(peers)
	return w.send(ctx, m.b)
}

func (w *wgWriter) peerAttrs(m *message, e netstate.Entry) error {
	key, err := w.key(e["preshared-key"])
	if err != nil {
		return err
	}
	m.attr(wgPeerPresharedKey, key)
	m.u32(wgPeerFlags, wgPeerReplaceAllowed)
	keepalive, err := strconv.ParseUint("0"+e["persistent-keepalive"], 10, 16)
	if err != nil {
		return fmt.Errorf("encoding persistent-keepalive: %w", err)
	}
	m.u16(wgPeerKeepalive, uint16(keepalive))
	if e["endpoint"] == "" {
		return nil
	}
	b, err := endpointPayload(e["endpoint"])
	if err != nil {
		return fmt.Errorf("encoding endpoint: %w", err)
	}
	m.attr(wgPeerEndpoint, b)
	return nil
}

func encodeAllowed(m *message, list []string) error {
	nest := m.nest(wgPeerAllowedIPs)
	for _, text := range list {
		p, err := netip.ParsePrefix(text)
		if err != nil {
			return fmt.Errorf("encoding allowed-ips: %w", err)
		}
		family := uint16(unix.AF_INET)
		if p.Addr().Is6() {
			family = unix.AF_INET6
		}
		one := m.nest(0)
		m.u16(wgAllowedFamily, family)
		m.addr(wgAllowedIP, p.Addr())
		m.u8(wgAllowedMask, uint8(p.Bits()))
		m.endNest(one)
	}
	m.endNest(nest)
	return nil
}
