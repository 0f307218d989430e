package gateway

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
)

// Requests that two servers in a row may read in two ways, and what speaks another
// protocol: each is one request, or is refused and its connection closed. Nothing that
// stands in a body or behind a request is a request of its own.
func TestAmbiguousRequestsAreOneOrNone(t *testing.T) {
	var mu sync.Mutex
	var seen []string
	h := build(t, newLayout(t), freePort(t), "", func(d *Deps) {
		d.Provider = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body) // what there is of it
			mu.Lock()
			seen = append(seen, r.Method+" "+r.RequestURI+" "+string(body))
			mu.Unlock()
			_, _ = io.WriteString(w, "{}") // as above
		})
	}).run()
	good := "X-Api-Key: " + h.token + "\r\n"
	host := "Host: " + h.Address().String() + "\r\n"
	const hidden = "POST /v1/smuggled HTTP/1.1\r\n"
	for name, test := range map[string]struct {
		text   string
		status int // of the first answer; 0: none, the connection is closed
		calls  int
	}{
		"two hosts":                       {"POST /v1/messages HTTP/1.1\r\n" + host + "Host: evil.example\r\n" + good + "\r\n", 400, 0},
		"no host":                         {"POST /v1/messages HTTP/1.1\r\n" + good + "\r\n", 400, 0},
		"another host in the line":        {"POST http://evil.example/v1/messages HTTP/1.1\r\n" + host + good + "\r\n", 421, 0},
		"the host in the line":            {"POST http://" + h.Address().String() + "/v1/messages HTTP/1.1\r\nHost: evil.example\r\n" + good + "\r\n", 200, 1},
		"two lengths":                     {"POST /v1/messages HTTP/1.1\r\n" + host + good + "Content-Length: 5\r\nContent-Length: 60\r\n\r\n" + "12345" + hidden + host + good + "\r\n", 400, 0},
		"a signed length":                 {"POST /v1/messages HTTP/1.1\r\n" + host + good + "Content-Length: +5\r\n\r\n12345", 400, 0},
		"a length and chunks":             {"POST /v1/messages HTTP/1.1\r\n" + host + good + "Content-Length: 500\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n12345\r\n0\r\n\r\n", 200, 1},
		"a space before the colon":        {"POST /v1/messages HTTP/1.1\r\n" + host + good + "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n" + hidden + host + good + "\r\n", 400, 0},
		"another encoding":                {"POST /v1/messages HTTP/1.1\r\n" + host + good + "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n" + hidden + host + good + "\r\n", 501, 0},
		"two encodings":                   {"POST /v1/messages HTTP/1.1\r\n" + host + good + "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n0\r\n\r\n" + hidden + host + good + "\r\n", 501, 0},
		"an encoding after a control":     {"POST /v1/messages HTTP/1.1\r\n" + host + good + "Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n" + hidden + host + good + "\r\n", 400, 0},
		"a folded line":                   {"POST /v1/messages HTTP/1.1\r\n" + host + good + "X-A: b\r\n Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n12345", 200, 1},
		"a chunk's length with junk":      {"POST /v1/messages HTTP/1.1\r\n" + host + good + "Transfer-Encoding: chunked\r\n\r\n5 x\r\n12345\r\n0\r\n\r\n", 200, 1},
		"a length that wraps":             {"POST /v1/messages HTTP/1.1\r\n" + host + good + "Content-Length: 18446744073709551621\r\n\r\n12345" + hidden + host + good + "\r\n", 400, 0},
		"a header's name with a space":    {"POST /v1/messages HTTP/1.1\r\n" + host + good + "X A: b\r\n\r\n", 400, 0},
		"a header without a name":         {"POST /v1/messages HTTP/1.1\r\n" + host + good + ": b\r\n\r\n", 400, 0},
		"a zero byte in a header":         {"POST /v1/messages HTTP/1.1\r\n" + host + good + "X-A: b\x00c\r\n\r\n", 400, 0},
		"a lone return in a header":       {"POST /v1/messages HTTP/1.1\r\n" + host + good + "X-A: b\rX-Api-Key: c\r\n\r\n", 400, 0},
		"a tab in the line":               {"POST /v1/messages\tHTTP/1.1\r\n" + host + good + "\r\n", 400, 0},
		"a later version of HTTP/1":       {"POST /v1/messages HTTP/1.9\r\n" + host + good + "\r\n", 200, 1},
		"a method with a break":           {"PO\x00ST /v1/messages HTTP/1.1\r\n" + host + good + "\r\n", 400, 0},
		"HTTP/2 by prior knowledge":       {"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00", 421, 0},
		"HTTP/2 by an upgrade":            {"POST /v1/messages HTTP/1.1\r\n" + host + good + "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQCAAAAAAIAAAAA\r\n\r\n", 200, 1},
		"a proxy's request":               {"CONNECT 169.254.169.254:80 HTTP/1.1\r\nHost: 169.254.169.254:80\r\n" + good + "\r\n", 421, 0},
		"a path with a line in it":        {"POST /v1/messages%0d%0aX-Evil:%20smuggle HTTP/1.1\r\n" + host + good + "\r\n", 200, 1},
		"a body that looks like requests": {"POST /v1/messages HTTP/1.1\r\n" + host + good + fmt.Sprintf("Content-Length: %d\r\n\r\n", len(hidden)) + hidden, 200, 1},
	} {
		mu.Lock()
		seen = nil
		mu.Unlock()
		conn := h.tcp()
		_ = conn.SetDeadline(time.Now().Add(30 * time.Second))
		if _, err := io.WriteString(conn, test.text); err != nil {
			t.Fatal(err)
		}
		answer, err := http.ReadResponse(bufio.NewReader(conn), &http.Request{Method: "POST"})
		status := 0
		if err == nil {
			status = answer.StatusCode
			_, _ = io.Copy(io.Discard, answer.Body) // as above
			answer.Body.Close()
		}
		conn.Close()
		mu.Lock()
		calls := append([]string(nil), seen...)
		mu.Unlock()
		if status != test.status || len(calls) != test.calls {
			t.Errorf("%s: answered %d, and %d calls: %q", name, status, len(calls), calls)
		}
		for _, call := range calls {
			if strings.HasPrefix(call, "POST /v1/smuggled") {
				t.Errorf("%s: %q", name, call)
			}
		}
	}
}
