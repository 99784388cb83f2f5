package local

import (
	"bytes"
	"os"
	"slices"
	"strings"
)

// Hidden implements linux.Named: it looks whether what is mounted where names are
// kept reaches process 1. A container has mounts of its own for both, and names
// that are made there are the container's. A user namespace that is not that of
// process 1 is a world of its own, too. What cannot be read is no reason to refuse.
func (n *names) Hidden() string {
	if n.mnt >= 0 || n.host != nil && n.host.box != nil {
		return ""
	}
	own, err1 := os.ReadFile("/proc/self/uid_map")
	first, err2 := os.ReadFile("/proc/1/uid_map")
	if err1 != nil || err2 != nil || !bytes.Equal(own, first) {
		return ""
	}
	info1, err1 := os.ReadFile("/proc/thread-self/mountinfo")
	info2, err2 := os.ReadFile("/proc/1/mountinfo")
	if err1 != nil || err2 != nil {
		return ""
	}
	here, there := mounts(info1), mounts(info2)
	if together(here, there) || reaches(covering(here), covering(there)) {
		return ""
	}
	return "nobody else would see it, since stet is in a mount namespace of its own here, as `ip netns exec` makes one, " +
		"from which nothing in " + named + " reaches the machine"
}

// mounted is a mount, of /proc/PID/mountinfo (proc_pid_mountinfo(5)). group is the
// peer group that it shares its mounts with, master the one that it gets some
// from; "" is none.
type mounted struct {
	id, parent, at string
	group, master  string
}

// reaches reports whether what is mounted on one mount is mounted on the other,
// too (mount_namespaces(7)). It is taken for granted where one cannot be found.
func reaches(one, other *mounted) bool {
	return one == nil || other == nil ||
		one.group != "" && (other.group == one.group || other.master == one.group)
}

// together reports whether these are mounts of one mount namespace, whatever root
// they are seen from: no two mounts have the same number.
func together(some, others []*mounted) bool {
	ids := map[string]bool{}
	for _, m := range some {
		ids[m.id] = true
	}
	return slices.ContainsFunc(others, func(m *mounted) bool { return ids[m.id] })
}

// mounts reads what mountinfo says.
func mounts(mountinfo []byte) []*mounted {
	var all []*mounted
	for line := range bytes.Lines(mountinfo) {
		f := strings.Fields(string(line))
		if len(f) < 7 {
			continue
		}
		m := &mounted{id: f[0], parent: f[1], at: f[4]}
		for _, option := range f[6:] {
			if option == "-" {
				break
			}
			switch key, value, _ := strings.Cut(option, ":"); key {
			case "shared":
				m.group = value
			case "master":
				m.master = value
			}
		}
		all = append(all, m)
	}
	return all
}

// covering is the mount that the names are on: mounts may lie below others.
func covering(all []*mounted) *mounted {
	children := map[string][]*mounted{}
	known := map[string]bool{}
	for _, m := range all {
		known[m.id] = true
		children[m.parent] = append(children[m.parent], m)
	}
	var on *mounted
	for _, m := range all {
		if m.at == "/" && (!known[m.parent] || m.parent == m.id) {
			on = m
		}
	}
	for on != nil {
		var next *mounted
		for _, m := range children[on.id] {
			if m != on && over(m.at) && (next == nil || len(m.at) < len(next.at)) {
				next = m
			}
		}
		if next == nil {
			break
		}
		on = next
	}
	return on
}

// over reports whether the names are below a directory, or in it.
func over(dir string) bool {
	return dir == "/" || named == dir || strings.HasPrefix(named, dir+"/")
}
