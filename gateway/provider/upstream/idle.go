package upstream

import (
	"sync"
	"time"
)

// idle are the connections that are kept. It is safe for concurrent use.
type idle struct {
	ofOne, ofAll int
	life         time.Duration

	mu    sync.Mutex        // guards the fields below
	conns map[where][]*conn // of each, longest kept first
	count int
	timer *time.Timer // runs while there are any
	over  bool
}

func newIdle(o Options) idle {
	return idle{ofOne: o.IdleOfOne, ofAll: o.IdleOfAll, life: o.IdleLife, conns: map[where][]*conn{}}
}

// put keeps a connection, in place of the one that is kept longest where there is no
// room.
func (i *idle) put(c *conn) {
	if !c.below.canLook() {
		c.Close() // what comes over it meanwhile would not be seen
		return
	}
	c.kept = true
	i.mu.Lock()
	if i.over || len(i.conns[c.to]) >= i.ofOne {
		i.mu.Unlock()
		c.Close()
		return
	}
	c.since = time.Now()
	i.conns[c.to] = append(i.conns[c.to], c)
	i.count++
	var gone *conn
	if i.count > i.ofAll {
		gone = i.oldest()
		i.remove(gone.to)
	}
	if i.timer == nil {
		i.timer = time.AfterFunc(i.life, i.sweep)
	}
	i.mu.Unlock()
	if gone != nil {
		gone.Close()
	}
}

// take gives the connection that was kept last and is still good; nil: there is none.
func (i *idle) take(to where) *conn {
	for {
		c := i.last(to)
		if c == nil || c.quiet() {
			return c
		}
		c.Close()
	}
}

func (i *idle) last(to where) *conn {
	i.mu.Lock()
	defer i.mu.Unlock()
	conns := i.conns[to]
	n := len(conns) - 1
	if n < 0 {
		return nil
	}
	c := conns[n]
	conns[n] = nil
	i.conns[to] = conns[:n]
	i.count--
	return c
}

// oldest is the connection that is kept longest; i.mu is held, and there is one.
func (i *idle) oldest() (first *conn) {
	for _, conns := range i.conns {
		if len(conns) > 0 && (first == nil || conns[0].since.Before(first.since)) {
			first = conns[0]
		}
	}
	return first
}

// remove forgets the connection to a provider that is kept longest; i.mu is held.
func (i *idle) remove(to where) {
	conns := i.conns[to]
	n := copy(conns, conns[1:])
	conns[n] = nil
	i.conns[to] = conns[:n]
	i.count--
}

// sweep closes what was kept for its time.
func (i *idle) sweep() {
	var gone []*conn
	i.mu.Lock()
	now := time.Now()
	for to, conns := range i.conns {
		for len(i.conns[to]) > 0 && now.Sub(conns[0].since) >= i.life {
			gone = append(gone, conns[0])
			i.remove(to)
		}
		if len(i.conns[to]) == 0 {
			delete(i.conns, to)
		}
	}
	i.timer = nil
	if i.count > 0 {
		i.timer = time.AfterFunc(i.life-now.Sub(i.oldest().since), i.sweep)
	}
	i.mu.Unlock()
	for _, c := range gone {
		c.Close()
	}
}

func (i *idle) close() {
	i.mu.Lock()
	kept := i.conns
	i.conns, i.count, i.over = map[where][]*conn{}, 0, true
	if i.timer != nil {
		i.timer.Stop()
		i.timer = nil
	}
	i.mu.Unlock()
	for _, conns := range kept {
		for _, c := range conns {
			c.Close()
		}
	}
}
