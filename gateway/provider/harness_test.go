package provider_test

import (
	"context"
	"errors"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"openclaw/gateway/provider"
	"openclaw/gateway/provider/standin"
	"openclaw/keychain"
)

const (
	realKey    = "sk-real-Abcdefghijklmnop0123456789-_qrstuvwxyz"
	agentToken = "oca_0123456789abcdefghijklmnopqrstuvwxyzABCDEFG"
)

// house is a Handler between a client and a provider, all on loopback.
type house struct {
	url      string
	handler  *provider.Handler
	upstream *standin.Provider
	client   *http.Client

	mu       sync.Mutex
	finished []provider.Record
	started  []provider.Record
	changed  chan struct{}
}

func quiet(handler http.Handler) *httptest.Server {
	server := httptest.NewUnstartedServer(handler)
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	server.Start()
	return server
}

func build(tb testing.TB, upstream http.Handler, change func(*provider.Options)) *house {
	tb.Helper()
	h := &house{changed: make(chan struct{}, 1)}
	h.upstream, _ = upstream.(*standin.Provider)
	far := quiet(upstream)
	o := provider.Options{
		Providers: func() map[string]provider.Target {
			return map[string]provider.Target{
				"anthropic": {Kind: provider.KindAnthropic, BaseURL: far.URL}, "openai": {Kind: provider.KindOpenAI, BaseURL: far.URL + "/v1"},
				"gemini": {Kind: provider.KindGemini, BaseURL: far.URL},
				"local":  {Kind: provider.KindOpenAI, BaseURL: far.URL + "/base/", Paths: []string{"/v1/messages", "/a/*", "GET /files/**"}},
				"all":    {Kind: provider.KindOpenAI, BaseURL: far.URL + "/all/v1/", Paths: []string{"/**"}},
				"odd":    {Kind: "bedrock", BaseURL: far.URL},
			}
		},
		Secret: func(context.Context, string) (keychain.Secret, error) {
			return keychain.NewSecret([]byte(realKey)), nil
		},
		Started: func(r provider.Record) {
			h.mu.Lock()
			defer h.mu.Unlock()
			h.started = append(h.started, r)
		},
		Finished: func(r provider.Record) {
			h.mu.Lock()
			defer h.mu.Unlock()
			h.finished = append(h.finished, r)
			select {
			case h.changed <- struct{}{}:
			default:
			}
		},
	}
	if change != nil {
		change(&o)
	}
	handler := provider.New(o)
	near := quiet(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		handler.ServeHTTP(w, r.WithContext(provider.WithCaller(r.Context(), provider.Caller{Agent: "coder", Run: "run-1"})))
	}))
	h.url, h.handler = near.URL, handler
	h.client = &http.Client{
		Transport:     &http.Transport{MaxIdleConnsPerHost: 64, DisableCompression: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	tb.Cleanup(func() {
		h.client.CloseIdleConnections()
		near.Close()
		handler.Close()
		far.Close()
	})
	return h
}

// request makes a request with the agent's token; headers are name, value,
// name, value.
func (h *house) request(tb testing.TB, method, path, body string, headers ...string) *http.Request {
	tb.Helper()
	var reader io.Reader
	if body != "" {
		reader = strings.NewReader(body)
	}
	r, err := http.NewRequestWithContext(tb.Context(), method, h.url+path, reader)
	if err != nil {
		tb.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+agentToken)
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	return r
}

// reply is an answer whose body was read.
type reply struct {
	StatusCode    int
	Header        http.Header
	ContentLength int64
}

// do gives the whole answer; an error of its body comes with what was read.
func (h *house) do(tb testing.TB, r *http.Request) (*reply, string, error) {
	tb.Helper()
	response, err := h.client.Do(r)
	if err != nil {
		return nil, "", err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	return &reply{response.StatusCode, response.Header, response.ContentLength}, string(body), err
}

// record waits for the record of a call, counted from 1.
func (h *house) record(tb testing.TB, number int) provider.Record {
	tb.Helper()
	limit := time.After(20 * time.Second)
	for {
		h.mu.Lock()
		if len(h.finished) >= number {
			defer h.mu.Unlock()
			return h.finished[number-1]
		}
		h.mu.Unlock()
		select {
		case <-h.changed:
		case <-limit:
			tb.Fatal("the call was never finished")
		}
	}
}

func (h *house) starts() []provider.Record {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.started)
}

// eventually waits for what another goroutine does.
func eventually(tb testing.TB, what string, is func() bool) {
	tb.Helper()
	for range 12_000 { // a minute
		if is() {
			return
		}
		time.Sleep(5 * time.Millisecond)
	}
	tb.Error("never: " + what)
}

// flat fails a test that leaves goroutines behind. It is called first, so that
// its end comes last.
func flat(t *testing.T) {
	t.Helper()
	before := runtime.NumGoroutine()
	t.Cleanup(func() {
		eventually(t, "the goroutines end", func() bool { return runtime.NumGoroutine() <= before })
		if t.Failed() {
			stacks := make([]byte, 1<<16)
			t.Logf("%s", stacks[:runtime.Stack(stacks, true)])
		}
	})
}

func isCut(err error) bool { return errors.Is(err, io.ErrUnexpectedEOF) }
