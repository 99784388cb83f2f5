//go:build unix

package probe

import (
	"io/fs"
	"os/user"
	"strconv"
	"syscall"
)

// owner names a file's owner and group, by number where they have no name.
func owner(info fs.FileInfo) (name, group string) {
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return "", ""
	}
	name, group = strconv.Itoa(int(st.Uid)), strconv.Itoa(int(st.Gid))
	if u, err := user.LookupId(name); err == nil {
		name = u.Username
	}
	if g, err := user.LookupGroupId(group); err == nil {
		group = g.Name
	}
	return name, group
}
