//go:build unix

package upstream_test

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"openclaw/gateway/provider/upstream"
)

// An answer that was read to its end leaves its connection for the next request,
// whatever tells its end; anything else closes it. What comes unasked, with an answer or
// after it, is no answer to the next request.
func TestConnectionsAreKept(t *testing.T) {
	long := "HTTP/1.1 200 OK\r\nX-A: " + strings.Repeat("a", 40<<10) + "\r\nContent-Length: 2\r\n\r\nok" // twice it is more than a header may have
	for name, row := range map[string]struct {
		method string
		answer string
		kept   bool
		left   bool   // unread
		after  string // comes later, unasked
	}{
		"a length":              {"POST", ok, true, false, ""},
		"chunks":                {"POST", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", true, false, ""},
		"chunks and a trailer":  {"POST", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nX-A: b\r\n\r\n", true, false, ""},
		"nothing":               {"POST", "HTTP/1.1 204 No Content\r\n\r\n", true, false, ""},
		"no length at all":      {"POST", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", true, false, ""},
		"not modified":          {"GET", "HTTP/1.1 304 Not Modified\r\nContent-Length: 7\r\n\r\n", true, false, ""},
		"a header only":         {"HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n", true, false, ""},
		"information before it": {"POST", "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nX-A: b\r\n\r\n" + ok, true, false, ""},
		"a long header":         {"POST", long, true, false, ""},
		"a part was read":       {"POST", ok, false, true, ""},
		"it says close":         {"POST", "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok", false, false, ""},
		"an old server":         {"POST", "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok", false, false, ""},
		"another protocol":      {"POST", "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n", false, false, ""},
		"more than it says":     {"POST", ok + "HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nsmuggled", false, false, ""},
		"more than nothing":     {"HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nsmuggled", false, false, ""},
		"more after a while":    {"POST", ok, false, false, "HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nsmuggled"},
		"a byte after a while":  {"POST", ok, false, false, "\r"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			more := make(chan struct{})
			p := serve(t, func(conn net.Conn, number int64, _ string) bool {
				if number > 1 && row.answer != long {
					return say(conn, ok)
				}
				said := say(conn, row.answer)
				if row.after != "" {
					go func() {
						<-more
						say(conn, row.after)
					}()
				}
				return said
			})
			transport := build(t, nil)
			last := dialled(transport)
			response, err := transport.RoundTrip(request(t.Context(), t, row.method, p.url, "{}"))
			if err != nil {
				t.Fatal(err)
			}
			if row.left {
				_, _ = response.Body.Read(make([]byte, 1))
			} else if _, err := io.ReadAll(response.Body); err != nil {
				t.Fatal(err)
			}
			response.Body.Close()
			if row.after != "" {
				close(more)
				arrived(t, last)
			}
			if status, body, err := ask(t, transport, "POST", p.url, "{}"); status != 200 || body != "ok" || err != nil {
				t.Errorf("the next answer is %d %q %v", status, body, err)
			}
			want := int64(2)
			if row.kept {
				want = 1
			}
			if n := p.conns.Load(); n != want || p.asked.Load() != 2 {
				t.Errorf("%d connections for %d requests", n, p.asked.Load())
			}
			eventually(t, "what is not kept is closed", func() bool { return p.gone.Load() == want-1 })
		})
	}
}

// A kept connection that the provider has closed meanwhile costs no request: it is
// sent over another one, whole, and once.
func TestClosedWhileKept(t *testing.T) {
	t.Parallel()
	for _, body := range []string{"", "{}", strings.Repeat("x", 1<<20)} {
		var got atomic.Value
		p := serve(t, func(conn net.Conn, number int64, body string) bool {
			got.Store(body)
			said := say(conn, ok)
			return said && number > 1
		})
		transport := build(t, nil)
		last := dialled(transport)
		if status, _, err := ask(t, transport, "POST", p.url, "{}"); status != 200 || err != nil {
			t.Fatal(status, err)
		}
		arrived(t, last)
		if status, _, err := ask(t, transport, "POST", p.url, body); status != 200 || err != nil || p.asked.Load() != 2 || got.Load() != body {
			t.Errorf("%d %v, asked %d times, %.20q", status, err, p.asked.Load(), got.Load())
		}
	}
}

// An answer that comes before the request was read is heard, and the rest of the
// request holds up neither it nor the next.
func TestAnswerBeforeTheRequestWasRead(t *testing.T) {
	flat(t)
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			defer conn.Close()
			_, _ = conn.Read(make([]byte, 1)) // and no more of it
			say(conn, "HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\n\r\nno")
		}
	}()
	transport := build(t, nil)
	for range 3 {
		if status, body, err := ask(t, transport, "POST", "http://"+listener.Addr().String(), strings.Repeat("x", 32<<20)); status != 413 || body != "no" || err != nil {
			t.Errorf("%d %q %v", status, body, err)
		}
	}
}

