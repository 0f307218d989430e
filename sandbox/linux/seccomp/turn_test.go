//go:build linux

package seccomp

import (
	"context"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// TestOneReceiverAtATime judges quick and slow calls: whoever loses the turn to a slow
// one is replaced by exactly one other, so that there is always one who receives and
// never a second.
func TestOneReceiverAtATime(t *testing.T) {
	t.Parallel()
	var who turn
	var running sync.WaitGroup
	var receiving, calls atomic.Int64
	ctx, stop := context.WithCancel(t.Context())
	var receive func()
	receive = func() {
		for {
			if n := receiving.Add(1); n != 1 {
				t.Errorf("%d receive", n)
			}
			if calls.Add(1) > 400 {
				stop()
				return
			}
			receiving.Add(-1) // it has a call, and another may receive from now on
			mine := who.begin()
			if who.unwatched() {
				running.Go(func() { who.watch(ctx, func() { running.Go(receive) }) })
			}
			if rand.IntN(20) == 0 {
				time.Sleep(4 * longJudgement)
			}
			if !who.end(mine) {
				return
			}
		}
	}
	running.Go(receive)
	ended := make(chan struct{})
	go func() { running.Wait(); close(ended) }()
	select {
	case <-ended:
	case <-time.After(time.Minute):
		t.Fatalf("nobody receives any more, after %d calls", calls.Load())
	}
	if got := calls.Load(); got <= 400 {
		t.Errorf("all left after %d calls", got)
	}
}

// TestQuietTurnIsNotWatched: a cage that does nothing costs nothing, and the first call
// after that is watched again.
func TestQuietTurnIsNotWatched(t *testing.T) {
	t.Parallel()
	var who turn
	for range 2 {
		mine := who.begin()
		if !who.unwatched() {
			t.Fatal("nobody would watch")
		}
		ended := make(chan struct{})
		go func() { who.watch(t.Context(), func() {}); close(ended) }()
		who.end(mine)
		select {
		case <-ended:
		case <-time.After(time.Minute):
			t.Fatal("it is watched for ever")
		}
	}
}
