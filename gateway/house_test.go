package gateway

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"openclaw/configs"
	"openclaw/gateway/auth"
	"openclaw/gateway/client"
	"openclaw/gateway/event"
	"openclaw/gateway/porttest"
	"openclaw/gateway/wire"
	"openclaw/keychain"
)

// memory is a secret store that needs no keychain.
type memory struct {
	mu     sync.Mutex
	values map[string][]byte
	locks  int // calls of Lock
	broken int // calls of Set and Delete until they fail, once; 0: never
}

// fails is a store that is gone in the middle of something.
func (m *memory) fails() error {
	if m.broken == 0 {
		return nil
	}
	if m.broken--; m.broken > 0 {
		return nil
	}
	return &keychain.Error{Op: "set secret", Kind: keychain.KindTimeout, Hint: "try again"}
}

func (m *memory) Get(_ context.Context, name string) (keychain.Secret, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	value, known := m.values[name]
	if !known {
		return keychain.Secret{}, &keychain.Error{Op: "get secret", Name: name, Kind: keychain.KindNotFound, Hint: "store it first"}
	}
	return keychain.NewSecret(append([]byte(nil), value...)), nil
}

func (m *memory) Set(_ context.Context, name string, value keychain.Secret) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.fails(); err != nil {
		return err
	}
	m.values[name] = append([]byte(nil), value.Reveal()...)
	return nil
}

func (m *memory) Delete(_ context.Context, name string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if err := m.fails(); err != nil {
		return err
	}
	if _, known := m.values[name]; !known {
		return &keychain.Error{Op: "delete secret", Name: name, Kind: keychain.KindNotFound}
	}
	delete(m.values, name)
	return nil
}

func (m *memory) List(context.Context) ([]string, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return sortedNames(m.values), nil
}

func (m *memory) CreateVault(context.Context, []byte) error { return nil }

func (m *memory) Unlock(_ context.Context, passphrase []byte) error {
	if string(passphrase) != "right passphrase" {
		return &keychain.Error{Op: "unlock vault", Kind: keychain.KindWrongKey}
	}
	return nil
}

// The memory has no file that could be locked; a fake of the vault's ways, of which
// keychain/backend tests the real ones.
func (m *memory) UnlockUnattended(context.Context, string) error { return nil }

func (m *memory) UnlockByAge(ctx context.Context, key []byte) error { return m.UnlockByCode(ctx, key) }

func (m *memory) AddSlot(ctx context.Context, current []byte, _ keychain.NewVaultSlot) error {
	return m.Unlock(ctx, current)
}

func (m *memory) UnlockByCode(_ context.Context, code []byte) error {
	if string(code) != "RIGHT-CODE" {
		return &keychain.Error{Op: "unlock vault", Kind: keychain.KindWrongKey}
	}
	return nil
}

func (m *memory) Lock() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.locks++
}

func (m *memory) locked() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.locks
}

func (m *memory) Slots(context.Context) ([]keychain.VaultSlot, error) {
	return []keychain.VaultSlot{{ID: "00", Kind: "passphrase"}}, nil
}

func (m *memory) AddRecoveryCode(ctx context.Context, current []byte) (keychain.Secret, error) {
	return keychain.NewSecret([]byte("ABCD-EFGH-IJKL-MNOP-QRST-UVWX-YZ23-4567")), m.Unlock(ctx, current)
}

func (m *memory) RemoveSlot(ctx context.Context, _ string, current []byte) error {
	return m.Unlock(ctx, current)
}

func (m *memory) Rekey(ctx context.Context, current, _ []byte, _, _ bool) (keychain.Secret, error) {
	return keychain.Secret{}, m.Unlock(ctx, current)
}

func (m *memory) LookAtRollback(context.Context, keychain.VaultOpening) (keychain.VaultRollback, error) {
	return keychain.VaultRollback{}, &keychain.Error{Op: "accept vault file", Kind: keychain.KindFailed}
}

func (m *memory) AcceptRollback(ctx context.Context, by keychain.VaultOpening, _ string) error {
	_, err := m.LookAtRollback(ctx, by)
	return err
}

type callerKey struct{}

// house is a gateway that runs on a state folder of its own.
type house struct {
	*Gateway
	t      *testing.T
	layout configs.Layout
	store  *configs.Store
	memory *memory
	token  string
	bus    *event.Bus
	stop   func() error

	mu       sync.Mutex
	entries  []AuditEntry
	auditErr error
}

func (h *house) audited(kind string) []AuditEntry {
	h.mu.Lock()
	defer h.mu.Unlock()
	var out []AuditEntry
	for _, e := range h.entries {
		if e.Event == kind {
			out = append(out, e)
		}
	}
	return out
}

func (h *house) breakAudit(err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.auditErr = err
}

func freePort(tb testing.TB) int {
	tb.Helper()
	return porttest.Free(tb)
}

const agentsConfig = `
agents:
  coder:
    command: ["true"]
  reviewer:
    permissions:
      read_only: true
`

