package ref

import (
	"context"
	"encoding/json"
	"encoding/pem"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"openclaw/keychain"
)

// vaultStandIn answers as the documents of HashiCorp Vault and OpenBao say, and as
// Vault does in TestRealVault, which is not run for each change.
type vaultStandIn struct {
	*httptest.Server
	asked atomic.Int64
	wrong atomic.Pointer[string] // a request that no real server would take
}

const vaultToken = "hvs.test-token"

func standIn(t *testing.T) *vaultStandIn {
	t.Helper()
	s := &vaultStandIn{}
	s.Server = httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.asked.Add(1)
		if r.Method != http.MethodGet || r.Header.Get("X-Vault-Request") != "true" || r.URL.Query().Get("token") != "" || strings.Contains(r.URL.String(), vaultToken) {
			text := r.Method + " " + r.URL.String()
			s.wrong.Store(&text)
		}
		if r.Header.Get("X-Vault-Token") != vaultToken || r.Header.Get("X-Vault-Namespace") == "other" {
			http.Error(w, `{"errors":["permission denied"]}`, http.StatusForbidden)
			return
		}
		path := strings.TrimPrefix(r.URL.Path, "/v1/")
		if name, ok := strings.CutPrefix(path, "sys/internal/ui/mounts/"); ok {
			switch mount, _, _ := strings.Cut(name, "/"); mount {
			case "kv2", "old":
				version := map[string]string{"kv2": "2", "old": "1"}[mount]
				_, _ = w.Write([]byte(`{"data":{"path":"` + mount + `/","type":"kv","options":{"version":"` + version + `"}}}`))
			case "pki":
				_, _ = w.Write([]byte(`{"data":{"path":"pki/","type":"pki","options":null}}`))
			case "broken":
				_, _ = w.Write([]byte(`{"data":{"path":"elsewhere/","type":"kv"}}`))
			case "moved":
				http.Redirect(w, r, "https://127.0.0.1:1/", http.StatusTemporaryRedirect)
			case "sealed":
				http.Error(w, `{"errors":["Vault is sealed"]}`, http.StatusServiceUnavailable)
			case "busy":
				http.Error(w, `{}`, http.StatusTooManyRequests)
			case "failing":
				http.Error(w, canary, http.StatusInternalServerError)
			case "big":
				_, _ = w.Write([]byte(strings.Repeat(" ", maxVaultAnswer+1)))
			case "cut":
				w.Header().Set("Content-Length", "1000")
				_, _ = w.Write([]byte(`{"data":`))
			case "hangs":
				<-r.Context().Done()
				panic(http.ErrAbortHandler) // an answer now could still be read
			case "elder":
				http.Error(w, `{"errors":["no handler"]}`, http.StatusNotFound)
			default:
				http.Error(w, `{"errors":["preflight capability check returned 403, please ensure client's policies grant access to path \"`+mount+`/\""]}`, http.StatusForbidden)
			}
			return
		}
		answers := map[string]string{
			"old/app":             `{"data":{"key":"v1-value","n":7}}`,
			"old/one":             `{"data":{"only":"single"}}`,
			"old/empty":           `{"data":{}}`,
			"old/odd":             `{"data":"` + canary + `"}`,
			"kv2/data/app":        `{"data":{"data":{"key":"newest","deep":{"er":"inner"}},"metadata":{"version":3}}}`,
			"kv2/data/app?1":      `{"data":{"data":{"key":"first"},"metadata":{"version":1}}}`,
			"kv2/data/a b/c%":     `{"data":{"data":{"key":"escaped"},"metadata":{"version":1}}}`,
			"kv2/data/app?2":      `404 {"data":{"data":null,"metadata":{"deletion_time":"2026-01-01T00:00:00Z","destroyed":false}}}`,
			"kv2/data/app?4":      `404 {"data":{"data":null,"metadata":{"deletion_time":"","destroyed":true}}}`,
			"kv2/data/notallowed": `403 {"errors":["` + canary + `"]}`,
		}
		key := path
		if v := r.URL.Query().Get("version"); v != "" {
			key += "?" + v
		}
		body, ok := answers[key]
		if !ok {
			body = `404 {"errors":[]}`
		}
		if rest, ok := strings.CutPrefix(body, "404 "); ok {
			http.Error(w, rest, http.StatusNotFound)
		} else if rest, ok := strings.CutPrefix(body, "403 "); ok {
			http.Error(w, rest, http.StatusForbidden)
		} else {
			_, _ = w.Write([]byte(body))
		}
	}))
	t.Cleanup(s.Close)
	return s
}

