//go:build linux

package fleet

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// fleet are hosts, and the operator's side: a folder, a key, an ssh_config.
type fleet struct {
	t       testing.TB
	dir     string
	stet    string
	hosts   []string // addresses
	config  string
	hostKey string // a line of known_hosts without the name
	env     []string
}

// networks keep the hosts of one test apart from those of another.
var networks atomic.Int32

// newFleet makes the operator's side for a number of hosts. Lines come first in
// its ssh_config.
func newFleet(t testing.TB, count int, lines ...string) *fleet {
	t.Helper()
	needInside(t)
	for _, program := range []string{"/usr/sbin/sshd", "ssh", "ssh-keygen", "make"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Skipf("needs %s (apt-get install openssh-server openssh-client make)", program)
		}
	}
	stet, err := programs()
	if err != nil {
		t.Fatal(err)
	}
	dir, err := os.MkdirTemp(home, "test-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	f := &fleet{t: t, dir: dir, stet: stet, config: filepath.Join(dir, "config")}
	network := networks.Add(1)
	for i := range count {
		f.hosts = append(f.hosts, fmt.Sprintf("127.%d.%d.%d", 10+network, i/250, 1+i%250))
	}
	f.must("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", f.path("operator"))
	f.must("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", f.path("hostkey"))
	f.hostKey = strings.Join(strings.Fields(f.read("hostkey.pub"))[:2], " ")
	var known, inventory strings.Builder
	inventory.WriteString("[all]\n")
	for _, h := range f.hosts {
		fmt.Fprintf(&known, "%s %s\n", h, f.hostKey)
		fmt.Fprintln(&inventory, h)
	}
	f.write("known_hosts", known.String())
	f.write("hosts.ini", inventory.String())
	f.write("hosts", strings.TrimPrefix(inventory.String(), "[all]\n"))
	config := strings.Join(lines, "\n") + fmt.Sprintf(`
Host *
  User ops
  IdentityFile %s
  IdentitiesOnly yes
  IdentityAgent none
  UserKnownHostsFile %s
  GlobalKnownHostsFile none
  StrictHostKeyChecking yes
  ConnectTimeout 60
`, f.path("operator"), f.path("known_hosts"))
	f.write("config-as-it-comes", config)
	f.write("config", config+"  KexAlgorithms curve25519-sha256\n")
	f.env = append(os.Environ(), "STET_SSH_CONFIG="+f.config, "XDG_STATE_HOME="+f.path("state"), "HOME="+dir, "NO_COLOR=1", "CI=true")
	return f
}

func (f *fleet) path(name string) string { return filepath.Join(f.dir, name) }

func (f *fleet) write(name, text string) string {
	f.t.Helper()
	if err := os.WriteFile(f.path(name), []byte(text), 0o600); err != nil {
		f.t.Fatal(err)
	}
	return f.path(name)
}

func (f *fleet) read(name string) string {
	f.t.Helper()
	text, err := os.ReadFile(f.path(name))
	if err != nil {
		f.t.Fatal(err)
	}
	return string(text)
}

func (f *fleet) must(argv ...string) {
	f.t.Helper()
	if out, err := exec.Command(argv[0], argv[1:]...).CombinedOutput(); err != nil {
		f.t.Fatalf("%s: %v\n%s", strings.Join(argv, " "), err, out)
	}
}

// document writes a runbook that runs on all hosts.
func (f *fleet) document(body string) string {
	f.t.Helper()
	return f.write("doc.md", "---\ntargets: {from: hosts.ini}\ndefaults: {on: all}\n---\n\n"+body)
}

