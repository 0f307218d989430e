package client

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"runtime"
	"time"

	"github.com/google/uuid"
	"github.com/gorilla/websocket"

	"openclaw/gateway/wire"
	"openclaw/keychain"
)

// Options say where the gateway is and who calls. Exactly one of Socket and URL
// is set.
type Options struct {
	Socket  string          // path of the gateway's unix socket: the peer's uid is the proof
	URL     string          // ws:// of this machine, or wss://
	TLS     *tls.Config     // for wss://; nil: the system's authorities and no certificate
	Token   keychain.Secret // for URL
	Name    string          // "cli", "openclaw-tui"…: client.id of the protocol; default "gateway-client"
	Version string
	Scopes  []string         // default: all of them, of which the gateway grants those of the token
	Now     func() time.Time // default: time.Now
}

// everyScope is what is asked for by default. Each by name, though admin implies the
// others: a token that has less than admin is granted what it has of what was asked.
func everyScope() []string {
	return []string{"operator.admin", "operator.approvals", "operator.pairing", "operator.questions", "operator.read", "operator.talk", "operator.talk.secrets", "operator.write"}
}

// Dial connects and shakes hands, at most as long as ctx and the protocol's
// 15 s. Nobody listening is an *Error of KindUnreachable that wraps the
// system's; a refusal is one of KindRefused that wraps the gateway's
// *wire.Error.
func Dial(ctx context.Context, options Options) (*Client, error) {
	if options.Now == nil {
		options.Now = time.Now
	}
	if options.Name == "" {
		options.Name = "gateway-client"
	}
	if options.Scopes == nil {
		options.Scopes = everyScope()
	}
	ctx, cancel := context.WithTimeout(ctx, wire.HandshakeTimeout)
	defer cancel()
	dialer := websocket.Dialer{ReadBufferSize: 4096, WriteBufferSize: 4096, HandshakeTimeout: wire.HandshakeTimeout, TLSClientConfig: options.TLS}
	address := options.URL
	if options.Socket != "" {
		address = "ws://localhost/"
		dialer.NetDialContext = func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "unix", options.Socket)
		}
	} else if err := checkURL(address); err != nil {
		return nil, err
	}
	ws, response, err := dialer.DialContext(ctx, address, nil)
	if response != nil && response.Body != nil {
		defer response.Body.Close()
	}
	if err != nil {
		return nil, dialError(err, response)
	}
	c, err := shakeHands(ctx, ws, options)
	if err != nil {
		_ = ws.Close()
		return nil, err
	}
	return c, nil
}

// checkURL refuses an address that would send the token over a network in
// clear.
func checkURL(address string) error {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.User != nil {
		return &Error{Op: "read gateway address", Kind: KindUnsafe, Err: errors.New("it is not a ws:// or wss:// address"), Hint: "write it like ws://127.0.0.1:18789"}
	}
	if u.RawQuery != "" || u.Fragment != "" {
		return &Error{Op: "read gateway address", Kind: KindUnsafe, Err: errors.New("it has a query"), Hint: "a token is never part of an address"}
	}
	switch u.Scheme {
	case "wss":
		return nil
	case "ws":
		ip, err := netip.ParseAddr(u.Hostname())
		if u.Hostname() == "localhost" || err == nil && ip.Unmap().IsLoopback() {
			return nil
		}
		return &Error{Op: "read gateway address", Kind: KindUnsafe, Err: errors.New("plain ws:// to another machine shows the token to the network"), Hint: "use wss://, or an ssh tunnel to the gateway's own loopback"}
	default:
		return &Error{Op: "read gateway address", Kind: KindUnsafe, Err: errors.New("the scheme is not ws or wss"), Hint: "write it like ws://127.0.0.1:18789"}
	}
}

func dialError(err error, response *http.Response) error {
	if response == nil || !errors.Is(err, websocket.ErrBadHandshake) {
		if refused := tlsError(err); refused != nil {
			return refused
		}
		if errors.Is(err, os.ErrDeadlineExceeded) {
			// The connection has the context's own deadline, and may notice it first.
			err = fmt.Errorf("%w: %w", context.DeadlineExceeded, err)
		}
		return &Error{Op: "connect to gateway", Kind: KindUnreachable, Err: err, Hint: "start it with 'openclaw gateway' or 'openclaw tui'"}
	}
	var body struct {
		Error struct{ Type, Message string }
	}
	text, _ := io.ReadAll(io.LimitReader(response.Body, 2048)) // a refusal without a body is one all the same
	message := "it answered " + response.Status
	if json.Unmarshal(text, &body) == nil && body.Error.Message != "" {
		message = body.Error.Message
	}
	return &Error{Op: "connect to gateway", Kind: KindRefused, Err: errors.New(message)}
}

