package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"openclaw/gateway/wire"
)

const rightToken = "the-right-token-of-this-gateway-0123456789abcdef"

// exposed is a gateway with a known token, a provider, and one client that
// must not notice what strangers do.
func exposed(t *testing.T) (p *person, u *upstream, port int) {
	t.Helper()
	p, u = newPerson(t), newUpstream(t)
	p.environ = append(p.environ, "KEY_OF_THE_PROVIDER="+providerKey, "TOKEN_OF_THE_GATEWAY="+rightToken)
	port = p.configure("  gateway_token: ${TOKEN_OF_THE_GATEWAY}\nagents:\n  coder: {}\n" + u.providers())
	p.gateway()
	p.eventually("the token", func() bool { return p.overview().TokenSet })
	return p, u, port
}

// socket is a raw WebSocket to the gateway's TCP listener.
type socket struct {
	*websocket.Conn
	t *testing.T
}

// upgrade opens a socket; where the gateway refuses to, s is nil and the rest
// is its answer.
func upgrade(t *testing.T, port int, header http.Header) (s *socket, status int, body string) {
	t.Helper()
	return upgradeFrom(t, "127.0.0.1", port, header)
}

// upgradeFrom is upgrade from an address of loopback: the gateway counts requests for
// each.
func upgradeFrom(t *testing.T, address string, port int, header http.Header) (s *socket, status int, body string) {
	t.Helper()
	from := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(address)}}
	dialer := websocket.Dialer{HandshakeTimeout: time.Minute, NetDialContext: from.DialContext}
	conn, response, err := dialer.DialContext(t.Context(), fmt.Sprintf("ws://127.0.0.1:%d/", port), header)
	if response == nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if err != nil {
		text, err := io.ReadAll(io.LimitReader(response.Body, 1<<16))
		if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Error(err)
		}
		return nil, response.StatusCode, string(text)
	}
	t.Cleanup(func() { _ = conn.Close() })
	s = &socket{conn, t}
	if challenge := s.receive(); challenge.Event == nil || challenge.Event.Event != wire.EventChallenge {
		t.Fatalf("no challenge but %+v", challenge)
	}
	return s, response.StatusCode, ""
}

// stranger is a socket before its handshake.
func stranger(t *testing.T, port int) *socket {
	t.Helper()
	s, status, body := upgrade(t, port, nil)
	if s == nil {
		t.Fatalf("no upgrade: %d %s", status, body)
	}
	return s
}

func (s *socket) send(kind int, frame []byte) {
	s.t.Helper()
	_ = s.SetWriteDeadline(time.Now().Add(time.Minute))
	// A gateway that has had enough may cut the connection under a big frame;
	// how it ended is read afterwards.
	_ = s.WriteMessage(kind, frame)
}

func (s *socket) receive() wire.Frame {
	s.t.Helper()
	_ = s.SetReadDeadline(time.Now().Add(time.Minute))
	_, text, err := s.ReadMessage()
	if err != nil {
		s.t.Fatalf("read: %v", err)
	}
	frame, err := wire.DecodeFrame(text)
	if err != nil {
		s.t.Fatalf("%v: %s", err, text)
	}
	return frame
}

// ends reads until the gateway closes the socket: what it answered last, and
// how it closed.
func (s *socket) ends() (last *wire.Error, code int, reason string) {
	s.t.Helper()
	_ = s.SetReadDeadline(time.Now().Add(time.Minute))
	for {
		_, text, err := s.ReadMessage()
		var closed *websocket.CloseError
		switch {
		case errors.As(err, &closed):
			return last, closed.Code, closed.Text
		case err != nil:
			s.t.Fatalf("the socket was cut without a word: %v", err)
		}
		if frame, err := wire.DecodeFrame(text); err == nil && frame.Response != nil && frame.Response.Error != nil {
			last = frame.Response.Error
		}
	}
}

func connectFrame(t *testing.T, token string) []byte {
	t.Helper()
	params, err := json.Marshal(wire.Connect{
		MinProtocol: wire.Version, MaxProtocol: wire.Version, Role: "operator", Scopes: []string{"operator.admin"},
		Client: wire.ClientInfo{ID: "gateway-client", Version: "test", Platform: "linux", Mode: "backend"}, Auth: wire.Credentials{Token: token},
	})
	if err != nil {
		t.Fatal(err)
	}
	frame, err := json.Marshal(wire.Request{Type: "req", ID: "c", Method: wire.MethodConnect, Params: params})
	if err != nil {
		t.Fatal(err)
	}
	return frame
}

// admitted is a socket with the right token.
func admitted(t *testing.T, port int) *socket {
	t.Helper()
	s := stranger(t, port)
	s.admit()
	return s
}

