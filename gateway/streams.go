package gateway

import (
	"context"
	"net/netip"
	"sync"

	"openclaw/gateway/auth"
)

// streams are the calls to providers that are under way, so that those of a
// caller who lost its right can be cut. It is safe for concurrent use.
type streams struct {
	mu   sync.Mutex // guards live
	live map[*stream]struct{}
}

type stream struct {
	caller auth.Caller
	from   netip.Addr
	token  auth.Hash // that let it in; zero: an agent's, or none
	cancel context.CancelFunc
	still  func() error // of the TLS connection that it came on; nil without one
}

func newStreams() *streams { return &streams{live: map[*stream]struct{}{}} }

// enter returns the context of a call, and what ends its entry.
func (s *streams) enter(ctx context.Context, caller auth.Caller, token auth.Hash, from netip.Addr) (of context.Context, leave func()) {
	ctx, cancel := context.WithCancel(ctx)
	one := &stream{caller: caller, token: token, from: from, cancel: cancel}
	if peer := tlsPeer(ctx); peer != nil {
		one.still = peer.Still
	}
	s.mu.Lock()
	s.live[one] = struct{}{}
	s.mu.Unlock()
	return ctx, func() {
		cancel()
		s.mu.Lock()
		delete(s.live, one)
		s.mu.Unlock()
	}
}

// cut ends the calls of the callers that match.
func (s *streams) cut(match func(auth.Caller) bool) int {
	return s.cutWhere(func(one *stream) bool { return match(one.caller) })
}

// cutUnwelcome ends the calls on connections that would not be let in now.
func (s *streams) cutUnwelcome() int {
	return s.cutWhere(func(one *stream) bool { return one.still != nil && one.still() != nil })
}

func (s *streams) cutWhere(match func(*stream) bool) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for one := range s.live {
		if match(one) {
			one.cancel()
			n++
		}
	}
	return n
}
