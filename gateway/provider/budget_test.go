package provider_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"openclaw/gateway/provider"
	"openclaw/gateway/provider/standin"
	"openclaw/keychain"
)

// ledger is a budget that lets everything in, and remembers.
type ledger struct {
	mu      sync.Mutex
	demands []provider.Demand
	settled []provider.Usage
	refuse  *provider.Overspent
}

func (l *ledger) enter(d provider.Demand) (func(provider.Usage), *provider.Overspent) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.demands = append(l.demands, d)
	if l.refuse != nil {
		return nil, l.refuse
	}
	return func(u provider.Usage) {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.settled = append(l.settled, u)
	}, nil
}

func (l *ledger) seen() (demands []provider.Demand, settled []provider.Usage) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.demands, l.settled
}

// A call is settled once, however it ends, with what its answer says that it
// cost, and what it cannot say is not free.
func TestEveryCallIsSettled(t *testing.T) {
	for name, row := range map[string]struct {
		mode    standin.Mode
		method  string
		path    string
		body    string
		change  func(*provider.Options)
		want    provider.Usage
		atLeast bool // more may have come before the cut
		cut     time.Duration
	}{
		"whole":                {"", "POST", "/v1/messages", `{"model":"m"}`, nil, provider.Usage{In: 7, Out: 5}, false, 0},
		"streamed":             {"", "POST", "/v1/messages", `{"model":"m","stream":true}`, nil, provider.Usage{In: 7, Out: 5}, false, 0},
		"responses":            {"", "POST", "/v1/responses", `{"model":"m","stream":true}`, nil, provider.Usage{In: 7, Out: 5}, false, 0},
		"Gemini":               {"", "POST", "/v1beta/models/m:streamGenerateContent?alt=sse", `{}`, nil, provider.Usage{In: 7, Out: 5}, false, 0},
		"a chat without it":    {"", "POST", "/v1/chat/completions", `{"model":"m","stream":true}`, nil, provider.Usage{In: 7, Out: 6, Estimated: true}, false, 0},
		"count_tokens":         {"", "POST", "/v1/messages/count_tokens", `{"model":"m"}`, nil, provider.Usage{}, false, 0},
		"models":               {"", "GET", "/v1/models", ``, nil, provider.Usage{}, false, 0},
		"an error":             {standin.Fail, "POST", "/v1/messages", `{"model":"m"}`, nil, provider.Usage{}, false, 0},
		"reset":                {standin.Reset, "POST", "/v1/messages", `{"model":"m"}`, nil, provider.Usage{}, false, 0},
		"cut":                  {standin.Cut, "POST", "/v1/messages", `{"model":"m","stream":true}`, nil, provider.Usage{In: 7, Out: 6, Estimated: true}, false, 0},
		"the client leaves":    {standin.Hang, "POST", "/v1/messages", `{"model":"m"}`, nil, provider.Usage{In: 4, Estimated: true}, false, 100 * time.Millisecond},
		"no key":               {"", "POST", "/v1/messages", `{"model":"m"}`, func(o *provider.Options) { o.Secret = noSecret }, provider.Usage{}, false, 0},
		"the provider's panic": {"", "POST", "/v1/messages", `{"model":"m"}`, func(o *provider.Options) { o.Secret = panics }, provider.Usage{}, false, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := &ledger{}
			h := build(t, standin.New(standin.Options{Mode: row.mode}), func(o *provider.Options) {
				if row.change != nil {
					row.change(o)
				}
				o.Budget = l.enter
			})
			ctx := t.Context()
			if row.cut > 0 {
				limited, cancel := context.WithCancel(ctx)
				defer cancel()
				go func() {
					eventually(t, "the request arrives", func() bool { return len(h.upstream.Requests()) == 1 })
					cancel()
				}()
				ctx = limited
			}
			_, _, _ = h.do(t, h.request(t, row.method, row.path, row.body).WithContext(ctx)) // what it is does not matter here
			record := h.record(t, 1)
			demands, settled := l.seen()
			if len(demands) != 1 || len(settled) != 1 || settled[0] != row.want || record.Usage != row.want {
				t.Fatalf("%d asked, settled %+v, recorded %+v", len(demands), settled, record.Usage)
			}
			if d := demands[0]; d.Agent != "coder" || d.Run != "run-1" || d.Provider == "" || d.Bytes != int64(len(row.body)) || d.Costs == (strings.Contains(row.path, "count") || strings.Contains(row.path, "/models") && row.method == "GET") {
				t.Errorf("%+v", d)
			}
		})
	}
}

