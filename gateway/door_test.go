package gateway

import (
	"encoding/json"
	"errors"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"openclaw/gateway/client"
	"openclaw/gateway/wire"
	"openclaw/keychain"
)

// ask sends one request with exactly these headers.
func (h *house) ask(t *testing.T, method, path string, header map[string]string) reply {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, "http://"+h.Address().String()+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range header {
		if name == "Host" {
			r.Host = value
			continue
		}
		r.Header.Set(name, value)
	}
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	response, err := transport.RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	answer := reply{Status: response.Status, StatusCode: response.StatusCode, Header: response.Header}
	if response.StatusCode == http.StatusSwitchingProtocols {
		return answer
	}
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	answer.text = string(body)
	return answer
}

// reply is an answer that was read whole.
type reply struct {
	Status     string
	StatusCode int
	Header     http.Header
	text       string
}

var upgradeHeaders = map[string]string{
	"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": "SaaLXzTs9b4XoSQb0B2yHg==",
}

func with(base map[string]string, more ...string) map[string]string {
	out := maps.Clone(base)
	for i := 0; i < len(more); i += 2 {
		out[more[i]] = more[i+1]
	}
	return out
}

func TestHealthNeedsNothingAndIsHardened(t *testing.T) {
	h := start(t, "")
	for _, path := range []string{"/health", "/healthz", "/"} {
		r := h.ask(t, "GET", path, nil)
		if r.StatusCode != 200 || r.text != `{"ok":true,"status":"live"}` {
			t.Fatal(path, r.Status)
		}
		if r.Header.Get("X-Content-Type-Options") != "nosniff" || r.Header.Get("Referrer-Policy") != "no-referrer" || r.Header.Get("Cache-Control") != "no-store" {
			t.Fatal(r.Header)
		}
		for name := range r.Header {
			if strings.HasPrefix(name, "Access-Control") || name == "Set-Cookie" {
				t.Fatal("CORS or a cookie:", name)
			}
		}
	}
	if r := h.ask(t, "GET", "/readyz", nil); r.StatusCode != 200 || !strings.Contains(r.text, `"ready":true`) {
		t.Fatal(r.Status)
	}
	// Some clients look whether there is anybody before their first call.
	for _, path := range []string{"/", "/health", "/readyz"} {
		if r := h.ask(t, "HEAD", path, nil); r.StatusCode != 200 || r.text != "" {
			t.Error("HEAD", path, r.Status, r.text)
		}
	}
	early := build(t, newLayout(t), freePort(t), "", nil) // it does not run yet
	w := httptest.NewRecorder()
	if !early.serveHealth(w, httptest.NewRequest(http.MethodGet, "/readyz", nil)) || w.Code != 503 || w.Body.String() != `{"ready":false,"failing":["starting"]}` {
		t.Errorf("before it is ready: %d %s", w.Code, w.Body)
	}
}

// The Host decides before anything else, so that a page which rebinds its own
// name to 127.0.0.1 gets nothing, over HTTP and WebSocket alike.
func TestDNSRebindingIsRefused(t *testing.T) {
	h := start(t, "  allowed_hosts: [box.example]\n")
	port := h.Address().String()[strings.LastIndex(h.Address().String(), ":"):]
	for host, want := range map[string]int{
		"127.0.0.1" + port: 200, "localhost" + port: 200, "box.example": 200,
		"evil.example": 421, "evil.example" + port: 421, "127.0.0.1": 421, "localhost.evil.example" + port: 421,
	} {
		if r := h.ask(t, "GET", "/health", map[string]string{"Host": host}); r.StatusCode != want {
			t.Errorf("GET with Host %s: %d, want %d", host, r.StatusCode, want)
		}
		wantSocket := want
		if want == 200 {
			wantSocket = 101
		}
		if r := h.ask(t, "GET", "/", with(upgradeHeaders, "Host", host)); r.StatusCode != wantSocket {
			t.Errorf("upgrade with Host %s: %d, want %d", host, r.StatusCode, wantSocket)
		}
	}
}

