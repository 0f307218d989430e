package sandbox

import (
	"errors"
	"os"
	"os/signal"
	"runtime"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// stopTime is how long a command has to stop by itself. One that waits in the
// kernel for an answer of this process, an ask's for instance, cannot.
const stopTime = 300 * time.Millisecond

// job is a run on this process's controlling terminal. The cage's first process
// leads a process group of its own, in which the command starts: shells ask for
// the number of their group, and the one of this process is none inside the
// cage's process namespace. To the person's shell the run stays this process,
// which therefore hands the terminal on, stops when the command stops, and has it
// go on when it does itself. A run whose output or input is something else shares
// this process's group, as the other programs of its pipeline do.
//
// What the terminal says to this group it says to the run; what the command did
// with the terminal's modes is its own affair, as it is without a cage.
//
// A call that is held for an answer stays held while the run is suspended: it is one
// ask, whose deadline goes on, and an answer that comes meanwhile counts. Linux before
// 5.19 has a program that it stops make its call anew, which asks again if the answer
// came first. A job of a shell inside that waits for an answer stops when it has it;
// a command that is the run itself is suspended at once.
//
// A job is no wall between the run and what the person types to their shell while it
// is suspended or in the background. The run holds the terminal itself, and the kernel
// keeps from reading only who heeds job control: a program that has left the session
// (setsid), let go of the terminal (TIOCNOTTY), or taken the foreground with SIGTTOU
// ignored (TIOCSPGRP) reads it all. To refuse the last two would be walked around by
// the first, which every daemon and every emulator of a terminal needs. A run that has
// no terminal of the person's, such as one whose terminal is a pane of the screen or
// one that was detached, reads nothing of it.
type job struct {
	terminal *os.File
	own      int // the group of this process
	group    int // the one that the cage's first process leads

	keys      chan os.Signal      // that stop a job, while this process has the terminal
	continued chan os.Signal      // that this process goes on
	stops     chan syscall.Signal // by which the command was stopped
	typing    chan struct{}       // the key, as the cage's first process heard it
	tell      func()              // of the first time that the run is suspended; nil: told
	given     bool
}

// jobOn returns nil when the run is no job of its own.
func jobOn(stdin, stdout *os.File) *job {
	j := &job{
		terminal: stdin, own: unix.Getpgrp(),
		keys: make(chan os.Signal, 1), continued: make(chan os.Signal, 1), stops: make(chan syscall.Signal, 1),
		typing: make(chan struct{}, 1),
	}
	if stdin == nil || stdout == nil || j.own <= 0 {
		return nil
	}
	// Only the controlling terminal says which group has it (tcgetpgrp(3)).
	for _, file := range []*os.File{stdin, stdout} {
		if _, err := unix.IoctlGetInt(int(file.Fd()), unix.TIOCGPGRP); err != nil {
			return nil
		}
	}
	return j
}

// give hands the terminal on before the command starts. A run that began in the
// background gets it when it needs it.
func (j *job) give(first int) {
	j.group = first
	signal.Notify(j.keys, unix.SIGTSTP)
	signal.Notify(j.continued, unix.SIGCONT)
	if j.given = true; j.foreground() == j.own {
		j.hand(j.group)
	}
}

func (j *job) foreground() int {
	group, err := unix.IoctlGetInt(int(j.terminal.Fd()), unix.TIOCGPGRP)
	if err != nil {
		return 0 // it was hung up
	}
	return group
}

// hand gives the terminal to a group. One that is not there any more, or a
// terminal that was hung up, leaves it where it is. A process in the background
// that asks for this is stopped, unless its thread has the signal blocked.
func (j *job) hand(group int) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var blocked, before unix.Sigset_t
	blocked.Val[0] = 1 << (unix.SIGTTOU - 1)
	if err := unix.PthreadSigmask(unix.SIG_BLOCK, &blocked, &before); err != nil {
		return
	}
	defer func() { _ = unix.PthreadSigmask(unix.SIG_SETMASK, &before, nil) }()
	_ = unix.IoctlSetPointerInt(int(j.terminal.Fd()), unix.TIOCSPGRP, group)
}

