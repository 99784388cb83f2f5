package check

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"sync"

	"stet/executors"
	"stet/executors/netstate"
)

// machineSession is a target in memory: it answers what its fields say and
// counts what it was asked.
type machineSession struct {
	executors.Session // methods that checks must not use panic

	mu       sync.Mutex
	state    netstate.State
	reply    func(executors.Probe) (*executors.ProbeReply, error)
	command  func(string) (string, string, int)
	observe  func(netstate.Query) error
	observed []netstate.Query
	probed   []executors.Probe
	ran      []string
	hang     chan struct{} // probes wait for its end, whatever the context says
}

func (m *machineSession) Observe(_ context.Context, q netstate.Query) (*netstate.State, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.observed = append(m.observed, q)
	if m.observe != nil {
		if err := m.observe(q); err != nil {
			return nil, err
		}
	}
	s := &netstate.State{}
	if q.Links {
		s.Interfaces = m.state.Interfaces
	}
	if q.Routes {
		s.Routes, s.MPLS = m.state.Routes, m.state.MPLS
	}
	if q.Rules {
		s.Rules = m.state.Rules
	}
	s.Lacks = maps.Clone(m.state.Lacks)
	if q.Neighbors {
		s.Neighbors = m.state.Neighbors
	}
	if q.FDB {
		s.FDB = m.state.FDB
	}
	if q.TrafficControl {
		s.TrafficControl = m.state.TrafficControl
	}
	if q.DNS {
		s.DNS = m.state.DNS
	}
	if len(q.Netns) == 1 && q.Netns[0] == "*" {
		s.Namespaces = m.state.Namespaces
	}
	s.Xfrm = slices.DeleteFunc(slices.Clone(m.state.Xfrm), func(x netstate.Xfrm) bool { return x.MPTCP() && !q.MPTCP || !x.MPTCP() && !q.Xfrm })
	for _, pattern := range q.Sysctls {
		for key, value := range m.state.Sysctls {
			if matchKey(pattern, key) {
				if s.Sysctls == nil {
					s.Sysctls = map[string]string{}
				}
				s.Sysctls[key] = value
			}
		}
	}
	return s, nil
}

func (m *machineSession) Probe(_ context.Context, p executors.Probe) (*executors.ProbeReply, error) {
	m.mu.Lock()
	m.probed = append(m.probed, p)
	hang, reply := m.hang, m.reply
	m.mu.Unlock()
	if hang != nil {
		<-hang
	}
	if reply == nil {
		return nil, errors.New("no probes here")
	}
	return reply(p)
}

func (m *machineSession) Run(_ context.Context, c executors.Command, out executors.Output) (*executors.ExitStatus, error) {
	m.mu.Lock()
	m.ran = append(m.ran, c.Argv[len(c.Argv)-1])
	m.mu.Unlock()
	if m.command == nil {
		return nil, errors.New("no commands here")
	}
	stdout, stderr, code := m.command(c.Argv[len(c.Argv)-1])
	fmt.Fprint(out.Stdout, stdout)
	fmt.Fprint(out.Stderr, stderr)
	return &executors.ExitStatus{Code: code}, nil
}

