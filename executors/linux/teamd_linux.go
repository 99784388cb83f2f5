package linux

import (
	"bytes"
	"context"
	"fmt"
	"os/exec"
	"runtime"
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

// teamd reads the runner of a team that a process of teamd(8) has; false if
// none has.
func (n *Namespace) teamd(ctx context.Context, i *netstate.Interface) (bool, error) {
	pid, config, err := n.untilTeamd(ctx, "teamdctl", i.Name, "config", "dump")
	if pid == "" {
		return false, nil
	} else if err != nil {
		return false, err
	}
	i.Status["team.daemon"] = "process " + pid
	if string(netstate.TeamdAt(config, netstate.TeamdMark)) == "true" {
		i.Status["team.daemon"] += netstate.TeamdOurs
	}
	i.ReadTeamd("team", config)
	return true, nil
}

// tool runs a program in the namespace, and returns what it prints. It ends with
// this process.
func (n *Namespace) tool(ctx context.Context, words ...string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, teamdWithin)
	defer cancel()
	c := exec.CommandContext(ctx, words[0], words[1:]...)
	var out, errs bytes.Buffer
	c.Dir, c.Env, c.WaitDelay, c.Stdout, c.Stderr = "/", []string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin"}, time.Second, &out, &errs
	c.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Pdeathsig: unix.SIGKILL}
	err := n.within(func() error {
		runtime.LockOSThread() // whose end the program would end with
		defer runtime.UnlockOSThread()
		return c.Run()
	})
	if err != nil {
		return nil, fmt.Errorf("running %s: %w: %s", words[0], err, errs.Bytes())
	}
	return out.Bytes(), nil
}

// startTeamd starts teamd(8) for a team that is there. It answers when the
// program that starts it ends, outlives this process, and leaves the team when
// it ends itself.
func (n *Namespace) startTeamd(ctx context.Context, i *netstate.Interface) error {
	if pid, here := n.teamdProcess(i.Name); pid != "" && !here {
		return fmt.Errorf("teamd has a team %s in another namespace (process %s), and knows teams by their names alone", i.Name, pid)
	}
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
