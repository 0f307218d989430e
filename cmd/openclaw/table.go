package main

import (
	"fmt"
	"strings"
	"text/tabwriter"
	"time"
	"unicode"

	"openclaw/sandbox/policy"
)

// table writes rows in columns, without what looks like a secret. Cells are made printable: a path or a command
// line is an agent's own words and may hold what moves a cursor.
func (t *terminal) table(header string, rows [][]string) {
	w := tabwriter.NewWriter(t.out, 0, 8, 2, ' ', 0)
	fmt.Fprintln(w, header)
	for _, row := range rows {
		for i, cell := range row {
			row[i] = printable(t.masked(cell))
		}
		fmt.Fprintln(w, strings.Join(row, "\t"))
	}
	t.written(w.Flush())
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

// because is a rule with the place where it is written.
func because(rule string, origin policy.Origin) string {
	if origin.File == "" {
		return rule
	}
	return rule + " (" + origin.String() + ")"
}
