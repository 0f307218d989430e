package gateway

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"openclaw/configs"
	"openclaw/gateway/provider"
	"openclaw/gateway/provider/standin"
	"openclaw/gateway/wire"
	"openclaw/keychain"
)

const (
	oldKey = "sk-ant-api03-the-old-key-0123456789"
	newKey = "sk-ant-api03-the-new-key-9876543210"
)

// A provider's key is replaced once the provider took the new one, and can be put
// back; whatever else the provider says changes nothing.
func TestAKeyIsRotatedOnceItsProviderTakesIt(t *testing.T) {
	upstream := standin.New()
	var status atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch key := r.Header.Get("X-Api-Key"); {
		case status.Load() != 0:
			http.Error(w, "what you sent was "+key, int(status.Load()))
		case key != oldKey && key != newKey:
			http.Error(w, "no such key: "+key, http.StatusUnauthorized)
		default:
			upstream.ServeHTTP(w, r)
		}
	}))
	defer server.Close()
	var h *house
	pass := provider.New(provider.Options{
		Secret: func(context.Context, string) (keychain.Secret, error) {
			return keychain.Secret{}, errors.New("not asked for")
		},
		Providers: func() map[string]provider.Target {
			return map[string]provider.Target{"claude": {Kind: provider.KindAnthropic, BaseURL: server.URL}}
		},
	})
	defer pass.Close()
	h = build(t, configs.Layout{Root: filepath.Join(shortDir(t), "s")}, freePort(t), "", func(d *Deps) {
		d.TryKey = func(ctx context.Context, name string, key keychain.Secret) (bool, error) {
			err := pass.TryKey(ctx, name, key)
			return errors.Is(err, provider.ErrKeyRefused), err
		}
	})
	h.writeConfig("", "\nproviders:\n  claude: {base_url: "+server.URL+", kind: anthropic, api_key: \"vault://work/claude\"}\n")
	h.run()
	admin := h.local()
	stored := func(name string) string {
		value, err := h.memory.Get(t.Context(), name)
		if err != nil {
			return ""
		}
		return string(value.Reveal())
	}
	rotate := func(name, value string, untested bool) (wire.SecretRotated, error) {
		var out wire.SecretRotated
		return out, admin.Call(t.Context(), wire.MethodSecretRotate, wire.SecretRotateParams{Name: name, Value: []byte(value), Untested: untested}, &out)
	}
	if err := admin.Call(t.Context(), wire.MethodSecretSet, wire.SecretSetParams{Name: "work/claude", Value: []byte(oldKey)}, nil); err != nil {
		t.Fatal(err)
	}
	refusedWith := func(err error, words string) {
		t.Helper()
		refusal := refusalOf(t, err)
		if !strings.Contains(refusal.Message, words) || refusal.Hint() == "" {
			t.Errorf("%v (%s)", refusal, refusal.Hint())
		}
		if text, _ := json.Marshal(refusal); strings.Contains(string(text), "wrong-key") || strings.Contains(string(text), "new-key") {
			t.Errorf("the refusal holds the key: %s", text)
		}
		if stored("work/claude") != oldKey || stored("previous/work/claude") != "" {
			t.Fatalf("%q %q", stored("work/claude"), stored("previous/work/claude"))
		}
	}
	liveTests(t, h, &status)
	_, err := rotate("work/claude", "sk-ant-api03-wrong-key-0123456789", false)
	refusedWith(err, "refuses this key")
	for _, code := range []int64{500, 404, 429} {
		status.Store(code)
		_, err = rotate("work/claude", newKey, false)
		refusedWith(err, "says nothing of the key")
	}
	status.Store(0)
	if _, err = rotate("work/claude", oldKey, false); err == nil {
		t.Error("the same key is a new one")
	}
	if _, err = rotate("nothing", newKey, false); err == nil {
		t.Error("a secret that is not there was rotated")
	}
	h.breakAudit(errors.New("disk full"))
	_, err = rotate("work/claude", newKey, false)
	refusedWith(err, "audit")
	h.breakAudit(nil)

	out, err := rotate("work/claude", newKey, false)
	if err != nil || len(out.Tried) != 1 || out.Tried[0] != "claude" || out.Previous != "previous/work/claude" {
		t.Fatal(out, err)
	}
	if stored("work/claude") != newKey || stored("previous/work/claude") != oldKey {
		t.Errorf("%q %q", stored("work/claude"), stored("previous/work/claude"))
	}
	if _, err := rotate("previous/work/claude", newKey, true); err == nil {
		t.Error("the value of before was rotated")
	}
	for range 2 { // back, and forth
		was := stored("work/claude")
		if err := admin.Call(t.Context(), wire.MethodSecretUndo, wire.SecretParams{Name: "work/claude"}, &out); err != nil {
			t.Fatal(err)
		}
		if stored("previous/work/claude") != was || stored("work/claude") == was {
			t.Errorf("%q %q", stored("work/claude"), stored("previous/work/claude"))
		}
	}
	for writes := 1; writes <= 4; writes++ { // a store that is gone after so many, and asked again
		old, newer := stored("previous/work/claude"), stored("work/claude")
		h.memory.mu.Lock()
		h.memory.broken = writes
		h.memory.mu.Unlock()
		if err := admin.Call(t.Context(), wire.MethodSecretUndo, wire.SecretParams{Name: "work/claude"}, &out); err == nil {
			t.Fatal("a write that failed was not told")
		}
		var found []string
		for _, name := range []string{"work/claude", "previous/work/claude", "undone/work/claude"} {
			found = append(found, stored(name))
		}
		if !slices.Contains(found, old) || !slices.Contains(found, newer) {
			t.Fatalf("after %d writes a key is lost: %q", writes, found)
		}
		if writes == 4 {
			break // it was done, and what is left is in the way of nothing
		}
		if err := admin.Call(t.Context(), wire.MethodSecretUndo, wire.SecretParams{Name: "work/claude"}, &out); err != nil {
			t.Fatal(err)
		}
		if stored("work/claude") != old || stored("previous/work/claude") != newer || stored("undone/work/claude") != "" {
			t.Fatalf("after %d writes: %q %q", writes, stored("work/claude"), stored("previous/work/claude"))
		}
	}
	server.Close()
	if _, err := rotate("work/claude", "sk-ant-api03-another-0123456789", false); err == nil {
		t.Error("a provider that is gone took a key")
	}
	if _, err := rotate("work/claude", "sk-ant-api03-another-0123456789", true); err != nil {
		t.Error(err)
	}
	if err := admin.Call(t.Context(), wire.MethodSecretUndo, wire.SecretParams{Name: "other"}, nil); err == nil {
		t.Error("there was nothing to undo")
	}
	for _, entry := range h.audited("secret_access") {
		if text, _ := json.Marshal(entry); strings.Contains(string(text), "sk-ant") {
			t.Errorf("%s", text)
		}
	}
}

