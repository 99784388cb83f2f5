//go:build linux

package ssh

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"stet/executors"
)

// relay copies between a connection and the standard streams.
func relay(c net.Conn) error {
	go func() { _, _ = io.Copy(c, os.Stdin) }()
	_, err := io.Copy(os.Stdout, c)
	return err
}

// A host behind a link of its own: a veth pair to another namespace.
func (b *bed) behindLink(t *testing.T) *server {
	t.Helper()
	b.run(t, "ip", "netns", "add", "far")
	t.Cleanup(func() {
		// A process may hold the namespace, and with it the link, a little
		// longer than its name.
		_ = exec.Command("ip", "link", "del", "near").Run()
		b.run(t, "ip", "netns", "del", "far")
	})
	// Addresses are there at once, without looking for others that have them.
	b.run(t, "ip", "netns", "exec", "far", "sysctl", "-q", "net.ipv6.conf.default.accept_dad=0")
	for _, line := range []string{
		"link add near type veth peer name far netns far", "addr add 10.91.1.1/24 dev near", "link set near up",
		"-n far addr add 10.91.1.2/24 dev far", "-n far link set far up", "-n far link set lo up",
	} {
		b.run(t, append([]string{"ip"}, strings.Fields(line)...)...)
	}
	s := &server{address: "10.91.1.2"}
	s.start(t, b, []string{"ip", "netns", "exec", "far"})
	b.trust(t, s)
	return s
}

func TestKeepAlive(t *testing.T) {
	b := newBed(t)
	s := b.behindLink(t)
	// An outage, which TCP and the kernel's look at the carrier make longer than
	// it is, is well below this limit, also on a busy machine.
	patient := dial(t, b.dialer(t, "ServerAliveInterval 1\nServerAliveCountMax 30\n", Options{}), s.address)
	d := b.dialer(t, "ServerAliveInterval 1\nServerAliveCountMax 5\n", Options{})

	// Keep-alives hold an idle connection.
	select {
	case <-patient.Done():
		t.Fatalf("an idle connection ended: %v", patient.Err())
	case <-time.After(4 * time.Second):
	}
	// An outage shorter than the limit does not end it.
	b.run(t, "ip", "link", "set", "near", "down")
	time.Sleep(1500 * time.Millisecond)
	b.run(t, "ip", "link", "set", "near", "up")
	if got := output(t, patient, "echo still here"); got != "still here\n" {
		t.Fatalf("after a short outage: %q", got)
	}
	// A longer one does, and a command under way ends with a clear error.
	c := dial(t, d, s.address)
	ended := make(chan error, 1)
	go func() {
		_, err := c.Run(bounded(t), "exec sleep 7133", nil, executors.Output{})
		ended <- err
	}()
	until(t, "the command runs", func() bool { return exists(t, "sleep 7133") })
	began := time.Now()
	b.run(t, "ip", "link", "set", "near", "down")
	select {
	case err := <-ended:
		var e *executors.Error
		if !errors.As(err, &e) || e.Code != "unreachable" || !strings.Contains(err.Error(), "keep-alive") {
			t.Errorf("the command ended with %v", err)
		}
	case <-time.After(patience):
		t.Fatal("a dead link was not noticed")
	}
	if took := time.Since(began); took < 2*time.Second {
		t.Errorf("it took %v, want about 6 s", took)
	}
	b.run(t, "ip", "link", "set", "near", "up")
	dial(t, d, s.address)
}

func TestUnreachable(t *testing.T) {
	b := newBed(t)
	s := b.newServer(t)
	b.trust(t, s)
	silent, rude, web := listen(t), listen(t), listen(t)
	greet(silent, "", false)
	greet(rude, "", true)
	greet(web, "HTTP/1.1 400 Bad Request\r\n\r\n", true)
	config := ""
	for name, l := range map[string]net.Listener{"silent": silent, "rude": rude, "web": web} {
		host, port, _ := net.SplitHostPort(l.Addr().String())
		config += fmt.Sprintf("Host %s\n  HostName %s\n  Port %s\n", name, host, port)
	}
	config += "Host silent\n  ConnectTimeout 1\nHost closed\n  HostName " + s.address + "\n  Port 9\nHost nonet\n  HostName 10.1.2.3\nHost noname\n  HostName no.such.name.invalid\n"
	d := b.dialer(t, config, Options{})
	refused(t, d, "closed", "refused", "sshd runs")
	refused(t, d, "nonet", "unreachable", "route")
	refused(t, d, "noname", "not-found", "no.such.name.invalid")
	refused(t, d, "silent", "timeout", "key exchange")
	refused(t, d, "web", "protocol", "HTTP/1.1 400")
	refused(t, d, "rude", "unreachable", "MaxStartups")
	if _, err := d.Dial(t.Context(), Address{Host: s.address}); err != nil {
		t.Errorf("after all those: %v", err)
	}
}

// greet answers connections with some words, and closes them or not.
func greet(l net.Listener, words string, hangUp bool) {
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			_, _ = io.WriteString(c, words)
			if hangUp {
				c.Close()
			}
		}
	}()
}

func TestCancel(t *testing.T) {
	b := newBed(t)
	s := b.newServer(t)
	b.trust(t, s)
	silent := listen(t)
	greet(silent, "", false)
	host, port, _ := net.SplitHostPort(silent.Addr().String())
	d := b.dialer(t, fmt.Sprintf("Host silent\n  HostName %s\n  Port %s\n", host, port), Options{})
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(200*time.Millisecond, cancel)
	began := time.Now()
	_, err := d.Dial(ctx, Address{Host: "silent"})
	var e *executors.Error
	if !errors.As(err, &e) || e.Code != "canceled" || time.Since(began) > patience {
		t.Errorf("after %v: %v", time.Since(began), err)
	}

	// Cancelling a command ends it on the host, with its children. (sshd passes
	// no signals on to commands of root.)
	c, err := d.Dial(t.Context(), Address{User: "ops", Host: s.address})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	ctx, cancel = context.WithCancel(t.Context())
	time.AfterFunc(500*time.Millisecond, cancel)
	if _, err := c.Run(ctx, "sleep 7123 & sleep 7123; wait", nil, executors.Output{}); !errors.Is(err, context.Canceled) {
		t.Errorf("the command ended with %v", err)
	}
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(50 * time.Millisecond) {
		if got := output(t, c, "pgrep -cx -f 'sleep 7123' || true"); got == "0\n" {
			break
		} else if time.Now().After(deadline) {
			t.Errorf("%s processes are left", strings.TrimSpace(got))
			break
		}
	}
}

func TestRun(t *testing.T) {
	b := newBed(t)
	s := b.newServer(t)
	b.trust(t, s)
	c := dial(t, b.dialer(t, "", Options{}), s.address)
	var out, complaints strings.Builder
	status, err := c.Run(t.Context(), "cat; echo oops >&2; exit 3", strings.NewReader("hello"), executors.Output{Stdout: &out, Stderr: &complaints})
	if err != nil || status.Code != 3 || out.String() != "hello" || complaints.String() != "oops\n" {
		t.Errorf("%+v %v %q %q", status, err, out.String(), complaints.String())
	}
	status, err = c.Run(t.Context(), "kill -9 $$", nil, executors.Output{})
	if err != nil || status.Code != 137 || status.Signal != "SIGKILL" {
		t.Errorf("%+v %v", status, err)
	}
	c.Close()
	if _, err := c.Run(t.Context(), "true", nil, executors.Output{}); err == nil {
		t.Error("a closed connection runs commands")
	}
	if c.Err() != nil {
		t.Errorf("closing counts as an error: %v", c.Err())
	}
}
