package gateway

import (
	"bufio"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"openclaw/gateway/auth"
	"openclaw/gateway/provider"
	"openclaw/gateway/wire"
	"openclaw/keychain"
)

// The published flaws of this kind of product, and where each is held:
//
//	CVE-2026-25253   TestCVE202625253NoParameterAndNoTokenInTheAddress
//	ClawJacked       TestClawJackedOriginIsRefusedBeforeTheUpgrade, TestClawJackedAPagePairsNothing
//	CVE-2026-25593   TestCVE202625593EveryMethodButHealthNeedsAuthentication
//	GHSA-4jpw        TestGHSA4jpwScopesAreTheSmallerOfAskedAndGranted
//	GHSA-rqpp        TestGHSArqppAClientGetsNoMoreThanItsToken, TestATokenMintsNoToken
//	GHSA-m8wm        TestGHSAm8wmRotationNowCutsSocketsAndCalls, TestRotatedTokenCutsItsSocketsAndIsRefusedAtOnce
//	CVE-2026-26322   TestCVE202626322AnAgentChoosesNoTarget
//	GHSA-943q        TestGHSA943qWhatIsNotAllowedIsDenied
//	CVE-2026-28363   cmd/openclaw/testdata/script/agent_options.txtar

// A device that proves its key is a device that proves its key: without a token
// nothing is paired, with or without a browser's Origin.
func TestClawJackedAPagePairsNothing(t *testing.T) {
	h := start(t, "")
	for name, origin := range map[string]string{"a program": "", "a page of ours": "http://" + h.Address().String()} {
		public, private, err := ed25519.GenerateKey(rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		var more strings.Builder
		if origin != "" {
			fmt.Fprintf(&more, "Origin: %s\r\n", origin)
		}
		s, nonce := h.rawChallenge(more.String())
		id := sha256.Sum256(public)
		connect := wire.Connect{
			MinProtocol: 4, MaxProtocol: 4, Client: wire.ClientInfo{ID: "cli", Mode: "ui", Platform: "linux"}, Role: "operator", Scopes: []string{"operator.admin"},
			Device: &wire.Device{ID: hex.EncodeToString(id[:]), PublicKey: base64.RawURLEncoding.EncodeToString(public), SignedAt: time.Now().UnixMilli(), Nonce: nonce},
		}
		connect.Device.Signature = base64.RawURLEncoding.EncodeToString(ed25519.Sign(private, []byte(auth.DeviceText("v3", connect))))
		answer := s.connect(connect)
		if answer.OK || answer.Error.Details["code"] != wire.DetailTokenMissing {
			t.Errorf("%s without a token: %+v", name, answer)
		}
		s, nonce = h.rawChallenge(more.String())
		connect.Auth.Token, connect.Device.Nonce = h.token, nonce
		connect.Device.Signature = base64.RawURLEncoding.EncodeToString(ed25519.Sign(private, []byte(auth.DeviceText("v3", connect))))
		answer = s.connect(connect)
		var hello wire.Hello
		if !answer.OK || json.Unmarshal(answer.Payload, &hello) != nil {
			t.Fatalf("%s with the token: %+v", name, answer)
		}
		if browser := origin != ""; browser != (len(hello.Auth.Scopes) == 0) {
			t.Errorf("%s with the token got %v", name, hello.Auth.Scopes)
		}
	}
}

// rawChallenge upgrades with more header lines and returns the nonce.
func (h *house) rawChallenge(more string) (*rawSocket, string) {
	h.t.Helper()
	conn, err := net.Dial("tcp", h.Address().String())
	if err != nil {
		h.t.Fatal(err)
	}
	h.t.Cleanup(func() { conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(30 * time.Second))
	s := &rawSocket{t: h.t, conn: conn, in: bufio.NewReader(conn)}
	fmt.Fprintf(conn, "GET / HTTP/1.1\r\nHost: %s\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n%s\r\n", h.Address(), more)
	answer, err := http.ReadResponse(s.in, nil)
	if err != nil {
		h.t.Fatal(err)
	}
	answer.Body.Close()
	f, err := s.read()
	if err != nil {
		h.t.Fatal(answer.Status, err)
	}
	var challenge struct{ Payload wire.Challenge }
	if err := json.Unmarshal([]byte(f.payload), &challenge); err != nil {
		h.t.Fatal(err)
	}
	return s, challenge.Payload.Nonce
}

func (s *rawSocket) connect(params wire.Connect) wire.Response {
	s.t.Helper()
	// The type prints its credentials as bullets and encodes them as they are.
	body, err := json.Marshal(params)
	if err != nil {
		s.t.Fatal(err)
	}
	s.write(rawFrame{opcode: opText, payload: `{"type":"req","id":"c","method":"connect","params":` + string(body) + `}`})
	f := s.next()
	var answer wire.Response
	if err := json.Unmarshal([]byte(f.payload), &answer); err != nil {
		s.t.Fatal(f, err)
	}
	return answer
}

// CVE-2026-26322: a tool call named the gateway that it wanted to be connected to.
// Whatever an agent writes into a request, it reaches the provider of the config.
func TestCVE202626322AnAgentChoosesNoTarget(t *testing.T) {
	var strayed, arrived atomic.Int64
	evil := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { strayed.Add(1) }))
	t.Cleanup(evil.Close)
	right := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		arrived.Add(1)
		_, _ = io.Copy(io.Discard, r.Body)
		w.Header().Set("Location", evil.URL+"/followed") // a provider that sends it elsewhere
		w.WriteHeader(http.StatusTemporaryRedirect)
	}))
	t.Cleanup(right.Close)
	h := build(t, newLayout(t), freePort(t), "", func(d *Deps) {
		d.Provider = provider.New(provider.Options{
			Providers: func() map[string]provider.Target {
				return map[string]provider.Target{"anthropic": {Kind: "anthropic", BaseURL: right.URL}}
			},
			Secret: func(context.Context, string) (keychain.Secret, error) {
				return keychain.NewSecret([]byte("sk-the-real-key")), nil
			},
		})
	}).run()
	run := startRun(t, h.local(), "coder")
	elsewhere := strings.TrimPrefix(evil.URL, "http://")
	for name, request := range map[string]string{
		"absolute URL":     "POST http://" + elsewhere + "/v1/messages HTTP/1.1\r\nHost: " + elsewhere,
		"absolute, ours":   "POST http://" + elsewhere + "/v1/messages HTTP/1.1\r\nHost: HERE",
		"CONNECT":          "CONNECT " + elsewhere + " HTTP/1.1\r\nHost: " + elsewhere,
		"CONNECT by ours":  "CONNECT " + elsewhere + " HTTP/1.1\r\nHost: HERE",
		"Host":             "POST /v1/messages HTTP/1.1\r\nHost: " + elsewhere,
		"forwarded":        "POST /v1/messages HTTP/1.1\r\nHost: HERE\r\nX-Forwarded-Host: " + elsewhere + "\r\nForwarded: host=" + elsewhere + "\r\nX-Original-URL: " + evil.URL,
		"query":            "POST /v1/messages?gatewayUrl=" + evil.URL + "&base_url=" + evil.URL + "&url=" + evil.URL + " HTTP/1.1\r\nHost: HERE",
		"provider by name": "POST /p/" + elsewhere + "/v1/messages HTTP/1.1\r\nHost: HERE",
		"provider by URL":  "POST /p/http:%2f%2f" + elsewhere + "%2fv1/messages HTTP/1.1\r\nHost: HERE",
		"two slashes":      "POST //" + elsewhere + "/v1/messages HTTP/1.1\r\nHost: HERE",
		"user of a host":   "POST /v1/messages@" + elsewhere + "/ HTTP/1.1\r\nHost: HERE",
		"upwards":          "POST /p/anthropic/v1/../../../" + elsewhere + " HTTP/1.1\r\nHost: HERE",
		"header":           "POST /v1/messages HTTP/1.1\r\nHost: HERE\r\nX-Base-Url: " + evil.URL + "\r\nX-Gateway-Url: " + evil.URL,
		"a plain one":      "POST /v1/messages HTTP/1.1\r\nHost: HERE",
	} {
		body := `{"model":"m","gatewayUrl":"` + evil.URL + `","base_url":"` + evil.URL + `"}`
		conn, err := net.Dial("tcp", h.Address().String())
		if err != nil {
			t.Fatal(err)
		}
		_ = conn.SetDeadline(time.Now().Add(20 * time.Second))
		fmt.Fprintf(conn, "%s\r\nX-Api-Key: %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s",
			strings.ReplaceAll(request, "HERE", h.Address().String()), run.Token, len(body), body)
		answer, err := io.ReadAll(conn)
		conn.Close()
		if err != nil || len(answer) == 0 {
			t.Errorf("%s: no answer: %v", name, err)
		}
		if strayed.Load() != 0 {
			t.Fatalf("%s: the gateway was led elsewhere", name)
		}
	}
	if arrived.Load() == 0 {
		t.Fatal("no request reached the provider: the test shows nothing")
	}
}

