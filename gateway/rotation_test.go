package gateway

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"openclaw/configs"
	"openclaw/gateway/auth"
	"openclaw/gateway/client"
	"openclaw/gateway/event"
	"openclaw/gateway/wire"
	"openclaw/keychain"
)

// shifted is a wall clock that a test sets ahead.
type shifted struct{ by atomic.Int64 }

func (s *shifted) now() time.Time        { return time.Now().Add(time.Duration(s.by.Load())) }
func (s *shifted) ahead(d time.Duration) { s.by.Add(int64(d)) }
func (s *shifted) deps(d *Deps)          { d.Now = s.now }
func newLayout(t *testing.T) configs.Layout {
	t.Helper()
	return configs.Layout{Root: filepath.Join(shortDir(t), "s")}
}

// socket is a client of no library of ours, which sees the close code.
func (h *house) socket(token string, scopes ...string) (*websocket.Conn, *wire.Response) {
	h.t.Helper()
	return h.socketFrom("", token, scopes...)
}

// socketFrom is socket through a proxy on this machine that says whom it speaks
// for; without an address there is none.
func (h *house) socketFrom(address, token string, scopes ...string) (*websocket.Conn, *wire.Response) {
	h.t.Helper()
	header := http.Header{}
	if address != "" {
		header.Set("X-Forwarded-For", address)
	}
	ws, _, err := websocket.DefaultDialer.DialContext(h.t.Context(), h.url(), header) //nolint:bodyclose // gorilla's is empty
	if err != nil {
		h.t.Fatal(err)
	}
	h.t.Cleanup(func() { _ = ws.Close() })
	_ = ws.SetReadDeadline(time.Now().Add(20 * time.Second))
	if _, _, err := ws.ReadMessage(); err != nil { // the challenge
		h.t.Fatal(err)
	}
	if scopes == nil {
		scopes = []string{"operator.admin"}
	}
	params, err := json.Marshal(wire.Connect{MinProtocol: 4, MaxProtocol: 4, Client: wire.ClientInfo{ID: "cli", Mode: "cli"}, Role: "operator", Scopes: scopes, Auth: wire.Credentials{Token: token}})
	if err != nil {
		h.t.Fatal(err)
	}
	if err := ws.WriteJSON(wire.Request{Type: "req", ID: "1", Method: "connect", Params: params}); err != nil {
		h.t.Fatal(err)
	}
	var answer wire.Response
	if err := ws.ReadJSON(&answer); err != nil {
		h.t.Fatal(err)
	}
	return ws, &answer
}

// closeCode reads until the end.
func closeCode(ws *websocket.Conn) int {
	for {
		_, _, err := ws.ReadMessage()
		if closed, is := errors.AsType[*websocket.CloseError](err); is {
			return closed.Code
		}
		if err != nil {
			return -1
		}
	}
}

func (h *house) bearer(token string) reply {
	h.t.Helper()
	return h.ask(h.t, "POST", "/v1/messages", map[string]string{"Authorization": "Bearer " + token})
}

// storedToken is what a program finds that reads the gateway's token from the store.
func (h *house) storedToken() string {
	h.t.Helper()
	secret, err := h.memory.Get(h.t.Context(), gatewayTokenName)
	if err != nil {
		h.t.Fatal(err)
	}
	return string(secret.Reveal())
}

// refusedAs connects with a token that is not good any more, by both ways.
func (h *house) refusedAs(token, reason string) {
	h.t.Helper()
	ws, answer := h.socket(token)
	if answer.OK || answer.Error.Details["authReason"] != reason || answer.Error.Details["code"] != wire.DetailTokenMismatch {
		h.t.Fatalf("want %s: %+v", reason, answer)
	}
	if code := closeCode(ws); code != wire.ClosePolicy {
		h.t.Fatal("closed with", code)
	}
	r := h.bearer(token)
	if r.StatusCode != 401 || reason != wire.ReasonTokenMismatch && !strings.Contains(r.Header.Get("WWW-Authenticate"), reason) {
		h.t.Fatalf("want %s: %s %v %s", reason, r.Status, r.Header, r.text)
	}
}

