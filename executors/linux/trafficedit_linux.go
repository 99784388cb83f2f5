package linux

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"stet/executors/netstate"
)

// traffic carries out an edit of an interface's traffic control, message by
// message. When one is refused, those before it have been done: what is there
// then is read again before it is undone.
func (e *editor) traffic(ctx context.Context, edit *netstate.Edit) error {
	l, err := e.names(ctx)
	if err != nil {
		return err
	}
	device := object(edit).Traffic.Device
	index, err := l.index(device)
	if err != nil {
		return err
	}
	for _, step := range edit.TCSteps() {
		if err := e.tcStep(ctx, index, &step, l); err != nil {
			return fmt.Errorf("%s %s %s on %s: %w", verbs[step.Op], step.Entry.Object, strings.TrimSpace(step.Entry.Handle+" "+step.Entry.Kind), device, err)
		}
	}
	return nil
}

var verbs = map[netstate.Op]string{netstate.Add: "adding", netstate.Modify: "changing", netstate.Delete: "deleting"}

func (e *editor) tcStep(ctx context.Context, index int, s *netstate.TCStep, l *links) error {
	w := &tcWriter{index: index, l: l, s: s}
	if s.Op == netstate.Delete && s.Entry.Kind == "u32" && !s.All {
		if err := w.findNode(ctx, e.n); err != nil {
			return err
		}
	}
	var m message
	typ, flags, err := w.write(&m)
	if err != nil {
		return err
	}
	return e.n.with(ctx, func(s *socket) error {
		return s.getFlags(ctx, typ, flags, func(to *message) { to.b = append(to.b, m.b...) }, nil)
	})
}

// tcWriter writes one message.
type tcWriter struct {
	index int
	l     *links
	s     *netstate.TCStep
	node  uint32 // of a u32 filter, with its table
}

// findNode asks for the table that the kernel has put a u32 filter into.
func (w *tcWriter) findNode(ctx context.Context, n *Namespace) error {
	f := w.s.Entry
	parent, err := tcParent(f)
	if err != nil {
		return err
	}
	list, err := n.filters(ctx, w.index, parent, w.l)
	if err != nil {
		return err
	}
	for i := range list {
		if o := &list[i]; o.Kind == f.Kind && o.Chain == f.Chain && o.Priority == f.Priority && o.Handle == f.Handle {
			w.node = o.handle
			return nil
		}
	}
	return unix.ENOENT
}

// write writes the message without its header.
func (w *tcWriter) write(m *message) (typ, flags uint16, err error) {
	e := w.s.Entry
	parent, err := tcParent(e)
	if err != nil {
		return 0, 0, err
	}
	flags = map[netstate.Op]uint16{netstate.Add: unix.NLM_F_CREATE | unix.NLM_F_EXCL}[w.s.Op]
	deletes := w.s.Op == netstate.Delete
	switch e.Object {
	case netstate.TCQdisc:
		typ = unix.RTM_NEWQDISC
		if w.s.Op == netstate.Modify && w.s.Was.Handle != e.Handle {
			flags = unix.NLM_F_CREATE | unix.NLM_F_REPLACE
		}
	case netstate.TCClass:
		typ = unix.RTM_NEWTCLASS
	case netstate.TCFilter:
		return w.filter(m, parent)
	}
	handle, err := netstate.ParseTCHandle(e.Handle)
	if err != nil {
		return 0, 0, err
	}
	m.tcmsg(w.index, handle, parent, 0)
	if deletes {
		return typ + 1, 0, nil // RTM_DELQDISC, RTM_DELTCLASS
	}
	m.str(tcaKind, e.Kind)
	return typ, flags, w.options(m)
}

