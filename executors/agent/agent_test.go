//go:build linux

package agent

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"stet/executors"
	"stet/executors/wire"
)

// TestMain lets the test binary be the agent.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == "agent" {
		os.Exit(Main(context.Background(), os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
	}
	os.Exit(m.Run())
}

func agent(t *testing.T, stdin string, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, os.Args[0], append([]string{"agent"}, args...)...)
	cmd.Env = append(os.Environ(), "XDG_RUNTIME_DIR="+t.TempDir())
	cmd.Stdin = strings.NewReader(stdin)
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil && cmd.ProcessState == nil {
		t.Fatal(err)
	}
	return cmd.ProcessState.ExitCode(), out.String(), errs.String()
}

func TestEntries(t *testing.T) {
	for _, c := range []struct {
		args        []string
		stdin       string
		code        int
		out, errors string
	}{
		{nil, "", 2, "", "usage: stet-agent"},
		{[]string{"agent"}, "", 2, "", `unknown entry "agent"`}, // the word is taken once
		{[]string{"dance"}, "", 2, "", `unknown entry "dance"`},
		{[]string{"help"}, "", 0, "usage: stet-agent", ""},
		{[]string{"exec", "local"}, "", 2, "", "usage: stet-agent"},
		{[]string{"exec", "local", "sh", "-c", "cat; echo err >&2; exit 3"}, "in", 3, "in", "err"},
		{[]string{"exec", "local", "no-such-program"}, "", 1, "", "no such program"},
		{[]string{"exec", "netns://no/such", "true"}, "", 1, "", "not a name of a namespace"},
		{[]string{"exec", "carrier-pigeon://x", "true"}, "", 1, "", "not an address of this host"},
		{[]string{"guard"}, "", 1, "", "it is started by stet itself"},
		{[]string{"guard", "/nonexistent", "nonsense", ""}, "", 1, "", "reading the names of targets"},
		{[]string{"guard", "/nonexistent", "[]", ""}, "", 1, "", "no such file"},
		{[]string{"sandbox"}, "", 1, "", "it is started by stet itself"},
		{[]string{"sandbox", "{}"}, "", 1, "", "it is started by stet itself"},
		{[]string{"sandbox", "{"}, "", 1, "", "serving sandboxes"},
		{[]string{"serve", "{}", "x"}, "", 1, "", `unexpected argument "x"`},
		{[]string{"serve"}, "", 0, "", ""},
		{[]string{"serve"}, "GET / HTTP/1.1\r\n\r\n", 1, "", "does not speak this protocol"},
	} {
		code, out, errs := agent(t, c.stdin, c.args...)
		if code != c.code || !strings.Contains(out, c.out) || !strings.Contains(errs, c.errors) || c.errors == "" && errs != "" {
			t.Errorf("%q: exit %d\nstdout %q\nstderr %q", c.args, code, out, errs)
		}
	}
}

// TestServe talks to the agent as a process on the other end of two pipes.
func TestServe(t *testing.T) {
	cmd := exec.Command(os.Args[0], "agent", "serve")
	cmd.Env = append(os.Environ(), "XDG_RUNTIME_DIR="+t.TempDir())
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	c, err := wire.NewClient(ctx, ends{out, in}, wire.Options{})
	if err != nil {
		t.Fatal(err)
	}
	s, err := c.Open(ctx, executors.Target{Name: "here", Address: "local"})
	if err != nil {
		t.Fatal(err)
	}
	var said bytes.Buffer
	st, err := s.Run(ctx, executors.Command{Argv: []string{"sh", "-c", "echo hello; exit 7"}}, executors.Output{Stdout: &said})
	if err != nil || st.Code != 7 || said.String() != "hello\n" {
		t.Errorf("%+v %v %q", st, err, said.String())
	}
	if err := c.Close(); err != nil {
		t.Error(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("the agent: %v", err)
	}
}

type ends struct {
	io.Reader
	io.WriteCloser
}

// FuzzMain: whatever the agent is given but a command to run, it says so and
// ends. It must not be believed that it is a sandbox or a guard.
func FuzzMain(f *testing.F) {
	f.Add("serve", "{}", "", []byte(wire.Magic))
	f.Add("serve", `{"Program":["x"],"Grace":-1}`, "", []byte(wire.Magic+"\x00\x00\x00\x02\x01\x00\x00\x00\x00\x00{}"))
	f.Add("guard", "/nonexistent", `["a",7`, []byte{})
	f.Add("guard", "/nonexistent", "", []byte{})
	f.Add("sandbox", `{"Outside":"mnt:[1]`, "", []byte{})
	f.Add("agent", "serve", "", []byte{})
	f.Fuzz(func(t *testing.T, verb, one, two string, stdin []byte) {
		if verb == "exec" || one == "exec" || verb == "sandbox" && strings.Contains(one, "mnt") || one == "sandbox" {
			return // would do as it is told
		}
		if verb == "guard" && json.Valid([]byte(two)) {
			return // would take descriptors that are the test's
		}
		args := []string{verb}
		for _, a := range []string{one, two} {
			if a != "" {
				args = append(args, a)
			}
		}
		if verb == "guard" && one != "" {
			args[1] = "/nonexistent/" + one
		}
		var out, errs bytes.Buffer
		code := Main(t.Context(), args, bytes.NewReader(stdin), &out, &errs)
		if code < 0 || code > 2 || code != 0 && errs.Len() == 0 {
			t.Errorf("exit %d, and it says %q", code, errs.String())
		}
	})
}
