//go:build unix

package upstream_test

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"openclaw/gateway/provider/upstream"
)

// provider answers over bare connections, which it counts.
type provider struct {
	url   string
	conns atomic.Int64 // that were opened
	gone  atomic.Int64 // of them, that the transport has closed
	asked atomic.Int64
}

// serve gives each whole request, with its number from 1, to answer; false ends the
// connection.
func serve(t *testing.T, answer func(conn net.Conn, number int64, body string) bool) *provider {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &provider{url: "http://" + listener.Addr().String()}
	var group sync.WaitGroup
	group.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			p.conns.Add(1)
			group.Go(func() {
				defer conn.Close()
				reader := bufio.NewReader(conn)
				for {
					r, err := http.ReadRequest(reader)
					if err != nil {
						p.gone.Add(1)
						return
					}
					body, err := io.ReadAll(r.Body)
					if err != nil {
						p.gone.Add(1)
						return
					}
					if !answer(conn, p.asked.Add(1), string(body)) {
						return
					}
				}
			})
		}
	})
	t.Cleanup(func() {
		listener.Close()
		group.Wait()
	})
	return p
}

func build(t *testing.T, change func(*upstream.Options)) *upstream.Transport {
	t.Helper()
	o := upstream.Options{ConnectTimeout: 20 * time.Second, IdleOfOne: 4, IdleOfAll: 6, IdleLife: time.Hour, MaxHeader: 64 << 10}
	if change != nil {
		change(&o)
	}
	transport := upstream.New(o)
	t.Cleanup(transport.Close)
	return transport
}

func request(ctx context.Context, t *testing.T, method, url, body string) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(ctx, method, url, strings.NewReader(body)) // with a GetBody
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// arrived waits until something, or the end, has come over the connection that a
// transport dialled last: what the other side has written may still be on its way.
func arrived(t *testing.T, last *atomic.Pointer[net.TCPConn]) {
	t.Helper()
	raw, err := last.Load().SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, "what was sent comes", func() bool {
		came := false
		err := raw.Control(func(fd uintptr) {
			_, _, err := syscall.Recvfrom(int(fd), make([]byte, 1), syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
			came = err == nil
		})
		return err == nil && came
	})
}

// dialled notes what a transport dials.
func dialled(transport *upstream.Transport) *atomic.Pointer[net.TCPConn] {
	var last atomic.Pointer[net.TCPConn]
	transport.Dial(func(ctx context.Context, network, address string) (net.Conn, error) {
		conn, err := (&net.Dialer{}).DialContext(ctx, network, address)
		if err == nil {
			last.Store(conn.(*net.TCPConn))
		}
		return conn, err
	})
	return &last
}

// ask gives the whole answer.
func ask(t *testing.T, transport *upstream.Transport, method, url, body string) (status int, text string, err error) {
	t.Helper()
	response, err := transport.RoundTrip(request(t.Context(), t, method, url, body))
	if err != nil {
		return 0, "", err
	}
	defer response.Body.Close()
	all, err := io.ReadAll(response.Body)
	return response.StatusCode, string(all), err
}

func say(conn net.Conn, text string) bool {
	_, err := io.WriteString(conn, text)
	return err == nil
}

func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	for range 12_000 { // a minute
		if is() {
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
	t.Fatal("never: " + what)
}

const ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

// flat fails a test that leaves goroutines behind.
func flat(t *testing.T) {
	t.Helper()
	before := runtime.NumGoroutine()
	t.Cleanup(func() { eventually(t, "the goroutines end", func() bool { return runtime.NumGoroutine() <= before }) })
}
