//go:build linux

package ssh

import (
	"bufio"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	cryptossh "golang.org/x/crypto/ssh"

	"stet/executors"
)

const mark = "stet-agent ready\n"

// program is an agent that answers each line with its own words around it. Any
// executable file is one; here it is a script, with a tail that does not
// compress, so that it has the size of a real one where that matters.
func program(t *testing.T, size int) *Program {
	t.Helper()
	text := "#!/bin/sh\necho stet-agent ready\nwhile read -r l; do echo \"$(id -un) $* <$l>\"; done\nexit 0\n"
	if size > 0 {
		b := make([]byte, size/2)
		if _, err := rand.Read(b); err != nil {
			t.Fatal(err)
		}
		text += "# " + hex.EncodeToString(b) + "\n"
	}
	return &Program{Platform: Platform{"linux", platform("linux", machine(t)).Arch}, Data: []byte(text)}
}

func machine(t *testing.T) string {
	t.Helper()
	var u syscall.Utsname
	if err := syscall.Uname(&u); err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for _, c := range u.Machine {
		if c == 0 {
			break
		}
		b.WriteByte(byte(c))
	}
	return b.String()
}

func agentOf(p ...*Program) Agent {
	return Agent{Programs: p, Args: []string{"--serve", "v=1"}, Marker: mark}
}

// speak sends a line to a running agent.
func speak(t *testing.T, s *Stream, line, want string) {
	t.Helper()
	if _, err := io.WriteString(s, line+"\n"); err != nil {
		t.Fatal(err)
	}
	r := bufio.NewReader(s)
	got, err := r.ReadString('\n')
	if got == mark {
		got, err = r.ReadString('\n')
	}
	if err != nil || got != want+"\n" {
		t.Fatalf("the agent answered %q, %v; want %q (%s)", got, err, want, s.Complaint())
	}
}

