package hub

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"runtime/debug"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/gorilla/websocket"

	"openclaw/gateway/wire"
)

// serve is the handshake and what follows it once, on a goroutine of its own: they
// need a deep stack, and an idle connection must not keep that. A stack is halved
// only where a quarter of it would do, and what waits for a frame needs more than
// that of 8 KiB.
func (c *Conn) serve() {
	if c.handshake() {
		c.hub.options.Opened(c)
		c.ws.SetReadLimit(wire.MaxFrame)
		c.ws.SetPongHandler(func(string) error { return c.moveDeadline() })
		c.begin()
		c.hub.alive.Go(c.live)
		return
	}
	c.over()
}

// over is called once, at the end of a connection: of its handshake, or of its life.
func (c *Conn) over() {
	c.ws.NetConn().Close()
	c.cancel()
	c.Peer.Gone()
	c.hub.left(c)
}

// live is the rest of the connection's life. Reading and serving a request makes a
// stack deep, so the next one is waited for on another goroutine: see serve.
func (c *Conn) live() {
	reason := c.next()
	if reason == "" {
		c.hub.alive.Go(c.live)
		return
	}
	defer c.over()
	c.Close(wire.CloseNormal, reason)
	c.writers.Wait()
	c.linger()
	c.handlers.Wait()
	c.mu.Lock()
	reason = c.reason
	c.mu.Unlock()
	c.hub.left(c)
	c.hub.options.Closed(c, reason)
}

// maxLinger bounds what is read of a client that was told to go, in bytes.
const maxLinger = 1 << 20

// linger reads until the client has answered the close frame or a second is
// over; a socket that is closed with unread bytes would take the close frame
// with it. Past a breach of the protocol there are no more frames, only bytes.
func (c *Conn) linger() {
	for {
		_, _, err := c.ws.NextReader()
		if err == nil {
			continue
		}
		var closed *websocket.CloseError
		var timeout interface{ Timeout() bool }
		if errors.As(err, &closed) || errors.As(err, &timeout) && timeout.Timeout() || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return
		}
		break
	}
	conn := c.ws.NetConn()
	if strict, is := conn.(*strictConn); is {
		conn = strict.Conn
	}
	_ = conn.SetReadDeadline(time.Now().Add(time.Second)) // a connection that is gone says so below
	_, _ = io.CopyN(io.Discard, conn, maxLinger)
}

// next waits for one request and serves it, or returns why the connection ends.
func (c *Conn) next() string {
	if err := c.moveDeadline(); err != nil {
		return "the client is gone"
	}
	kind, frame, err := c.ws.ReadMessage()
	if err != nil {
		if breach, is := errors.AsType[*FrameError](err); is {
			c.Close(wire.CloseProtocol, breach.Breach)
		}
		return describe(err)
	}
	if c.ctx.Err() != nil {
		return "closing"
	}
	c.received.Add(int64(len(frame)))
	if code, reason := checkText(kind, frame); code != 0 {
		c.Close(code, reason)
		return reason
	}
	request, err := wire.DecodeRequest(frame)
	if err != nil && request.ID == "" {
		c.Close(wire.CloseProtocol, "invalid frame: "+err.Error())
		return "invalid frame"
	}
	if err != nil {
		c.reply(c.refused(request.ID, "", wire.Invalid("invalid request frame: "+err.Error())))
		return ""
	}
	c.dispatch(request)
	return ""
}

// checkText refuses binary frames, and text that is not UTF-8, which the
// WebSocket library lets through.
func checkText(kind int, frame []byte) (code int, reason string) {
	switch {
	case kind != websocket.TextMessage:
		return wire.CloseUnsupported, "binary frames are not part of the protocol"
	case !utf8.Valid(frame):
		return wire.CloseInvalidText, "text is not UTF-8"
	}
	return 0, ""
}

func describe(err error) string {
	var closed *websocket.CloseError
	var timeout interface{ Timeout() bool }
	var breach *FrameError
	switch {
	case errors.As(err, &breach):
		return breach.Error()
	case errors.As(err, &closed):
		return "closed by the client (" + strconv.Itoa(closed.Code) + ")"
	case errors.Is(err, websocket.ErrReadLimit):
		return "frame too big"
	case errors.As(err, &timeout) && timeout.Timeout():
		return "the client was silent too long"
	default:
		return "the client is gone"
	}
}

// dispatch runs a request: a quick one here, any other beside the reader, and
// waits when too many are under way.
func (c *Conn) dispatch(request wire.Request) {
	if room := c.hub.options.Room; room != nil {
		if retry, ok := room(c); !ok {
			c.reply(c.refused(request.ID, c.hub.options.Table.known(request.Method), wire.TooMany(retry)))
			return
		}
	}
	method, refusal := c.hub.options.Table.find(c, request.Method)
	if refusal != nil {
		c.reply(c.refused(request.ID, c.hub.options.Table.known(request.Method), refusal))
		return
	}
	call := &Call{Conn: c, Method: request.Method, Params: request.Params, id: request.ID}
	if method.Quick {
		c.reply(c.answer(request.ID, method, call))
		call.answered()
		return
	}
	select {
	case c.slots <- struct{}{}:
	case <-c.ctx.Done():
		return
	}
	c.handlers.Go(func() {
		defer func() { <-c.slots }()
		c.reply(c.answer(request.ID, method, call))
		call.answered()
	})
}

// answer runs the handler and returns the response frame.
func (c *Conn) answer(id string, method *Method, call *Call) (frame []byte) {
	log := c.hub.options.Log
	defer func() {
		if p := recover(); p != nil {
			log.Error("a request handler panicked", slog.String("method", method.Name), slog.Any("panic", p), slog.String("stack", string(debug.Stack())))
			frame = c.refused(id, method.Name, wire.Unavailable("internal error", "the gateway's log has the details"))
		}
	}()
	result, err := method.Handle(c.ctx, call)
	if err == nil {
		if frame, err = wire.EncodeResult(id, result); err == nil {
			c.hub.options.Served(c, method.Name, nil)
			return frame
		}
	}
	if refusal, is := errors.AsType[*wire.Error](err); is {
		return c.refused(id, method.Name, refusal)
	}
	if errors.Is(err, context.Canceled) {
		return c.refused(id, method.Name, wire.Unavailable("the request was cancelled", ""))
	}
	log.Error("a request failed", slog.String("method", method.Name), slog.Any("error", err))
	return c.refused(id, method.Name, wire.Unavailable("internal error", "the gateway's log has the details"))
}

// reply queues a response and waits for room: a client that does not read its
// answers gets no more of its requests served.
func (c *Conn) reply(frame []byte) {
	_ = c.enqueue(c.ctx, outgoing{kind: outFrame, body: frame}) // the connection is over: nobody waits for the answer
}

func truncate(s string, n int) string {
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}

func tickPayload(now time.Time) []byte {
	return []byte(`{"ts":` + strconv.FormatInt(now.UnixMilli(), 10) + `}`)
}
