package linux

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"stet/executors/netstate"
)

// teamdProcess is the process of teamd(8) of a team of that name, in text; "" is
// none. here tells that it is in n. One that starts has left no number yet.
func (n *Namespace) teamdProcess(name string) (pid string, here bool) {
	b, _ := os.ReadFile(teamdRun + name + ".pid")
	pid = strings.TrimSpace(string(b))
	// A process that was killed leaves its number, which may be another's now.
	if pid == "" || !isTeamd(pid) {
		return "", false
	}
	return pid, n.has(pid)
}

func isTeamd(pid string) bool {
	comm, _ := os.ReadFile("/proc/" + pid + "/comm")
	_, err := os.Stat("/proc/" + pid + "/ns/net") // one that has ended has none
	return err == nil && string(comm) == "teamd\n"
}

// has tells that a process is in the namespace.
func (n *Namespace) has(pid string) bool {
	path := "/proc/thread-self/ns/net"
	if n.fd >= 0 {
		path = "/proc/self/fd/" + strconv.Itoa(n.fd)
	}
	its, err := os.Stat("/proc/" + pid + "/ns/net")
	own, ownErr := os.Stat(path)
	return err == nil && ownErr == nil && os.SameFile(own, its)
}

// startedTeamd tells that a process has the command line of startTeamd for a team:
// it is teamd(8), or what becomes it, and stet started it.
func startedTeamd(pid, team string) bool {
	line, _ := os.ReadFile("/proc/" + pid + "/cmdline") // of one that has ended there is none
	return strings.Contains(string(line), "\x00-t\x00"+team+"\x00-c\x00{") && strings.Contains(string(line), `"`+netstate.TeamdMark+`":true`)
}

// endTeamd ends the processes of teamd(8) that stet started for a team in the
// namespace, and waits until none is left. One that is about to start counts, too:
// it would make the team again. Those of others it leaves alone, and says so.
func (n *Namespace) endTeamd(ctx context.Context, team string) error {
	if pid, here := n.teamdProcess(team); here && !startedTeamd(pid, team) {
		return fmt.Errorf("%s belongs to teamd (process %s), which stet did not start: end it with `teamd -k -t %s`", team, pid, team)
	}
	return n.end(ctx, func(pid string) bool { return startedTeamd(pid, team) })
}

// EndTeamd ends the processes of teamd(8) in the namespace, whoever started them,
// and waits until they have ended.
func (n *Namespace) EndTeamd(ctx context.Context) error { return n.end(ctx, isTeamd) }

// end ends processes in the namespace, and waits until none is left. They may fork
// meanwhile.
func (n *Namespace) end(ctx context.Context, which func(pid string) bool) error {
	told, left := []string{}, ""
	for start := time.Now(); ctx.Err() == nil && time.Since(start) < teamdWithin; time.Sleep(20 * time.Millisecond) {
		all, err := os.ReadDir("/proc")
		if err != nil {
			return err
		}
		left = ""
		for _, entry := range all {
			pid := entry.Name()
			number, err := strconv.Atoi(pid)
			if err != nil || number <= 1 || !which(pid) || !n.has(pid) {
				continue
			}
			if left = pid; !slices.Contains(told, pid) {
				told = append(told, pid)
				_ = syscall.Kill(number, unix.SIGTERM)
			}
		}
		if left == "" {
			forgetTeamd(told)
			return nil
		}
	}
	return fmt.Errorf("teamd (process %s) does not end", left)
}

// forgetTeamd removes the numbers of processes that have ended: one that was
// ending already, or only starting, dies of the signal, and leaves its number.
func forgetTeamd(pids []string) {
	files, _ := os.ReadDir(teamdRun) // none: nobody has started one
	for _, f := range files {
		b, _ := os.ReadFile(teamdRun + f.Name())
		if slices.Contains(pids, strings.TrimSpace(string(b))) {
			_ = os.Remove(teamdRun + f.Name())
		}
	}
}
