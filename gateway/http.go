package gateway

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"unicode"

	"github.com/gorilla/websocket"

	"openclaw/gateway/auth"
	"openclaw/gateway/hub"
	"openclaw/gateway/limit"
)

func newUpgrader() *websocket.Upgrader {
	return &websocket.Upgrader{
		HandshakeTimeout: headerTimeout, ReadBufferSize: 256, WriteBufferSize: 4096, WriteBufferPool: &sync.Pool{},
		CheckOrigin: func(*http.Request) bool { return true }, // judged before the upgrade
		Error: func(w http.ResponseWriter, _ *http.Request, status int, reason error) {
			writeError(w, status, "invalid_request_error", reason.Error())
		},
	}
}

// errorBody is understood by the protocol's clients and by those of both kinds
// of providers.
type errorBody struct {
	Type  string    `json:"type"`
	Error errorText `json:"error"`
}

type errorText struct {
	Type    string `json:"type"`
	Message string `json:"message"`
}

func writeError(w http.ResponseWriter, status int, kind, message string) {
	body, _ := json.Marshal(errorBody{Type: "error", Error: errorText{kind, message}}) // strings always encode
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(body) // a caller that is gone needs no answer
}

// geminiBody is an error as the clients of Google's API read it.
type geminiBody struct {
	Error geminiText `json:"error"`
}

type geminiText struct {
	Code    int    `json:"code"`
	Message string `json:"message"`
	Status  string `json:"status"`
}

// writeErrorFor is writeError in the shape of the API whose path it is.
func writeErrorFor(w http.ResponseWriter, r *http.Request, status int, kind, message string) {
	if !strings.HasPrefix(r.URL.Path, "/v1beta/") {
		writeError(w, status, kind, message)
		return
	}
	code := "INVALID_ARGUMENT"
	switch status { // google.rpc.Code
	case http.StatusUnauthorized:
		code = "UNAUTHENTICATED"
	case http.StatusForbidden:
		code = "PERMISSION_DENIED"
	case http.StatusTooManyRequests:
		code = "RESOURCE_EXHAUSTED"
	case http.StatusServiceUnavailable:
		code = "UNAVAILABLE"
	}
	body, _ := json.Marshal(geminiBody{geminiText{status, message, code}}) // strings and a number always encode
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(body) // as above
}

func writeJSON(w http.ResponseWriter, r *http.Request, status int, body string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	if r.Method != http.MethodHead {
		_, _ = w.Write([]byte(body)) // as above
	}
}

func hardened(w http.ResponseWriter) {
	h, values := w.Header(), [...]string{"nosniff", "no-referrer", "no-store"}
	h["X-Content-Type-Options"], h["Referrer-Policy"], h["Cache-Control"] = values[0:1:1], values[1:2:2], values[2:3:3]
}

// recovered makes a panic that request's 500. And it bounds the wait for a client to
// take its answer: who asks without end and reads nothing is given up.
func (g *Gateway) recovered(next http.HandlerFunc) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		patient := newPatience(w)
		defer patient.end()
		defer func() {
			p := recover()
			if p == nil {
				return
			}
			if err, is := p.(error); is && errors.Is(err, http.ErrAbortHandler) {
				panic(p) // how a handler cuts a connection
			}
			g.log.Error("a request panicked", slog.String("path", r.URL.Path), slog.Any("panic", p), slog.String("stack", string(debug.Stack())))
			writeError(patient, http.StatusInternalServerError, "api_error", "internal error")
		}()
		next(patient, r)
	})
}

// begun notes that an answer has begun.
type begun struct {
	http.ResponseWriter
	yes bool
}

func (b *begun) WriteHeader(status int) {
	b.yes = b.yes || status >= http.StatusOK
	b.ResponseWriter.WriteHeader(status)
}

func (b *begun) Write(text []byte) (int, error) {
	b.yes = true
	return b.ResponseWriter.Write(text)
}

// Unwrap is for http.ResponseController.
func (b *begun) Unwrap() http.ResponseWriter { return b.ResponseWriter }

