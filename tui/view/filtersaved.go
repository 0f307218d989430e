package view

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// SavedFilters are filter lines that have a name: @mine in a filter stands for the
// line of the name mine.
type SavedFilters map[string]string

// UnknownFilterError is the error of a name that no filter is saved under.
type UnknownFilterError struct{ Name string }

func (e *UnknownFilterError) Error() string { return fmt.Sprintf("no filter is saved as %s", e.Name) }

// expand puts saved lines in the place of their names. Where none is saved, an @ is
// text like any other.
func (s SavedFilters) expand(line string) (string, error) {
	if len(s) == 0 || !strings.Contains(line, "@") {
		return line, nil
	}
	words := splitFilter(line)
	for i, word := range words {
		name, is := strings.CutPrefix(word, "@")
		if !is || name == "" {
			continue
		}
		saved, known := s[name]
		if !known {
			return "", &UnknownFilterError{name}
		}
		words[i] = saved
	}
	return strings.Join(words, " "), nil
}

// names are the names as they are typed, as many as fit into a width.
func (s SavedFilters) names(width int) string {
	var out strings.Builder
	for _, name := range slices.Sorted(maps.Keys(s)) {
		if Width(out.String())+Width(name)+2 > width {
			break
		}
		out.WriteString(" @" + name)
	}
	return out.String()
}

// SavedNames are the names that may stand in the line that is typed, as many as fit.
func (b *browse) SavedNames(width int) string {
	if !b.typing || b.saved == nil {
		return ""
	}
	return b.saved.names(width)
}

// next is the name after one that is saved, and the first otherwise that begins so;
// empty: there is none.
func (s SavedFilters) next(begun string) string {
	names := slices.Sorted(maps.Keys(s))
	if i := slices.Index(names, begun); i >= 0 {
		return names[(i+1)%len(names)]
	}
	for _, name := range names {
		if strings.HasPrefix(name, begun) {
			return name
		}
	}
	return ""
}

// With is the filters with another, or without the one of a name where the line is empty.
// They themselves stay.
func (s SavedFilters) With(name, line string) SavedFilters {
	next := maps.Clone(s)
	if next == nil {
		next = SavedFilters{}
	}
	next[name] = line
	if line == "" {
		delete(next, name)
	}
	return next
}
