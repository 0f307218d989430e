package provider_test

import (
	"bufio"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"openclaw/gateway/provider"
	"openclaw/gateway/provider/standin"
)

func flush(w http.ResponseWriter) { _ = http.NewResponseController(w).Flush() }

// Each event of a stream arrives when it was sent: the provider sends the next
// only after the client has this one.
func TestEventsArriveAtOnce(t *testing.T) {
	flat(t)
	arrived := make(chan struct{})
	const events = 10
	h := build(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		flush(w)
		<-arrived // the header
		for i := range events {
			_, _ = io.WriteString(w, "event: "+strconv.Itoa(i)+"\ndata: s\n\n")
			flush(w)
			<-arrived
		}
	}), nil)
	reply, err := h.client.Do(h.request(t, "POST", "/v1/messages", `{"stream":true}`))
	if err != nil {
		t.Fatal(err)
	}
	defer reply.Body.Close()
	arrived <- struct{}{}
	lines := bufio.NewScanner(reply.Body)
	seen := 0
	for lines.Scan() {
		if lines.Text() == "" {
			seen++
			arrived <- struct{}{}
		}
	}
	if lines.Err() != nil || seen != events {
		t.Errorf("%d events, %v", seen, lines.Err())
	}
}

// The streams of all three APIs come through byte for byte.
func TestStreamsOfEveryAPI(t *testing.T) {
	flat(t)
	upstream := standin.New()
	h := build(t, upstream, nil)
	direct := build(t, upstream, nil)
	far := quiet(upstream)
	defer far.Close()
	direct.url = far.URL
	for path, last := range map[string]string{
		"/v1/messages": "data: {\"type\":\"message_stop\"}\n\n", "/v1/chat/completions": "data: [DONE]\n\n", "/v1/responses": "}\n\n",
	} {
		reply, body, err := h.do(t, h.request(t, "POST", path, `{"stream":true}`))
		if err != nil || reply.Header.Get("Content-Type") != "text/event-stream; charset=utf-8" || !strings.HasSuffix(body, last) {
			t.Errorf("%s: %q %v", path, body, err)
		}
		if _, want, err := direct.do(t, direct.request(t, "POST", path, `{"stream":true}`)); err != nil || body != want {
			t.Errorf("%s: %q is not %q: %v", path, body, want, err)
		}
	}
}

// The same from a provider that packs, though it was asked not to.
func TestCompressedEventsArriveAtOnce(t *testing.T) {
	flat(t)
	arrived := make(chan struct{})
	const events = 10
	h := build(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		w.Header().Set("Content-Encoding", "gzip")
		packed := gzip.NewWriter(w)
		for i := range events {
			_, _ = io.WriteString(packed, "event: "+strconv.Itoa(i)+"\ndata: {\"usage\":{\"input_tokens\":3,\"output_tokens\":"+strconv.Itoa(i+1)+"}}\n\n")
			_ = packed.Flush()
			flush(w)
			<-arrived
		}
		_ = packed.Close()
	}), nil)
	reply, err := h.client.Do(h.request(t, "POST", "/v1/messages", `{"stream":true}`))
	if err != nil {
		t.Fatal(err)
	}
	defer reply.Body.Close()
	if coding := reply.Header.Get("Content-Encoding"); coding != "" {
		t.Errorf("the answer says that it is packed: %s", coding)
	}
	lines := bufio.NewScanner(reply.Body)
	seen := 0
	for lines.Scan() {
		if lines.Text() == "" {
			seen++
			arrived <- struct{}{}
		}
	}
	if lines.Err() != nil || seen != events {
		t.Errorf("%d events, %v", seen, lines.Err())
	}
	if usage := h.record(t, 1).Usage; usage != (provider.Usage{In: 3, Out: events}) {
		t.Errorf("%+v", usage)
	}
}

// instant is a provider that streams before it has read the request.
func instant() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		for range 20 {
			_, _ = io.WriteString(w, "event: x\ndata: {\"text\":\"some words\"}\n\n")
			flush(w)
		}
		_, _ = io.WriteString(w, instantEnd)
	})
}

