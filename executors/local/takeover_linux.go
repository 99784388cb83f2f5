package local

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"stet/executors"
)

// holder is what the lock's file says: the operation, and the process that
// serves it.
type holder struct {
	executors.Lock
	PID int `json:"pid"`
	// Start tells the process from a later one with its number: field 22 of
	// /proc/PID/stat.
	Start string `json:"start"`
	// Served tells that the process works for somebody at the other end of a
	// connection.
	Served bool `json:"served,omitempty"`
}

// me is this process as the holder of a lock.
func me(l executors.Lock, served bool) holder {
	pid := os.Getpid()
	return holder{Lock: l, PID: pid, Start: started(pid), Served: served}
}

// started is when a process began, in the kernel's ticks; "" if there is none.
func started(pid int) string {
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return ""
	}
	// The name, in parentheses, may hold blanks and parentheses.
	_, rest, _ := strings.Cut(string(b[strings.LastIndexByte(string(b), ')')+1:]), " ")
	if fields := strings.Fields(rest); len(fields) > 19 {
		return fields[19]
	}
	return ""
}

// leaveAgentWithin is how long the agent of a lost connection may take to end
// its commands before it is killed.
const leaveAgentWithin = 8 * time.Second

// takeOver takes a lock from the agent that still holds the namespace's for the
// same operation, as the same target: the one at the end of a connection that was lost, which sshd may
// hold open for hours. Told so (SIGHUP), it ends what it was doing and gives the
// lock up; with a kept command it lives on. If it does not, it is ended. takeOver
// reports whether the lock may be free now.
func takeOver(dir string, l executors.Lock) bool {
	f, err := os.Open(filepath.Join(dir, "lock"))
	if err != nil {
		return false
	}
	b, err := io.ReadAll(io.LimitReader(f, 64<<10))
	f.Close()
	var h holder
	if err != nil || json.Unmarshal(b, &h) != nil || !h.Served || !l.Again(h.Lock) || h.PID <= 1 || h.PID == os.Getpid() {
		return false
	}
	fd, err := unix.PidfdOpen(h.PID, 0)
	if err != nil {
		return errors.Is(err, unix.ESRCH)
	}
	defer unix.Close(fd)
	if started(h.PID) != h.Start { // looked at with the process in hand
		return true
	}
	for _, s := range []unix.Signal{unix.SIGHUP, unix.SIGTERM, unix.SIGKILL} {
		if err := unix.PidfdSendSignal(fd, s, nil, 0); err != nil {
			return errors.Is(err, unix.ESRCH)
		}
		for limit := time.Now().Add(leaveAgentWithin); time.Now().Before(limit); {
			if free(dir) || ended(fd, 20*time.Millisecond) {
				return true
			}
		}
	}
	return false
}

// free reports whether nobody holds a namespace's lock.
func free(dir string) bool {
	f, err := os.Open(filepath.Join(dir, "lock"))
	if err != nil {
		return errors.Is(err, fs.ErrNotExist)
	}
	defer f.Close()
	return unix.Flock(int(f.Fd()), unix.LOCK_SH|unix.LOCK_NB) == nil
}

// ended waits for the end of the process that fd stands for.
func ended(fd int, within time.Duration) bool {
	deadline := time.Now().Add(within)
	for {
		left := time.Until(deadline)
		if left <= 0 {
			return false
		}
		n, err := unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}, int(left/time.Millisecond)+1)
		if n > 0 {
			return true
		}
		if err != nil && err != unix.EINTR {
			return false
		}
	}
}
