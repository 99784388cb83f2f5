package linux

import (
	"context"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"

	"golang.org/x/sys/unix"

	"stet/executors/netstate"
)

// The channels and associations of MACsec over generic netlink. Numbers:
// linux/if_macsec.h.
const (
	macsecGet     = 0
	macsecAddRxSC = 1
	macsecDelRxSC = 2
	macsecUpdRxSC = 3
	macsecAddTxSA = 4
	macsecDelTxSA = 5
	macsecUpdTxSA = 6
	macsecAddRxSA = 7
	macsecDelRxSA = 8
	macsecUpdRxSA = 9

	macsecIfindex  = 1
	macsecRxSC     = 2
	macsecSA       = 3
	macsecTxSAList = 5
	macsecRxSCList = 6

	macsecRxSCSCI    = 1
	macsecRxSCActive = 2
	macsecRxSCSAs    = 3

	macsecSANumber = 1
	macsecSAActive = 2
	macsecSAPacket = 3
	macsecSAKey    = 4
	macsecSAKeyID  = 5

	iflaMacsecPort = 2
)

// macsecDevice are the lists of one interface.
type macsecDevice struct{ tx, channels, rx []netstate.Entry }

func (n *Namespace) macsec(ctx context.Context, index int) (d *macsecDevice, err error) {
	g, err := n.generic(ctx, "macsec")
	if err != nil {
		return nil, err
	}
	defer g.close()
	reset := func() { d = &macsecDevice{} }
	err = g.dump(ctx, macsecGet, func(*message) {}, reset, func(b []byte) {
		t := tabulate(b)
		if int(u32(t.get(macsecIfindex))) != index {
			return
		}
		for _, sa := range attributes(t.get(macsecTxSAList)) {
			d.tx = append(d.tx, macsecAssociation(sa))
		}
		for _, sc := range attributes(t.get(macsecRxSCList)) {
			d.channel(sc)
		}
	})
	return d, err
}

func (d *macsecDevice) channel(b []byte) {
	t := tabulate(b)
	sci := hex.EncodeToString(t.get(macsecRxSCSCI))
	d.channels = append(d.channels, netstate.Entry{"sci": sci, "active": truth(t.get(macsecRxSCActive))})
	for _, sa := range attributes(t.get(macsecRxSCSAs)) {
		e := macsecAssociation(sa)
		e["sci"] = sci
		d.rx = append(d.rx, e)
	}
}

func macsecAssociation(b []byte) netstate.Entry {
	t := tabulate(b)
	packet := uint64(u32(t.get(macsecSAPacket)))
	if len(t.get(macsecSAPacket)) == 8 {
		packet = u64(t.get(macsecSAPacket))
	}
	return netstate.Entry{
		"number": strconv.Itoa(int(u8(t.get(macsecSANumber)))), "active": truth(t.get(macsecSAActive)),
		"packet-number": strconv.FormatUint(packet, 10), "key-id": hex.EncodeToString(t.get(macsecSAKeyID)),
	}
}

func truth(b []byte) string { return strconv.FormatBool(u8(b) != 0) }

func observeMacsec(ctx context.Context, n *Namespace, i *netstate.Interface) error {
	d, err := n.macsec(ctx, i.Index)
	if err != nil {
		return err
	}
	for key, list := range map[string][]netstate.Entry{"macsec.tx-sa": d.tx, "macsec.rx-channel": d.channels, "macsec.rx-sa": d.rx} {
		i.Attrs[key] = netstate.AttrByKey(key).List(list)
	}
	if sci, err := hex.DecodeString(i.Attrs["macsec.sci"]); err == nil && len(sci) == 8 {
		i.Attrs["macsec.port"] = strconv.Itoa(int(be16(sci[6:])))
	}
	return nil
}

// Names in the vault: the key that an ID stands for, and the packet number that
// a key has come to.
func macsecKeyName(id string) string    { return "macsec-key-" + id }
func macsecPacketName(id string) string { return "macsec-packet-" + id }

