package provider_test

import (
	"context"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"

	"openclaw/gateway/provider"
	"openclaw/keychain"
)

// A key that was replaced is found from the next call on, also where two providers
// take turns, or the old key comes back.
func TestReplacedKeyIsMasked(t *testing.T) {
	var mu sync.Mutex // guards keys
	keys := map[string]string{}
	far := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, "the key is "+r.Header.Get("X-Api-Key")+strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer "))
	})
	h := build(t, far, func(o *provider.Options) {
		o.Secret = func(_ context.Context, name string) (keychain.Secret, error) {
			mu.Lock()
			defer mu.Unlock()
			return keychain.NewSecret([]byte(keys[name])), nil
		}
	})
	const one, two, three = "sk-first-key-of-the-provider", "sk-other-key-of-the-provider", "sk-third-key-of-the-provider"
	for turn, now := range []map[string]string{
		{"anthropic": one, "openai": two}, {"anthropic": one, "openai": two}, {"anthropic": two, "openai": one},
		{"anthropic": three, "openai": one}, {"anthropic": one, "openai": three}, {"anthropic": "placeholder", "openai": two}, {"anthropic": two, "openai": one},
	} {
		mu.Lock()
		keys = now
		mu.Unlock()
		for path, name := range map[string]string{"/v1/messages": "anthropic", "/v1/responses": "openai"} {
			want := "the key is " + strings.Repeat("•", len(now[name])/3) + strings.Repeat("*", len(now[name])%3)
			if now[name] == "placeholder" {
				want = "the key is placeholder"
			}
			if _, body, err := h.do(t, h.request(t, "POST", path, "{}")); err != nil || body != want {
				t.Errorf("turn %d, %s: %q %v", turn, path, body, err)
			}
		}
	}
}
