package gateway

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"openclaw/gateway/hub"
	"openclaw/gateway/wire"
)

// drip writes text a byte at a time until the other end has had enough.
func drip(conn net.Conn, every time.Duration) {
	for {
		if _, err := conn.Write([]byte("x")); err != nil {
			return
		}
		time.Sleep(every)
	}
}

// givenUp waits for the other end to close, and returns what it said.
func givenUp(t *testing.T, conn net.Conn, bound time.Duration) string {
	t.Helper()
	_ = conn.SetReadDeadline(time.Now().Add(bound))
	var said bytes.Buffer
	_, err := io.Copy(&said, conn)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatalf("the connection is open after %s; it said %q", bound, said.String())
	}
	return said.String() // a reset is an end too
}

func (h *house) tcp() net.Conn {
	h.t.Helper()
	conn, err := net.Dial("tcp", h.Address().String())
	if err != nil {
		h.t.Fatal(err)
	}
	h.t.Cleanup(func() { conn.Close() })
	return conn
}

// Clients that take their time get little of it, and everybody else is served.
func TestSlowClientsAreGivenUp(t *testing.T) {
	t.Parallel() // it waits
	h := start(t, "")
	here := h.Address().String()
	var all sync.WaitGroup
	for name, begin := range map[string]string{
		"says nothing":                  "",
		"a header that never ends":      "POST /v1/messages HTTP/1.1\r\nHost: " + here + "\r\nX-Slow: ",
		"a request line that never":     "POST /v1/",
		"a body without a token":        "POST /v1/messages HTTP/1.1\r\nHost: " + here + "\r\nContent-Type: application/json\r\nContent-Length: 100000\r\n\r\n{",
		"a body with a wrong token":     "POST /v1/messages HTTP/1.1\r\nHost: " + here + "\r\nX-Api-Key: wrong\r\nContent-Length: 100000\r\n\r\n{",
		"a body in chunks":              "POST /v1/messages HTTP/1.1\r\nHost: " + here + "\r\nTransfer-Encoding: chunked\r\n\r\nffff\r\n{",
		"a body to a path of nothing":   "POST /nothing HTTP/1.1\r\nHost: " + here + "\r\nContent-Length: 100000\r\n\r\n{",
		"a body to a foreign host":      "POST /v1/messages HTTP/1.1\r\nHost: evil.example\r\nContent-Length: 100000\r\n\r\n{",
		"a body that nobody reads":      "POST /v1/messages HTTP/1.1\r\nHost: " + here + "\r\nX-Api-Key: " + h.token + "\r\nContent-Length: 100000\r\n\r\n{",
		"the body of a health question": "GET /health HTTP/1.1\r\nHost: " + here + "\r\nContent-Length: 100000\r\n\r\n{",
	} {
		all.Go(func() {
			conn := h.tcp()
			_, _ = io.WriteString(conn, begin) // it may be gone
			if name != "says nothing" {
				go drip(conn, 100*time.Millisecond)
			}
			said := givenUp(t, conn, 60*time.Second)
			if strings.Contains(name, "body") && !strings.HasPrefix(said, "HTTP/1.1 ") {
				t.Errorf("%s: no answer but %q", name, said)
			}
		})
	}
	for range 10 {
		if r := h.bearer(h.token); r.StatusCode != 200 {
			t.Fatal(r.Status)
		}
		time.Sleep(50 * time.Millisecond)
	}
	all.Wait()
}

// A body that comes slower than the slowest modem is ended while it comes, however
// regular its pieces are.
func TestABodyThatTricklesIsEnded(t *testing.T) {
	b := &slowBody{ReadCloser: io.NopCloser(strings.NewReader(strings.Repeat("x", 1000))), control: http.NewResponseController(deaf{}), begun: time.Now().Add(-bodyStart)}
	if _, err := b.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatal("a minute for nothing:", err)
	}
	b.got = 10 * slowestBody
	if n, err := b.Read(make([]byte, 1)); n != 1 || err != nil {
		t.Fatal("one that is quick enough:", n, err)
	}
	b.begun = b.begun.Add(-11 * time.Second)
	if _, err := b.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatal("one that became too slow:", err)
	}
}

// deaf is a ResponseWriter without deadlines.
type deaf struct{ http.ResponseWriter }

