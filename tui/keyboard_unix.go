//go:build unix

package tui

import (
	"errors"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// readable waits at most a time for something to read.
func readable(f *os.File, wait time.Duration) bool {
	end := time.Now().Add(wait)
	for {
		left := max(time.Until(end), 0)
		poll := []unix.PollFd{{Fd: int32(f.Fd()), Events: unix.POLLIN}}
		n, err := unix.Poll(poll, int((left+time.Millisecond-1)/time.Millisecond))
		if errors.Is(err, unix.EINTR) && left > 0 {
			continue
		}
		return err == nil && n > 0
	}
}

// keys is what the keys are read from.
func keys(f *os.File) *keyboard { return newKeyboard(f) }
