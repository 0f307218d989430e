package provider_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"openclaw/gateway/provider"
	"openclaw/gateway/provider/standin"
)

// Every path of the known clients reaches its provider, with its path, query
// and credential in that provider's form.
func TestRoutes(t *testing.T) {
	flat(t)
	h := build(t, standin.New(), nil)
	for _, row := range []struct {
		name, method, path, header, wantPath, wantQuery, kind string
	}{
		{"messages", "POST", "/v1/messages?beta=true", "", "/v1/messages", "beta=true", "anthropic"},
		{"count tokens", "POST", "/v1/messages/count_tokens?beta=true", "", "/v1/messages/count_tokens", "beta=true", "anthropic"},
		{"chat", "POST", "/v1/chat/completions", "", "/v1/chat/completions", "", "openai"},
		{"chat with a key's header", "POST", "/v1/chat/completions", "X-Api-Key", "/v1/chat/completions", "", "openai"},
		{"responses", "POST", "/v1/responses", "", "/v1/responses", "", "openai"},
		{"compact", "POST", "/v1/responses/compact", "", "/v1/responses/compact", "", "openai"},
		{"a stored response", "GET", "/v1/responses/resp_1", "", "/v1/responses/resp_1", "", "openai"},
		{"its end", "DELETE", "/v1/responses/resp_1", "", "/v1/responses/resp_1", "", "openai"},
		{"its cancelling", "POST", "/v1/responses/resp_1/cancel", "", "/v1/responses/resp_1/cancel", "", "openai"},
		{"embeddings", "POST", "/v1/embeddings", "", "/v1/embeddings", "", "openai"},
		{"models of OpenAI", "GET", "/v1/models", "", "/v1/models", "", "openai"},
		{"models of Anthropic", "GET", "/v1/models?limit=1000", "Anthropic-Version", "/v1/models", "limit=1000", "anthropic"},
		{"a model by its key's header", "GET", "/v1/models/claude-x", "X-Api-Key", "/v1/models/claude-x", "", "anthropic"},
		{"a model with an owner", "GET", "/v1/models/owner/name", "", "/v1/models/owner/name", "", "openai"},
		{"Gemini", "POST", "/v1beta/models/gemini-x:generateContent", "X-Goog-Api-Key", "/v1beta/models/gemini-x:generateContent", "", "gemini"},
		{"Gemini, streamed", "POST", "/v1beta/models/gemini-x:streamGenerateContent?alt=sse", "", "/v1beta/models/gemini-x:streamGenerateContent", "alt=sse", "gemini"},
		{"Gemini, the key in the query", "POST", "/v1beta/models/gemini-x:countTokens?key=" + agentToken, "", "/v1beta/models/gemini-x:countTokens", "", "gemini"},
		{"Gemini's first version", "POST", "/v1/models/gemini-x:embedContent", "", "/v1/models/gemini-x:embedContent", "", "gemini"},
		{"models of Gemini", "GET", "/v1beta/models?pageSize=5", "", "/v1beta/models", "pageSize=5", "gemini"},
		{"models of Gemini by its key's header", "GET", "/v1/models", "X-Goog-Api-Key", "/v1/models", "", "gemini"},
		{"a named provider", "POST", "/p/local/v1/chat/completions", "", "/base/v1/chat/completions", "", "openai"},
		{"a named known one", "POST", "/p/openai/chat/completions", "", "/v1/chat/completions", "", "openai"},
		{"a named known one with v1", "POST", "/p/openai/v1/chat/completions", "", "/v1/chat/completions", "", "openai"},
		{"a named one of Gemini's kind", "POST", "/p/gemini/v1beta/models/m:generateContent", "", "/v1beta/models/m:generateContent", "", "gemini"},
		{"a path of the config", "POST", "/p/local/v1/messages", "", "/base/v1/messages", "", "openai"}, // the name decides, not the path
		{"escapes stay", "POST", "/p/local/a/b%2Dc?x=%20&y=1+2&&z", "", "/base/a/b%2Dc", "x=%20&y=1+2&&z", "openai"},
		{"a path of the config for one method", "GET", "/p/local/files/x/y%2Fz", "", "/base/files/x/y%2Fz", "", "openai"},
		{"every path, when the config says so", "PATCH", "/p/all/v1/organization/x", "", "/all/v1/organization/x", "", "openai"},
		{"the root, when the config says so", "GET", "/p/all", "", "/all/v1/", "", "openai"},
		{"a token in the query", "POST", "/v1/embeddings?alt=sse&key=" + agentToken + "&x=1", "", "/v1/embeddings", "alt=sse&x=1", "openai"},
		{"a token under another name", "POST", "/v1/embeddings?token=" + agentToken + "&x=1", "", "/v1/embeddings", "x=1", "openai"},
		{"a token as a name", "POST", "/v1/embeddings?" + agentToken, "", "/v1/embeddings", "", "openai"},
		{"an escaped key", "POST", "/v1/embeddings?%6Bey=" + agentToken, "", "/v1/embeddings", "", "openai"},
	} {
		t.Run(row.name, func(t *testing.T) {
			r := h.request(t, row.method, row.path, `{"n":1}`)
			if row.header != "" {
				r.Header.Set(row.header, agentToken+"-2")
			}
			reply, body, err := h.do(t, r)
			if err != nil || reply.StatusCode != http.StatusOK {
				t.Fatalf("%v %s %v", reply, body, err)
			}
			seen := h.upstream.Requests()
			got := seen[len(seen)-1]
			if got.Method != row.method || got.Path != row.wantPath || got.Query != row.wantQuery {
				t.Errorf("reached the provider as %s %s ? %s", got.Method, got.Path, got.Query)
			}
			places := map[string][2]string{"anthropic": {"X-Api-Key", realKey}, "openai": {"Authorization", "Bearer " + realKey}, "gemini": {"X-Goog-Api-Key", realKey}}
			for kind, place := range places {
				if value := got.Header.Get(place[0]); (value == place[1]) != (kind == row.kind) || value != "" && kind != row.kind {
					t.Errorf("%s: %q", place[0], value)
				}
			}
		})
	}
}

