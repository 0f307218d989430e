package sandbox

import (
	"sync"
	"time"
)

// callers remembers who was just refused what, so that a program that tries the
// same again and again is not looked up each time: that takes longer than the
// refusal. Such repeats are counted together and are told with the first one's
// program, so nothing is gained by becoming another program in between.
type callers struct {
	mu    sync.Mutex
	known map[refused]caller
}

// refused is one try: by which process of the host or which thread of the cage,
// of what, and on what.
type refused struct {
	pid, thread       int
	operation, target string
}

type caller struct {
	pid                  int
	program, commandLine string
	until                time.Time
}

// Bounds of what is remembered.
const (
	callersKept = 256         // past it all are forgotten
	callerFresh = time.Second // after it who it is is read anew
)

// caller looks up who tries something, now.
func (i *identity) caller(try refused) caller {
	by := caller{pid: try.pid}
	if try.thread > 0 {
		by.pid = i.outside(try.thread)
	}
	by.program, by.commandLine = i.describe(by.pid)
	return by
}

// forget has a process looked up anew, which is about to become another program.
func (c *callers) forget(try refused) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.known, try)
}

func (c *callers) find(i *identity, try refused, now time.Time) caller {
	c.mu.Lock()
	known, ok := c.known[try]
	c.mu.Unlock()
	if ok && now.Before(known.until) {
		return known
	}
	by := i.caller(try)
	by.until = now.Add(callerFresh)
	if by.program == "" {
		return by
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.known == nil || len(c.known) >= callersKept {
		c.known = make(map[refused]caller, callersKept)
	}
	c.known[try] = by
	return by
}