// A stream that a provider ends with an error is no success, and what was said before it
// is not free: the usage of its beginning is of one word.
func TestAStreamThatEndsWithAnErrorIsCounted(t *testing.T) {
	t.Parallel()
	said := strings.Repeat("word ", 80)
	for path, body := range map[string]string{
		"/v1/messages": "data: {\"type\":\"message_start\",\"message\":{\"usage\":{\"input_tokens\":9,\"output_tokens\":1}}}\n\n" +
			"data: {\"type\":\"content_block_delta\",\"delta\":{\"type\":\"text_delta\",\"text\":\"" + said + "\"}}\n\n" +
			"event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"Overloaded\"}}\n\n",
		"/v1/chat/completions": "data: {\"choices\":[{\"delta\":{\"content\":\"" + said + "\"}}]}\n\ndata: {\"error\":{\"message\":\"Overloaded\"},\"usage\":{\"prompt_tokens\":9,\"completion_tokens\":0}}\n\n",
	} {
		t.Run(path, func(t *testing.T) {
			t.Parallel()
			upstream := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", "text/event-stream")
				_, _ = w.Write([]byte(body))
			})
			l := &ledger{}
			h := build(t, upstream, func(o *provider.Options) { o.Budget = l.enter })
			if _, got, err := h.do(t, h.request(t, http.MethodPost, path, `{"model":"m","stream":true}`)); err != nil || got != body {
				t.Fatalf("%q %v", got, err)
			}
			record := h.record(t, 1)
			_, settled := l.seen()
			if want := (provider.Usage{In: 9, Out: 100, Estimated: true}); len(settled) != 1 || settled[0] != want || record.Usage != want {
				t.Errorf("settled %+v, recorded %+v", settled, record.Usage)
			}
			if record.Status != http.StatusOK || !strings.Contains(record.Error, "ended its answer with an error") {
				t.Errorf("%+v", record)
			}
		})
	}
}

func noSecret(context.Context, string) (keychain.Secret, error) {
	return keychain.Secret{}, &keychain.Error{Kind: keychain.KindNotFound}
}

func panics(context.Context, string) (keychain.Secret, error) { panic(http.ErrAbortHandler) }

