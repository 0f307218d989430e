package gateway

import (
	"os"
	"slices"
	"strings"
	"testing"

	"openclaw/gateway/auth"
	"openclaw/gateway/client"
	"openclaw/gateway/wire"
	"openclaw/keychain"
)

func (h *house) addClient(name string, scopes ...string) string {
	h.t.Helper()
	var added wire.ClientAdded
	if err := h.local().Call(h.t.Context(), wire.MethodClientAdd, wire.ClientAddParams{Name: name, Scopes: scopes}, &added); err != nil {
		h.t.Fatal(err)
	}
	return added.Token
}

func granted(t *testing.T, answer *wire.Response) string {
	t.Helper()
	if !answer.OK {
		t.Fatalf("%+v", answer.Error)
	}
	return string(answer.Payload)
}

// GHSA-4jpw-hj22-2xmc, GHSA-rqpp-rjj8-7wv8: a token carries its own scopes, and
// nothing that its holder says of itself adds to them.
func TestGHSArqppAClientGetsNoMoreThanItsToken(t *testing.T) {
	h := start(t, "")
	reader, writer := h.addClient("reader", "operator.read"), h.addClient("writer", "operator.write")
	ws, answer := h.socket(reader, "operator.admin", "operator.write", "operator.read", "operator.pairing")
	if text := granted(t, answer); !strings.Contains(text, `"scopes":["operator.read"]`) {
		t.Fatal(text)
	}
	for _, method := range []string{wire.MethodSecretSet, wire.MethodConfigReload, wire.MethodTokenRotate, wire.MethodClientAdd, wire.MethodClientRevoke, wire.MethodGatewayStop} {
		if err := ws.WriteJSON(wire.Request{Type: "req", ID: "2", Method: method}); err != nil {
			t.Fatal(err)
		}
		var refused wire.Response
		if err := ws.ReadJSON(&refused); err != nil || refused.OK || refused.Error.Code != wire.CodeForbidden {
			t.Errorf("%s: %v %+v", method, err, refused.Error)
		}
	}
	if r := h.bearer(reader); r.StatusCode != 403 || !strings.Contains(r.text, "operator.write") {
		t.Error("a model call with a token that only reads:", r.Status, r.text)
	}
	if r := h.bearer(writer); r.StatusCode != 200 || r.text != "caller=" {
		t.Error(r.Status, r.text)
	}
	if _, answer := h.socket(writer, "operator.admin"); !strings.Contains(granted(t, answer), `"scopes":[]`) {
		t.Error("admin was granted")
	}
}

// The command line and the screen say no scopes: with a token of their own they may
// what it may, each of its scopes.
func TestAClientThatAsksForNothingMayWhatItsTokenMay(t *testing.T) {
	h := start(t, "")
	for _, scope := range auth.AllScopes() {
		token := h.addClient(strings.ReplaceAll(string(scope), ".", "-"), string(scope))
		c, err := h.dial(client.Options{URL: h.url(), Token: keychain.NewSecret([]byte(token)), Name: "cli", Version: "test"})
		if err != nil {
			t.Fatal(err)
		}
		if got := c.Hello().Auth.Scopes; !slices.Contains(got, string(scope)) {
			t.Errorf("a token of %s was granted %q", scope, got)
		}
	}
}

// A stolen token makes no token that outlives it.
func TestATokenMintsNoToken(t *testing.T) {
	h := start(t, "")
	params := wire.ClientAddParams{Name: "mole", Scopes: []string{"operator.admin"}}
	err := h.remote("operator.admin").Call(t.Context(), wire.MethodClientAdd, params, nil)
	if refusal := refusalOf(t, err); refusal.Code != wire.CodeForbidden {
		t.Fatalf("%+v", refusal)
	}
	for name, bad := range map[string]wire.ClientAddParams{
		"no name":      {Scopes: []string{"operator.read"}},
		"a path":       {Name: "../x", Scopes: []string{"operator.read"}},
		"the operator": {Name: operator, Scopes: []string{"operator.read"}},
		"no scope":     {Name: "x"},
		"root":         {Name: "x", Scopes: []string{"operator.root"}},
		"for ever ago": {Name: "x", Scopes: []string{"operator.read"}, For: "-1h"},
	} {
		if refusal := refusalOf(t, h.local().Call(t.Context(), wire.MethodClientAdd, bad, nil)); refusal.Code != wire.CodeInvalidRequest {
			t.Errorf("%s: %+v", name, refusal)
		}
	}
	if got := h.tokens.Load().Clients(); len(got) != 0 {
		t.Fatalf("%+v", got)
	}
}

