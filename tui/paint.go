package tui

import (
	"context"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/charmbracelet/x/ansi"
)

// paintEvery is the least time between two frames. The first after a rest, such as
// that of a key, goes out at once.
const paintEvery = time.Second / 60

// next is the frame to be painted: the newest, whatever came before it.
type next struct {
	wake chan struct{} // one slot: there is one

	mu     sync.Mutex
	frame  string
	width  int
	height int
	whole  bool // whatever stands on the terminal
}

// show has a frame painted. It never waits for the terminal.
func (t *terminal) show(frame string, width, height int) {
	n := &t.next
	n.mu.Lock()
	if width != n.width || height != n.height {
		n.whole = true // the terminal may have moved what stood there
	}
	n.frame, n.width, n.height = frame, width, height
	n.mu.Unlock()
	select {
	case n.wake <- struct{}{}:
	default:
	}
}

// follow paints what is shown until ctx ends. What cannot be written is no loss: who
// reads the keys learns that the terminal is gone.
func (t *terminal) follow(ctx context.Context) {
	var last time.Time
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.next.wake:
		}
		if early := paintEvery - time.Since(last); early > 0 {
			select {
			case <-ctx.Done():
				return
			case <-time.After(early):
			}
		}
		if t.paint() {
			last = time.Now()
		}
	}
}

// paint writes what of the newest frame the terminal does not show, in one
// write and between marks that tell the terminal to show it at once (mode 2026;
// terminals that do not know it ignore them). It reports whether there were any.
func (t *terminal) paint() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.ours {
		return false // it is an editor's, or the shell's: entering it paints anew
	}
	n := &t.next
	n.mu.Lock()
	frame, width, height, whole := n.frame, n.width, n.height, n.whole
	n.whole = false
	n.mu.Unlock()
	if width == 0 {
		return false // no size is known
	}
	if whole {
		t.shown = nil
	}
	rows := strings.Split(frame, "\n")
	out := append(t.frame[:0], syncBegin+ansi.ResetModeAutoWrap...) // no row runs into the next
	start, all := len(out), t.shown == nil
	for i, row := range rows {
		if !all && i < len(t.shown) && t.shown[i] == row {
			continue
		}
		from := len(out)
		out = moveTo(out, i)
		out = append(out, row...)
		if ansi.StringWidth(row) < width { // else it would erase the last cell
			out = append(out, ansi.EraseLineRight...)
		}
		if !all && i < len(t.shown) {
			out = t.shorten(out, from, i, row)
		}
	}
	if all || len(t.shown) > len(rows) {
		if len(rows) < height || !all {
			out = append(moveTo(out, len(rows)), ansi.EraseScreenBelow...)
		}
	}
	if t.shown = rows; len(out) == start {
		return false
	}
	// At the foot the cursor is out of the way of the shell's words when the screen is killed.
	out = append(moveTo(out, height-1), ansi.SetModeAutoWrap+syncEnd...)
	t.frame = out
	if _, err := t.write(out); err != nil {
		t.shown = nil
	}
	return true
}

// shorten puts in the place of a whole row, which out holds from a place on, what of it
// changed, where that is shorter.
func (t *terminal) shorten(out []byte, from, row int, fresh string) []byte {
	var known, good bool
	t.old, known = cellsOf(t.old, t.shown[row])
	t.fresh, good = cellsOf(t.fresh, fresh)
	if !known || !good {
		return out
	}
	whole := len(out)
	out = appendChanges(out, row, t.old, t.fresh)
	if len(out)-whole >= whole-from {
		return out[:whole]
	}
	return append(out[:from], out[whole:]...)
}

// moveTo adds the sequence that moves to the beginning of a row.
func moveTo(out []byte, row int) []byte {
	out = strconv.AppendInt(append(out, "\x1b["...), int64(row+1), 10)
	return append(out, 'H')
}
