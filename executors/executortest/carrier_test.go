package executortest_test

import (
	"strings"
	"testing"

	"stet/executors/executortest"
)

func TestCarrierTold(t *testing.T) {
	for _, c := range []struct {
		flags, operstate string
		want             bool
	}{
		{"BROADCAST MULTICAST", "DOWN", true},
		{"BROADCAST MULTICAST UP LOWER_UP", "UP", true},
		{"LOOPBACK UP LOWER_UP", "UNKNOWN", true},
		{"NO-CARRIER BROADCAST MULTICAST UP", "DOWN", true},
		{"NO-CARRIER BROADCAST MULTICAST UP M-DOWN", "LOWERLAYERDOWN", true},
		{"NO-CARRIER BROADCAST UP LOWER_UP", "DORMANT", true},
		{"NO-CARRIER BROADCAST MULTICAST UP LOWER_UP", "DOWN", false}, // it came
		{"BROADCAST MULTICAST UP", "UP", false},                       // it went
	} {
		if got := executortest.CarrierTold(strings.Fields(c.flags), c.operstate); got != c.want {
			t.Errorf("%s, %s: %v", c.flags, c.operstate, got)
		}
	}
}
