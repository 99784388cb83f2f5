package inventory

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
)

const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"

// expand makes the names that a pattern stands for: "r[01:50]", "r[a:c].lab",
// "r[1:9:2]", also several ranges, and a port after them ("r1:2222"). More than
// limit names are an error.
func expand(pattern string, limit int) (names []string, port int, err error) {
	name, port, err := splitPort(pattern)
	if err != nil {
		return nil, 0, err
	}
	names, err = ranges(name, limit)
	if err != nil {
		return nil, 0, fmt.Errorf("expanding %q: %w", pattern, err)
	}
	return names, port, nil
}

// splitPort takes the port off a name. A colon within brackets belongs to a
// range, and an IPv6 address is all name.
func splitPort(pattern string) (name string, port int, err error) {
	if _, err := netip.ParseAddr(pattern); err == nil {
		return pattern, 0, nil
	}
	if inner, rest, ok := strings.Cut(strings.TrimPrefix(pattern, "["), "]"); ok && strings.HasPrefix(pattern, "[") {
		if _, err := netip.ParseAddr(inner); err == nil { // [2001:db8::1]:22
			pattern = inner + rest
			if rest == "" {
				return inner, 0, nil
			}
		}
	}
	at := strings.LastIndexByte(pattern, ':')
	if at < 0 || strings.LastIndexByte(pattern, ']') > at {
		return pattern, 0, nil
	}
	port, err = strconv.Atoi(pattern[at+1:])
	if err != nil || port < 1 || port > 65535 {
		return "", 0, fmt.Errorf("reading the host %q: %q is no port", pattern, pattern[at+1:])
	}
	return pattern[:at], port, nil
}

func ranges(pattern string, limit int) ([]string, error) {
	head, rest, ok := strings.Cut(pattern, "[")
	if !ok {
		if limit < 1 {
			return nil, fmt.Errorf("there are more than %d hosts", maxHosts)
		}
		if pattern == "" || strings.ContainsAny(pattern, "]\x00") {
			return nil, fmt.Errorf("%q is no name", pattern)
		}
		return []string{pattern}, nil
	}
	inside, tail, ok := strings.Cut(rest, "]")
	if !ok {
		return nil, fmt.Errorf("the range has no end")
	}
	items, err := sequence(inside, limit)
	if err != nil {
		return nil, err
	}
	var out []string
	for _, item := range items {
		more, err := ranges(head+item+tail, limit-len(out))
		if err != nil {
			return nil, err
		}
		out = append(out, more...)
	}
	return out, nil
}

// sequence is what stands in the brackets: "01:50", "a:f", "0:10:2".
func sequence(text string, limit int) ([]string, error) {
	bounds := strings.Split(text, ":")
	if len(bounds) != 2 && len(bounds) != 3 {
		return nil, fmt.Errorf("[%s] is no range: write [FIRST:LAST] or [FIRST:LAST:STEP]", text)
	}
	first, last, step := bounds[0], bounds[1], 1
	if first == "" {
		first = "0"
	}
	if len(bounds) == 3 {
		n, err := strconv.Atoi(bounds[2])
		if err != nil || n < 1 {
			return nil, fmt.Errorf("the step %q of the range is no number above 0", bounds[2])
		}
		step = n
	}
	if a, b := strings.Index(letters, first), strings.Index(letters, last); len(first) == 1 && len(last) == 1 && a >= 0 && b >= 0 {
		return counted(a, b, step, limit, func(i int) string { return letters[i : i+1] })
	}
	a, erra := strconv.Atoi(first)
	b, errb := strconv.Atoi(last)
	if erra != nil || errb != nil || a < 0 || b < 0 {
		return nil, fmt.Errorf("[%s] counts neither numbers nor letters", text)
	}
	width := 0
	if len(first) > 1 && first[0] == '0' {
		if width = len(first); width != len(last) {
			return nil, fmt.Errorf("[%s]: %s and %s must be of the same length", text, first, last)
		}
	}
	return counted(a, b, step, limit, func(i int) string { return fmt.Sprintf("%0*d", width, i) })
}

func counted(a, b, step, limit int, name func(int) string) ([]string, error) {
	switch {
	case a > b:
		return nil, fmt.Errorf("the range begins after its end")
	case (b-a)/step >= limit:
		return nil, fmt.Errorf("there are more than %d hosts", maxHosts)
	}
	out := make([]string, 0, (b-a)/step+1)
	for i := a; i <= b; i += step {
		out = append(out, name(i))
	}
	return out, nil
}
