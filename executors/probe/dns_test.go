package probe

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/miekg/dns"
	"golang.org/x/net/dns/dnsmessage"

	"stet/executors"
)

func do(t *testing.T, at Options, p executors.Probe) *executors.ProbeReply {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	r, err := Ask(ctx, p, at)
	if err != nil {
		t.Fatal(err)
	}
	if !r.OK && r.Error == "" {
		t.Error("a negative answer without a reason")
	}
	return r
}

// zone is what the test's name server knows, as master files write it.
const zone = `
www.example.	60 IN A 192.0.2.1
www.example.	60 IN A 192.0.2.2
www.example.	60 IN AAAA 2001:db8::1
alias.example.	60 IN CNAME www.example.
example.	60 IN MX 10 mail.example.
example.	60 IN NS ns.example.
example.	60 IN SOA ns.example. ops.example. 7 1 2 3 4
example.	60 IN TXT "v=spf1 -all" "a \"b\" \\ \007"
example.	60 IN CAA 0 issue "ca.example"
example.	60 IN DS 7 8 2 ABCDEF
_x._tcp.example. 60 IN SRV 1 2 443 www.example.
host.example.	60 IN SSHFP 4 2 00112233
_443.example.	60 IN TLSA 3 1 1 DEADBEEF
1.2.0.192.in-addr.arpa. 60 IN PTR www.example.
example.	60 IN TYPE65280 \# 3 010203
`

// nameserver answers from zone on loopback, over UDP and TCP. before may take
// an answer away (return false) or change it.
func nameserver(t *testing.T, before func(network string, m *dns.Msg) bool) (address string) {
	t.Helper()
	var records []dns.RR
	for line := range strings.Lines(zone) {
		if strings.TrimSpace(line) == "" {
			continue
		}
		rr, err := dns.NewRR(line)
		if err != nil {
			t.Fatal(err)
		}
		records = append(records, rr)
	}
	answer := func(w dns.ResponseWriter, q *dns.Msg) {
		m := new(dns.Msg).SetReply(q)
		known := false
		for _, rr := range records {
			h := rr.Header()
			named := strings.EqualFold(h.Name, q.Question[0].Name)
			known = known || named
			if named && (h.Rrtype == q.Question[0].Qtype || h.Rrtype == dns.TypeCNAME) {
				m.Answer = append(m.Answer, rr)
			}
		}
		if !known {
			m.Rcode = dns.RcodeNameError
		}
		if before == nil || before(w.LocalAddr().Network(), m) {
			_ = w.WriteMsg(m)
		}
	}
	udp, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	tcp, err := net.Listen("tcp", udp.LocalAddr().String())
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range []*dns.Server{{PacketConn: udp, Handler: dns.HandlerFunc(answer)}, {Listener: tcp, Handler: dns.HandlerFunc(answer)}} {
		up := make(chan struct{})
		s.NotifyStartedFunc = func() { close(up) }
		go s.ActivateAndServe() // ends with Shutdown
		<-up
		t.Cleanup(func() { s.Shutdown() })
	}
	return udp.LocalAddr().String()
}

