package check

import (
	"context"
	"strings"
	"testing"
	"time"

	"stet/executors"
	"stet/runbook"
)

func testEnv() Env {
	return Env{
		Vars:      map[string]any{"vlan": 120, "uplink": "br0", "ratio": 0.5, "on": true, "hosts": []any{"192.0.2.9", "192.0.2.66"}, "site": map[string]any{"name": "lab"}, "my-var": "x", "nothing": nil},
		Registers: map[string]*Register{"drain": {Out: "drained 3\n", Exit: 0}, "facts": {Out: `{"n": 7, "list": [1, 2]}`}},
		Target:    executors.Target{Name: "here", Address: "ssh://ops@r1", Vars: map[string]any{"rack": "b4", "vlan": 130}},
	}
}

// evaluate compiles and runs one body once.
func evaluate(t *testing.T, body string, s executors.Session, env Env) []runbook.Assertion {
	t.Helper()
	p, problems := Compile(body, env.Names())
	for _, pr := range problems {
		t.Errorf("%d:%d: %s (%s)", pr.Line, pr.Column, pr.Summary, pr.Detail)
	}
	if p == nil {
		t.Fatalf("does not compile:\n%s", body)
	}
	list, err := p.Run(context.Background(), s, env, Options{Timeout: 5 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func TestAssertionsThatHold(t *testing.T) {
	body := `
# what is there
link("br0").exists
link("br0").up
!link("tap0").up
!link("br9").exists
not link("br9").exists
link("br9").mtu == 0 and link("br9").name == "br9"
link("br0").mtu == 1500   # a comment behind it
link('br0').ports == ["eth0", "tap0"]
link("br0").attr("bridge.options.stp.priority") == 32768
!link("br0").attr("bridge.options.stp.enabled")
link("br0").attr("bridge.options.stp.forward-delay") == 15
link("br0").attr("alias") == "uplink"
link("br9").attr("mtu") == 0
link("br0").rx.bytes == 1000 && link("br0").tx.errors < 3
all(links, .mtu >= 1400)
len(links) == 4
any(addresses, .ip == "192.0.2.1" and .dev == "br0")
any(addresses, within("2001:db8::/32", .ip))
any(routes, .dst == "default" && .via == "192.0.2.254")
any(routes, .dst == "10.1.2.3/8" && .type == "blackhole")
none(routes, .dst == "172.16.0.0/12")
count(routes, .dev == "br0") == 2
routes | filter(.table == 254) | len() == 3
route("198.51.100.1").via == "192.0.2.254"
route("198.51.100.1")
rules[0].priority == 32766
any(neighbours, .ip == "192.0.2.254") and neighbors[0].mac == "02:00:00:00:00:fe"
fdb[0].dev == "eth0"
sysctl("net.ipv4.ip_forward") == "1"
sysctl("net.ipv4.ip_forward") == 1
sysctl("net/ipv4/ip_forward") > 0
ping("192.0.2.9")
ping("192.0.2.9").loss == 0
!ping("192.0.2.66") && ping("192.0.2.9", {count: 5, size: 1400, df: true, source: "br0"}).ok
ping("192.0.2.9") == true
all(hosts[:1], ping(#))
0 <= ping("192.0.2.9").avg < 5
tcp("192.0.2.9:22")
tcp("192.0.2.9:22").time < 10
http("http://192.0.2.9/").status == 200 and http("http://192.0.2.9/").json.version == 3
http("http://192.0.2.9/", {headers: {"X-Test": "1"}, timeout: "2s"}).headers["Content-Type"] == "application/json"
"192.0.2.9" in dns("www.example.net").answers
dns("www.example.net", "AAAA", {server: "192.0.2.53"}).rcode == "NOERROR"
dns("www.example.net", {timeout: 2})
run("true")
run("uname -r").out == "6.18.0"
run("uname -r").out startsWith "6."
run("ip -j link").json[1].mtu == 1500
run("nope").exit == 127 and run("nope").err contains "not found"
process("sshd") and process("sshd").count == 2 and 13 in process("sshd").pids
file("/etc/hostname").exists && file("/etc/hostname").mode == "0644" && trim(file("/etc/hostname").content) == "lab"
!file("/nope").exists
vlan == 130 and target.vars.vlan == 130 and vars.vlan == 130
target.name == "here" and target.host == "ops@r1" and vars["my-var"] == "x"
site.name == "lab"
drain.out == "drained 3" && drain and facts.json.n == 7 and registers.drain.exit == 0
link("${uplink}").up and link(${uplink}).name == "br${0}"
"$${x}" == "$" + "{x}"
any(links,
    .name == "br0" and
    .up)
link("br0").up &&
  # a comment in between
  link("eth0").up
percent(1, 4) == 25 and quote("a'b") == "'a'\\''b'"
percent(facts.json.n - 6, facts.json.list[1]) == 50 and percent(facts.json.n, 7) == 100
duration("90s").Minutes() == 1.5
let l = link("br0"); l.mtu > 1000
on ? link("br0").up : false
nothing == nil
1 < 2 < 3
sum(map(links, .mtu)) > 3000
len(split("a,b", ",")) == 2 and "abc" contains "b" and "abc" matches "^a"
now.routes == routes or len(now.routes) == 3
len(now.links) == 4
`
	for _, a := range evaluate(t, body, lab(), testEnv()) {
		measured := strings.ContainsAny(a.Text, "<>")
		if !a.OK || a.Error != "" || len(a.Operands) > 0 && !measured || a.Tries != 1 {
			t.Errorf("line %d: %s\n  %+v", a.Line, a.Text, a)
		}
	}
}
