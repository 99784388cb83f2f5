package e2e

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// killLab is the lab of examples/remote with a shell in it that takes one script
// after another: making the namespaces and the servers costs more than what is
// done in them.
type killLab struct {
	*bench
	cmd   *exec.Cmd
	in    io.WriteCloser
	out   *bufio.Reader
	said  *said
	count int
}

// said is what the lab's shell and servers wrote to standard error.
type said struct {
	mu sync.Mutex
	b  bytes.Buffer
}

// Write implements io.Writer.
func (s *said) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

// take returns what was said since the last take.
func (s *said) take() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	defer s.b.Reset()
	return s.b.String()
}

// killSetup gives r1 something to be changed, and the operator a second way to
// it: routed by jump instead of forwarded by its sshd, with a configuration that
// notices silence within seconds.
const killSetup = `set +e
ip netns exec jump sysctl -qw net.ipv4.ip_forward=1
ip route add 10.77.1.0/24 via 10.77.0.2
ip -n r1 link add spare0 type veth peer name spare1
ip -n r1 link set spare1 up
ip -n r1 link set spare0 up
printf 'ServerAliveInterval 1\nServerAliveCountMax 3\n' >$LAB/jumped
sed '/ProxyJump/d' $STET_SSH_CONFIG >>$LAB/routed
sed 's/^Host \*/&\n  ServerAliveInterval 1\n  ServerAliveCountMax 3/' $LAB/routed >$LAB/r && mv $LAB/r $LAB/routed
sed 's/^Host \*/&\n  ServerAliveInterval 1\n  ServerAliveCountMax 3/' $STET_SSH_CONFIG >$LAB/jumped
looks() {
	for what in link address; do ip -n r1 -d -j $what; done
	for f in 4 6; do ip -n r1 -d -$f -j route show table all; ip -n r1 -d -$f -j rule; done
}
runs() { [ -e /proc/$pid/exe ]; }
agents() { grep -lzx -e "$1" /proc/[0-9]*/cmdline 2>/dev/null | cut -d/ -f3; }
sessions() {
	for p in $(ip netns pids r1); do
		case $(tr '\0' ' ' <"/proc/$p/cmdline" 2>/dev/null) in *listener*) ;; sshd:*) echo "$p" ;; esac
	done
}
n=0; until ip -n r1 address show dev spare0 | grep -q 'inet6 fe80' && ip -n r1 address show dev spare1 | grep -q 'inet6 fe80'; do
	n=$((n+1)); [ $n -lt 1200 ] || break; sleep 0.05
done
STET_SSH_CONFIG=$LAB/routed; export STET_SSH_CONFIG
`

func newKillLab(t *testing.T) *killLab {
	t.Helper()
	b := newBench(t, "")
	path, err := filepath.Abs(filepath.Join(examples, "remote", "lab"))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 25*time.Minute)
	l := &killLab{bench: b, cmd: exec.CommandContext(ctx, path, "sh"), said: &said{}}
	l.cmd.Dir, l.cmd.Env = b.dir, slices.Concat(b.env, []string{"STET=" + b.stet})
	l.cmd.Stderr, l.cmd.WaitDelay = l.said, 10*time.Second
	out, err := l.cmd.StdoutPipe()
	if err == nil {
		l.in, err = l.cmd.StdinPipe()
	}
	if err == nil {
		err = l.cmd.Start()
	}
	if err != nil {
		cancel()
		t.Fatal(err)
	}
	l.out = bufio.NewReader(out)
	t.Cleanup(func() {
		defer cancel()
		_ = l.in.Close()
		_ = l.cmd.Wait() // the lab's end is not what is tested
	})
	if _, err := io.WriteString(l.in, killSetup); err != nil {
		t.Fatalf("setting the lab up: %v\n%s", err, l.said.take())
	}
	l.do("true")
	return l
}

// do runs a script in the lab and returns what it printed and its code.
func (l *killLab) do(script string) (string, int) {
	l.t.Helper()
	l.count++
	end := fmt.Sprintf("--- end of %d: ", l.count)
	if _, err := fmt.Fprintf(l.in, "{ %s\n} </dev/null\necho \"%s$?\"\n", script, end); err != nil {
		l.t.Fatalf("talking to the lab: %v\n%s", err, l.said.take())
	}
	var out strings.Builder
	for {
		line, err := l.out.ReadString('\n')
		if err != nil {
			l.t.Fatalf("listening to the lab: %v\n%s\n%s", err, out.String(), l.said.take())
		}
		if before, code, found := strings.Cut(line, end); found {
			out.WriteString(before)
			n, err := strconv.Atoi(strings.TrimSpace(code))
			if err != nil {
				l.t.Fatalf("listening to the lab: %v", err)
			}
			return out.String(), n
		}
		out.WriteString(line)
	}
}

// stetDo runs stet in the lab to its end. What it wrote to standard error comes
// last.
func (l *killLab) stetDo(env, args string) outcome {
	l.t.Helper()
	l.said.take()
	out, code := l.do(env + ` "$STET" ` + args)
	return outcome{code, out, l.said.take()}
}

// looks is the state of r1, comparable.
func (l *killLab) looks() string {
	l.t.Helper()
	out, code := l.do("looks")
	if code != 0 {
		l.t.Fatalf("looking at r1: exit %d\n%s", code, l.said.take())
	}
	var b strings.Builder
	for line := range strings.Lines(out) {
		b.WriteString(pretty(l.t, line) + "\n")
	}
	return b.String()
}