// An agent whose provider has a name of its own reaches it on the plain paths.
func TestPreferredProvider(t *testing.T) {
	h := build(t, standin.New(), func(o *provider.Options) {
		o.Prefer = func(agent, kind string) string {
			if agent == "coder" && kind == provider.KindOpenAI {
				return "local"
			}
			return ""
		}
	})
	for _, path := range []string{"/v1/chat/completions", "/v1/messages"} {
		if reply, body, err := h.do(t, h.request(t, "POST", path, "{}")); err != nil || reply.StatusCode != http.StatusOK {
			t.Fatalf("%v %s %v", reply, body, err)
		}
	}
	seen := h.upstream.Requests()
	if seen[0].Path != "/base/v1/chat/completions" || h.record(t, 1).Provider != "local" || seen[1].Path != "/v1/messages" || h.record(t, 2).Provider != "anthropic" {
		t.Errorf("%s %s", seen[0].Path, seen[1].Path)
	}
}

// The agent's token reaches the provider nowhere, whatever header it was in;
// exactly one credential does.
func TestNoTokenGoesOn(t *testing.T) {
	h := build(t, standin.New(), nil)
	for _, header := range []string{"Authorization", "X-Api-Key", "X-Goog-Api-Key", "Api-Key", "Cookie", "X-Forwarded-For", "X-Custom", "Proxy-Authorization", "Referer"} {
		for _, path := range []string{"/v1/messages", "/v1/responses"} {
			t.Run(header+path, func(t *testing.T) {
				if reply, body, err := h.do(t, h.request(t, "POST", path, "{}", header, "Bearer "+agentToken)); err != nil || reply.StatusCode != http.StatusOK {
					t.Fatal(reply, body, err)
				}
				seen := h.upstream.Requests()
				credentials := 0
				for name, values := range seen[len(seen)-1].Header {
					for _, value := range values {
						if strings.Contains(value, agentToken) {
							t.Errorf("%s: %s", name, value)
						}
						credentials += strings.Count(value, realKey)
					}
				}
				if credentials != 1 {
					t.Errorf("%d credentials", credentials)
				}
			})
		}
	}
}

