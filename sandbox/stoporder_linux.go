package sandbox

import (
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strconv"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// ownStop is a stop that a thread of this process sends itself and does not take. Go
// handles it in no program that does not ask for it.
const ownStop = unix.SIGTTIN

// mostArms bounds how often a stop is sent anew while one signal to go on follows another.
const mostArms = 16

// stopOrder hears the signals that stop a run without a terminal and have it go on. Which of
// two came last Go does not tell: what comes together it hands over by the numbers. The
// kernel knows: when a SIGCONT is sent to a process it drops every stop that waits in it
// (signal(7)). So one thread, which all of this but heard belongs to, always has a stop
// that waits, and takes it in order to stop. One that is gone says that a SIGCONT has been
// sent since, whether or not it was heard.
//
// A SIGTSTP that is heard then is taken for one that came before. It may have come after,
// where this process had no time to hear of the SIGCONT: the run goes on, and stops when it
// is told again. To stop for nothing would be worse, since that may be for ever.
type stopOrder struct {
	heard chan os.Signal // SIGTSTP and SIGCONT
	last  time.Duration  // when the run was last stopped, by stage.Now
}

// hearStops is called by the thread. Until this process hears of SIGTSTP the kernel stops
// it and has it go on, so what comes before is not lost.
func hearStops() *stopOrder {
	s := &stopOrder{heard: make(chan os.Signal, 8)}
	// Who started this process may have ignored it, and then nothing would stop.
	var byDefault [32]byte // a sigaction is all zero then
	//nolint:gosec // the kernel reads during the call
	_, _, _ = unix.RawSyscall6(unix.SYS_RT_SIGACTION, uintptr(ownStop), uintptr(unsafe.Pointer(&byDefault)), 0, sigsetSize, 0, 0)
	_ = unix.PthreadSigmask(unix.SIG_BLOCK, ownStopSet(), nil) // neither fails for a signal that there is
	notify(s.heard, unix.SIGCONT)
	s.arm()
	notify(s.heard, unix.SIGTSTP)
	return s
}

// stands reports whether no SIGCONT has been sent since arm returned. What cannot be read
// stops nothing.
func (s *stopOrder) stands() bool {
	status, ok := readStatus("/proc/thread-self")
	return ok && status.own&(1<<(ownStop-1)) != 0
}

// arm is called once the stop that waited is gone, before anybody is told of the SIGCONT.
// Another one that this process has not heard yet is dropped by a stop that is sent, and
// told of with the first. What this process has heard until then came before one of them.
func (s *stopOrder) arm() {
	for range mostArms {
		_ = unix.Tgkill(os.Getpid(), unix.Gettid(), ownStop) // the thread is there
		begunHandlersEnd()
		handedOver()
		for len(s.heard) > 0 {
			<-s.heard
		}
		if s.stands() {
			return
		}
	}
}

// take stops this process unless a SIGCONT has been sent, or nobody could have its group
// go on. It returns when this process goes on.
func (s *stopOrder) take() {
	_ = unix.PthreadSigmask(unix.SIG_UNBLOCK, ownStopSet(), nil)
	_ = unix.PthreadSigmask(unix.SIG_BLOCK, ownStopSet(), nil)
}

// begunHandlersEnd returns once the handlers have run that other threads are in, or about to
// be: a thread may be kept from running between the moment that it takes a signal from the
// kernel and the one that Go knows of it. Each thread is sent a SIGURG, which Go handles in
// every program, for itself. As handlers run with all signals blocked, a thread takes it after
// what it has taken before. One that does not for mostLooks is not waited for any longer.
func begunHandlersEnd() {
	const mostLooks, pause = 1000, 100 * time.Microsecond
	own := strconv.Itoa(unix.Gettid())
	tasks := slices.DeleteFunc(tasksOf(os.Getpid()), func(task string) bool { return filepath.Base(task) == own })
	for _, task := range tasks {
		if thread, err := strconv.Atoi(filepath.Base(task)); err == nil {
			_ = unix.Tgkill(os.Getpid(), thread, unix.SIGURG) // it may have ended
		}
	}
	for _, task := range tasks {
		for range mostLooks {
			if status, ok := readStatus(task); !ok || status.own&(1<<(unix.SIGURG-1)) == 0 {
				break
			}
			time.Sleep(pause)
		}
	}
}

// handedOver returns once the signals that Go's handlers have taken are in their channels:
// signal.Stop waits for that. Go handles SIGURG in every program, for itself.
func handedOver() {
	none := make(chan os.Signal, 1)
	signal.Notify(none, unix.SIGURG)
	signal.Stop(none)
}

func ownStopSet() *unix.Sigset_t {
	var set unix.Sigset_t
	set.Val[0] = 1 << (ownStop - 1)
	return &set
}

// sigsetSize is the size of the kernel's set of signals, on all that this is built for.
const sigsetSize = 8
