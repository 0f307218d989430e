//go:build darwin || linux

package terminal

import (
	"time"

	"golang.org/x/sys/unix"
)

// Say shows the person one line between those of the command, and reports whether it did.
// It does not while the command draws (its terminal takes keys instead of lines), or
// while another program has made the person's terminal its own; nor while output of the
// command is under way, in the middle of which it would stand, once patience is over. It
// never waits for a person's terminal that takes nothing.
func (t *Terminal) Say(line string, patience time.Duration) bool {
	if !t.Settle(patience) {
		return false
	}
	t.mu.Lock() // nothing is closed meanwhile
	defer t.mu.Unlock()
	if !t.running || !t.showing.TryLock() {
		return false
	}
	defer t.showing.Unlock()
	to := int(t.to.Fd())
	if !makesLines(t.ours) || !t.Attached() && !makesLines(to) { // attached, it is raw by us
		return false
	}
	if ready, err := await(nil, []int{to}, 0); err != nil || !ready[to] {
		return false
	}
	// The carriage returns are for a terminal that is raw.
	line = "\r" + line + "\r\n"
	if t.midLine {
		line = "\r\n" + line[1:]
	}
	_, err := unix.Write(to, []byte(line)) // at once: what did not fit would be late
	t.midLine = false
	return err == nil
}

// makesLines reports whether a terminal is one on which lines are read and written.
func makesLines(file int) bool {
	modes, err := getModes(file)
	return err == nil && modes.Lflag&unix.ICANON != 0 && modes.Oflag&unix.OPOST != 0
}
