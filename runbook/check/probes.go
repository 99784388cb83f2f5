package check

import (
	"fmt"
	"math"
	"net/http"
	"strings"

	"stet/executors"
)

// maxContent bounds what file(…).content holds.
const maxContent = 64 << 10

// newOutput makes what run(…) and registers give.
func newOutput(out, errText string, exit int, truncated bool) output {
	o := output{
		OK: exit == 0, Exit: exit, truncated: truncated,
		Out: trimEnd(out), Err: trimEnd(errText), Lines: []string{},
	}
	if o.Out != "" {
		o.Lines = strings.Split(o.Out, "\n")
	}
	o.JSON, o.jsonError = decoded(out)
	return o
}

// trimEnd drops line ends at the end, as $(…) does.
func trimEnd(s string) string { return strings.TrimRight(s, "\r\n") }

func (e *evaluator) ping(host string, options ...map[string]any) (pingReply, error) {
	o, err := e.optionsOf("ping", options)
	if err != nil {
		return pingReply{}, err
	}
	p := executors.Ping{Host: host, Count: o.int("count"), Size: o.int("size"), DF: o.bool("df"), Source: o.string("source"), Interval: o.duration("interval"), Timeout: o.duration("timeout")}
	if err := o.done(); err != nil {
		return pingReply{}, err
	}
	v, err := e.round.probe(e.ctx, "pinging "+host, executors.Probe{Ping: &p})
	if err != nil {
		return pingReply{}, err
	}
	return pingReply{
		OK: v.OK, Sent: toInt(v.Values["sent"]), Received: toInt(v.Values["received"]), Loss: toFloat(v.Values["loss"]),
		Min: toFloat(v.Values["min"]), Avg: toFloat(v.Values["avg"]), Max: toFloat(v.Values["max"]), Mdev: toFloat(v.Values["mdev"]), Error: v.Error,
	}, nil
}

func (e *evaluator) tcp(addr string, options ...map[string]any) (tcpReply, error) {
	o, err := e.optionsOf("tcp", options)
	if err != nil {
		return tcpReply{}, err
	}
	p := executors.TCP{Address: addr, Source: o.string("source"), Timeout: o.duration("timeout")}
	if err := o.done(); err != nil {
		return tcpReply{}, err
	}
	v, err := e.round.probe(e.ctx, "connecting to "+addr, executors.Probe{TCP: &p})
	if err != nil {
		return tcpReply{}, err
	}
	return tcpReply{OK: v.OK, Time: toFloat(v.Values["time"]), Error: v.Error}, nil
}

func (e *evaluator) http(url string, options ...map[string]any) (httpReply, error) {
	o, err := e.optionsOf("http", options)
	if err != nil {
		return httpReply{}, err
	}
	p := executors.HTTP{URL: url, Method: o.string("method"), Header: o.strings("headers"), Insecure: o.bool("insecure"), Timeout: o.duration("timeout")}
	if err := o.done(); err != nil {
		return httpReply{}, err
	}
	v, err := e.round.probe(e.ctx, "requesting "+url, executors.Probe{HTTP: &p})
	if err != nil {
		return httpReply{}, err
	}
	r := httpReply{OK: v.OK, Status: toInt(v.Values["status"]), Body: toText(v.Values["body"]), Headers: map[string]string{}, Time: toFloat(v.Values["time"]), Error: v.Error}
	for name, value := range toTexts(v.Values["headers"]) {
		r.Headers[http.CanonicalHeaderKey(name)] = value
	}
	r.JSON, r.jsonError = decoded(r.Body)
	return r, nil
}

// dns takes (name), (name, type), (name, {options}) or (name, type, {options}).
func (e *evaluator) dns(name string, rest ...any) (dnsReply, error) {
	p := executors.DNS{Name: name}
	if len(rest) > 0 {
		if kind, ok := rest[0].(string); ok {
			p.Type, rest = strings.ToUpper(kind), rest[1:]
		}
	}
	var maps []map[string]any
	for _, r := range rest {
		m, ok := r.(map[string]any)
		if !ok {
			return dnsReply{}, fmt.Errorf("dns takes a name, a record type and options, not %s", e.print.render(r))
		}
		maps = append(maps, m)
	}
	o, err := e.optionsOf("dns", maps)
	if err != nil {
		return dnsReply{}, err
	}
	p.Server, p.Timeout = o.string("server"), o.duration("timeout")
	if err := o.done(); err != nil {
		return dnsReply{}, err
	}
	v, err := e.round.probe(e.ctx, "resolving "+name, executors.Probe{DNS: &p})
	if err != nil {
		return dnsReply{}, err
	}
	return dnsReply{OK: v.OK, Answers: toList(v.Values["answers"]), RCode: toText(v.Values["rcode"]), Time: toFloat(v.Values["time"]), Error: v.Error}, nil
}

func (e *evaluator) routeTo(destination string, options ...map[string]any) (routeReply, error) {
	o, err := e.optionsOf("route", options)
	if err != nil {
		return routeReply{}, err
	}
	mark := o.int("mark")
	p := executors.RouteTo{Destination: destination, Source: o.string("source"), IIF: o.string("iif"), Mark: uint32(mark)}
	if mark < 0 || mark > math.MaxUint32 {
		o.fail("mark", "a number from 0 to 4294967295")
	}
	if err := o.done(); err != nil {
		return routeReply{}, err
	}
	v, err := e.round.probe(e.ctx, "asking for the route to "+destination, executors.Probe{RouteTo: &p})
	if err != nil {
		return routeReply{}, err
	}
	dev := toText(v.Values["dev"])
	return routeReply{
		OK: v.OK, Type: toText(v.Values["type"]), Dev: dev, Device: dev, Via: toText(v.Values["via"]), Source: toText(v.Values["source"]),
		Table: toInt(v.Values["table"]), Metric: toInt(v.Values["metric"]), Error: v.Error,
	}, nil
}

func (e *evaluator) process(name string) (processReply, error) {
	v, err := e.round.probe(e.ctx, "looking for processes "+name, executors.Probe{Process: &executors.Process{Name: name}})
	if err != nil {
		return processReply{}, err
	}
	r := processReply{OK: v.OK, Count: toInt(v.Values["count"]), PIDs: []int{}, Error: v.Error}
	each(v.Values["pids"], func(x any) { r.PIDs = append(r.PIDs, toInt(x)) })
	return r, nil
}

func (e *evaluator) file(path string) (fileReply, error) {
	v, err := e.round.probe(e.ctx, "looking at "+path, executors.Probe{File: &executors.File{Path: path, Read: maxContent}})
	if err != nil {
		return fileReply{}, err
	}
	return fileReply{
		OK: v.OK, Exists: toBool(v.Values["exists"]), Size: toInt(v.Values["size"]), Mode: toText(v.Values["mode"]), Owner: toText(v.Values["owner"]),
		Group: toText(v.Values["group"]), SHA256: toText(v.Values["sha256"]), Content: toText(v.Values["content"]), Error: v.Error,
	}, nil
}

func (e *evaluator) shell(command string) (output, error) { return e.round.run(e.ctx, command) }
