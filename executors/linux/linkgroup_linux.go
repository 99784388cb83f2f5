package linux

import (
	"context"
	"math/rand/v2"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"stet/executors/netstate"
)

// togetherLeast is how many interfaces are worth being removed in one message:
// the kernel waits for all processors at the end of each removal, which takes
// longer than everything else about it.
const togetherLeast = 4

// doomed are the interfaces that the run of edits from index on removes, and
// how many edits that are. What follows by itself may stand between them.
func (e *editor) doomed(index int) (names []string, count int) {
	for _, edit := range e.edits[index:] {
		switch o := object(&edit); {
		case edit.Implied:
		case edit.Netns != "" || edit.Op != netstate.Delete || o.Link == nil || o.Link.Netns != "" || o.Link.Type == "team":
			return names, count
		default:
			names = append(names, o.Link.Name)
		}
		count++
	}
	return names, count
}

// several carries out the edits of interfaces from index on that go to the
// kernel together, and returns how many edits that was.
func (e *editor) several(ctx context.Context, index int) (count int, err error) {
	switch e.edits[index].Op {
	case netstate.Add:
		return e.born(ctx, index)
	case netstate.Modify:
		return e.flagged(ctx, index)
	}
	return e.links(ctx, index)
}

// links removes the interfaces of the edits from index on together, if they are
// worth it, and returns how many edits that was.
func (e *editor) links(ctx context.Context, index int) (count int, err error) {
	names, count := e.doomed(index)
	if len(names) < togetherLeast || e.singly {
		return 0, nil
	}
	done, err := e.together(ctx, names)
	if err != nil || !done {
		e.singly = true
		return 0, err
	}
	return count, nil
}

// together removes interfaces in one message, which the kernel takes for a
// group of them (rtnl_group_dellink): they are put into a group that nobody
// uses. done is false when that cannot be: nothing has been removed then, and
// one by one each gets its own answer.
func (e *editor) together(ctx context.Context, names []string) (done bool, err error) {
	e.l = nil
	groups, l, err := e.n.groups(ctx)
	if err != nil {
		return false, err
	}
	indexes := make([]int, len(names))
	for i, name := range names {
		if indexes[i], err = l.index(name); err != nil {
			return false, nil // the one that is gone is to be named
		}
	}
	group := unusedGroup(groups)
	if e.n.regroup(names, indexes, group) != nil {
		if err := e.n.setGroup(ctx, indexes, group); err != nil {
			return false, notRefused(err)
		}
	}
	if mine, err := e.n.inGroup(ctx, group, indexes); err != nil || !mine {
		return false, err
	}
	err = e.n.get(ctx, unix.RTM_DELLINK, func(m *message) {
		m.ifinfo(0, 0, 0)
		m.u32(unix.IFLA_GROUP, group)
	}, nil)
	return err == nil, notRefused(err)
}

// setGroup puts interfaces into a group. To each that is up the kernel looks for
// its routes: that is slow where they are many.
func (n *Namespace) setGroup(ctx context.Context, indexes []int, group uint32) error {
	return n.with(ctx, func(s *socket) error {
		_, err := s.batch(ctx, len(indexes), func(i int, m *message) error {
			m.begin(unix.RTM_SETLINK, 0, s.next())
			m.ifinfo(indexes[i], 0, 0)
			m.u32(unix.IFLA_GROUP, group)
			m.end()
			return nil
		})
		return err
	})
}

// regroup is setGroup through files of sysfs (netdev_group), which does no more
// than that. It is mounted for this alone, where nobody sees it: the one of /sys
// may be another namespace's. Linux before 5.2, and who is not root, cannot.
func (n *Namespace) regroup(names []string, indexes []int, group uint32) error {
	return n.within(func() error {
		fs, err := unix.Fsopen("sysfs", unix.FSOPEN_CLOEXEC)
		if err != nil {
			return err
		}
		defer func() { _ = unix.Close(fs) }()
		if err := unix.FsconfigCreate(fs); err != nil {
			return err
		}
		root, err := unix.Fsmount(fs, unix.FSMOUNT_CLOEXEC, 0)
		if err != nil {
			return err
		}
		defer func() { _ = unix.Close(root) }()
		for i, name := range names {
			if err := regroupOne(root, name, indexes[i], group); err != nil {
				return err
			}
		}
		return nil
	})
}

// regroupOne puts the interface with this name and this number into a group. Its
// folder stays its own when it is renamed.
func regroupOne(root int, name string, index int, group uint32) error {
	folder, err := unix.Openat(root, "class/net/"+name, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer func() { _ = unix.Close(folder) }()
	var is [16]byte
	read, err := atFile(folder, "ifindex", unix.O_RDONLY, func(fd int) (int, error) { return unix.Read(fd, is[:]) })
	if err == nil && strings.TrimSpace(string(is[:read])) != strconv.Itoa(index) {
		err = unix.ENODEV // another one has its name now
	}
	if err == nil {
		value := strconv.AppendUint(nil, uint64(group), 10)
		_, err = atFile(folder, "netdev_group", unix.O_WRONLY, func(fd int) (int, error) { return unix.Write(fd, value) })
	}
	return err
}

func atFile(folder int, name string, mode int, do func(fd int) (int, error)) (int, error) {
	fd, err := unix.Openat(folder, name, mode|unix.O_CLOEXEC, 0)
	if err != nil {
		return 0, err
	}
	defer func() { _ = unix.Close(fd) }()
	return do(fd)
}

// notRefused is nil for a refusal of the kernel, which says that nothing was
// done.
func notRefused(err error) error {
	if errnoOf(err) != 0 {
		return nil
	}
	return err
}

// groups reads the groups of the interfaces, by their numbers, and their names.
func (n *Namespace) groups(ctx context.Context) (groups map[int]uint32, l *links, err error) {
	err = n.dump(ctx, unix.RTM_GETLINK, func(m *message) {
		m.ifinfo(0, 0, 0)
		m.u32(unix.IFLA_EXT_MASK, skipStats)
	}, func() { groups, l = map[int]uint32{}, newLinks() }, func(r reply) {
		if index, name, ok := linkName(r); ok {
			l.add(index, name)
			groups[index] = u32(attribute(r.body[unix.SizeofIfInfomsg:], unix.IFLA_GROUP))
		}
	})
	return groups, l, err
}

// unusedGroup is a group that no interface is in, and that nobody else would
// think of.
func unusedGroup(groups map[int]uint32) uint32 {
	used := map[uint32]bool{}
	for _, group := range groups {
		used[group] = true
	}
	for {
		if group := rand.Uint32()>>1 | 1<<30; !used[group] {
			return group
		}
	}
}

// inGroup tells that a group has exactly these interfaces: nothing else must
// be removed with them.
func (n *Namespace) inGroup(ctx context.Context, group uint32, indexes []int) (bool, error) {
	groups, _, err := n.groups(ctx)
	if err != nil {
		return false, err
	}
	there := map[int]bool{}
	for index, of := range groups {
		if of == group {
			there[index] = true
		}
	}
	for _, index := range indexes {
		if !there[index] {
			return false, nil
		}
		delete(there, index)
	}
	return len(there) == 0, nil
}
