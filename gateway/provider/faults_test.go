package provider_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"openclaw/gateway/provider"
	"openclaw/gateway/provider/standin"
)

// rawProvider answers over bare connections. number counts the requests from 1.
type rawProvider struct {
	url   string
	asked atomic.Int64
}

func raw(t *testing.T, answer func(conn net.Conn, number int64)) *rawProvider {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &rawProvider{url: "http://" + listener.Addr().String()}
	var group sync.WaitGroup
	group.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			group.Go(func() {
				defer conn.Close()
				reader := bufio.NewReader(conn)
				for {
					r, err := http.ReadRequest(reader)
					if err != nil {
						return
					}
					if _, err := io.Copy(io.Discard, r.Body); err != nil {
						return
					}
					number := p.asked.Add(1)
					answer(conn, number)
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

func (p *rawProvider) house(t *testing.T, change func(*provider.Options)) *house {
	t.Helper()
	return build(t, http.NotFoundHandler(), func(o *provider.Options) {
		o.Providers = func() map[string]provider.Target {
			return map[string]provider.Target{"anthropic": {Kind: provider.KindAnthropic, BaseURL: p.url}, "openai": {Kind: provider.KindOpenAI, BaseURL: p.url}, "gemini": {Kind: provider.KindGemini, BaseURL: p.url}}
		}
		o.IdleTimeout, o.HeaderTimeout = 20*time.Second, 20*time.Second
		if change != nil {
			change(o)
		}
	})
}

const (
	head       = "HTTP/1.1 200 OK\r\n"
	asEvents   = "Content-Type: text/event-stream\r\n"
	asJSON     = "Content-Type: application/json\r\n"
	oneEvent   = "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"delta\":{\"text\":\"a\"}}\n\n"
	lastEvent  = "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n"
	chunkedAll = "Transfer-Encoding: chunked\r\n\r\n"
)

func inChunk(text string) string { return fmt.Sprintf("%x\r\n%s\r\n", len(text), text) }

// A provider that breaks the rules of HTTP, or off, in whatever way: the client
// gets a refusal in the API's shape when no answer has begun, a broken connection
// when one has, and a clean end only for what was whole. Nothing is asked twice.
func TestHostileProvider(t *testing.T) {
	for name, row := range map[string]struct {
		path   string
		answer string
		status int
		cut    bool
		body   string // how what the client gets begins
	}{
		"no HTTP":                          {"", "220 mail.example ESMTP\r\n", 502, false, `{"type":"error"`},
		"nothing":                          {"", "", 502, false, `{"type":"error"`},
		"half a header":                    {"", head + "X-A: b", 502, false, `{"type":"error"`},
		"a header without end":             {"", head + "X-A: " + strings.Repeat("a", 300<<10), 502, false, `{"type":"error"`},
		"thousands of headers":             {"", head + strings.Repeat("X-A: b\r\n", 60_000), 502, false, `{"type":"error"`},
		"information without end":          {"", strings.Repeat("HTTP/1.1 103 Early Hints\r\nX-A: "+strings.Repeat("b", 1000)+"\r\n\r\n", 1000), 502, false, `{"type":"error"`},
		"a protocol that nobody asked":     {"", "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n", 502, false, `{"type":"error"`},
		"a status that is none":            {"", "HTTP/1.1 99 No\r\n\r\n", 502, false, `{"type":"error"`},
		"two lengths":                      {"", head + "Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}x", 502, false, `{"type":"error"`},
		"a length that is none":            {"", head + "Content-Length: -1\r\n\r\n{}", 502, false, `{"type":"error"`},
		"a length that is too long":        {"", head + asJSON + "Content-Length: 100\r\n\r\n{\"half\":", 200, true, `{"half":`},
		"a length that is too short":       {"", head + asJSON + "Content-Length: 2\r\n\r\n{}HTTP/1.1 200 OK\r\n\r\nsmuggled", 200, false, `{}`},
		"chunks that are cut":              {"", head + asEvents + chunkedAll + inChunk(oneEvent), 200, true, oneEvent},
		"chunks cut behind the last event": {"", head + asEvents + chunkedAll + inChunk(oneEvent+lastEvent), 200, true, oneEvent},
		"a chunk that is none":             {"", head + asEvents + chunkedAll + inChunk(oneEvent) + "zz\r\n", 200, true, oneEvent},
		"a chunk of every size":            {"", head + asEvents + chunkedAll + "ffffffffffffffff\r\nx", 200, true, ""},
		"half a chunk":                     {"", head + asEvents + chunkedAll + "ff\r\n" + oneEvent, 200, true, ""},
		"chunks, whole":                    {"", head + asEvents + chunkedAll + inChunk(oneEvent+lastEvent) + "0\r\n\r\n", 200, false, oneEvent + lastEvent},
		"until it closes, cut":             {"", head + asEvents + "\r\n" + oneEvent, 200, true, oneEvent},
		"until it closes, cut in an event": {"", head + asEvents + "\r\n" + oneEvent + lastEvent + "data: {", 200, true, oneEvent + lastEvent},
		"until it closes, whole":           {"", head + asEvents + "\r\n" + oneEvent + lastEvent, 200, false, oneEvent + lastEvent},
		"until it closes, an old server":   {"", "HTTP/1.0 200 OK\r\n" + asEvents + "\r\n" + oneEvent, 200, true, oneEvent},
		"until it closes, JSON, cut":       {"", head + asJSON + "\r\n{\"content\":[{\"text\":\"a\"}", 200, true, `{"content"`},
		"until it closes, JSON, nothing":   {"", head + asJSON + "\r\n", 200, true, ""},
		"until it closes, JSON, whole":     {"", head + asJSON + "\r\n{\"content\":[{\"text\":\"}\"}]}\n", 200, false, `{"content"`},
		"until it closes, an error, cut":   {"", "HTTP/1.1 529 Busy\r\n" + asJSON + "\r\n{\"error\":", 529, true, `{"error"`},
		"until it closes, chat, cut":       {"/v1/chat/completions", head + asEvents + "\r\ndata: {\"choices\":[{\"delta\":{\"content\":\"a\"},\"finish_reason\":null}]}\n\n", 200, true, "data: {"},
		"until it closes, chat, whole":     {"/v1/chat/completions", head + asEvents + "\r\ndata: {\"choices\":[{\"delta\":{\"content\":\"a\"},\"finish_reason\":null}]}\n\ndata: [DONE]\n\n", 200, false, "data: {"},
		"until it closes, chat, its word":  {"/v1/chat/completions", head + asEvents + "\r\ndata: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\r\n\r\n", 200, false, "data: {"},
		"until it closes, responses":       {"/v1/responses", head + asEvents + "\r\nevent: response.completed\ndata: {\"type\": \"response.completed\",\"response\":{}}\n\n", 200, false, "event: "},
		"until it closes, Gemini, cut":     {"/v1beta/models/m:streamGenerateContent", head + asEvents + "\r\ndata: {\"candidates\":[{\"content\":{}}]}\n\n", 200, true, "data: {"},
		"until it closes, Gemini's list":   {"/v1beta/models/m:streamGenerateContent", head + asJSON + "\r\n[{\"candidates\":[]},", 200, true, "[{"},
		"an error event is an end":         {"", head + asEvents + "\r\nevent: error\ndata: {\"type\":\"error\",\"error\":{}}\n\n", 200, false, "event: error"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p := raw(t, func(conn net.Conn, _ int64) {
				_, _ = io.WriteString(conn, row.answer) // the gateway may have had enough before its end
				_ = conn.(*net.TCPConn).CloseWrite()    // as above
			})
			h := p.house(t, nil)
			path := row.path
			if path == "" {
				path = "/v1/messages"
			}
			reply, body, err := h.do(t, h.request(t, "POST", path, `{"model":"m","stream":true}`))
			if reply == nil || reply.StatusCode != row.status || isCut(err) != row.cut || err != nil && !row.cut || !strings.HasPrefix(body, row.body) || strings.Contains(body, "smuggled") {
				t.Errorf("%+v %q %v", reply, body, err)
			}
			unwell := row.cut || row.status == 502 || strings.HasPrefix(row.body, "event: error")
			if record := h.record(t, 1); (record.Error != "") != unwell || record.Status != row.status || strings.Contains(record.Error, "smuggled") {
				t.Errorf("%+v", record)
			}
			if n := p.asked.Load(); n != 1 {
				t.Errorf("asked %d times", n)
			}
		})
	}
}

// A request that may have arrived is never sent again, not even one that looks
// harmless to repeat, and not over a kept connection where net/http does so.
func TestNothingIsAskedTwice(t *testing.T) {
	for _, method := range []string{"GET", "HEAD", "POST", "DELETE"} {
		for _, header := range []string{"X-Other", "Idempotency-Key", "X-Idempotency-Key"} {
			t.Run(method+" "+header, func(t *testing.T) {
				t.Parallel()
				p := raw(t, func(conn net.Conn, number int64) {
					if number == 1 {
						_, _ = io.WriteString(conn, head+asJSON+"Content-Length: 2\r\n\r\n{}")
						return
					}
					conn.Close() // after the whole request was read
				})
				h := p.house(t, nil)
				if reply, body, err := h.do(t, h.request(t, "POST", "/v1/responses", "{}")); err != nil || reply.StatusCode != 200 {
					t.Fatal(reply, body, err)
				}
				path, body := "/v1/responses/r_1", ""
				switch method {
				case "HEAD":
					path = "/v1/models"
				case "POST":
					path = "/v1/responses/r_1/cancel"
				}
				reply, _, err := h.do(t, h.request(t, method, path, body, header, "key-1"))
				if err != nil || reply.StatusCode != http.StatusBadGateway || p.asked.Load() != 2 {
					t.Errorf("%+v %v, asked %d times", reply, err, p.asked.Load()-1)
				}
			})
		}
	}
}

// A provider that cannot be reached in time, or that takes the connection and
// does not speak TLS on it, is given up.
func TestUnreachableProvider(t *testing.T) {
	flat(t)
	// A listener with a queue of one and nobody who takes from it: once it is full
	// the kernel answers no more.
	full, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer syscall.Close(full) //nolint:errcheck // a test's socket
	if err := syscall.Bind(full, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Listen(full, 0); err != nil {
		t.Fatal(err)
	}
	name, err := syscall.Getsockname(full)
	if err != nil {
		t.Fatal(err)
	}
	address := fmt.Sprintf("127.0.0.1:%d", name.(*syscall.SockaddrInet4).Port)
	for range 4 {
		ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
		conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", address)
		cancel()
		if err == nil {
			defer conn.Close()
		}
	}
	silent, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	for what, base := range map[string]string{"no connection": "http://" + address, "no TLS": "https://" + silent.Addr().String()} {
		h := build(t, standin.New(), func(o *provider.Options) {
			o.ConnectTimeout = 300 * time.Millisecond
			o.Providers = func() map[string]provider.Target {
				return map[string]provider.Target{"gemini": {Kind: provider.KindGemini, BaseURL: base}}
			}
		})
		reply, body, err := h.do(t, h.request(t, "POST", "/v1beta/models/m:generateContent", "{}"))
		if err != nil || reply.StatusCode != http.StatusGatewayTimeout || !strings.Contains(body, `"status":"DEADLINE_EXCEEDED"`) || !strings.Contains(body, "cannot be reached in time") {
			t.Errorf("%s: %+v %s %v", what, reply, body, err)
		}
	}
}

// A provider that drips a byte now and then is no silent one; what it drips comes
// through, and a client that has enough ends it.
func TestDrip(t *testing.T) {
	flat(t)
	p := raw(t, func(conn net.Conn, _ int64) {
		if _, err := io.WriteString(conn, head+asEvents+chunkedAll); err != nil {
			return
		}
		for _, c := range strings.Repeat(": drip\n", 10) + oneEvent + lastEvent {
			if _, err := io.WriteString(conn, inChunk(string(c))); err != nil {
				return
			}
			time.Sleep(20 * time.Millisecond)
		}
		_, _ = io.WriteString(conn, "0\r\n\r\n") // a client that is gone needs no end
	})
	h := p.house(t, func(o *provider.Options) { o.IdleTimeout = 2 * time.Second })
	if _, body, err := h.do(t, h.request(t, "POST", "/v1/messages", `{"stream":true}`)); err != nil || !strings.HasSuffix(body, oneEvent+lastEvent) {
		t.Errorf("%q %v", body, err)
	}
}

// A provider that answers before it has read the request, and closes, is heard
// where its answer arrived; it is never asked again.
func TestAnswerBeforeTheRequest(t *testing.T) {
	flat(t)
	var asked atomic.Int64
	far := quiet(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		asked.Add(1)
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusRequestEntityTooLarge)
		_, _ = io.WriteString(w, `{"type":"error","error":{"type":"request_too_large","message":"no"}}`)
	}))
	defer far.Close()
	h := build(t, standin.New(), func(o *provider.Options) {
		o.Providers = func() map[string]provider.Target {
			return map[string]provider.Target{"anthropic": {Kind: provider.KindAnthropic, BaseURL: far.URL}}
		}
	})
	for i := range int64(20) {
		reply, body, err := h.do(t, h.request(t, "POST", "/v1/messages", `{"x":"`+strings.Repeat("y", 8<<20)+`"}`))
		if err != nil || reply.StatusCode != 413 && reply.StatusCode != 502 || asked.Load() != i+1 || reply.StatusCode == 413 && !strings.Contains(body, "request_too_large") {
			t.Fatalf("%+v %s %v, asked %d times", reply, body, err, asked.Load())
		}
	}
}
