package auth

import (
	"sync"
	"time"
)

// Clock is the time by which tokens end. It follows the wall clock and never
// goes back: when somebody sets the wall clock back, time goes on from where it
// was at the pace of the monotonic clock, so that no token lives longer by it. A
// wall clock that jumps ahead is believed at once: what has ended by then is
// refused. It is safe for concurrent use.
type Clock struct {
	wall    func() time.Time
	elapsed func() time.Duration

	mu   sync.Mutex // guards the fields below
	high time.Time
	at   time.Duration // of elapsed, when high was found
}

// NewClock returns a clock that is not before seen, the time at which an earlier
// process last looked. A nil wall is time.Now; a nil elapsed is the monotonic
// clock.
func NewClock(wall func() time.Time, elapsed func() time.Duration, seen time.Time) *Clock {
	if wall == nil {
		wall = time.Now
	}
	if elapsed == nil {
		start := time.Now()
		elapsed = func() time.Duration { return time.Since(start) }
	}
	return &Clock{wall: wall, elapsed: elapsed, high: seen.Round(0), at: elapsed()}
}

// Now returns the time.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	elapsed := c.elapsed()
	now := c.high.Add(elapsed - c.at)
	if wall := c.wall().Round(0); wall.After(now) { // Round takes the monotonic reading away: the wall is asked
		now = wall
	}
	c.high, c.at = now, elapsed
	return now
}
