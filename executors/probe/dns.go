package probe

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/miekg/dns"

	"stet/executors"
)

// server is the name server to ask: the one given, else the first of the
// place's resolv.conf(5).
func (at Options) server(given string) (string, error) {
	if given != "" {
		if _, _, err := net.SplitHostPort(given); err == nil {
			return given, nil
		}
		return net.JoinHostPort(strings.Trim(given, "[]"), "53"), nil
	}
	file := at.ResolvConf
	if file == "" {
		file = "/etc/resolv.conf"
	}
	conf, err := dns.ClientConfigFromFile(file)
	if err != nil {
		return "", fmt.Errorf("reading %s: %w", file, err)
	}
	if len(conf.Servers) == 0 {
		return "", fmt.Errorf("reading %s: it names no server", file)
	}
	return net.JoinHostPort(conf.Servers[0], conf.Port), nil
}

func (at Options) dns(ctx context.Context, p executors.DNS) (*executors.ProbeReply, error) {
	if p.Type == "" {
		p.Type = "A"
	}
	kind, ok := dns.StringToType[strings.ToUpper(p.Type)]
	if !ok {
		return nil, fmt.Errorf("asking for %s: %q is not a type of record (RFC 1035 and later: A, AAAA, MX, …)", p.Name, p.Type)
	}
	if _, ok := dns.IsDomainName(p.Name); !ok {
		return nil, fmt.Errorf("asking for %q: not a domain name", p.Name)
	}
	ctx, cancel := within(ctx, p.Timeout, 5*time.Second)
	defer cancel()
	values := map[string]any{"answers": []any{}, "rcode": "", "time": 0.0}
	server, err := at.server(p.Server)
	if err != nil {
		return no(err, values), nil
	}
	start := time.Now()
	answer, err := at.ask(ctx, server, p.Name, kind)
	values["time"] = milliseconds(time.Since(start))
	if err != nil {
		return no(err, values), nil
	}
	found := []any{}
	for _, rr := range answer.Answer {
		if rr.Header().Rrtype == kind || kind == dns.TypeANY {
			found = append(found, strings.TrimPrefix(rr.String(), rr.Header().String()))
		}
	}
	values["answers"], values["rcode"] = found, dns.RcodeToString[answer.Rcode]
	r := &executors.ProbeReply{OK: answer.Rcode == dns.RcodeSuccess && len(found) > 0, Values: values}
	if !r.OK {
		r.Error = fmt.Sprintf("%s answered %s with %d records of type %s", server, values["rcode"], len(found), strings.ToUpper(p.Type))
	}
	return r, nil
}

// ask asks over UDP, and over TCP when the answer was cut (RFC 1035, 4.2.1).
func (at Options) ask(ctx context.Context, server, name string, kind uint16) (*dns.Msg, error) {
	q := new(dns.Msg).SetQuestion(dns.Fqdn(name), kind)
	q.SetEdns0(1232, false)
	for _, network := range []string{"udp", "tcp"} {
		conn, err := at.dial(ctx, network, server, "")
		if err != nil {
			return nil, err
		}
		answer, _, err := (&dns.Client{Net: network}).ExchangeWithConnContext(ctx, q, &dns.Conn{Conn: conn})
		if cerr := conn.Close(); err == nil {
			err = cerr
		}
		if err != nil {
			return nil, err
		}
		if !answer.Truncated {
			return answer, nil
		}
	}
	return nil, errors.New("the answer was cut even over TCP")
}