// lab is a machine with a bridge, two ports and some routes.
func lab() *machineSession {
	prefix := netip.MustParsePrefix
	addr := netip.MustParseAddr
	return &machineSession{
		state: netstate.State{
			Interfaces: []netstate.Interface{
				{Name: "lo", Type: "loopback", Index: 1, Attrs: netstate.Attrs{"state": "up", "mtu": "65536"}, Status: netstate.Attrs{"operstate": "unknown", "carrier": "true"},
					Addresses: []netstate.Address{{Prefix: prefix("127.0.0.1/8"), Scope: "host", Status: []string{"permanent"}}}},
				{Name: "br0", Type: "linux-bridge", Index: 2, Attrs: netstate.Attrs{"state": "up", "mtu": "1500", "mac-address": "02:00:00:00:00:01", "alias": "uplink",
					"bridge.options.stp.enabled": "false", "bridge.options.stp.priority": "32768", "bridge.options.stp.forward-delay": "15"},
					Status:    netstate.Attrs{"operstate": "up", "carrier": "true", "rx-bytes": "1000", "rx-packets": "10", "tx-errors": "2"},
					Addresses: []netstate.Address{{Prefix: prefix("192.0.2.1/24"), Status: []string{"permanent"}}, {Prefix: prefix("2001:db8::1/64")}}},
				{Name: "eth0", Type: "veth", Index: 3, Attrs: netstate.Attrs{"state": "up", "mtu": "1400", "controller": "br0"}, Status: netstate.Attrs{"operstate": "up"}},
				{Name: "tap0", Type: "tap", Index: 4, Attrs: netstate.Attrs{"state": "up", "mtu": "1450", "controller": "br0"}, Status: netstate.Attrs{"operstate": "down"}},
			},
			Routes: []netstate.Route{
				{Destination: prefix("0.0.0.0/0"), Table: 254, Protocol: 4, NextHops: []netstate.NextHop{{Device: "br0", Via: addr("192.0.2.254")}}},
				{Destination: prefix("192.0.2.0/24"), Table: 254, Protocol: 2, Scope: 253, Source: addr("192.0.2.1"), NextHops: []netstate.NextHop{{Device: "br0"}}},
				{Destination: prefix("10.0.0.0/8"), Table: 254, Type: "blackhole", Metric: 50},
			},
			Rules:     []netstate.Rule{{Family: 4, Priority: 32766, Table: 254}},
			Neighbors: []netstate.Neighbor{{Device: "br0", IP: addr("192.0.2.254"), MAC: "02:00:00:00:00:fe", State: "reachable"}},
			Xfrm: []netstate.Xfrm{
				{Sort: netstate.XfrmPolicy, Attrs: netstate.Attrs{"dir": "out", "src": "10.1.0.0/24", "dst": "10.2.0.0/24", "priority": "7", "templates": `[{"src":"192.0.2.1","dst":"198.51.100.1","proto":"esp","mode":"tunnel","reqid":"1"}]`}},
				{Sort: netstate.XfrmState, Attrs: netstate.Attrs{"src": "192.0.2.1", "dst": "198.51.100.1", "proto": "esp", "spi": "0x1000", "mode": "tunnel", "reqid": "1", "replay-window": "32", "enc.name": "cbc(aes)", "auth.name": "hmac(sha256)"},
					Status: netstate.Attrs{"packets": "12", "bytes": "1008", "replay-oseq": "12"}},
				{Sort: netstate.MPTCPEndpoint, Attrs: netstate.Attrs{"address": "192.0.2.1", "id": "1", "dev": "eth0", "subflow": "true"}},
				{Sort: netstate.MPTCPEndpoint, Attrs: netstate.Attrs{"address": "2001:db8::1", "id": "2", "port": "8080", "signal": "true"}},
				{Sort: netstate.MPTCPLimits, Attrs: netstate.Attrs{"subflows": "4", "add-addr-accepted": "2"}},
			},
			TrafficControl: []netstate.TrafficControl{{Device: "eth0", Entries: []netstate.TCEntry{
				{Object: netstate.TCQdisc, Kind: "htb", Parent: "root", Handle: "1:", Options: netstate.Attrs{"default": "30"}, Status: netstate.Attrs{"bytes": "1500", "packets": "3"}},
				{Object: netstate.TCQdisc, Kind: "ingress", Parent: "ingress", Handle: "ffff:"},
				{Object: netstate.TCClass, Kind: "htb", Parent: "1:", Handle: "1:30", Options: netstate.Attrs{"rate": "10mbit"}, Status: netstate.Attrs{"bytes": "1500"}},
				{Object: netstate.TCFilter, Kind: "matchall", Parent: "ingress", Handle: "1", Protocol: "all", Priority: 10, Actions: []netstate.TCAction{{Kind: "drop"}}},
			}}},
			DNS:        []netstate.DNS{{Servers: []string{"192.0.2.53"}, Search: []string{"example.net"}, Options: []string{"ndots:2"}, File: &netstate.ResolvConf{Path: "/etc/resolv.conf"}}},
			Namespaces: []netstate.Namespace{{Name: "blue", Loopback: "up", Links: []string{"v1"}}},
			MPLS:       []netstate.Route{{Label: 100, Protocol: 4, NextHops: []netstate.NextHop{{Device: "br0", Via: addr("192.0.2.254"), Encap: "200/300"}}}},
			FDB:        []netstate.FDBEntry{{Device: "eth0", MAC: "02:00:00:00:00:51", Owner: "master", State: "dynamic"}},
			Sysctls:    map[string]string{"net.ipv4.ip_forward": "1", "net.ipv4.conf.all.rp_filter": "0"},
		},
		reply:   labReply,
		command: labCommand,
	}
}

