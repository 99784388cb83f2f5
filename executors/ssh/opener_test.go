//go:build linux

package ssh

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"stet/executors"
	"stet/executors/wire"
)

// served is the Opener that this test program serves as an agent.
type served struct{}

func (served) Open(_ context.Context, t executors.Target) (executors.Session, error) {
	if t.Address != "local" {
		return nil, &executors.Error{Code: "unsupported", Op: "opening " + t.Address, Message: "not here"}
	}
	return servedSession{target: t}, nil
}

func (served) Close() error { return nil }

type servedSession struct {
	executors.Session
	target executors.Target
}

func (s servedSession) Target() executors.Target { return s.target }

func (servedSession) Close() error { return nil }

func (servedSession) Info(context.Context) (*executors.Info, error) {
	return &executors.Info{Hostname: os.Getenv("HOME"), UID: os.Getuid()}, nil
}

func (servedSession) Run(ctx context.Context, c executors.Command, out executors.Output) (*executors.ExitStatus, error) {
	if c.Argv[0] == "panic" {
		fmt.Fprintln(os.Stderr, "panic: at the disco")
		os.Exit(2)
	}
	cmd := exec.CommandContext(ctx, c.Argv[0], c.Argv[1:]...)
	cmd.Stdout = out.Stdout
	if err := cmd.Run(); err != nil {
		return nil, err
	}
	return &executors.ExitStatus{}, nil
}

