package auth

import (
	"container/list"
	"context"
	"net/netip"
	"sync"
	"time"
)

// How wrong tokens are slowed. The numbers are those of the protocol's
// reference gateway, measured: 0.25 s doubling to 5 s for each guess.
const (
	firstDelay   = 250 * time.Millisecond
	longestDelay = 5 * time.Second
	longestWait  = 10 * time.Second // a guess that would wait longer is told to come back
	forget       = 10 * time.Minute // without a wrong token
	maxGuessers  = 4096             // addresses; the one that was quiet longest goes first
	maxSeen      = 64               // different wrong tokens that are told apart for one address
)

// Guard slows wrong tokens. It is asked only after a token proved wrong, so a
// right one is never delayed, whatever else its address sends.
type Guard struct {
	now   func() time.Time
	sleep func(context.Context, time.Duration) error

	mu       sync.Mutex // guards the fields below
	guessers map[netip.Addr]*list.Element
	order    *list.List // of *guesser, longest quiet first
	total    uint64
}

type guesser struct {
	address netip.Addr
	seen    map[Hash]int // wrong tokens, and how often each came
	level   int          // different wrong tokens since forget
	next    time.Time    // when the next answer may be given
	last    time.Time
}

// NewGuard returns a guard. nil functions mean the real clock.
func NewGuard(now func() time.Time, sleep func(context.Context, time.Duration) error) *Guard {
	if now == nil {
		now = time.Now
	}
	if sleep == nil {
		sleep = wait
	}
	return &Guard{now: now, sleep: sleep, guessers: map[netip.Addr]*list.Element{}, order: list.New()}
}

func wait(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Wrong counts a wrong token from address and blocks until it may be answered:
// answers to one address come one after the other, the delay doubles with
// every different token, and the same stale token again (a client that has not
// heard of a new one) does not raise it. When too many wait already it says
// when to try again, after the longest delay all the same: how fast an address
// can guess is bounded by its connections divided by that delay.
func (g *Guard) Wrong(ctx context.Context, address netip.Addr, token Hash) (retryAfter time.Duration, limited bool) {
	address = address.Unmap()
	if address.IsLoopback() { // of which each program has 16 million
		address = netip.AddrFrom4([4]byte{127, 0, 0, 1})
	} else if address.Is6() {
		if prefix, err := address.Prefix(64); err == nil {
			address = prefix.Addr()
		}
	}
	now := g.now()
	g.mu.Lock()
	who := g.find(address, now)
	g.total++
	if _, known := who.seen[token]; !known {
		who.level++
		if len(who.seen) < maxSeen {
			who.seen[token] = 0
		}
	}
	if _, told := who.seen[token]; told {
		who.seen[token]++
	}
	delay := longestDelay
	if shift := who.level - 1; shift < 5 {
		delay = min(longestDelay, firstDelay<<shift)
	}
	start := now
	if who.next.After(start) {
		start = who.next
	}
	until := start.Add(delay)
	if until.Sub(now) > longestWait {
		g.mu.Unlock()
		_ = g.sleep(ctx, longestDelay) // as below
		return until.Sub(now), true
	}
	who.next = until
	g.mu.Unlock()
	_ = g.sleep(ctx, until.Sub(now)) // a caller that is gone gets no answer anyway
	return 0, false
}

// find returns the guesser of address; g.mu is held.
func (g *Guard) find(address netip.Addr, now time.Time) *guesser {
	if element, known := g.guessers[address]; known {
		who := element.Value.(*guesser)
		if now.Sub(who.last) > forget {
			who.seen, who.level, who.next = map[Hash]int{}, 0, time.Time{}
		}
		who.last = now
		g.order.MoveToBack(element)
		return who
	}
	if g.order.Len() >= maxGuessers {
		oldest := g.order.Front()
		delete(g.guessers, oldest.Value.(*guesser).address)
		g.order.Remove(oldest)
	}
	who := &guesser{address: address, seen: map[Hash]int{}, last: now}
	g.guessers[address] = g.order.PushBack(who)
	return who
}

// Total returns how many wrong tokens came since the guard was made.
func (g *Guard) Total() uint64 {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.total
}
