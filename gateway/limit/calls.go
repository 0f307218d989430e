package limit

import (
	"fmt"
	"io"
	"os"
	"sync"
)

// What calls under way may take. A body is kept until its call ends: a provider
// may have to be sent it again.
const (
	CallsOfOne  = 256       // calls of one caller at the same time
	BodiesOfOne = 128 << 20 // bytes of bodies of one caller
	BodiesOfAll = 256 << 20 // bytes of bodies of all callers
)

// Calls bounds the calls under way and the memory of their bodies, in all and for
// each caller, so that none takes it from the others. It is safe for concurrent
// use.
type Calls struct {
	mu      sync.Mutex // guards the fields below
	callers map[string]*share
	bytes   int64
}

type share struct {
	calls int
	bytes int64
}

// NewCalls returns a Calls with nothing under way.
func NewCalls() *Calls { return &Calls{callers: map[string]*share{}} }

// Enter begins a call whose body has length bytes; -1 is not known. False says
// that there is no room now. The caller of Enter calls Leave once.
func (c *Calls) Enter(caller string, length int64) (*Call, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	of := c.callers[caller]
	if of == nil {
		of = &share{}
	}
	if of.calls >= CallsOfOne || !c.room(of, max(length, 0)) {
		return nil, false
	}
	of.calls++
	c.callers[caller] = of
	return &Call{all: c, caller: caller}, true
}

// room reports whether n more bytes fit; c.mu is held.
func (c *Calls) room(of *share, n int64) bool {
	return of.bytes+n <= BodiesOfOne && c.bytes+n <= BodiesOfAll
}

// Call is one call under way.
type Call struct {
	all    *Calls
	caller string
	bytes  int64 // guarded by all.mu
}

// Body counts what is read of a body. Where there is no more room, reading fails
// as when the client had stopped sending: it may try again later.
func (c *Call) Body(body io.ReadCloser) io.ReadCloser { return &counted{ReadCloser: body, call: c} }

// Leave gives back what the call took.
func (c *Call) Leave() {
	c.all.mu.Lock()
	defer c.all.mu.Unlock()
	of := c.all.callers[c.caller]
	of.calls--
	of.bytes -= c.bytes
	c.all.bytes -= c.bytes
	if of.calls == 0 {
		delete(c.all.callers, c.caller)
	}
}

func (c *Call) take(n int) bool {
	c.all.mu.Lock()
	defer c.all.mu.Unlock()
	of := c.all.callers[c.caller]
	if !c.all.room(of, int64(n)) {
		return false
	}
	c.bytes += int64(n)
	of.bytes += int64(n)
	c.all.bytes += int64(n)
	return true
}

type counted struct {
	io.ReadCloser
	call *Call
}

func (b *counted) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if !b.call.take(n) {
		return 0, fmt.Errorf("read body: too many bytes of bodies are under way: %w", os.ErrDeadlineExceeded)
	}
	return n, err
}
