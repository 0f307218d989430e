package gateway

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"openclaw/configs"
	"openclaw/gateway/wire"
)

// The right-most address that no trusted proxy has is believed, and nothing that
// a client can write itself.
func TestForwardedForIsTheProxysWord(t *testing.T) {
	trusted := func(a netip.Addr) bool {
		return netip.MustParsePrefix("10.0.0.0/8").Contains(a) || a.IsLoopback()
	}
	for header, want := range map[string]string{
		"203.0.113.7":                        "203.0.113.7",
		"1.2.3.4, 203.0.113.7":               "203.0.113.7",
		"1.2.3.4, 203.0.113.7, 10.1.1.1":     "203.0.113.7",
		"1.2.3.4,203.0.113.7 , 127.0.0.1":    "203.0.113.7",
		"203.0.113.7:4711":                   "203.0.113.7",
		"[2001:db8::7]:4711":                 "2001:db8::7",
		"[2001:db8::7]":                      "2001:db8::7",
		"2001:db8::7":                        "2001:db8::7",
		"::ffff:203.0.113.7":                 "203.0.113.7",
		"fe80::1%eth0":                       "fe80::1",
		"10.1.1.1":                           "10.1.1.1",
		"1.2.3.4, unknown, 10.1.1.1":         "10.1.1.1",
		"1.2.3.4, 203.0.113.7, _hidden":      "",
		"203.0.113.7, ":                      "",
		"":                                   "",
		strings.Repeat("10.1.1.1, ", 100000): "",
	} {
		got := forwardedFor([]string{header}, trusted)
		if got.IsValid() != (want != "") || got.IsValid() && got.String() != want {
			t.Errorf("%.60q: %v, want %q", header, got, want)
		}
	}
	if got := forwardedFor([]string{"203.0.113.7", "10.2.2.2"}, trusted); got.String() != "203.0.113.7" {
		t.Errorf("two headers: %v", got)
	}
}

// call makes one request with a forwarded address.
func (h *house) call(client, path, token string) (int, string) {
	h.t.Helper()
	r, err := http.NewRequestWithContext(h.t.Context(), http.MethodPost, "http://"+h.Address().String()+path, strings.NewReader("{}"))
	if err != nil {
		h.t.Fatal(err)
	}
	if client != "" {
		r.Header.Set("X-Forwarded-For", client)
	}
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		h.t.Fatal(err)
	}
	defer response.Body.Close()
	body, _ := io.ReadAll(response.Body)
	return response.StatusCode, string(body)
}

const (
	behindProxy = "  trusted_proxies: [127.0.0.1]\n  behind_proxy: true\n  rate_limiting: {enabled: true, max_connections_per_ip: 3, max_requests_per_minute: 100, ban_duration: 60, ban_threshold: "

	proxied = behindProxy + "5}\n"
	counted = behindProxy + "1000000}\n" // nobody is banned for the connections that are one too many
)

