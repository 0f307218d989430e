//go:build linux

package stage

import (
	"os"
	"os/signal"

	"golang.org/x/sys/unix"
)

// hearKey tells the supervisor of the key that stops a job, where init leads the
// group that has the terminal: a command that waits in the kernel for an answer of
// the supervisor's does not stop before it has it, and init would hear of no stop.
// Nobody inside can send init a signal.
func (s *stage) hearKey() {
	if unix.Getpgrp() != os.Getpid() {
		return
	}
	typed := make(chan os.Signal, 1)
	signal.Notify(typed, unix.SIGTSTP)
	go func() {
		for range typed {
			_ = s.conn.Send(KindKey, nil) // the supervisor may have gone; so will this process
		}
	}()
}
