package provider_test

import (
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"openclaw/gateway/provider/standin"
)

// A provider that repeats the key in a header and in an error gives it to
// nobody, at whatever byte its answer is cut in two; the length stays.
func TestEchoedKeyIsMasked(t *testing.T) {
	h := build(t, standin.New(standin.Options{Mode: standin.EchoKey}), nil)
	for _, path := range []string{"/v1/messages", "/v1/responses"} {
		for split := range 290 {
			reply, body, err := h.do(t, h.request(t, "POST", path, "{}", standin.SplitHeader, strconv.Itoa(split)))
			if err != nil || reply.StatusCode != http.StatusUnauthorized || int64(len(body)) != reply.ContentLength {
				t.Fatalf("split at %d: %v %q %v", split, reply, body, err)
			}
			if strings.Contains(body, realKey[:20]) || strings.Contains(body, realKey[20:]) || strings.Count(body, strings.Repeat("•", len(realKey)/3)) != 2 {
				t.Fatalf("split at %d: %q", split, body)
			}
			if got := reply.Header.Get("X-Key-Was"); got != strings.Repeat("*", len(realKey)) {
				t.Fatalf("header %q", got)
			}
		}
	}
	if record := h.record(t, 1); record.Error != "the provider does not accept the key: openclaw secrets set anthropic" {
		t.Errorf("record %+v", record)
	}
}

// A stream that repeats the key one byte an event's piece gives it to nobody.
func TestDrippedKeyIsMasked(t *testing.T) {
	h := build(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		for _, c := range []byte("data: sk-real " + r.Header.Get("X-Api-Key") + r.Header.Get("X-Api-Key") + " end\n\n") {
			_, _ = w.Write([]byte{c})
			flush(w)
		}
	}), nil)
	covered := strings.Repeat("•", len(realKey)/3) + strings.Repeat("*", len(realKey)%3)
	if _, body, err := h.do(t, h.request(t, "POST", "/v1/messages", "{}")); err != nil || body != "data: sk-real "+covered+covered+" end\n\n" {
		t.Errorf("%q %v", body, err)
	}
}

// A provider that ends in the middle of the key, or breaks HTTP with it, gives
// away less than half.
func TestHalfAKeyIsMasked(t *testing.T) {
	for name, answer := range map[string]http.HandlerFunc{
		"end in the key": func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, "it was "+realKey[:len(realKey)-1])
		},
		"broken status line": func(w http.ResponseWriter, _ *http.Request) {
			if conn, _, err := http.NewResponseController(w).Hijack(); err == nil {
				_, _ = io.WriteString(conn, "HTTP/1.1 "+realKey+"\r\n\r\n")
				conn.Close()
			}
		},
		"broken header": func(w http.ResponseWriter, _ *http.Request) {
			if conn, _, err := http.NewResponseController(w).Hijack(); err == nil {
				_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\n"+realKey+"\r\n\r\n")
				conn.Close()
			}
		},
		"header name": func(w http.ResponseWriter, _ *http.Request) { w.Header()[realKey] = []string{"x"} },
	} {
		t.Run(name, func(t *testing.T) {
			h := build(t, answer, nil)
			reply, body, err := h.do(t, h.request(t, "POST", "/v1/messages", "{}"))
			if err != nil || strings.Contains(body, realKey[:len(realKey)/2]) {
				t.Errorf("%v %q %v", reply, body, err)
			}
			for header := range reply.Header {
				if strings.EqualFold(header, realKey) {
					t.Error("the key is a header's name")
				}
			}
			if record := h.record(t, 1); strings.Contains(record.Error, realKey[:10]) {
				t.Errorf("record %+v", record)
			}
		})
	}
}