// liveTests has the stored key of provider claude tested, as its name and as a reference.
func liveTests(t *testing.T, h *house, status *atomic.Int64) {
	t.Helper()
	admin := h.local()
	try := func(reference string, live bool) wire.SecretTested {
		t.Helper()
		var out wire.SecretTested
		if err := admin.Call(t.Context(), wire.MethodSecretTest, wire.SecretTestParams{Reference: reference, Live: live}, &out); err != nil {
			t.Fatal(err)
		}
		if text, _ := json.Marshal(out); strings.Contains(string(text), "sk-ant") {
			t.Errorf("the outcome holds the key: %s", text)
		}
		return out
	}
	taken := []string{"provider claude"}
	if out := try("work/claude", true); !out.OK || !slices.Equal(out.Taken, taken) || len(out.Unknown)+len(out.Refused) > 0 {
		t.Errorf("%+v", out)
	}
	status.Store(500)
	if out := try("work/claude", false); !out.OK || out.Taken != nil || out.Unknown != nil {
		t.Errorf("a provider was asked unasked: %+v", out)
	}
	if out := try("work/claude", true); !out.OK || len(out.Taken) > 0 || len(out.Unknown) != 1 || !strings.Contains(out.Unknown[0], "says nothing of the key") {
		t.Errorf("%+v", out)
	}
	status.Store(401)
	if out := try("work/claude", true); out.OK || len(out.Refused) != 1 || !strings.Contains(out.Detail, "provider claude") || !strings.Contains(out.Hint, "rotate-key") {
		t.Errorf("%+v", out)
	}
	status.Store(0)
	if err := admin.Call(t.Context(), wire.MethodSecretSet, wire.SecretSetParams{Name: "unused", Value: []byte("nothing-of-a-provider")}, nil); err != nil {
		t.Fatal(err)
	}
	if out := try("unused", true); !out.OK || len(out.Taken)+len(out.Unknown)+len(out.Refused) > 0 {
		t.Errorf("%+v", out)
	}
	h.breakAudit(errors.New("disk full"))
	defer h.breakAudit(nil)
	var out wire.SecretTested
	if err := admin.Call(t.Context(), wire.MethodSecretTest, wire.SecretTestParams{Reference: "work/claude", Live: true}, &out); err == nil || out.OK {
		t.Errorf("a provider was asked without a record: %+v", out)
	}
}

// A reference is tested with the providers whose key it is.
func TestWhoUsesAReference(t *testing.T) {
	config := &configs.Config{Providers: map[string]configs.Provider{
		"a": {APIKey: "vault://shared"}, "b": {APIKey: "keychain://openclaw/shared"}, "c": {APIKey: "${KEY}"}, "openai": {},
	}}
	for reference, want := range map[string][]string{
		"shared": {"a", "b"}, "vault://shared": {"a", "b"}, "keychain://openclaw/shared": {"a", "b"}, "${KEY}": {"c"}, "openai": {"openai"}, "anthropic": {"anthropic"},
		"${OTHER}": nil, "nobody": nil, "exec:x": nil,
	} {
		if got := usersOf(config, reference); !slices.Equal(got, want) {
			t.Errorf("%s: %v, want %v", reference, got, want)
		}
	}
}