// run follows the command until it has ended.
func (j *job) run(p *Process, over <-chan struct{}) {
	var look <-chan time.Time
	for {
		select {
		case <-over:
			return
		case <-j.typing:
			if look == nil { // who leans on the key waits no longer
				look = time.After(stopTime)
			}
		case <-look:
			look = nil
			if stops(p.command()) {
				j.stopped(unix.SIGTSTP)
			}
		case <-j.keys:
			j.signal(unix.SIGTSTP)
		case <-j.continued:
			j.resume(p)
		case by := <-j.stops:
			look = nil
			if !stops(p.command()) {
				continue // this process has had it go on since
			}
			waits := by == unix.SIGTTIN || by == unix.SIGTTOU
			if (waits && j.foreground() == j.own) || orphaned(j.own) {
				j.resume(p) // nobody is there who could say fg
				continue
			}
			if now := j.foreground(); now == groupOf(p.PID()) || empty(now) {
				j.hand(j.own)
			}
			if j.tell != nil {
				j.tell()
				j.tell = nil
			}
			j.stop(by, over)
			j.resume(p)
		}
	}
}

// stop stops this process and the others of its group, as the key would have done,
// and returns when it goes on. This process must stop once: Go keeps its handler of a
// signal that it was once notified of, and what that hears of late would stop again
// what has just gone on. So it sends itself the stop that cannot be handled.
func (j *job) stop(by syscall.Signal, over <-chan struct{}) {
	select {
	case <-j.continued: // from before
	default:
	}
	if signal.Ignored(by) {
		by = unix.SIGSTOP
	}
	for _, pid := range membersOf(j.own) {
		if pid != os.Getpid() {
			_ = unix.Kill(pid, by)
		}
	}
	select {
	case <-j.continued: // who follows those has had the job go on already
		return
	default:
	}
	if by == unix.SIGTSTP {
		by = unix.SIGSTOP
	}
	_ = unix.Kill(os.Getpid(), by)
	select {
	case <-over:
	case <-j.continued:
	}
}

// typed is called when the key came that stops a job.
func (j *job) typed() {
	if j == nil {
		return
	}
	select {
	case j.typing <- struct{}{}:
	default:
	}
}

// stopped is called when the command was.
func (j *job) stopped(by syscall.Signal) {
	if j == nil {
		return
	}
	select {
	case j.stops <- by:
	default: // it is on its way already
	}
}

// resume has the command go on, in the foreground if this process is.
func (j *job) resume(p *Process) {
	group := groupOf(p.PID())
	if group <= 0 {
		group = j.group
	}
	if now := j.foreground(); now == j.own || empty(now) {
		j.hand(group)
	}
	_ = unix.Kill(-j.group, unix.SIGCONT)
	if group != j.group { // a shell inside has made one of its own
		_ = unix.Kill(-group, unix.SIGCONT)
	}
}

// signal passes on what a key of the terminal sent to this process's group.
func (j *job) signal(sent syscall.Signal) {
	if j != nil && j.given {
		_ = unix.Kill(-j.group, sent)
	}
}

// end takes the terminal back when nothing of the cage is left. What was
// interrupted inside is interrupted out here too: a script goes no further.
func (j *job) end(by syscall.Signal) {
	if j == nil || !j.given {
		return
	}
	signal.Stop(j.keys)
	signal.Stop(j.continued)
	if j.foreground() != j.own && empty(j.foreground()) {
		j.hand(j.own)
		if by == unix.SIGINT || by == unix.SIGQUIT {
			others := make(chan os.Signal, 1)
			signal.Notify(others, by)
			_ = unix.Kill(0, by)
			<-others // it reaches this process as well
			signal.Stop(others)
		}
	}
}

// groupOf is 0 when the process has gone.
func groupOf(pid int) int {
	if pid <= 0 {
		return 0
	}
	group, err := unix.Getpgid(pid)
	if err != nil {
		return 0
	}
	return group
}

// empty reports whether a group has no process left.
func empty(group int) bool {
	return group > 1 && errors.Is(unix.Kill(-group, 0), unix.ESRCH)
}
