package gateway

import (
	"context"
	"errors"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"openclaw/gateway/auth"
)

// askUnix sends one request over the owner's socket.
func (h *house) askUnix(method, path string, header map[string]string) (int, string) {
	h.t.Helper()
	r, err := http.NewRequestWithContext(h.t.Context(), method, "http://localhost"+path, nil)
	if err != nil {
		h.t.Fatal(err)
	}
	for name, value := range header {
		r.Header.Set(name, value)
	}
	transport := &http.Transport{DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "unix", h.layout.Socket())
	}}
	defer transport.CloseIdleConnections()
	answer, err := transport.RoundTrip(r)
	if err != nil {
		h.t.Fatal(err)
	}
	defer answer.Body.Close()
	if answer.StatusCode == http.StatusSwitchingProtocols {
		return answer.StatusCode, ""
	}
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		h.t.Fatal(err)
	}
	return answer.StatusCode, string(text)
}

// The owner's socket asks for no token. So it takes nothing that speaks for a web page
// (a browser's local proxy, a page behind a helper), and serves the protocol and
// nothing that an agent or a client of a model could be joined to.
func TestTheOwnersSocketServesTheProtocolAlone(t *testing.T) {
	h := start(t, "")
	socket := func(more ...string) map[string]string { return with(upgradeHeaders, more...) }
	for name, row := range map[string]struct {
		method, path string
		header       map[string]string
		status       int
	}{
		"health":                        {"GET", "/health", nil, 200},
		"the protocol":                  {"GET", "/", socket(), 101},
		"a page":                        {"GET", "/", socket("Origin", "https://evil.example"), 403},
		"a page without an origin":      {"GET", "/", socket("Origin", "null"), 403},
		"a page that says ours":         {"GET", "/", socket("Origin", "http://"+h.Address().String()), 403},
		"a page's fetch":                {"GET", "/health", map[string]string{"Sec-Fetch-Site": "cross-site"}, 403},
		"a page's socket":               {"GET", "/", socket("Sec-Fetch-Site", "same-site"), 403},
		"a token in the address":        {"GET", "/?token=" + h.token, socket(), 400},
		"a socket elsewhere":            {"GET", "/v1/responses", socket("X-Api-Key", h.token), 404},
		"a model call":                  {"POST", "/v1/messages", map[string]string{"X-Api-Key": h.token}, 404},
		"a model call without a token":  {"POST", "/v1/messages", nil, 404},
		"a list of models":              {"GET", "/v1/models", map[string]string{"Authorization": "Bearer " + h.token}, 404},
		"Gemini":                        {"POST", "/v1beta/models/m:generateContent", map[string]string{"X-Goog-Api-Key": h.token}, 404},
		"a provider by its name":        {"POST", "/p/anthropic/v1/messages", map[string]string{"X-Api-Key": h.token}, 404},
		"a path of nothing":             {"GET", "/nothing", nil, 404},
		"something that is not a GET":   {"POST", "/health", nil, 404},
		"whether it is ready":           {"HEAD", "/readyz", nil, 200},
		"a version of it from long ago": {"GET", "/", socket("Sec-WebSocket-Version", "8"), 426},
	} {
		status, text := h.askUnix(row.method, row.path, maps.Clone(row.header))
		if status != row.status || strings.Contains(text, "caller=") {
			t.Errorf("%s: %d %s", name, status, text)
		}
	}
}

// Whom the kernel does not name as the owner gets nothing over the socket, not even
// whether the gateway is well; and a connection of another kind is nobody.
func TestOnlyTheOwnerIsServedOverTheSocket(t *testing.T) {
	h := start(t, "")
	one, other := net.Pipe()
	defer one.Close()
	defer other.Close()
	stranger := context.WithValue(t.Context(), peerKey{}, peerResult{err: &auth.PeerError{Op: "check peer", Err: errors.New("user 65534 is not the gateway's owner")}})
	for name, ctx := range map[string]context.Context{"another user": stranger, "no unix socket": withPeer(t.Context(), one), "nobody": t.Context()} {
		for _, path := range []string{"/health", "/", "/v1/messages"} {
			r := httptest.NewRequestWithContext(ctx, http.MethodGet, path, nil)
			for header, value := range upgradeHeaders {
				r.Header.Set(header, value)
			}
			w := httptest.NewRecorder()
			h.unixHandler().ServeHTTP(w, r)
			if w.Code != http.StatusForbidden || w.Header().Get("Connection") != "close" {
				t.Errorf("%s at %s: %d %s", name, path, w.Code, w.Body)
			}
		}
	}
}
