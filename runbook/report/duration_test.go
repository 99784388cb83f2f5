package report

import (
	"testing"
	"time"
)

func TestDuration(t *testing.T) {
	for d, want := range map[time.Duration]string{
		-1:                                    "0 s",
		130 * time.Millisecond:                "0.13 s",
		12 * time.Second:                      "12 s",
		59*time.Second + 600*time.Millisecond: "1 min",
		time.Hour:                             "1 h",
		125 * time.Second:                     "2 min 5 s",
		3*time.Hour + 4*time.Minute + 40*time.Second: "3 h 5 min",
	} {
		if got := Duration(d); got != want {
			t.Errorf("%d: got %q, want %q", d, got, want)
		}
	}
}
