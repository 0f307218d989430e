package gateway

import (
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"reflect"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"openclaw/gateway/auth"
	"openclaw/gateway/wire"
)

// asks sends a connect and returns what answers it, as a client reads it.
func (s *rawSocket) asks(connect wire.Connect) (ok bool, payload, failure any) {
	s.t.Helper()
	params, err := json.Marshal(connect)
	if err != nil {
		s.t.Fatal(err)
	}
	s.write(rawFrame{opcode: opText, payload: `{"type":"req","id":"1:a","method":"connect","params":` + string(params) + `}`})
	var answer struct {
		Type, ID       string
		OK             bool
		Payload, Error any
	}
	if f := s.next(); json.Unmarshal([]byte(f.payload), &answer) != nil || answer.Type != "res" || answer.ID != "1:a" {
		s.t.Fatalf("no answer: %q", f.payload)
	}
	return answer.OK, answer.Payload, answer.Error
}

// goodbye is the close frame that must come next.
func (s *rawSocket) goodbye() (code int, reason string) {
	s.t.Helper()
	f := s.next()
	if f.opcode != opClose || len(f.payload) < 2 {
		s.t.Fatalf("no close frame: %+v", f)
	}
	return int(binary.BigEndian.Uint16([]byte(f.payload))), f.payload[2:]
}

// decoded is JSON as any client reads it.
func decoded(t *testing.T, text string) (value any) {
	t.Helper()
	if err := json.Unmarshal([]byte(text), &value); err != nil {
		t.Fatal(err, text)
	}
	return value
}

// device proves itself for a nonce.
func device(t *testing.T, connect wire.Connect, nonce string, at time.Time) wire.Connect {
	t.Helper()
	public, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	id := sha256.Sum256(public)
	connect.Device = &wire.Device{ID: hex.EncodeToString(id[:]), PublicKey: base64.RawURLEncoding.EncodeToString(public), SignedAt: at.UnixMilli(), Nonce: nonce}
	connect.Device.Signature = base64.RawURLEncoding.EncodeToString(ed25519.Sign(private, []byte(auth.DeviceText("v3", connect))))
	return connect
}

