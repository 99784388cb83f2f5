package shell

import (
	"bytes"
	"os"
	"strconv"
	"syscall"
	"time"
)

// tree finds the processes of one command.
type tree struct {
	root   int
	cookie string
	start  uint64 // of the root
	alone  bool   // no other command ran beside it in this process
	// seen are members found earlier: their children still belong to the tree
	// when they themselves have ended. Start times tell a reused number.
	seen map[int]uint64
}

// process is one line of /proc/PID/stat, as far as it is needed (proc(5)).
type process struct {
	pid, ppid, pgrp, session int
	state                    byte
	start                    uint64 // clock ticks since boot
}

// end ends the tree: SIGTERM to all, SIGKILL after the grace to what is left,
// until nothing is. ended tells when the root has been waited for.
func (t *tree) end(ended <-chan error, grace time.Duration) {
	t.begin()
	t.seen = map[int]uint64{}
	limit := time.Now().Add(grace)
	t.signal(syscall.SIGTERM, map[int]bool{})
	told := map[int]bool{}
	for time.Now().Before(limit) {
		select {
		case <-ended:
			ended = nil
		case <-time.After(15 * time.Millisecond):
		}
		// What was forked meanwhile is told too, once each.
		if t.signal(syscall.SIGTERM, told) == 0 && ended == nil {
			return
		}
	}
	// Processes in uninterruptible sleep, or of another user, stay: the
	// number of rounds is bounded.
	for range 200 {
		left := t.signal(syscall.SIGKILL, nil)
		if ended != nil {
			select {
			case <-ended:
				ended = nil
			case <-time.After(10 * time.Millisecond):
			}
			continue
		}
		if left == 0 {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// signal sends sig to every living member, or with told only to those not in
// it, and returns how many live.
func (t *tree) signal(sig syscall.Signal, told map[int]bool) int {
	members := t.members()
	for _, p := range members {
		if told[p.pid] {
			continue
		}
		if told != nil {
			told[p.pid] = true
		}
		kill(p, sig)
	}
	return len(members)
}

// kill signals p through a pidfd, after checking that the number still means
// the same process.
func kill(p process, sig syscall.Signal) {
	h, err := os.FindProcess(p.pid)
	if err != nil {
		return
	}
	defer func() { _ = h.Release() }()
	if now, ok := readProcess(p.pid); ok && now.start == p.start {
		_ = h.Signal(sig) // it may have ended, or be another user's
		if sig == syscall.SIGTERM {
			_ = h.Signal(syscall.SIGCONT) // a stopped process would not see it
		}
	}
}

// members lists the living processes of the tree.
func (t *tree) members() []process {
	all := processes()
	in := make(map[int]bool, 8)
	for _, p := range all {
		start, known := t.seen[p.pid]
		switch {
		case p.pid == t.root && (!known || start == p.start) && p.ppid == os.Getpid(),
			known && start == p.start,
			t.marked(p):
			in[p.pid] = true
		}
	}
	self := os.Getpid()
	for grown := true; grown; {
		grown = false
		groups := t.groups(all, in)
		for _, p := range all {
			if in[p.pid] || p.pid == self || p.pid == 1 {
				continue
			}
			if in[p.ppid] || groups[p.session] || groups[p.pgrp] || t.stray(p) {
				in[p.pid], grown = true, true
			}
		}
	}
	var living []process
	for _, p := range all {
		if !in[p.pid] || p.pid == self {
			continue
		}
		t.seen[p.pid] = p.start
		if p.state != 'Z' && p.state != 'X' {
			living = append(living, p)
		}
	}
	return living
}

// groups are the sessions and process groups that the members lead. A leader
// may have ended; its number is not reused while the group has members.
func (t *tree) groups(all []process, in map[int]bool) map[int]bool {
	groups := map[int]bool{}
	for _, p := range all {
		if !in[p.pid] {
			continue
		}
		// Ours cannot be one of theirs: the root began a session.
		for _, id := range []int{p.session, p.pgrp} {
			if id > 1 && (in[id] || id == t.root) {
				groups[id] = true
			}
			if _, once := t.seen[id]; once && id > 1 {
				groups[id] = true
			}
		}
	}
	return groups
}

// marked reports whether the process was started with the cookie in its
// environment.
func (t *tree) marked(p process) bool {
	env, err := os.ReadFile("/proc/" + strconv.Itoa(p.pid) + "/environ")
	if err != nil || len(env) == 0 {
		return false
	}
	mark := []byte(Cookie + "=" + t.cookie)
	for kv := range bytes.SplitSeq(env, []byte{0}) {
		if bytes.Equal(kv, mark) {
			return true
		}
	}
	return false
}

// processes reads the process table.
func processes() []process {
	dir, err := os.Open("/proc")
	if err != nil {
		return nil
	}
	defer dir.Close()
	names, _ := dir.Readdirnames(-1)
	all := make([]process, 0, len(names))
	for _, name := range names {
		pid, err := strconv.Atoi(name)
		if err != nil {
			continue
		}
		if p, ok := readProcess(pid); ok {
			all = append(all, p)
		}
	}
	return all
}

// readProcess reads /proc/PID/stat. The name, in parentheses, may hold spaces
// and parentheses itself: the last one ends it.
func readProcess(pid int) (process, bool) {
	b, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return process{}, false
	}
	end := bytes.LastIndexByte(b, ')')
	if end < 0 {
		return process{}, false
	}
	f := bytes.Fields(b[end+1:])
	if len(f) < 20 {
		return process{}, false
	}
	p := process{pid: pid, state: f[0][0]}
	p.ppid, _ = strconv.Atoi(string(f[1]))
	p.pgrp, _ = strconv.Atoi(string(f[2]))
	p.session, _ = strconv.Atoi(string(f[3]))
	p.start, _ = strconv.ParseUint(string(f[19]), 10, 64)
	return p, true
}