// Any web page can open a WebSocket to loopback; the Origin is refused before
// the upgrade, so no page ever gets to guess a token.
func TestClawJackedOriginIsRefusedBeforeTheUpgrade(t *testing.T) {
	h := start(t, "  allowed_origins: [\"https://panel.example\"]\n")
	ours := "http://" + h.Address().String()
	for origin, want := range map[string]int{
		ours: 101, "https://panel.example": 101,
		"https://evil.example": 403, "null": 403, "http://localhost:3000": 403, "http://evil.example" + ours[strings.LastIndex(ours, ":"):]: 403,
	} {
		r := h.ask(t, "GET", "/", with(upgradeHeaders, "Origin", origin))
		if r.StatusCode != want {
			t.Errorf("Origin %s: %d, want %d", origin, r.StatusCode, want)
		}
		if want == 403 {
			var body struct {
				Error struct{ Type, Message string }
			}
			if err := json.Unmarshal([]byte(r.text), &body); err != nil || body.Error.Type == "" || body.Error.Message == "" {
				t.Errorf("the refusal does not have the shape that clients read: %v", err)
			}
		}
	}
	if r := h.ask(t, "POST", "/v1/messages", map[string]string{"Origin": "https://evil.example", "X-Api-Key": h.token}); r.StatusCode != 403 {
		t.Error("a page reaches the provider with a token:", r.Status)
	}
	if r := h.ask(t, "GET", "/health", map[string]string{"Sec-Fetch-Site": "cross-site"}); r.StatusCode != 403 {
		t.Error("cross-site fetch:", r.Status)
	}
	if r := h.ask(t, "GET", "/health", map[string]string{"Sec-Fetch-Mode": "cors"}); r.StatusCode != 200 {
		t.Error("node's fetch:", r.Status)
	}
}

