package probe

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"

	"stet/executors"
)

// process looks in proc(5) for processes of the place with this comm, or with
// this base name of argv[0].
func (at Options) process(p executors.Process) (*executors.ProbeReply, error) {
	if p.Name == "" {
		return nil, errors.New("looking for a process: no name was given")
	}
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil, fmt.Errorf("listing processes: %w", err)
	}
	pids := []int{}
	for _, e := range entries {
		if pid, err := strconv.Atoi(e.Name()); err == nil && at.is(e.Name(), p.Name) {
			pids = append(pids, pid)
		}
	}
	slices.Sort(pids)
	list := make([]any, len(pids))
	for i, pid := range pids {
		list[i] = pid
	}
	r := &executors.ProbeReply{OK: len(pids) > 0, Values: map[string]any{"pids": list, "count": len(pids)}}
	if !r.OK {
		r.Error = "no process is called " + p.Name
	}
	return r, nil
}

// is reports whether a process has the name and lives in the place. One that
// ends meanwhile has neither.
func (at Options) is(pid, name string) bool {
	dir := filepath.Join("/proc", pid)
	comm, err := os.ReadFile(filepath.Join(dir, "comm"))
	if err != nil {
		return false
	}
	if string(bytes.TrimSpace(comm)) != name {
		cmdline, err := os.ReadFile(filepath.Join(dir, "cmdline"))
		argv0, _, _ := bytes.Cut(cmdline, []byte{0})
		if err != nil || len(argv0) == 0 || filepath.Base(string(argv0)) != name {
			return false
		}
	}
	if at.Netns == "" {
		return true
	}
	ns, err := os.Readlink(filepath.Join(dir, "ns", "net"))
	return err == nil && ns == at.Netns
}
