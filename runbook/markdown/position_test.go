package markdown

import (
	"math/rand/v2"
	"testing"
	"unicode/utf8"

	"stet/runbook"
)

// TestIndex compares the index, which skips through long lines, with counting
// from the start.
func TestIndex(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	parts := []string{"a", "é", "→", "\U0001F600", "\xff", "\t", "\x00", "\r"}
	for _, head := range []string{"", "\uFEFF"} {
		src := []byte(head)
		for range 30 {
			for range r.IntN(3) * r.IntN(2500) {
				src = append(src, parts[r.IntN(len(parts))]...)
			}
			src = append(src, "\n"...)
		}
		x := newIndex(src)
		for range 20_000 {
			offset := r.IntN(len(src) + 1)
			got, want := x.position(offset), Position(src, offset)
			if got != want {
				t.Fatalf("offset %d is at %v, want %v", offset, got, want)
			}
			back := x.at(got)
			if back != offset && offset < len(src) && utf8.RuneStart(src[offset]) && src[offset] != '\r' && src[offset] != '\n' && offset >= len(head) {
				t.Fatalf("%v is offset %d, want %d", got, back, offset)
			}
		}
		for p, want := range map[runbook.Position]int{{}: 0, {Line: 99}: len(src), {Line: 1, Column: -5}: len(head), {Line: 2, Column: 1 << 40}: x.lines[2] - 1} {
			if got := x.at(p); got != want && src[max(got, 0)] != '\r' {
				t.Errorf("%v is offset %d, want %d", p, got, want)
			}
		}
	}
}