// keepMacsec notes how far the keys of an interface have been used, so that no
// way back uses a packet number twice, and refuses to remove an association
// whose key nobody could set again: the kernel never tells it.
func keepMacsec(ctx context.Context, n *Namespace, e *netstate.Edit) error {
	before := e.Before.Link
	index, err := n.lookup(ctx, before.Name)
	if err != nil || index == 0 {
		return err
	}
	d, err := n.macsec(ctx, index)
	if err != nil {
		return err
	}
	notes := netstate.Secrets{}
	for _, sa := range d.tx {
		notes[macsecPacketName(sa["key-id"])] = sa["packet-number"]
	}
	for _, sa := range macsecRemoved(e) {
		if _, err := n.vault.recall(macsecKeyName(sa["key-id"])); err != nil {
			return fmt.Errorf("association %s with the key ID %s: its key cannot be read from the kernel, and stet has not set it, so that there would be no way back; use ip-macsec(8) in a run block: %w",
				sa["number"], sa["key-id"], unix.EPERM)
		}
	}
	return n.vault.put(notes)
}

// macsecRemoved are the associations that an edit removes.
func macsecRemoved(e *netstate.Edit) []netstate.Entry {
	var list []netstate.Entry
	after := e.After.Link
	if after == nil || e.Replaces {
		after = &netstate.Interface{}
	}
	for _, key := range []string{"macsec.tx-sa", "macsec.rx-sa"} {
		d := netstate.Difference{Key: key, Before: e.Before.Link.Attrs[key], After: after.Attrs[key]}
		for _, entry := range d.ListDifferences() {
			if entry.Before != nil && (entry.After == nil || entry.Before["key-id"] != entry.After["key-id"]) {
				list = append(list, entry.Before)
			}
		}
	}
	return list
}

type macsecWriter struct {
	n     *Namespace
	g     *generic
	index int
}

func setMacsec(ctx context.Context, n *Namespace, index int, _, _ *netstate.Interface, diffs []netstate.Difference) error {
	g, err := n.generic(ctx, "macsec")
	if err != nil {
		return err
	}
	defer g.close()
	w := &macsecWriter{n: n, g: g, index: index}
	of := func(key string) []netstate.EntryDifference {
		at := slices.IndexFunc(diffs, func(d netstate.Difference) bool { return d.Key == key })
		if at < 0 {
			return nil
		}
		return diffs[at].ListDifferences()
	}
	channels := of("macsec.rx-channel")
	for _, d := range channels {
		if d.After != nil {
			if err := w.channel(ctx, &d); err != nil {
				return fmt.Errorf("setting the channel %s: %w", d.Key, err)
			}
		}
	}
	for _, key := range []string{"macsec.rx-sa", "macsec.tx-sa"} {
		for _, d := range of(key) {
			if err := w.association(ctx, &d); err != nil {
				return fmt.Errorf("setting %s %s: %w", key, d.Key, err)
			}
		}
	}
	for _, d := range channels {
		if d.After == nil {
			if err := w.send(ctx, macsecDelRxSC, d.Before, nil); err != nil {
				return fmt.Errorf("removing the channel %s: %w", d.Key, err)
			}
		}
	}
	return nil
}

func (w *macsecWriter) channel(ctx context.Context, d *netstate.EntryDifference) error {
	command := uint8(macsecAddRxSC)
	if d.Before != nil {
		command = macsecUpdRxSC
	}
	return w.send(ctx, command, d.After, nil)
}

// send sends one command about an entry: its channel if it has one, and its
// association, which is written by sa.
func (w *macsecWriter) send(ctx context.Context, command uint8, e netstate.Entry, sa func(*message)) error {
	sci, err := hex.DecodeString(e["sci"])
	if err != nil {
		return fmt.Errorf("encoding sci: %w", err)
	}
	return w.g.do(ctx, command, func(m *message) {
		m.u32(macsecIfindex, uint32(w.index))
		if len(sci) > 0 {
			nest := m.nest(macsecRxSC)
			m.attr(macsecRxSCSCI, sci)
			if command == macsecAddRxSC || command == macsecUpdRxSC {
				m.u8(macsecRxSCActive, flagByte(e["active"] != "false"))
			}
			m.endNest(nest)
		}
		if sa != nil {
			nest := m.nest(macsecSA)
			sa(m)
			m.endNest(nest)
		}
	}, nil)
}

