package linux

import (
	"context"
	"errors"
	"fmt"
	"net/netip"

	"golang.org/x/sys/unix"

	"stet/executors"
)

// What rtnetlink.h has and x/sys has not: RTM_F_LOOKUP_TABLE, so that the
// answer tells in which table the route was found.
const rtmLookupTable = 0x1000

// RouteTo asks the kernel which route it takes (ip route get). The values are
// "type", "dev", "via", "source" (text), "table" and "metric" (int); what the
// route does not have is left out. That no route leads there is the kernel's
// error: "network is unreachable", or "no route to host", "permission denied",
// "invalid argument" for the routes that refuse.
func (n *Namespace) RouteTo(ctx context.Context, q executors.RouteTo) (map[string]any, error) {
	op := "looking up the route to " + q.Destination
	dst, err := netip.ParseAddr(q.Destination)
	if err != nil {
		return nil, fmt.Errorf("%s: it is not an IP address: %w", op, err)
	}
	dst = dst.Unmap()
	var src netip.Addr
	if q.Source != "" {
		if src, err = netip.ParseAddr(q.Source); err != nil {
			return nil, fmt.Errorf("%s: the source %q is not an IP address: %w", op, q.Source, err)
		}
		if src = src.Unmap(); src.Is4() != dst.Is4() {
			return nil, fmt.Errorf("%s: the source %s is of the other address family", op, src)
		}
	}
	l, err := n.links(ctx)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", op, err)
	}
	iif := 0
	if q.IIF != "" {
		if iif, err = l.index(q.IIF); err != nil {
			return nil, fmt.Errorf("%s: %w", op, err)
		}
	}
	values, err := n.routeGet(ctx, dst, src, iif, q.Mark, l)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", op, err)
	}
	return values, nil
}

func (n *Namespace) routeGet(ctx context.Context, dst, src netip.Addr, iif int, mark uint32, l *links) (map[string]any, error) {
	var values map[string]any
	err := n.get(ctx, unix.RTM_GETROUTE, func(m *message) {
		var srcBits uint8
		if src.IsValid() {
			srcBits = uint8(src.BitLen())
		}
		m.raw(family(dst), uint8(dst.BitLen()), srcBits, 0, 0, 0, 0, 0)
		m.raw(flags32(rtmLookupTable)...)
		m.addr(unix.RTA_DST, dst)
		if src.IsValid() {
			m.addr(unix.RTA_SRC, src)
		}
		if iif != 0 {
			m.u32(unix.RTA_IIF, uint32(iif))
		}
		if mark != 0 {
			m.u32(unix.RTA_MARK, mark)
		}
	}, func(r reply) {
		if r.typ == unix.RTM_NEWROUTE {
			values = routeValues(r.body, l)
		}
	})
	if err == nil && values == nil {
		err = errors.New("the kernel's answer has no route")
	}
	return values, err
}

// routeValues reads the answer. It is a route made for the question, with the
// flag of a cached one.
func routeValues(b []byte, l *links) map[string]any {
	if len(b) < unix.SizeofRtMsg {
		return nil
	}
	typ := int(b[7])
	if typ >= len(routeTypes) {
		return nil
	}
	v := map[string]any{"type": string(routeTypes[typ]), "table": int(b[4])}
	for typ, p := range attributes(b[unix.SizeofRtMsg:]) {
		switch typ {
		case unix.RTA_OIF:
			v["dev"] = l.name(int(u32(p)))
		case unix.RTA_GATEWAY:
			v["via"] = address(p).String()
		case unix.RTA_VIA:
			if len(p) > 2 {
				v["via"] = address(p[2:]).String()
			}
		case unix.RTA_PREFSRC:
			v["source"] = address(p).String()
		case unix.RTA_TABLE:
			v["table"] = int(u32(p))
		case unix.RTA_PRIORITY:
			v["metric"] = int(u32(p))
		}
	}
	return v
}