func TestRecords(t *testing.T) {
	server := nameserver(t, nil)
	for _, c := range []struct {
		name, kind string
		want       []any
	}{
		{"www.example", "", []any{"192.0.2.1", "192.0.2.2"}},
		{"WWW.example.", "a", []any{"192.0.2.1", "192.0.2.2"}},
		{"www.example", "AAAA", []any{"2001:db8::1"}},
		{"alias.example", "CNAME", []any{"www.example."}},
		{"example", "MX", []any{"10 mail.example."}},
		{"example", "NS", []any{"ns.example."}},
		{"example", "SOA", []any{"ns.example. ops.example. 7 1 2 3 4"}},
		{"example", "TXT", []any{`"v=spf1 -all" "a \"b\" \\ \007"`}},
		{"example", "CAA", []any{`0 issue "ca.example"`}},
		{"example", "DS", []any{"7 8 2 ABCDEF"}},
		{"_x._tcp.example", "SRV", []any{"1 2 443 www.example."}},
		{"host.example", "SSHFP", []any{"4 2 00112233"}},
		{"_443.example", "TLSA", []any{"3 1 1 DEADBEEF"}},
		{"1.2.0.192.in-addr.arpa", "PTR", []any{"www.example."}},
		{"example", "TYPE65280", []any{`\# 3 010203`}},
	} {
		r := do(t, Options{}, executors.Probe{DNS: &executors.DNS{Name: c.name, Type: c.kind, Server: server}})
		if diff := cmp.Diff(c.want, r.Values["answers"]); diff != "" || !r.OK || r.Values["rcode"] != "NOERROR" {
			t.Errorf("%s %s: %+v\n%s", c.name, c.kind, r, diff)
		}
	}
	r := do(t, Options{}, executors.Probe{DNS: &executors.DNS{Name: "www.example", Type: "MX", Server: server}})
	if r.OK || r.Values["rcode"] != "NOERROR" || !strings.Contains(r.Error, "0 records of type MX") {
		t.Errorf("no records: %+v", r)
	}
	for _, p := range []executors.DNS{{Name: ""}, {Name: strings.Repeat("a", 64) + ".example"}, {Name: strings.Repeat("a.", 200)}, {Name: "a..b"}, {Name: "x", Type: "TYPE65536"}, {Name: "x", Type: "B"}} {
		if _, err := Ask(t.Context(), executors.Probe{DNS: &p}, Options{}); err == nil {
			t.Errorf("%+v was accepted", p)
		}
	}
}

// TestLongAnswer comes over TCP.
func TestLongAnswer(t *testing.T) {
	var overTCP atomic.Bool
	server := nameserver(t, func(network string, m *dns.Msg) bool {
		if network == "tcp" {
			overTCP.Store(true)
			return true
		}
		m.Truncated, m.Answer = true, nil
		return true
	})
	r := do(t, Options{}, executors.Probe{DNS: &executors.DNS{Name: "www.example", Server: server}})
	if !r.OK || !overTCP.Load() {
		t.Errorf("over TCP %v: %+v", overTCP.Load(), r)
	}
}

// TestLostDatagram is sent again, and what answers something else is passed
// over.
func TestLostDatagram(t *testing.T) {
	var n atomic.Int32
	server := nameserver(t, func(_ string, m *dns.Msg) bool {
		if n.Add(1) == 1 {
			m.Id++ // not the answer
		}
		return true
	})
	r := do(t, Options{}, executors.Probe{DNS: &executors.DNS{Name: "www.example", Server: server, Timeout: 15 * time.Second}})
	if !r.OK || n.Load() < 2 {
		t.Errorf("asked %d times: %+v", n.Load(), r)
	}
}

func TestSilentServer(t *testing.T) {
	server := nameserver(t, func(string, *dns.Msg) bool { return false })
	start := time.Now()
	r := do(t, Options{}, executors.Probe{DNS: &executors.DNS{Name: "www.example", Server: server, Timeout: 100 * time.Millisecond}})
	if r.OK || time.Since(start) > 30*time.Second {
		t.Errorf("after %v: %+v", time.Since(start), r)
	}
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(50*time.Millisecond, cancel)
	start = time.Now()
	if r, err := Ask(ctx, executors.Probe{DNS: &executors.DNS{Name: "www.example", Server: server, Timeout: time.Minute}}, Options{}); err != nil || r.OK || time.Since(start) > 30*time.Second {
		t.Errorf("cancelled, after %v: %+v %v", time.Since(start), r, err)
	}
}

