package runbook

import "strconv"

// Share is a part of a step's targets: so many of them, or so many percent.
type Share struct {
	N       int
	Percent bool
}

// Of is how many of total targets the share is, never more than all of them.
// What is left of a percentage counts for nothing: 10% of 15 is 1.
func (s Share) Of(total int) int {
	n := s.N
	if s.Percent {
		n = s.N * total / 100
	}
	return max(0, min(n, total))
}

// String is the share as attributes write it: "3", "10%".
func (s Share) String() string {
	if s.Percent {
		return strconv.Itoa(s.N) + "%"
	}
	return strconv.Itoa(s.N)
}
