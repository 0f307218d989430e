package provider_test

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"openclaw/gateway/provider"
	"openclaw/keychain"
)

// Only a list of models says that a provider takes a key. The page of a proxy, an error
// that comes with 200 and half an answer say nothing, and no word of them is repeated.
func TestOnlyAListOfModelsTakesAKey(t *testing.T) {
	const list, fault = `{"object":"list","data":[{"id":"m"}],"has_more":false}`, "sk-of-the-answer"
	for _, test := range []struct {
		name, body string
		kind       string
		status     int
		taken      bool
	}{
		{"OpenAI's list", list, provider.KindOpenAI, 200, true},
		{"an empty one", `{"data":[]}`, provider.KindAnthropic, 200, true},
		{"Gemini's", `{"models":[{"name":"models/m"}]}`, provider.KindGemini, 200, true},
		{"a large one", `{"data":[` + strings.Repeat(`{"id":"a-model-with-a-long-name","context_length":4096},`, 20_000) + `{}]}`, provider.KindOpenAI, 200, true},
		{"a page of a proxy", "<html>log in " + fault + "</html>", provider.KindOpenAI, 200, false},
		{"nothing", "", provider.KindOpenAI, 200, false},
		{"an error with 200", `{"error":{"message":"` + fault + `"}}`, provider.KindOpenAI, 200, false},
		{"a text for a list", `{"data":"` + fault + `"}`, provider.KindOpenAI, 200, false},
		{"a list inside", `{"x":{"data":[]}}`, provider.KindOpenAI, 200, false},
		{"half a list", list[:30], provider.KindOpenAI, 200, false},
		{"a list of another status", list, provider.KindOpenAI, 404, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(test.status)
				fmt.Fprint(w, test.body)
			}))
			defer server.Close()
			h := provider.New(provider.Options{Providers: func() map[string]provider.Target {
				return map[string]provider.Target{"p": {Kind: test.kind, BaseURL: server.URL}}
			}})
			defer h.Close()
			err := h.TryKey(t.Context(), "p", keychain.NewSecret([]byte("sk-new-key-0123456789")))
			switch {
			case (err == nil) != test.taken:
				t.Errorf("taken %v: %v", err == nil, err)
			case err != nil && (errors.Is(err, provider.ErrKeyRefused) || strings.Contains(err.Error(), fault) || !strings.Contains(err.Error(), "says nothing of the key")):
				t.Errorf("it says %v", err)
			}
		})
	}
}
