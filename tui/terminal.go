package tui

import (
	"os"
	"sync"
	"time"
)

// terminal is the output file with each frame between marks that tell the
// terminal to show it at once (mode 2026; terminals that do not know it ignore
// them). It is safe for concurrent use.
type terminal struct {
	*os.File

	pace pace

	mu    sync.Mutex
	frame []byte
	bytes int64
}

const (
	syncBegin = "\x1b[?2026h"
	syncEnd   = "\x1b[?2026l"
	// Shorter writes are single commands such as "hide the cursor".
	shortWrite = 48
)

// Write writes p in one call.
func (t *terminal) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(p) < shortWrite {
		n, err := t.write(p)
		t.bytes += int64(n)
		return n, err
	}
	t.frame = append(append(append(t.frame[:0], syncBegin...), p...), syncEnd...)
	n, err := t.write(t.frame)
	t.bytes += int64(n)
	if err != nil {
		return max(min(n-len(syncBegin), len(p)), 0), err
	}
	return len(p), nil
}

// write writes, and tells the pace how long that took.
func (t *terminal) write(p []byte) (int, error) {
	begin := time.Now()
	n, err := t.File.Write(p)
	t.pace.wrote(n, begin, time.Now())
	return n, err
}

// WriteString is Write.
func (t *terminal) WriteString(s string) (int, error) { return t.Write([]byte(s)) }

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
	n, _ := t.write([]byte(sequence))
	t.bytes += int64(n)
}