const instantEnd = "event: message_stop\ndata: {}\n\n"

// instantBody is large enough to be on its way still when the answer comes.
func instantBody() string { return `{"stream":true,"x":"` + strings.Repeat("y", 40<<10) + `"}` }

// Streams whose provider answers at once are never cut short. BenchmarkInstantStreams
// does it ten thousand times.
func TestInstantStreamsAreWhole(t *testing.T) {
	flat(t)
	h := build(t, instant(), nil)
	body := instantBody()
	const total, workers = 2000, 8
	failures := make(chan error, total)
	var gone sync.WaitGroup
	for range workers {
		gone.Go(func() {
			for range total / workers {
				reply, got, err := h.do(t, h.request(t, "POST", "/v1/messages", body))
				if err != nil || reply.StatusCode != http.StatusOK || !strings.HasSuffix(got, instantEnd) {
					failures <- errors.Join(errors.New(strconv.Itoa(len(got))+" bytes"), err)
				}
			}
		})
	}
	gone.Wait()
	close(failures)
	for err := range failures {
		t.Error(err)
	}
}

// A client that leaves ends the provider's call, before and in the middle of
// an answer.
func TestAbortReachesProvider(t *testing.T) {
	for _, mode := range []standin.Mode{standin.Hang, standin.Endless, standin.Stall} {
		t.Run(string(mode), func(t *testing.T) {
			flat(t)
			upstream := standin.New(standin.Options{Mode: mode})
			h := build(t, upstream, nil)
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			r := h.request(t, "POST", "/v1/messages", `{"stream":true}`).WithContext(ctx)
			if mode == standin.Hang {
				go func() {
					eventually(t, "the request arrives", func() bool { return len(upstream.Requests()) == 1 })
					cancel()
				}()
			}
			reply, err := h.client.Do(r)
			if err == nil {
				if _, err := io.ReadFull(reply.Body, make([]byte, 100)); err != nil {
					t.Fatal(err)
				}
				cancel()
				reply.Body.Close()
			}
			record := h.record(t, 1)
			if !strings.HasPrefix(record.Error, "the client left") || (record.Status == 0) != (mode == standin.Hang) {
				t.Errorf("record %+v", record)
			}
			eventually(t, "the provider sees it", func() bool { return upstream.Left() == 1 })
		})
	}
}

// A provider that fails is told as it is, once: nothing is asked again, and an
// answer that was cut never looks whole.
func TestProviderFaults(t *testing.T) {
	for name, row := range map[string]struct {
		mode   standin.Mode
		status int
		cut    bool
		text   string
	}{
		"500":   {standin.Fail, 500, false, "internal error of the stand-in"},
		"529":   {standin.Overload, 529, false, "overloaded"},
		"reset": {standin.Reset, 502, false, "broke off before its answer"},
		"cut":   {standin.Cut, 200, true, "message_start"},
	} {
		for _, header := range []string{"X-Other", "Idempotency-Key"} {
			t.Run(name+header, func(t *testing.T) {
				flat(t)
				upstream := standin.New()
				h := build(t, upstream, nil)
				// The second call goes over a kept connection, where net/http would ask again.
				if reply, body, err := h.do(t, h.request(t, "POST", "/v1/messages", "{}")); err != nil || reply.StatusCode != http.StatusOK {
					t.Fatal(reply, body, err)
				}
				upstream.SetMode(row.mode)
				reply, body, err := h.do(t, h.request(t, "POST", "/v1/messages", `{"stream":true}`, header, "k"))
				if reply == nil || reply.StatusCode != row.status || isCut(err) != row.cut || !strings.Contains(body, row.text) {
					t.Errorf("%v %q %v", reply, body, err)
				}
				if n := len(upstream.Requests()); n != 2 {
					t.Errorf("sent %d times", n-1)
				}
				if record := h.record(t, 2); (record.Error != "") != (row.cut || row.status == 502) || record.Status != row.status {
					t.Errorf("record %+v", record)
				}
			})
		}
	}
}

