package linux

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"stet/executors/netstate"
)

// teamdRun is where teamd(8) leaves the number of its process and its socket, by
// the team, whatever namespace it is in.
const teamdRun = "/var/run/teamd/"

const (
	teamdAnswers = 10 * time.Second // to one question
	teamdWithin  = 60 * time.Second // to start, or to end
)

// teamdProcess is the process of teamd(8) of a team of that name; 0 is none.
// here tells that it is in n.
func (n *Namespace) teamdProcess(name string) (pid int, here bool) {
	b, _ := os.ReadFile(teamdRun + name + ".pid")
	pid, _ = strconv.Atoi(strings.TrimSpace(string(b)))
	fd, err := n.descriptor()
	if err != nil || pid <= 0 {
		return 0, false
	}
	defer func() { _ = unix.Close(fd) }()
	// A process that was killed leaves its number, which may be another's now.
	if comm, _ := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/comm"); string(comm) != "teamd\n" {
		return 0, false
	}
	var st unix.Stat_t
	own, err := inodeOf(fd)
	if unix.Stat("/proc/"+strconv.Itoa(pid)+"/ns/net", &st) != nil {
		return 0, false // it has ended
	}
	return pid, err == nil && own == (inode{st.Dev, st.Ino})
}

// teamd reads the runner of a team that a process of teamd(8) has; false if
// none has.
func (n *Namespace) teamd(i *netstate.Interface) (bool, error) {
	pid, here := n.teamdProcess(i.Name)
	if !here {
		return false, nil
	}
	text, err := askTeamd(i.Name, "ConfigDump")
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, unix.ECONNREFUSED) {
		return false, nil // it is on its way out
	}
	var config map[string]any
	if err == nil {
		err = json.Unmarshal([]byte(text), &config)
	}
	if err != nil {
		return false, fmt.Errorf("asking teamd for its configuration: %w", err)
	}
	if i.Status == nil {
		i.Status = netstate.Attrs{}
	}
	i.Status["team.daemon"] = "process " + strconv.Itoa(pid)
	if config[netstate.TeamdMark] == true {
		i.Status["team.daemon"] += netstate.TeamdOurs
	}
	for _, a := range netstate.KindByName("team").Attrs {
		if !netstate.IsTeamd(a.Key) {
			continue
		}
		var v any = config
		for _, name := range netstate.TeamdPath(a.Key) {
			at, _ := v.(map[string]any)
			v = at[name]
		}
		if value := teamdText(v); value != "" {
			i.Attrs[a.Key] = value
		}
	}
	return true, nil
}

// teamdText is a value of teamd's configuration in canonical text; "" is none.
func teamdText(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case bool:
		return strconv.FormatBool(v)
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64)
	case []any:
		var words []string
		for _, word := range v {
			words = append(words, teamdText(word))
		}
		return strings.Join(words, ",")
	}
	return ""
}

// askTeamd asks the process of teamd(8) of a team, as teamdctl(8) does
// (teamd_usock.c, libteamdctl/cli_usock.c).
func askTeamd(name, method string) (string, error) {
	c, err := net.DialTimeout("unixpacket", teamdRun+name+".sock", teamdAnswers)
	if err != nil {
		return "", err
	}
	defer func() { _ = c.Close() }()
	_ = c.SetDeadline(time.Now().Add(teamdAnswers))
	if _, err := c.Write([]byte("REQUEST\n" + method + "\n")); err != nil {
		return "", err
	}
	b := make([]byte, 1<<18)
	size, err := c.Read(b)
	if err != nil {
		return "", err
	}
	text, ok := strings.CutPrefix(string(b[:size]), "REPLY_SUCCESS\n")
	if !ok {
		return "", fmt.Errorf("it answered %q", text)
	}
	return text, nil
}

// startTeamd starts teamd(8) for a team that is there, and waits until it
// answers. It outlives this process, and leaves the team when it ends.
func (n *Namespace) startTeamd(ctx context.Context, i *netstate.Interface) error {
	if err := n.endTeamd(ctx, i.Name); err != nil {
		return err
	}
	var words []string
	if n.o.Outlive != nil {
		words = n.o.Outlive()
	}
	program, err := findTeamd()
	if err != nil {
		return err
	}
	words = append(words[:len(words):len(words)], program, "-d", "-o", "-N", "-t", i.Name, "-c", i.TeamdConfig())
	ctx, cancel := context.WithTimeout(ctx, teamdWithin)
	defer cancel()
	c := exec.CommandContext(ctx, words[0], words[1:]...)
	c.Dir, c.Env, c.WaitDelay = "/", []string{"PATH=" + os.Getenv("PATH")}, time.Second
	c.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	var out []byte
	err = n.within(func() (err error) {
		out, err = c.CombinedOutput()
		return err
	})
	if err != nil {
		return fmt.Errorf("starting teamd: %w: %s", err, strings.TrimSpace(string(out)))
	}
	return until(ctx, "teamd does not answer", func() bool {
		_, err := askTeamd(i.Name, "ConfigDump")
		return err == nil
	})
}

// endTeamd ends the process of teamd(8) of a team, and waits until it has
// ended: it removes what it left in its folder.
func (n *Namespace) endTeamd(ctx context.Context, name string) error {
	pid, here := n.teamdProcess(name)
	if pid == 0 {
		return nil
	}
	if !here {
		return fmt.Errorf("teamd runs for a team %s in another namespace (process %d), and knows teams by their names alone: %w", name, pid, unix.EBUSY)
	}
	_ = unix.Kill(pid, unix.SIGTERM)
	ctx, cancel := context.WithTimeout(ctx, teamdWithin)
	defer cancel()
	err := until(ctx, fmt.Sprintf("teamd of %s (process %d) does not end", name, pid), func() bool {
		left, _ := n.teamdProcess(name)
		return left != pid
	})
	// One that was ending already dies of the signal, and leaves its number.
	if b, _ := os.ReadFile(teamdRun + name + ".pid"); err == nil && strings.TrimSpace(string(b)) == strconv.Itoa(pid) {
		_ = os.Remove(teamdRun + name + ".pid")
	}
	return err
}

// until waits for something; what says what it is when it does not come.
func until(ctx context.Context, what string, done func() bool) error {
	for !done() {
		select {
		case <-ctx.Done():
			return fmt.Errorf("%s: %w", what, ctx.Err())
		case <-time.After(20 * time.Millisecond):
		}
	}
	return nil
}

// findTeamd looks for the program also where only root's PATH leads.
func findTeamd() (string, error) {
	path, err := exec.LookPath("teamd")
	if err != nil {
		path, err = exec.LookPath("/usr/sbin/teamd")
	}
	return path, err
}