// serveAgent is what the test program does when it is started as an agent.
func serveAgent() {
	if err := wire.Serve(context.Background(), struct {
		io.Reader
		io.Writer
	}{os.Stdin, os.Stdout}, served{}, wire.Options{Program: "test"}); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

const serveArg = "serve-as-agent"

// self is an agent that becomes this program. The program itself is far larger
// than any agent, and to compress it takes the race detector most of a minute.
var self = &Program{Data: []byte("#!/bin/sh\nexec " + ownPath + " \"$@\"\n")}

func ownAgent(t *testing.T) Agent {
	t.Helper()
	self.Platform = Platform{"linux", platform("linux", machine(t)).Arch}
	return Agent{Programs: []*Program{self}, Args: []string{serveArg}}
}

func opener(t *testing.T, d *Dialer, a Agent) *Opener {
	t.Helper()
	o := NewOpener(d, a, wire.Options{})
	t.Cleanup(func() {
		if err := o.Close(); err != nil {
			t.Errorf("closing the opener: %v", err)
		}
	})
	return o
}

func TestOpener(t *testing.T) {
	b := newBed(t)
	s := b.newServer(t)
	b.trust(t, s)
	o := opener(t, b.dialer(t, "", Options{}), ownAgent(t))
	target := executors.Target{Name: "r1", Address: "ssh://root@" + s.address, Vars: map[string]any{"x": "y"}}
	ctx := bounded(t)
	session, err := o.Open(ctx, target)
	if err != nil {
		t.Fatal(err)
	}
	if got := session.Target(); got.Address != target.Address || got.Vars["x"] != "y" {
		t.Errorf("the target is %+v", got)
	}
	info, err := session.Info(ctx)
	if err != nil || info.Hostname != s.home || info.HostKey != s.key.fingerprint() {
		t.Errorf("%+v %v", info, err)
	}
	if _, err := o.Open(ctx, target); err != nil {
		t.Fatal(err)
	}
	if n := s.logins(); n != 1 {
		t.Errorf("%d logins for two sessions", n)
	}
	var out strings.Builder
	if _, err := session.Run(ctx, executors.Command{Argv: []string{"echo", "hi"}}, executors.Output{Stdout: &out}); err != nil || out.String() != "hi\n" {
		t.Errorf("%q %v", out.String(), err)
	}
	// An agent that dies takes its words with it into the error.
	_, err = session.Run(ctx, executors.Command{Argv: []string{"panic"}}, executors.Output{})
	if err == nil || !strings.Contains(err.Error(), "at the disco") {
		t.Errorf("after the agent's death: %v", err)
	}
	if err := session.Close(); err != nil {
		t.Logf("closing after the agent's death: %v", err)
	}
}

func TestOpenerOfManyHosts(t *testing.T) {
	b := newBed(t)
	o := opener(t, b.dialer(t, "StrictHostKeyChecking accept-new\n", Options{}), ownAgent(t))
	var wait sync.WaitGroup
	for i := range 5 {
		s := b.newServer(t)
		wait.Go(func() {
			session, err := o.Open(bounded(t), executors.Target{Name: fmt.Sprint("r", i), Address: "ssh://" + s.address})
			if err != nil {
				t.Error(err)
				return
			}
			if info, err := session.Info(t.Context()); err != nil || info.Hostname != s.home {
				t.Errorf("%+v %v", info, err)
			}
		})
	}
	wait.Wait()
	if _, err := o.Open(t.Context(), executors.Target{Address: "local"}); err == nil {
		t.Error("it opens local targets")
	}
	_, err := o.Open(bounded(t), executors.Target{Name: "gone", Address: "ssh://127.9.9.9"})
	var e *executors.Error
	if !errors.As(err, &e) || e.Code != "refused" {
		t.Errorf("%v", err)
	}
}

func TestPlainSession(t *testing.T) {
	for _, user := range []string{"root", "restricted"} {
		t.Run(user, func(t *testing.T) {
			b := newBed(t)
			s := b.newServer(t)
			b.trust(t, s)
			mount(t, s.home+"/.cache", 0x8, "mode=700") // MS_NOEXEC
			mount(t, "/var/tmp", 0x8, "mode=1777")
			o := opener(t, b.dialer(t, "User "+user+"\n", Options{}), ownAgent(t))
			ctx := bounded(t)
			session, err := o.Open(ctx, executors.Target{Name: "r1", Address: "ssh://" + s.address})
			if err != nil {
				t.Fatal(err)
			}
			var out strings.Builder
			status, err := session.Run(ctx, executors.Command{
				Argv: []string{"sh", "-c", "cat; echo \"$A|$1\"; exit 4", "sh", "it's \\ a\ttab!\nand ünï $HOME"}, Env: []string{"A=b c"}, Stdin: []byte("in\n"),
			}, executors.Output{Stdout: &out})
			if want := "in\nb c|it's \\ a\ttab!\nand ünï $HOME\n"; err != nil || status.Code != 4 || out.String() != want {
				t.Errorf("%q %+v %v, want %q", out.String(), status, err, want)
			}
			_, err = session.Apply(ctx, nil)
			var e *executors.Error
			if !errors.As(err, &e) || e.Code != "unsupported" || !errors.Is(err, ErrNoAgent) || !strings.Contains(err.Error(), "agent") {
				t.Errorf("%v", err)
			}
			if user == "restricted" {
				return
			}
			info, err := session.Info(ctx)
			if err != nil || info.UID != 0 || info.OS != "linux" || info.HostKey == "" {
				t.Errorf("%+v %v", info, err)
			}
			short, cancel := context.WithCancel(ctx)
			time.AfterFunc(500*time.Millisecond, cancel)
			if _, err := session.Run(short, executors.Command{Argv: []string{"sh", "-c", "sleep 7125 & (setsid sleep 7125 &) ; wait"}}, executors.Output{}); !errors.Is(err, context.Canceled) {
				t.Errorf("cancelled: %v", err)
			}
			if left, _ := exec.Command("pgrep", "-fx", "sleep 7125").Output(); len(left) > 0 {
				t.Errorf("left behind: %s", left)
			}
		})
	}
}

// Every login shell must hand an argument on as it is.
func TestCommandLine(t *testing.T) {
	const word = "a'b\"c\\d\\'e!f$g`h`;i|j&k\nl\tm~n*o?p[q]{r,s}#t%u^v(w)<x>y=z ünï\x01"
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
			line := commandLine(executors.Command{Argv: []string{"printf", "%s", word}, Dir: "/"}, "A=b")
			cmd := exec.Command(argv[0], append(argv[1:], line)...)
			out, err := cmd.CombinedOutput()
			if err != nil || string(out) != word {
				t.Errorf("%q %v", out, err)
			}
		})
	}
}
