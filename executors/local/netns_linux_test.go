package local

import (
	"bytes"
	"context"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"

	"stet/executors"
)

func run(t *testing.T, s executors.Session, script string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	var out bytes.Buffer
	status, err := s.Run(ctx, executors.Command{Argv: []string{"sh", "-c", script}}, executors.Output{Stdout: &out, Stderr: &out})
	if err != nil || status.Code != 0 {
		t.Fatalf("%s: %+v %v\n%s", script, status, err, out.String())
	}
	return out.String()
}

func ask(t *testing.T, s executors.Session, p executors.Probe) *executors.ProbeReply {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	r, err := s.Probe(ctx, p)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// etcOf gives a namespace files that lie over those of /etc.
func etcOf(t *testing.T, name string, files map[string]string) {
	t.Helper()
	dir := filepath.Join("/etc/netns", name)
	_, err := os.Stat("/etc/netns")
	first := errors.Is(err, os.ErrNotExist)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		os.RemoveAll(dir)
		if first {
			os.Remove("/etc/netns") // not if others use it by now
		}
	})
	for file, text := range files {
		if err := os.WriteFile(filepath.Join(dir, file), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// nameserver answers every question with one address, on port 53 of s's
// namespace.
func nameserver(t *testing.T, s executors.Session, address [4]byte) {
	t.Helper()
	var conn net.PacketConn
	err := s.(*session).space.enter(func() (err error) {
		conn, err = net.ListenPacket("udp4", "127.0.0.1:53")
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	go func() {
		buf := make([]byte, 2048)
		for {
			n, from, err := conn.ReadFrom(buf)
			if err != nil {
				return
			}
			var m dnsmessage.Message
			if m.Unpack(buf[:n]) != nil {
				continue
			}
			m.Response, m.Additionals = true, nil
			if q := m.Questions[0]; q.Type == dnsmessage.TypeA {
				m.Answers = []dnsmessage.Resource{{Header: dnsmessage.ResourceHeader{Name: q.Name, Type: q.Type, Class: q.Class, TTL: 60}, Body: &dnsmessage.AResource{A: address}}}
			}
			if b, err := m.Pack(); err == nil {
				_, _ = conn.WriteTo(b, from)
			}
		}
	}()
}

// TestNetnsHasItsOwnFiles asks commands and probes alike.
func TestNetnsHasItsOwnFiles(t *testing.T) {
	needRoot(t)
	t.Parallel()
	name := netnsName()
	etcOf(t, name, map[string]string{"resolv.conf": "nameserver 127.0.0.1\nsearch lab.test\n", "hosts": "127.0.0.9 only-here\n"})
	s := opening(newHost(t), executors.Target{Name: "lab", Address: "netns://" + name, Create: true})(t)
	run(t, s, "ip link set lo up; ip addr add 192.0.2.7/32 dev lo")
	nameserver(t, s, [4]byte{192, 0, 2, 7})

	if out := run(t, s, "cat /etc/hosts /etc/resolv.conf; ls /sys/class/net"); out != "127.0.0.9 only-here\nnameserver 127.0.0.1\nsearch lab.test\nlo\n" {
		t.Errorf("a command sees %q", out)
	}
	r := ask(t, s, executors.Probe{File: &executors.File{Path: "/etc/hosts", Read: 100}})
	if r.Values["content"] != "127.0.0.9 only-here\n" {
		t.Errorf("file: %+v", r)
	}
	if r := ask(t, s, executors.Probe{File: &executors.File{Path: "/sys/class/net/lo"}}); !r.OK {
		t.Errorf("/sys: %+v", r)
	}
	if r := ask(t, s, executors.Probe{DNS: &executors.DNS{Name: "www.example"}}); !r.OK || r.Values["answers"].([]any)[0] != "192.0.2.7" {
		t.Errorf("dns: %+v", r)
	}
	for _, host := range []string{"only-here", "www"} {
		if r := ask(t, s, executors.Probe{Ping: &executors.Ping{Host: host, Count: 1}}); !r.OK {
			t.Errorf("ping %s: %+v", host, r)
		}
	}
	if r := ask(t, s, executors.Probe{TCP: &executors.TCP{Address: "www:1"}}); r.OK || !strings.Contains(r.Error, "192.0.2.7:1") {
		t.Errorf("tcp: %+v", r)
	}
}

// TestNetnsProcessesAreItsOwn sees those of the namespace only.
func TestNetnsProcessesAreItsOwn(t *testing.T) {
	needRoot(t)
	t.Parallel()
	h := newHost(t)
	one := opening(h, executors.Target{Name: "one", Address: "netns://" + netnsName(), Create: true})(t)
	two := opening(h, executors.Target{Name: "two", Address: "netns://" + netnsName(), Create: true})(t)
	dir := t.TempDir()
	program := filepath.Join(dir, "stet-probed")
	run(t, one, "cp $(command -v sleep) "+program)
	// A shell's child has the shell's name until it has become the program.
	run(t, one, program+" 60 >/dev/null 2>&1 & echo $! >"+dir+"/pid; until grep -qx stet-probed /proc/$!/comm; do sleep 0.01; done")
	t.Cleanup(func() { run(t, one, "kill $(cat "+dir+"/pid)") })
	probe := executors.Probe{Process: &executors.Process{Name: "stet-probed"}}
	if r := ask(t, one, probe); r.Values["count"] != 1 {
		t.Errorf("where it runs: %+v", r)
	}
	if r := ask(t, two, probe); r.OK {
		t.Errorf("where it does not: %+v", r)
	}
}
