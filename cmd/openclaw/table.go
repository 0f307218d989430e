package main

import (
	"io"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"openclaw/sandbox/policy"
)

// maxAligned is how long a cell may be for the others of its column to be moved by it. A
// path may have 4,096 bytes, and is an agent's to choose.
const maxAligned = 100

// table writes rows in columns, without what looks like a secret. Cells are made printable: a path or a command
// line is an agent's own words and may hold what moves a cursor. A long one moves only
// what stands behind it in its row.
func (t *terminal) table(header string, rows [][]string) {
	var widths []int
	lines := make([][]string, 0, len(rows)+1)
	for i, row := range append([][]string{strings.Split(header, "\t")}, rows...) {
		for j, cell := range row {
			if i > 0 {
				cell = printable(t.masked(cell))
				row[j] = cell
			}
			if j == len(widths) {
				widths = append(widths, 0)
			}
			if width := utf8.RuneCountInString(cell); width <= maxAligned {
				widths[j] = max(widths[j], width)
			}
		}
		lines = append(lines, row)
	}
	var out strings.Builder
	for _, row := range lines {
		for j, cell := range row {
			out.WriteString(cell)
			if j < len(row)-1 {
				out.WriteString(strings.Repeat(" ", max(0, widths[j]-utf8.RuneCountInString(cell))+2))
			}
		}
		out.WriteByte('\n')
	}
	_, err := io.WriteString(t.out, out.String())
	t.written(err)
}

// printable replaces what a terminal would act on.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if r == unicode.ReplacementChar || !unicode.IsPrint(r) {
			return '·'
		}
		return r
	}, text)
}

// clock is a time of day in the person's zone.
func clock(at time.Time) string {
	if at.IsZero() {
		return "-"
	}
	return at.Local().Format("15:04:05")
}

// because is a rule with the place where it is written, or that it is a built-in one.
func because(rule string, origin policy.Origin) string {
	if origin.File == "" && (origin.BuiltIn == "" || strings.Contains(rule, "built-in: ")) {
		return rule
	}
	return rule + " (" + origin.String() + ")"
}
