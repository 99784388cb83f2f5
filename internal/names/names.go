// Package names writes lists of names as people do: "r1–r40, r42".
package names

import (
	"fmt"
	"strconv"
	"strings"
)

// Fold writes names in their order. Three or more that follow each other in one
// number, and are the same otherwise, become a range. Every name can be read
// off the result.
func Fold(names []string) string { return strings.Join(folded(names), ", ") }

// Short is Fold of at most most names or ranges, and how many names are left.
func Short(names []string, most int) string {
	parts := folded(names)
	if len(parts) <= most {
		return strings.Join(parts, ", ")
	}
	shown := 0
	for left := parts[:most]; len(left) > 0; left = left[1:] {
		shown += size(left[0], names[shown:])
	}
	return fmt.Sprintf("%s and %d more", strings.Join(parts[:most], ", "), len(names)-shown)
}

// size counts the names that a part of a folded list stands for.
func size(part string, names []string) int {
	n := run(names)
	if n > 1 && part == names[0]+"–"+names[n-1] {
		return n
	}
	return 1
}

func folded(names []string) []string {
	var out []string
	for len(names) > 0 {
		n := run(names)
		if n > 1 {
			out = append(out, names[0]+"–"+names[n-1])
		} else {
			out = append(out, names[0])
		}
		names = names[n:]
	}
	return out
}

// run is how many names at the beginning are one range: 1, or at least 3.
func run(names []string) int {
	if len(names) < 3 {
		return 1
	}
	before, number, after, ok := parts(names[0], names[1])
	if !ok {
		return 1
	}
	n := 2
	for want := number + 2; n < len(names) && names[n] == write(before, want, after, names[0]); want++ {
		n++
	}
	if n < 3 {
		return 1
	}
	return n
}

// parts finds the number in which b follows a: what stands before it, its value
// in a, what stands after it.
func parts(a, b string) (before string, number int, after string, ok bool) {
	for end := len(a); end > 0; end-- {
		if !digit(a[end-1]) || end < len(a) && digit(a[end]) {
			continue
		}
		start := end
		for start > 0 && digit(a[start-1]) {
			start--
		}
		n, err := strconv.Atoi(a[start:end])
		if err == nil && end-start <= 9 && b == write(a[:start], n+1, a[end:], a) {
			return a[:start], n, a[end:], true
		}
	}
	return "", 0, "", false
}

func digit(c byte) bool { return c >= '0' && c <= '9' }

// write makes a name of its parts, as wide as like when that counts with zeros
// at the front.
func write(before string, n int, after, like string) string {
	digits := like[len(before) : len(like)-len(after)]
	if len(digits) > 1 && digits[0] == '0' {
		return fmt.Sprintf("%s%0*d%s", before, len(digits), n, after)
	}
	return before + strconv.Itoa(n) + after
}
