package gateway

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"sync"
	"testing"
	"time"
)

// late is a listener that is closed while it accepts.
type late struct {
	net.Listener
	once     sync.Once
	accepted chan struct{}
	closed   chan struct{}
}

func (l *late) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err == nil {
		close(l.accepted)
		<-l.closed
	}
	return conn, err
}

func (l *late) Close() error {
	l.once.Do(func() { close(l.closed) })
	return l.Listener.Close()
}

// A connection that was accepted when a stop begins is answered: where a service
// manager holds the port it would have waited there for the next gateway.
func TestAConnectionThatWasAcceptedIsAnswered(t *testing.T) {
	for range 50 {
		inner, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		base, cut := context.WithCancel(context.Background())
		listener := &late{Listener: inner, accepted: make(chan struct{}), closed: make(chan struct{})}
		s := newServers(cut)
		s.all = []server{{from: listener, Server: &http.Server{
			ReadHeaderTimeout: headerTimeout, BaseContext: func(net.Listener) context.Context { return base },
			Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.Context().Err() == nil {
					_, _ = io.WriteString(w, "answered")
				}
			}),
		}}}
		s.serve()
		conn, err := net.Dial("tcp", inner.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(conn, "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		<-listener.accepted
		s.shutdown(20 * time.Second)
		_ = conn.SetReadDeadline(time.Now().Add(20 * time.Second))
		answer, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			t.Fatal(err)
		}
		if body, err := io.ReadAll(answer.Body); err != nil || string(body) != "answered" {
			t.Fatalf("%q %v", body, err)
		}
		answer.Body.Close()
		conn.Close()
	}
}
