package keychain

import (
	"context"
	"errors"
	"sync/atomic"
	"time"
)

// Reasons for which a call ended without the service's answer.
var (
	errTimedOut = errors.New("the keychain did not answer in time")
	errStuck    = errors.New("earlier calls are still unanswered")
	errNoBus    = errors.New("no session bus")
)

// Reasons for which a keychain that answers does not do what it is asked: a
// person has to do something first.
var (
	errLocked       = errors.New("the keyring is locked")
	errNoCollection = errors.New("the service has no keyring yet, or no open database that it may use")
	errDismissed    = errors.New("the keychain's window was closed or refused, or could not be shown")
	errUnanswered   = errors.New("the keychain's window was not answered in time")
)

// calls bounds the calls that are under way. A call that is overdue keeps its
// place until the service answers or its connection ends, so a service that
// hangs for ever costs at most `limit` goroutines.
type calls struct {
	places  chan struct{}
	overdue atomic.Int64
}

func newCalls(limit int) *calls { return &calls{places: make(chan struct{}, limit)} }

type answer[T any] struct {
	value T
	err   error
}

// run calls f in a goroutine of its own and returns its answer, or
// errTimedOut after limit, errStuck at once when every place is held by an
// overdue call, or the context's error. The context of f ends at the limit: what
// heeds it can still say what it waited for, for half as long again.
func run[T any](ctx context.Context, c *calls, limit time.Duration, f func(context.Context) (T, error)) (T, error) {
	var none T
	if !busKnown() {
		return none, errNoBus
	}
	if c.overdue.Load() >= int64(cap(c.places)) {
		return none, errStuck
	}
	timer := time.NewTimer(limit + limit/2)
	defer timer.Stop()
	within, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	select {
	case c.places <- struct{}{}:
	case <-timer.C:
		return none, errTimedOut
	case <-ctx.Done():
		return none, ctx.Err()
	}

	answers := make(chan answer[T], 1)
	late := new(atomic.Int32) // 0: waited for, 1: overdue, 2: answered
	go func() {
		value, err := f(within)
		if late.Swap(2) == 1 {
			c.overdue.Add(-1)
		}
		<-c.places
		answers <- answer[T]{value, err}
	}()
	select {
	case a := <-answers:
		return a.value, a.err
	case <-timer.C:
		c.leave(late)
		return none, errTimedOut
	case <-ctx.Done():
		c.leave(late)
		return none, ctx.Err()
	}
}

// leave counts a call as overdue unless its answer came at the last moment.
func (c *calls) leave(late *atomic.Int32) {
	c.overdue.Add(1)
	if !late.CompareAndSwap(0, 1) {
		c.overdue.Add(-1)
	}
}