// GHSA-943q-mwmv-hhvh: an endpoint allowed what nobody had allowed. Here every
// method has a scope, and what has no row in the table and no route is refused,
// whoever asks.
func TestGHSA943qWhatIsNotAllowedIsDenied(t *testing.T) {
	h := start(t, "")
	run := startRun(t, h.local(), "coder")
	for _, path := range []string{"/tools/invoke", "/tools", "/api/tools/invoke", "/hooks/agent", "/api/v1/sessions", "/sessions", "/exec", "/rpc", "/mcp", "/metrics", "/debug/pprof/", "/v2/messages", "/.openclaw/config.yaml"} {
		for who, token := range map[string]string{"nobody": "", "the operator": h.token, "an agent": run.Token} {
			for _, method := range []string{"GET", "POST"} {
				r := h.ask(t, method, path, map[string]string{"Authorization": "Bearer " + token, "Content-Type": "application/json"})
				if r.StatusCode != 404 && r.StatusCode != 403 {
					t.Errorf("%s %s by %s: %s", method, path, who, r.Status)
				}
			}
		}
	}
	var open []string
	for _, m := range h.methods() {
		if m.Scope == "" {
			open = append(open, m.Name)
		}
	}
	if !slices.Equal(open, []string{"health"}) {
		t.Errorf("methods without a scope: %v", open)
	}
	admin := h.remote("operator.admin")
	for _, method := range []string{"tools.invoke", "sessions.spawn", "exec.run", "node.invoke", "config.apply", "config.set", "wizard.start", "web.login.start", "update.run", "cron.add", "OPENCLAW.OVERVIEW"} {
		if refusal := refusalOf(t, admin.Call(t.Context(), method, map[string]any{"command": "id"}, nil)); refusal.Code != wire.CodeInvalidRequest || !strings.Contains(refusal.Message, "unknown method") {
			t.Errorf("%s: %+v", method, refusal)
		}
	}
	_, answer := h.socket(run.Token)
	if answer.OK {
		t.Error("an agent's token opened a socket")
	}
}
