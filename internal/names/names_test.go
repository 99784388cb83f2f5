package names

import (
	"fmt"
	"testing"
)

func many(form string, from, to int) []string {
	var out []string
	for i := from; i <= to; i++ {
		out = append(out, fmt.Sprintf(form, i))
	}
	return out
}

func TestFold(t *testing.T) {
	for _, tt := range []struct {
		names []string
		want  string
	}{
		{nil, ""},
		{[]string{"a"}, "a"},
		{[]string{"r1", "r2"}, "r1, r2"},
		{many("r%d", 1, 40), "r1–r40"},
		{many("r%02d", 1, 12), "r01–r12"},
		{many("r%d", 8, 11), "r8–r11"},
		{append(many("r%d", 1, 3), "r5", "r6", "x"), "r1–r3, r5, r6, x"},
		{append(many("r%d", 1, 3), many("s%d", 4, 6)...), "r1–r3, s4–s6"},
		{many("r%d.lab2.example.net", 1, 3), "r1.lab2.example.net–r3.lab2.example.net"},
		{many("rack%d-r1", 1, 3), "rack1-r1–rack3-r1"},
		{[]string{"r1", "r3", "r2"}, "r1, r3, r2"},
		{[]string{"r01", "r2", "r3"}, "r01, r2, r3"},
		{[]string{"r99999999999999999999", "r1", "r2"}, "r99999999999999999999, r1, r2"},
		{[]string{"1", "2", "3"}, "1–3"},
		{[]string{"", "", ""}, ", , "},
	} {
		if got := Fold(tt.names); got != tt.want {
			t.Errorf("%v: %q, want %q", tt.names, got, tt.want)
		}
	}
}

func TestShort(t *testing.T) {
	names := append(append(many("r%d", 1, 40), "x", "y"), many("s%d", 1, 5)...)
	for most, want := range map[int]string{
		1: "r1–r40 and 7 more", 2: "r1–r40, x and 6 more", 3: "r1–r40, x, y and 5 more", 4: "r1–r40, x, y, s1–s5",
	} {
		if got := Short(names, most); got != want {
			t.Errorf("%d: %q, want %q", most, got, want)
		}
	}
}

// Every name can be read off: unfolding gives them back.
func FuzzFold(f *testing.F) {
	f.Add("r1", "r2", "r3", "r4")
	f.Add("r09", "r10", "r11", "r12")
	f.Add("a1b1", "a1b2", "a2b2", "a3b2")
	f.Fuzz(func(t *testing.T, a, b, c, d string) {
		in := []string{a, b, c, d}
		n := run(in)
		if n == 2 || n < 1 || n > 4 {
			t.Fatalf("%d of %q", n, in)
		}
		for i := 2; i < n; i++ {
			if _, number, _, ok := parts(in[i-1], in[i]); !ok || number < 0 {
				t.Fatalf("%q is no range", in)
			}
		}
		_, _ = Fold(in), Short(in, 2)
	})
}
