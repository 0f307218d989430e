//go:build linux

package stage

import (
	"os"
	"os/signal"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// hearing is how long after the supervisor the first process may hear of a signal that
	// was sent to the group of both. One system call sends it to all of a group, to the
	// newest first; a busy machine may be late to run its handlers.
	hearing = 100 * time.Millisecond
	// longest bounds the wait while the signal is on its way to this process.
	longest = 100 * hearing
	// remembered is how long after the first process the supervisor may say so.
	remembered = 20 * hearing
)

// Ear hears what is sent to the group of processes that the person started the run in.
// It belongs to the first process of a run without a terminal, which stays in that group
// with the supervisor. The command has a session of its own: a processor share that it
// may lower (/proc/self/autogroup), and groups that nobody outside is in. Its group gets
// from here what it would have got in the person's; what only the supervisor heard is for
// the command alone.
type Ear struct {
	heard chan os.Signal

	mu    sync.Mutex
	group int                                // the command's; 0: it is given nothing
	given map[syscall.Signal][]time.Duration // to the group, by Now, and not yet said by the supervisor
}

// Listen has this process hear signals from now on, and nothing else done by them. What
// is ignored already stays so, here and in the command.
func Listen() *Ear {
	e := &Ear{heard: make(chan os.Signal, 64), given: map[syscall.Signal][]time.Duration{}}
	notify(e.heard, unix.SIGINT, unix.SIGQUIT, unix.SIGTERM, unix.SIGHUP, unix.SIGUSR1, unix.SIGUSR2, unix.SIGWINCH, unix.SIGCONT)
	// The default of a first process that Go gives these is to end. The command gets
	// the default back.
	notify(make(chan os.Signal, 1), unix.SIGPIPE, unix.SIGALRM)
	return e
}

func notify(heard chan os.Signal, signals ...os.Signal) {
	for _, one := range signals {
		if !signal.Ignored(one) {
			signal.Notify(heard, one)
		}
	}
}

// Forget is for the moment before the command starts: what came until then was for no
// command.
func (e *Ear) Forget() {
	for len(e.heard) > 0 {
		<-e.heard
	}
}

// Follow gives the command's group what is sent to the person's, as long as this process
// lives. With a session of its own this process is in no group of the person's.
func (e *Ear) Follow(pid int) {
	if leads() {
		return
	}
	e.mu.Lock()
	e.group = pid
	e.mu.Unlock()
	go func() {
		for one := range e.heard {
			e.mu.Lock()
			e.give(one)
			e.mu.Unlock()
		}
	}()
}

// give is called with the lock held.
func (e *Ear) give(one os.Signal) {
	if sent := one.(syscall.Signal); e.group != 0 {
		e.given[sent] = append(recent(e.given[sent], 0), Now())
		_ = unix.Kill(-e.group, sent) // it may have ended
	}
}

// pass sends what the supervisor heard to the command, or to its group by a negative
// number, unless it was sent to the group of both after since. It does not wait.
func (e *Ear) pass(to int, sent syscall.Signal, since time.Duration) {
	e.passAfter(to, sent, since, 0)
}

func (e *Ear) passAfter(to int, sent syscall.Signal, since, waited time.Duration) {
	switch {
	case e.was(sent, since):
	case waited == 0, waited < longest && underway(sent):
		time.AfterFunc(hearing, func() { e.passAfter(to, sent, since, waited+hearing) })
	default:
		_ = unix.Kill(to, sent) // it may have ended
	}
}

// was reports whether the group was given a signal that the supervisor has not said yet,
// after since, and takes it as said.
func (e *Ear) was(sent syscall.Signal, since time.Duration) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	for len(e.heard) > 0 {
		select {
		case one := <-e.heard:
			e.give(one)
		default: // another one took it
		}
	}
	given := recent(e.given[sent], since)
	found := len(given) > 0
	if found {
		given = given[1:]
	}
	e.given[sent] = given
	return found
}

// underway reports whether the kernel has a signal for this process that no thread has
// taken yet (proc_pid_status(5)).
func underway(sent syscall.Signal) bool {
	text, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return false
	}
	_, rest, _ := strings.Cut(string(text), "\nShdPnd:\t")
	digits, _, _ := strings.Cut(rest, "\n")
	pending, err := strconv.ParseUint(digits, 16, 64)
	return err == nil && pending&(1<<(sent-1)) != 0
}

// recent leaves out what the supervisor would have said by now, and what was given before
// since.
func recent(given []time.Duration, since time.Duration) []time.Duration {
	since = max(since, Now()-remembered)
	for len(given) > 0 && given[0] < since {
		given = given[1:]
	}
	return given
}

// Now is a time that the supervisor and this process tell each other. No clock that is
// set changes it.
func Now() time.Duration {
	var now unix.Timespec
	_ = unix.ClockGettime(unix.CLOCK_MONOTONIC, &now) // the kernel has that clock
	return time.Duration(now.Nano())
}
