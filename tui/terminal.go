package tui

import (
	"os"
	"strings"
	"sync"
	"time"

	"github.com/charmbracelet/x/ansi"
)

// terminal is the output file. Bubble Tea switches its modes (the alternate screen,
// the cursor, the mouse), which arrives as WriteString; the frames are painted by
// paint and not by Bubble Tea's own renderer, whose ticker wakes the machine thirty
// times a second also when nothing changes. What that renderer draws comes as Write,
// and is left out. It is safe for concurrent use.
type terminal struct {
	*os.File

	pace pace
	next next

	mu    sync.Mutex
	ours  bool     // the alternate screen is on
	shown []string // its rows; nil: unknown
	frame []byte
	old   []cell // of the row that is being painted, as it stands and as it will
	fresh []cell
	bytes int64
}

func newTerminal(f *os.File) *terminal {
	return &terminal{File: f, next: next{wake: make(chan struct{}, 1)}}
}

const (
	syncBegin = "\x1b[?2026h"
	syncEnd   = "\x1b[?2026l"
)

// Write leaves p out: it is a frame of Bubble Tea's renderer.
func (t *terminal) Write(p []byte) (int, error) { return len(p), nil }

// WriteString writes a command of Bubble Tea, and notes what it does to the frame
// that stands.
func (t *terminal) WriteString(s string) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case strings.Contains(s, ansi.SetModeAltScreenSaveCursor):
		t.ours, t.shown = true, nil
	case strings.Contains(s, ansi.ResetModeAltScreenSaveCursor):
		t.ours, t.shown = false, nil
	case strings.Contains(s, ansi.EraseEntireScreen):
		t.shown = nil
	}
	return t.write([]byte(s))
}

// write writes, and tells the pace how long that took.
func (t *terminal) write(p []byte) (int, error) {
	begin := time.Now()
	n, err := t.File.Write(p)
	t.pace.wrote(n, begin, time.Now())
	t.bytes += int64(n)
	return n, err
}

// The window's title is kept on the terminal's own stack while the screen runs.
// Terminals without one ignore this.
const (
	titleSave    = "\x1b[22;2t"
	titleRestore = "\x1b[23;2t"
)

// command writes a control sequence between two frames. What cannot be written
// is no loss.
func (t *terminal) command(sequence string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	_, _ = t.write([]byte(sequence))
}
