package linux

import (
	"context"
	"fmt"

	"golang.org/x/sys/unix"

	"stet/executors/netstate"
)

// altNamesText reads IFLA_PROP_LIST: nested IFLA_ALT_IFNAME.
func altNamesText(a *netstate.Attr, b []byte) string {
	var list []netstate.Entry
	for typ, p := range attributes(b) {
		if typ == unix.IFLA_ALT_IFNAME {
			list = append(list, netstate.Entry{"name": text(p)})
		}
	}
	return a.List(list)
}

// setAltNames takes alternative names away, and gives others.
func (w *linkWriter) setAltNames(ctx context.Context, index int, diffs []netstate.Difference) error {
	for i := range diffs {
		for _, e := range diffs[i].ListDifferences() {
			var typ uint16 = unix.RTM_NEWLINKPROP
			if e.After == nil {
				typ = unix.RTM_DELLINKPROP
			}
			err := w.n.get(ctx, typ, func(m *message) {
				m.ifinfo(index, 0, 0)
				list := m.nest(unix.IFLA_PROP_LIST)
				m.str(unix.IFLA_ALT_IFNAME, e.Key)
				m.endNest(list)
			}, nil)
			if err != nil {
				return fmt.Errorf("the alternative name %s: %w", e.Key, err)
			}
		}
	}
	return nil
}
