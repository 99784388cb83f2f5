package check

import (
	"fmt"
	"math"
	"reflect"
	"strconv"
	"strings"
	"time"
)

// Bounds of what an explanation shows.
const (
	maxValue    = 240
	maxString   = 120
	maxElements = 6
	maxOperands = 24
)

// render is a value on one line, bounded and the same each time.
func render(v any) string { return short(renderDeep(v, 0), maxValue) }

func renderDeep(v any, depth int) string {
	switch x := v.(type) {
	case nil:
		return "nil"
	case string:
		return strconv.Quote(short(x, maxString))
	case bool:
		return strconv.FormatBool(x)
	case float64:
		return decimal(x)
	case time.Duration:
		return x.String()
	case time.Time:
		return x.Format(time.RFC3339)
	}
	if text, ok := summary(v); ok {
		return text
	}
	r := reflect.ValueOf(v)
	switch r.Kind() {
	case reflect.Slice, reflect.Array:
		return renderList(r, depth)
	case reflect.Map:
		return renderMap(r, depth)
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

func renderList(r reflect.Value, depth int) string {
	if r.Kind() == reflect.Slice && r.Type().Elem().Kind() == reflect.Uint8 {
		return strconv.Quote(short(string(r.Bytes()), maxString))
	}
	if depth > 3 {
		return "[…]"
	}
	var elements []string
	for i := range min(r.Len(), maxElements) {
		elements = append(elements, renderDeep(r.Index(i).Interface(), depth+1))
	}
	text := "[" + strings.Join(elements, ", ")
	if r.Len() > maxElements {
		text = short(text, maxValue-30) + fmt.Sprintf(", … %d in all", r.Len())
	}
	return text + "]"
}

func renderMap(r reflect.Value, depth int) string {
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
		entries = append(entries, short(k, 40)+": "+renderDeep(keys[k].Interface(), depth+1))
	}
	return "{" + strings.Join(entries, ", ") + "}"
}

// summary says of a fact or an answer what an operator looks for first.
func summary(v any) (string, bool) {
	switch x := v.(type) {
	case link:
		return linkSummary(x), true
	case address:
		return x.Dev + " " + x.Prefix, true
	case route:
		return routeItem(x).String(), true
	case nexthop:
		return hopText(x, true), true
	case rule:
		return x.Text, true
	case neighbour:
		return strings.Join(nonEmpty(x.Dev, x.IP, x.MAC, x.State), " "), true
	case fdbEntry:
		return strings.Join(nonEmpty(x.Dev, x.MAC, x.Dst, x.State), " "), true
	case counters:
		return fmt.Sprintf("%d packets, %d bytes, %d errors, %d dropped", x.Packets, x.Bytes, x.Errors, x.Dropped), true
	case pingReply:
		return answer(x.OK, fmt.Sprintf("%d of %d replies", x.Received, x.Sent), x.Error), true
	case tcpReply:
		return answer(x.OK, "connected", x.Error), true
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
		return outputSummary(x), true
	case changes:
		if x.Empty {
			return "no differences", true
		}
		return fmt.Sprintf("%d appeared, %d vanished, %d changed", len(x.Appeared), len(x.Vanished), len(x.Changed)), true
	case difference:
		return differenceSummary(x), true
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

func answer(ok bool, what, reason string) string {
	word := "ok"
	if !ok {
		word = "not ok"
	}
	if reason != "" {
		return word + ": " + strings.Join(nonEmpty(what, reason), ", ")
	}
	return word + ": " + what
}

func outputSummary(o output) string {
	text := fmt.Sprintf("exit %d, out %s", o.Exit, strconv.Quote(short(o.Out, maxString)))
	if o.Err != "" {
		text += ", err " + strconv.Quote(short(o.Err, maxString))
	}
	return text
}

func differenceSummary(d difference) string {
	if d.Empty {
		return "no differences"
	}
	var words []string
	parts := d.parts()
	for _, kind := range sortedKeys(parts) {
		if !parts[kind].Empty && d.has[kind] {
			text, _ := summary(*parts[kind])
			words = append(words, kind+": "+text)
		}
	}
	return strings.Join(words, "; ")
}

// subject names an element of a list in few words.
func subject(v any) string {
	switch x := v.(type) {
	case link:
		return x.Name
	case route:
		return routeItem(x).key
	case address:
		return x.Dev + " " + x.Prefix
	case neighbour:
		return x.Dev + " " + x.IP
	}
	return render(v)
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