// TestLookupFromThePlace uses its hosts and resolv.conf, search list included.
func TestLookupFromThePlace(t *testing.T) {
	server := nameserver(t, nil)
	at := Options{Foreign: true}
	conf := &resolv{servers: []string{server}, search: []string{"example"}, ndots: 1}
	for host, want := range map[string]string{
		"www":          "[192.0.2.1 192.0.2.2 2001:db8::1]",
		"www.example.": "[192.0.2.1 192.0.2.2 2001:db8::1]",
		"none":         "[]",
	} {
		var got []string
		for _, name := range conf.candidates(host) {
			found, err := at.addresses(t.Context(), conf.servers, name, "tcp")
			if err != nil {
				t.Fatal(err)
			}
			if got = found; len(got) > 0 {
				break
			}
		}
		if fmt.Sprint(got) != want {
			t.Errorf("%s: %v, want %s", host, got, want)
		}
	}
	if found, err := at.addresses(t.Context(), conf.servers, "www.example", "tcp6"); err != nil || fmt.Sprint(found) != "[2001:db8::1]" {
		t.Errorf("%v %v", found, err)
	}
	dead := []string{"127.0.0.1:1", server}
	if found, err := at.addresses(t.Context(), dead, "www.example", "tcp4"); err != nil || len(found) != 2 {
		t.Errorf("with a dead server first: %v %v", found, err)
	}
	if ips, err := at.lookup(t.Context(), "tcp", "fe80::1%eth0"); err != nil || ips[0] != "fe80::1%eth0" {
		t.Errorf("%v %v", ips, err)
	}
	at.ResolvConf = filepath.Join(t.TempDir(), "none")
	if _, err := at.lookup(t.Context(), "tcp", "www.example"); err == nil || !strings.Contains(err.Error(), "looking up www.example") {
		t.Errorf("without resolv.conf: %v", err)
	}
}

func TestResolvConf(t *testing.T) {
	got := parseResolv("# c\nnameserver 192.0.2.1\nnameserver nonsense\nnameserver\n; c\nsearch a.example b.example\nnameserver 2001:db8::1\n" +
		"nameserver fe80::1%eth0\nnameserver 192.0.2.9\noptions rotate ndots:2 timeout:1\n")
	want := &resolv{servers: []string{"192.0.2.1:53", "[2001:db8::1]:53", "[fe80::1%eth0]:53"}, search: []string{"a.example", "b.example"}, ndots: 2}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(resolv{})); diff != "" {
		t.Error(diff)
	}
	if got := want.candidates("a.b"); fmt.Sprint(got) != "[a.b.a.example a.b.b.example a.b]" {
		t.Error(got)
	}
	if got := want.candidates("a.b.c"); fmt.Sprint(got) != "[a.b.c a.b.c.a.example a.b.c.b.example]" {
		t.Error(got)
	}
}

func TestHosts(t *testing.T) {
	const text = "192.0.2.1 one.example one # comment two\n2001:db8::1\tONE\nnonsense one\n192.0.2.2 two\n127.0.0.1\n"
	for _, c := range []struct{ host, network, want string }{
		{"one", "tcp", "[192.0.2.1 2001:db8::1]"}, {"One.", "tcp4", "[192.0.2.1]"}, {"one", "udp6", "[2001:db8::1]"},
		{"two", "ip", "[192.0.2.2]"}, {"three", "ip", "[]"},
	} {
		if got := inHosts(text, c.host, c.network); fmt.Sprint(got) != c.want {
			t.Errorf("%s %s: %v", c.host, c.network, got)
		}
	}
}

func FuzzAnswer(f *testing.F) {
	q, err := query("www.example", dnsmessage.TypeA)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(q)
	good := append([]byte(nil), q...)
	good[2] |= 0x80
	f.Add(good)
	f.Add([]byte{})
	f.Add([]byte(strings.Repeat("\xc0\x0c", 40)))
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) > 2 {
			copy(b, q[:2]) // the right number
		}
		m, err := answerTo(q, b)
		if err != nil {
			return
		}
		for _, r := range m.Answers {
			if recordText(r.Body) == "" && r.Body != nil {
				if txt, ok := r.Body.(*dnsmessage.TXTResource); !ok || len(txt.TXT) > 0 {
					t.Errorf("%#v is said as nothing", r.Body)
				}
			}
		}
	})
}

func TestFileOfADeadServer(t *testing.T) {
	block := make(chan struct{})
	defer close(block)
	at := Options{Enter: func(f func() error) error {
		<-block
		return f()
	}}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := Ask(ctx, executors.Probe{File: &executors.File{Path: os.Args[0]}}, at); err == nil {
		t.Error("it answered")
	}
}
