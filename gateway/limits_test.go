package gateway

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"openclaw/configs"
	"openclaw/gateway/client"
	"openclaw/gateway/event"
	"openclaw/gateway/limit"
	"openclaw/gateway/wire"
	"openclaw/keychain"
)

func TestRightTokenIsNotDelayedByWrongOnes(t *testing.T) {
	h := start(t, "")
	for i := range 3 {
		go func() { // each waits in the guard meanwhile
			c, err := client.Dial(context.WithoutCancel(t.Context()), client.Options{URL: h.url(), Token: keychain.NewSecret([]byte{'w', byte('0' + i)}), Name: "cli"})
			if err == nil {
				_ = c.Close()
			}
		}()
	}
	until(t, "a wrong token arrives", func() bool { return h.guard.Total() > 0 })
	for range 20 {
		c := h.remote("operator.read")
		if err := c.Call(t.Context(), "health", nil, nil); err != nil {
			t.Fatal(err)
		}
	}
	until(t, "the wrong ones are answered", func() bool { return len(h.audited("authentication")) >= 20+3 })
}

func TestRequestsPastTheRateAreToldWhenToComeBack(t *testing.T) {
	h := start(t, "  rate_limiting:\n    enabled: true\n    max_requests_per_minute: 3\n    max_connections_per_ip: 10\n")
	for range 3 {
		if r := h.ask(t, "POST", "/v1/messages", map[string]string{"X-Api-Key": h.token}); r.StatusCode != 200 {
			t.Fatal(r.Status)
		}
	}
	r := h.ask(t, "POST", "/v1/messages", map[string]string{"X-Api-Key": h.token})
	if r.StatusCode != 429 || r.Header.Get("Retry-After") == "" || !strings.Contains(r.text, "rate_limit_error") {
		t.Fatal(r.Status, r.Header)
	}
	if err := h.local().Call(t.Context(), "health", nil, nil); err != nil {
		t.Fatal("the unix socket is limited too:", err)
	}
	if err := h.remote().Call(t.Context(), "health", nil, nil); err != nil {
		t.Fatal("the owner is shut out of the port:", err)
	}
}

// A client that asks without end over its socket is told when to come back, keeps its
// socket, and takes nothing from another client or from the owner's own socket.
func TestSocketRequestsPastTheRateAreToldWhenToComeBack(t *testing.T) {
	h := start(t, "  rate_limiting: {enabled: true, max_requests_per_minute: 1}\n")
	c := h.remote("operator.read")
	if err := c.Call(t.Context(), "health", nil, nil); err != nil {
		t.Fatal(err)
	}
	for range 3 { // it stays open
		err := c.Call(t.Context(), "health", nil, nil)
		refused, is := errors.AsType[*wire.Error](err)
		if !is || refused.Code != wire.CodeRateLimited || !refused.Retryable || refused.RetryAfterMS < 1 || refused.RetryAfterMS > 60_000 {
			t.Fatal(err)
		}
	}
	if err := h.local().Call(t.Context(), "health", nil, nil); err != nil {
		t.Error("the unix socket is limited too:", err)
	}
	token := h.addClient("phone", "operator.read")
	other, err := h.dial(client.Options{URL: h.url(), Token: keychain.NewSecret([]byte(token)), Name: "cli", Version: "test", Scopes: []string{"operator.read"}})
	if err != nil {
		t.Fatal(err)
	}
	if err := other.Call(t.Context(), "health", nil, nil); err != nil {
		t.Error("another client pays for it:", err)
	}
}

// A stranger's rate is of all that it asks, also what needs no token.
func TestStrangersAreCountedWhateverTheyAsk(t *testing.T) {
	h := start(t, "  trusted_proxies: [127.0.0.1]\n  behind_proxy: true\n  rate_limiting: {enabled: true, max_requests_per_minute: 1, ban_threshold: 1000}\n")
	for _, path := range []string{"/health", "/nothing", "/"} {
		stranger := "203.0.113." + fmt.Sprint(len(path))
		for n := range 4 {
			r := h.ask(t, "GET", path, map[string]string{"X-Forwarded-For": stranger})
			if limited := r.StatusCode == http.StatusTooManyRequests; limited != (n >= 1) || limited && r.Header.Get("Retry-After") == "" {
				t.Errorf("request %d of %s: %s", n, path, r.Status)
			}
		}
	}
	for n := range 4 { // without a token
		if status, _ := h.call("198.51.100.7", "/v1/messages", ""); (status == http.StatusTooManyRequests) != (n >= 1) {
			t.Errorf("request %d without a token: %d", n, status)
		}
	}
	for range 20 {
		if r := h.ask(t, "GET", "/health", nil); r.StatusCode != http.StatusOK {
			t.Fatal("this machine pays for a stranger:", r.Status)
		}
	}
}

// A caged agent that opens every connection it can, and says nothing over them,
// shuts neither another agent nor the operator out.
func TestIdleConnectionsShutNobodyOut(t *testing.T) {
	h := start(t, "")
	socket := h.remote("operator.read")
	var idle []net.Conn
	defer func() {
		for _, c := range idle {
			c.Close()
		}
	}()
	for i := range 2*limit.LoopbackConnections + 10 {
		c, err := net.Dial("tcp", h.Address().String())
		if err != nil {
			t.Fatal(err)
		}
		if i%2 == 0 {
			_, _ = io.WriteString(c, "POST /v1/mess") // it may have given way already
		}
		idle = append(idle, c)
	}
	for range 3 {
		if r := h.ask(t, "POST", "/v1/messages", map[string]string{"X-Api-Key": h.token}); r.StatusCode != 200 {
			t.Fatal(r.Status)
		}
	}
	if err := socket.Call(t.Context(), "health", nil, nil); err != nil {
		t.Fatal("a socket with a token was cut:", err)
	}
}