// Rotation with a grace period: what the old token opened lives on and is cut with
// 4001 at the end of it, with nobody asking; from then on it is refused.
func TestRotationCutsAtTheEndOfTheGracePeriod(t *testing.T) {
	h := start(t, "")
	ws, answer := h.socket(h.token)
	if !answer.OK {
		t.Fatalf("%+v", answer)
	}
	const grace = 2 * time.Second
	begun := time.Now()
	done, err := h.rotate(t.Context(), "local", grace)
	if err != nil || done.Name != gatewayTokenName || !done.Lasts || done.Cut != 0 {
		t.Fatalf("%+v %v", done, err)
	}
	if next := h.storedToken(); next == h.token {
		t.Fatal("the store has the old token")
	} else if r := h.bearer(next); r.StatusCode != 200 {
		t.Fatal("the new token:", r.Status, r.text)
	}
	if wait := h.nextLook(); wait > grace {
		t.Fatal("nobody looks for", wait)
	}
	if r := h.bearer(h.token); r.StatusCode != 200 && time.Since(begun) < grace {
		t.Fatal("the old token within its grace period:", r.Status, r.text)
	}
	if code := closeCode(ws); code != wire.CloseTokenChanged {
		t.Fatal("closed with", code)
	}
	if early := grace - time.Since(begun); early > 0 {
		t.Fatal("the socket was cut too early, by", early)
	}
	h.refusedAs(h.token, wire.ReasonTokenGraceOver)
	if entries := h.audited("secret_access"); len(entries) != 1 || entries[0].Action != "rotate" || entries[0].Target != gatewayTokenName {
		t.Fatalf("%+v", entries)
	}
}

// GHSA-m8wm-r5vq-qjpg: a leaked token is replaced: sockets and calls that it
// opened end, it is refused at once, and so is the one before it.
func TestGHSAm8wmRotationNowCutsSocketsAndCalls(t *testing.T) {
	begun := make(chan struct{}, 1)
	h := build(t, newLayout(t), freePort(t), "", func(d *Deps) {
		d.Provider = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(http.StatusOK)
			_ = http.NewResponseController(w).Flush()
			begun <- struct{}{}
			<-r.Context().Done()
			panic(http.ErrAbortHandler)
		})
	}).run()
	first := h.token
	if _, err := h.rotate(t.Context(), "local", time.Hour); err != nil {
		t.Fatal(err)
	}
	second := h.storedToken()
	ws, answer := h.socket(first)
	other, answer2 := h.socket(second)
	if !answer.OK || !answer2.OK {
		t.Fatalf("%+v %+v", answer.Error, answer2.Error)
	}
	ended := make(chan reply, 1)
	go func() {
		request, err := http.NewRequestWithContext(t.Context(), "POST", "http://"+h.Address().String()+"/v1/messages", nil)
		if err != nil {
			return
		}
		request.Header.Set("X-Api-Key", second)
		if response, err := http.DefaultClient.Do(request); err == nil {
			var one [1]byte
			for err == nil {
				_, err = response.Body.Read(one[:])
			}
			response.Body.Close()
			ended <- reply{StatusCode: response.StatusCode}
		}
	}()
	<-begun
	local := h.local()
	var done wire.TokenRotated
	if err := local.Call(t.Context(), wire.MethodTokenRotate, wire.TokenRotateParams{Now: true}, &done); err != nil {
		t.Fatal(err)
	}
	if done.Cut != 3 || !done.Until.IsZero() {
		t.Errorf("%+v", done)
	}
	for _, one := range []*websocket.Conn{ws, other} {
		if code := closeCode(one); code != wire.CloseTokenChanged {
			t.Error("closed with", code)
		}
	}
	select {
	case <-ended:
	case <-time.After(20 * time.Second):
		t.Error("the call of the old token goes on")
	}
	h.refusedAs(first, wire.ReasonTokenRevoked)
	h.refusedAs(second, wire.ReasonTokenRevoked)
	if _, answer := h.socket(h.storedToken()); !answer.OK {
		t.Fatalf("the new token: %+v", answer)
	}
	if local.Err() != nil {
		t.Error("the unix socket was cut too")
	}
}