func labReply(p executors.Probe) (*executors.ProbeReply, error) {
	switch {
	case p.Ping != nil && p.Ping.Host == "192.0.2.9":
		return &executors.ProbeReply{OK: true, Values: map[string]any{"sent": 3, "received": 3, "loss": 0.0, "min": 0.1, "avg": 0.2, "max": 0.3, "mdev": 0.05}}, nil
	case p.Ping != nil && p.Ping.Host == "broken":
		return nil, errors.New("no right to send ICMP")
	case p.Ping != nil:
		return &executors.ProbeReply{OK: false, Values: map[string]any{"sent": 3.0, "received": 0.0, "loss": 100.0}, Error: "no reply"}, nil
	case p.TCP != nil:
		return &executors.ProbeReply{OK: p.TCP.Address == "192.0.2.9:22", Values: map[string]any{"time": 1.5}, Error: ""}, nil
	case p.HTTP != nil:
		return &executors.ProbeReply{OK: true, Values: map[string]any{"status": 200.0, "body": `{"version": 3}`, "headers": map[string]any{"content-type": "application/json"}, "time": 12.0}}, nil
	case p.DNS != nil:
		return &executors.ProbeReply{OK: true, Values: map[string]any{"answers": []any{"192.0.2.9", "192.0.2.10"}, "rcode": "NOERROR", "time": 2.0}}, nil
	case p.RouteTo != nil:
		return &executors.ProbeReply{OK: true, Values: map[string]any{"type": "unicast", "dev": "br0", "via": "192.0.2.254", "source": "192.0.2.1", "table": 254.0}}, nil
	case p.Process != nil:
		return &executors.ProbeReply{OK: p.Process.Name == "sshd", Values: map[string]any{"pids": []any{12.0, 13.0}, "count": 2.0}}, nil
	case p.File != nil && p.File.Path == "/etc/hostname":
		return &executors.ProbeReply{OK: true, Values: map[string]any{"exists": true, "size": 4, "mode": "0644", "owner": "root", "group": "root", "sha256": "ab", "content": "lab\n"}}, nil
	case p.File != nil && p.File.Path == "/var/log/big":
		return &executors.ProbeReply{OK: true, Values: map[string]any{"exists": true, "size": 1 << 30, "content": "start"}}, nil
	}
	return &executors.ProbeReply{OK: false, Values: map[string]any{"exists": false}, Error: "no such file"}, nil
}

func labCommand(command string) (string, string, int) {
	switch command {
	case "true":
		return "", "", 0
	case "ip -j link":
		return `[{"ifname": "lo", "mtu": 65536}, {"ifname": "br0", "mtu": 1500}]` + "\n", "", 0
	case "uname -r":
		return "6.18.0\n", "", 0
	case "flood":
		return string(make([]byte, maxOut+1)), "", 0
	}
	return "", "sh: " + command + ": not found\n", 127
}
