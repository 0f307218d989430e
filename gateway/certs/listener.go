package certs

import (
	"bytes"
	"container/list"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"strconv"
	"sync"
	"time"
)

// ListenerOptions is what a Listener is given. Zero fields are their defaults.
type ListenerOptions struct {
	Timeout    time.Duration // for one handshake; 5 s
	Unfinished int           // handshakes at once, of all addresses; 512

	// Failed is told of a handshake that failed. client says that it failed by
	// the client's certificate.
	Failed func(from net.Addr, reason string, client bool)
}

// Listener makes TLS connections of those of the listener below it, and hands
// them out when their handshake is done. Close takes no more; who shakes hands by
// then is still handed out. Cut ends all of it and waits.
type Listener struct {
	net.Listener
	config   *tls.Config
	options  ListenerOptions
	accepted chan result
	closing  chan struct{} // closed by Close
	cut      chan struct{} // closed by Cut
	over     chan struct{} // closed when there is nothing more to hand out
	close    func() error  // each once
	end      func()
	alive    sync.WaitGroup

	mu         sync.Mutex // guards unfinished
	unfinished *list.List // of net.Conn, oldest first
}

type result struct {
	conn net.Conn
	err  error
}

// Listen returns a Listener over inner and begins to accept.
func Listen(inner net.Listener, config *tls.Config, options ListenerOptions) *Listener {
	if options.Timeout == 0 {
		options.Timeout = 5 * time.Second
	}
	if options.Unfinished == 0 {
		options.Unfinished = 512
	}
	if options.Failed == nil {
		options.Failed = func(net.Addr, string, bool) {}
	}
	l := &Listener{Listener: inner, config: config, options: options, accepted: make(chan result), unfinished: list.New(),
		closing: make(chan struct{}), cut: make(chan struct{}), over: make(chan struct{})}
	l.close = sync.OnceValue(func() error {
		close(l.closing)
		return inner.Close()
	})
	l.end = sync.OnceFunc(func() { close(l.cut) })
	l.alive.Go(l.accept)
	go func() {
		l.alive.Wait()
		close(l.over)
	}()
	return l
}

func (l *Listener) accept() {
	for {
		conn, err := l.Listener.Accept()
		if err != nil {
			if l.isClosing() {
				return
			}
			// The server waits after a temporary error, and calls Accept again.
			if !l.give(result{err: err}) || errors.Is(err, net.ErrClosed) {
				return
			}
			continue
		}
		place := l.enter(conn)
		l.alive.Go(func() { l.shake(conn, place) })
	}
}

// enter counts a handshake; the oldest gives way to one that is too many.
func (l *Listener) enter(conn net.Conn) *list.Element {
	l.mu.Lock()
	defer l.mu.Unlock()
	select {
	case <-l.cut:
		conn.Close()
	default:
	}
	if l.unfinished.Len() >= l.options.Unfinished {
		oldest := l.unfinished.Remove(l.unfinished.Front()).(net.Conn)
		oldest.Close() // its handshake fails by that
	}
	return l.unfinished.PushBack(conn)
}

func (l *Listener) leave(place *list.Element) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.unfinished.Remove(place) // nothing happens to one that gave way
}

// shake does one handshake.
func (l *Listener) shake(raw net.Conn, place *list.Element) {
	ctx, cancel := context.WithTimeout(context.Background(), l.options.Timeout)
	defer cancel()
	_ = raw.SetDeadline(time.Now().Add(l.options.Timeout)) // it bounds the goodbye too
	conn := tls.Server(raw, l.config)
	err := conn.HandshakeContext(ctx)
	l.leave(place)
	if err != nil {
		l.fail(raw, err)
		return
	}
	_ = raw.SetDeadline(time.Time{})
	if !l.give(result{conn: conn}) {
		raw.Close()
	}
}

func (l *Listener) give(r result) bool {
	select {
	case l.accepted <- r:
		return true
	case <-l.cut:
		return false
	}
}

func (l *Listener) isClosing() bool {
	select {
	case <-l.closing:
		return true
	default:
		return false
	}
}

// fail tells what went wrong, and answers who speaks HTTP.
func (l *Listener) fail(raw net.Conn, err error) {
	defer raw.Close()
	select {
	case <-l.cut:
		return // it did not fail: the listener ended
	default:
	}
	if plain, is := errors.AsType[tls.RecordHeaderError](err); is && speaksHTTP(plain.RecordHeader[:]) {
		_ = raw.SetDeadline(time.Now().Add(time.Second))
		_, _ = io.WriteString(raw, plainAnswer()) // who is gone needs no answer
		if half, is := raw.(interface{ CloseWrite() error }); is {
			_ = half.CloseWrite()
		}
		_, _ = io.CopyN(io.Discard, raw, 64<<10) // unread bytes would take the answer with them
		l.options.Failed(raw.RemoteAddr(), "plain HTTP on the TLS port", false)
		return
	}
	if errors.Is(err, io.EOF) || errors.Is(err, net.ErrClosed) {
		return // it connected and left, as a port scan does, or gave way
	}
	reason, client := reasonFor(err)
	l.options.Failed(raw.RemoteAddr(), reason, client)
}

const plainBody = `{"type":"error","error":{"type":"invalid_request_error","message":"this port speaks TLS: write https:// or wss://"}}`

func plainAnswer() string {
	return "HTTP/1.1 400 Bad Request\r\nContent-Type: application/json\r\nConnection: close\r\nCache-Control: no-store\r\n" +
		"X-Content-Type-Options: nosniff\r\nContent-Length: " + strconv.Itoa(len(plainBody)) + "\r\n\r\n" + plainBody
}

func speaksHTTP(start []byte) bool {
	for _, method := range []string{"GET /", "HEAD ", "POST ", "PUT /", "OPTIO", "DELET", "PATCH", "CONNE", "PRI *"} {
		if bytes.HasPrefix(start, []byte(method)) {
			return true
		}
	}
	return false
}

// reasonFor says in words why a handshake failed.
func reasonFor(err error) (reason string, client bool) {
	if refusal, is := errors.AsType[*Refusal](err); is {
		return refusal.Reason, true
	}
	if unverified, is := errors.AsType[*tls.CertificateVerificationError](err); is && len(unverified.UnverifiedCertificates) > 0 {
		return reasonOf(unverified.UnverifiedCertificates[0], unverified.Err), true
	}
	var timeout interface{ Timeout() bool }
	switch {
	case err.Error() == "tls: client didn't provide a certificate":
		return "the client showed no certificate", true
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		return "the TLS handshake was not finished in time", false
	default:
		return "the TLS handshake failed: " + err.Error(), false
	}
}

// Accept returns the next connection whose handshake is done. After Close and the
// last handshake, or Cut, its error is net.ErrClosed.
func (l *Listener) Accept() (net.Conn, error) {
	select {
	case r := <-l.accepted:
		return r.conn, r.err
	case <-l.over:
		return nil, net.ErrClosed
	}
}

// Close takes no more connections, and does not wait.
func (l *Listener) Close() error { return l.close() }

// Cut ends the listener and every handshake, and waits for them.
func (l *Listener) Cut() {
	_ = l.close() // a listener that is closed already is one
	l.mu.Lock()
	l.end()
	for e := l.unfinished.Front(); e != nil; e = e.Next() {
		e.Value.(net.Conn).Close()
	}
	l.mu.Unlock()
	<-l.over
}
