package hub

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"time"
	"unicode"

	"github.com/gorilla/websocket"

	"openclaw/gateway/wire"
)

// maxClientText bounds what a client says of itself and we keep, in bytes.
const maxClientText = 128

// handshake speaks first, reads one connect and answers it. On success the
// connection is among the hub's and ready for read and write.
func (c *Conn) handshake() bool {
	h := c.hub
	challenge := wire.Challenge{Nonce: newID(), TS: h.options.Now().UnixMilli()}
	deadline := time.Now().Add(h.limits.Handshake)
	payload, err := json.Marshal(challenge)
	if err != nil {
		return false
	}
	c.ws.SetReadLimit(wire.MaxHandshakeFrame)
	// Pings before the handshake move nothing: the deadline stands.
	if c.ws.SetReadDeadline(deadline) != nil || c.ws.SetWriteDeadline(deadline) != nil ||
		c.ws.WriteMessage(websocket.TextMessage, wire.EncodeEvent(wire.EventChallenge, payload, 0)) != nil {
		return false
	}
	kind, frame, err := c.ws.ReadMessage()
	if err != nil {
		var timeout interface{ Timeout() bool }
		reason := describe(err)
		if errors.As(err, &timeout) && timeout.Timeout() {
			reason = "no connect in time"
			c.sayClose(wire.CloseNormal, reason)
		}
		h.options.Refused(c.ID, c.Peer, c.Client, reason)
		if breach, is := errors.AsType[*FrameError](err); is {
			c.sayClose(wire.CloseProtocol, breach.Breach)
		}
		_ = c.ws.SetReadDeadline(time.Now().Add(time.Second))
		c.linger()
		return false
	}
	c.received.Add(int64(len(frame)))
	if code, reason := checkText(kind, frame); code != 0 {
		return c.turnAway(code, reason)
	}
	request, err := wire.DecodeRequest(frame)
	if err != nil {
		return c.turnAway(wire.ClosePolicy, "invalid handshake: "+err.Error())
	}
	if request.Method != wire.MethodConnect {
		return c.turnAway(wire.ClosePolicy, "invalid handshake: first request must be connect")
	}
	var connect wire.Connect
	if err := wire.DecodeParams(wire.MethodConnect, request.Params, &connect); err != nil {
		return c.refuse(request.ID, &Refusal{Error: wire.Invalid(err.Error()), Code: wire.ClosePolicy})
	}
	c.Client = cleanClient(connect.Client)
	if refusal := checkProtocol(connect); refusal != nil {
		return c.refuse(request.ID, refusal)
	}
	// A client that hangs up must not leave its admission waiting: but only
	// the deadline is watched here, since one goroutine is the price of a
	// socket before its handshake.
	ctx, cancel := context.WithDeadline(c.ctx, deadline)
	admission, refusal := h.options.Admit(ctx, c.Peer, connect, challenge)
	cancel()
	if refusal != nil {
		return c.refuse(request.ID, refusal)
	}
	c.Admission, c.Opened = admission, h.options.Now()
	c.queue = newQueue(h.limits.Queue)
	c.slots = make(chan struct{}, h.limits.Requests)
	hello, err := wire.EncodeResult(request.ID, c.hello())
	if err != nil {
		return c.turnAway(wire.CloseInternal, "internal error")
	}
	// From here on stop tells it goodbye; what is queued for it meanwhile waits
	// for its writer, and so comes after the hello.
	if !h.admitted(c) {
		return c.turnAway(wire.CloseRestart, "gateway stopping")
	}
	c.sent.Add(int64(len(hello)))
	return c.ws.SetWriteDeadline(time.Now().Add(h.limits.Write)) == nil && c.ws.WriteMessage(websocket.TextMessage, hello) == nil
}

func checkProtocol(connect wire.Connect) *Refusal {
	if connect.MinProtocol <= wire.Version && connect.MaxProtocol >= wire.Version {
		return nil
	}
	return &Refusal{Code: wire.CloseProtocol, Error: &wire.Error{
		Code: wire.CodeInvalidRequest, Message: "protocol mismatch",
		Details: map[string]any{
			"code": wire.DetailProtocolMismatch, "clientMinProtocol": connect.MinProtocol, "clientMaxProtocol": connect.MaxProtocol,
			"expectedProtocol": wire.Version, "minimumProbeProtocol": 3,
		},
	}}
}

func (c *Conn) hello() wire.Hello {
	h := c.hub
	snapshot := h.options.Snapshot(c)
	if snapshot.Presence == nil {
		snapshot.Presence = []wire.Presence{}
	}
	if snapshot.Health == nil {
		snapshot.Health = json.RawMessage(`{"ok":true}`)
	}
	return wire.Hello{
		Type: wire.HelloOK, Protocol: wire.Version,
		Server:   wire.Server{Version: h.options.Version, BootID: h.options.BootID, ConnID: c.ID},
		Features: wire.Features{Methods: h.options.Table.Names(), Events: h.options.Events},
		Snapshot: snapshot,
		Auth:     wire.Granted{Role: c.Admission.Role, Scopes: c.Admission.Scopes.Strings()},
		Policy:   wire.Policy{MaxPayload: wire.MaxFrame, MaxBufferedBytes: wire.MaxBuffered, TickIntervalMS: int64(tickSteps) * h.limits.Step.Milliseconds()},
	}
}

// refuse answers the connect and closes.
func (c *Conn) refuse(id string, refusal *Refusal) bool {
	reason := refusal.Reason
	if reason == "" {
		reason = refusal.Error.Message
	}
	if c.ws.SetWriteDeadline(time.Now().Add(c.hub.limits.Write)) == nil {
		_ = c.ws.WriteMessage(websocket.TextMessage, c.refusal(id, refusal.Error)) // turnAway closes either way
	}
	return c.turnAway(refusal.Code, reason)
}

// turnAway closes a socket before its handshake.
func (c *Conn) turnAway(code int, reason string) bool {
	c.hub.options.Refused(c.ID, c.Peer, c.Client, reason)
	c.sayClose(code, reason)
	_ = c.ws.SetReadDeadline(time.Now().Add(time.Second))
	c.linger()
	return false
}

// cleanClient keeps what a client says of itself short and printable: it is
// shown to people.
func cleanClient(in wire.ClientInfo) wire.ClientInfo {
	clean := func(s string) string {
		s = strings.Map(func(r rune) rune {
			if !unicode.IsPrint(r) {
				return -1
			}
			return r
		}, s)
		if len(s) > maxClientText {
			s = truncate(s, maxClientText)
		}
		return s
	}
	return wire.ClientInfo{
		ID: clean(in.ID), DisplayName: clean(in.DisplayName), Version: clean(in.Version), Platform: clean(in.Platform),
		DeviceFamily: clean(in.DeviceFamily), Mode: clean(in.Mode), InstanceID: clean(in.InstanceID),
	}
}