// A connect that is refused is answered in the existing clients' own words, to the
// letter: they choose their advice, and whether to come again, by the codes.
func TestRefusedConnectsAreToldInTheProtocolsWords(t *testing.T) {
	h := build(t, newLayout(t), freePort(t), "", nil)
	h.guard = auth.NewGuard(nil, func(context.Context, time.Duration) error { return nil }) // its delays have a test of their own
	h.run()
	agents := h.agents.Mint("coder", "run")
	client := wire.Connect{
		MinProtocol: 4, MaxProtocol: 4, Client: wire.ClientInfo{ID: "cli", Version: "2026.9.6", Platform: "linux", Mode: "cli"},
		Role: "operator", Scopes: []string{"operator.read"}, Auth: wire.Credentials{Token: h.token},
	}
	const mismatch = `{"code":"INVALID_REQUEST","message":"unauthorized: gateway token mismatch (use this gateway's token)",
		"details":{"code":"AUTH_TOKEN_MISMATCH","authReason":"token_mismatch","canRetryWithDeviceToken":false,"recommendedNextStep":"update_auth_credentials"}}`
	notAccepted := func(code string) string {
		return `{"code":"INVALID_REQUEST","message":"device identity not accepted","details":{"code":"` + code + `"}}`
	}
	protocol := func(lowest, highest string) string {
		return `{"code":"INVALID_REQUEST","message":"protocol mismatch","details":{"code":"PROTOCOL_MISMATCH","clientMinProtocol":` + lowest + `,"clientMaxProtocol":` + highest + `,"expectedProtocol":4,"minimumProbeProtocol":3}}`
	}
	for name, row := range map[string]struct {
		change func(c *wire.Connect, nonce string)
		close  int
		want   string
	}{
		"a wrong token":    {func(c *wire.Connect, _ string) { c.Auth.Token = "wrong" }, 1008, mismatch},
		"a wrong password": {func(c *wire.Connect, _ string) { c.Auth = wire.Credentials{Password: "wrong"} }, 1008, mismatch},
		"a token of a device": {func(c *wire.Connect, _ string) { c.Auth = wire.Credentials{DeviceToken: h.token} }, 1008,
			`{"code":"NOT_PAIRED","message":"device identity required","details":{"code":"DEVICE_IDENTITY_REQUIRED"}}`},
		"no token": {func(c *wire.Connect, _ string) { c.Auth = wire.Credentials{} }, 1008,
			`{"code":"NOT_PAIRED","message":"device identity required","details":{"code":"DEVICE_IDENTITY_REQUIRED"}}`},
		"a device without a token": {func(c *wire.Connect, nonce string) {
			c.Auth = wire.Credentials{}
			*c = device(t, *c, nonce, time.Now())
		}, 1008,
			`{"code":"INVALID_REQUEST","message":"unauthorized: gateway token missing","details":{"code":"AUTH_TOKEN_MISSING","recommendedNextStep":"update_auth_credentials"}}`},
		"a signature of other scopes": {func(c *wire.Connect, nonce string) {
			*c = device(t, *c, nonce, time.Now())
			c.Scopes = []string{"operator.admin"}
		}, 1008, notAccepted("DEVICE_AUTH_SIGNATURE_INVALID")},
		"a signature for another socket": {func(c *wire.Connect, _ string) { *c = device(t, *c, "another", time.Now()) }, 1008, notAccepted("DEVICE_AUTH_NONCE_MISMATCH")},
		"an old signature":               {func(c *wire.Connect, nonce string) { *c = device(t, *c, nonce, time.Now().Add(-time.Hour)) }, 1008, notAccepted("DEVICE_AUTH_SIGNATURE_EXPIRED")},
		"a key of another": {func(c *wire.Connect, nonce string) {
			*c = device(t, *c, nonce, time.Now())
			c.Device.ID = hex.EncodeToString(make([]byte, 32))
		}, 1008, notAccepted("DEVICE_AUTH_DEVICE_ID_MISMATCH")},
		"an agent's token": {func(c *wire.Connect, _ string) { c.Auth.Token = agents }, 1008,
			`{"code":"INVALID_REQUEST","message":"unauthorized: an agent's token opens the providers' routes only","details":{"code":"AUTH_UNAUTHORIZED"}}`},
		"protocols of before": {func(c *wire.Connect, _ string) { c.MinProtocol, c.MaxProtocol = 1, 3 }, 1002, protocol("1", "3")},
		"protocols to come":   {func(c *wire.Connect, _ string) { c.MinProtocol, c.MaxProtocol = 5, 6 }, 1002, protocol("5", "6")},
		"a node":              {func(c *wire.Connect, _ string) { c.Role = "node" }, 1008, `{"code":"INVALID_REQUEST","message":"this gateway has no role node"}`},
	} {
		t.Run(name, func(t *testing.T) {
			s, nonce := h.rawChallenge("")
			s.t = t
			connect := client
			row.change(&connect, nonce)
			ok, _, failure := s.asks(connect)
			want, _ := decoded(t, row.want).(map[string]any)
			if ok || !reflect.DeepEqual(failure, any(want)) {
				t.Errorf("told %v, want %v", failure, want)
			}
			if code, reason := s.goodbye(); code != row.close || reason != want["message"] {
				t.Errorf("closed with %d %q", code, reason)
			}
		})
	}

	s, _ := h.rawChallenge("")
	s.write(rawFrame{opcode: opText, payload: `{"type":"req","id":"1","method":"health"}`})
	if code, reason := s.goodbye(); code != 1008 || reason != "invalid handshake: first request must be connect" {
		t.Errorf("before the connect: %d %q", code, reason)
	}

	// Who guessed too often is told when to come back; the right token is let in meanwhile.
	limited := map[string]any{}
	for i := 0; limited["code"] == nil; i++ {
		if i == 50 {
			t.Fatal("fifty guesses, and nobody says wait")
		}
		s, _ := h.rawChallenge("")
		guess := client
		guess.Auth.Token = "guess-" + string(rune('A'+i))
		_, _, failure := s.asks(guess)
		if failure, _ := failure.(map[string]any); failure["message"] == "unauthorized: too many wrong tokens" {
			limited = failure
		}
	}
	wait, _ := limited["retryAfterMs"].(float64)
	if !reflect.DeepEqual(limited["details"], decoded(t, `{"code":"AUTH_RATE_LIMITED","recommendedNextStep":"wait_then_retry"}`)) || limited["code"] != "INVALID_REQUEST" || limited["retryable"] != true || wait < 1 || wait > 60_000 {
		t.Errorf("a guesser is told %v", limited)
	}
	for name, change := range map[string]func(*wire.Connect, string){
		"the right token":         func(*wire.Connect, string) {},
		"the right password":      func(c *wire.Connect, _ string) { c.Auth = wire.Credentials{Password: h.token} },
		"a device with the token": func(c *wire.Connect, nonce string) { *c = device(t, *c, nonce, time.Now()) },
		"a wider protocol":        func(c *wire.Connect, _ string) { c.MinProtocol, c.MaxProtocol = 3, 5 },
	} {
		s, nonce := h.rawChallenge("")
		connect := client
		change(&connect, nonce)
		if ok, _, failure := s.asks(connect); !ok {
			t.Errorf("%s: %v", name, failure)
		}
	}
}

