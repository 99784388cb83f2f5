package netstate

import "testing"

// TestRED compares with what tc(8) of iproute2 6.1 sends for the same words (strace).
func TestRED(t *testing.T) {
	for _, c := range []struct {
		options Attrs
		want    RED
	}{
		{Attrs{}, RED{}},
		{Attrs{"ecn": "false"}, RED{}},
		{Attrs{"redflowlimit": "100000", "min": "8000", "max": "60000", "probability": "0.06", "ecn": "true"}, RED{8000, 60000, 6, 20, 257698037}},
		{Attrs{"redflowlimit": "1000000", "harddrop": "true"}, RED{83333, 250000, 6, 23, 85899345}},
		{Attrs{"redflowlimit": "30000"}, RED{2500, 7500, 2, 18, 85899345}},
		{Attrs{"redflowlimit": "1000000", "probability": "0.5"}, RED{83333, 250000, 6, 19, 1 << 31}},
		{Attrs{"redflowlimit": "12000"}, RED{1000, 3000, 1, 17, 85899345}},
		{Attrs{"max": "3000"}, RED{1000, 3000, 1, 17, 85899345}},
	} {
		if got, key, fault := REDOf(c.options); got != c.want || fault != "" {
			t.Errorf("%v: %+v %s %s, want %+v", c.options, got, key, fault, c.want)
		}
	}
}

// TestProbability reads what it writes.
func TestProbability(t *testing.T) {
	for text, want := range map[string]uint32{"0.02": 85899345, "0.5": 1 << 31, "0.06": 257698037, "2.3283064365386963e-10": 1, "0.9999999997671694": 1<<32 - 1} {
		n, err := ParseProbability(text)
		if err != nil || n != want {
			t.Errorf("%s: %d %v, want %d", text, n, err, want)
		}
		if back, err := ParseProbability(FormatProbability(n)); err != nil || back != n {
			t.Errorf("%s: %s", text, FormatProbability(n))
		}
	}
	for _, text := range []string{"", "0", "1", "-0.1", "2%", "NaN", "1e-10", "inf"} {
		if n, err := ParseProbability(text); err == nil {
			t.Errorf("%q: %d", text, n)
		}
	}
}