// Sockets before their handshake: bounded in number, in time and in memory, and
// none of them stands in the way of one that shakes hands.
func TestSocketsBeforeTheirHandshakeAreBounded(t *testing.T) {
	t.Parallel() // it waits
	h := build(t, newLayout(t), freePort(t), "", func(d *Deps) { d.Limits = hub.Limits{Handshakes: 20, Handshake: 5 * time.Second} }).run()
	var silent []net.Conn
	for range 120 {
		conn := h.tcp()
		fmt.Fprintf(conn, "GET / HTTP/1.1\r\nHost: %s\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n", h.Address())
		silent = append(silent, conn)
	}
	for _, conn := range silent { // each is in its handshake, or pushed out of it already
		_ = conn.SetReadDeadline(time.Now().Add(30 * time.Second))
		piece := make([]byte, 1024)
		for seen := ""; !strings.Contains(seen, wire.EventChallenge); {
			n, err := conn.Read(piece)
			if err != nil {
				break
			}
			seen += string(piece[:n])
		}
	}
	for range 5 {
		h.rawConnect()
	}
	for _, conn := range silent {
		givenUp(t, conn, 60*time.Second)
	}
	// One that drips its handshake is ended at the same time.
	s := h.rawDial()
	frame := rawFrame{opcode: opText, payload: health(wire.MaxHandshakeFrame)}.bytes()
	go func() {
		for i := range frame {
			if _, err := s.conn.Write(frame[i : i+1]); err != nil {
				return
			}
			time.Sleep(20 * time.Millisecond)
		}
	}()
	givenUp(t, s.conn, 60*time.Second)
}

// Three hundred sockets that are let in and do nothing keep nobody out; when they are
// gone, nothing is left of them. Thousands are 'measure gateway's.
func TestIdleSocketsLeaveNothing(t *testing.T) {
	h := start(t, "  rate_limiting: {enabled: true, max_connections_per_ip: 2000, max_requests_per_minute: 100000}\n")
	for range 2 { // the second time shows what the first one left
		var all []*rawSocket
		for range 300 {
			all = append(all, h.rawConnect())
		}
		if n := h.hub.Count(); n != 300 {
			t.Fatal(n)
		}
		if c := h.remote("operator.read"); c.Call(t.Context(), "health", nil, nil) != nil || c.Close() != nil {
			t.Fatal("a new client is not served")
		}
		for _, s := range all {
			s.conn.Close()
		}
		until(t, "all are gone", func() bool { return h.hub.Count() == 0 })
	}
}

// Strangers who guess lock nobody out: neither this machine's own programs nor the
// right token from the very address of the guesser.
func TestGuessersLockNobodyOut(t *testing.T) {
	t.Parallel() // it waits
	h := start(t, "  rate_limiting: {enabled: true, max_connections_per_ip: 100, max_requests_per_minute: 100000, ban_threshold: 3, ban_duration: 3600}\n")
	var guesses sync.WaitGroup
	stop := make(chan struct{})
	for i := range 20 {
		guesses.Go(func() {
			for n := 0; ; n++ {
				select {
				case <-stop:
					return
				default:
				}
				request, err := http.NewRequestWithContext(t.Context(), "POST", "http://"+h.Address().String()+"/v1/messages", nil)
				if err != nil {
					return
				}
				request.Header.Set("X-Api-Key", fmt.Sprint("guess-", i, "-", n))
				if response, err := http.DefaultClient.Do(request); err == nil {
					response.Body.Close()
				}
			}
		})
	}
	until(t, "guesses arrive", func() bool { return h.guard.Total() > 20 })
	for range 30 {
		if r := h.bearer(h.token); r.StatusCode != 200 {
			t.Error(r.Status, r.text)
		}
		if _, answer := h.socket(h.token); !answer.OK {
			t.Errorf("%+v", answer.Error)
		}
	}
	total := h.guard.Total()
	close(stop)
	guesses.Wait()
	// 20 guessers wait up to 10 s for each answer: it cannot be thousands.
	if total > 2000 {
		t.Errorf("%d guesses", total)
	}
	if bans := h.bans.Load().List(); len(bans) != 0 {
		t.Errorf("this machine is banned: %v", bans)
	}
}
