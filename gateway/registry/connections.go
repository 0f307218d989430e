package registry

import (
	"openclaw/gateway/event"
)

// States of a connection that is over.
const (
	stateClosed  = "closed"
	stateRefused = "refused"
)

// Connection takes the newest state of a connection, by its ID, and publishes
// it. One whose State is "closed" or "refused", or that has a Closed time,
// leaves the open ones.
func (r *Registry) Connection(c event.Connection) { r.connection(&c) }

// OpenConnection returns a connection that is open.
func (r *Registry) OpenConnection(id string) (event.Connection, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	element, known := r.open[id]
	if !known {
		return event.Connection{}, false
	}
	return *element.Value.(*event.Connection), true
}

// FindConnection returns a connection that is open, or one of the newest closed ones.
func (r *Registry) FindConnection(id string) (event.Connection, bool) {
	if row, open := r.OpenConnection(id); open {
		return row, true
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for e := r.closed.Back(); e != nil; e = e.Prev() {
		if row := e.Value.(*event.Connection); row.ID == id {
			return *row, true
		}
	}
	return event.Connection{}, false
}

// connection keeps c, which is not changed from here on.
func (r *Registry) connection(c *event.Connection) {
	r.maskConnection(c)
	over := c.State == stateClosed || c.State == stateRefused || !c.Closed.IsZero()
	if over && c.Closed.IsZero() {
		c.Closed = r.options.Now()
	}
	if c.Opened.IsZero() {
		c.Opened = r.options.Now()
	}
	r.mu.Lock()
	element, known := r.open[c.ID]
	switch {
	case over:
		if known {
			r.opened.Remove(element)
			delete(r.open, c.ID)
		}
		r.keepClosed(c)
	case known:
		element.Value = c
	default:
		if r.opened.Len() >= maxOpen {
			oldest := r.opened.Front()
			lost := r.opened.Remove(oldest).(*event.Connection)
			delete(r.open, lost.ID)
		}
		r.open[c.ID] = r.opened.PushBack(c)
	}
	r.mu.Unlock()
	r.options.Publish(event.Event{Kind: event.KindConnection, Connection: c})
	if c.Agent != "" && (over || !known) {
		r.touchAgent(c.Agent)
	}
}

// keepClosed remembers c. The one that goes for it is the oldest of whoever has
// the most: no agent pushes out what another one did. r.mu is held.
func (r *Registry) keepClosed(c *event.Connection) {
	if r.closed.Len() >= maxClosed {
		loudest := mostOf(r.closedOf)
		for e := r.closed.Front(); e != nil; e = e.Next() {
			if e.Value.(*event.Connection).Agent == loudest {
				r.closed.Remove(e)
				count(r.closedOf, loudest, -1)
				break
			}
		}
	}
	r.closed.PushBack(c)
	count(r.closedOf, c.Agent, 1)
}

// mostOf returns the name with the highest count.
func mostOf(counts map[string]int) string {
	loudest, most := "", 0
	for name, n := range counts {
		if n > most {
			loudest, most = name, n
		}
	}
	return loudest
}

// count changes a name's count and forgets a name that has none.
func count(counts map[string]int, name string, by int) {
	if counts[name] += by; counts[name] == 0 {
		delete(counts, name)
	}
}

// Connections returns the newest closed connections, oldest first, then the
// open ones, oldest first.
func (r *Registry) Connections() []event.Connection {
	r.mu.Lock()
	defer r.mu.Unlock()
	out := make([]event.Connection, 0, r.closed.Len()+r.opened.Len())
	for e := r.closed.Front(); e != nil; e = e.Next() {
		out = append(out, *e.Value.(*event.Connection))
	}
	for e := r.opened.Front(); e != nil; e = e.Next() {
		out = append(out, *e.Value.(*event.Connection))
	}
	return out
}

// Open returns how many connections are open; an empty agent counts all.
func (r *Registry) Open(agent string) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	if agent == "" {
		return r.opened.Len()
	}
	n := 0
	for e := r.opened.Front(); e != nil; e = e.Next() {
		if e.Value.(*event.Connection).Agent == agent {
			n++
		}
	}
	return n
}

// closeRun marks the open connections out of a run's cage closed, and returns them.
func (r *Registry) closeRun(run string) (closed []event.Connection) {
	now := r.options.Now()
	var gone []*event.Connection
	r.mu.Lock()
	for e := r.opened.Front(); e != nil; {
		next := e.Next()
		if c := e.Value.(*event.Connection); c.Run == run && c.Kind == event.ConnectionNet {
			r.opened.Remove(e)
			delete(r.open, c.ID)
			closed := *c // its events have the open one
			closed.State, closed.Closed = stateClosed, now
			r.keepClosed(&closed)
			gone = append(gone, &closed)
		}
		e = next
	}
	r.mu.Unlock()
	for _, c := range gone {
		closed = append(closed, *c)
		r.options.Publish(event.Event{Kind: event.KindConnection, Connection: c})
	}
	return closed
}
