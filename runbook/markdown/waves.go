package markdown

import (
	"fmt"
	"strconv"
	"strings"

	"stet/internal/yaml"
	"stet/runbook"
)

// mostParallel bounds parallel=: each target that runs costs a connection.
const mostParallel = 1000

// parallel reads how many targets a step runs on at once.
func (s *setting) parallel() {
	if n, ok := atOnce(s.a.Value); ok {
		s.b.Parallel = n
		return
	}
	s.bad("bad-value", fmt.Sprintf("parallel=%s is no number of targets", s.a.Value), fmt.Sprintf("Write a number from 1 to %d.", mostParallel))
}

// parallel reads the same of the defaults.
func (d *decoder) parallel(n *yaml.Node) int {
	text, ok := d.text(n, "parallel")
	if !ok {
		return 0
	}
	at, ok := atOnce(text)
	if !ok {
		d.wrong(n, "bad-value", fmt.Sprintf("parallel: %q is no number of targets", text), fmt.Sprintf("Write a number from 1 to %d.", mostParallel))
	}
	return at
}

func atOnce(text string) (int, bool) {
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > mostParallel {
		return 0, false
	}
	return n, true
}

// batch reads the sizes of waves: "1,10%,100%". "rest" is 100%.
func (s *setting) batch() {
	var waves []runbook.Share
	for word := range strings.SplitSeq(s.a.Value, ",") {
		word = strings.TrimSpace(word)
		if word == "rest" {
			word = "100%"
		}
		wave, ok := share(word)
		if !ok || wave.N == 0 {
			s.bad("bad-value", fmt.Sprintf("%q is no size of a wave", word), "Write numbers of targets and percentages: batch=1,10%,100%.")
			return
		}
		waves = append(waves, wave)
	}
	s.b.Batch = waves
}

// maxFailures reads how many targets may fail.
func (s *setting) maxFailures() {
	most, ok := share(s.a.Value)
	if !ok {
		s.bad("bad-value", fmt.Sprintf("max-failures=%s is neither a number nor a percentage", s.a.Value), "Write max-failures=2 or max-failures=10%.")
		return
	}
	s.b.MaxFailures = most
}

// maxFailures reads the same of the defaults.
func (d *decoder) maxFailures(n *yaml.Node) runbook.Share {
	text, ok := d.text(n, "max-failures")
	if !ok {
		return runbook.Share{}
	}
	most, ok := share(text)
	if !ok {
		d.wrong(n, "bad-value", fmt.Sprintf("max-failures: %q is neither a number nor a percentage", text), "Write 2 or 10%.")
	}
	return most
}

// share reads "3" or "10%".
func share(text string) (runbook.Share, bool) {
	digits, percent := strings.CutSuffix(text, "%")
	n, err := strconv.Atoi(digits)
	if err != nil || n < 0 || percent && n > 100 || strings.HasPrefix(digits, "+") {
		return runbook.Share{}, false
	}
	return runbook.Share{N: n, Percent: percent}, true
}
