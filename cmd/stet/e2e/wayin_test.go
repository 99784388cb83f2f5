package e2e

import (
	"fmt"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// routed gives the operator a second way to r1 and r2: routed by jump instead of
// forwarded by its sshd, so that routes and packet sizes on the path count.
const routed = `ip netns exec jump sysctl -qw net.ipv4.ip_forward=1
ip route add 10.77.1.0/24 via 10.77.0.2
sed -i '/ProxyJump/d' $STET_SSH_CONFIG
`

// jumbo is a path with large packets but for the switch port of r1, which takes
// no more than 1500 bytes and, as switches do, says nothing of what it drops, in
// either direction. Packets come one by one, as a network card sends them.
const jumbo = routed + `ip -n jump link set inside mtu 9000; ip -n jump link set outside mtu 9000
ip link set to-jump mtu 9000 gso_max_segs 1; ip -n r1 link set uplink gso_max_segs 1
`

// detour makes r2 a router that knows the way to the operator.
const detour = routed + `ip netns exec r2 sysctl -qw net.ipv4.ip_forward=1 net.ipv4.conf.all.send_redirects=0 net.ipv4.conf.default.send_redirects=0 net.ipv4.conf.uplink.send_redirects=0
`

const look = `look() { for what in link address; do ip -n r1 -d -j $what; done; for f in 4 6; do ip -n r1 -$f -d -j route show table all; ip -n r1 -$f -d -j rule; done; }
`

func throughRouter(gateway string) string {
	return "routes: {config: [{destination: 0.0.0.0/0, next-hop-address: 10.77.1.1, next-hop-interface: uplink, state: absent}, " +
		"{destination: 0.0.0.0/0, next-hop-address: " + gateway + ", next-hop-interface: uplink}]}"
}

const enslaved = "interfaces: [{name: br0, type: linux-bridge, state: up, ipv4: {enabled: true, address: [{ip: 10.77.1.11, prefix-length: 24}]}, bridge: {port: [{name: uplink}]}}, {name: uplink, ipv4: {enabled: true, address: []}}]\n" +
	"routes: {config: [{destination: 0.0.0.0/0, next-hop-address: 10.77.1.1, next-hop-interface: br0}]}"

// TestWayInLost takes each way in that can be lost. It comes back by itself, and
// what was there is there again, to the byte.
func TestWayInLost(t *testing.T) {
	needLab(t)
	for name, c := range map[string]struct{ before, config string }{
		"interface down":     {"", "interfaces: [{name: uplink, state: down}]"},
		"address deleted":    {"", "interfaces: [{name: uplink, ipv4: {enabled: true, address: []}}]"},
		"blackhole":          {"", "routes: {config: [{destination: 10.77.1.1/32, route-type: blackhole}]}"},
		"blackhole, routed":  {routed, "routes: {config: [{destination: 10.77.0.1/32, route-type: blackhole}]}"},
		"enslaved wrongly":   {"", "interfaces: [{name: br0, type: linux-bridge, state: up, bridge: {port: [{name: uplink}]}}, {name: uplink, ipv4: {enabled: true, address: []}}]"},
		"default route":      {routed, throughRouter("10.77.1.12")},
		"default route gone": {routed, "routes: {config: [{destination: 0.0.0.0/0, state: absent}]}"},
		"mtu raised":         {jumbo, "interfaces: [{name: uplink, mtu: 9000}]"},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, "")
			doc := b.write("doc.md", "---\ntargets: {r1: \"ssh://r1\"}\ndefaults: {confirm: 12s}\n---\n\n```netconfig { name=change }\n"+c.config+"\n```\n\n```check { within=5s }\nlink(\"lo\").up\n```\n")
			o := b.script(look + c.before + `r r1 true; look >before
code=0; stet run --yes doc.md >&2 || code=$?
look >after
r r1 true || code=77
exit $code`)
			if o.code != 4 {
				t.Fatalf("want exit 4: %v", o)
			}
			if before, after := b.lines("before"), b.lines("after"); before != after {
				t.Errorf("it is not as it was before:\n%s\nbut\n%s", before, after)
			}
			wants(t, "the document", b.read(doc), "the way in to r1 is lost")
		})
	}
}