// A gateway that has no token yet says so, and not that the token is wrong.
func TestAGatewayWithoutATokenSaysSo(t *testing.T) {
	h := build(t, newLayout(t), freePort(t), "", nil)
	delete(h.memory.values, gatewayTokenName)
	h.run()
	s, _ := h.rawChallenge("")
	ok, _, failure := s.asks(wire.Connect{MinProtocol: 4, MaxProtocol: 4, Client: wire.ClientInfo{ID: "cli", Mode: "cli"}, Role: "operator", Auth: wire.Credentials{Token: h.token}})
	want, _ := decoded(t, `{"code":"INVALID_REQUEST","message":"unauthorized: this gateway has no token yet","details":{"code":"AUTH_TOKEN_NOT_CONFIGURED",
		"hint":"unlock the secret store, or use the gateway's unix socket ('openclaw tui' on its machine)"}}`).(map[string]any)
	if ok || !reflect.DeepEqual(failure, any(want)) {
		t.Errorf("told %v", failure)
	}
	if code, reason := s.goodbye(); code != 1008 || reason != want["message"] {
		t.Errorf("closed with %d %q", code, reason)
	}
}

// A probe is shown that the gateway is there, by a challenge that it can sign, and
// gets no right by it.
func TestAProbeMayAskForHealthAndNothingElse(t *testing.T) {
	h := start(t, "")
	ws, _, err := websocket.DefaultDialer.Dial(h.url(), nil) //nolint:bodyclose // gorilla's is empty
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = ws.Close() }()
	var first map[string]any
	if err := ws.ReadJSON(&first); err != nil {
		t.Fatal(err)
	}
	challenge, _ := first["payload"].(map[string]any)
	nonce, _ := challenge["nonce"].(string)
	at, _ := challenge["ts"].(float64)
	if _, numbered := first["seq"]; numbered || first["type"] != "event" || first["event"] != "connect.challenge" || len(nonce) < 16 || time.Since(time.UnixMilli(int64(at))).Abs() > time.Hour {
		t.Errorf("the gateway's first word is %v", first)
	}
	s, other := h.rawChallenge("")
	if other == nonce {
		t.Error("two sockets have one nonce")
	}
	ok, payload, failure := s.asks(wire.Connect{
		MinProtocol: 3, MaxProtocol: 4, Client: wire.ClientInfo{ID: "cli", Version: "dev", Platform: "linux", Mode: "probe"}, Role: "operator",
		Scopes: []string{"operator.read", "operator.admin"}, Auth: wire.Credentials{Token: h.token},
	})
	if !ok {
		t.Fatal(failure)
	}
	hello, _ := payload.(map[string]any)
	if granted, _ := hello["auth"].(map[string]any); !reflect.DeepEqual(granted["scopes"], []any{}) {
		t.Errorf("a probe gets %v", granted)
	}
	for method, want := range map[string]string{
		"health":             "",
		"status":             `{"code":"MISSING_SCOPE","missingScope":"operator.read","requiredScopes":["operator.read"]}`,
		"openclaw.bans.lift": `{"code":"MISSING_SCOPE","missingScope":"operator.admin","requiredScopes":["operator.admin"]}`,
	} {
		s.write(rawFrame{opcode: opText, payload: `{"type":"req","id":"2","method":"` + method + `"}`})
		var answer struct {
			OK    bool
			Error struct {
				Code    string
				Details any
			}
		}
		if f := s.next(); json.Unmarshal([]byte(f.payload), &answer) != nil || answer.OK != (want == "") {
			t.Fatalf("%s: %q", method, f.payload)
		}
		if want != "" && (answer.Error.Code != "FORBIDDEN" || !reflect.DeepEqual(answer.Error.Details, decoded(t, want))) {
			t.Errorf("%s: %+v", method, answer.Error)
		}
	}
}