// The end of the context ends an exchange wherever it is, and the provider sees it.
func TestContextEnds(t *testing.T) {
	for name, row := range map[string]struct {
		body string
		say  string
		more func(r *http.Response) error
	}{
		"while the request is written": {strings.Repeat("x", 32<<20), "", nil},
		"before the answer":            {"{}", "", nil},
		"in the answer's header":       {"{}", "HTTP/1.1 200 OK\r\nX-A: ", nil},
		"in the answer's body":         {"{}", "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nok", func(r *http.Response) error { _, err := io.ReadAll(r.Body); return err }},
	} {
		t.Run(name, func(t *testing.T) {
			flat(t)
			listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			defer listener.Close()
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			left := make(chan error, 1)
			go func() {
				conn, err := listener.Accept()
				if err != nil {
					left <- err
					return
				}
				defer conn.Close()
				_, _ = conn.Read(make([]byte, 1))
				say(conn, row.say)
				time.AfterFunc(50*time.Millisecond, cancel) // it is somewhere in it by then, or before: both must end
				_, err = io.Copy(io.Discard, conn)
				left <- err
			}()
			transport := build(t, nil)
			response, err := transport.RoundTrip(request(ctx, t, "POST", "http://"+listener.Addr().String(), row.body))
			if err == nil {
				if row.more == nil {
					t.Fatal("there is an answer")
				}
				err = row.more(response)
				response.Body.Close()
			}
			if err == nil || errors.Is(err, io.EOF) && row.more != nil {
				t.Errorf("it ends with %v", err)
			}
			if err := <-left; err != nil && !errors.Is(err, syscall.ECONNRESET) {
				t.Error(err)
			}
		})
	}
}

// No more connections are kept than may be, and none longer.
func TestFewAreKept(t *testing.T) {
	t.Parallel()
	together := func(t *testing.T, transport *upstream.Transport, p *provider, n int) {
		t.Helper()
		var open []io.ReadCloser
		for range n {
			response, err := transport.RoundTrip(request(t.Context(), t, "POST", p.url, "{}")) //nolint:bodyclose // closed below
			if err != nil {
				t.Fatal(err)
			}
			open = append(open, response.Body)
		}
		for _, body := range open {
			_, _ = io.ReadAll(body)
			body.Close()
		}
	}
	answers := func(conn net.Conn, _ int64, _ string) bool { return say(conn, ok) }
	one, two := serve(t, answers), serve(t, answers)
	transport := build(t, nil)
	together(t, transport, one, 6) // 4 of one
	eventually(t, "two are closed", func() bool { return one.gone.Load() == 2 })
	together(t, transport, two, 4) // 6 of all: the oldest give way
	eventually(t, "two more are closed", func() bool { return one.gone.Load() == 4 && two.gone.Load() == 0 })
	together(t, transport, two, 4)
	if two.conns.Load() != 4 {
		t.Errorf("%d connections were opened", two.conns.Load())
	}
	transport.Close()
	eventually(t, "all are closed", func() bool { return one.gone.Load() == 6 && two.gone.Load() == 4 })
	together(t, transport, one, 1)
	eventually(t, "none is kept after the end", func() bool { return one.gone.Load() == 7 })

	short := build(t, func(o *upstream.Options) { o.IdleLife = 50 * time.Millisecond })
	three := serve(t, answers)
	together(t, short, three, 3)
	eventually(t, "their time is over", func() bool { return three.gone.Load() == 3 })
	together(t, short, three, 1)
	time.Sleep(20 * time.Millisecond) // so that most times the first is over alone
	four := serve(t, answers)
	together(t, short, four, 1)
	eventually(t, "and that of one that was kept before, and after", func() bool { return three.gone.Load() == 4 && four.gone.Load() == 1 })
}