// A gateway that starts again in the middle of a grace period knows both tokens,
// the end of the old one and the clients, and none of it is on disk in clear.
func TestARestartInTheMiddleOfAGracePeriod(t *testing.T) {
	var clock shifted
	layout, port := newLayout(t), freePort(t)
	h := build(t, layout, port, "", clock.deps).run()
	old := h.token
	if _, err := h.rotate(t.Context(), "local", 24*time.Hour); err != nil {
		t.Fatal(err)
	}
	var added wire.ClientAdded
	if err := h.local().Call(t.Context(), wire.MethodClientAdd, wire.ClientAddParams{Name: "ci", Scopes: []string{"operator.write"}, For: "48h"}, &added); err != nil {
		t.Fatal(err)
	}
	next := h.storedToken()
	if err := h.stop(); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(layout.Tokens())
	if err != nil {
		t.Fatal(err)
	}
	for _, token := range []string{old, next, added.Token} {
		if strings.Contains(string(text), token) {
			t.Fatal("a token is on disk")
		}
	}
	if info, err := os.Stat(layout.Tokens()); err != nil || info.Mode().Perm() != 0o600 {
		t.Fatal(info.Mode(), err)
	}
	h = build(t, layout, port, "", clock.deps)
	h.memory.values[gatewayTokenName] = []byte(next)
	h.run()
	for name, token := range map[string]string{"old": old, "new": next, "client": added.Token} {
		if r := h.bearer(token); r.StatusCode != 200 {
			t.Error(name, r.Status, r.text)
		}
	}
	ws, answer := h.socket(old)
	if !answer.OK {
		t.Fatalf("%+v", answer)
	}
	clock.ahead(24 * time.Hour)
	h.lookSoon()
	if code := closeCode(ws); code != wire.CloseTokenChanged {
		t.Error("closed with", code)
	}
	h.refusedAs(old, wire.ReasonTokenGraceOver)
	clock.ahead(24 * time.Hour)
	h.refusedAs(added.Token, wire.ReasonTokenExpired)
	clock.ahead(-72 * time.Hour) // set back: what is over stays over
	if a, b := h.judge(t.Context(), old).standing, h.judge(t.Context(), added.Token).standing; a != auth.GraceOver || b != auth.Expired {
		t.Fatal(a, b)
	}
}

func TestATokenThatIsTooOldIsReplacedByItself(t *testing.T) {
	var clock shifted
	h := build(t, newLayout(t), freePort(t), "  token_rotation: {enabled: true, interval_days: 90, notify_before_days: 7, grace_hours: 24}\n", clock.deps)
	notices := h.bus.Subscribe(1000, event.KindNotice)
	defer notices.Close()
	h.run()
	until(t, "the token is known", func() bool { return !h.tokens.Load().Created().IsZero() })
	said := func(text string) {
		t.Helper()
		for limit := time.After(20 * time.Second); ; {
			select {
			case e := <-notices.C():
				if strings.Contains(e.Notice.Text, text) {
					return
				}
			case <-limit:
				t.Fatal("nobody said: ", text)
			}
		}
	}
	clock.ahead(84 * 24 * time.Hour)
	h.lookSoon()
	said("is then replaced")
	if h.storedToken() != h.token {
		t.Fatal("the token was replaced before its end")
	}
	clock.ahead(6 * 24 * time.Hour)
	h.lookSoon()
	said("the gateway token was replaced")
	next := h.storedToken()
	if next == h.token {
		t.Fatal("the token was not replaced")
	}
	for _, token := range []string{h.token, next} {
		if r := h.bearer(token); r.StatusCode != 200 {
			t.Error(r.Status, r.text)
		}
	}
	clock.ahead(24 * time.Hour)
	h.refusedAs(h.token, wire.ReasonTokenGraceOver)
	var o event.Overview
	if err := h.local().Call(t.Context(), wire.MethodOverview, nil, &o); err != nil {
		t.Fatal(err)
	}
	if o.Token == nil || o.Token.AgeDays != 1 || !o.Token.Owned || o.Token.Ends.Sub(o.Token.Created) != 90*24*time.Hour {
		t.Fatalf("%+v", o.Token)
	}
}

