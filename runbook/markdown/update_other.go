//go:build !linux

package markdown

import "os"

func likeOld(f, _ *os.File, info os.FileInfo) error { return f.Chmod(info.Mode().Perm()) }

func replace(temporary, real string, src, _ []byte, _ *writers) error {
	return renameOver(temporary, real, src)
}

type writers struct{}

func watchWriters(*os.File) *writers { return nil }

func (*writers) end() {}
