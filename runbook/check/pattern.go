package check

import (
	"regexp"
	"sync"
)

// pattern is a regular expression that is compiled when it is first asked for:
// faults are rare, and a program that has none is to start fast.
func pattern(text string) func() *regexp.Regexp {
	return sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(text) })
}