// A token that comes from the environment cannot be replaced by the gateway: with
// enforce it opens nothing new from its end on, and without it is only said.
func TestAnOldTokenThatTheGatewayDoesNotOwn(t *testing.T) {
	for name, enforce := range map[string]bool{"enforced": true, "said": false} {
		t.Run(name, func(t *testing.T) {
			lines := "  gateway_token: ${OC_TEST_TOKEN:-x}\n  token_rotation: {enabled: true, interval_days: 30, notify_before_days: 1, enforce: "
			if enforce {
				lines += "true}\n"
			} else {
				lines += "false}\n"
			}
			var clock shifted
			h := build(t, newLayout(t), freePort(t), lines, clock.deps).run()
			until(t, "the token is known", func() bool { return !h.tokens.Load().Created().IsZero() })
			end := h.tokenEnd()
			clock.ahead(end.Sub(clock.now()) - time.Minute)
			ws, answer := h.socket(h.token)
			if !answer.OK {
				t.Fatalf("a minute before its end: %+v", answer)
			}
			clock.ahead(time.Minute)
			if !enforce {
				if r := h.bearer(h.token); r.StatusCode != 200 {
					t.Fatal(r.Status, r.text)
				}
				return
			}
			h.refusedAs(h.token, wire.ReasonTokenExpired)
			h.lookSoon()
			if err := ws.WriteJSON(wire.Request{Type: "req", ID: "2", Method: "health"}); err != nil {
				t.Fatal(err)
			}
			var health wire.Response
			if err := ws.ReadJSON(&health); err != nil || !health.OK {
				t.Fatal("a socket that was open already was cut:", err)
			}
			err := h.local().Call(t.Context(), wire.MethodTokenRotate, nil, nil)
			if refusal := refusalOf(t, err); refusal.Code != wire.CodeUnavailable || refusal.Hint() == "" {
				t.Fatalf("%+v", refusal)
			}
		})
	}
}

// What cannot be stored or recorded changes nothing.
func TestARotationThatFailsChangesNothing(t *testing.T) {
	broken := errors.New("broken")
	for name, spoil := range map[string]func(h *house){
		"the store":  func(h *house) { h.deps.Secrets = &failing{h.memory, broken} },
		"the record": func(h *house) { h.breakAudit(broken) },
		"the disk": func(h *house) {
			// The gateway still writes there that it has seen its token.
			until(h.t, "the folder is gone", func() bool { return os.RemoveAll(h.layout.State()) == nil })
		},
	} {
		t.Run(name, func(t *testing.T) {
			h := start(t, "")
			spoil(h)
			if _, err := h.rotate(t.Context(), "local", 0); err == nil {
				t.Fatal("it says that it worked")
			}
			h.breakAudit(nil)
			if h.storedToken() != h.token {
				t.Fatal("the token was replaced")
			}
			if r := h.bearer(h.token); r.StatusCode != 200 {
				t.Fatal(r.Status, r.text)
			}
		})
	}
}

// failing is a store that takes nothing.
type failing struct {
	*memory
	err error
}

func (f *failing) Set(context.Context, string, keychain.Secret) error {
	return &keychain.Error{Op: "set secret", Kind: keychain.KindLocked, Err: f.err}
}

// A client that reads its token anew for each connection follows a rotation, also
// one without grace.
func TestAClientThatReadsTheStoreFollows(t *testing.T) {
	h := start(t, "")
	dial := func(ctx context.Context) (*client.Client, error) {
		return client.Dial(ctx, client.Options{URL: h.url(), Token: keychain.NewSecret([]byte(h.storedToken())), Name: "cli"})
	}
	first, err := dial(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	backend := client.NewBackend(first, dial)
	t.Cleanup(func() { _ = backend.Close() })
	if _, err := h.rotate(t.Context(), "local", 0); err != nil {
		t.Fatal(err)
	}
	select {
	case <-first.Done():
	case <-time.After(20 * time.Second):
		t.Fatal("the old connection lives")
	}
	if err := backend.Reconnect(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := backend.Overview(t.Context()); err != nil {
		t.Fatal(err)
	}
}
