package probe

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

	"stet/executors"
)

// fileMaxHash bounds the file that is hashed; a larger one has no "sha256".
const fileMaxHash = 64 << 20

// file looks at a file as commands in the place see it: /sys, /run and some of
// /etc may be the place's own. A file system that does not answer (a server
// that is gone) is left to itself when ctx ends.
func (at Options) file(ctx context.Context, p executors.File) (*executors.ProbeReply, error) {
	type answer struct {
		reply *executors.ProbeReply
		err   error
	}
	done := make(chan answer, 1)
	go func() {
		var a answer
		err := at.in(func() error {
			a.reply, a.err = lookAt(p)
			return nil
		})
		if err != nil {
			a.err = err
		}
		done <- a
	}()
	select {
	case a := <-done:
		return a.reply, a.err
	case <-ctx.Done():
		return nil, fmt.Errorf("looking at %s: %w", p.Path, context.Cause(ctx))
	}
}

func lookAt(p executors.File) (*executors.ProbeReply, error) {
	values := map[string]any{"exists": false, "size": 0, "mode": "", "type": "", "owner": "", "group": "", "sha256": "", "content": ""}
	info, err := os.Stat(p.Path)
	if errors.Is(err, fs.ErrNotExist) {
		return no(err, values), nil
	}
	if err != nil {
		return nil, fmt.Errorf("looking at a file: %w", err)
	}
	values["exists"], values["size"] = true, int(info.Size())
	values["mode"] = fmt.Sprintf("%04o", uint32(info.Mode().Perm()))
	values["type"] = fileType(info.Mode())
	values["owner"], values["group"] = owner(info)
	r := &executors.ProbeReply{OK: true, Values: values}
	if !info.Mode().IsRegular() || info.Size() > fileMaxHash {
		return r, nil
	}
	if err := readFile(p, values); err != nil {
		r.Error = err.Error()
	}
	return r, nil
}

func fileType(m fs.FileMode) string {
	switch {
	case m.IsRegular():
		return "file"
	case m.IsDir():
		return "directory"
	case m&fs.ModeSocket != 0:
		return "socket"
	case m&fs.ModeNamedPipe != 0:
		return "fifo"
	case m&fs.ModeCharDevice != 0:
		return "character-device"
	case m&fs.ModeDevice != 0:
		return "block-device"
	}
	return "other"
}

// readFile fills in what needs the content. Files of /proc say that they are
// empty and are not.
func readFile(p executors.File, values map[string]any) error {
	f, err := os.Open(p.Path)
	if err != nil {
		return err
	}
	defer f.Close()
	hash := sha256.New()
	var head strings.Builder
	n, err := io.Copy(io.MultiWriter(hash, &limited{&head, p.Read}), io.LimitReader(f, fileMaxHash))
	if err != nil {
		return err
	}
	values["size"] = int(n)
	values["sha256"] = hex.EncodeToString(hash.Sum(nil))
	values["content"] = strings.ToValidUTF8(head.String(), "\uFFFD")
	return nil
}

// limited keeps the first n bytes and counts the rest as written.
type limited struct {
	to io.Writer
	n  int
}

func (l *limited) Write(b []byte) (int, error) {
	keep := b[:min(len(b), l.n)]
	l.n -= len(keep)
	if _, err := l.to.Write(keep); err != nil {
		return 0, err
	}
	return len(b), nil
}
