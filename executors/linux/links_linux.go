package linux

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"golang.org/x/sys/unix"
)

// skipStats is RTEXT_FILTER_SKIP_STATS: counters are most of a link's message.
const skipStats = 1 << 3

// links translates between the names and the numbers of a namespace's
// interfaces.
type links struct {
	byIndex map[int]string
	byName  map[string]int
}

func newLinks() *links {
	return &links{byIndex: map[int]string{}, byName: map[string]int{}}
}

func (l *links) add(index int, name string) {
	if old, ok := l.byIndex[index]; ok {
		delete(l.byName, old)
	}
	l.byIndex[index] = name
	l.byName[name] = index
}

// name is the interface's name; one that has no name here (it went away, or is
// in another namespace) shows as ip(8) shows it: "if7".
func (l *links) name(index int) string {
	if name, ok := l.byIndex[index]; ok {
		return name
	}
	if index == 0 {
		return ""
	}
	return "if" + strconv.Itoa(index)
}

// index is the interface's number.
func (l *links) index(name string) (int, error) {
	if index, ok := l.byName[name]; ok {
		return index, nil
	}
	return 0, fmt.Errorf("interface %s: %w", name, unix.ENODEV)
}

// links reads the names of the namespace's interfaces.
func (n *Namespace) links(ctx context.Context) (*links, error) {
	var l *links
	err := n.dump(ctx, unix.RTM_GETLINK, func(m *message) {
		m.ifinfo(0, 0, 0)
		m.u32(unix.IFLA_EXT_MASK, skipStats)
	}, func() { l = newLinks() }, func(r reply) {
		if index, name, ok := linkName(r); ok {
			l.add(index, name)
		}
	})
	if err != nil {
		return nil, fmt.Errorf("reading the interfaces: %w", err)
	}
	return l, nil
}

func linkName(r reply) (index int, name string, ok bool) {
	if r.typ != unix.RTM_NEWLINK || len(r.body) < unix.SizeofIfInfomsg {
		return 0, "", false
	}
	for typ, b := range attributes(r.body[unix.SizeofIfInfomsg:]) {
		if typ == unix.IFLA_IFNAME {
			return int(int32(u32(r.body[4:]))), text(b), true
		}
	}
	return 0, "", false
}

// lookup asks the kernel for one interface's number; 0 if there is none. The
// kernel finds it by its alternative names, too: such a one is another.
func (n *Namespace) lookup(ctx context.Context, name string) (index int, err error) {
	err = n.get(ctx, unix.RTM_GETLINK, func(m *message) {
		m.ifinfo(0, 0, 0)
		m.str(unix.IFLA_IFNAME, name)
		m.u32(unix.IFLA_EXT_MASK, skipStats)
	}, func(r reply) {
		if i, found, ok := linkName(r); ok && found == name {
			index = i
		}
	})
	if errors.Is(err, unix.ENODEV) {
		return 0, nil
	}
	return index, err
}
