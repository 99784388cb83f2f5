package linux

import (
	"bytes"
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
	config, err := askTeamd(i.Name)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, unix.ECONNREFUSED) {
		return false, nil // it is on its way out
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

// teamdText is a value of teamd's configuration in canonical text: its JSON
// without quotes and brackets. What is not there, or is a mapping, is none.
func teamdText(v any) string {
	text, _ := json.Marshal(v) // it was read from JSON
	if v == nil || text[0] == '{' {
		return ""
	}
	return strings.Map(func(r rune) rune {
		if strings.ContainsRune("\"[]", r) {
			return -1
		}
		return r
	}, string(text))
}

// askTeamd asks the process of teamd(8) of a team for its configuration, as
// teamdctl(8) does (teamd_usock.c, libteamdctl/cli_usock.c).
func askTeamd(name string) (config map[string]any, err error) {
	c, err := net.Dial("unixpacket", teamdRun+name+".sock")
	if err != nil {
		return nil, err
	}
	defer func() { _ = c.Close() }()
	_ = c.SetDeadline(time.Now().Add(teamdAnswers))
	b := make([]byte, 1<<18)
	size, err := c.Write([]byte("REQUEST\nConfigDump\n"))
	if err == nil {
		size, err = c.Read(b)
	}
	if err != nil {
		return nil, err
	}
	text, ok := bytes.CutPrefix(b[:size], []byte("REPLY_SUCCESS\n"))
	if !ok {
		return nil, fmt.Errorf("it answered %q", text)
	}
	err = json.Unmarshal(text, &config)
	return config, err
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
	var out bytes.Buffer
	c.Dir, c.Env, c.WaitDelay, c.Stdout, c.Stderr = "/", []string{"PATH=" + os.Getenv("PATH")}, time.Second, &out, &out
	c.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := n.within(c.Run); err != nil {
		return fmt.Errorf("starting teamd: %w: %s", err, bytes.TrimSpace(out.Bytes()))
	}
	_, err = askTeamd(i.Name) // it does before the program that started it ends
	return err
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
	_ = syscall.Kill(pid, unix.SIGTERM)
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
	for start := time.Now(); ctx.Err() == nil && time.Since(start) < teamdWithin; time.Sleep(20 * time.Millisecond) {
		if done() {
			return nil
		}
	}
	return errors.New(what)
}

// findTeamd looks for the program also where only root's PATH leads.
func findTeamd() (string, error) {
	path, err := exec.LookPath("teamd")
	if err != nil {
		path, err = exec.LookPath("/usr/sbin/teamd")
	}
	return path, err
}
