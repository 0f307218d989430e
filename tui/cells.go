package tui

import (
	"strconv"
	"strings"

	"github.com/charmbracelet/x/ansi"
)

// cell is one column of a row of a frame.
type cell struct {
	text  string // empty: the right half of a wide character
	style string // the sequences in force, since the last that ended all
}

// emptyCell is what stands where nothing was written.
func emptyCell() cell { return cell{text: " "} }

// cellsOf takes a row apart; false: it holds something else than text and styles.
func cellsOf(into []cell, row string) ([]cell, bool) {
	into = into[:0]
	style := ""
	for i := 0; i < len(row); {
		switch c := row[i]; {
		case c == 0x1b:
			n := styleLength(row[i:])
			if n == 0 {
				return into, false
			}
			switch sequence := row[i : i+n]; {
			case sequence == "\x1b[m" || sequence == "\x1b[0m":
				style = ""
			case style == "":
				style = sequence
			default:
				style += sequence
			}
			i += n
		case c < 0x20 || c == 0x7f:
			return into, false
		case c < 0x80 && (i+1 == len(row) || row[i+1] < 0x80): // no mark follows
			into = append(into, cell{row[i : i+1], style})
			i++
		default:
			text, width := ansi.FirstGraphemeCluster(row[i:], ansi.GraphemeWidth)
			if width < 1 || width > 2 {
				return into, false
			}
			if into = append(into, cell{text, style}); width == 2 {
				into = append(into, cell{"", style})
			}
			i += len(text)
		}
	}
	return into, true
}

// styleLength is how long the sequence is that text begins with, if it chooses a style;
// else 0.
func styleLength(text string) int {
	if !strings.HasPrefix(text, "\x1b[") {
		return 0
	}
	for i := 2; i < len(text); i++ {
		switch c := text[i]; {
		case c == 'm':
			return i + 1
		case c != ';' && (c < '0' || c > '9'):
			return 0
		}
	}
	return 0
}

// nearby is how many cells that stay are written again rather than left out by moving.
const nearby = 5

// appendChanges adds what makes a row of the terminal, that shows old, show fresh. The
// halves of a wide character change together, so none is written by halves.
func appendChanges(out []byte, row int, old, fresh []cell) []byte {
	at := func(cells []cell, column int) cell {
		if column < len(cells) {
			return cells[column]
		}
		return emptyCell()
	}
	end := len(fresh) // of what is not blank
	for end > 0 && fresh[end-1] == emptyCell() {
		end--
	}
	columns, moved := max(len(old), len(fresh)), false
	for column := 0; column < columns; column++ {
		if at(old, column) == at(fresh, column) {
			continue
		}
		stop := column + 1
		for next := stop; next < columns && next-stop < nearby; next++ {
			if at(old, next) != at(fresh, next) {
				stop = next + 1
			}
		}
		erases := stop > end
		column = min(column, end)
		out, moved = moveToCell(out, row, column, moved), true
		out = appendCells(out, fresh[column:min(stop, end)])
		if erases { // all that follows is blank
			return append(out, ansi.EraseLineRight...)
		}
		column = stop - 1
	}
	return out
}

func appendCells(out []byte, cells []cell) []byte {
	style := ""
	for _, c := range cells {
		if c.style != style {
			if style != "" {
				out = append(out, ansi.ResetStyle...)
			}
			style = c.style
			out = append(out, style...)
		}
		out = append(out, c.text...)
	}
	if style != "" {
		out = append(out, ansi.ResetStyle...)
	}
	return out
}

// moveToCell adds the sequence that moves to a cell; there: the row is the same already.
func moveToCell(out []byte, row, column int, there bool) []byte {
	switch {
	case there:
		out = strconv.AppendInt(append(out, "\x1b["...), int64(column+1), 10)
		return append(out, 'G')
	case column == 0:
		return moveTo(out, row)
	}
	out = strconv.AppendInt(append(out, "\x1b["...), int64(row+1), 10)
	out = strconv.AppendInt(append(out, ';'), int64(column+1), 10)
	return append(out, 'H')
}