// TestWayInKept makes the same changes rightly, as stet does and as ip(8) does,
// while the operator pings: stet loses no packet that the kernel would not have
// lost anyway.
func TestWayInKept(t *testing.T) {
	needLab(t)
	const tries = 3
	if _, err := exec.LookPath("ping"); err != nil {
		t.Skip("needs ping (apt-get install iputils-ping)")
	}
	bridge := `link add br0 type bridge
link set br0 up
address add 10.77.1.11/24 dev br0
link set uplink master br0
address del 10.77.1.11/24 dev uplink
route replace default via 10.77.1.1 dev br0
`
	noBridge := `address add 10.77.1.11/24 dev uplink
link del br0
route replace default via 10.77.1.1 dev uplink
`
	for name, c := range map[string]struct{ before, config, ip, back string }{
		"enslaved":           {"", enslaved, bridge, noBridge},
		"mtu lowered":        {routed, "interfaces: [{name: uplink, mtu: 1400}]", "link set uplink mtu 1400\n", "link set uplink mtu 1500\n"},
		"mtu raised by all":  {jumbo + "ip -n jump link set to-r1 mtu 9000; ip -n jump link set to-r2 mtu 9000\n", "interfaces: [{name: uplink, mtu: 9000}]", "link set uplink mtu 9000\n", "link set uplink mtu 1500\n"},
		"default route":      {detour, throughRouter("10.77.1.12"), "route replace default via 10.77.1.12 dev uplink\n", "route replace default via 10.77.1.1 dev uplink\n"},
		"address beside it":  {routed, "interfaces: [{name: uplink, ipv4: {enabled: true, address: [{ip: 10.77.1.11, prefix-length: 24}, {ip: 10.77.1.111, prefix-length: 24}]}}]", "address add 10.77.1.111/24 dev uplink\n", "address del 10.77.1.111/24 dev uplink\n"},
		"blackhole, another": {routed, "routes: {config: [{destination: 192.0.2.0/24, route-type: blackhole}]}", "route add blackhole 192.0.2.0/24\n", "route del blackhole 192.0.2.0/24\n"},
	} {
		t.Run(name, func(t *testing.T) {
			// What else a busy machine does is not there each time.
			for try := 1; ; try++ {
				b := newBench(t, "")
				b.write("by-ip", c.ip)
				b.write("back", c.back)
				doc := b.write("doc.md", "---\ntargets: {r1: \"ssh://r1\"}\ndefaults: {confirm: 30s}\n---\n\n```netconfig { name=change }\n"+c.config+"\n```\n\n```check { within=5s }\nlink(\"lo\").up\n```\n")
				// jump pings: it is next to r1, so that only r1 can lose a packet.
				o := b.script(c.before + `answers() { grep -c time= $out; }
answered() { n=0; until [ $(answers) -ge $1 ]; do n=$((n+1)); [ $n -lt 1200 ] || exit 63; sleep 0.05; done; }
pings() { out=$1; ip netns exec jump ping -n -i 0.01 10.77.1.11 >$out 2>&1 & ping=$!; answered 25; }
counted() { answered $(($(answers) + 25)); kill -INT $ping; wait $ping || true; }
r r1 true
for n in 1 2 3; do
	pings ip-$n; ip -n r1 -batch by-ip || exit 61; counted
	ip -n r1 -batch back || exit 62
	sleep 0.5
done
pings stet; code=0; stet run --yes doc.md >&2 || code=$?; counted
exit $code`)
				if o.code != 0 {
					t.Fatalf("want exit 0: %v", o)
				}
				wants(t, "the document", b.read(doc), "**Done.**", "confirmed")
				by, lost := b.lost("ip-1", "ip-2", "ip-3"), b.lost("stet")
				t.Logf("ip(8) lost at most %d packets, stet %d", by, lost)
				if lost <= by {
					return
				}
				if try == tries {
					t.Fatalf("stet lost %d packets, ip(8) at most %d:\n%s", lost, by, o)
				}
			}
		})
	}
}

var sequence = regexp.MustCompile(`icmp_seq=(\d+) .*time=`)

// lost is how many packets pings lost, at most. What was under way when one was
// ended is not counted.
func (b *bench) lost(names ...string) (most int) {
	b.t.Helper()
	for _, name := range names {
		last, got := 0, map[string]bool{}
		for _, m := range sequence.FindAllStringSubmatch(b.read(filepath.Join(b.dir, name)), -1) {
			n, err := strconv.Atoi(m[1])
			if err != nil {
				b.t.Fatal(err)
			}
			last = max(last, n)
			got[m[1]] = true
		}
		most = max(most, last-len(got))
	}
	return most
}

// TestOutage: an outage of two seconds is no lost way in, and nothing is made of
// it; one that lasts is.
func TestOutage(t *testing.T) {
	needLab(t)
	for _, c := range []struct {
		lasts, code int
		lost        bool
	}{{2, 0, false}, {25, 4, true}} {
		t.Run(fmt.Sprint(c.lasts), func(t *testing.T) {
			b := newBench(t, "")
			doc := b.write("doc.md", "---\ntargets: {r1: \"ssh://r1\"}\ndefaults: {confirm: 15s}\n---\n\n```netconfig { name=change }\ninterfaces: [{name: uplink, mtu: 1400}]\n```\n\n```check { within=10s }\nfile(\"/run/lab/down\").exists\n```\n")
			// The check does not hold before the link is down.
			o := b.script(fmt.Sprintf(`("$STET" run --yes doc.md >&2) & pid=$!
n=0; until ip -n r1 link show uplink | grep -q 'mtu 1400'; do n=$((n+1)); [ $n -lt 1000 ] || exit 70; sleep 0.01; done
ip -n jump link set to-r1 down; touch $LAB/down; sleep %d; ip -n jump link set to-r1 up
code=0; wait $pid || code=$?
exit $code`, c.lasts))
			if o.code != c.code {
				t.Fatalf("want exit %d: %v", c.code, o)
			}
			if said := strings.Contains(b.read(doc), "cannot be reached any more"); said != c.lost {
				t.Errorf("it says that r1 cannot be reached: %v; the document:\n%s", said, b.read(doc))
			}
		})
	}
}