// whole serves a request so that a panic in the middle of the answer cuts it: an
// error put behind half an answer would look like its end.
func (g *Gateway) whole(w http.ResponseWriter, r *http.Request, next http.Handler) {
	watched := &begun{ResponseWriter: w}
	defer func() {
		p := recover()
		if p == nil {
			return
		}
		if err, is := p.(error); is && errors.Is(err, http.ErrAbortHandler) || !watched.yes {
			panic(p) // as recovered has it
		}
		g.log.Error("a request panicked in the middle of its answer", slog.String("path", r.URL.Path), slog.Any("panic", p), slog.String("stack", string(debug.Stack())))
		panic(http.ErrAbortHandler)
	}()
	next.ServeHTTP(watched, r)
}

// tcpHandler is the order of what a request over TCP passes.
func (g *Gateway) tcpHandler() http.Handler {
	return g.recovered(func(w http.ResponseWriter, r *http.Request) {
		hardened(w)
		boundBody(w, r)
		r = g.arrived(r)
		if g.shutOut(w, r) {
			return
		}
		if limit.Over(r.Context()) {
			w.Header().Set("Connection", "close")
			w.Header().Set("Retry-After", "1")
			g.refuse(w, r, http.StatusTooManyRequests, "rate_limit_error", tooManyConnections)
			return
		}
		site := g.site()
		switch {
		case !site.CheckHost(r.Host):
			g.refuse(w, r, http.StatusMisdirectedRequest, "invalid_request_error", "this gateway does not answer to that Host; add it to gateway.allowed_hosts if it should")
			return
		case !site.CheckOrigin(r.Header):
			g.refuse(w, r, http.StatusForbidden, "permission_error", "web pages of that Origin may not use this gateway; add it to gateway.allowed_origins if they should")
			return
		case !auth.CheckFetchSite(r.Header):
			g.refuse(w, r, http.StatusForbidden, "permission_error", "a web page of another site may not use this gateway")
			return
		}
		if !g.stillWelcome(w, r) {
			return
		}
		upgrade := websocket.IsWebSocketUpgrade(r)
		// Of this machine everybody may ask how the gateway is, as often as they like:
		// they have one address, and one program would answer for another's flood.
		if !isProviderRoute(r.URL.Path) && !visitorOf(r).address.IsLoopback() && !g.withinRate(w, r, "") {
			return
		}
		switch path := r.URL.Path; {
		case upgrade && path == "/":
			leave, ok := g.visit(w, r)
			if !ok {
				return
			}
			v := visitorOf(r)
			g.serveSocket(w, r, withCertificate(r.Context(), hub.Peer{
				Kind: hub.KindTCP, Address: v.address, From: v.from, Browser: r.Header.Get("Origin") != "", Trusted: limit.Holder(r.Context()), Left: leave,
			}))
		case g.serveHealth(w, r):
		case isProviderRoute(path) && climbs(path):
			g.refuse(w, r, http.StatusBadRequest, "invalid_request_error", "the path climbs out of its provider")
		case isProviderRoute(path):
			g.serveProvider(w, r)
		default:
			g.serveNothing(w, r)
		}
	})
}

// unixHandler serves the owner's socket: the protocol and health.
func (g *Gateway) unixHandler() http.Handler {
	return g.recovered(func(w http.ResponseWriter, r *http.Request) {
		hardened(w)
		peer, err := peerOf(r.Context())
		if err != nil {
			w.Header().Set("Connection", "close")
			g.log.Warn("the unix socket refused a peer", slog.Any("error", err))
			g.refuse(w, r, http.StatusForbidden, "permission_error", err.Error())
			return
		}
		if len(r.Header.Values("Origin")) != 0 || !auth.CheckFetchSite(r.Header) {
			g.refuse(w, r, http.StatusForbidden, "permission_error", "web pages may not use this socket")
			return
		}
		switch {
		case websocket.IsWebSocketUpgrade(r) && r.URL.Path == "/":
			g.serveSocket(w, r, hub.Peer{Kind: hub.KindUnix, From: "unix", PID: peer.PID})
		case g.serveHealth(w, r):
		default:
			writeError(w, http.StatusNotFound, "not_found_error", "the unix socket serves the gateway protocol only")
		}
	})
}