// shortDir is a folder whose sockets have paths that fit.
func shortDir(tb testing.TB) string {
	tb.Helper()
	dir, err := os.MkdirTemp("", "oc") //nolint:usetesting // TempDir has the test's name in it, and sockets have short paths
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

func (h *house) writeConfig(gatewayLines, rest string) {
	h.t.Helper()
	port := h.store.Current().Config.Gateway.Port
	text := fmt.Sprintf("gateway:\n  host: 127.0.0.1\n  port: %d\n%s%s", port, gatewayLines, rest)
	if err := os.WriteFile(h.layout.Config(), []byte(text), 0o600); err != nil {
		h.t.Fatal(err)
	}
	if err := h.store.Reload("test"); err != nil {
		h.t.Fatal(err)
	}
}

// build makes a house whose gateway does not run yet.
func build(t *testing.T, layout configs.Layout, port int, gatewayLines string, change func(*Deps)) *house {
	t.Helper()
	if err := layout.Make(); err != nil {
		t.Fatal(err)
	}
	text := fmt.Sprintf("gateway:\n  host: 127.0.0.1\n  port: %d\n%s%s", port, gatewayLines, agentsConfig)
	if err := os.WriteFile(layout.Config(), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	store, err := configs.OpenStore(layout, configs.Options{KeepHistory: true})
	if err != nil {
		t.Fatal(err)
	}
	h := &house{t: t, layout: layout, store: store, token: auth.GenerateToken(), bus: event.NewBus(nil)}
	h.memory = &memory{values: map[string][]byte{gatewayTokenName: []byte(h.token)}}
	deps := Deps{
		Version: "test", Layout: layout, Config: store, Bus: h.bus, Secrets: h.memory, Vault: h.memory, Grace: 2 * time.Second,
		Token: func(ctx context.Context) (keychain.Secret, error) { return h.memory.Get(ctx, gatewayTokenName) },
		SecretInfo: func(ctx context.Context) ([]event.Secret, error) {
			names, err := h.memory.List(ctx)
			var rows []event.Secret
			for _, name := range names {
				rows = append(rows, event.Secret{Name: name, Store: "memory"})
			}
			return rows, err
		},
		SecretStatus: func() event.SecretStore { return event.SecretStore{Backend: "memory", State: "unlocked"} },
		Audit: func(_ context.Context, e AuditEntry) error {
			h.mu.Lock()
			defer h.mu.Unlock()
			if h.auditErr != nil {
				return h.auditErr
			}
			h.entries = append(h.entries, e)
			return nil
		},
		AuditSearch: func(context.Context, wire.AuditSearchParams) ([]json.RawMessage, bool, error) {
			return []json.RawMessage{json.RawMessage(`{"event_type":"x"}`)}, false, nil
		},
		LogTail: func(int) ([]event.LogLine, error) { return []event.LogLine{{Message: "hello"}}, nil },
		LogFrom: func(cursor int64, _, _ int) (LogChunk, error) {
			return LogChunk{Cursor: cursor + 6, Size: 6, Lines: []string{`{"a":1}`}}, nil
		},
		Provider: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			agent, _ := r.Context().Value(callerKey{}).(string)
			fmt.Fprintf(w, "caller=%s", agent)
		}),
		WithCaller: func(ctx context.Context, agent, _ string) context.Context {
			return context.WithValue(ctx, callerKey{}, agent)
		},
	}
	if change != nil {
		change(&deps)
	}
	if h.Gateway, err = New(deps); err != nil {
		t.Fatal(err)
	}
	return h
}

func (h *house) run() *house {
	h.t.Helper()
	ctx, cancel := context.WithCancel(h.t.Context())
	ended := make(chan error, 1)
	go func() { ended <- h.Run(ctx) }()
	var once sync.Once
	var result error
	h.stop = func() error {
		once.Do(func() { cancel(); result = <-ended })
		return result
	}
	h.t.Cleanup(func() { _ = h.stop() })
	select {
	case <-h.Ready():
	case err := <-ended:
		ended <- err
		h.t.Fatal(err)
	}
	return h
}

// refusedStart is why the gateway did not start. One that starts is stopped, and fails
// the test instead of running for as long as the test may take.
func (h *house) refusedStart() error {
	h.t.Helper()
	ctx, cancel := context.WithCancel(h.t.Context())
	defer cancel()
	ended := make(chan error, 1)
	go func() { ended <- h.Run(ctx) }()
	select {
	case err := <-ended:
		return err
	case <-time.After(30 * time.Second):
		cancel()
		h.t.Fatalf("the gateway started: %v", <-ended)
		return nil
	}
}

func start(t *testing.T, gatewayLines string) *house {
	t.Helper()
	return build(t, configs.Layout{Root: filepath.Join(shortDir(t), "s")}, freePort(t), gatewayLines, nil).run()
}

func (h *house) url() string { return "ws://" + h.Address().String() }

func (h *house) dial(options client.Options) (*client.Client, error) {
	c, err := client.Dial(h.t.Context(), options)
	if err == nil {
		h.t.Cleanup(func() { _ = c.Close() })
	}
	return c, err
}

// local is a client of the unix socket.
func (h *house) local() *client.Client {
	h.t.Helper()
	c, err := h.dial(client.Options{Socket: h.layout.Socket(), Name: "cli", Version: "test"})
	if err != nil {
		h.t.Fatal(err)
	}
	return c
}

// remote is a client over TCP with the token.
func (h *house) remote(scopes ...string) *client.Client {
	h.t.Helper()
	c, err := h.dial(client.Options{URL: h.url(), Token: keychain.NewSecret([]byte(h.token)), Name: "cli", Version: "test", Scopes: scopes})
	if err != nil {
		h.t.Fatal(err)
	}
	return c
}

func refusalOf(t *testing.T, err error) *wire.Error {
	t.Helper()
	refusal, is := errors.AsType[*wire.Error](err)
	if !is {
		t.Fatalf("not a refusal of the gateway: %v", err)
	}
	return refusal
}

func until(t *testing.T, what string, done func() bool) {
	t.Helper()
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		if done() {
			return
		}
	}
	t.Fatalf("never: %s", what)
}
