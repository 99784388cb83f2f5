package check

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"stet/executors"
	"stet/executors/local"
	"stet/executors/netstate"
)

// namespaces makes two linked namespaces and a session to the first.
func namespaces(t *testing.T) (session executors.Session, a, b string) {
	t.Helper()
	if os.Getuid() != 0 {
		t.Skip("needs root to make network namespaces")
	}
	a, b = fmt.Sprintf("stet-check-a%d", os.Getpid()), fmt.Sprintf("stet-check-b%d", os.Getpid())
	t.Cleanup(func() {
		for _, ns := range []string{a, b} {
			_ = exec.Command("ip", "netns", "del", ns).Run()
		}
	})
	ip(t, "netns add "+a)
	ip(t, "netns add "+b)
	for _, args := range []string{
		"link add eth0 type veth peer name eth0 netns " + b, "link add br0 type bridge stp_state 1 forward_delay 200", "link set eth0 master br0", "link set eth0 up",
		"link set br0 up alias uplink", "link set lo up", "addr add 192.0.2.1/24 dev br0", "-6 addr add 2001:db8::1/64 dev br0 nodad",
		"route add 10.0.0.0/8 via 192.0.2.2 metric 50", "route add blackhole 172.16.0.0/12", "route add default via 192.0.2.2",
		"rule add from 192.0.2.0/24 lookup 100 priority 100", "neigh add 192.0.2.77 lladdr 02:00:00:00:00:77 dev br0",
	} {
		ip(t, "-n "+a+" "+args)
	}
	for _, args := range []string{"link set eth0 up", "link set lo up", "addr add 192.0.2.2/24 dev eth0"} {
		ip(t, "-n "+b+" "+args)
	}
	host, err := local.NewHost(local.HostOptions{Program: []string{"/nonexistent"}, StateDir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = host.Close() })
	session, err = host.Open(t.Context(), executors.Target{Name: "a", Address: "netns://" + a})
	if err != nil {
		t.Fatal(err)
	}
	return session, a, b
}

func ip(t *testing.T, args string) {
	t.Helper()
	if out, err := exec.Command("ip", strings.Fields(args)...).CombinedOutput(); err != nil {
		t.Fatalf("ip %s: %v: %s", args, err, out)
	}
}