// admit presents the right token.
func (s *socket) admit() {
	s.t.Helper()
	s.send(websocket.TextMessage, connectFrame(s.t, rightToken))
	if hello := s.receive(); hello.Response == nil || !hello.Response.OK {
		s.t.Fatalf("the right token is refused: %+v", hello.Response)
	}
}

// serves checks that a socket is still served.
func (s *socket) serves() {
	s.t.Helper()
	s.send(websocket.TextMessage, []byte(`{"type":"req","id":"h","method":"health"}`))
	for {
		if frame := s.receive(); frame.Response != nil {
			if frame.Response.ID != "h" || !frame.Response.OK {
				s.t.Fatalf("health: %+v", frame.Response)
			}
			return
		}
	}
}

// A token that is wrong, missing or huge opens nothing over HTTP or WebSocket;
// each is told so, none is written down, and the right one works at once.
func TestTokensThatAreNone(t *testing.T) {
	t.Parallel()
	p, u, port := exposed(t)
	good := admitted(t, port)
	for _, bad := range []struct {
		name, token  string
		status       int
		words        []string
		code, detail string
	}{
		{"wrong", "WRONG-" + rightToken, http.StatusUnauthorized, []string{"authentication_error", "wrong token"}, wire.CodeInvalidRequest, wire.DetailTokenMismatch},
		{"missing", "", http.StatusUnauthorized, []string{"authentication_error", "no token: give the gateway's, or an agent's from 'openclaw agent run'"}, wire.CodeNotPaired, wire.DetailDeviceRequired},
		{"huge", strings.Repeat("WRONG", 4000), http.StatusUnauthorized, []string{"authentication_error", "wrong token"}, wire.CodeInvalidRequest, wire.DetailTokenMismatch},
	} {
		t.Run(bad.name, func(t *testing.T) {
			status, body := p.post(port, "/v1/messages", bad.token, nil)
			if status != bad.status {
				t.Errorf("HTTP answers %d", status)
			}
			says(t, body, bad.words...)
			s := stranger(t, port)
			s.send(websocket.TextMessage, connectFrame(t, bad.token))
			refused, code, reason := s.ends()
			if refused == nil || refused.Code != bad.code || refused.Details["code"] != bad.detail || code != wire.ClosePolicy || reason == "" {
				t.Errorf("WebSocket answers %+v and closes with %d %q", refused, code, reason)
			}
			if strings.Contains(body+fmt.Sprint(refused)+reason, "WRONG") {
				t.Error("the token is repeated")
			}
		})
	}
	t.Run("an empty header", func(t *testing.T) {
		status, body := p.post(port, "/v1/messages", "", func(r *http.Request) { r.Header.Set("Authorization", "Bearer ") })
		if status != http.StatusUnauthorized {
			t.Errorf("HTTP answers %d %s", status, body)
		}
	})
	t.Run("past every bound", func(t *testing.T) {
		if status, _ := p.post(port, "/v1/messages", strings.Repeat("WRONG", 8_000), nil); status != http.StatusRequestHeaderFieldsTooLarge {
			t.Errorf("HTTP answers %d", status)
		}
		s := stranger(t, port)
		s.send(websocket.TextMessage, connectFrame(t, strings.Repeat("WRONG", 20_000)))
		if _, code, _ := s.ends(); code != wire.CloseTooBig {
			t.Errorf("WebSocket closes with %d", code)
		}
	})
	good.serves()
	admitted(t, port).serves()
	if status, body := p.post(port, "/v1/messages", rightToken, nil); status != http.StatusOK || body != goodAnswer {
		t.Errorf("the right token: %d %s", status, body)
	}
	if u.calls.Load() != 1 || u.keyless.Load() != 0 {
		t.Errorf("%d calls reached the provider", u.calls.Load())
	}
	if searched := p.openclaw("audit", "search", "--since", "1h"); searched.code != 0 || !strings.Contains(searched.out, "wrong token") {
		t.Errorf("the audit log does not hold the refusals; the search ended with %d: %s%s", searched.code, searched.out, searched.errors)
	}
	p.noKeyInLogs("WRONG", rightToken, providerKey)
}

