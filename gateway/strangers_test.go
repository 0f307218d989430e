package gateway

import (
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"openclaw/gateway/event"
	"openclaw/gateway/limit"
	"openclaw/gateway/wire"
)

// Whom a request comes from is what the kernel says, unless the config trusts the very
// peer that says otherwise: else anybody could be somebody new with each request, or
// have somebody else shut out.
func TestNobodyClaimsAnAddress(t *testing.T) {
	for name, lines := range map[string]string{"no proxy": "", "another proxy": "  trusted_proxies: [192.0.2.1, 10.0.0.0/8]\n  behind_proxy: true\n"} {
		t.Run(name, func(t *testing.T) {
			h := start(t, lines+"  rate_limiting: {enabled: true, max_requests_per_minute: 1000, ban_threshold: 2, ban_duration: 60}\n")
			shown := h.bus.Subscribe(100, event.KindConnection)
			defer shown.Close()
			for range 5 {
				if status, _ := h.call("203.0.113.7", "/v1/messages", ""); status != http.StatusUnauthorized {
					t.Fatal(status)
				}
				if e := <-shown.C(); e.Connection.State != "refused" || !strings.HasPrefix(e.Connection.From, "127.0.0.1:") {
					t.Fatalf("it is shown as from %s", e.Connection.From)
				}
			}
			if bans := h.bans.Load().List(); len(bans) != 0 {
				t.Errorf("somebody else is banned: %+v", bans)
			}
		})
	}
}

// far is a listener whose connections come from an address elsewhere.
type far struct {
	net.Listener
	conns chan net.Conn
}

func (f *far) Accept() (net.Conn, error) { return <-f.conns, nil }

type farConn struct{ net.Conn }

func (farConn) RemoteAddr() net.Addr { return &net.TCPAddr{IP: net.IPv4(203, 0, 113, 7), Port: 4711} }

// A connection past gateway.rate_limiting.max_connections_per_ip, whose others are all
// in use, is told so on either listener, whatever token it brings.
func TestAConnectionTooManyIsToldSo(t *testing.T) {
	h := start(t, "")
	limiter := limit.New(func() limit.Settings { return limit.Settings{Enabled: true, Connections: 1} }, nil)
	from := &far{conns: make(chan net.Conn, 2)}
	listener := limiter.Listen(from)
	for _, row := range []struct{ over bool }{{false}, {true}} {
		one, other := net.Pipe()
		t.Cleanup(func() { _ = other.Close() })
		from.conns <- farConn{one}
		conn, err := listener.Accept()
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = conn.Close() })
		ctx := limit.Context(t.Context(), conn)
		limit.Holder(ctx)()
		for name, handler := range map[string]http.Handler{"the port": h.tcpHandler(), "the agents' endpoint": h.agentsHandler()} {
			r := httptest.NewRequestWithContext(ctx, http.MethodGet, "http://"+h.Address().String()+"/health", nil)
			r.Header.Set("X-Api-Key", h.token)
			w := httptest.NewRecorder()
			handler.ServeHTTP(w, r)
			told := w.Code == http.StatusTooManyRequests && w.Header().Get("Connection") == "close" && w.Header().Get("Retry-After") == "1" && strings.Contains(w.Body.String(), "rate_limit_error")
			if told != row.over || !told && w.Code != http.StatusOK {
				t.Errorf("over %v at %s: %d %s", row.over, name, w.Code, w.Body)
			}
		}
	}
}

// A ban ends what its address has under way at once, also a call that came through a
// proxy, whose connection is the proxy's; nobody shuts out the address they come from.
func TestABanEndsWhatIsUnderWay(t *testing.T) {
	ended := make(chan string, 2)
	h := build(t, newLayout(t), freePort(t), proxied, func(d *Deps) {
		d.Provider = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.WriteString(w, "event: ping\n\n")
			_ = http.NewResponseController(w).Flush() // a client that is gone shows below
			<-r.Context().Done()
			ended <- r.Header.Get("X-Forwarded-For")
			panic(http.ErrAbortHandler)
		})
	}).run()
	open := func(client string) io.Reader {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+h.Address().String()+"/v1/messages", strings.NewReader("{}"))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("X-Forwarded-For", client)
		r.Header.Set("X-Api-Key", h.token)
		response, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { response.Body.Close() })
		return response.Body
	}
	goes := open("203.0.113.7")
	open("198.51.100.7")
	self, answer := h.socketFrom("203.0.113.8", h.token)
	if !answer.OK {
		t.Fatalf("%+v", answer.Error)
	}
	for _, network := range []string{"203.0.113.8", "203.0.113.0/24"} {
		if err := self.WriteJSON(map[string]any{"type": "req", "id": "2", "method": wire.MethodBanAdd, "params": wire.BanAddParams{Network: network}}); err != nil {
			t.Fatal(err)
		}
		refused := wire.Response{}
		for refused.ID != "2" { // a tick may come first
			if err := self.ReadJSON(&refused); err != nil {
				t.Fatal(err)
			}
		}
		if refused.OK || !strings.Contains(refused.Error.Message, "the address that you come from") {
			t.Errorf("%s: %+v", network, refused)
		}
	}
	if err := h.local().Call(t.Context(), wire.MethodBanAdd, wire.BanAddParams{Network: "203.0.113.7"}, nil); err != nil {
		t.Fatal(err)
	}
	select {
	case who := <-ended:
		if who != "203.0.113.7" {
			t.Errorf("the call of %s ended", who)
		}
	case <-time.After(30 * time.Second):
		t.Fatal("the call of a banned address goes on")
	}
	if _, err := io.ReadAll(goes); err == nil {
		t.Error("a call that was cut looks like one that ended")
	}
	select {
	case who := <-ended:
		t.Errorf("the call of %s ended too", who)
	default:
	}
}