func TestOnAKernel(t *testing.T) {
	s, a, b := namespaces(t)
	body := `
link("br0").state == "up" and link("br0").type == "linux-bridge" and link("br0").alias == "uplink"
link("br0").ports == ["eth0"] and link("eth0").controller == "br0"
link("br0").attr("bridge.options.stp.enabled")
link("br0").attr("bridge.options.stp.forward-delay") == 2
link("eth0").up and link("eth0").carrier and link("eth0").operstate == "up"
link("br0").up
link("br0").mtu == 1500 and link("br0").mac == link("eth0").mac or link("br0").mac != ""
!link("none").exists
any(addresses, .ip == "192.0.2.1" and .length == 24 and .dev == "br0" and .scope == "global")
any(addresses, .ip == "2001:db8::1" and .family == 6 and !.tentative)
any(routes, .dst == "10.0.0.1/8" and .via == "192.0.2.2" and .metric == 50 and .protocol == "boot")
any(routes, .dst == "172.16.0.0/12" and .type == "blackhole")
any(routes, .dst == "default" and .dev == "br0" and .table == 254)
any(routes, .dst == "192.0.2.0/24" and .protocol == "kernel" and .scope == "link" and .source == "192.0.2.1")
route("203.0.113.9").via == "192.0.2.2" and route("203.0.113.9").dev == "br0"
!route("172.16.0.1")
any(rules, .priority == 100 and .from == "192.0.2.0/24" and .table == 100)
any(neighbours, .ip == "192.0.2.77" and .state == "permanent" and .mac == "02:00:00:00:00:77")
len(fdb) > 0
sysctl("net.ipv4.ip_forward") == 0
ping("192.0.2.2", {count: 1})
ping("192.0.2.2", {count: 2, size: 1000, df: true, interval: "10ms"}).loss == 0
!ping("192.0.2.99", {count: 1, timeout: 0.1})
!tcp("192.0.2.2:9") and tcp("192.0.2.2:9").error != ""
!http("http://192.0.2.2:9/")
run("ip -j link show br0").json[0].ifname == "br0"
run("exit 3").exit == 3 and run("echo oops >&2").err == "oops"
file("/proc/self/status").exists and !file("/nonexistent").exists
any(namespaces, .name == "${a}" and "br0" in .links and .nsid == -1)
any(resolvers, .dev == "") and len(qdiscs) + len(classes) + len(filters) + len(mpls_routes) == 0
link("br0").rx.packets >= 0 and link("eth0").tx.bytes > 0
`
	p := program(t, strings.ReplaceAll(body, "${a}", a), Env{})
	list, err := p.Run(t.Context(), s, Env{}, Options{Within: 20 * time.Second, Every: 200 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range list {
		if !r.OK {
			t.Errorf("line %d: %s\n  error %q, operands %+v", r.Line, r.Text, r.Error, r.Operands)
		}
	}

	env := Env{Snapshots: map[string]*Snapshot{}}
	before, err := Take(t.Context(), s, strings.Join(append(networkFacts(), "namespaces", "qdiscs", "resolvers"), "\n"), nil)
	if err != nil {
		t.Fatal(err)
	}
	env.Snapshots["before"] = before
	time.Sleep(1100 * time.Millisecond) // counters and timers go on
	ip(t, "-n "+a+" link set eth0 mtu 1400")
	ip(t, "-n "+a+" route replace default via 192.0.2.77")
	ip(t, "-n "+a+" route del 10.0.0.0/8 metric 50")
	ip(t, "-n "+a+" addr add 198.51.100.1/32 dev br0")
	ip(t, "-n "+b+" link set lo down")
	list, err = program(t, `
diff(before, now).routes.vanished == ["10.0.0.0/8 metric 50 via 192.0.2.2 dev br0 proto boot"]
diff(before, now).routes.changed == ["default (IPv4): nexthop via 192.0.2.2 dev br0 → via 192.0.2.77 dev br0"]
diff(before, now).addresses.appeared == ["br0 198.51.100.1/32 scope global"] and diff(before, now).addresses.count == 1
"eth0: mtu 1500 → 1400" in diff(before, now).links.changed and diff(before, now).links.appeared == []
diff(before, now).rules.empty and diff(before, now).qdiscs.empty and diff(before, now).resolvers.empty
"`+b+`: loopback up → down" in diff(before, now).namespaces.changed
`, env).Run(t.Context(), s, env, Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range list {
		if !r.OK {
			t.Errorf("line %d: %s\n  error %q, operands %+v", r.Line, r.Text, r.Error, r.Operands)
		}
	}
}

func TestMPTCPOnAKernel(t *testing.T) {
	s, a, _ := namespaces(t)
	state, err := s.Observe(t.Context(), netstate.Query{MPTCP: true})
	if err != nil {
		t.Fatal(err)
	}
	if reason := state.Lacks["mptcp"]; reason != "" {
		t.Skip(reason)
	}
	for _, args := range []string{
		"mptcp endpoint add 192.0.2.1 id 5 dev br0 subflow", "mptcp endpoint add 2001:db8::1 port 8080 id 6 signal", "mptcp limits set subflow 4 add_addr_accepted 2",
	} {
		ip(t, "-n "+a+" "+args)
	}
	env := Env{Snapshots: map[string]*Snapshot{}}
	if env.Snapshots["before"], err = Take(t.Context(), s, "mptcp_endpoints\nmptcp_limits", nil); err != nil {
		t.Fatal(err)
	}
	check := func(body string) {
		t.Helper()
		list, err := program(t, body, env).Run(t.Context(), s, env, Options{})
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range list {
			if !r.OK {
				t.Errorf("%s: error %q, operands %+v", r.Text, r.Error, r.Operands)
			}
		}
	}
	check(`len(mptcp_endpoints) == 2 and len(mptcp_limits) == 1
any(mptcp_endpoints, .address == "192.0.2.1" and .id == 5 and .dev == "br0" and .subflow and !.signal and .family == 4 and .port == 0)
any(mptcp_endpoints, .address == "2001:db8::1" and .id == 6 and .dev == "" and .signal and .family == 6 and .port == 8080)
mptcp_limits[0].subflows == 4 and mptcp_limits[0].add_addr_accepted == 2
diff(before, now).empty`)
	for _, args := range []string{"mptcp endpoint change id 5 backup", "mptcp endpoint delete id 6", "mptcp endpoint add 192.0.2.9 id 7 signal", "mptcp limits set subflow 3 add_addr_accepted 2"} {
		ip(t, "-n "+a+" "+args)
	}
	check(`diff(before, now).mptcp_endpoints.changed == ["192.0.2.1: flags subflow → subflow backup"]
diff(before, now).mptcp_endpoints.vanished == ["2001:db8::1 port 8080 id 6 flags signal"]
diff(before, now).mptcp_endpoints.appeared == ["192.0.2.9 id 7 flags signal"]
diff(before, now).mptcp_limits.changed == ["limits: subflows 4 → 3"]`)
}
