//go:build linux

package ssh

import (
	"fmt"
	"net"
	"os"
	"strings"
	"sync"
	"testing"
	"time"
)

// logins counts the logins that a server took.
func (s *server) logins() int { return strings.Count(s.log.String(), "Accepted publickey") }

func TestJumpHostsShareOneConnection(t *testing.T) {
	b := newBed(t)
	j1, j2 := b.newServer(t), b.newServer(t)
	b.trust(t, j1, j2)
	config := fmt.Sprintf("Host j1\n  HostName %s\nHost j2\n  HostName %s\nHost r*\n  ProxyJump j1,root@j2:22\n", j1.address, j2.address)
	var hosts []*server
	for i := range 8 {
		s := b.newServer(t, "AllowUsers root@127.0.0.1")
		b.trust(t, s)
		hosts = append(hosts, s)
		config += fmt.Sprintf("Host r%d\n  HostName %s\n", i, s.address)
	}
	d := b.dialer(t, config, Options{Handshakes: 2})
	var wait sync.WaitGroup
	for i, s := range hosts {
		wait.Go(func() {
			c, err := d.Dial(bounded(t), Address{Host: fmt.Sprintf("r%d", i)})
			if err != nil {
				t.Error(err)
				return
			}
			defer c.Close()
			if c.HostKey != s.key.fingerprint() {
				t.Errorf("r%d has the key %s", i, c.HostKey)
			}
			if got := output(t, c, "echo $HOME"); got != s.home+"\n" {
				t.Errorf("r%d: HOME is %q", i, got)
			}
		})
	}
	wait.Wait()
	for _, j := range []*server{j1, j2} {
		if n := j.logins(); n != 1 {
			t.Errorf("%d logins on a jump host, want 1", n)
		}
	}
	if got := b.ssh(t, "r3", "echo $HOME"); got != hosts[3].home+"\n" {
		t.Errorf("ssh itself reaches %q", got)
	}
}

func TestJumpHostIsDialledAgain(t *testing.T) {
	b := newBed(t)
	j, s := b.newServer(t), b.newServer(t)
	b.trust(t, j, s)
	d := b.dialer(t, fmt.Sprintf("Host r1\n  HostName %s\n  ProxyJump %s\n", s.address, j.address), Options{})
	c := dial(t, d, "r1")
	// A process may have ended with its connection before it is killed.
	b.run(t, "sh", "-c", fmt.Sprintf("ss -K dst %s >/dev/null 2>&1; for p in $(cat /proc/%d/task/*/children); do kill $p || true; done", j.address, j.process.Pid))
	select {
	case <-c.Done():
		if c.Err() == nil {
			t.Error("a lost connection has no error")
		}
	case <-time.After(patience):
		t.Fatal("the connection outlives its jump host")
	}
	dial(t, d, "r1")
	if n := j.logins(); n != 2 {
		t.Errorf("%d logins on the jump host, want 2", n)
	}
}

func TestJumpHostFaults(t *testing.T) {
	b := newBed(t)
	j, s := b.newServer(t), b.newServer(t)
	b.trust(t, j, s)
	closed := b.newServer(t, "AllowTcpForwarding no")
	b.trust(t, closed)
	config := strings.NewReplacer("@J", j.address, "@S", s.address, "@C", closed.address).Replace(`
Host nothing
  HostName @J
  Port 9
  ProxyJump @J
Host closed
  HostName @S
  ProxyJump @C
Host unknown
  HostName @S
  ProxyJump 127.9.9.9
Host circle
  ProxyJump circle2
Host circle2
  ProxyJump circle
`)
	d := b.dialer(t, config, Options{})
	refused(t, d, "nothing", "refused", "jump host")
	refused(t, d, "closed", "unreachable", "prohibited")
	refused(t, d, "unknown", "refused", "127.9.9.9")
	refused(t, d, "circle", "invalid", "circle", "ProxyJump none")
	write(t, b.knownHosts, s.address+" "+s.key.public(), 0o600)
	e := refused(t, b.dialer(t, config, Options{}), "nothing", "host-key", j.key.fingerprint())
	if !strings.Contains(e.Op, "through "+j.address) {
		t.Errorf("the error does not name the jump host: %s", e.Op)
	}
}

