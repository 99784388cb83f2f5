package probe

import (
	"context"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/miekg/dns"
	"golang.org/x/sys/unix"

	"stet/executors"
)

// place makes two namespaces joined by a veth (192.0.2.1 here, 192.0.2.2
// there) and returns both, as places.
func place(t *testing.T) (here, there Options) {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("network namespaces by name need root")
	}
	a, b := fmt.Sprintf("stet-probe-a-%d", os.Getpid()), fmt.Sprintf("stet-probe-b-%d", os.Getpid())
	for _, n := range []string{a, b} {
		ip(t, "netns", "add", n)
		t.Cleanup(func() { ip(t, "netns", "delete", n) })
		ip(t, "-n", n, "link", "set", "lo", "up")
	}
	ip(t, "-n", a, "link", "add", "e0", "type", "veth", "peer", "name", "e0", "netns", b)
	for i, n := range []string{a, b} {
		ip(t, "-n", n, "addr", "add", fmt.Sprintf("192.0.2.%d/24", i+1), "dev", "e0")
		ip(t, "-n", n, "-6", "addr", "add", fmt.Sprintf("2001:db8::%d/64", i+1), "dev", "e0", "nodad")
		ip(t, "-n", n, "link", "set", "e0", "up")
	}
	// IPv6 is silent until the link-local addresses are known to be unique.
	await := "for i in $(seq 100); do ip netns exec " + a + " ping -6 -c1 -W1 2001:db8::2 && exit 0; sleep 0.1; done; exit 1"
	if out, err := exec.Command("sh", "-c", await).CombinedOutput(); err != nil {
		t.Fatalf("the namespaces do not reach each other: %v\n%s", err, out)
	}
	return inside(a), inside(b)
}