// What clients send passes untouched, byte for byte; what belongs to the
// connection does not pass.
func TestRequestPassesUntouched(t *testing.T) {
	upstream := standin.New()
	upstream.SetMode(standin.EchoBody)
	h := build(t, upstream, nil)
	body := "{\"n\": 1.00e+2, \"unknown\":\"\\u00e9\u00e9\\/\",  \"b\":[1,2 ]}\n\n"
	keep := map[string]string{
		"Anthropic-Beta": "a-1,b-2", "Anthropic-Version": "2023-06-01", "X-App": "cli", "X-Stainless-Lang": "js", "User-Agent": "claude-cli/2 (x)",
		"X-Claude-Code-Session-Id": "s", "Openai-Organization": "o", "Accept": "text/event-stream", "X-Unknown": "kept", "Originator": "codex",
		"Sec-Fetch-Mode": "cors", "Content-Type": "application/json; charset=utf-8", "Idempotency-Key": "k",
	}
	drop := map[string]string{
		"Cookie": "a=b", "X-Forwarded-For": "10.0.0.1", "X-Forwarded-Host": "h", "Forwarded": "for=x", "X-Real-Ip": "10.0.0.1", "Te": "trailers",
		"Connection": "X-Hop, keep-alive", "X-Hop": "1", "Keep-Alive": "1", "Proxy-Connection": "x",
		"Expect": "100-continue",
	}
	r := h.request(t, "POST", "/v1/messages", body, "Accept-Encoding", "gzip, br")
	for _, headers := range []map[string]string{keep, drop} {
		for name, value := range headers {
			r.Header.Set(name, value)
		}
	}
	reply, got, err := h.do(t, r)
	if err != nil || got != body || reply.ContentLength != int64(len(body)) {
		t.Errorf("echo of the body %q, %v", got, err)
	}
	seen := h.upstream.Requests()[0]
	if string(seen.Body) != body {
		t.Errorf("body %q", seen.Body)
	}
	for name, value := range keep {
		if values := seen.Header[name]; len(values) != 1 || values[0] != value {
			t.Errorf("%s became %q", name, values)
		}
	}
	for name := range drop {
		if value, ok := seen.Header[name]; ok {
			t.Errorf("%s: %q went on", name, value)
		}
	}
	if encoding := seen.Header.Get("Accept-Encoding"); encoding != "identity" {
		t.Errorf("an answer in %q may come, which cannot be searched", encoding)
	}
	bare := h.request(t, "POST", "/v1/messages", "{}")
	bare.Header["User-Agent"] = nil
	if _, _, err := h.do(t, bare); err != nil {
		t.Fatal(err)
	}
	if agent, ok := h.upstream.Requests()[1].Header["User-Agent"]; ok {
		t.Errorf("a User-Agent of our own: %q", agent)
	}
}

// Answers come back with their status and headers, also the odd ones, without
// what would speak to a browser about the gateway.
func TestAnswerPassesUntouched(t *testing.T) {
	keep := map[string]string{
		"Retry-After": "3", "Retry-After-Ms": "3000", "X-Should-Retry": "true", "Anthropic-Ratelimit-Requests-Remaining": "7", "X-Ratelimit-Limit-Tokens": "8",
		"Request-Id": "req_1", "Cache-Control": "no-cache", "Content-Type": "application/x-odd",
	}
	drop := []string{"Set-Cookie", "Access-Control-Allow-Origin", "X-Hop", "Keep-Alive", "Proxy-Authenticate", "Strict-Transport-Security", "Alt-Svc", "Clear-Site-Data", "Refresh"}
	h := build(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		for name, value := range keep {
			w.Header().Set(name, value)
		}
		for _, name := range drop {
			w.Header().Set(name, "x")
		}
		w.Header().Set("Connection", "X-Hop")
		w.WriteHeader(529)
		_, _ = io.WriteString(w, "\x00\xff odd")
	}), nil)
	reply, body, err := h.do(t, h.request(t, "POST", "/v1/messages", "{}"))
	if err != nil || reply.StatusCode != 529 || body != "\x00\xff odd" {
		t.Fatalf("%v %q %v", reply, body, err)
	}
	for name, want := range keep {
		if got := reply.Header[name]; len(got) != 1 || got[0] != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	for _, name := range drop {
		if got, has := reply.Header[name]; has {
			t.Errorf("%s: %q came back", name, got)
		}
	}
	if record := h.record(t, 1); record.Status != 529 || record.Error != "" {
		t.Errorf("record %+v", record)
	}
}

