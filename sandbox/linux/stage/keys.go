//go:build linux

package stage

import (
	"os"
	"os/signal"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// hearing is how long after the supervisor the first process may hear of a signal that
// was sent to the group of both. One system call sends it to all of a group; a busy
// machine may be late to run its handlers.
const hearing = 100 * time.Millisecond

// Keys tell a signal that a key sent to a whole group of processes, which the command
// got as well, from one that was sent to the supervisor alone. They belong to the
// first process of a run without a terminal, which is in the group of both.
type Keys struct{ interrupt, quit chan os.Signal }

// HearKeys has this process hear SIGINT and SIGQUIT from now on, and nothing else done
// by them.
func HearKeys() *Keys {
	k := &Keys{interrupt: make(chan os.Signal, 8), quit: make(chan os.Signal, 8)}
	signal.Notify(k.interrupt, unix.SIGINT)
	signal.Notify(k.quit, unix.SIGQUIT)
	return k
}

// pass sends the command what the supervisor heard, unless it was sent to the group. It
// does not wait.
func (k *Keys) pass(pid int, sent syscall.Signal) {
	heard := k.interrupt
	if sent == unix.SIGQUIT {
		heard = k.quit
	}
	time.AfterFunc(hearing, func() {
		select {
		case <-heard:
		default:
			_ = unix.Kill(pid, sent) // it may have ended
		}
	})
}