// An address that is refused too often is shut out with all that it has open,
// on record, over a restart, until its time or a person lifts it; no other
// address pays for it.
func TestTooManyRefusalsBan(t *testing.T) {
	layout := configs.Layout{Root: shortDir(t)}
	port := freePort(t)
	h := build(t, layout, port, proxied, nil).run()
	socket, response, err := websocket.DefaultDialer.DialContext(t.Context(), h.url(), http.Header{"X-Forwarded-For": {"203.0.113.7"}})
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	defer func() { _ = socket.Close() }()
	if err := socket.WriteJSON(map[string]any{"type": "req", "id": "1", "method": "connect", "params": map[string]any{
		"minProtocol": 4, "maxProtocol": 4, "client": map[string]any{"id": "cli", "version": "1", "platform": "x", "mode": "cli"},
		"role": "operator", "scopes": []string{"operator.read"}, "auth": map[string]any{"token": h.token},
	}}); err != nil {
		t.Fatal(err)
	}
	until(t, "the socket's admission", func() bool { return h.hub.Count() == 1 })
	if c := h.hub.Conns()[0]; c.Peer.Address.String() != "203.0.113.7" || !strings.HasPrefix(c.Peer.From, "203.0.113.7 by 127.0.0.1:") {
		t.Errorf("the socket is counted for %v, from %q", c.Peer.Address, c.Peer.From)
	}
	for i := range 5 {
		if status, body := h.call("203.0.113.7", "/v1/messages", ""); status != http.StatusUnauthorized {
			t.Fatalf("refusal %d: %d %s", i, status, body)
		}
	}
	for _, forged := range []string{"203.0.113.7", "198.51.100.1, 203.0.113.7"} {
		if status, body := h.call(forged, "/v1/messages", h.token); status != http.StatusForbidden || !strings.Contains(body, "banned") {
			t.Errorf("%s after the ban: %d %s", forged, status, body)
		}
	}
	until(t, "the end of the socket", func() bool { return h.hub.Count() == 0 })
	if status, _ := h.call("203.0.113.8", "/v1/messages", h.token); status != http.StatusOK {
		t.Errorf("another address: %d", status)
	}
	bans := slices.DeleteFunc(h.audited("authorization"), func(e AuditEntry) bool { return strings.HasPrefix(e.Action, "close ") }) // the socket's end
	if len(bans) != 1 || bans[0].Action != "ban" || bans[0].Target != "203.0.113.7/32" || bans[0].Details["by"] != "gateway" {
		t.Errorf("on record: %+v", bans)
	}
	if info, err := os.Stat(layout.Bans()); err != nil || info.Mode().Perm() != 0o600 {
		t.Error(info, err)
	}
	if err := h.stop(); err != nil {
		t.Fatal(err)
	}

	h = build(t, layout, port, proxied, nil).run()
	if status, _ := h.call("203.0.113.7", "/health", ""); status != http.StatusForbidden {
		t.Errorf("after a restart: %d", status)
	}
	local := h.local()
	var list wire.BansResult
	if err := local.Call(t.Context(), wire.MethodBans, nil, &list); err != nil || len(list.Bans) != 1 || list.Bans[0].By != "gateway" {
		t.Fatalf("%+v %v", list, err)
	}
	if err := local.Call(t.Context(), wire.MethodBanLift, wire.BanLiftParams{Network: "203.0.113.7"}, nil); err != nil {
		t.Fatal(err)
	}
	if status, _ := h.call("203.0.113.7", "/v1/messages", h.token); status != http.StatusOK {
		t.Errorf("after the ban was lifted: %d", status)
	}
	if refusal := refusalOf(t, local.Call(t.Context(), wire.MethodBanLift, wire.BanLiftParams{Network: "203.0.113.7"}, nil)); refusal.Code != wire.CodeNotFound {
		t.Error(refusal)
	}
}

// Whatever a caged agent writes into its headers, it is counted as what it is,
// and gets nobody else shut out by its token's own requests.
func TestAnAgentForwardsNothing(t *testing.T) {
	h := build(t, configs.Layout{Root: shortDir(t)}, freePort(t), proxied, nil).run()
	run := startRun(t, h.local(), "coder")
	refused := 0
	for i := range 120 {
		status, _ := h.call(fmt.Sprintf("203.0.113.%d", i), "/v1/messages", run.Token)
		if status == http.StatusTooManyRequests {
			refused++
		}
	}
	if refused == 0 {
		t.Error("an agent escapes its limit by claiming to forward")
	}
	if bans := h.bans.Load().List(); len(bans) != 0 {
		t.Errorf("banned: %+v", bans)
	}
}