func ip(t *testing.T, args ...string) {
	t.Helper()
	if out, err := exec.Command("ip", args...).CombinedOutput(); err != nil {
		t.Fatalf("ip %s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

// inside runs on a thread of its own, which ends with the call.
func inside(name string) Options {
	return Options{Foreign: true, Enter: func(f func() error) error {
		done := make(chan error)
		go func() {
			runtime.LockOSThread() // never unlocked: the thread is not to be used again
			fd, err := unix.Open("/run/netns/"+name, unix.O_RDONLY|unix.O_CLOEXEC, 0)
			if err == nil {
				err = unix.Setns(fd, unix.CLONE_NEWNET)
				unix.Close(fd)
			}
			if err == nil {
				err = f()
			}
			done <- err
		}()
		return <-done
	}}
}

func TestPing(t *testing.T) {
	here, _ := place(t)
	tests := []struct {
		name     string
		ping     executors.Ping
		ok       bool
		sent     int
		received int
	}{
		{"IPv4", executors.Ping{Host: "192.0.2.2", Interval: time.Millisecond}, true, 3, 3},
		{"IPv6", executors.Ping{Host: "2001:db8::2", Count: 2, Interval: time.Millisecond}, true, 2, 2},
		{"source address", executors.Ping{Host: "192.0.2.2", Source: "192.0.2.1", Count: 1}, true, 1, 1},
		{"source interface", executors.Ping{Host: "192.0.2.2", Source: "e0", Count: 1}, true, 1, 1},
		{"as large as the MTU", executors.Ping{Host: "192.0.2.2", Size: 1472, DF: true, Count: 1}, true, 1, 1},
		{"larger than the MTU", executors.Ping{Host: "192.0.2.2", Size: 1473, DF: true, Count: 1}, false, 1, 0},
		{"nobody there", executors.Ping{Host: "192.0.2.9", Count: 1, Timeout: 300 * time.Millisecond}, false, 1, 0},
		{"no route", executors.Ping{Host: "198.51.100.1", Count: 2, Timeout: 300 * time.Millisecond}, false, 2, 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := do(t, here, executors.Probe{Ping: &tt.ping})
			if r.OK != tt.ok || r.Values["sent"] != tt.sent || r.Values["received"] != tt.received {
				t.Errorf("want ok %v, %d sent, %d received; got %+v", tt.ok, tt.sent, tt.received, r)
			}
			if loss := r.Values["loss"]; (loss == 0.0) != tt.ok {
				t.Errorf("loss %v", loss)
			}
		})
	}
}

// TestPingCountsLoss takes the other end away in the middle.
func TestPingCountsLoss(t *testing.T) {
	here, there := place(t)
	before := echoes(t, there)
	replies := make(chan *executors.ProbeReply, 1)
	go func() {
		r, err := Ask(t.Context(), executors.Probe{Ping: &executors.Ping{Host: "192.0.2.2", Count: 40, Interval: 50 * time.Millisecond, Timeout: 300 * time.Millisecond}}, here)
		if err != nil {
			t.Error(err)
		}
		replies <- r
	}()
	for limit := time.Now().Add(20 * time.Second); echoes(t, there) < before+3; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(limit) {
			t.Fatal("no requests come")
		}
	}
	ip(t, "-n", fmt.Sprintf("stet-probe-b-%d", os.Getpid()), "addr", "del", "192.0.2.2/24", "dev", "e0")
	r := <-replies
	if r == nil {
		return
	}
	received, _ := r.Values["received"].(int)
	loss, _ := r.Values["loss"].(float64)
	low, _ := r.Values["min"].(float64)
	mean, _ := r.Values["avg"].(float64)
	high, _ := r.Values["max"].(float64)
	if !r.OK || received < 3 || received > 39 || loss <= 0 || loss >= 100 || low <= 0 || mean < low || high < mean || high > 2000 {
		t.Errorf("%+v", r)
	}
}

// echoes counts the ICMP echo requests that came to a place.
func echoes(t *testing.T, at Options) (n int) {
	t.Helper()
	var text []byte
	err := at.in(func() (err error) {
		text, err = os.ReadFile("/proc/thread-self/net/snmp")
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for line := range strings.Lines(string(text)) {
		f := strings.Fields(line)
		if f[0] != "Icmp:" {
			continue
		}
		if names == nil {
			names = f
			continue
		}
		if n, err = strconv.Atoi(f[slices.Index(names, "InEchos")]); err != nil {
			t.Fatal(err)
		}
	}
	return n
}

func TestPingRefusesWhatCannotBeSent(t *testing.T) {
	for _, p := range []executors.Ping{{Host: "192.0.2.2", Size: 3}, {Host: "192.0.2.2", Size: 70000}, {Host: "192.0.2.2", Count: -1}} {
		if _, err := Ask(context.Background(), executors.Probe{Ping: &p}, Options{}); err == nil {
			t.Errorf("%+v was accepted", p)
		}
	}
}

// listen makes a listener in a place.
func listen(t *testing.T, at Options, address string) net.Listener {
	t.Helper()
	var l net.Listener
	err := at.in(func() (err error) {
		l, err = net.Listen("tcp", address)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

func TestTCPAndHTTP(t *testing.T) {
	here, there := place(t)
	mux := http.NewServeMux()
	mux.HandleFunc("/ok", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-From", r.RemoteAddr)
		fmt.Fprint(w, "hello")
	})
	mux.HandleFunc("/moved", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/ok", http.StatusFound) })
	srv := &http.Server{Handler: mux, ReadHeaderTimeout: time.Minute}
	l := listen(t, there, "192.0.2.2:8080")
	go srv.Serve(l) // ends with the listener
	t.Cleanup(func() { srv.Close() })

	if r := do(t, here, executors.Probe{TCP: &executors.TCP{Address: "192.0.2.2:8080", Source: "192.0.2.1"}}); !r.OK {
		t.Error(r)
	}
	if r := do(t, here, executors.Probe{TCP: &executors.TCP{Address: "192.0.2.2:8081"}}); r.OK || !strings.Contains(r.Error, "refused") {
		t.Error(r)
	}
	r := do(t, here, executors.Probe{HTTP: &executors.HTTP{URL: "http://192.0.2.2:8080/ok"}})
	if !r.OK || r.Values["status"] != 200 || r.Values["body"] != "hello" {
		t.Error(r)
	}
	if from := fmt.Sprint(r.Values["headers"]); !strings.Contains(from, "192.0.2.1") {
		t.Errorf("the request did not come from the place: %s", from)
	}
	if r := do(t, here, executors.Probe{HTTP: &executors.HTTP{URL: "http://192.0.2.2:8080/moved"}}); r.Values["status"] != 302 {
		t.Error(r)
	}
	if r := do(t, here, executors.Probe{HTTP: &executors.HTTP{URL: "http://192.0.2.2:8080/none"}}); r.OK || r.Values["status"] != 404 {
		t.Error(r)
	}
	for _, p := range []executors.Probe{{HTTP: &executors.HTTP{URL: "ftp://x"}}, {TCP: &executors.TCP{Address: "no-port"}}, {}} {
		if _, err := Ask(t.Context(), p, here); err == nil {
			t.Errorf("%+v was accepted", p)
		}
	}
}

// TestHTTPAnswers asks for what servers answer besides a body: nothing, too much,
// a word before, a certificate that nobody vouches for.
func TestHTTPAnswers(t *testing.T) {
	here, there := place(t)
	release := make(chan struct{})
	mux := http.NewServeMux()
	mux.HandleFunc("/early", func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusEarlyHints)
		w.WriteHeader(http.StatusAccepted)
		user, password, _ := r.BasicAuth()
		fmt.Fprint(w, r.Host, user, password)
	})
	mux.HandleFunc("/silent", func(http.ResponseWriter, *http.Request) { <-release })
	mux.HandleFunc("/half", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "100")
		fmt.Fprint(w, "hello")
		w.(http.Flusher).Flush()
		<-release
	})
	mux.HandleFunc("/endless", func(w http.ResponseWriter, _ *http.Request) {
		for {
			if _, err := w.Write(make([]byte, 64<<10)); err != nil {
				return
			}
		}
	})
	mux.HandleFunc("/head", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("X-Long", strings.Repeat("x", 2<<20))
	})
	plain := &http.Server{Handler: mux, ReadHeaderTimeout: time.Minute}
	go plain.Serve(listen(t, there, "192.0.2.2:8080")) // ends with the listener
	secure := httptest.NewUnstartedServer(mux)
	secure.Listener.Close()
	secure.Listener = listen(t, there, "192.0.2.2:8443")
	secure.Config.ErrorLog = log.New(io.Discard, "", 0)
	secure.StartTLS()
	t.Cleanup(func() {
		close(release)
		plain.Close()
		secure.Close()
	})
	for _, c := range []struct {
		probe  executors.HTTP
		ok     bool
		status int
		body   string
		fault  string
	}{
		{executors.HTTP{URL: "http://me:word@192.0.2.2:8080/early", Header: map[string]string{"Host": "other"}}, true, 202, "othermeword", ""},
		{executors.HTTP{URL: "http://192.0.2.2:8080/early", Method: "HEAD"}, true, 202, "", ""},
		{executors.HTTP{URL: "https://192.0.2.2:8443/early", Insecure: true}, true, 202, "192.0.2.2:8443", ""},
		{executors.HTTP{URL: "https://192.0.2.2:8443/early"}, false, 0, "", "certificate"},
		{executors.HTTP{URL: "https://192.0.2.2:8080/early"}, false, 0, "", "first record does not look like a TLS handshake"},
		{executors.HTTP{URL: "http://192.0.2.2:8080/silent", Timeout: 300 * time.Millisecond}, false, 0, "", "deadline exceeded"},
		{executors.HTTP{URL: "http://192.0.2.2:8080/half", Timeout: 2 * time.Second}, false, 200, "hello", "deadline exceeded"},
		{executors.HTTP{URL: "http://192.0.2.2:8080/endless"}, true, 200, strings.Repeat("\x00", httpMaxBody), ""},
		{executors.HTTP{URL: "http://192.0.2.2:8080/head"}, false, 0, "", "head has more than"},
		{executors.HTTP{URL: "http://192.0.2.2:8081/"}, false, 0, "", "refused"},
	} {
		r := do(t, here, executors.Probe{HTTP: &c.probe})
		if r.OK != c.ok || r.Values["status"] != c.status || r.Values["body"] != c.body || !strings.Contains(r.Error, c.fault) || (c.fault == "") != (r.Error == "") {
			t.Errorf("%s: %v, %q, status %v, %d bytes", c.probe.URL, r.OK, r.Error, r.Values["status"], len(fmt.Sprint(r.Values["body"])))
		}
	}
}

func TestDNS(t *testing.T) {
	here, there := place(t)
	var conn net.PacketConn
	if err := there.in(func() (err error) {
		conn, err = net.ListenPacket("udp", "192.0.2.2:53")
		return err
	}); err != nil {
		t.Fatal(err)
	}
	srv := &dns.Server{PacketConn: conn, Handler: dns.HandlerFunc(func(w dns.ResponseWriter, q *dns.Msg) {
		m := new(dns.Msg).SetReply(q)
		if q.Question[0].Name == "there.example." && q.Question[0].Qtype == dns.TypeA {
			rr, err := dns.NewRR("there.example. 60 IN A 192.0.2.2")
			if err == nil {
				m.Answer = append(m.Answer, rr)
			}
		} else if q.Question[0].Name != "there.example." {
			m.Rcode = dns.RcodeNameError
		}
		if err := w.WriteMsg(m); err != nil {
			t.Error(err)
		}
	})}
	go srv.ActivateAndServe() // ends with Shutdown
	t.Cleanup(func() { srv.Shutdown() })

	r := do(t, here, executors.Probe{DNS: &executors.DNS{Name: "there.example", Server: "192.0.2.2"}})
	if !r.OK || fmt.Sprint(r.Values["answers"]) != "[192.0.2.2]" || r.Values["rcode"] != "NOERROR" {
		t.Error(r)
	}
	if r := do(t, here, executors.Probe{DNS: &executors.DNS{Name: "none.example", Server: "192.0.2.2"}}); r.OK || r.Values["rcode"] != "NXDOMAIN" {
		t.Error(r)
	}
	conf := filepath.Join(t.TempDir(), "resolv.conf")
	if err := os.WriteFile(conf, []byte("nameserver 192.0.2.2\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	here.ResolvConf = conf
	if r := do(t, here, executors.Probe{DNS: &executors.DNS{Name: "there.example"}}); !r.OK {
		t.Error(r)
	}
	if r := do(t, here, executors.Probe{Ping: &executors.Ping{Host: "there.example", Count: 1}}); !r.OK {
		t.Errorf("a name is not looked up from the place: %+v", r)
	}
	if _, err := Ask(t.Context(), executors.Probe{DNS: &executors.DNS{Name: "x", Type: "NOPE"}}, here); err == nil {
		t.Error("an unknown type was accepted")
	}
}

func TestFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "f")
	if err := os.WriteFile(path, []byte("hello"), 0o640); err != nil {
		t.Fatal(err)
	}
	r := do(t, Options{}, executors.Probe{File: &executors.File{Path: path, Read: 4}})
	if !r.OK || r.Values["size"] != 5 || r.Values["mode"] != "0640" || r.Values["content"] != "hell" ||
		r.Values["sha256"] != "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824" {
		t.Errorf("%+v", r)
	}
	if r := do(t, Options{}, executors.Probe{File: &executors.File{Path: path + "x"}}); r.OK || r.Values["exists"] != false {
		t.Errorf("%+v", r)
	}
}

func TestProcess(t *testing.T) {
	cmd := exec.Command("sleep", "60")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	r := do(t, Options{}, executors.Probe{Process: &executors.Process{Name: "sleep"}})
	if !r.OK || !strings.Contains(fmt.Sprint(r.Values["pids"]), fmt.Sprint(cmd.Process.Pid)) {
		t.Errorf("%+v", r)
	}
	if r := do(t, Options{}, executors.Probe{Process: &executors.Process{Name: "no-such-process"}}); r.OK || r.Values["count"] != 0 {
		t.Errorf("%+v", r)
	}
	if r := do(t, Options{Netns: "net:[1]"}, executors.Probe{Process: &executors.Process{Name: "sleep"}}); r.OK {
		t.Errorf("a process of another namespace was seen: %+v", r)
	}
}