func flagByte(on bool) uint8 {
	if on {
		return 1
	}
	return 0
}

// association makes, changes or removes one: the kernel changes only whether it
// is active, and removes only what is not.
func (w *macsecWriter) association(ctx context.Context, d *netstate.EntryDifference) error {
	e := d.After
	if e == nil {
		e = d.Before
	}
	number, err := strconv.ParseUint(e["number"], 10, 8)
	if err != nil {
		return fmt.Errorf("encoding number: %w", err)
	}
	add, del, upd := uint8(macsecAddTxSA), uint8(macsecDelTxSA), uint8(macsecUpdTxSA)
	if e["sci"] != "" {
		add, del, upd = macsecAddRxSA, macsecDelRxSA, macsecUpdRxSA
	}
	set := func(active bool) error {
		return w.send(ctx, upd, e, func(m *message) {
			m.u8(macsecSANumber, uint8(number))
			m.u8(macsecSAActive, flagByte(active))
		})
	}
	if d.Before != nil && d.After != nil && d.Before["key-id"] == d.After["key-id"] {
		return set(d.After["active"] != "false")
	}
	if d.Before != nil {
		if err := set(false); err != nil {
			return err
		}
		if err := w.send(ctx, del, e, func(m *message) { m.u8(macsecSANumber, uint8(number)) }); err != nil {
			return err
		}
	}
	if d.After == nil {
		return nil
	}
	key, packet, err := w.key(d.After)
	if err != nil {
		return err
	}
	id, err := hex.DecodeString(d.After["key-id"])
	if err != nil {
		return fmt.Errorf("encoding key-id: %w", err)
	}
	return w.send(ctx, add, d.After, func(m *message) {
		m.u8(macsecSANumber, uint8(number))
		m.u32(macsecSAPacket, packet)
		m.attr(macsecSAKeyID, id)
		m.attr(macsecSAKey, key)
		m.u8(macsecSAActive, flagByte(d.After["active"] != "false"))
	})
}

// key is the key of an association, given or remembered by its ID, and the
// packet number to begin with: never one that the key has been used with.
func (w *macsecWriter) key(e netstate.Entry) (key []byte, packet uint32, err error) {
	name := macsecKeyName(e["key-id"])
	value, err := w.n.vault.get(e["key"])
	if err == nil && value == "" {
		value, err = w.n.vault.recall(name)
	}
	if err != nil {
		return nil, 0, fmt.Errorf("the key with the ID %s: %w", e["key-id"], err)
	}
	if err := w.n.vault.put(netstate.Secrets{name: value}); err != nil {
		return nil, 0, err
	}
	if key, err = hex.DecodeString(value); err != nil {
		return nil, 0, errors.New("a key that is kept is no hexadecimal number")
	}
	first, _ := strconv.ParseUint(e["packet-number"], 10, 32)
	if e["sci"] == "" {
		used, _ := w.n.vault.recall(macsecPacketName(e["key-id"]))
		after, _ := strconv.ParseUint(used, 10, 32)
		first = max(first, after)
	}
	return key, uint32(max(first, 1)), nil
}

// macsecMade is want as it is made: with an identifier, the kernel takes what is
// about sending it only afterwards.
func macsecMade(want *netstate.Interface) *netstate.Interface {
	p := *want
	p.Attrs = maps.Clone(want.Attrs)
	for _, key := range []string{"macsec.send-sci", "macsec.end-station", "macsec.single-copy-broadcast"} {
		delete(p.Attrs, key)
	}
	return &p
}

// macsecCreation adds to the message that makes an interface what is not in the
// table: the port, which the identifier holds too.
func macsecCreation(m *message, want *netstate.Interface) {
	port, err := strconv.ParseUint(want.Attrs["macsec.port"], 10, 16)
	if err == nil && want.Attrs["macsec.sci"] == "" {
		m.attr(iflaMacsecPort, binary.BigEndian.AppendUint16(nil, uint16(port)))
	}
}
