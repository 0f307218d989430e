package sandbox

import (
	"runtime"
	"sync/atomic"
	"testing"

	"golang.org/x/sys/unix"
)

// Who asks whether the handlers have run that were begun waits for a thread that has all
// signals blocked, as one in a handler has, until it has not.
func TestBegunHandlersAreWaitedFor(t *testing.T) {
	blocked, ended := make(chan struct{}), make(chan struct{})
	var over atomic.Bool
	go func() {
		defer close(ended)
		runtime.LockOSThread() // and never unlocked: the thread ends
		var all, before unix.Sigset_t
		for i := range all.Val {
			all.Val[i] = ^all.Val[i]
		}
		if err := unix.PthreadSigmask(unix.SIG_SETMASK, &all, &before); err != nil {
			t.Error(err)
		}
		close(blocked)
		for looks := 0; looks < 300 && t.Context().Err() == nil; { // a while longer than until it is waited for
			if status, ok := readStatus("/proc/thread-self"); ok && status.own&(1<<(unix.SIGURG-1)) != 0 {
				looks++
			}
		}
		over.Store(true)
		if err := unix.PthreadSigmask(unix.SIG_SETMASK, &before, nil); err != nil {
			t.Error(err)
		}
	}()
	<-blocked
	begunHandlersEnd()
	if !over.Load() {
		t.Error("a handler was taken to have run that had not")
	}
	<-ended
}
