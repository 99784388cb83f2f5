package probe

import (
	"context"
	"fmt"
	"math"
	"net"
	"os"
	"strings"
	"time"

	probing "github.com/prometheus-community/pro-bing"

	"stet/executors"
)

// Bounds of a ping. The least payload is what the library needs to tell its
// own echoes (RFC 792) from others'.
const (
	pingMinSize  = 24
	pingMaxSize  = 65507
	pingMaxCount = 10_000
)

func (at Options) ping(ctx context.Context, p executors.Ping) (*executors.ProbeReply, error) {
	if p.Count == 0 {
		p.Count = 3
	}
	if p.Size == 0 {
		p.Size = 56
	}
	switch {
	case p.Count < 1 || p.Count > pingMaxCount:
		return nil, fmt.Errorf("pinging %s: count %d is not between 1 and %d", p.Host, p.Count, pingMaxCount)
	case p.Size < pingMinSize || p.Size > pingMaxSize:
		return nil, fmt.Errorf("pinging %s: size %d is not between %d and %d bytes", p.Host, p.Size, pingMinSize, pingMaxSize)
	}
	ips, err := at.lookup(ctx, "ip", p.Host)
	if err != nil {
		return no(err, lost(0)), nil
	}
	stats, sendErr, err := at.echo(ctx, ips[0], p)
	if stats == nil {
		return nil, err
	}
	if err == nil {
		err = sendErr
	}
	return reply(p, stats, err), nil
}

// echo sends the requests and waits for the answers. sendErr is the last
// request that the kernel refused: no route, or larger than the MTU.
func (at Options) echo(ctx context.Context, ip string, p executors.Ping) (stats *probing.Statistics, sendErr, err error) {
	var refused error
	open := func(privileged bool) error {
		pinger, err := newPinger(ip, p, privileged)
		if err != nil {
			return err
		}
		pinger.OnSendError = func(_ *probing.Packet, err error) { refused = err }
		err = pinger.RunWithContext(ctx)
		stats = pinger.Statistics()
		return err
	}
	err = at.in(func() error {
		err := open(true)
		if err != nil && os.IsPermission(unwrapped(err)) {
			err = open(false)
		}
		return err
	})
	if err != nil && os.IsPermission(unwrapped(err)) && stats != nil && stats.PacketsSent == 0 {
		return nil, nil, &executors.Error{Code: "permission", Op: "pinging " + p.Host, Err: err,
			Message: "this user may not send echo requests",
			Remedy:  "run as root, or let this user ping: sysctl -w net.ipv4.ping_group_range='0 2147483647'"}
	}
	return stats, refused, err
}

func newPinger(ip string, p executors.Ping, privileged bool) (*probing.Pinger, error) {
	pinger := probing.New(ip)
	pinger.SetLogger(probing.NoopLogger{})
	pinger.SetPrivileged(privileged)
	pinger.SetDoNotFragment(p.DF)
	pinger.Count, pinger.Size = p.Count, p.Size
	pinger.RecordRtts, pinger.RecordTTLs = false, false
	if pinger.Interval = p.Interval; p.Interval <= 0 {
		pinger.Interval = 200 * time.Millisecond
	}
	wait := p.Timeout
	if wait <= 0 {
		wait = time.Second
	}
	pinger.Timeout = pinger.Interval*time.Duration(p.Count-1) + wait
	switch {
	case p.Source == "":
	case net.ParseIP(p.Source) != nil:
		pinger.Source = p.Source
	default:
		pinger.InterfaceName = p.Source
	}
	return pinger, pinger.Resolve()
}

// unwrapped is the system call's error at the bottom, which os.IsPermission
// knows.
func unwrapped(err error) error {
	for {
		u, ok := err.(interface{ Unwrap() error })
		if !ok || u.Unwrap() == nil {
			return err
		}
		err = u.Unwrap()
	}
}

func lost(sent int) map[string]any {
	return map[string]any{"sent": sent, "received": 0, "loss": 100.0, "min": 0.0, "avg": 0.0, "max": 0.0, "mdev": 0.0}
}

func reply(p executors.Ping, s *probing.Statistics, err error) *executors.ProbeReply {
	// A request that the kernel refused was not sent, but it was lost.
	sent, received := max(s.PacketsSent, 1), s.PacketsRecv
	if err != nil {
		sent = max(sent, p.Count)
	}
	values := lost(sent)
	values["received"] = received
	values["loss"] = math.Round(1000*float64(sent-min(received, sent))/float64(sent)) / 10
	if received > 0 {
		values["min"], values["avg"] = milliseconds(s.MinRtt), milliseconds(s.AvgRtt)
		values["max"], values["mdev"] = milliseconds(s.MaxRtt), milliseconds(s.StdDevRtt)
	}
	r := &executors.ProbeReply{OK: received > 0, Values: values}
	switch {
	case err != nil:
		r.Error = strings.TrimSpace(err.Error())
	case received == 0:
		r.Error = fmt.Sprintf("no answer from %s to %d echo requests", p.Host, sent)
	}
	return r
}
