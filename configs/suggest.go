package configs

import (
	"slices"
	"strings"
)

// didYouMean gives `; did you mean "x"?` for the known word that is nearest to
// word, or nothing when none is near.
func didYouMean(word string, known []string) string {
	if near := nearest(word, known); near != "" {
		return `; did you mean "` + near + `"?`
	}
	return ""
}

// nearest returns the known word within a third of its length in edits, the
// first by name when several are equally near.
func nearest(word string, known []string) string {
	if len(word) > 64 {
		return ""
	}
	plain := func(s string) string {
		return strings.NewReplacer("_", "", "-", "", " ", "").Replace(strings.ToLower(s))
	}
	best, bestEdits := "", 1<<30
	for _, candidate := range slices.Sorted(slices.Values(known)) {
		edits := distance(plain(word), plain(candidate))
		if edits < bestEdits && edits <= max(1, len(candidate)/3) {
			best, bestEdits = candidate, edits
		}
	}
	return best
}

// distance counts insertions, deletions, substitutions and swaps of neighbours.
func distance(a, b string) int {
	before, last := make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row := make([]int, len(b)+1)
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		before, last = last, row
	}
	return last[len(b)]
}
