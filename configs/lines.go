package configs

import (
	"fmt"
	"slices"
	"strings"
)

// Bounds of a unified diff: lines around a change, and cells of the table by
// which the longest common part is found. Past the bound the changed stretch is
// shown as replaced whole.
const (
	diffContext = 3
	maxCells    = 4_000_000
)

// edit is one line of a comparison: ' ' both, '-' before only, '+' after only.
type edit struct {
	kind          byte
	before, after int // line indexes from 0
}

// unifiedDiff compares two texts by line, with secrets masked.
func unifiedDiff(before, after []byte, known []string) []string {
	a, b := splitLines(before), splitLines(after)
	edits := compareLines(a, b)
	a, b = maskLines(a, known), maskLines(b, known)
	var out []string
	for start := 0; start < len(edits); {
		if edits[start].kind == ' ' {
			start++
			continue
		}
		from := max(0, start-diffContext)
		end, quiet := start, 0
		for end < len(edits) && quiet <= 2*diffContext {
			if edits[end].kind == ' ' {
				quiet++
			} else {
				quiet = 0
			}
			end++
		}
		if quiet > diffContext {
			end -= quiet - diffContext
		}
		out = append(out, hunk(edits[from:end], a, b)...)
		start = end
	}
	return out
}

func splitLines(text []byte) []string {
	lines := strings.Split(strings.ToValidUTF8(string(text), "�"), "\n")
	if lines[len(lines)-1] == "" {
		lines = lines[:len(lines)-1]
	}
	for i, line := range lines {
		lines[i] = strings.TrimSuffix(line, "\r")
	}
	return lines
}

func hunk(edits []edit, a, b []string) []string {
	lines := []string{""}
	var countA, countB int
	for _, e := range edits {
		switch e.kind {
		case '-':
			lines = append(lines, "-"+a[e.before])
			countA++
		case '+':
			lines = append(lines, "+"+b[e.after])
			countB++
		default:
			lines = append(lines, " "+b[e.after])
			countA++
			countB++
		}
	}
	startA, startB := edits[0].before+1, edits[0].after+1
	if countA == 0 {
		startA--
	}
	if countB == 0 {
		startB--
	}
	lines[0] = fmt.Sprintf("@@ -%d,%d +%d,%d @@", startA, countA, startB, countB)
	return lines
}

// compareLines finds the longest common lines between the first and the last
// difference.
func compareLines(a, b []string) []edit {
	head := 0
	for head < len(a) && head < len(b) && a[head] == b[head] {
		head++
	}
	tail := 0
	for tail < len(a)-head && tail < len(b)-head && a[len(a)-1-tail] == b[len(b)-1-tail] {
		tail++
	}
	var edits []edit
	for i := range head {
		edits = append(edits, edit{' ', i, i})
	}
	edits = append(edits, middle(a[head:len(a)-tail], b[head:len(b)-tail], head)...)
	for i := range tail {
		edits = append(edits, edit{' ', len(a) - tail + i, len(b) - tail + i})
	}
	return edits
}

func middle(a, b []string, offset int) []edit {
	var edits []edit
	i, j := 0, 0
	if len(a)*len(b) <= maxCells {
		// common[i][j] is the length of the longest common part of a[i:] and b[j:].
		width := len(b) + 1
		common := make([]int32, (len(a)+1)*width)
		for i, lineA := range slices.Backward(a) {
			for j, lineB := range slices.Backward(b) {
				if lineA == lineB {
					common[i*width+j] = common[(i+1)*width+j+1] + 1
				} else {
					common[i*width+j] = max(common[(i+1)*width+j], common[i*width+j+1])
				}
			}
		}
		for i < len(a) && j < len(b) {
			switch {
			case a[i] == b[j]:
				edits = append(edits, edit{' ', offset + i, offset + j})
				i++
				j++
			case common[(i+1)*width+j] >= common[i*width+j+1]:
				edits = append(edits, edit{'-', offset + i, offset + j})
				i++
			default:
				edits = append(edits, edit{'+', offset + i, offset + j})
				j++
			}
		}
	}
	for ; i < len(a); i++ {
		edits = append(edits, edit{'-', offset + i, offset + j})
	}
	for ; j < len(b); j++ {
		edits = append(edits, edit{'+', offset + i, offset + j})
	}
	return edits
}