func (s *vaultStandIn) variables(t *testing.T) map[string]string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "ca.pem")
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw})
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return map[string]string{"VAULT_ADDR": s.URL, "VAULT_CACERT": path, "VAULT_TOKEN": vaultToken, "VAULT_TLS_SERVER_NAME": "example.com"}
}

func TestHCVault(t *testing.T) {
	s := standIn(t)
	variables := environment(s.variables(t))
	patient, hurried := New(Options{LookupEnv: variables, Patience: time.Minute}), New(Options{LookupEnv: variables, Patience: time.Second})
	r := patient
	for text, want := range map[string]string{
		"hcvault://old/app#key": "v1-value", "hcvault://old/app#n": "7", "hcvault://old/one": "single", "hcvault://kv2/app#key": "newest",
		"hcvault://kv2/app#deep.er": "inner", "hcvault://kv2/app?version=1#key": "first", "hcvault://kv2/app?version=1": "first", "hcvault://kv2/a b/c%25#key": "escaped",
	} {
		for _, cached := range []bool{false, true} {
			before := s.asked.Load()
			value, source, err := r.Resolve(t.Context(), text)
			if err != nil || string(value.Reveal()) != want || source.Cached != cached || (s.asked.Load() == before) != cached {
				t.Errorf("%s: %q %+v %v", text, value.Reveal(), source, err)
			}
		}
	}
	for text, kind := range map[string]keychain.Kind{
		"hcvault://old/app": keychain.KindBadReference, "hcvault://old/app?version=1#key": keychain.KindBadReference, "hcvault://old/none": keychain.KindNotFound,
		"hcvault://old/empty": keychain.KindNotFound, "hcvault://old/odd": keychain.KindNotFound, "hcvault://kv2/app#none": keychain.KindNotFound, "hcvault://kv2/app#deep": keychain.KindNotFound,
		"hcvault://kv2/app?version=2#key": keychain.KindNotFound, "hcvault://kv2/app?version=4#key": keychain.KindNotFound, "hcvault://kv2/app?version=9#key": keychain.KindNotFound,
		"hcvault://kv2/notallowed#key": keychain.KindWrongKey, "hcvault://none/x": keychain.KindWrongKey, "hcvault://elder/x": keychain.KindNotFound, "hcvault://pki/x": keychain.KindUnsupported, "hcvault://broken/x": keychain.KindCorrupt,
		"hcvault://moved/x": keychain.KindUnsupported, "hcvault://sealed/x": keychain.KindLocked, "hcvault://busy/x": keychain.KindFailed, "hcvault://failing/x": keychain.KindFailed,
		"hcvault://big/x": keychain.KindTooBig, "hcvault://cut/x": keychain.KindNoService, "hcvault://hangs/x": keychain.KindTimeout,
	} {
		r = patient
		if kind == keychain.KindTimeout {
			r = hurried
		}
		_, _, err := r.Resolve(t.Context(), text)
		t.Run(text, func(t *testing.T) { wantKind(t, err, kind) })
		if strings.Contains(err.Error(), canary) || strings.Contains(err.Error(), vaultToken) {
			t.Errorf("%s: %v", text, err)
		}
		before := s.asked.Load()
		if _, source, again := r.Resolve(t.Context(), text); again == nil || !source.Cached || s.asked.Load() != before {
			t.Errorf("%s is asked again at once: %v", text, again)
		}
	}
	if wrong := s.wrong.Load(); wrong != nil {
		t.Errorf("asked %s", *wrong)
	}
}

