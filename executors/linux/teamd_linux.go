package linux

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"stet/executors/netstate"
)

// teamdRun is where teamd(8) leaves the number of its process, by the team,
// whatever namespace it is in.
const teamdRun = "/var/run/teamd/"

// teamdWithin is how long teamd has to start, to answer, or to end.
const teamdWithin = 60 * time.Second

// teamdProcess is the process of teamd(8) of a team of that name, in text; "" is
// none. here tells that it is in n.
func (n *Namespace) teamdProcess(name string) (pid string, here bool) {
	b, _ := os.ReadFile(teamdRun + name + ".pid")
	pid = strings.TrimSpace(string(b))
	// A process that was killed leaves its number, which may be another's now.
	comm, _ := os.ReadFile("/proc/" + pid + "/comm")
	its, err := os.Stat("/proc/" + pid + "/ns/net") // one that has ended has none
	if pid == "" || string(comm) != "teamd\n" || err != nil {
		return "", false
	}
	path := "/proc/thread-self/ns/net"
	if n.fd >= 0 {
		path = "/proc/self/fd/" + strconv.Itoa(n.fd)
	}
	own, err := os.Stat(path)
	return pid, err == nil && os.SameFile(own, its)
}

// teamd reads the runner of a team that a process of teamd(8) has; false if
// none has.
func (n *Namespace) teamd(ctx context.Context, i *netstate.Interface) (bool, error) {
	pid, here := n.teamdProcess(i.Name)
	if !here {
		return false, nil
	}
	config, err := n.tool(ctx, "teamdctl", i.Name, "config", "dump")
	if left, _ := n.teamdProcess(i.Name); left != pid {
		return false, nil // it was on its way out
	}
	if err != nil {
		return false, err
	}
	i.Status["team.daemon"] = "process " + pid
	if string(netstate.TeamdAt(config, netstate.TeamdMark)) == "true" {
		i.Status["team.daemon"] += netstate.TeamdOurs
	}
	i.ReadTeamd("team", config)
	return true, nil
}

// tool runs a program in the namespace, and returns what it prints.
func (n *Namespace) tool(ctx context.Context, words ...string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, teamdWithin)
	defer cancel()
	c := exec.CommandContext(ctx, words[0], words[1:]...)
	var out, errs bytes.Buffer
	c.Dir, c.Env, c.WaitDelay, c.Stdout, c.Stderr = "/", []string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin"}, time.Second, &out, &errs
	c.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := n.within(c.Run); err != nil {
		return nil, fmt.Errorf("running %s: %w: %s", words[0], err, errs.Bytes())
	}
	return out.Bytes(), nil
}

// startTeamd starts teamd(8) for a team that is there. It answers when the
// program that starts it ends, outlives this process, and leaves the team when
// it ends itself.
func (n *Namespace) startTeamd(ctx context.Context, i *netstate.Interface) error {
	if err := n.endTeamd(ctx, i.Name); err != nil {
		return err
	}
	var words []string
	if n.o.Outlive != nil {
		words = n.o.Outlive()
	}
	_, err := n.tool(ctx, append(words[:len(words):len(words)], "teamd", "-d", "-o", "-N", "-t", i.Name, "-c", i.TeamdConfig())...)
	return err
}

// endTeamd ends the process of teamd(8) of a team, and waits until it has
// ended.
func (n *Namespace) endTeamd(ctx context.Context, name string) error {
	pid, here := n.teamdProcess(name)
	if pid == "" {
		return nil
	}
	if !here {
		return fmt.Errorf("teamd has a team %s in another namespace (process %s), and knows teams by their names alone", name, pid)
	}
	if number, err := strconv.Atoi(pid); err == nil && number > 1 {
		_ = syscall.Kill(number, unix.SIGTERM)
	}
	for start := time.Now(); ctx.Err() == nil && time.Since(start) < teamdWithin; time.Sleep(20 * time.Millisecond) {
		if left, _ := n.teamdProcess(name); left == pid {
			continue
		}
		// One that was ending already dies of the signal, and leaves its number.
		if b, _ := os.ReadFile(teamdRun + name + ".pid"); strings.TrimSpace(string(b)) == pid {
			_ = os.Remove(teamdRun + name + ".pid")
		}
		return nil
	}
	return fmt.Errorf("teamd of %s (process %s) does not end", name, pid)
}

// EndTeamd ends the processes of teamd(8) in the namespace, and waits until they
// have ended.
func (n *Namespace) EndTeamd(ctx context.Context) error {
	files, _ := os.ReadDir(teamdRun) // none: nobody has started one
	var errs []error
	for _, f := range files {
		name, ok := strings.CutSuffix(f.Name(), ".pid")
		if _, here := n.teamdProcess(name); ok && here {
			errs = append(errs, n.endTeamd(ctx, name))
		}
	}
	return errors.Join(errs...)
}