// What the gateway says to browsers of its own origin stays, whatever a provider says;
// and a provider that names no type has none guessed, which a browser would obey.
func TestAProviderHasNoSayInTheGatewaysOwnHeaders(t *testing.T) {
	h := build(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header()["Content-Type"] = nil
		w.Header().Set("X-Content-Type-Options", "sniff")
		w.Header().Set("Referrer-Policy", "unsafe-url")
		w.Header().Set("Cache-Control", "no-cache")
		_, _ = io.WriteString(w, "<html><script>alert(1)</script>")
	}), nil)
	server := quiet(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for name, value := range map[string]string{"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer", "Cache-Control": "no-store"} {
			w.Header().Set(name, value)
		}
		h.handler.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	h.url = server.URL
	reply, body, err := h.do(t, h.request(t, "POST", "/v1/messages", "{}"))
	if err != nil || reply.StatusCode != http.StatusOK || body != "<html><script>alert(1)</script>" {
		t.Fatal(reply, body, err)
	}
	for name, want := range map[string]string{"X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer", "Cache-Control": "no-cache", "Content-Type": ""} {
		if got := strings.Join(reply.Header[name], ", "); got != want {
			t.Errorf("%s: %q", name, got)
		}
	}
}

// Answers without a body, and with none announced, end as they are.
func TestAnswerWithoutBody(t *testing.T) {
	h := build(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.Method == http.MethodHead:
			w.Header().Set("Content-Length", "1234")
		case r.URL.Path == "/v1/models/none":
			w.WriteHeader(http.StatusNoContent)
		case r.URL.Path == "/v1/models/same":
			w.WriteHeader(http.StatusNotModified)
		}
		w.Header()["Content-Type"] = nil
	}), nil)
	for _, row := range []struct {
		method, path   string
		status, length int
	}{{"HEAD", "/v1/models/x", 200, 1234}, {"GET", "/v1/models/none", 204, 0}, {"GET", "/v1/models/same", 304, 0}, {"GET", "/v1/models/empty", 200, 0}} {
		reply, body, err := h.do(t, h.request(t, row.method, row.path, ""))
		if err != nil || reply.StatusCode != row.status || body != "" || max(reply.ContentLength, 0) != int64(row.length) {
			t.Errorf("%s %s: %v %q %v", row.method, row.path, reply, body, err)
		}
		if reply != nil && len(reply.Header["Content-Type"]) != 0 {
			t.Errorf("a type of our own: %q", reply.Header["Content-Type"])
		}
	}
}

// The records say who called whom and how much, and hold nothing secret.
func TestRecords(t *testing.T) {
	h := build(t, standin.New(), nil)
	_, body, err := h.do(t, h.request(t, "POST", "/v1/messages?beta=true", `{"model":"m"}`))
	if err != nil {
		t.Fatal(err)
	}
	got := h.record(t, 1)
	want := provider.Record{
		ID: got.ID, Provider: "anthropic", Agent: "coder", Run: "run-1", From: got.From, Method: "POST", Path: "/v1/messages", Status: 200,
		BytesIn: 13, BytesOut: int64(len(body)), Started: got.Started, FirstByte: got.FirstByte, Duration: got.Duration,
		Model: "m", Usage: provider.Usage{In: 7, Out: 5},
	}
	if got != want || len(got.ID) != 16 || !strings.HasPrefix(got.From, "127.0.0.1:") || got.FirstByte <= 0 || got.Duration < got.FirstByte {
		t.Errorf("record %+v, want %+v", got, want)
	}
	want = provider.Record{ID: got.ID, Provider: "anthropic", Agent: "coder", Run: "run-1", From: got.From, Method: "POST", Path: "/v1/messages", Started: got.Started}
	if starts := h.starts(); len(starts) != 1 || starts[0] != want {
		t.Errorf("started %+v", starts)
	}
	long := "/v1/" + strings.Repeat("é", 5000)
	if reply, _, err := h.do(t, h.request(t, "POST", long, "{}")); err != nil || reply.StatusCode != http.StatusNotFound {
		t.Fatal(reply, err)
	}
	if path := h.record(t, 2).Path; len(path) > 1024 || !strings.HasSuffix(path, "é…") {
		t.Errorf("%d bytes of a path", len(path))
	}
}
