//go:build unix

package ssh

import (
	"io/fs"
	"os"
	"syscall"
)

// owned tells whether a file is this user's: a control socket of somebody else
// would get every command.
func owned(info fs.FileInfo) bool {
	st, ok := info.Sys().(*syscall.Stat_t)
	return ok && int(st.Uid) == os.Getuid()
}
