package upstream

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"time"
)

const (
	readSpace  = 16 << 10
	writeSpace = 8 << 10
	pieceSpace = 64 << 10 // of a longer body; Claude Code's have 90 KB

	// writtenFirst bounds a body that is written before the answer is read, in bytes.
	// It fits what the kernels of both sides buffer, so that it is written even if
	// the provider reads none of it.
	writtenFirst = 16 << 10

	// writeWait is how long a connection whose answer has ended may take to be
	// written what is left of the request. What answers first and reads then is
	// rare; what has not run yet is a moment's matter.
	writeWait = 50 * time.Millisecond

	// lastAnswer is how long an answer may take when the request cannot be written.
	lastAnswer = time.Second
)

var errLongHeader = errors.New("read answer: its header is too long")

// where is what a connection leads to, as a URL has it.
type where struct{ scheme, host string }

// conn is one connection. One request at a time uses it.
type conn struct {
	net.Conn          // TLS, where it is spoken
	below     *socket // below it
	transport *Transport
	to        where
	in        *bufio.Reader
	out       *bufio.Writer

	kept    bool  // it has served a request before
	written int64 // bytes, of this request
	header  int64 // bytes that may still be read of its answer's header
	body    bool  // the header is through

	since time.Time // when it was put by; guarded by idle.mu
}

func newConn(t *Transport, to where, inner net.Conn, below *socket) *conn {
	c := &conn{Conn: inner, below: below, transport: t, to: to}
	c.in, c.out = bufio.NewReaderSize(reading{c}, readSpace), bufio.NewWriterSize(writing{c}, writeSpace)
	return c
}

// quiet reports whether nothing came over a kept connection behind its last answer, not
// even its end. It does not wait. What TLS says to itself is nothing.
func (c *conn) quiet() bool {
	c.below.looking = true
	_, err := c.in.Peek(1)
	c.below.looking = false
	return errors.Is(err, errNothing)
}

// reading counts what is read of a header.
type reading struct{ *conn }

func (r reading) Read(p []byte) (int, error) {
	c := r.conn
	if !c.body {
		if c.header <= 0 {
			return 0, errLongHeader
		}
		p = p[:min(int64(len(p)), c.header)]
	}
	n, err := c.Read(p)
	c.header -= int64(n)
	return n, err
}

// writing counts what is written.
type writing struct{ *conn }

func (w writing) Write(p []byte) (int, error) {
	n, err := w.conn.Write(p)
	w.written += int64(n)
	return n, err
}

// ReadFrom is for bufio.Writer: what is left of a body when its space is full is written
// in larger pieces. To write costs more than what is written.
func (w writing) ReadFrom(body io.Reader) (total int64, err error) {
	space, _ := w.transport.spaces.Get().(*[pieceSpace]byte) // the pool holds nothing else
	defer func() {
		clear(space[:min(total, pieceSpace)])
		w.transport.spaces.Put(space)
	}()
	for {
		n, err := body.Read(space[:])
		if n > 0 {
			if _, err := w.Write(space[:n]); err != nil {
				return total, err
			}
			total += int64(n)
		}
		if errors.Is(err, io.EOF) {
			return total, nil
		}
		if err != nil {
			return total, err
		}
	}
}

// exchange sends a request and reads the answer's header. On an error the connection
// is closed.
func (c *conn) exchange(r *http.Request) (*http.Response, error) {
	c.written, c.header, c.body = 0, c.transport.options.MaxHeader, false
	a := &answer{conn: c, still: context.AfterFunc(r.Context(), func() { c.Close() })}
	if r.ContentLength >= 0 && r.ContentLength <= writtenFirst {
		if err := c.write(r); err != nil {
			a.end(false)
			return nil, err
		}
	} else {
		a.writes = make(chan error, 1)
		go func() {
			err := c.write(r)
			if err != nil { // an answer that came before is still heard, and no other waited for
				_ = c.SetReadDeadline(time.Now().Add(lastAnswer)) // it fails where the connection is closed
			}
			a.writes <- err
		}()
	}
	response, err := c.read(r)
	if err != nil {
		a.end(false)
		if broken := a.writeError(); broken != nil {
			return nil, broken
		}
		return nil, err
	}
	c.body = true
	a.closes = response.Close || response.StatusCode < http.StatusOK
	if response.StatusCode == http.StatusSwitchingProtocols || r.Method == http.MethodHead || response.ContentLength == 0 {
		a.end(true)
		response.Body = http.NoBody
		return response, nil
	}
	a.body, response.Body = response.Body, a
	return response, nil
}

func (c *conn) write(r *http.Request) error {
	if err := r.Write(c.out); err != nil {
		return err
	}
	return c.out.Flush()
}

// read reads the header of the answer, past those that only inform.
func (c *conn) read(r *http.Request) (*http.Response, error) {
	for {
		response, err := http.ReadResponse(c.in, r)
		if err != nil {
			return nil, err
		}
		if response.StatusCode < 100 || response.StatusCode >= 200 || response.StatusCode == http.StatusSwitchingProtocols {
			return response, nil
		}
	}
}
