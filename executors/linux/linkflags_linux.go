package linux

import (
	"context"

	"golang.org/x/sys/unix"

	"stet/executors/netstate"
)

// flagWrite sets flags of the interface with a number, for an edit.
type flagWrite struct {
	edit, index   int
	flags, change uint32
}

// flagged carries out the run of edits from index on that change nothing but
// flags of interfaces ("state"), and returns how many edits that was.
func (e *editor) flagged(ctx context.Context, index int) (count int, err error) {
	var list []flagWrite
	end := index
	for at := index; at < len(e.edits) && len(list) < batchMessages; at++ {
		edit := &e.edits[at]
		before, after := edit.Before.Link, edit.After.Link
		if edit.Implied && edit.Netns == "" {
			continue
		}
		if edit.Netns != "" || edit.Op != netstate.Modify || edit.Replaces || after == nil ||
			before.Netns != "" || after.Netns != "" || after.Attrs["netns"] != "" {
			break
		}
		d, ok := flagsOnly(before, after)
		if !ok {
			break
		}
		l, err := e.names(ctx)
		if err != nil {
			return 0, err
		}
		number, err := l.index(before.Name)
		if err != nil {
			break // it is told where it is changed by itself
		}
		list = append(list, flagWrite{at, number, d.flags, d.change})
		end = at + 1
	}
	if len(list) == 0 {
		return 0, nil
	}
	done := 0
	err = e.n.with(ctx, func(s *socket) (err error) {
		done, err = s.batch(ctx, len(list), func(i int, m *message) error {
			m.begin(unix.RTM_NEWLINK, 0, s.next())
			m.ifinfo(list[i].index, list[i].flags, list[i].change)
			m.end()
			return nil
		})
		return err
	})
	if err != nil {
		e.l = nil
		return list[min(done, len(list)-1)].edit - index, err
	}
	return end - index, nil
}

// flagsOnly is what differs between two looks of an interface, if that is flags
// only.
func flagsOnly(before, after *netstate.Interface) (d differences, ok bool) {
	list := netstate.Differences(before, after)
	for _, diff := range list {
		if netstate.AttrByKey(diff.Key).Type != netstate.IFFlag {
			return d, false
		}
	}
	d = sortDifferences(list, netstate.KindByName(after.Type))
	return d, d.change != 0
}