// An answer with a length that is cut never looks whole either.
func TestCutAnswerWithLength(t *testing.T) {
	h := build(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "100")
		_, _ = io.WriteString(w, `{"half":`)
		flush(w)
		panic(http.ErrAbortHandler)
	}), nil)
	if _, body, err := h.do(t, h.request(t, "POST", "/v1/messages", "{}")); !isCut(err) || body != `{"half":` {
		t.Errorf("%q %v", body, err)
	}
}

// A provider that does not answer ends in 504; a stream that falls silent ends
// with an error event in the API's shape, and its call ends.
func TestSilence(t *testing.T) {
	flat(t)
	// What is not silent has to come in these times, on a busy machine too.
	quick := func(o *provider.Options) { o.HeaderTimeout, o.IdleTimeout = 2*time.Second, time.Second }
	upstream := standin.New()
	h := build(t, upstream, quick)
	reply, body, err := h.do(t, h.request(t, "POST", "/v1/messages", "{}", standin.ModeHeader, "hang"))
	if err != nil || reply.StatusCode != http.StatusGatewayTimeout || !strings.Contains(body, `"type":"timeout_error"`) {
		t.Errorf("%v %s %v", reply, body, err)
	}
	const silent = "the provider fell silent in the middle of its answer"
	var waits sync.WaitGroup
	for path, want := range map[string]string{
		"/v1/messages":         "\n\nevent: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"timeout_error\",\"message\":\"" + silent + "\"}}\n\n",
		"/v1/chat/completions": "\n\ndata: {\"error\":{\"message\":\"" + silent + "\",\"type\":\"server_error\",\"param\":null,\"code\":\"provider_silent\"}}\n\n",
		"/v1/responses": "\n\nevent: error\ndata: {\"type\":\"error\",\"code\":\"provider_silent\",\"message\":\"" + silent + "\",\"param\":null," +
			"\"error\":{\"message\":\"" + silent + "\",\"type\":\"server_error\",\"param\":null,\"code\":\"provider_silent\"}}\n\n",
		"/v1beta/models/m:streamGenerateContent?alt=sse": "\n\ndata: {\"error\":{\"code\":504,\"message\":\"" + silent + "\",\"status\":\"DEADLINE_EXCEEDED\"}}\n\n",
	} {
		request := h.request(t, "POST", path, "{}", standin.ModeHeader, "stall")
		waits.Go(func() {
			_, body, err := h.do(t, request)
			if err != nil || !strings.HasSuffix(body, want) || strings.Contains(body, "\n\n\n") {
				t.Errorf("%s: %q %v", path, body, err)
			}
		})
	}
	waits.Wait()
	if record := h.record(t, 4); record.Error != silent || record.Status != http.StatusOK {
		t.Errorf("record %+v", record)
	}
	eventually(t, "the provider's calls end", func() bool { return upstream.Left() == 5 })

	for _, row := range []struct{ media, sent string }{{"text/event-stream", "data: {\"half"}, {"application/json", "{}\n\n"}} {
		h := build(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", row.media)
			_, _ = io.WriteString(w, row.sent)
			flush(w)
			<-r.Context().Done()
		}), quick)
		request := h.request(t, "POST", "/v1/messages", "{}")
		waits.Go(func() {
			if _, body, err := h.do(t, request); !isCut(err) || body != row.sent {
				t.Errorf("an answer that fell silent looks whole: %q %v", body, err)
			}
		})
	}
	waits.Wait()
}

// A client that never reads is let go; its call ends at the provider.
func TestClientThatNeverReads(t *testing.T) {
	flat(t)
	h := build(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for r.Context().Err() == nil {
			_, _ = w.Write(make([]byte, 64<<10))
		}
	}), func(o *provider.Options) { o.IdleTimeout = time.Second })
	conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", strings.TrimPrefix(h.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, "POST /v1/messages HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}"); err != nil {
		t.Fatal(err)
	}
	if record := h.record(t, 1); record.Error != "the client left or stopped reading" || record.BytesOut == 0 {
		t.Errorf("record %+v", record)
	}
}
