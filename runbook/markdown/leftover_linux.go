package markdown

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
)

// process names this one: where it runs, its number, and when it began.
func process() string {
	return fmt.Sprintf("%s-%d-%s", where(), os.Getpid(), begun(os.Getpid()))
}

// where tells this machine since it was started, and a process namespace of it,
// from others: a number means another process there.
func where() string {
	boot, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return "0"
	}
	space, err := os.Readlink("/proc/self/ns/pid")
	if err != nil {
		return "0"
	}
	sum := sha256.Sum256(append(boot, space...))
	return hex.EncodeToString(sum[:4])
}

// begun is when a process did, in the kernel's ticks (proc(5), field 22 of stat,
// whose second may hold anything in its parentheses); "" if there is none.
func begun(pid int) string {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return ""
	}
	text := string(stat)
	if fields := strings.Fields(text[strings.LastIndexByte(text, ')')+1:]); len(fields) > 19 {
		return fields[19]
	}
	return ""
}

// lives reports whether the process of this name does, if that can be known here.
func lives(name string) (known, alive bool) {
	parts := strings.Split(name, "-")
	if len(parts) != 3 || parts[0] != where() || parts[0] == "0" {
		return false, false
	}
	pid, err := strconv.Atoi(parts[1])
	if err != nil || pid <= 0 {
		return false, false
	}
	now := begun(pid)
	return true, now != "" && now == parts[2]
}

func ours(info, document os.FileInfo) bool {
	s, ok := info.Sys().(*syscall.Stat_t)
	d, same := document.Sys().(*syscall.Stat_t)
	return ok && same && (int(s.Uid) == os.Geteuid() || s.Uid == d.Uid)
}