// options writes TCA_OPTIONS of a qdisc or class.
func (w *tcWriter) options(m *message) error {
	e := w.s.Entry
	number := func(key string) uint32 {
		v, _ := strconv.ParseUint(optionOf(e, key), 10, 32) // it is canonical, or not given
		return uint32(v)
	}
	switch e.Kind {
	case "ingress", "clsact", "noqueue", "mq":
		return nil
	case "sfq":
		// 0 is the kernel's own choice, which is what is usual: a limit that is
		// sent bounds the flows.
		usual := &netstate.TCEntry{Object: e.Object, Kind: e.Kind}
		own := func(key string) uint32 {
			if optionOf(e, key) == optionOf(usual, key) {
				return 0
			}
			return number(key)
		}
		b := native(own("quantum"), own("perturb"), own("limit"), own("divisor"), own("flows"), own("depth"))
		headdrop := uint32(0)
		if optionOf(e, "headdrop") == "true" {
			headdrop = 1
		}
		b = append(b, native(headdrop)...)
		m.attr(tcaOptions, appendRED(b, e)) // struct tc_sfq_qopt_v1
		return nil
	case "prio":
		b, err := appendPriomap(native(number("bands")), optionOf(e, "priomap"))
		m.attr(tcaOptions, b)
		return err
	case "pfifo":
		if e.Options["limit"] != "" {
			m.attr(tcaOptions, native(number("limit")))
		}
		return nil
	case "bfifo":
		if text := e.Options["limit"]; text != "" {
			n, err := netstate.ParseSize(text)
			m.attr(tcaOptions, native(uint32(min(n, 1<<32-1))))
			return err
		}
		return nil
	}
	at := m.nest(tcaOptions)
	defer m.endNest(at)
	switch e.Object + " " + e.Kind {
	case "class htb":
		return encodeHTBClass(m, e)
	case "qdisc htb":
		minor, err := strconv.ParseUint(optionOf(e, "default"), 16, 32)
		m.attr(2, native(3, number("r2q"), uint32(minor), 0, 0)) // struct tc_htb_glob, version 3
		if e.Options["direct-qlen"] != "" {
			m.u32(5, number("direct-qlen"))
		}
		return err
	case "qdisc tbf":
		return encodeTBF(m, e)
	case "qdisc netem":
		return encodeNetem(m, e)
	}
	if e.Kind == "fq_codel" {
		if err := w.selector(m); err != nil {
			return err
		}
	}
	return w.table(m)
}

// selector writes ce-threshold-selector of fq_codel, where there is or was one.
func (w *tcWriter) selector(m *message) error {
	const key = "ce-threshold-selector"
	value := w.s.Entry.Options[key]
	if value == "" && (w.s.Was == nil || w.s.Was.Options[key] == "") {
		return nil
	}
	var v netstate.Masked
	if value != "" {
		var err error
		if v, err = netstate.ParseMasked(value, 10, 8); err != nil {
			return err
		}
	}
	m.attr(selectorMask-1, []byte{byte(v.Value)})
	m.attr(selectorMask, []byte{byte(v.Mask)})
	return nil
}

// table writes options that have an attribute each: those that are given, and
// of a change those that are no longer, with the kernel's default.
func (w *tcWriter) table(m *message) error {
	e := w.s.Entry
	k := netstate.TCKindOf(e.Object, e.Kind)
	for i := range k.Attrs {
		a := &k.Attrs[i]
		value, given := e.Options[a.Key]
		if a.IFLA == 0 || a.Type == netstate.FlagBit {
			continue
		}
		if !given {
			if w.s.Was == nil || w.s.Was.Kind != e.Kind || w.s.Was.Options[a.Key] == "" || a.Untold {
				continue
			}
			value = a.Default
		}
		if w.s.Op == netstate.Modify && w.s.Was.Handle == e.Handle && a.Set == netstate.OnCreate && e.Object == netstate.TCQdisc {
			continue
		}
		if a.Key == "overhead" && value == "" {
			m.u32(12, 0) // TCA_CAKE_RAW
			continue
		}
		b, err := tcPayload(a, value, w.l)
		if err != nil {
			return fmt.Errorf("encoding %s %q: %w", a.Key, value, err)
		}
		m.attr(a.IFLA, b)
	}
	return nil
}