// greeting is the part of a hello that a connection needs. All of it is read when
// somebody asks for it: a command that calls one method does not, and would wait for it.
type greeting struct {
	Type   string      `json:"type"`
	Policy wire.Policy `json:"policy"`
}

// shakeHands waits for the challenge, sends connect and reads the hello.
func shakeHands(ctx context.Context, ws *websocket.Conn, options Options) (*Client, error) {
	stop := context.AfterFunc(ctx, func() { _ = ws.NetConn().SetDeadline(time.Unix(1, 0)) })
	defer stop()
	ws.SetReadLimit(wire.MaxFrame)
	first, err := readFrame(ws)
	if err != nil {
		return nil, broken(ctx, err)
	}
	var challenge wire.Challenge
	if first.Event == nil || first.Event.Event != wire.EventChallenge || json.Unmarshal(first.Event.Payload, &challenge) != nil || challenge.Nonce == "" {
		return nil, &Error{Op: "connect to gateway", Kind: KindRefused, Err: errors.New("what listens there is not a gateway")}
	}
	params, err := json.Marshal(wire.Connect{
		MinProtocol: wire.Version, MaxProtocol: wire.Version,
		Client: wire.ClientInfo{ID: options.Name, Version: options.Version, Platform: runtime.GOOS, Mode: mode(options.Name), InstanceID: uuid.NewString()},
		Role:   "operator", Scopes: options.Scopes,
		Auth: wire.Credentials{Token: string(options.Token.Reveal())},
	})
	if err != nil {
		return nil, err
	}
	frame, err := json.Marshal(wire.Request{Type: "req", ID: "connect", Method: wire.MethodConnect, Params: params})
	clear(params)
	if err != nil {
		return nil, err
	}
	err = ws.WriteMessage(websocket.TextMessage, frame)
	clear(frame)
	if err != nil {
		return nil, broken(ctx, err)
	}
	answer, err := readFrame(ws)
	if err != nil {
		return nil, broken(ctx, err)
	}
	if answer.Response == nil || answer.Response.ID != "connect" {
		return nil, &Error{Op: "connect to gateway", Kind: KindRefused, Err: errors.New("what listens there is not a gateway")}
	}
	if !answer.Response.OK {
		return nil, &Error{Op: "connect to gateway", Kind: KindRefused, Err: answer.Response.Error, Hint: refusedHint(answer.Response.Error)}
	}
	var hello greeting
	if err := json.Unmarshal(answer.Response.Payload, &hello); err != nil || hello.Type != wire.HelloOK {
		return nil, &Error{Op: "connect to gateway", Kind: KindRefused, Err: errors.New("the gateway's hello does not have its shape")}
	}
	if !stop() { // the deadline struck in this very moment
		return nil, broken(ctx, context.Cause(ctx))
	}
	_ = ws.NetConn().SetDeadline(time.Time{})
	return newClient(ws, hello, answer.Response.Payload), nil
}

func mode(name string) string {
	switch name {
	case "cli":
		return "cli"
	case "openclaw-tui":
		return "ui"
	default:
		return "backend"
	}
}

func refusedHint(e *wire.Error) string {
	if hint := e.Hint(); hint != "" {
		return hint
	}
	if e.Details["code"] == wire.DetailTokenMismatch {
		return "give the gateway's present token in OPENCLAW_GATEWAY_TOKEN"
	}
	return ""
}

func broken(ctx context.Context, err error) error {
	if refused := tlsError(err); refused != nil {
		return refused
	}
	if ctx.Err() != nil {
		err = ctx.Err()
	}
	return &Error{Op: "connect to gateway", Kind: KindBroken, Err: err, Hint: hintBroken}
}

func readFrame(ws *websocket.Conn) (wire.Frame, error) {
	_, data, err := ws.ReadMessage()
	if err != nil {
		return wire.Frame{}, err
	}
	return wire.DecodeFrame(data)
}
