//go:build unix

package upstream_test

import (
	"context"
	"net"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
)

// breaking is a connection of which a write can be made to fail before its first byte.
type breaking struct {
	*net.TCPConn
	broken atomic.Bool
}

func (b *breaking) Write(p []byte) (int, error) {
	if b.broken.Load() {
		return 0, syscall.EPIPE
	}
	return b.TCPConn.Write(p)
}

// One that breaks when the request is to be written, and no sooner, costs none either;
// a new one that does is given up.
func TestBrokenWhileKept(t *testing.T) {
	t.Parallel()
	for _, body := range []string{"", "{}", strings.Repeat("x", 1<<20)} { // the last is written beside the reading
		var got atomic.Value
		p := serve(t, func(conn net.Conn, _ int64, body string) bool {
			got.Store(body)
			return say(conn, ok)
		})
		var conns []*breaking
		next := false
		transport := build(t, nil)
		transport.Dial(func(ctx context.Context, network, address string) (net.Conn, error) {
			conn, err := (&net.Dialer{}).DialContext(ctx, network, address)
			if err != nil {
				return nil, err
			}
			b := &breaking{TCPConn: conn.(*net.TCPConn)}
			b.broken.Store(next)
			conns = append(conns, b)
			return b, nil
		})
		if status, _, err := ask(t, transport, "POST", p.url, "{}"); status != 200 || err != nil {
			t.Fatal(status, err)
		}
		conns[0].broken.Store(true)
		if status, _, err := ask(t, transport, "POST", p.url, body); status != 200 || err != nil || len(conns) != 2 || p.asked.Load() != 2 || got.Load() != body {
			t.Errorf("%d %v, asked %d times over %d, %.20q", status, err, p.asked.Load(), len(conns), got.Load())
		}
		conns[1].broken.Store(true)
		next = true
		if status, _, err := ask(t, transport, "POST", p.url, body); err == nil || len(conns) != 3 || p.asked.Load() != 2 {
			t.Errorf("%d %v, asked %d times over %d", status, err, p.asked.Load(), len(conns))
		}
	}
}

// counting is a connection that counts its writes.
type counting struct {
	*net.TCPConn
	writes atomic.Int64
}

func (c *counting) Write(p []byte) (int, error) {
	c.writes.Add(1)
	return c.TCPConn.Write(p)
}

// To write costs more than what is written: a short request is one piece, a long one
// few, and each arrives as it is.
func TestFewPieces(t *testing.T) {
	t.Parallel()
	var got atomic.Value
	p := serve(t, func(conn net.Conn, _ int64, body string) bool {
		got.Store(body)
		return say(conn, ok)
	})
	var last *counting
	transport := build(t, nil)
	transport.Dial(func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := (&net.Dialer{}).DialContext(ctx, network, address)
		if err != nil {
			return nil, err
		}
		last = &counting{TCPConn: conn.(*net.TCPConn)}
		return last, nil
	})
	for length, most := range map[int]int64{0: 1, 2 << 10: 1, 16 << 10: 2, 90 << 10: 3, 1 << 20: 18} {
		body := strings.Repeat("0123456789abcdef", length/16)
		if last != nil {
			last.writes.Store(0)
		}
		if status, _, err := ask(t, transport, "POST", p.url, body); status != 200 || err != nil || got.Load() != body || last.writes.Load() > most {
			t.Errorf("%d bytes: %d %v, %d arrived, in %d pieces", length, status, err, len(got.Load().(string)), last.writes.Load())
		}
	}
}

// A request that was written is never written again: the provider may have had it.
func TestSentOnce(t *testing.T) {
	t.Parallel()
	for _, body := range []string{"{}", strings.Repeat("x", 1<<20)} {
		p := serve(t, func(conn net.Conn, number int64, _ string) bool { return number == 1 && say(conn, ok) })
		transport := build(t, nil)
		if status, _, err := ask(t, transport, "POST", p.url, "{}"); status != 200 || err != nil {
			t.Fatal(status, err)
		}
		if status, _, err := ask(t, transport, "POST", p.url, body); err == nil || p.asked.Load() != 2 {
			t.Errorf("%d %v, asked %d times", status, err, p.asked.Load())
		}
	}
}