// Over TLS connections are kept too, whatever TLS says to itself on them; who is not
// vouched for gets no request.
func TestTLS(t *testing.T) {
	t.Parallel()
	var conns, asked atomic.Int64
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		if r.ProtoMajor != 1 {
			t.Error("HTTP/2 is spoken")
		}
		body, _ := io.ReadAll(r.Body)
		_, _ = w.Write(body)
	}))
	server.EnableHTTP2 = true
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			conns.Add(1)
		}
	}
	server.StartTLS()
	defer server.Close()
	roots := x509.NewCertPool()
	roots.AddCert(server.Certificate())
	transport := build(t, func(o *upstream.Options) { o.Roots = roots })
	last := dialled(transport)
	for i := range 20 {
		want := strings.Repeat(fmt.Sprint(i), 1+i*4<<10)
		if status, body, err := ask(t, transport, "POST", server.URL, want); status != 200 || body != want || err != nil {
			t.Fatalf("%d: %d, %d bytes, %v", i, status, len(body), err)
		}
	}
	if conns.Load() != 1 {
		t.Errorf("%d connections", conns.Load())
	}
	server.CloseClientConnections() // which says so over TLS
	arrived(t, last)
	if status, _, err := ask(t, transport, "POST", server.URL, "{}"); status != 200 || err != nil || asked.Load() != 21 || conns.Load() != 2 {
		t.Errorf("%d %v, asked %d times over %d connections", status, err, asked.Load(), conns.Load())
	}
	var unknown x509.UnknownAuthorityError
	if _, _, err := ask(t, build(t, nil), "POST", server.URL, "{}"); !errors.As(err, &unknown) || asked.Load() != 21 {
		t.Errorf("%v, asked %d times", err, asked.Load())
	}
}

// What would be another request when it is written is not sent, and the error repeats
// none of it: it may be a secret.
func TestBrokenRequests(t *testing.T) {
	t.Parallel()
	p := serve(t, func(conn net.Conn, _ int64, _ string) bool { return say(conn, ok) })
	transport := build(t, nil)
	for name, change := range map[string]func(*http.Request){
		"a value":  func(r *http.Request) { r.Header["X-A"] = []string{"secret\r\nX-B: c"} },
		"a name":   func(r *http.Request) { r.Header["X-A: secret\r\nX-B"] = []string{"c"} },
		"a method": func(r *http.Request) { r.Method = "GET /secret HTTP/1.1\r\nX-A: b\r\n\r\nGET" },
		"a scheme": func(r *http.Request) { r.URL.Scheme = "ftp" },
		"no host":  func(r *http.Request) { r.URL.Host = "" },
	} {
		r := request(t.Context(), t, "POST", p.url, "{}")
		change(r)
		response, err := transport.RoundTrip(r)
		if err == nil {
			response.Body.Close()
		}
		if err == nil || strings.Contains(err.Error(), "secret") || p.conns.Load() != 0 {
			t.Errorf("%s: %v", name, err)
		}
	}
}