func startAgent(t *testing.T, c *Conn, a Agent) *Stream {
	t.Helper()
	s, err := c.Agent(bounded(t), a)
	if err != nil {
		t.Fatalf("starting the agent: %v", err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// noAgent expects an error that lets callers go on without the agent, or not.
func noAgent(t *testing.T, c *Conn, a Agent, code string, plain bool, says ...string) {
	t.Helper()
	s, err := c.Agent(bounded(t), a)
	if err == nil {
		s.Close()
		t.Fatal("the agent runs")
	}
	var e *executors.Error
	if !errors.As(err, &e) || e.Code != code || errors.Is(err, ErrNoAgent) != plain {
		t.Fatalf("%T %+v (plain commands: %v)", err, err, errors.Is(err, ErrNoAgent))
	}
	for _, word := range says {
		if !strings.Contains(e.Error()+" "+e.Remedy, word) {
			t.Errorf("%q does not say %q (remedy %q)", e, word, e.Remedy)
		}
	}
}

// hosted is a bed with one server and a connection to it.
func hosted(t *testing.T, lines ...string) (*server, *Conn) {
	t.Helper()
	b := newBed(t)
	s := b.newServer(t, lines...)
	b.trust(t, s)
	return s, dial(t, b.dialer(t, "", Options{}), s.address)
}

func TestAgentInstallsItself(t *testing.T) {
	s, c := hosted(t)
	p := program(t, 1<<20)
	a := startAgent(t, c, agentOf(p))
	if !a.Shipped {
		t.Error("the agent was there already")
	}
	speak(t, a, "hello", "root --serve v=1 <hello>")
	if err := a.Close(); err != nil {
		t.Error(err)
	}
	folder := filepath.Join(s.home, ".cache/stet")
	mode := func(path string) os.FileMode {
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		return info.Mode().Perm()
	}
	file := filepath.Join(folder, "agent-"+p.hash)
	if mode(folder) != 0o700 || mode(file) != 0o700 {
		t.Errorf("modes %v and %v", mode(folder), mode(file))
	}
	if entries, _ := os.ReadDir(folder); len(entries) != 1 {
		t.Errorf("the folder holds %v", entries)
	}
	again := startAgent(t, c, agentOf(p))
	if again.Shipped {
		t.Error("the agent was sent twice")
	}
	speak(t, again, "x", "root --serve v=1 <x>")

	// After a power cut the file may be empty: it is sent again.
	again.Close()
	if err := os.Truncate(file, 0); err != nil {
		t.Fatal(err)
	}
	if third := startAgent(t, c, agentOf(p)); !third.Shipped {
		t.Error("an empty file passed for the agent")
	}
	// Another agent has another name; this one stays.
	other := program(t, 10)
	startAgent(t, c, agentOf(other))
	if entries, _ := os.ReadDir(folder); len(entries) != 2 {
		t.Errorf("the folder holds %v", entries)
	}
}

// Nobody but the user may have put the file there.
func TestAgentFolderOfOthers(t *testing.T) {
	s, c := hosted(t)
	p := program(t, 0)
	if err := p.load(); err != nil {
		t.Fatal(err)
	}
	folder := filepath.Join(s.home, ".cache/stet")
	if err := os.MkdirAll(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	write(t, folder+"/agent-"+p.hash, "#!/bin/sh\ntouch "+s.dir+"/planted\necho stet-agent ready\n", 0o755)
	for _, c2 := range []func() error{
		func() error { return os.Chmod(folder, 0o777) },
		func() error { return errors.Join(os.Chmod(folder, 0o700), os.Chown(folder, 7001, 7001)) },
		func() error {
			return errors.Join(os.Rename(folder, folder+"2"), os.Symlink(folder+"2", folder))
		},
	} {
		if err := c2(); err != nil {
			t.Fatal(err)
		}
		a := startAgent(t, c, agentOf(p))
		speak(t, a, "x", "root --serve v=1 <x>")
		a.Close()
		if _, err := os.Stat(s.dir + "/planted"); err == nil {
			t.Fatal("a planted program was run")
		}
		write(t, folder+"/agent-"+p.hash, "#!/bin/sh\ntouch "+s.dir+"/planted\necho stet-agent ready\n", 0o755)
		if err := os.RemoveAll("/var/tmp/stet-0"); err != nil {
			t.Fatal(err)
		}
	}
}

// In a folder with the sticky bit, which others may write to, a file of theirs or
// a link is not run: both they could put there, and replace at any time.
func TestAgentOfOthersInStickyFolder(t *testing.T) {
	s, c := hosted(t)
	p := program(t, 0)
	if err := p.load(); err != nil {
		t.Fatal(err)
	}
	folder := filepath.Join(s.home, ".cache/stet")
	file, planted := folder+"/agent-"+p.hash, s.dir+"/plant"
	write(t, planted, "#!/bin/sh\ntouch "+s.dir+"/planted\necho stet-agent ready\n", 0o755)
	for name, plant := range map[string]func() error{
		"a file of another user": func() error {
			write(t, file, "#!/bin/sh\ntouch "+s.dir+"/planted\necho stet-agent ready\n", 0o755)
			return os.Chown(file, 7001, 7001)
		},
		"a link": func() error { return os.Symlink(planted, file) },
	} {
		if err := errors.Join(os.RemoveAll(folder), os.MkdirAll(folder, 0o700), plant(), os.Chmod(folder, 0o777|os.ModeSticky)); err != nil {
			t.Fatal(err)
		}
		a := startAgent(t, c, agentOf(p))
		speak(t, a, "x", "root --serve v=1 <x>")
		a.Close()
		if _, err := os.Stat(s.dir + "/planted"); err == nil {
			t.Fatalf("%s was run", name)
		}
		info, err := os.Stat(folder)
		if err != nil || info.Mode() != 0o700|os.ModeDir|os.ModeSticky {
			t.Errorf("after %s the folder is %v (%v), which only its user may enter", name, info, err)
		}
	}
}

func TestTextAtLogin(t *testing.T) {
	s, c := hosted(t)
	write(t, s.home+"/.bashrc", "echo 'Welcome to r1!'; printf 'no line end \\033[31m'; echo trouble >&2\n", 0o644)
	a := startAgent(t, c, agentOf(program(t, 0)))
	if !strings.HasPrefix(a.Login, "Welcome to r1!\nno line end ") || strings.ContainsRune(a.Login, 0x1b) {
		t.Errorf("the text at login is %q", a.Login)
	}
	speak(t, a, "x", "root --serve v=1 <x>")
	write(t, s.home+"/.bashrc", "yes | head -c 200000\n", 0o644)
	noAgent(t, c, agentOf(program(t, 0)), "protocol", true, "64 KiB")
}

// tools makes a folder with only some programs, for a server's PATH.
func tools(t *testing.T, names ...string) string {
	t.Helper()
	dir := t.TempDir()
	for _, name := range append(names, "sh", "id", "ls", "mkdir", "chmod", "rm", "mv", "uname", "find", "cat") {
		path, err := exec.LookPath(name)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(path, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestHostWithoutTools(t *testing.T) {
	_, c := hosted(t, "SetEnv PATH="+tools(t, "sha256sum"))
	speak(t, startAgent(t, c, agentOf(program(t, 4000))), "plain", "root --serve v=1 <plain>")
	for _, sum := range []string{"openssl", "shasum"} {
		_, c = hosted(t, "SetEnv PATH="+tools(t, "gzip", sum, "perl"))
		startAgent(t, c, agentOf(program(t, 0)))
	}
	_, c = hosted(t, "SetEnv PATH="+tools(t, "gzip"))
	noAgent(t, c, agentOf(program(t, 0)), "unsupported", true, "sha256sum")
}

func TestDamagedOnTheWay(t *testing.T) {
	dir := tools(t, "gzip")
	write(t, dir+"/sha256sum", "#!/bin/sh\ncat >/dev/null\necho 0000 -\n", 0o755)
	s, c := hosted(t, "SetEnv PATH="+dir)
	noAgent(t, c, agentOf(program(t, 0)), "protocol", false, "hash")
	if left, _ := filepath.Glob(s.home + "/.cache/stet/*"); left != nil {
		t.Errorf("left behind: %v", left)
	}
	if left, _ := filepath.Glob(s.home + "/.cache/stet/.*agent*"); left != nil {
		t.Errorf("left behind: %v", left)
	}
}

func TestOtherArchitecture(t *testing.T) {
	dir := tools(t, "gzip", "sha256sum")
	if err := os.Remove(dir + "/uname"); err != nil {
		t.Fatal(err)
	}
	write(t, dir+"/uname", "#!/bin/sh\n[ $1 = -s ] && echo Linux || echo riscv64\n", 0o755)
	_, c := hosted(t, "SetEnv PATH="+dir)
	noAgent(t, c, agentOf(program(t, 0)), "unsupported", true, "linux/riscv64", "GOARCH=riscv64")
}

// A home shared by hosts of several kinds holds the agents of all.
func TestSharedHome(t *testing.T) {
	s, c := hosted(t)
	foreign := &Program{Platform: Platform{"linux", "other"}, Data: []byte("\x7fELF not for this machine")}
	if err := foreign.load(); err != nil {
		t.Fatal(err)
	}
	folder := filepath.Join(s.home, ".cache/stet")
	if err := os.MkdirAll(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	write(t, folder+"/agent-"+foreign.hash, string(foreign.Data), 0o700)
	if err := os.Chmod(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	own := program(t, 0)
	speak(t, startAgent(t, c, agentOf(foreign, own)), "x", "root --serve v=1 <x>")
	if a := startAgent(t, c, agentOf(foreign, own)); a.Shipped {
		t.Error("sent twice")
	}
}

func mount(t *testing.T, path string, flags uintptr, options string) {
	t.Helper()
	if err := os.MkdirAll(path, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mount("tmpfs", path, "tmpfs", flags, options); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(path, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
}

func TestNoexec(t *testing.T) {
	s, c := hosted(t)
	mount(t, s.home+"/.cache", syscall.MS_NOEXEC, "mode=700")
	p := program(t, 0)
	a := startAgent(t, c, agentOf(p))
	speak(t, a, "x", "root --serve v=1 <x>")
	a.Close()
	if _, err := os.Stat("/var/tmp/stet-0/agent-" + p.hash); err != nil {
		t.Errorf("the agent is not in the folder for such hosts: %v", err)
	}
	if err := os.RemoveAll("/var/tmp/stet-0"); err != nil {
		t.Fatal(err)
	}
	mount(t, "/var/tmp", syscall.MS_NOEXEC, "mode=1777")
	noAgent(t, c, agentOf(p), "unsupported", true, "noexec", "XDG_CACHE_HOME")
	if got := output(t, c, "echo plain commands work"); got != "plain commands work\n" {
		t.Error(got)
	}
}

func TestDiskFull(t *testing.T) {
	s, c := hosted(t)
	mount(t, s.home+"/.cache", 0, "mode=700,size=64k")
	noAgent(t, c, agentOf(program(t, 600<<10)), "no-space", false, "full")
	if left, _ := filepath.Glob(s.home + "/.cache/stet/.agent*"); left != nil {
		t.Errorf("left behind: %v", left)
	}
}

func TestRestrictedShell(t *testing.T) {
	if _, err := os.Stat("/bin/rbash"); err != nil {
		t.Skip("needs rbash")
	}
	b := newBed(t)
	s := b.newServer(t)
	b.trust(t, s)
	c := dial(t, b.dialer(t, "User restricted\n", Options{}), s.address)
	noAgent(t, c, agentOf(program(t, 0)), "unsupported", true, "restricted")
}

// Login shells that are not sh read the command line too.
func TestOtherShells(t *testing.T) {
	for _, name := range []string{"bash", "dash", "tcsh", "csh", "fish", "zsh", "mksh", "busybox"} {
		t.Run(name, func(t *testing.T) {
			path, err := exec.LookPath(name)
			if err != nil {
				t.Skip("needs " + name)
			}
			argv := []string{path, "-c"}
			if name == "busybox" {
				argv = []string{path, "sh", "-c"}
			}
			for _, script := range []string{startScript, probeScript, installScript} {
				values := []string{"TOKEN", "tok", "HASHES", "aa bb", "HASH", "aa", "ARGS", "x", "BECOME", `w="";`, "UNPACK", "cat", "SUM", "sha256sum"}
				line := shellLine(script, values...)
				if strings.ContainsAny(line[len("exec /bin/sh -c '"):len(line)-1], "'\\!\n") {
					t.Fatalf("a shell could misread %s", line)
				}
				for _, line := range []string{line, quickLine(script, values...)} {
					cmd := exec.Command(argv[0], append(argv[1:], line)...)
					cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir(), "SHELL=" + path}
					out, err := cmd.CombinedOutput()
					if strings.Count(string(out), "tok ") != 1 {
						t.Errorf("it printed %q, %v", out, err)
					}
				}
			}
		})
	}
}

// A shell that is a sh runs the script itself, others start one, also one that
// calls itself sh.
func TestQuickLine(t *testing.T) {
	line := quickLine(`r() { echo "TOKEN $0"; }; r; echo "TOKEN missing";`, "TOKEN", "tok")
	for _, c := range []struct{ shell, calls, want string }{
		{"sh", "/bin/sh", "tok login\ntok missing\n"},
		{"bash", "/bin/bash", "tok login\ntok missing\n"},
		{"sh", "/bin/zsh", "tok /bin/sh\ntok missing\n"},
		{"fish", "/usr/bin/fish", "tok /bin/sh\ntok missing\n"},
		{"tcsh", "/bin/tcsh", "tok /bin/sh\ntok missing\n"},
		{"tcsh", "/bin/sh", "tok /bin/sh\ntok missing\n"},
		{"fish", "/bin/sh", "tok /bin/sh\ntok missing\n"},
		{"mksh", "/bin/mksh", "tok /bin/sh\ntok missing\n"},
	} {
		t.Run(c.shell+" as "+c.calls, func(t *testing.T) {
			path, err := exec.LookPath(c.shell)
			if err != nil {
				t.Skip("needs " + c.shell)
			}
			cmd := exec.Cmd{Path: path, Args: []string{"login", "-c", line}, Env: []string{"PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir(), "SHELL=" + c.calls}}
			out, err := cmd.Output()
			if string(out) != c.want {
				t.Errorf("it printed %q (%v), want %q", out, err, c.want)
			}
		})
	}
}

// The library keeps the longest message that it has sent, in a buffer of 896 bytes
// where that is enough.
func TestStartLineIsShort(t *testing.T) {
	hashes := strings.Join([]string{digest([]byte("amd64")), digest([]byte("arm64"))}, " ")
	line := startLine{quick: true, hashes: hashes, args: "agent serve", become: `w="";`}.text()
	line = strings.ReplaceAll(line, "TOKEN", token())
	const packet = 4 + 1 + 4 + 16 // length, padding (RFC 4253, 6), MAC
	if n := len(cryptossh.Marshal(execRequest{line})) + len("\x62\x00\x00\x00\x00\x00\x00\x00\x04exec\x01") + packet + 8; n > 896 {
		t.Errorf("%d bytes: %s", n, line)
	}
	if strings.Count(line, "agent serve") != 1 || strings.Count(line, hashes) != 1 {
		t.Errorf("it says things twice: %s", line)
	}
}

func TestManyHostsAtOnce(t *testing.T) {
	s, c := hosted(t)
	p := program(t, 300<<10)
	var wait sync.WaitGroup
	// sshd has ten sessions on a connection, and still counts one that has just been
	// closed when it reads that another is to be opened: two of each.
	for i := range 5 {
		wait.Go(func() {
			a, err := c.Agent(bounded(t), agentOf(p))
			if err != nil {
				t.Error(err)
				return
			}
			defer a.Close()
			if _, err := fmt.Fprintln(a, i); err != nil {
				t.Error(err)
			}
		})
	}
	wait.Wait()
	if entries, _ := os.ReadDir(s.home + "/.cache/stet"); len(entries) != 1 {
		t.Errorf("the folder holds %v", entries)
	}
}
