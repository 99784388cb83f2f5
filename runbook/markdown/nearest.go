package markdown

import (
	"fmt"
	"slices"
	"strings"
)

// A document with very many faults gets no suggestion for each, and a remedy
// does not list more words than anybody reads.
const (
	maxSuggested = 200_000
	maxListed    = 40
)

// remedy suggests the nearest known word, or lists them.
func (r *reading) remedy(word string, known []string) string {
	if r.suggested += len(known); r.suggested > maxSuggested {
		return "Write one that is known."
	}
	if near := nearest(word, known); near != "" {
		return fmt.Sprintf("Did you mean %q?", near)
	}
	if len(known) == 0 {
		return "Remove it."
	}
	list := sorted(known)
	if more := len(list) - maxListed; more > 0 {
		return fmt.Sprintf("Known are: %s, and %d more.", strings.Join(list[:maxListed], ", "), more)
	}
	return "Known are: " + strings.Join(list, ", ") + "."
}

func sorted(words []string) []string {
	out := slices.Clone(words)
	slices.Sort(out)
	return slices.Compact(out)
}

// nearest is the known word that is at most two slips of the finger away, or
// "". Of several, it is the first of the alphabet.
func nearest(word string, known []string) string {
	best, least := "", 3
	if len(word) > 64 {
		return ""
	}
	word = strings.ToLower(word)
	for _, k := range known {
		if more := len(k) - len(word); more > 2 || more < -2 {
			continue
		}
		d := distance(word, strings.ToLower(k))
		if d < max(len(word), len(k)) && (d < least || d == least && best != "" && k < best) {
			best, least = k, d
		}
	}
	return best
}

// distance is Levenshtein's.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			change := diagonal
			if a[i] != b[j] {
				change++
			}
			diagonal = row[j+1]
			row[j+1] = min(change, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
