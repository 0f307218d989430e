package tui

import (
	"sync"
	"time"
)

// ordinary is the speed that a terminal has when nobody said one, in bits a
// second. Where a slower one is set, by a serial line's driver, ssh or stty, it is
// true: nobody sets one for nothing.
const ordinary = 38_400

// blocked is how long a write takes at least that tells how fast the line is: it
// had to wait for room.
const blocked = 100 * time.Millisecond

// slowest is the least speed, in bytes a second, that a write can tell: one of a few
// bytes that takes longer waited for the processor of a busy machine, and a screen that
// believed it would stand still for many seconds.
const slowest = 960

// pace is how fast bytes leave for the terminal. What is written is on its way for
// a while where the line is slow; what is drawn meanwhile waits, so that at most
// one frame is ever under way and what a key does is seen next. It is safe for
// concurrent use.
type pace struct {
	mu   sync.Mutex
	rate float64 // bytes a second; 0: as fast as anything
	said bool    // the rate is that of the line itself
	from time.Time
	till time.Time // when all that was written has arrived
}

// set says how fast the line is, in bits a second, ten to a byte.
func (p *pace) set(bits int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if bits > 0 && bits < ordinary {
		p.rate, p.said = float64(bits)/10, true
	}
}

// wrote counts n bytes that were written from begin to end.
func (p *pace) wrote(n int, begin, end time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if took := end.Sub(begin); !p.said && n > 0 {
		switch {
		case took >= blocked:
			p.rate = max(float64(n)/took.Seconds(), slowest)
		case p.rate > 0 && end.After(p.till): // it kept up: perhaps it is faster
			if p.rate *= 1.25; p.rate > 1<<20 {
				p.rate = 0
			}
		}
	}
	if p.rate == 0 {
		return
	}
	if !p.till.After(begin) {
		p.from, p.till = begin, begin
	}
	p.till = p.till.Add(time.Duration(float64(n) / p.rate * float64(time.Second)))
}

// wait is how long the next frame waits. One that only a stream asks for leaves
// as much of the line free as it takes: a key's frame is never far off.
func (p *pace) wait(now time.Time, key bool) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.rate == 0 {
		return 0
	}
	free := p.till
	if !key {
		free = free.Add(p.till.Sub(p.from))
	}
	return max(free.Sub(now), 0)
}

// flight is how long n bytes are on their way.
func (p *pace) flight(n int) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.rate == 0 {
		return 0
	}
	return time.Duration(float64(n) / p.rate * float64(time.Second))
}

// hold reports whether the frame that stands stays, because the line is busy. It
// has the screen drawn when it is free.
func (m *model) hold() bool {
	if m.out == nil || !m.screen.dirty || m.screen.cached == "" {
		return false
	}
	return m.out.pace.wait(time.Now(), m.pressed) > 0
}

// later draws what is held.
func (m *model) later() (wait time.Duration, due bool) {
	if !m.hold() || m.waking {
		return 0, false
	}
	m.waking = true
	return max(m.out.pace.wait(time.Now(), m.pressed), time.Millisecond), true
}