// A refusal of the budget has the API's own shape, by which its clients tell what
// to wait for; nothing reaches the provider, and nothing is settled.
func TestBudgetRefuses(t *testing.T) {
	for name, row := range map[string]struct {
		over       provider.Overspent
		path       string
		status     int
		retryAfter string
		again      bool
		want       string
	}{
		"a model": {provider.Overspent{Model: true, Message: "no"}, "/v1/messages", 403, "", false, `{"type":"error","error":{"type":"permission_error","message":"no"}}`},
		"a moment": {provider.Overspent{Retry: 1500 * time.Millisecond, Message: "wait"}, "/v1/messages", 429, "2", true,
			`{"type":"error","error":{"type":"rate_limit_error","message":"wait"}}`},
		"a moment, OpenAI": {provider.Overspent{Message: "wait"}, "/v1/responses", 429, "1", true,
			`{"error":{"message":"wait","type":"requests","param":null,"code":"rate_limit_exceeded"}}`},
		"a day, OpenAI": {provider.Overspent{Day: true, Retry: time.Hour, Message: "tomorrow"}, "/v1/chat/completions", 429, "3600", false,
			`{"error":{"message":"tomorrow","type":"insufficient_quota","param":null,"code":"insufficient_quota"}}`},
		"a day, Gemini": {provider.Overspent{Day: true, Retry: time.Hour, Message: "tomorrow"}, "/v1beta/models/m:generateContent", 429, "3600", false,
			`{"error":{"code":429,"message":"tomorrow","status":"RESOURCE_EXHAUSTED","details":[{"@type":"type.googleapis.com/google.rpc.QuotaFailure","violations":[{"quotaId":"OpenclawBudgetPerDay"}]},{"@type":"type.googleapis.com/google.rpc.RetryInfo","retryDelay":"3600s"}]}}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l := &ledger{refuse: &row.over}
			h := build(t, standin.New(), func(o *provider.Options) { o.Budget = l.enter })
			reply, body, err := h.do(t, h.request(t, "POST", row.path, `{"model":"m"}`))
			if err != nil || reply.StatusCode != row.status || body != row.want || reply.Header.Get("Retry-After") != row.retryAfter || (reply.Header.Get("X-Should-Retry") == "") != row.again {
				t.Errorf("%+v %s %v", reply, body, err)
			}
			record := h.record(t, 1)
			if _, settled := l.seen(); len(settled) != 0 || len(h.upstream.Requests()) != 0 || record.Status != row.status || record.Error != row.over.Message {
				t.Errorf("%+v, %d requests, %+v", settled, len(h.upstream.Requests()), record)
			}
		})
	}
}

// A call that loses its right ends: with an error event where that can be put,
// and as a refusal where no answer has begun. So does one that a person closes.
func TestCut(t *testing.T) {
	const inStream = "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"permission_error\",\"message\":\"not any more\"}}\n\n"
	const before = `{"type":"error","error":{"type":"permission_error","message":"not any more"}}`
	for name, row := range map[string]struct {
		mode   standin.Mode
		want   string
		person bool
	}{
		"by the budget, in a stream":       {standin.Stall, inStream, false},
		"by the budget, before the answer": {standin.Hang, before, false},
		"by a person, in a stream":         {standin.Stall, inStream, true},
		"by a person, before the answer":   {standin.Hang, before, true},
	} {
		t.Run(name, func(t *testing.T) {
			flat(t)
			l := &ledger{}
			upstream := standin.New(standin.Options{Mode: row.mode})
			h := build(t, upstream, func(o *provider.Options) { o.Budget = l.enter })
			cut := func() {
				why := errors.New("not any more")
				if row.person {
					if h.handler.Cut("another", why) || !h.handler.Cut(h.starts()[0].ID, why) {
						t.Error("it was not found")
					}
					return
				}
				demands, _ := l.seen()
				demands[0].Cut(why)
			}
			if row.mode == standin.Hang {
				go func() {
					eventually(t, "the request arrives", func() bool { return len(upstream.Requests()) == 1 })
					cut()
				}()
			}
			reply, err := h.client.Do(h.request(t, "POST", "/v1/messages", `{"model":"m","stream":true}`))
			if err != nil {
				t.Fatal(err)
			}
			defer reply.Body.Close()
			begin := make([]byte, 1)
			if _, err := io.ReadFull(reply.Body, begin); err != nil {
				t.Fatal(err)
			}
			if row.mode == standin.Stall {
				cut() // the answer has begun
			}
			rest, err := io.ReadAll(reply.Body)
			body := string(begin) + string(rest)
			if record := h.record(t, 1); record.Error != "not any more" {
				t.Errorf("%+v", record)
			}
			// In a stream the cut may come in the middle of an event: then the connection breaks.
			if !strings.HasSuffix(body, row.want) && (row.mode != standin.Stall || !isCut(err)) {
				t.Errorf("%q %v", body, err)
			}
			eventually(t, "the provider's call ends", func() bool { return upstream.Left() == 1 })
			if h.handler.Cut(h.starts()[0].ID, errors.New("again")) {
				t.Error("it was cut after its end")
			}
		})
	}
}
