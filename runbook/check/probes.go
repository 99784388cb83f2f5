package check

import (
	"errors"
	"fmt"
	"math"
	"net/http"
	"reflect"
	"sort"
	"strings"
	"time"

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

// callOptions reads the options of a call: each is taken once, then done
// tells what was wrong or left.
type callOptions struct {
	print    printer
	function string
	given    map[string]any
	taken    map[string]bool
	err      error
}

func (e *evaluator) optionsOf(function string, maps []map[string]any) (*callOptions, error) {
	if len(maps) > 1 {
		return nil, fmt.Errorf("%s takes one set of options, not %d", function, len(maps))
	}
	o := &callOptions{print: e.print, function: function, taken: map[string]bool{}}
	if len(maps) == 1 {
		o.given = maps[0]
	}
	return o, nil
}

func (o *callOptions) take(name string) (any, bool) {
	o.taken[name] = true
	v, ok := o.given[name]
	return v, ok
}

func (o *callOptions) fail(name, want string) {
	if o.err == nil {
		o.err = fmt.Errorf("option %s of %s takes %s, not %s", name, o.function, want, o.print.render(o.given[name]))
	}
}

func (o *callOptions) done() error {
	if o.err != nil {
		return o.err
	}
	var unknown, known []string
	for name := range o.given {
		if !o.taken[name] {
			unknown = append(unknown, name)
		}
	}
	if len(unknown) == 0 {
		return nil
	}
	for name := range o.taken {
		known = append(known, name)
	}
	sort.Strings(unknown)
	return fmt.Errorf("%s has no option %s%s", o.function, unknown[0], didYouMean(unknown[0], known))
}

func (o *callOptions) int(name string) int {
	v, ok := o.take(name)
	if !ok {
		return 0
	}
	if !isNumber(v) {
		o.fail(name, "a number")
	}
	return toInt(v)
}

func (o *callOptions) bool(name string) bool {
	v, ok := o.take(name)
	b, is := v.(bool)
	if ok && !is {
		o.fail(name, "true or false")
	}
	return b
}

func (o *callOptions) string(name string) string {
	v, ok := o.take(name)
	s, is := v.(string)
	if ok && !is {
		o.fail(name, "a string")
	}
	return s
}

func (o *callOptions) strings(name string) map[string]string {
	v, ok := o.take(name)
	if !ok {
		return nil
	}
	if m, is := v.(map[string]any); is {
		return toTexts(m)
	}
	o.fail(name, "names with values in braces")
	return nil
}

// duration is a number of seconds, "2s", or a duration.
func (o *callOptions) duration(name string) time.Duration {
	v, ok := o.take(name)
	if !ok {
		return 0
	}
	d, err := toDuration(v)
	if err != nil || d < 0 {
		o.fail(name, `seconds or a duration such as "500ms"`)
	}
	return d
}

func toDuration(v any) (time.Duration, error) {
	switch x := v.(type) {
	case time.Duration:
		return x, nil
	case string:
		return time.ParseDuration(x)
	}
	if isNumber(v) {
		if s := toFloat(v); s >= 0 && s < 1e9 {
			return time.Duration(s * float64(time.Second)), nil
		}
	}
	return 0, errors.New("not a duration")
}

func isNumber(v any) bool {
	switch reflect.ValueOf(v).Kind() {
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64,
		reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Float32, reflect.Float64:
		return true
	}
	return false
}

func toFloat(v any) float64 {
	r := reflect.ValueOf(v)
	switch {
	case !r.IsValid():
		return 0
	case r.CanInt():
		return float64(r.Int())
	case r.CanUint():
		return float64(r.Uint())
	case r.CanFloat():
		return r.Float()
	}
	return 0
}

func toInt(v any) int {
	f := toFloat(v)
	if math.IsNaN(f) || f > math.MaxInt64/2 || f < math.MinInt64/2 {
		return 0
	}
	return int(f)
}

func toBool(v any) bool { b, _ := v.(bool); return b }

// toText is a scalar as text; "" for nil.
func toText(v any) string {
	switch x := v.(type) {
	case nil:
		return ""
	case string:
		return x
	}
	if isNumber(v) && toFloat(v) == float64(toInt(v)) {
		return fmt.Sprint(toInt(v))
	}
	return fmt.Sprint(v)
}

// each calls f with the elements of any slice.
func each(v any, f func(any)) {
	r := reflect.ValueOf(v)
	if r.Kind() != reflect.Slice {
		return
	}
	for i := 0; i < r.Len(); i++ {
		f(r.Index(i).Interface())
	}
}

func toList(v any) []string {
	list := []string{}
	each(v, func(x any) { list = append(list, toText(x)) })
	return list
}

// toTexts is a map of scalars, or of lists of them, as text.
func toTexts(v any) map[string]string {
	m := map[string]string{}
	r := reflect.ValueOf(v)
	if r.Kind() != reflect.Map || r.Type().Key().Kind() != reflect.String {
		return m
	}
	for _, k := range r.MapKeys() {
		value := r.MapIndex(k).Interface()
		if list := toList(value); len(list) > 0 {
			m[k.String()] = strings.Join(list, ", ")
			continue
		}
		m[k.String()] = toText(value)
	}
	return m
}
