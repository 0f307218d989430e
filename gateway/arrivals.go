package gateway

import (
	"context"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
)

// arrivals are the connections of which no request has been read yet. A stop waits
// for them: net/http throws away what it reads once Shutdown has been called, and
// who was accepted a moment before would find the connection closed without a word.
type arrivals struct {
	mu    sync.Mutex // guards the fields below
	conns map[net.Conn]struct{}
	none  chan struct{} // closed when there are none; nil: nobody waits
}

type arrivalKey struct{}

// arrival is one of them, in the context of its requests.
type arrival struct {
	conn net.Conn
	read atomic.Bool
}

// watch makes a server tell of its connections.
func (a *arrivals) watch(s *http.Server) {
	handler, connection := s.Handler, s.ConnContext
	s.ConnContext = func(ctx context.Context, c net.Conn) context.Context {
		a.mu.Lock()
		a.conns[c] = struct{}{}
		a.mu.Unlock()
		if connection != nil {
			ctx = connection(ctx, c)
		}
		return context.WithValue(ctx, arrivalKey{}, &arrival{conn: c})
	}
	s.ConnState = func(c net.Conn, state http.ConnState) {
		if state == http.StateClosed { // it may never have sent a request
			a.leave(c)
		}
	}
	s.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if one, is := r.Context().Value(arrivalKey{}).(*arrival); is && !one.read.Load() && one.read.CompareAndSwap(false, true) {
			a.leave(one.conn)
		}
		handler.ServeHTTP(w, r)
	})
}

func (a *arrivals) leave(c net.Conn) {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.conns, c)
	if len(a.conns) == 0 && a.none != nil {
		close(a.none)
		a.none = nil
	}
}

// wait returns when every connection has been read from or ctx ends. Nothing may be
// accepted any more.
func (a *arrivals) wait(ctx context.Context) {
	a.mu.Lock()
	if len(a.conns) == 0 {
		a.mu.Unlock()
		return
	}
	none := make(chan struct{})
	a.none = none
	a.mu.Unlock()
	select {
	case <-none:
	case <-ctx.Done():
	}
}