// Bans by hand: what is asked for is checked, and what cannot be recorded or
// saved does not happen.
func TestBansByHand(t *testing.T) {
	h := start(t, "")
	local := h.local()
	add := func(params wire.BanAddParams) *wire.Error {
		err := local.Call(t.Context(), wire.MethodBanAdd, params, nil)
		if err == nil {
			return nil
		}
		return refusalOf(t, err)
	}
	for _, params := range []wire.BanAddParams{
		{Network: ""}, {Network: "nobody"}, {Network: "127.0.0.1"}, {Network: "0.0.0.0/0"}, {Network: "192.0.2.1", For: "soon"}, {Network: "192.0.2.1", For: "-1h"},
	} {
		if refusal := add(params); refusal == nil || refusal.Code != wire.CodeInvalidRequest {
			t.Errorf("%+v: %v", params, refusal)
		}
	}
	if refusal := add(wire.BanAddParams{Network: "192.0.2.0/24", For: "1h", Reason: "scans"}); refusal != nil {
		t.Fatal(refusal)
	}
	h.breakAudit(errors.New("disk full"))
	if refusal := add(wire.BanAddParams{Network: "192.0.3.1"}); refusal == nil {
		t.Error("a ban without a record")
	}
	h.breakAudit(nil)
	if list := h.bans.Load().List(); len(list) != 1 || list[0].Network.String() != "192.0.2.0/24" || list[0].Reason != "scans" {
		t.Errorf("%+v", list)
	}
	if refusal := refusalOf(t, h.remote("operator.read").Call(t.Context(), wire.MethodBanAdd, wire.BanAddParams{Network: "192.0.2.9"}, nil)); refusal.Code != wire.CodeForbidden {
		t.Error("a reader bans:", refusal)
	}
}

