package tui

import (
	"testing"
	"time"
)

// What is drawn waits while the line is busy: for a key as long as the frame
// before is under way, for a stream twice as long.
func TestFramesWaitForASlowLine(t *testing.T) {
	at := time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)
	after := func(p *pace, d time.Duration) [2]time.Duration {
		return [2]time.Duration{p.wait(at.Add(d), true), p.wait(at.Add(d), false)}
	}
	fast := &pace{}
	fast.set(ordinary)
	fast.wrote(1<<20, at, at.Add(time.Millisecond))
	if got := after(fast, 0); got != [2]time.Duration{} {
		t.Errorf("an ordinary terminal waits for %v", got)
	}
	slow := &pace{}
	slow.set(9600)
	slow.wrote(960, at, at)
	slow.wrote(480, at.Add(time.Millisecond), at.Add(time.Millisecond))
	for d, want := range map[time.Duration][2]time.Duration{
		0:                       {1500 * time.Millisecond, 3 * time.Second},
		time.Second:             {500 * time.Millisecond, 2 * time.Second},
		1500 * time.Millisecond: {0, 1500 * time.Millisecond},
		3 * time.Second:         {},
	} {
		if got := after(slow, d); got != want {
			t.Errorf("after %v it waits for %v, want %v", d, got, want)
		}
	}
	slow.wrote(96, at.Add(time.Hour), at.Add(time.Hour))
	if got := after(slow, time.Hour); got != [2]time.Duration{100 * time.Millisecond, 200 * time.Millisecond} {
		t.Errorf("after a rest it waits for %v", got)
	}
	if got := slow.flight(80 * 24); got != 2*time.Second {
		t.Errorf("a whole frame is under way for %v", got)
	}

	// Nobody said how fast it is: a write that had to wait tells.
	told := &pace{}
	told.wrote(1000, at, at.Add(time.Second))
	if got := after(told, time.Second); got != [2]time.Duration{0, time.Second} {
		t.Errorf("after a write that had to wait it waits for %v", got)
	}
	told.wrote(1000, at.Add(time.Second), at.Add(2*time.Second))
	for i := range 60 { // and one that keeps up tells that it is faster
		begin := at.Add(time.Hour * time.Duration(i+1))
		told.wrote(1000, begin, begin.Add(time.Microsecond))
	}
	if told.rate != 0 {
		t.Errorf("it stays at %v bytes a second", told.rate)
	}
	// A few bytes that took long tell of a busy machine: no frame waits for ages.
	busy := &pace{}
	busy.wrote(96, at, at.Add(10*time.Second))
	busy.wrote(1920, at.Add(10*time.Second), at.Add(10*time.Second))
	if got := busy.wait(at.Add(10*time.Second), true); got > 2*time.Second {
		t.Errorf("a key's frame waits for %v", got)
	}
}
