package view

import (
	"fmt"
	"slices"
	"strings"
)

// factSummary says what a snapshot recorded: "5 links, 12 routes".
func factSummary(facts map[string]int) string {
	kinds := make([]string, 0, len(facts))
	for kind := range facts {
		kinds = append(kinds, kind)
	}
	slices.Sort(kinds)
	for i, kind := range kinds {
		kinds[i] = fmt.Sprintf("%d %s", facts[kind], kind)
	}
	return strings.Join(kinds, ", ")
}