// A revoked token that lies in the secret store goes with it; what somebody else keeps
// under such a name stays.
func TestARevokedTokenIsNotLeftInTheStore(t *testing.T) {
	h := start(t, "")
	admin := h.remote("operator.admin")
	for _, c := range []struct {
		client, stored, deleted string
	}{
		{"laptop", h.addClient("laptop", "operator.read"), "client/laptop"},
		{"phone", h.addClient("phone", "operator.read") + "x", ""},
		{"tablet", "", ""},
	} {
		name := "client/" + c.client
		if c.stored == "" {
			h.addClient(c.client, "operator.read")
		} else if err := h.local().Call(t.Context(), wire.MethodSecretSet, wire.SecretSetParams{Name: name, Value: []byte(c.stored)}, nil); err != nil {
			t.Fatal(err)
		}
		var done wire.ClientRevoked
		if err := admin.Call(t.Context(), wire.MethodClientRevoke, wire.ClientRevokeParams{Name: c.client}, &done); err != nil || done.Deleted != c.deleted {
			t.Errorf("%s: deleted %q, want %q: %v", c.client, done.Deleted, c.deleted, err)
		}
		_, err := h.memory.Get(t.Context(), name)
		if kept := err == nil; kept != (c.stored != "" && c.deleted == "") {
			t.Errorf("%s is kept: %v", name, kept)
		}
	}
	var deletes []string
	for _, e := range h.audited("secret_access") {
		if e.Action == "delete" {
			deletes = append(deletes, e.Target)
		}
	}
	if len(deletes) != 1 || deletes[0] != "client/laptop" {
		t.Errorf("on record as deleted: %q", deletes)
	}
}

func TestARevokedClientIsCutAndTheOthersAreNot(t *testing.T) {
	h := start(t, "")
	leaked, other := h.addClient("laptop", "operator.read"), h.addClient("phone", "operator.read")
	ws, answer := h.socket(leaked)
	stays, answer2 := h.socket(other, "operator.read")
	granted(t, answer)
	granted(t, answer2)
	admin := h.remote("operator.admin") // from elsewhere too: a token that leaked must go
	var list wire.ClientTokensResult
	if err := admin.Call(t.Context(), wire.MethodClientTokens, nil, &list); err != nil || len(list.Clients) != 2 || list.Clients[0].Name != "laptop" || list.Clients[0].Connected != 1 || list.Clients[0].State != "good" {
		t.Fatalf("%+v %v", list, err)
	}
	if err := admin.Call(t.Context(), wire.MethodClientRevoke, wire.ClientRevokeParams{Name: "laptop"}, nil); err != nil {
		t.Fatal(err)
	}
	if code := closeCode(ws); code != wire.CloseTokenChanged {
		t.Fatal("closed with", code)
	}
	h.refusedAs(leaked, wire.ReasonTokenRevoked)
	if err := stays.WriteJSON(wire.Request{Type: "req", ID: "2", Method: "status"}); err != nil {
		t.Fatal(err)
	}
	var status wire.Response
	if err := stays.ReadJSON(&status); err != nil || !status.OK {
		t.Fatal("the other client was cut too:", err)
	}
	if refusal := refusalOf(t, admin.Call(t.Context(), wire.MethodClientRevoke, wire.ClientRevokeParams{Name: "laptop"}, nil)); refusal.Code != wire.CodeNotFound {
		t.Fatalf("%+v", refusal)
	}
	found := false
	for _, e := range h.audited("authorization") {
		found = found || e.Action == "revoke client" && e.Target == "laptop"
	}
	if !found {
		t.Fatal("the revocation is on no record")
	}
	for _, e := range h.audited("authentication") {
		found = found && !strings.Contains(e.Reason+e.Action, leaked)
		if e.Reason == "token of laptop" {
			return
		}
	}
	t.Fatal("nobody knows how the client came in")
}

// A wrong token that is ours but for a slip says so, and is as wrong as any other.
func TestAMistypedTokenSaysSo(t *testing.T) {
	h := start(t, "")
	for name, token := range map[string]string{"cut short": h.token[:40], "a slip": h.token[:20] + "x" + h.token[21:]} {
		if token == h.token {
			token = h.token[:20] + "y" + h.token[21:]
		}
		if r := h.bearer(token); r.StatusCode != 401 || !strings.Contains(r.text, "mistyped") {
			t.Error(name, r.Status, r.text)
		}
		if _, answer := h.socket(token); answer.OK || answer.Error.Details["authReason"] != wire.ReasonTokenMismatch || !strings.Contains(answer.Error.Message, "mistyped") {
			t.Errorf("%s: %+v", name, answer)
		}
	}
}

// A file of tokens that cannot be read starts nothing: what was revoked would be
// forgotten.
func TestTokensThatCannotBeRead(t *testing.T) {
	for name, text := range map[string]string{"no JSON": "{", "a hash cut short": `{"former":[{"hash":"00","until":"2030-01-01T00:00:00Z"}]}`} {
		t.Run(name, func(t *testing.T) {
			h := build(t, newLayout(t), freePort(t), "", nil)
			if err := os.WriteFile(h.layout.Tokens(), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			if err := h.refusedStart(); err == nil || !strings.Contains(err.Error(), h.layout.Tokens()) {
				t.Fatal(err)
			}
		})
	}
}
