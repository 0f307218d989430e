package proxy

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"sync"
	"time"
)

// tunnel is a program's connection as egress sees it: the request has been
// read, and what comes first is what goes to the server.
//
// egress reads and writes it only once the far end is reached; that is when
// the program learns that its tunnel stands. Closed before, it has failed.
type tunnel struct {
	net.Conn
	destination netip.AddrPort
	connect     bool
	plain       bool // not a request of HTTP: nothing of ours is written to it
	opened      sync.Once
	openErr     error
	closed      sync.Once
	done        chan struct{}

	mu    sync.Mutex
	start []byte // still to be read
}

func newTunnel(conn net.Conn, asked *request) *tunnel {
	return &tunnel{
		Conn: conn, destination: asked.destination, connect: len(asked.head) == 0, done: make(chan struct{}),
		start: append(asked.head, asked.rest...),
	}
}

// open says once that the far end is reached.
func (t *tunnel) open() error {
	t.opened.Do(func() {
		if t.connect {
			_, t.openErr = t.Conn.Write([]byte("HTTP/1.1 200 Connection established\r\n\r\n"))
		}
	})
	return t.openErr
}

// Read gives what was read before, then what comes.
func (t *tunnel) Read(b []byte) (int, error) {
	if err := t.open(); err != nil {
		return 0, err
	}
	t.mu.Lock()
	n := copy(b, t.start)
	t.start = t.start[n:]
	t.mu.Unlock()
	if n > 0 || len(b) == 0 {
		return n, nil
	}
	return t.Conn.Read(b)
}

// Write sends what the server said.
func (t *tunnel) Write(b []byte) (int, error) {
	if err := t.open(); err != nil {
		return 0, err
	}
	return t.Conn.Write(b)
}

// CloseWrite ends one direction.
func (t *tunnel) CloseWrite() error {
	if err := t.open(); err != nil {
		return err
	}
	if half, ok := t.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return nil
}

// Close ends the connection. A program whose tunnel never stood is told so.
func (t *tunnel) Close() error {
	var err error
	t.closed.Do(func() {
		t.opened.Do(func() {
			if t.plain {
				if tcp, ok := t.Conn.(*net.TCPConn); ok {
					_ = tcp.SetLinger(0) // the program sees a reset
				}
				return
			}
			writeStatus(t.Conn, &status{code: 502, text: "openclaw: the connection was refused or cannot be made; `openclaw denials` tells which"})
		})
		err = t.Conn.Close()
		close(t.done)
	})
	return err
}

// destination is where a connection goes, for egress.
func destination(conn net.Conn) (netip.AddrPort, error) {
	t, ok := conn.(*tunnel)
	if !ok {
		return netip.AddrPort{}, errors.New("not a connection of the proxy")
	}
	return t.destination, nil
}

// queue is a listener whose connections come from this program.
type queue struct {
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func newQueue() *queue { return &queue{conns: make(chan net.Conn), closed: make(chan struct{})} }

func (q *queue) put(ctx context.Context, conn net.Conn) bool {
	select {
	case q.conns <- conn:
		return true
	case <-q.closed:
	case <-ctx.Done():
	}
	return false
}

// Accept waits for put.
func (q *queue) Accept() (net.Conn, error) {
	select {
	case conn := <-q.conns:
		return conn, nil
	case <-q.closed:
		return nil, net.ErrClosed
	}
}

// Close ends Accept and put.
func (q *queue) Close() error {
	q.once.Do(func() { close(q.closed) })
	return nil
}

// Addr says nothing.
func (q *queue) Addr() net.Addr { return &net.TCPAddr{} }

// questionTimeout bounds a question to egress, which answers from memory.
const questionTimeout = 10 * time.Second
