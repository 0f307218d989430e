package standin_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"openclaw/gateway/provider/standin"
)

// The stand-in answers in the shapes that clients of the real APIs read: each
// event is JSON of the type that its name says, and each stream has its end.
func TestShapes(t *testing.T) {
	p := standin.New()
	for _, row := range []struct{ path, body, want string }{
		{"/v1/messages", `{"model":"m"}`, `"type":"message"`},
		{"/v1/messages/count_tokens", `{}`, `"input_tokens":7`},
		{"/v1/chat/completions", `{"model":"m"}`, `"object":"chat.completion"`},
		{"/v1/responses", `{"model":"m"}`, `"object":"response"`},
		{"/v1/embeddings", `{"model":"m"}`, `"embedding":[0.25,-0.5]`},
		{"/v1beta/models/m:generateContent", `{}`, `"candidatesTokenCount":5`},
		{"/v1beta/models/m:streamGenerateContent", `{}`, `"finishReason":"STOP"`},
		{"/v1beta/models/m:countTokens", `{}`, `"totalTokens":7`},
		{"/v1/messages", `{"stream":true}`, `event: message_stop`},
		{"/v1/chat/completions", `{"stream":true}`, `data: [DONE]`},
		{"/v1/responses", `{"stream":true}`, `event: response.completed`},
	} {
		r := httptest.NewRequest(http.MethodPost, row.path, strings.NewReader(row.body))
		r.Header.Set("X-Api-Key", "k")
		w := httptest.NewRecorder()
		p.ServeHTTP(w, r)
		body := w.Body.String()
		if w.Code != http.StatusOK || !strings.Contains(body, row.want) {
			t.Errorf("%s: %d %s", row.path, w.Code, body)
		}
		if w.Header().Get("Content-Type") == "application/json" {
			if !json.Valid(w.Body.Bytes()) {
				t.Errorf("%s: %s", row.path, body)
			}
			continue
		}
		for event := range strings.SplitSeq(strings.TrimSuffix(body, "\n\n"), "\n\n") {
			name := ""
			if rest, named := strings.CutPrefix(event, "event: "); named {
				name, event, _ = strings.Cut(rest, "\n")
			}
			data, found := strings.CutPrefix(event, "data: ")
			var decoded struct{ Type string }
			if data == "[DONE]" {
				continue
			}
			if err := json.Unmarshal([]byte(data), &decoded); !found || err != nil || decoded.Type != name {
				t.Errorf("%s: event %q: %q %v", row.path, name, event, err)
			}
		}
	}
}

// It records what it was sent, and wants a credential.
func TestRecordsAndCredential(t *testing.T) {
	p := standin.New()
	for _, key := range []string{"", "k"} {
		r := httptest.NewRequest(http.MethodPost, "/v1/messages?beta=true", strings.NewReader(`{"a":1}`))
		if key != "" {
			r.Header.Set("Authorization", "Bearer "+key)
		}
		w := httptest.NewRecorder()
		p.ServeHTTP(w, r)
		if (w.Code == http.StatusUnauthorized) != (key == "") {
			t.Errorf("with %q: %d", key, w.Code)
		}
	}
	seen := p.Requests()
	if len(seen) != 2 || seen[1].Path != "/v1/messages" || seen[1].Query != "beta=true" || string(seen[1].Body) != `{"a":1}` || seen[1].Header.Get("Authorization") != "Bearer k" {
		t.Errorf("%+v", seen)
	}
}
