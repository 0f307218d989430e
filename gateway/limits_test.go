package gateway

import (
	"context"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"openclaw/configs"
	"openclaw/gateway/client"
	"openclaw/gateway/event"
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

func TestTooManyConnectionsAreToldSo(t *testing.T) {
	h := start(t, "")
	var idle []net.Conn
	defer func() {
		for _, c := range idle {
			c.Close()
		}
	}()
	for range 128 {
		c, err := net.Dial("tcp", h.Address().String())
		if err != nil {
			t.Fatal(err)
		}
		idle = append(idle, c)
	}
	until(t, "429", func() bool { return h.ask(t, "GET", "/health", nil).StatusCode == 429 })
	if err := h.local().Call(t.Context(), "health", nil, nil); err != nil {
		t.Fatal("the unix socket is limited too:", err)
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
