// Gotest runs `go test -json` with the arguments that it is given, prints what
// `go test` would have printed, and ends with what tests have told of themselves
// (testing.T.Attr), a count of the tests, and the reason of every skip. WHERE in
// the environment says where they ran.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"slices"
	"strings"
)

func main() {
	code, err := run(os.Args[1:], os.Stdout)
	if err != nil {
		fmt.Fprintln(os.Stderr, "gotest:", err)
	}
	os.Exit(code)
}

func run(args []string, out io.Writer) (int, error) {
	goTool := os.Getenv("GO")
	if goTool == "" {
		goTool = "go"
	}
	cmd := exec.Command(goTool, append([]string{"test", "-json"}, args...)...)
	cmd.Stderr = os.Stderr
	pipe, err := cmd.StdoutPipe()
	if err != nil {
		return 1, fmt.Errorf("opening a pipe: %w", err)
	}
	if err := cmd.Start(); err != nil {
		return 1, fmt.Errorf("starting go test: %w", err)
	}
	s := newSummary(out)
	unread := s.read(pipe)
	err = cmd.Wait()
	s.print()
	if unread != nil {
		return 1, fmt.Errorf("reading the events of go test: %w", unread)
	}
	if err != nil {
		return 1, fmt.Errorf("running go test: %w", err)
	}
	return 0, nil
}

// event is one line of `go test -json` (see `go doc test2json`).
type event struct {
	Action     string
	Package    string
	Test       string
	Output     string
	Key, Value string // of an attribute
}

// summary collects events. It keeps a test's output until it is known how the
// test ended, because only that of failed tests is shown.
type summary struct {
	out                     io.Writer
	lines                   map[string][]string // by package and test
	passed, failed, skipped int
	reasons                 map[string][]string // tests by reason
	attrs                   []string
}

func newSummary(out io.Writer) *summary {
	return &summary{out: out, lines: map[string][]string{}, reasons: map[string][]string{}}
}

func (s *summary) read(r io.Reader) error {
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		var e event
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			fmt.Fprintln(s.out, lines.Text())
			continue
		}
		s.take(e)
	}
	return lines.Err()
}

func (s *summary) take(e event) {
	key := e.Package + " " + e.Test
	switch e.Action {
	case "build-output":
		fmt.Fprint(s.out, e.Output)
	case "output":
		if e.Test == "" {
			s.packageLine(e)
			return
		}
		s.lines[key] = append(s.lines[key], e.Output)
	case "attr":
		s.attrs = append(s.attrs, e.Key+" "+e.Value)
	case "pass", "fail", "skip":
		if e.Test != "" {
			s.end(e, key)
		} else if e.Action == "fail" {
			s.unfinished(e.Package)
		}
	}
}

// packageLine prints the closing line of a package ("ok …", "FAIL …") and
// whatever is said outside of tests; a bare PASS says nothing.
func (s *summary) packageLine(e event) {
	if e.Output != "PASS\n" {
		fmt.Fprint(s.out, e.Output)
	}
}

func (s *summary) end(e event, key string) {
	switch e.Action {
	case "pass":
		s.passed++
	case "fail":
		s.failed++
		for _, line := range s.lines[key] {
			fmt.Fprint(s.out, line)
		}
	case "skip":
		s.skipped++
		why := reason(s.lines[key])
		name := strings.TrimPrefix(e.Package, "stet/") + " " + e.Test
		s.reasons[why] = append(s.reasons[why], name)
	}
	delete(s.lines, key)
}

// unfinished shows what the tests of a package said that have no end: what ended them
// said it last, as a panic does, or the machine that they ran in.
func (s *summary) unfinished(pkg string) {
	for _, key := range slices.Sorted(maps.Keys(s.lines)) {
		if test, of := strings.CutPrefix(key, pkg+" "); of {
			s.failed++
			fmt.Fprintf(s.out, "%s %s has not ended:\n%s", pkg, test, strings.Join(s.lines[key], ""))
			delete(s.lines, key)
		}
	}
}

// reason is what t.Skip said: the text after "file_test.go:12: ".
func reason(lines []string) string {
	for _, line := range slices.Backward(lines) {
		line = strings.TrimSpace(line)
		if _, text, ok := strings.Cut(line, ".go:"); ok {
			if _, said, ok := strings.Cut(text, ": "); ok {
				return said
			}
		}
	}
	return "no reason given"
}

func (s *summary) print() {
	for _, attr := range s.attrs {
		fmt.Fprintln(s.out, attr)
	}
	reasons := make([]string, 0, len(s.reasons))
	for why := range s.reasons {
		reasons = append(reasons, why)
	}
	slices.Sort(reasons)
	for _, why := range reasons {
		tests := s.reasons[why]
		fmt.Fprintf(s.out, "skipped %d: %s\n", len(tests), why)
		for i, name := range tests {
			if i == 5 {
				fmt.Fprintf(s.out, "    … and %d more\n", len(tests)-i)
				break
			}
			fmt.Fprintf(s.out, "    %s\n", name)
		}
	}
	where := ""
	if w := os.Getenv("WHERE"); w != "" {
		where = w + ": "
	}
	fmt.Fprintf(s.out, "%s%d passed, %d failed, %d skipped\n", where, s.passed, s.failed, s.skipped)
}
