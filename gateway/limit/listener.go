package limit

import (
	"container/list"
	"context"
	"net"
	"net/netip"
)

// Listener counts the connections of the listener below it. When one address
// has as many as it may, the one of them that nobody has vouched for longest
// (see Hold) is closed for a new one; where there is none, the new one is marked,
// so that it can be answered in the protocol's own shape, and one past twice the
// limit is closed at once. One from a banned address is closed before anything
// is read from it.
type Listener struct {
	net.Listener
	limiter *Limiter
}

// Listen returns a Listener over inner.
func (l *Limiter) Listen(inner net.Listener) *Listener { return &Listener{Listener: inner, limiter: l} }

// Accept waits for the next connection that has room.
func (l *Listener) Accept() (net.Conn, error) {
	for {
		inner, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		address := AddressOf(inner.RemoteAddr())
		if l.limiter.shut(address) {
			inner.Close()
			continue
		}
		c := &conn{Conn: inner, limiter: l.limiter, address: address, group: Group(address)}
		evicted, refused := l.limiter.acquire(c)
		if evicted != nil {
			evicted.Conn.Close() // its server ends by that
		}
		if refused {
			inner.Close()
			l.limiter.refused(address)
			continue
		}
		return c, nil
	}
}

type conn struct {
	net.Conn
	limiter *Limiter
	address netip.Addr
	group   netip.Addr
	over    bool // set before Accept returns it

	stranger bool // one of many: not of this machine, nor of a proxy

	counted bool          // guarded by limiter.mu
	loose   *list.Element // guarded by limiter.mu; nil: held, or over
	among   *list.Element // of the strangers, likewise
}

// Close gives the connection's place back.
func (c *conn) Close() error {
	c.limiter.release(c)
	return c.Conn.Close()
}

// AddressOf returns the IP of a TCP address; the zero Addr for any other.
func AddressOf(address net.Addr) netip.Addr {
	tcp, is := address.(*net.TCPAddr)
	if !is {
		return netip.Addr{}
	}
	return tcp.AddrPort().Addr().Unmap()
}

type connKey struct{}

// Context puts a connection that Accept returned into its requests' context; it
// is an http.Server's ConnContext.
func Context(ctx context.Context, c net.Conn) context.Context {
	if counted, is := c.(*conn); is {
		return context.WithValue(ctx, connKey{}, counted)
	}
	return ctx
}

// Over reports whether a request came on a connection that is one too many.
func Over(ctx context.Context) bool {
	c, is := ctx.Value(connKey{}).(*conn)
	return is && c.over
}

// Hold keeps the connection of a request, whose credential is good, from giving
// way to a new one, until release is called or it closes.
func Hold(ctx context.Context) (release func()) {
	c, is := ctx.Value(connKey{}).(*conn)
	if !is {
		return func() {}
	}
	c.limiter.hold(c)
	return func() { c.limiter.letLoose(c) }
}

// Holder returns what Hold does without its release, for a connection that
// outlives its request; it keeps nothing of the request.
func Holder(ctx context.Context) (hold func()) {
	c, is := ctx.Value(connKey{}).(*conn)
	if !is {
		return func() {}
	}
	return func() { c.limiter.hold(c) }
}
