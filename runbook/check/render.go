package check

import (
	"fmt"
	"math"
	"reflect"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Bounds of what an explanation shows.
const (
	maxValue    = 240
	maxString   = 120
	maxElements = 6
	maxChange   = 60
	maxOperands = 24
)

// printer writes values for people; it is what takes secrets out first. A nil
// printer has none to take out.
type printer func(string) string

func (p printer) redact(s string) string {
	if p == nil {
		return s
	}
	return p(s)
}

// cut is text without secrets, then bounded.
func (p printer) cut(s string, n int) string { return short(p.redact(s), n) }

// render is a value on one line, bounded and the same each time.
func (p printer) render(v any) string { return p.cut(p.deep(v, 0), maxValue) }

func (p printer) quote(s string) string { return strconv.Quote(p.cut(s, maxString)) }

func (p printer) deep(v any, depth int) string {
	switch x := v.(type) {
	case nil:
		return "nil"
	case string:
		return p.quote(x)
	case bool:
		return strconv.FormatBool(x)
	case float64:
		return decimal(x)
	case time.Duration:
		return x.String()
	case time.Time:
		return x.Format(time.RFC3339)
	}
	if text, ok := p.summary(v); ok {
		return text
	}
	r := reflect.ValueOf(v)
	switch r.Kind() {
	case reflect.Slice, reflect.Array:
		return p.list(r, depth)
	case reflect.Map:
		return p.table(r, depth)
	case reflect.Func:
		return "function"
	case reflect.Struct:
		return "{…}"
	}
	return fmt.Sprint(v)
}

// decimal is a number as people write it, with at most three places.
func decimal(x float64) string {
	if math.IsNaN(x) || math.IsInf(x, 0) {
		return fmt.Sprint(x)
	}
	if math.Abs(x) >= 0.001 || x == 0 {
		x = math.Round(x*1000) / 1000
	}
	return strconv.FormatFloat(x, 'f', -1, 64)
}

func (p printer) list(r reflect.Value, depth int) string {
	if r.Kind() == reflect.Slice && r.Type().Elem().Kind() == reflect.Uint8 {
		return p.quote(string(r.Bytes()))
	}
	if depth > 3 {
		return "[…]"
	}
	var elements []string
	for i := range min(r.Len(), maxElements) {
		elements = append(elements, p.deep(r.Index(i).Interface(), depth+1))
	}
	text := "[" + strings.Join(elements, ", ")
	if r.Len() > maxElements {
		text = p.cut(text, maxValue-30) + fmt.Sprintf(", … %d in all", r.Len())
	}
	return text + "]"
}

func (p printer) table(r reflect.Value, depth int) string {
	if depth > 3 || r.Type().Key().Kind() != reflect.String {
		return fmt.Sprintf("{… %d entries}", r.Len())
	}
	keys := make(map[string]reflect.Value, r.Len())
	for _, k := range r.MapKeys() {
		keys[k.String()] = r.MapIndex(k)
	}
	var entries []string
	for _, k := range sortedKeys(keys) {
		if len(entries) == maxElements {
			entries = append(entries, fmt.Sprintf("… %d in all", r.Len()))
			break
		}
		entries = append(entries, p.cut(k, 40)+": "+p.deep(keys[k].Interface(), depth+1))
	}
	return "{" + strings.Join(entries, ", ") + "}"
}

// summary says of a fact or an answer what an operator looks for first.
func (p printer) summary(v any) (string, bool) {
	switch x := v.(type) {
	case link:
		return linkSummary(x), true
	case address:
		return x.Dev + " " + x.Prefix, true
	case route:
		return routeText(x), true
	case nexthop:
		return hopText(x, true), true
	case rule:
		return x.Text, true
	case neighbour:
		return strings.Join(nonEmpty(x.Dev, x.IP, x.MAC, x.State), " "), true
	case fdbEntry:
		return strings.Join(nonEmpty(x.Dev, x.MAC, x.Dst, x.State), " "), true
	case qdisc:
		return qdiscText(x), true
	case tcClass:
		return qdiscText(qdisc(x)), true
	case tcFilter:
		return filterText(x), true
	case resolver:
		return resolverText(x), true
	case namedNamespace:
		return x.Name, true
	case mplsRoute:
		return strings.Join(nonEmpty("label", numeral(x.Label), mplsHops(x)), " "), true
	case xfrmState:
		return xfrmStateText(x), true
	case xfrmPolicy:
		return xfrmPolicyText(x), true
	case xfrmTemplate:
		return strings.Join(nonEmpty(x.Proto, x.Mode, x.Src, "→", x.Dst), " "), true
	case mptcpEndpoint:
		return mptcpEndpointText(x), true
	case mptcpLimits:
		return mptcpLimitsItem(x).String(), true
	case counters:
		return fmt.Sprintf("%d packets, %d bytes, %d errors, %d dropped", x.Packets, x.Bytes, x.Errors, x.Dropped), true
	case pingReply:
		return answer(x.OK, fmt.Sprintf("%d of %d replies", x.Received, x.Sent), x.Error), true
	case tcpReply:
		if !x.OK {
			return answer(false, "", x.Error), true
		}
		return answer(true, "connected", ""), true
	case httpReply:
		return answer(x.OK, fmt.Sprintf("status %d", x.Status), x.Error), true
	case dnsReply:
		return answer(x.OK, strings.Join(nonEmpty(x.RCode, strings.Join(x.Answers, " ")), ", "), x.Error), true
	case routeReply:
		return answer(x.OK, strings.Join(nonEmpty(x.Type, prefixed("via ", x.Via), prefixed("dev ", x.Dev), prefixed("src ", x.Source)), " "), x.Error), true
	case processReply:
		return answer(x.OK, fmt.Sprintf("%d processes", x.Count), x.Error), true
	case fileReply:
		if !x.Exists {
			return answer(false, "does not exist", x.Error), true
		}
		return answer(x.OK, fmt.Sprintf("%d bytes, mode %s", x.Size, x.Mode), x.Error), true
	case output:
		return p.output(x), true
	case changes:
		return p.changes(x), true
	case difference:
		return p.difference(x), true
	case recorded:
		return "snapshot " + x.name, true
	case current:
		return "the state of now", true
	}
	return "", false
}

func linkSummary(l link) string {
	if !l.Exists {
		return l.Name + " does not exist"
	}
	text := strings.Join(nonEmpty(l.Name, l.Type, l.State), " ")
	if l.OperState != "" && l.OperState != l.State {
		text += " (operstate " + l.OperState + ")"
	}
	return fmt.Sprintf("%s mtu %d", text, l.MTU)
}

// changes names what differs in one kind of facts.
func (p printer) changes(c changes) string {
	if c.Empty {
		return "no differences"
	}
	var words []string
	for _, group := range []struct {
		verb string
		list []string
	}{{"appeared: ", c.Appeared}, {"vanished: ", c.Vanished}, {"changed: ", c.Changed}} {
		if len(group.list) == 0 {
			continue
		}
		var shown []string
		for _, text := range group.list[:min(len(group.list), maxElements/2)] {
			shown = append(shown, p.cut(text, maxChange))
		}
		if len(group.list) > len(shown) {
			shown = append(shown, fmt.Sprintf("… %d in all", len(group.list)))
		}
		words = append(words, group.verb+strings.Join(shown, ", "))
	}
	return strings.Join(words, "; ")
}

func answer(ok bool, what, reason string) string {
	word := "ok"
	if !ok {
		word = "not ok"
	}
	said := strings.Join(nonEmpty(what, reason), ", ")
	if said == "" {
		return word
	}
	return word + ": " + said
}

func (p printer) output(o output) string {
	text := fmt.Sprintf("exit %d, out %s", o.Exit, p.quote(o.Out))
	if o.Err != "" {
		text += ", err " + p.quote(o.Err)
	}
	return text
}

func (p printer) difference(d difference) string {
	if d.Empty {
		return "no differences"
	}
	var words []string
	parts := d.parts()
	for _, kind := range sortedKeys(parts) {
		if !parts[kind].Empty && d.has[kind] {
			words = append(words, kind+" "+p.changes(*parts[kind]))
		}
	}
	return strings.Join(words, "; ")
}

// subject names an element of a list in few words.
func (p printer) subject(v any) string {
	switch x := v.(type) {
	case link:
		return x.Name
	case route:
		return routeKey(x)
	case address:
		return x.Dev + " " + x.Prefix
	case neighbour:
		return x.Dev + " " + x.IP
	}
	return p.render(v)
}

func nonEmpty(words ...string) []string {
	var kept []string
	for _, w := range words {
		if w != "" {
			kept = append(kept, w)
		}
	}
	return kept
}

func prefixed(prefix, word string) string {
	if word == "" {
		return ""
	}
	return prefix + word
}

// flat puts control characters out of the way.
func flat(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, s)
}

// short cuts text to n characters.
func short(s string, n int) string {
	s = flat(s)
	if utf8.RuneCountInString(s) <= n {
		return s
	}
	return string([]rune(s)[:n-1]) + "…"
}
