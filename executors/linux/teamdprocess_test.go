//go:build linux

package linux

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"stet/executors/netstate"
)

// fakeTeamd is a program called teamd, which does nothing until it is ended. With
// forks it does so in a child, in a session of its own, and waits for that.
func fakeTeamd(t *testing.T, forks bool) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "teamd")
	script := "#!/bin/sh\n"
	if forks {
		script += "[ \"$FORKED\" ] || { FORKED=1 setsid \"$0\" \"$@\" & wait; exit; }\n"
	}
	if err := os.WriteFile(path, []byte(script+"while :; do sleep 0.1; done\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	return path
}

// begin starts a program in a namespace; it ends with the test.
func (ns *namespace) begin(argv ...string) (pid string) {
	ns.t.Helper()
	c := exec.Command("ip", append([]string{"netns", "exec", ns.name}, argv...)...)
	if err := c.Start(); err != nil {
		ns.t.Fatal(err)
	}
	done := make(chan struct{})
	go func() { defer close(done); _ = c.Wait() }()
	ns.t.Cleanup(func() {
		_ = c.Process.Kill()
		<-done
	})
	return strconv.Itoa(c.Process.Pid)
}

func lives(pid string) bool {
	line, err := os.ReadFile("/proc/" + pid + "/cmdline")
	return err == nil && len(line) > 0
}

// TestTeamdEnd ends what stet started, and what it forked, before there is a
// number of a process; not what others started, nor what has another team, nor
// what is in another namespace.
func TestTeamdEnd(t *testing.T) {
	near, far := newNamespace(t), newNamespace(t)
	team := "te" + strconv.Itoa(os.Getpid())
	words := func(team string) []string {
		return []string{"-d", "-o", "-N", "-t", team, "-c", (&netstate.Interface{Name: team, Type: "team"}).TeamdConfig()}
	}
	program, forking := fakeTeamd(t, false), fakeTeamd(t, true)
	keep := map[string]string{
		"another team":      near.begin(append([]string{program}, words(team+"x")...)...),
		"another namespace": far.begin(append([]string{program}, words(team)...)...),
		"somebody else's":   near.begin(program, "-d", "-t", team, "-c", `{"device": "`+team+`"}`),
	}
	first := near.begin(append([]string{forking}, words(team)...)...)
	ours := func() (list []string) {
		all, err := filepath.Glob("/proc/[0-9]*")
		if err != nil {
			t.Fatal(err)
		}
		for _, dir := range all {
			if pid := filepath.Base(dir); startedTeamd(pid, team) && near.has(pid) {
				list = append(list, pid)
			}
		}
		return list
	}
	eventually(t, "all run", func() bool {
		return len(ours()) == 2 && isTeamd(first) && isTeamd(keep["another team"]) && isTeamd(keep["another namespace"]) && isTeamd(keep["somebody else's"])
	})
	if err := near.endTeamd(t.Context(), team); err != nil {
		t.Fatal(err)
	}
	if left := ours(); len(left) > 0 || lives(first) {
		t.Errorf("left: %v, %s", left, first)
	}
	for what, pid := range keep {
		if !lives(pid) {
			t.Errorf("%s: process %s was ended", what, pid)
		}
	}

	// Whoever else has the team keeps it.
	if err := os.MkdirAll(teamdRun, 0o755); err != nil {
		t.Fatal(err)
	}
	number := teamdRun + team + ".pid"
	if err := os.WriteFile(number, []byte(keep["somebody else's"]+"\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = os.Remove(number) }()
	if err := near.endTeamd(t.Context(), team); err == nil || !strings.Contains(err.Error(), "which stet did not start") {
		t.Errorf("ending somebody else's: %v", err)
	}
	if err := near.startTeamd(t.Context(), &netstate.Interface{Name: team, Type: "team"}); err == nil || !strings.Contains(err.Error(), "which stet did not start") {
		t.Errorf("starting beside somebody else's: %v", err)
	}
	if !lives(keep["somebody else's"]) {
		t.Error("somebody else's was ended")
	}
	if err := near.EndTeamd(t.Context()); err != nil {
		t.Fatal(err)
	}
	if lives(keep["somebody else's"]) || lives(keep["another team"]) || !lives(keep["another namespace"]) {
		t.Errorf("of %v others are left than those of another namespace", keep)
	}
	if _, err := os.Stat(number); !os.IsNotExist(err) {
		t.Errorf("the number of the process is left: %v", err)
	}
}

// TestToolEnds has a program end with the process that runs it: whatever it was
// to do would come after the way back.
func TestToolEnds(t *testing.T) {
	if file := os.Getenv("STET_TEST_TOOL"); file != "" {
		n, err := Open(Options{NS: -1})
		if err != nil {
			t.Fatal(err)
		}
		_, _ = n.tool(context.Background(), "sh", "-c", "echo $$ >"+file+"; while :; do sleep 0.1; done") // it does not return
		return
	}
	file := filepath.Join(t.TempDir(), "pid")
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	c := exec.Command(self, "-test.run=^TestToolEnds$")
	c.Env = append(os.Environ(), "STET_TEST_TOOL="+file)
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	pid := func() string {
		b, _ := os.ReadFile(file) // not there yet
		return strings.TrimSpace(string(b))
	}
	eventually(t, "the program", func() bool { return pid() != "" })
	time.Sleep(100 * time.Millisecond)
	if !lives(pid()) {
		t.Fatal("the program has ended by itself")
	}
	if err := c.Process.Signal(syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	_ = c.Wait()
	eventually(t, "its end", func() bool { return !lives(pid()) })
}

// TestTeamdOutlives starts teamd by the words that let a command outlive its login,
// where there are some: what it forks is theirs, too.
func TestTeamdOutlives(t *testing.T) {
	ns := newNamespace(t)
	team := "tl" + strconv.Itoa(os.Getpid())
	dir := t.TempDir()
	file := func(name, script string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte("#!/bin/sh\n"+script), 0o755); err != nil {
			t.Fatal(err)
		}
		return path
	}
	// As teamd does, it leaves a process behind and ends.
	file("teamd", "[ \"$FORKED\" ] || { FORKED=1 setsid \"$0\" \"$@\" >/dev/null 2>&1 & exit; }\nwhile :; do sleep 0.1; done\n")
	ns.o.Outlive = func() []string {
		return []string{file("scope", "export IN_SCOPE=1 PATH=\""+dir+":$PATH\"\nexec \"$@\"\n"), "env"}
	}
	i := &netstate.Interface{Name: team, Type: "team"}
	if err := ns.startTeamd(t.Context(), i); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := ns.endTeamd(context.Background(), team); err != nil {
			t.Error(err)
		}
	})
	eventually(t, "the process", func() bool {
		all, err := filepath.Glob("/proc/[0-9]*")
		if err != nil {
			t.Fatal(err)
		}
		for _, dir := range all {
			env, _ := os.ReadFile(dir + "/environ") // of one that has ended there is none
			if pid := filepath.Base(dir); startedTeamd(pid, team) && ns.has(pid) && strings.Contains("\x00"+string(env), "\x00IN_SCOPE=1\x00") {
				return true
			}
		}
		return false
	})
}