// A jump host with OpenSSH's own limits, and many hosts behind it.
func TestJumpHostWithDefaultLimits(t *testing.T) {
	b := newBed(t)
	j, s := b.newServer(t), b.newServer(t, "MaxStartups 200")
	b.trust(t, j)
	config := ""
	const n = 60
	// One server stands for many hosts.
	for i := range n {
		config += fmt.Sprintf("Host r%d\n  HostName %s\n  HostKeyAlias r%d\n  ProxyJump %s\n", i, s.address, i, j.address)
		appendTo(t, b.knownHosts, fmt.Sprintf("r%d %s", i, s.key.public()))
	}
	d := b.dialer(t, config, Options{})
	var wait sync.WaitGroup
	for i := range n {
		wait.Go(func() {
			c, err := d.Dial(bounded(t), Address{Host: fmt.Sprintf("r%d", i)})
			if err != nil {
				t.Error(err)
				return
			}
			c.Close()
		})
	}
	wait.Wait()
	if got := j.logins(); got != 1 {
		t.Errorf("%d logins on the jump host", got)
	}
}

// While the operator thinks about one host, others go on.
func TestQuestionGivesTheTurnBack(t *testing.T) {
	b := newBed(t)
	j := b.newServer(t)
	b.trust(t, j)
	var hosts []string
	for range 4 {
		hosts = append(hosts, b.newServer(t).address)
	}
	var d *Dialer
	asked := &answers{}
	asked.by = func(Question) (string, error) {
		// The operator thinks until all the others wait, too.
		d.until(func(waiting int) bool { return len(asked.batches) > 1 || len(asked.batches[0])+waiting == len(hosts) })
		return "yes", nil
	}
	d = b.dialer(t, "Host "+strings.Join(hosts, " ")+"\n  StrictHostKeyChecking ask\n  ProxyJump "+j.address+"\n", Options{Handshakes: 1, Prompter: asked})
	var wait sync.WaitGroup
	for _, h := range hosts {
		wait.Go(func() {
			c, err := d.Dial(bounded(t), Address{Host: h})
			if err != nil {
				t.Error(err)
				return
			}
			c.Close()
		})
	}
	wait.Wait()
	if len(asked.batches) > 2 || asked.count() != 4 {
		t.Errorf("%d questions in %d batches, want 4 in at most 2", asked.count(), len(asked.batches))
	}
}

func TestProxyCommand(t *testing.T) {
	b := newBed(t)
	s := b.newServer(t)
	b.trust(t, s)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	config := "Host r1\n  HostName " + s.address + "\n  ProxyCommand " + self + " -test.run=TestNothing -- connect %h %p %n %r\n"
	t.Setenv(connectVar, "1")
	c := dial(t, b.dialer(t, config, Options{}), "r1")
	if got := output(t, c, "echo ok"); got != "ok\n" {
		t.Errorf("got %q", got)
	}
	bad := "Host r1\n  HostName " + s.address + "\n  ProxyCommand echo no way there >&2; false\n"
	refused(t, b.dialer(t, bad, Options{}), "r1", "unreachable", "no way there", "ProxyCommand")
	late := "Host r1\n  HostName " + s.address + "\n  ProxyCommand sh -c 'exec >&-; sleep 0.3; echo no way there >&2'\n"
	refused(t, b.dialer(t, late, Options{}), "r1", "unreachable", "no way there", "ProxyCommand")
}

const connectVar = "STET_SSH_TEST_CONNECT"

func appendTo(t *testing.T, path, text string) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteString(text); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}

// connect is what a ProxyCommand runs: nc.
func connect(address string) error {
	c, err := net.Dial("tcp", address)
	if err != nil {
		return err
	}
	return relay(c)
}