// A page of another site that says so itself gets nothing, wherever it knocks and
// whatever token it found. And no answer tells a browser that a page may read it or
// keep anything of it, also none to a page of ours or of an allowed origin.
func TestPagesAreToldNothing(t *testing.T) {
	h := start(t, "  allowed_origins: [\"https://panel.example\"]\n")
	for _, site := range []string{"cross-site", "same-site"} {
		for name, r := range map[string]reply{
			"a model call": h.ask(t, "POST", "/v1/messages", map[string]string{"Sec-Fetch-Site": site, "X-Api-Key": h.token}),
			"a socket":     h.ask(t, "GET", "/", with(upgradeHeaders, "Sec-Fetch-Site", site)),
			"a picture":    h.ask(t, "GET", "/v1/models", map[string]string{"Sec-Fetch-Site": site, "Sec-Fetch-Mode": "no-cors"}),
			"a preflight":  h.ask(t, "OPTIONS", "/v1/messages", map[string]string{"Sec-Fetch-Site": site}),
		} {
			if r.StatusCode != 403 {
				t.Errorf("%s of a %s page: %s", name, site, r.Status)
			}
		}
	}
	for _, origin := range []string{"", "http://" + h.Address().String(), "https://panel.example", "https://evil.example", "null"} {
		for name, knock := range map[string]struct {
			method, path string
			header       map[string]string
		}{
			"a preflight":        {"OPTIONS", "/v1/messages", map[string]string{"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "x-api-key"}},
			"a private network":  {"OPTIONS", "/", map[string]string{"Access-Control-Request-Method": "GET", "Access-Control-Request-Private-Network": "true"}},
			"a socket":           {"GET", "/", upgradeHeaders},
			"a model call":       {"POST", "/v1/messages", map[string]string{"X-Api-Key": h.token}},
			"a call of nobody":   {"POST", "/v1/messages", map[string]string{"Cookie": "token=" + h.token}},
			"a path of nothing":  {"GET", "/nothing", nil},
			"whether it is well": {"GET", "/health", nil},
		} {
			header := maps.Clone(knock.header)
			if header == nil {
				header = map[string]string{}
			}
			if origin != "" {
				header["Origin"] = origin
			}
			r := h.ask(t, knock.method, knock.path, header)
			for has := range r.Header {
				if strings.HasPrefix(has, "Access-Control-") || strings.HasPrefix(has, "Set-Cookie") {
					t.Errorf("%s from %q: %s and the header %s", name, origin, r.Status, has)
				}
			}
			if (name == "a preflight" || name == "a call of nobody") && r.StatusCode < 400 {
				t.Errorf("%s from %q: %s", name, origin, r.Status) // a cookie is no credential
			}
		}
	}
}

// CVE-2026-25253: a URL parameter decided where the token went.
func TestCVE202625253NoParameterAndNoTokenInTheAddress(t *testing.T) {
	h := start(t, "")
	for _, path := range []string{"/?gatewayUrl=ws://evil.example", "/?token=" + h.token} {
		if r := h.ask(t, "GET", path, upgradeHeaders); r.StatusCode != 400 {
			t.Error(path, r.Status)
		}
	}
	for _, address := range []string{"ws://10.1.2.3:18789", "ws://evil.example:18789", "http://127.0.0.1:1", "ws://u:p@127.0.0.1:1", "ws://127.0.0.1:1/?token=x"} {
		if _, err := h.dial(client.Options{URL: address, Token: keychain.NewSecret([]byte(h.token))}); err == nil || !strings.Contains(err.Error(), "gateway address") {
			t.Errorf("%s: %v", address, err)
		}
	}
}

// CVE-2026-25593: an unauthenticated local client applied a config.
func TestCVE202625593EveryMethodButHealthNeedsAuthentication(t *testing.T) {
	h := start(t, "")
	for name, token := range map[string]string{"none": "", "wrong": "ocg_wrong", "huge": strings.Repeat("x", 40<<10), "empty bearer": " "} {
		_, err := h.dial(client.Options{URL: h.url(), Token: keychain.NewSecret([]byte(token)), Name: "cli"})
		if failure, is := errors.AsType[*client.Error](err); !is || failure.Kind != client.KindRefused {
			t.Errorf("%s token: %v", name, err)
		}
	}
	reader := h.remote("operator.read")
	for _, method := range reader.Hello().Features.Methods {
		if !strings.HasPrefix(method, "openclaw.") || strings.HasSuffix(method, ".list") || strings.HasSuffix(method, ".show") ||
			method == wire.MethodOverview || method == wire.MethodSubscribe || method == wire.MethodConfigStatus || method == wire.MethodConfigTry || method == wire.MethodAuditSearch || method == wire.MethodAuditVerify || method == wire.MethodRunOutput {
			continue
		}
		if refusal := refusalOf(t, reader.Call(t.Context(), method, nil, nil)); refusal.Code != wire.CodeForbidden {
			t.Errorf("%s with operator.read: %+v", method, refusal)
		}
	}
}

// GHSA-4jpw-hj22-2xmc: a client declared itself operator.admin.
func TestGHSA4jpwScopesAreTheSmallerOfAskedAndGranted(t *testing.T) {
	h := start(t, "")
	if got := h.remote("operator.read", "operator.root").Hello().Auth.Scopes; len(got) != 1 || got[0] != "operator.read" {
		t.Fatal(got)
	}
	open := start(t, "  require_auth: false\n")
	c, err := open.dial(client.Options{URL: open.url(), Name: "cli"})
	if err != nil {
		t.Fatal(err)
	}
	if got := c.Hello().Auth.Scopes; len(got) != 1 || got[0] != "operator.read" { // it asked for all
		t.Fatalf("without a token %v was granted", got)
	}
	if refusal := refusalOf(t, c.Call(t.Context(), wire.MethodSecretSet, wire.SecretSetParams{Name: "x", Value: []byte("y")}, nil)); refusal.Code != wire.CodeForbidden {
		t.Fatal(refusal)
	}
}

// PR 62350: sockets outlived the token that let them in.
func TestRotatedTokenCutsItsSocketsAndIsRefusedAtOnce(t *testing.T) {
	h := start(t, "")
	old := h.remote("operator.read")
	local := h.local()
	next := "ocg_next-token"
	if err := local.Call(t.Context(), wire.MethodSecretSet, wire.SecretSetParams{Name: gatewayTokenName, Value: []byte(next)}, nil); err != nil {
		t.Fatal(err)
	}
	select {
	case <-old.Done():
	case <-time.After(20 * time.Second):
		t.Fatal("the socket of the old token lives")
	}
	if !strings.Contains(old.Err().Error(), "gateway auth changed") {
		t.Error(old.Err())
	}
	if r := h.ask(t, "POST", "/v1/messages", map[string]string{"Authorization": "Bearer " + h.token}); r.StatusCode != 401 {
		t.Error("the old bearer:", r.Status)
	}
	if r := h.ask(t, "POST", "/v1/messages", map[string]string{"Authorization": "Bearer " + next}); r.StatusCode != 200 {
		t.Error("the new bearer:", r.Status)
	}
	if local.Err() != nil {
		t.Error("the unix socket was cut too")
	}
}

func TestProviderRoutesAndWhoCalls(t *testing.T) {
	h := start(t, "")
	local := h.local()
	var run wire.RunStarted
	if err := local.Call(t.Context(), wire.MethodRunStart, wire.RunStartParams{Agent: "coder", PID: os.Getpid()}, &run); err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		path   string
		header map[string]string
		status int
		body   string
	}{
		"gateway bearer":          {"/v1/messages", map[string]string{"Authorization": "Bearer " + h.token}, 200, "caller="},
		"agent bearer":            {"/v1/messages?beta=true", map[string]string{"Authorization": "Bearer " + run.Token}, 200, "caller=coder"},
		"agent x-api-key":         {"/v1/chat/completions", map[string]string{"X-Api-Key": run.Token}, 200, "caller=coder"},
		"agent x-goog-api-key":    {"/v1beta/models/x", map[string]string{"X-Goog-Api-Key": run.Token}, 200, "caller=coder"},
		"agent api-key":           {"/p/azure/x", map[string]string{"Api-Key": run.Token}, 200, "caller=coder"},
		"agent in the query":      {"/v1beta/models/x?key=" + run.Token, nil, 200, "caller=coder"},
		"nothing, for Gemini":     {"/v1beta/models/x", nil, 401, `{"error":{"code":401,"message":"no token: give the gateway's, or an agent's from 'openclaw agent run'","status":"UNAUTHENTICATED"}}`},
		"own key beside ours":     {"/v1/messages", map[string]string{"X-Api-Key": "sk-ant-own", "Authorization": "Bearer " + run.Token}, 200, "caller=coder"},
		"nothing":                 {"/v1/messages", nil, 401, "no token"},
		"wrong":                   {"/v1/messages", map[string]string{"X-Api-Key": "wrong"}, 401, "wrong token"},
		"agent elsewhere":         {"/tools/invoke", map[string]string{"Authorization": "Bearer " + run.Token}, 403, "providers"},
		"nothing there":           {"/tools/invoke", map[string]string{"Authorization": "Bearer " + h.token}, 404, ""},
		"path that climbs":        {"/health/../v1/messages", nil, 404, ""},
		"path that leaves":        {"/v1/%2e%2e/admin", map[string]string{"X-Api-Key": run.Token}, 400, "climbs"},
		"upgrade elsewhere":       {"/ws", upgradeHeaders, 404, ""},
		"dead agent":              {"/v1/messages", map[string]string{"X-Api-Key": "oca_" + strings.Repeat("0", 49)}, 401, "wrong token"},
		"provider without caller": {"/v1/models", map[string]string{"Authorization": "Basic " + h.token}, 401, "no token"},
	} {
		t.Run(name, func(t *testing.T) {
			r := h.ask(t, "POST", test.path, test.header)
			if body := r.text; r.StatusCode != test.status || !strings.Contains(body, test.body) {
				t.Fatalf("%d %s", r.StatusCode, body)
			}
		})
	}
	_, err := h.dial(client.Options{URL: h.url(), Token: keychain.NewSecret([]byte(run.Token)), Name: "cli"})
	if err == nil || !strings.Contains(err.Error(), "providers' routes only") {
		t.Fatalf("an agent's token on the WebSocket: %v", err)
	}
	if err := local.Call(t.Context(), wire.MethodRunEnd, wire.RunEndParams{Run: run.Run, Exit: "exit 0"}, nil); err != nil {
		t.Fatal(err)
	}
	if r := h.ask(t, "POST", "/v1/messages", map[string]string{"X-Api-Key": run.Token}); r.StatusCode != 401 || !strings.Contains(r.text, "run has ended") {
		t.Fatal("the token outlives its run:", r.Status)
	}
}

// With require_auth off a dead token must not become "no token needed".
func TestDeadAgentTokenIsRefusedEvenWithoutAuthentication(t *testing.T) {
	h := start(t, "  require_auth: false\n")
	token := h.agents.Mint("coder", "r")
	h.agents.Revoke("r")
	if r := h.ask(t, "POST", "/v1/messages", map[string]string{"X-Api-Key": token}); r.StatusCode != 401 {
		t.Fatal(r.Status)
	}
	// Nor may a caged agent get the operator's rights by keeping its token back.
	for name, header := range map[string]map[string]string{"none": nil, "one of nobody": {"X-Api-Key": "sk-ant-own"}} {
		if r := h.ask(t, "POST", "/v1/messages", header); r.StatusCode != 401 || !strings.Contains(r.text, "where the config has agents") {
			t.Fatal("credential:", name, r.Status)
		}
	}
	h.writeConfig("  require_auth: false\n", "")
	if r := h.ask(t, "POST", "/v1/messages", nil); r.StatusCode != 200 {
		t.Fatal("without agents:", r.Status)
	}
	if r := h.ask(t, "POST", "/v1/messages", map[string]string{"X-Api-Key": token}); r.StatusCode != 401 || !strings.Contains(r.text, "run has ended") {
		t.Fatal("an agent whose run has ended is the operator:", r.Status, r.text)
	}
}

func TestCompressionIsDeclined(t *testing.T) {
	h := start(t, "")
	r := h.ask(t, "GET", "/", with(upgradeHeaders, "Sec-WebSocket-Extensions", "permessage-deflate; client_max_window_bits"))
	if r.StatusCode != 101 || r.Header.Get("Sec-WebSocket-Extensions") != "" {
		t.Fatal(r.Status, r.Header)
	}
}

// The published client's own frame, as it was captured, with the fields of a
// newer version.
func TestCapturedConnectFrameIsAccepted(t *testing.T) {
	h := start(t, "")
	ws, response, err := websocket.DefaultDialer.Dial(h.url(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = ws.Close() }()
	response.Body.Close()
	if _, _, err := ws.ReadMessage(); err != nil {
		t.Fatal(err)
	}
	frame := `{"type":"req","id":"1:6daa66d5-ba5e-4653-ba57-abb1dc7d478e","method":"connect","params":{"minProtocol":4,"maxProtocol":4,"client":{"id":"cli","version":"2026.9.6","platform":"linux","deviceFamily":"Linux","mode":"cli","instanceId":"25c50915-655e-4199-9671-c987720c3198"},"caps":[],"auth":{"password":"` + h.token + `"},"role":"operator","scopes":["operator.read"],"locale":"en","workerRuns":[]}}`
	if err := ws.WriteMessage(websocket.TextMessage, []byte(frame)); err != nil {
		t.Fatal(err)
	}
	_, answer, err := ws.ReadMessage()
	if err != nil || !strings.Contains(string(answer), `"type":"hello-ok"`) || strings.Contains(string(answer), h.layout.Root) {
		t.Fatalf("%v %s", err, answer)
	}
	if !strings.Contains(string(answer), `"chat.send"`) || strings.Contains(string(answer), `"chat.inject"`) {
		t.Fatal("the hello does not advertise what is there, and that alone")
	}
}
