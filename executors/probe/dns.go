package probe

import (
	"context"
	"fmt"
	"net"
	"strings"
	"time"

	"golang.org/x/net/dns/dnsmessage"

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
	conf, err := at.resolv()
	if err != nil {
		return "", err
	}
	return conf.servers[0], nil
}

func (at Options) dns(ctx context.Context, p executors.DNS) (*executors.ProbeReply, error) {
	if p.Type == "" {
		p.Type = "A"
	}
	kind, ok := recordType(p.Type)
	if !ok {
		return nil, fmt.Errorf("asking for %s: %q is not a type of record (RFC 1035 and later: A, AAAA, MX, …, TYPE65280)", p.Name, p.Type)
	}
	if _, err := query(p.Name, kind); err != nil {
		return nil, fmt.Errorf("asking for %q: %w", p.Name, err)
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
	for _, r := range answer.Answers {
		if r.Header.Type == kind || kind == dnsmessage.TypeALL {
			found = append(found, recordText(r.Body))
		}
	}
	values["answers"], values["rcode"] = found, rcodeName(answer.RCode)
	r := &executors.ProbeReply{OK: answer.RCode == dnsmessage.RCodeSuccess && len(found) > 0, Values: values}
	if !r.OK {
		r.Error = fmt.Sprintf("%s answered %s with %d records of type %s", server, values["rcode"], len(found), strings.ToUpper(p.Type))
	}
	return r, nil
}