func (g *Gateway) serveSocket(w http.ResponseWriter, r *http.Request, peer hub.Peer) {
	if r.URL.RawQuery != "" {
		// A token in an address ends in logs and histories, and nothing else belongs there.
		g.refuse(w, r, http.StatusBadRequest, "invalid_request_error", "the gateway's address takes no query; a token goes into the connect frame")
		peer.Gone()
		return
	}
	if r.Header.Get("Sec-Websocket-Version") != "13" {
		w.Header().Set("Sec-WebSocket-Version", "13") // RFC 6455, section 4.4
		g.refuse(w, r, http.StatusUpgradeRequired, "invalid_request_error", "this gateway speaks version 13 of the WebSocket protocol")
		peer.Gone()
		return
	}
	ws, err := g.upgrader.Upgrade(hub.Strict(w), r, nil)
	if err != nil {
		peer.Gone()
		return // Upgrade has answered
	}
	g.hub.Serve(ws, peer)
}

// serveHealth answers what needs no authentication; false when it is another
// path.
func (g *Gateway) serveHealth(w http.ResponseWriter, r *http.Request) bool {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		return false
	}
	switch r.URL.Path {
	case "/health", "/healthz", "/":
		writeJSON(w, r, http.StatusOK, `{"ok":true,"status":"live"}`)
	case "/readyz":
		select {
		case <-g.ready:
			writeJSON(w, r, http.StatusOK, `{"ready":true,"failing":[],"uptimeMs":`+strconv.FormatInt(g.uptime().Milliseconds(), 10)+`}`)
		default:
			writeJSON(w, r, http.StatusServiceUnavailable, `{"ready":false,"failing":["starting"]}`)
		}
	default:
		return false
	}
	return true
}

// serveNothing answers a path that is not there. Whoever shows an agent's token
// is told that it opens nothing here.
func (g *Gateway) serveNothing(w http.ResponseWriter, r *http.Request) {
	for _, candidate := range auth.Candidates(r) {
		if _, is := g.agents.Lookup(candidate); is {
			g.refuse(w, r, http.StatusForbidden, "permission_error", "an agent's token opens the providers' routes only")
			return
		}
	}
	writeError(w, http.StatusNotFound, "not_found_error", "there is nothing at this path")
}

// isProviderRoute reports whether a path belongs to a model provider.
func isProviderRoute(path string) bool {
	return strings.HasPrefix(path, "/v1/") || strings.HasPrefix(path, "/v1beta/") || strings.HasPrefix(path, "/p/")
}

// climbs reports whether a path, decoded, has a segment that leads upwards: what
// it reaches at the provider is not what it says.
func climbs(path string) bool {
	for segment := range strings.SplitSeq(strings.ReplaceAll(path, "\\", "/"), "/") {
		if segment == ".." || segment == "." {
			return true
		}
	}
	return false
}

// short bounds what a stranger can put on the screen and into the log. It cuts no word:
// half of a secret is not known for one by whoever masks it later.
func short(text string) string { return shortened(text, shortText) }

func shortened(text string, most int) string {
	if len(text) <= most {
		return text
	}
	cut := strings.TrimRightFunc(strings.ToValidUTF8(text[:most], ""), func(r rune) bool {
		return unicode.IsLetter(r) || unicode.IsDigit(r) || strings.ContainsRune("-_.+=~%", r)
	})
	return cut + "…"
}

// shortText is in bytes.
const shortText = 200

func peerAddress(r *http.Request) netip.Addr {
	address, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	return address.Addr().Unmap()
}

type peerKey struct{}

type peerResult struct {
	peer auth.Peer
	err  error
}

// withPeer is the unix server's ConnContext: the kernel is asked once a
// connection.
func withPeer(ctx context.Context, c net.Conn) context.Context {
	result := peerResult{err: errors.New("check peer: not a unix socket")}
	if socket, is := c.(*net.UnixConn); is {
		result.peer, result.err = auth.PeerOf(socket)
	}
	return context.WithValue(ctx, peerKey{}, result)
}

func peerOf(ctx context.Context) (auth.Peer, error) {
	result, is := ctx.Value(peerKey{}).(peerResult)
	if !is {
		return auth.Peer{}, errors.New("check peer: the peer is not known")
	}
	return result.peer, result.err
}
