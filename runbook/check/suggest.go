package check

import (
	"sort"
	"strings"
)

// didYouMean is `; did you mean "x"?` for the closest of the names, or "".
func didYouMean(word string, names []string) string {
	if best := closest(word, names); best != "" {
		return "; did you mean " + best + "?"
	}
	return ""
}

// closest is the name that needs the fewest edits to become word, if that is
// few enough to be a slip; "" otherwise. Ties go to the first in the alphabet.
func closest(word string, names []string) string {
	if word == "" || len(word) > 64 {
		return ""
	}
	sorted := append([]string(nil), names...)
	sort.Strings(sorted)
	limit := 1 + len(word)/4
	best, least := "", limit+1
	for _, name := range sorted {
		if name == word || strings.HasPrefix(name, "$") || len(name) > 64 {
			continue
		}
		if strings.EqualFold(name, word) {
			return name
		}
		if d := editDistance(strings.ToLower(word), strings.ToLower(name)); d < least {
			best, least = name, d
		}
	}
	return best
}

// editDistance counts insertions, deletions, replacements and swaps of
// neighbours (optimal string alignment).
func editDistance(a, b string) int {
	x, y := []rune(a), []rune(b)
	rows := make([][]int, len(x)+1)
	for i := range rows {
		rows[i] = make([]int, len(y)+1)
		rows[i][0] = i
	}
	for j := range rows[0] {
		rows[0][j] = j
	}
	for i := 1; i <= len(x); i++ {
		for j := 1; j <= len(y); j++ {
			cost := 1
			if x[i-1] == y[j-1] {
				cost = 0
			}
			d := min(rows[i-1][j]+1, rows[i][j-1]+1, rows[i-1][j-1]+cost)
			if i > 1 && j > 1 && x[i-1] == y[j-2] && x[i-2] == y[j-1] {
				d = min(d, rows[i-2][j-2]+1)
			}
			rows[i][j] = d
		}
	}
	return rows[len(x)][len(y)]
}
