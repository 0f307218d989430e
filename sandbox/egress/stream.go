package egress

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"openclaw/sandbox/policy"
)

// stream is one allowed connection out of the cage.
type stream struct {
	id      string // of its Connection
	where   place
	address netip.Addr
	allowed judged
	client  net.Conn
	server  net.Conn
	sent    atomic.Int64
	recv    atomic.Int64
	tls     atomic.Bool // the program began with a ClientHello
	answer  answer

	mu  sync.Mutex
	why string // of a cut; the first one counts
}

// cut ends the stream with a reset on both sides.
func (s *stream) cut(why string) {
	s.mu.Lock()
	if s.why == "" {
		s.why = why
	}
	s.mu.Unlock()
	reset(s.client)
	reset(s.server)
}

func (s *stream) reason() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.why
}

// counts returns the bytes out of and into the cage so far. Where the kernel
// moves them, it counts them.
func (s *stream) counts() (sent, recv int64) {
	sent, recv = s.sent.Load(), s.recv.Load()
	if kernelSent, kernelRecv, ok := kernelCounts(s.server); ok {
		sent, recv = max(sent, kernelSent), max(recv, kernelRecv)
	}
	return sent, recv
}

// tooMany resets a connection past the limit and tells of it.
func (e *Egress) tooMany(conn net.Conn) {
	target := "unknown"
	if destination, err := e.o.Destination(conn); err == nil {
		target = e.placeOf(unmapped(destination)).String()
	}
	e.tell(*e.refusal("connect", MechanismEgress, target, "more than "+strconv.Itoa(maxConnections)+" connections at once",
		policy.Origin{BuiltIn: "a cage may not use up the machine's connections"}), owner{})
	reset(conn)
}

// placeOf finds the name behind a destination.
func (e *Egress) placeOf(destination netip.AddrPort) place {
	if host, ok := e.names.name(destination.Addr()); ok {
		return place{host: host, port: destination.Port()}
	}
	return place{literal: destination.Addr(), port: destination.Port()}
}

// handle carries one connection from its acceptance to its end.
func (e *Egress) handle(ctx context.Context, client net.Conn) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stop := context.AfterFunc(ctx, func() { reset(client) })
	defer stop()
	defer reset(client)

	who := e.identify(addressOf(client.RemoteAddr()), false)
	destination, err := e.destination(client)
	if err != nil {
		e.tell(*e.refusal("connect", MechanismEgress, "unknown", "its destination is not known",
			policy.Origin{BuiltIn: "only redirected connections leave a cage"}), who)
		return
	}
	where := e.placeOf(destination)
	if where.host == "" && standsForName(where.literal) {
		e.tell(*e.refusal("connect", MechanismEgress, where.String(), "an address that stands for no name",
			policy.Origin{BuiltIn: "addresses of 198.18.0.0/15 stand for names that were looked up in this cage"}), who)
		return
	}
	told := Connection{
		ID: strconv.FormatInt(e.serial.Add(1), 10), Target: where.String(),
		PID: who.pid, Program: who.program, CommandLine: who.command, Opened: e.o.Now(),
	}
	s, err := e.connect(ctx, client, where, who, &told)
	if err != nil {
		if refused, ok := errors.AsType[*errRefused](err); ok {
			e.tell(*refused.refusal, who)
			return
		}
		told.Error, told.Closed = err.Error(), e.o.Now()
		e.connected(told)
		return
	}
	defer reset(s.server)
	e.carry(ctx, s, told, who)
}

// destination finds where a connection was going. One to the listener itself
// was not redirected and goes nowhere.
func (e *Egress) destination(client net.Conn) (netip.AddrPort, error) {
	destination, err := e.o.Destination(client)
	if err != nil {
		return netip.AddrPort{}, err
	}
	return unmapped(destination), nil
}

// connect judges a place and opens a connection to it.
func (e *Egress) connect(ctx context.Context, client net.Conn, where place, who owner, told *Connection) (*stream, error) {
	allowed, err := e.settle(ctx, client, where, who, told.ID)
	if err != nil {
		return nil, err
	}
	if allowed.asked {
		told.Held = e.o.Now().Sub(told.Opened)
	}
	told.Rule, told.Origin = allowed.rule, allowed.origin
	addresses, err := e.addresses(ctx, where, allowed)
	if err != nil {
		return nil, err
	}
	found := e.dialFirst(ctx, addresses, where.port)
	if found.err != nil {
		return nil, found.err
	}
	told.Address = netip.AddrPortFrom(found.address, where.port).String()
	return &stream{id: told.ID, where: where, address: found.address, allowed: allowed, client: client, server: found.server, answer: answer{known: make(chan struct{})}}, nil
}

// rejudge cuts a stream that the policy in force does not allow.
func (e *Egress) rejudge(s *stream) {
	p := e.policy.Load()
	for _, decision := range []policy.Decision{judgePlace(p, s.where), e.judgeAddress(p, s.where, s.address)} {
		if decision.Effect == policy.Deny || decision.Effect == policy.Ask && !s.allowed.asked {
			s.cut("no longer allowed: " + decision.Rule)
			return
		}
	}
}

// Cut ends a connection that is open, with a reset on both sides; its Connection says
// why. It reports whether there was one of that ID. The program may open another: what
// it may reach is the policy's.
func (e *Egress) Cut(id, why string) bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	for s := range e.streams {
		if s.id == id {
			s.cut(why)
			return true
		}
	}
	return false
}

// carry copies both ways until both sides are done, tells of it, and ends it
// when ctx does.
func (e *Egress) carry(ctx context.Context, s *stream, told Connection, who owner) {
	stop := context.AfterFunc(ctx, func() { s.cut("the run ended") })
	defer stop()
	e.mu.Lock()
	e.streams[s] = struct{}{}
	e.mu.Unlock()
	e.rejudge(s) // the policy may have changed since it was judged
	e.connected(told)

	done := make(chan error, 2)
	var copies sync.WaitGroup
	copies.Go(func() { done <- e.outward(s, who) })
	copies.Go(func() { done <- e.inward(s) })
	ticker := time.NewTicker(reportEvery)
	defer ticker.Stop()
	quiet := time.Duration(0)
	for left := 2; left > 0; {
		select {
		case err := <-done:
			left--
			if err != nil {
				s.cut(err.Error())
			}
		case <-ticker.C:
			sent, recv := s.counts()
			if sent == told.Sent && recv == told.Recv {
				if quiet += reportEvery; quiet >= idleTimeout {
					s.cut("no byte for " + idleTimeout.String())
				}
				continue
			}
			quiet = 0
			told.Sent, told.Recv = sent, recv
			e.connected(told)
		}
	}
	copies.Wait()
	e.mu.Lock()
	delete(e.streams, s) // before its end is told: from then on it is not found
	e.mu.Unlock()
	_ = s.client.Close()
	_ = s.server.Close()
	told.Sent, told.Recv, told.Error, told.Closed = s.sent.Load(), s.recv.Load(), s.reason(), e.o.Now()
	e.connected(told)
}

func (e *Egress) connected(c Connection) {
	if e.o.Connected != nil {
		e.o.Connected(c)
	}
}