func TestHCVaultSettings(t *testing.T) {
	s := standIn(t)
	good := s.variables(t)
	home := t.TempDir()
	token := filepath.Join(home, ".vault-token")
	if err := os.WriteFile(token, []byte(vaultToken+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	open := t.TempDir()
	if err := os.WriteFile(filepath.Join(open, ".vault-token"), []byte(vaultToken), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(filepath.Join(open, ".vault-token"), 0o644); err != nil {
		t.Fatal(err)
	}
	with := func(changes map[string]string) Options {
		all := map[string]string{}
		maps.Copy(all, good)
		maps.Copy(all, changes)
		return Options{LookupEnv: environment(all), Patience: time.Minute}
	}
	for name, test := range map[string]struct {
		changes map[string]string
		kind    keychain.Kind
	}{
		"token file":             {map[string]string{"VAULT_TOKEN": "", "HOME": home}, ""},
		"names of OpenBao":       {map[string]string{"VAULT_ADDR": "", "BAO_ADDR": s.URL, "VAULT_TOKEN": "", "BAO_TOKEN": vaultToken}, ""},
		"no token":               {map[string]string{"VAULT_TOKEN": "", "HOME": open + "/none"}, keychain.KindLocked},
		"token open to others":   {map[string]string{"VAULT_TOKEN": "", "HOME": open}, keychain.KindUnsafeFile},
		"wrong token":            {map[string]string{"VAULT_TOKEN": "hvs.other"}, keychain.KindWrongKey},
		"namespace":              {map[string]string{"VAULT_NAMESPACE": "other"}, keychain.KindWrongKey},
		"no address":             {map[string]string{"VAULT_ADDR": ""}, keychain.KindNoService},
		"address with password":  {map[string]string{"VAULT_ADDR": "https://u:" + canary + "@x"}, keychain.KindBadReference},
		"without TLS":            {map[string]string{"VAULT_ADDR": "http://vault.example.com:8200"}, keychain.KindUnsupported},
		"nobody there":           {map[string]string{"VAULT_ADDR": "http://127.0.0.1:1"}, keychain.KindNoService},
		"certificate of another": {map[string]string{"VAULT_CACERT": ""}, keychain.KindNoService},
		"no such certificates":   {map[string]string{"VAULT_CACERT": open + "/none"}, keychain.KindFailed},
	} {
		t.Run(name, func(t *testing.T) {
			value, _, err := New(with(test.changes)).Resolve(t.Context(), "hcvault://kv2/app#key")
			if test.kind == "" {
				if err != nil || string(value.Reveal()) != "newest" {
					t.Fatalf("%q %v", value.Reveal(), err)
				}
				return
			}
			wantKind(t, err, test.kind)
			if strings.Contains(err.Error(), canary) {
				t.Error(err)
			}
		})
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	r := New(with(nil))
	if _, _, err := r.Resolve(ctx, "hcvault://kv2/app#key"); err == nil {
		t.Error("a caller that gave up got an answer")
	}
	if value, _, err := r.Resolve(t.Context(), "hcvault://kv2/app#key"); err != nil || string(value.Reveal()) != "newest" {
		t.Errorf("the next caller: %v", err)
	}
}

// FuzzVaultAnswer: whatever a server answers, it is a value or an error without it.
func FuzzVaultAnswer(f *testing.F) {
	f.Add([]byte(`{"data":{"data":{"key":"v"},"metadata":{"version":1}}}`), true, "key")
	f.Add([]byte(`{"data":{"a":{"b":"c"}}}`), false, "a.b")
	f.Add([]byte(`{"data":{"a":1}}`), false, "")
	f.Fuzz(func(t *testing.T, answer []byte, second bool, field string) {
		_ = gone(answer)
		data, err := entryData(answer, second)
		if err != nil {
			return
		}
		value, err := vaultMember(data, field)
		if err == nil && (value.Empty() || !json.Valid(answer)) {
			t.Fatalf("%q gave %q", answer, value.Reveal())
		}
	})
}