// Frames that are none end that socket with a code and a reason, before the
// handshake and after it, and no other socket notices.
func TestFramesThatAreNone(t *testing.T) {
	t.Parallel()
	p, _, port := exposed(t)
	good := admitted(t, port)
	big := bytes.Repeat([]byte("x"), 10<<20)
	for _, bad := range []struct {
		name   string
		kind   int
		frame  []byte
		before int // close code before the handshake
		after  int // and after it; 0: an answer, and the socket stays
		reason string
	}{
		{"not JSON", websocket.TextMessage, []byte("GET / HTTP/1.1"), wire.ClosePolicy, wire.CloseProtocol, "not a JSON request"},
		{"JSON of another kind", websocket.TextMessage, []byte(`[1,2,3]`), wire.ClosePolicy, wire.CloseProtocol, "not a JSON request"},
		{"empty", websocket.TextMessage, nil, wire.ClosePolicy, wire.CloseProtocol, "not a JSON request"},
		{"binary", websocket.BinaryMessage, []byte{0, 1, 2}, wire.CloseUnsupported, wire.CloseUnsupported, "binary frames are not part"},
		{"not UTF-8", websocket.TextMessage, []byte("{\"type\":\"\xff\"}"), wire.CloseInvalidText, wire.CloseInvalidText, "not UTF-8"},
		{"10 MiB", websocket.TextMessage, big, wire.CloseTooBig, wire.CloseProtocol, ""},
		{"30 MiB", websocket.TextMessage, bytes.Repeat(big, 3), wire.CloseTooBig, wire.CloseTooBig, ""},
		{"10 MiB of JSON", websocket.TextMessage, fmt.Appendf(nil, `{"type":"req","id":"1","method":"health","params":{"x":"%s"}}`, big), wire.CloseTooBig, 0, ""},
		{"a request before its time", websocket.TextMessage, []byte(`{"type":"req","id":"1","method":"openclaw.secrets.list"}`), wire.ClosePolicy, 0, "first request must be connect"},
		{"an unknown method", websocket.TextMessage, []byte(`{"type":"req","id":"1","method":"sudo"}`), wire.ClosePolicy, 0, ""},
	} {
		t.Run(bad.name, func(t *testing.T) {
			unknown := stranger(t, port)
			unknown.send(bad.kind, bad.frame)
			if _, code, reason := unknown.ends(); code != bad.before || !strings.Contains(reason, bad.reason) {
				t.Errorf("before the handshake: %d %q", code, reason)
			}
			known := admitted(t, port)
			known.send(bad.kind, bad.frame)
			if bad.after == 0 {
				for known.receive().Response == nil { // an event may come first
				}
				known.serves()
			} else if _, code, reason := known.ends(); code != bad.after || reason == "" && bad.after != wire.CloseTooBig {
				t.Errorf("after the handshake: %d %q", code, reason)
			}
			good.serves()
		})
	}
	p.noKeyInLogs(rightToken)
}

// A page of another site, or one whose name was rebound to this machine, gets
// nothing, over HTTP or WebSocket, even with the right token.
func TestHostAndOriginFromElsewhere(t *testing.T) {
	t.Parallel()
	p, u, port := exposed(t)
	own := fmt.Sprintf("127.0.0.1:%d", port)
	for _, bad := range []struct {
		name, header, value string
		status              int
		words               string
	}{
		{"a foreign Host", "Host", "evil.example", http.StatusMisdirectedRequest, "gateway.allowed_hosts"},
		{"a rebound Host", "Host", fmt.Sprintf("evil.example:%d", port), http.StatusMisdirectedRequest, "gateway.allowed_hosts"},
		{"our Host with another port", "Host", "127.0.0.1:1", http.StatusMisdirectedRequest, "gateway.allowed_hosts"},
		{"a Host that begins like ours", "Host", fmt.Sprintf("127.0.0.1.evil.example:%d", port), http.StatusMisdirectedRequest, "gateway.allowed_hosts"},
		{"a foreign Origin", "Origin", "https://evil.example", http.StatusForbidden, "gateway.allowed_origins"},
		{"the Origin null", "Origin", "null", http.StatusForbidden, "gateway.allowed_origins"},
		{"an Origin of another port", "Origin", "http://127.0.0.1:1", http.StatusForbidden, "gateway.allowed_origins"},
		{"another site", "Sec-Fetch-Site", "cross-site", http.StatusForbidden, "another site"},
	} {
		t.Run(bad.name, func(t *testing.T) {
			status, body := p.post(port, "/v1/messages", rightToken, func(r *http.Request) {
				if bad.header == "Host" {
					r.Host = bad.value
				} else {
					r.Header.Set(bad.header, bad.value)
				}
			})
			if status != bad.status {
				t.Errorf("HTTP answers %d", status)
			}
			says(t, body, bad.words)
			s, status, body := upgrade(t, port, http.Header{bad.header: {bad.value}})
			if s != nil || status != bad.status {
				t.Errorf("WebSocket answers %d", status)
			}
			says(t, body, bad.words)
		})
	}
	if u.calls.Load() != 0 {
		t.Errorf("%d calls reached the provider", u.calls.Load())
	}
	for _, fine := range []http.Header{{"Origin": {"http://" + own}}, {"Host": {fmt.Sprintf("localhost:%d", port)}}} {
		if s, status, body := upgrade(t, port, fine); s == nil {
			t.Errorf("%v is refused with %d: %s", fine, status, body)
		}
	}
	p.noKeyInLogs(rightToken)
}
