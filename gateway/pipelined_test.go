package gateway

import (
	"errors"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"
)

// unbuffered is the server's end of a connection that keeps nothing: what the client
// does not read is not written.
type unbuffered struct{ net.Conn }

func (unbuffered) RemoteAddr() net.Addr {
	return net.TCPAddrFromAddrPort(netip.MustParseAddrPort("127.0.0.1:4711"))
}

// piped is a listener of connections that are made already.
type piped chan net.Conn

func (p piped) Accept() (net.Conn, error) {
	conn, open := <-p
	if !open {
		return nil, net.ErrClosed
	}
	return conn, nil
}
func (p piped) Close() error   { return nil }
func (p piped) Addr() net.Addr { return unbuffered{}.RemoteAddr() }

// A client that asks and reads no answer is given up, whatever it asks; one that
// takes a while is not, nor on its next request.
func TestAClientThatReadsNoAnswerIsGivenUp(t *testing.T) {
	t.Parallel() // it waits
	h := start(t, "")
	listener := make(piped, 10)
	server := &http.Server{Handler: h.tcpHandler(), ReadHeaderTimeout: headerTimeout}
	var served sync.WaitGroup
	served.Go(func() { _ = server.Serve(listener) }) // it ends with its listener
	defer served.Wait()
	defer close(listener)
	connect := func() net.Conn {
		conn, far := net.Pipe()
		t.Cleanup(func() { conn.Close() })
		listener <- unbuffered{far}
		return conn
	}
	host := "Host: " + h.Address().String() + "\r\n"
	var all sync.WaitGroup
	for name, ask := range map[string]string{
		"health":        "GET /health HTTP/1.1\r\n" + host + "\r\n",
		"nothing":       "GET /nothing HTTP/1.1\r\n" + host + "\r\n",
		"a wrong host":  "GET /health HTTP/1.1\r\nHost: evil.example\r\n\r\n",
		"a provider":    "POST /v1/messages HTTP/1.1\r\n" + host + "X-Api-Key: " + h.token + "\r\nContent-Length: 0\r\n\r\n",
		"a wrong token": "POST /v1/messages HTTP/1.1\r\n" + host + "X-Api-Key: wrong\r\nContent-Length: 0\r\n\r\n",
	} {
		all.Go(func() {
			conn := connect()
			_ = conn.SetWriteDeadline(time.Now().Add(answerTimeout + 60*time.Second))
			var err error
			for err == nil { // the next requests, of which no more than a byte is taken
				_, err = io.WriteString(conn, ask)
			}
			if !errors.Is(err, io.ErrClosedPipe) {
				t.Errorf("%s: %v", name, err)
			}
		})
	}
	slow := connect()
	_ = slow.SetDeadline(time.Now().Add(answerTimeout + 60*time.Second))
	for range 2 {
		if _, err := io.WriteString(slow, "GET /health HTTP/1.1\r\n"+host+"\r\n"); err != nil {
			t.Fatal(err)
		}
		answer, piece := "", make([]byte, 1)
		for !strings.Contains(answer, `"live"}`) {
			if _, err := slow.Read(piece); err != nil {
				t.Fatal(err, answer)
			}
			answer += string(piece)
		}
		all.Wait() // so long that the time of its last answer has passed
	}
}
