package linux

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"stet/executors/netstate"
)

// Messages and attributes of linux/xfrm.h that x/sys has not.
const (
	xfrmNewState   = 0x10
	xfrmDelState   = 0x11
	xfrmGetState   = 0x12
	xfrmNewPolicy  = 0x13
	xfrmDelPolicy  = 0x14
	xfrmGetPolicy  = 0x15
	xfrmUpdPolicy  = 0x19
	xfrmUpdState   = 0x1a
	xfrmSetDefault = 0x27
	xfrmGetDefault = 0x28

	xfrmaEnc        = 2
	xfrmaComp       = 3
	xfrmaEncap      = 4
	xfrmaTemplates  = 5
	xfrmaReplay     = 10
	xfrmaPolicyType = 16
	xfrmaAEAD       = 18
	xfrmaAuth       = 20
	xfrmaMark       = 21
	xfrmaReplayESN  = 23
	xfrmaOffload    = 28

	sizeofSelector = 56
	sizeofState    = 224
	sizeofPolicy   = 168
	sizeofTemplate = 64
)

// xfrmSocket opens a door to IPsec; the caller closes it.
func (n *Namespace) xfrmSocket() (s *socket, err error) {
	err = n.within(func() error {
		s, err = openProtocol(unix.NETLINK_XFRM)
		return err
	})
	return s, err
}

// observeXfrm fills in the states and policies of IPsec. Where they cannot be
// read, that is said among what the kernel lacks.
func (n *Namespace) observeXfrm(ctx context.Context, s *netstate.State, l *links) error {
	list, unread, _, err := n.xfrm(ctx, l)
	switch {
	case errors.Is(err, unix.EPROTONOSUPPORT):
		note(s, "ipsec-xfrm", "the running kernel has no IPsec: neither module xfrm_user nor it built in (CONFIG_XFRM_USER)")
		return nil
	case errors.Is(err, unix.EPERM):
		note(s, "ipsec-xfrm", "reading it needs root (CAP_NET_ADMIN)")
		return nil
	}
	s.Xfrm, s.UnreadXfrm = list, unread
	return err
}

// xfrm reads everything, with the keys by their fingerprints; unread counts
// what netstate has no words for.
func (n *Namespace) xfrm(ctx context.Context, l *links) (list []netstate.Xfrm, unread int, keys netstate.Secrets, err error) {
	s, err := n.xfrmSocket()
	if err != nil {
		return nil, 0, nil, err
	}
	defer s.close()
	r := &xfrmReader{l: l}
	for try := range dumpTries {
		if err := pauseBefore(ctx, try); err != nil {
			return nil, 0, nil, err
		}
		*r = xfrmReader{l: l, keys: netstate.Secrets{}, hidden: keysHidden()}
		err = errors.Join(
			s.dump(ctx, xfrmGetState, func(*message) {}, r.state),
			s.dump(ctx, xfrmGetPolicy, func(*message) {}, r.policy))
		if !errors.Is(err, errLost) {
			break
		}
	}
	if err != nil {
		return nil, 0, nil, err
	}
	err = s.get(ctx, xfrmGetDefault, func(m *message) { m.raw(0, 0, 0) }, r.defaults)
	var refused *kernelError
	if errors.As(err, &refused) && !errors.Is(err, unix.EPERM) {
		err = nil // Linux before 5.14: packets are let through
	}
	return r.list, r.unread, r.keys, err
}

// keysHidden tells that the kernel shows zeros instead of keys (LOCKDOWN_XFRM_SECRET).
func keysHidden() bool {
	b, err := os.ReadFile("/sys/kernel/security/lockdown")
	return err == nil && strings.Contains(string(b), "[confidentiality]")
}

// xfrm carries out the run of edits of IPsec that starts at index.
func (e *editor) xfrm(ctx context.Context, index int) (count int, err error) {
	l, err := e.names(ctx)
	if err != nil {
		return 0, err
	}
	end := index
	var steps []step
	for ; end < len(e.edits) && e.edits[end].Netns == "" && ofIPsec(object(&e.edits[end])); end++ {
		switch edit := &e.edits[end]; {
		case edit.Implied:
		case edit.Replaces:
			steps = append(steps, step{end, netstate.Delete, &edit.Before}, step{end, netstate.Add, &edit.After})
		default:
			steps = append(steps, step{end, edit.Op, object(edit)})
		}
	}
	if err := e.n.keepXfrm(ctx, e.edits[index:end], l); err != nil {
		return 0, err
	}
	s, err := e.n.xfrmSocket()
	if err != nil {
		return 0, err
	}
	defer s.close()
	w := &xfrmWriter{l: l, vault: e.n.vault}
	done, err := s.batch(ctx, len(steps), func(i int, m *message) error {
		return w.encode(m, s.next(), steps[i].op, steps[i].o.Xfrm)
	})
	if err != nil && done < len(steps) {
		return steps[done].index - index, err
	}
	return end - index, err
}

// keepXfrm keeps the keys of the states that are changed or removed, and how far
// they have been used: with one key no sequence number is for two packets.
func (n *Namespace) keepXfrm(ctx context.Context, edits []netstate.Edit, l *links) error {
	wanted := map[string]bool{}
	for i := range edits {
		if b := edits[i].Before.Xfrm; b != nil && b.Sort == netstate.XfrmState {
			wanted[sequenceName(b)] = true
		}
	}
	if len(wanted) == 0 {
		return nil
	}
	list, _, keys, err := n.xfrm(ctx, l)
	if err != nil {
		return fmt.Errorf("reading the keys of IPsec for the way back: %w", err)
	}
	kept := netstate.Secrets{}
	for i := range list {
		x := &list[i]
		name := sequenceName(x)
		if x.Sort != netstate.XfrmState || !wanted[name] {
			continue
		}
		for _, key := range xfrmKeys {
			if print := x.Attrs[key]; print != "" {
				kept[print] = keys[print]
			}
		}
		kept[name] = x.Status["replay-oseq"] + " " + x.Status["replay-seq"]
	}
	return n.vault.put(kept)
}

// xfrmKeys are the attributes of a state that are keys.
var xfrmKeys = []string{"auth.key", "enc.key", "aead.key"}

// sequenceName is where the vault notes how far a state's keys have been used.
func sequenceName(x *netstate.Xfrm) string {
	words := []string{x.Attrs["dst"], x.Attrs["proto"], x.Attrs["spi"], x.Attrs["mark"]}
	for _, key := range xfrmKeys {
		words = append(words, x.Attrs[key])
	}
	return "xfrm-" + netstate.Fingerprint(strings.Join(words, " "))
}

// sequence is the number that a state's counter goes on from: where it was when
// the state was seen, and when it was removed.
func (w *xfrmWriter) sequence(x *netstate.Xfrm) (oseq, seq uint64) {
	oseq, seq = x.Counter("replay-oseq"), x.Counter("replay-seq")
	if x.Status == nil {
		return oseq, seq // it is a new one
	}
	note, err := w.vault.recall(sequenceName(x))
	if err != nil {
		return oseq, seq // it was never removed
	}
	o, i, _ := strings.Cut(note, " ")
	if n, err := strconv.ParseUint(o, 10, 64); err == nil {
		oseq = max(oseq, n)
	}
	if n, err := strconv.ParseUint(i, 10, 64); err == nil {
		seq = max(seq, n)
	}
	return oseq, seq
}

func ofIPsec(o *netstate.Object) bool { return o.Xfrm != nil && !o.Xfrm.MPTCP() }
