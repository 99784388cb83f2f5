package linux

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"stet/executors/netstate"
)

const sysctlRoot = "/proc/sys/"

// sysctlPath is the file of a key. As in sysctl(8), the first separator in the
// key decides: "net.ipv4.conf.eth0/100.forwarding" and
// "net/ipv4/conf/eth0.100/forwarding" are the same. Only keys of the network
// are files of a namespace; nothing else is touched.
func sysctlPath(key string) (string, error) {
	path := key
	if at := strings.IndexAny(key, "./"); at >= 0 && key[at] == '.' {
		path = strings.NewReplacer(".", "/", "/", ".").Replace(key)
	}
	if !strings.HasPrefix(path, "net/") || filepath.Clean(path) != path || strings.ContainsAny(path, "\x00\n") {
		return "", fmt.Errorf("%q is not a key under net", key)
	}
	return path, nil
}

// sysctlKey is the key of a file, as sysctl(8) prints it.
func sysctlKey(path string) string {
	return strings.NewReplacer("/", ".", ".", "/").Replace(path)
}

// observeSysctls reads the values of keys; "*" in a key stands for any name in
// its place. A key that does not exist has no value in the result. Those that
// people set are added where unusual is set, and where they are not what a new
// interface has. raw are the interfaces, nil where they were not read.
func (n *Namespace) observeSysctls(ctx context.Context, s *netstate.State, keys []string, unusual bool, raw []rawLink) error {
	room := len(keys)
	for _, key := range keys {
		if strings.Contains(key, "*") {
			room += len(raw)
		}
	}
	s.Sysctls = make(map[string]string, room)
	confs := newDeviceConfs(raw)
	return n.within(func() error {
		for _, key := range keys {
			if err := ctx.Err(); err != nil {
				return context.Cause(ctx)
			}
			own := []string{key}
			if confs.read(s.Sysctls, key, "") {
				if own = nil; strings.Contains(key, "*") {
					own = []string{strings.Replace(key, "*", "all", 1), strings.Replace(key, "*", "default", 1)}
				}
			}
			for _, key := range own {
				if err := readSysctls(s.Sysctls, key); err != nil {
					return err
				}
			}
		}
		if unusual {
			return readUnusual(s.Sysctls, confs)
		}
		return nil
	})
}

// readUnusual reads the parameters that people set, where they are not what a
// new interface has, which values has already. Those of MPLS have no default that
// can be set.
func readUnusual(values map[string]string, confs deviceConfs) error {
	for _, key := range netstate.OwnSysctls("*") {
		usual, all := values[strings.Replace(key, "*", "default", 1)], map[string]string{}
		if strings.HasPrefix(key, "net.mpls.") {
			usual = "0"
		}
		if confs.read(values, key, usual) {
			continue
		}
		if err := readSysctls(all, key); err != nil {
			return err
		}
		for key, value := range all {
			if value != usual {
				values[key] = value
			}
		}
	}
	return nil
}

func readSysctls(values map[string]string, key string) error {
	path, err := sysctlPath(key)
	if err != nil {
		return err
	}
	if !strings.Contains(path, "*") {
		return readSysctl(values, key, path)
	}
	// An interface's name may hold what Glob takes for a pattern: only the
	// stars of the key are one.
	pattern := strings.NewReplacer(`\`, `\\`, "[", `\[`, "?", `\?`).Replace(path)
	files, err := filepath.Glob(sysctlRoot + pattern)
	if err != nil {
		return fmt.Errorf("looking for %s: %w", key, err)
	}
	for _, file := range files {
		path := strings.TrimPrefix(file, sysctlRoot)
		if err := readSysctl(values, sysctlKey(path), path); err != nil {
			return err
		}
	}
	return nil
}

func readSysctl(values map[string]string, key, path string) error {
	b, err := readAtOnce(sysctlRoot + path)
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, unix.EISDIR):
		return nil
	case errors.Is(err, fs.ErrPermission), errors.Is(err, unix.EIO):
		// Write-only ones (…/route/flush) have no value to speak of, and
		// one (stable_secret) none until it is set.
		return nil
	case err != nil:
		return fmt.Errorf("reading %s: %w", key, err)
	}
	values[key] = strings.TrimRight(string(b), "\n")
	return nil
}

// readAtOnce reads a file of the kernel's. There may be a hundred: a file of
// package os is four more system calls.
func readAtOnce(path string) ([]byte, error) {
	fd, err := unix.Open(path, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	defer func() { _ = unix.Close(fd) }()
	var room [512]byte
	var b []byte
	for {
		n, err := unix.Read(fd, room[:])
		if err == unix.EINTR {
			continue
		}
		if err != nil || n == 0 {
			return b, err
		}
		b = append(b, room[:n]...)
	}
}

// writeSysctl sets one key.
func (n *Namespace) writeSysctl(s *netstate.Sysctl) error {
	path, err := sysctlPath(s.Key)
	if err != nil {
		return err
	}
	if strings.Contains(path, "*") {
		return fmt.Errorf("%q names several keys", s.Key)
	}
	return n.within(func() error {
		f, err := os.OpenFile(sysctlRoot+path, os.O_WRONLY, 0)
		if err != nil {
			return err
		}
		_, err = f.WriteString(s.Value + "\n")
		return errors.Join(err, f.Close())
	})
}
