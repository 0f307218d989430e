package limit

import (
	"context"
	"net"
	"net/netip"
	"sync"
)

// Listener counts the connections of the listener below it. One past the limit
// is marked, so that it can be answered in the protocol's own shape; one past
// twice the limit is closed at once.
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
		over, refused := l.limiter.acquire(address)
		if refused {
			inner.Close()
			continue
		}
		return &conn{Conn: inner, over: over, release: sync.OnceFunc(func() { l.limiter.release(address) })}, nil
	}
}

type conn struct {
	net.Conn
	over    bool
	release func()
}

// Close gives the connection's place back.
func (c *conn) Close() error {
	c.release()
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

type overKey struct{}

// Context marks the context of a connection that is one too many; it is an
// http.Server's ConnContext.
func Context(ctx context.Context, c net.Conn) context.Context {
	if counted, is := c.(*conn); is && counted.over {
		return context.WithValue(ctx, overKey{}, true)
	}
	return ctx
}

// Over reports whether a request came on a connection that is one too many.
func Over(ctx context.Context) bool {
	over, _ := ctx.Value(overKey{}).(bool)
	return over
}