// An agent does not get a fresh allowance by putting a new word in front of its
// token.
func TestTheRateIsCountedForTheGoodCredential(t *testing.T) {
	h := start(t, "  rate_limiting:\n    enabled: true\n    max_requests_per_minute: 3\n")
	token := h.agents.Mint("coder", "r")
	passed := 0
	for i := range 9 {
		r := h.ask(t, "POST", "/v1/messages", map[string]string{"Authorization": fmt.Sprint("Bearer new-", i), "X-Api-Key": token})
		if r.StatusCode == 200 {
			passed++
		}
	}
	if passed != 3 {
		t.Fatalf("%d of 3 requests passed", passed)
	}
}

// Calls whose bodies are larger together than the gateway's memory for them are
// told to come again; another agent's are not.
func TestBodiesUnderWayAreBounded(t *testing.T) {
	h := start(t, "")
	for range limit.CallsOfOne {
		call, ok := h.underWay.Enter("coder", 0)
		if !ok {
			t.Fatal("refused too early")
		}
		defer call.Leave()
	}
	coder, reviewer := h.agents.Mint("coder", "1"), h.agents.Mint("reviewer", "2")
	if r := h.ask(t, "POST", "/v1/messages", map[string]string{"X-Api-Key": coder}); r.StatusCode != 429 || r.Header.Get("Retry-After") == "" {
		t.Fatal(r.Status)
	}
	if r := h.ask(t, "POST", "/v1/messages", map[string]string{"X-Api-Key": reviewer}); r.StatusCode != 200 {
		t.Fatal(r.Status)
	}
}

// Ten thousand refusals a second fill neither the log, nor the screen, nor the
// audit log; how many they were is on record all the same.
func TestAFloodOfRefusalsIsCounted(t *testing.T) {
	h := start(t, "")
	const flood = 5000
	request := httptest.NewRequest(http.MethodGet, "http://evil.example/", nil)
	for range flood {
		h.tcpHandler().ServeHTTP(httptest.NewRecorder(), request)
		h.auditRefusal(t.Context(), "127.0.0.1:1", "connect", "wrong token")
	}
	if n := len(h.registry.Connections()); n < refusalsAtOnce || n > refusalsAtOnce+100 {
		t.Errorf("%d rows are shown", n)
	}
	if err := h.stop(); err != nil {
		t.Fatal(err)
	}
	records := h.audited("authentication")
	counted := len(records)
	for _, e := range records {
		if others, is := e.Details["others"].(int); is {
			counted += others
			if e.Action == "several" {
				counted-- // it is none of them itself
			}
		}
	}
	if len(records) > refusalsAtOnce+100 || counted != flood {
		t.Errorf("%d records count %d of %d refusals", len(records), counted, flood)
	}
}

func TestHugeHeadersAreRefused(t *testing.T) {
	h := start(t, "")
	c, err := net.Dial("tcp", h.Address().String())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	// The write may fail half-way: the gateway reads no more than it must.
	_, _ = io.WriteString(c, "GET /health HTTP/1.1\r\nHost: "+h.Address().String()+"\r\nX-Filler: "+strings.Repeat("x", 40<<10)+"\r\n\r\n")
	answer, _ := io.ReadAll(c)
	if !strings.HasPrefix(string(answer), "HTTP/1.1 431") {
		t.Fatalf("%.80q", answer)
	}
}

func TestPanicInARequestIsThatRequests500(t *testing.T) {
	h := build(t, configs.Layout{Root: filepath.Join(shortDir(t), "s")}, freePort(t), "", func(d *Deps) {
		d.Provider = http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("secret-of-the-panic") })
	}).run()
	r := h.ask(t, "POST", "/v1/messages", map[string]string{"X-Api-Key": h.token})
	if r.StatusCode != 500 || strings.Contains(r.text, "secret") {
		t.Fatal(r.Status)
	}
	if r := h.ask(t, "GET", "/health", nil); r.StatusCode != 200 {
		t.Fatal(r.Status)
	}
}

// A panic in the middle of an answer cuts it: an error behind half an answer would
// look like its end.
func TestPanicInTheMiddleOfAnAnswerCutsIt(t *testing.T) {
	h := build(t, configs.Layout{Root: filepath.Join(shortDir(t), "s")}, freePort(t), "", func(d *Deps) {
		d.Provider = http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, "event: ping\n\n")
			panic("secret-of-the-panic")
		})
	}).run()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+h.Address().String()+"/v1/messages", nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("X-Api-Key", h.token)
	var text []byte
	if answer, err := http.DefaultClient.Do(r); err == nil {
		defer answer.Body.Close()
		if text, err = io.ReadAll(answer.Body); err == nil {
			t.Errorf("half an answer looks whole: %q", text)
		}
	}
	if strings.Contains(string(text), "secret") || strings.Contains(string(text), "error") {
		t.Errorf("%q", text)
	}
	if r := h.ask(t, "GET", "/health", nil); r.StatusCode != 200 {
		t.Fatal(r.Status)
	}
}

func TestRefusalsAreShownAndBounded(t *testing.T) {
	h := start(t, "")
	sub := h.bus.Subscribe(100, event.KindConnection)
	defer sub.Close()
	h.ask(t, "GET", "/"+strings.Repeat("x", 5000), map[string]string{"Host": "evil.example"})
	e := <-sub.C()
	if e.Connection.State != "refused" || e.Connection.Status != 421 || len(e.Connection.Route) > 300 {
		t.Fatalf("%+v", e.Connection)
	}
}
