//go:build linux

package seccomp

import (
	"context"
	"sync/atomic"
	"time"
)

const (
	// longJudgement is how long a call may be judged while all others wait: as long,
	// or up to twice as long.
	longJudgement = 5 * time.Millisecond
	// quietLooks is after how many looks without a call nobody looks any more: a look
	// wakes the processor, and to begin again costs as much.
	quietLooks = 2
)

// turn is who receives. It belongs to the goroutine that judges a call until that
// takes too long.
type turn struct {
	calls   atomic.Uint64 // begun so far
	judging atomic.Uint64 // the number of the call that is judged by who receives; 0: none
	watched atomic.Bool   // watch runs
}

// begin says that who receives judges a call now, and returns its number.
func (t *turn) begin() uint64 {
	call := t.calls.Add(1)
	t.judging.Store(call)
	return call
}

// end says that a call was judged. It reports whether who judged it goes on to
// receive; otherwise another does.
func (t *turn) end(call uint64) bool { return t.judging.CompareAndSwap(call, 0) }

// unwatched reports whether watch is to be started. It is called after begin.
func (t *turn) unwatched() bool { return !t.watched.Load() && t.watched.CompareAndSwap(false, true) }

// watch calls pass whenever one call has been judged for long. It returns when no
// call has come for some time, or ctx has ended.
func (t *turn) watch(ctx context.Context, pass func()) {
	ticker := time.NewTicker(longJudgement)
	defer ticker.Stop()
	var judged, seen uint64
	quiet := 0
	for {
		select {
		case <-ctx.Done(): // the judgements end with it
			return
		case <-ticker.C:
		}
		call := t.judging.Load()
		if call != 0 && call == judged && t.judging.CompareAndSwap(call, 0) {
			pass()
		}
		judged = call
		if begun := t.calls.Load(); begun != seen || call != 0 {
			seen, quiet = begun, 0
			continue
		}
		if quiet++; quiet < quietLooks {
			continue
		}
		t.watched.Store(false)
		if t.calls.Load() == seen || !t.unwatched() {
			return // or who began a call since has it watched anew
		}
		quiet = 0
	}
}