// sshd starts OpenSSH's server on the given addresses, on port 22. Lines come
// first in its configuration. On each address the user has a folder of its own
// for what the agent keeps, since all "hosts" are one network namespace, of
// which only one could be locked.
func (f *fleet) sshd(name string, addresses []string, lines ...string) *exec.Cmd {
	f.t.Helper()
	if f.read("operator.pub") == "" {
		f.t.Fatal("no key")
	}
	config := strings.Join(append(slices.Clone(lines),
		"HostKey "+f.path("hostkey"), "PidFile "+f.path(name+".pid"), "AuthorizedKeysFile "+f.path("operator.pub"), "UsePAM no", "StrictModes no",
		"PasswordAuthentication no", "KbdInteractiveAuthentication no"), "\n") + "\n"
	var match strings.Builder
	for _, a := range addresses {
		folder := f.path("run-" + a)
		if err := os.Mkdir(folder, 0o700); err != nil {
			f.t.Fatal(err)
		}
		if err := os.Chown(folder, opsID, opsID); err != nil {
			f.t.Fatal(err)
		}
		config += "ListenAddress " + a + "\n"
		fmt.Fprintf(&match, "Match LocalAddress %s\nSetEnv XDG_RUNTIME_DIR=%s\n", a, folder)
	}
	if len(addresses) > 4 { // sshd listens on 16 addresses at most
		config = strings.NewReplacer("ListenAddress "+strings.Join(addresses, "\nListenAddress ")+"\n", "ListenAddress 0.0.0.0\n").Replace(config)
	}
	if err := os.Chmod(f.path("operator.pub"), 0o644); err != nil {
		f.t.Fatal(err)
	}
	f.write(name+".conf", config+match.String())
	cmd := exec.Command("/usr/sbin/sshd", "-D", "-e", "-f", f.path(name+".conf"))
	log, err := os.Create(f.path(name + ".log"))
	if err != nil {
		f.t.Fatal(err)
	}
	cmd.Stderr = log
	if err := cmd.Start(); err != nil {
		f.t.Fatal(err)
	}
	f.t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		log.Close()
	})
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(5 * time.Millisecond) {
		if _, err := os.Stat(f.path(name + ".pid")); err == nil {
			return cmd
		}
		if time.Now().After(deadline) {
			f.t.Fatalf("sshd does not start: %s", f.read(name+".log"))
		}
	}
}

// cost is what a command took.
type cost struct {
	wall, cpu time.Duration
	memory    int64 // bytes, the most at once
	code      int
	out       string
}

// measure runs a command.
func (f *fleet) measure(argv ...string) cost {
	f.t.Helper()
	cmd := f.command(argv...)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	start := time.Now()
	if err := cmd.Start(); err != nil {
		f.t.Fatal(err)
	}
	memory := watchMemory(cmd.Process.Pid)
	err := cmd.Wait()
	c := f.spent(cmd, start, err, &out)
	c.memory = memory()
	return c
}

// watchMemory looks at the most memory that a process has had at once, until it
// has ended. What wait4(2) says is no use: it begins with what the process that
// started it had.
func watchMemory(pid int) (most func() int64) {
	var bytes int64
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
			_, after, found := strings.Cut(string(text), "VmHWM:")
			fields := strings.Fields(after)
			if err != nil || !found || len(fields) == 0 { // it has ended
				return
			}
			if kib, err := strconv.ParseInt(fields[0], 10, 64); err == nil {
				bytes = kib << 10
			}
			time.Sleep(2 * time.Millisecond)
		}
	}()
	return func() int64 { <-done; return bytes }
}

func (f *fleet) command(argv ...string) *exec.Cmd {
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Dir, cmd.Env = f.dir, f.env
	return cmd
}

func (f *fleet) spent(cmd *exec.Cmd, start time.Time, err error, out *bytes.Buffer) cost {
	f.t.Helper()
	wall := time.Since(start)
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		f.t.Fatalf("%v: %v", cmd.Args, err)
	}
	return cost{wall: wall, cpu: cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime(), code: cmd.ProcessState.ExitCode(), out: out.String()}
}

// ok is measure of a command that must succeed.
func (f *fleet) ok(argv ...string) cost {
	f.t.Helper()
	c := f.measure(argv...)
	if c.code != 0 {
		f.t.Fatalf("%s: exit %d\n%s", strings.Join(argv, " "), c.code, c.out)
	}
	return c
}

// run runs the document, which must go well.
func (f *fleet) run(doc string) cost {
	f.t.Helper()
	return f.ok(f.stet, "run", "--yes", doc)
}

const hostname = "```sh { run name=hostname parallel=50 }\nhostname\n```\n"
