package certs_test

import (
	"crypto/tls"
	"errors"
	"net"
	"testing"
	"time"

	"openclaw/gateway/certs"
)

// seen says when a connection was accepted.
type seen struct {
	net.Listener
	accepted chan struct{}
}

func (s *seen) Accept() (net.Conn, error) {
	conn, err := s.Listener.Accept()
	if err == nil {
		s.accepted <- struct{}{}
	}
	return conn, err
}

// Who shakes hands when a listener is closed is still handed out, and then nobody.
// Cut ends who never finishes.
func TestAHandshakeOutlivesTheEndOfItsListener(t *testing.T) {
	w := newWorld(t)
	for _, finishes := range []bool{true, false} {
		inner, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		below := &seen{inner, make(chan struct{}, 8)}
		l := certs.Listen(below, w.open(w.settings()).Config(), certs.ListenerOptions{Timeout: 30 * time.Second})
		raw, err := net.Dial("tcp", inner.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer raw.Close()
		_ = raw.SetDeadline(time.Now().Add(20 * time.Second))
		<-below.accepted
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		if finishes {
			shaken := make(chan error, 1)
			go func() { shaken <- tls.Client(raw, &tls.Config{InsecureSkipVerify: true}).Handshake() }()
			conn, err := l.Accept()
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			if err := <-shaken; err != nil {
				t.Fatal(err)
			}
		} else {
			l.Cut()
			if _, err := raw.Read(make([]byte, 1)); err == nil || isTimeout(err) {
				t.Fatal("a handshake outlives Cut:", err)
			}
		}
		if conn, err := l.Accept(); !errors.Is(err, net.ErrClosed) {
			t.Fatal(conn, err)
		}
		l.Cut()
	}
}