// A file of bans that cannot be read stops the start: it would be nobody's ban.
func TestBansThatCannotBeRead(t *testing.T) {
	for name, spoil := range map[string]func(string) error{
		"half written": func(path string) error { return os.WriteFile(path, []byte(`[{"network":"1.2.3`), 0o600) },
		"a folder":     func(path string) error { return os.Mkdir(path, 0o700) },
		"a link":       func(path string) error { return os.Symlink("/etc/passwd", path) },
	} {
		layout := configs.Layout{Root: shortDir(t)}
		h := build(t, layout, freePort(t), "", nil)
		if err := spoil(layout.Bans()); err != nil {
			t.Fatal(err)
		}
		err := h.refusedStart()
		var refused *Error
		if !errors.As(err, &refused) || !strings.Contains(refused.Hint, "remove it") || !strings.Contains(err.Error(), layout.Bans()) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// One client behind a proxy has the connections of one client, and the proxy
// those of many.
func TestClientsBehindAProxyAreCountedOneByOne(t *testing.T) {
	h := build(t, configs.Layout{Root: shortDir(t)}, freePort(t), counted, nil).run()
	dial := func(client string) (net.Conn, int) {
		ws, response, err := websocket.DefaultDialer.DialContext(t.Context(), h.url(), http.Header{"X-Forwarded-For": {client}})
		if response != nil && response.Body != nil {
			defer response.Body.Close()
		}
		if err != nil {
			if response == nil {
				t.Fatal(err)
			}
			return nil, response.StatusCode
		}
		t.Cleanup(func() { _ = ws.Close() })
		return ws.NetConn(), http.StatusSwitchingProtocols
	}
	var open []net.Conn
	for i := range 3 {
		conn, status := dial("203.0.113.7")
		if status != http.StatusSwitchingProtocols {
			t.Fatalf("socket %d: %d", i, status)
		}
		open = append(open, conn)
	}
	if _, status := dial("203.0.113.7"); status != http.StatusTooManyRequests {
		t.Errorf("the fourth: %d", status)
	}
	for i := range 10 {
		if _, status := dial(fmt.Sprintf("203.0.113.%d", 10+i)); status != http.StatusSwitchingProtocols {
			t.Errorf("client %d: %d", i, status)
		}
	}
	open[0].Close()
	until(t, "room for another", func() bool { _, status := dial("203.0.113.7"); return status == http.StatusSwitchingProtocols })
}

// So have those that are in, and not only those that shake hands: as long as they are open.
func TestClientsBehindAProxyAreCountedAsLongAsTheyAreIn(t *testing.T) {
	h := build(t, configs.Layout{Root: shortDir(t)}, freePort(t), counted, nil).run()
	var open []*websocket.Conn
	for range 3 {
		ws, answer := h.socketFrom("203.0.113.7", h.token)
		granted(t, answer)
		open = append(open, ws)
	}
	dial := func() int {
		ws, response, err := websocket.DefaultDialer.DialContext(t.Context(), h.url(), http.Header{"X-Forwarded-For": {"203.0.113.7"}})
		if response == nil {
			t.Fatal(err)
		}
		_ = response.Body.Close()
		if err == nil {
			_ = ws.Close()
		}
		return response.StatusCode
	}
	until(t, "their handshakes are over", func() bool { return h.hub.Count() == len(open) })
	if status := dial(); status != http.StatusTooManyRequests {
		t.Errorf("the fourth of three: %d", status)
	}
	_ = open[0].Close()
	until(t, "room for another", func() bool { return dial() == http.StatusSwitchingProtocols })
}

// disconnect cuts the one that is named.
func TestAClientIsCut(t *testing.T) {
	h := start(t, "")
	local, remote := h.local(), h.remote("operator.read")
	until(t, "both clients", func() bool { return h.hub.Count() == 2 })
	id := ""
	for _, c := range h.hub.Conns() {
		if c.Peer.Kind == "ws" {
			id = c.ID
		}
	}
	if refusal := refusalOf(t, remote.Call(t.Context(), wire.MethodDisconnect, wire.DisconnectParams{ID: id}, nil)); refusal.Code != wire.CodeForbidden {
		t.Error(refusal)
	}
	if err := local.Call(t.Context(), wire.MethodDisconnect, wire.DisconnectParams{ID: id}, nil); err != nil {
		t.Fatal(err)
	}
	select {
	case <-remote.Done():
	case <-time.After(time.Minute):
		t.Fatal("it is still connected")
	}
	until(t, "its end at the gateway", func() bool { return h.hub.Count() == 1 })
	if refusal := refusalOf(t, local.Call(t.Context(), wire.MethodDisconnect, wire.DisconnectParams{ID: id}, nil)); refusal.Code != wire.CodeNotFound {
		t.Error(refusal)
	}
}

// Where a proxy is trusted, what runs in a cage comes to an endpoint of its own,
// where nobody is believed about whom he speaks for.
func TestNoCageSpeaksForAProxy(t *testing.T) {
	h := build(t, configs.Layout{Root: shortDir(t)}, freePort(t), proxied, nil).run()
	run := startRun(t, h.local(), "coder")
	if run.Gateway == h.Address().String() || run.Gateway != h.AgentsAddress().String() {
		t.Fatalf("the cage is sent to %s", run.Gateway)
	}
	for range 12 {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+run.Gateway+"/v1/messages", strings.NewReader("{}"))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("X-Forwarded-For", "203.0.113.7")
		response, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		_ = response.Body.Close()
		if response.StatusCode != http.StatusUnauthorized && response.StatusCode != http.StatusTooManyRequests {
			t.Fatalf("%d", response.StatusCode)
		}
	}
	if bans := h.bans.Load().List(); len(bans) != 0 {
		t.Errorf("a cage had somebody banned: %+v", bans)
	}
	plain := start(t, "")
	if run := startRun(t, plain.local(), "coder"); run.Gateway != plain.Address().String() {
		t.Errorf("without a proxy the cage is sent to %s", run.Gateway)
	}
	if plain.writeConfig("  trusted_proxies: [127.0.0.1]\n", agentsConfig); plain.trusted(netip.MustParseAddr("127.0.0.1")) {
		t.Error("a proxy is trusted on a listener that cages use")
	}
}

// A listener without TLS that others can reach takes connections of the trusted
// proxies and of this machine alone.
func TestAPlainListenerTakesProxiesOnly(t *testing.T) {
	h := build(t, configs.Layout{Root: shortDir(t)}, freePort(t), "  behind_proxy: true\n  trusted_proxies: [192.0.2.1, 198.51.100.0/24]\n", nil)
	h.mu.Lock()
	h.address = netip.MustParseAddrPort("0.0.0.0:18789")
	h.mu.Unlock()
	for address, stranger := range map[string]bool{
		"192.0.2.1": false, "198.51.100.9": false, "127.0.0.1": false, "::1": false, "192.0.2.2": true, "203.0.113.7": true, "2001:db8::1": true,
	} {
		if got := h.stranger(netip.MustParseAddr(address)); got != stranger {
			t.Errorf("%s: stranger %v", address, got)
		}
	}
}
