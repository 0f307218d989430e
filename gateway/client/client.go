package client

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/gorilla/websocket"

	"openclaw/gateway/wire"
)

const (
	eventRoom    = 1024             // events that wait to be read
	maxPending   = 1024             // calls under way
	writeTimeout = 10 * time.Second // of one request
)

// Client is one connection. Its methods are safe for concurrent use.
type Client struct {
	ws     *websocket.Conn
	hello  json.RawMessage // all that the gateway said of itself
	silent time.Duration   // without a word from the gateway: it is dead
	events chan wire.Event
	done   chan struct{} // closed when the reader is gone
	spare  chan []byte   // memory of packed events that were read

	writing sync.Mutex // held over a write

	mu      sync.Mutex // guards the fields below
	next    uint64
	pending map[string]chan *wire.Response
	failure error
	closing bool
}

func newClient(ws *websocket.Conn, hello greeting, whole json.RawMessage) *Client {
	tick := time.Duration(hello.Policy.TickIntervalMS) * time.Millisecond
	if tick <= 0 || tick > 5*time.Minute {
		tick = wire.TickInterval
	}
	c := &Client{
		ws: ws, hello: whole, silent: 2*tick + tick/6, // the sixth is for the way
		events: make(chan wire.Event, eventRoom), done: make(chan struct{}), spare: make(chan []byte, 4), pending: map[string]chan *wire.Response{},
	}
	ws.SetPingHandler(func(data string) error {
		_ = ws.SetReadDeadline(time.Now().Add(c.silent))
		_ = ws.WriteControl(websocket.PongMessage, []byte(data), time.Now().Add(time.Second)) // the reader sees a broken connection itself
		return nil
	})
	go c.read()
	return c
}

// Hello is what the gateway said of itself, as far as it has the expected shape.
func (c *Client) Hello() wire.Hello {
	var hello wire.Hello
	_ = json.Unmarshal(c.hello, &hello) // what is there is there
	return hello
}

// Events delivers what the gateway pushes, without ticks; it is closed when
// the connection ends. Nobody has to read it. When it is full, bus events are
// left out (a gap in their Seq shows it); any other event that has no room
// breaks the connection, because nobody would send it again.
func (c *Client) Events() <-chan wire.Event { return c.events }

// Done is closed when the connection is over; Err says why.
func (c *Client) Done() <-chan struct{} { return c.done }

// Err is why the connection ended; nil while it lives.
func (c *Client) Err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.failure
}

// Call asks method and decodes the answer into result, unless result is nil.
// A refusal of the gateway is a *wire.Error.
func (c *Client) Call(ctx context.Context, method string, params, result any) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	request := wire.Request{Type: "req", Method: method}
	if params != nil {
		body, err := json.Marshal(params)
		if err != nil {
			return err
		}
		request.Params = body
		defer clear(body) // it may hold a secret
	}
	answer := make(chan *wire.Response, 1)
	c.mu.Lock()
	if c.failure != nil || c.closing {
		err := c.failure
		c.mu.Unlock()
		if err == nil {
			err = &Error{Op: "call " + method, Kind: KindBroken, Err: errors.New("the connection is closed")}
		}
		return err
	}
	if len(c.pending) >= maxPending {
		c.mu.Unlock()
		return &wire.Error{Code: wire.CodeRateLimited, Message: "too many calls at once", Retryable: true}
	}
	c.next++
	request.ID = strconv.FormatUint(c.next, 10)
	c.pending[request.ID] = answer
	c.mu.Unlock()
	defer c.forget(request.ID)

	frame, err := json.Marshal(request)
	if err != nil {
		return err
	}
	if err := c.write(frame); err != nil {
		return err
	}
	select {
	case response := <-answer:
		return finish(method, response, result)
	case <-c.done:
		select { // the answer may have been the last word
		case response := <-answer:
			return finish(method, response, result)
		default:
			return c.Err()
		}
	case <-ctx.Done():
		return ctx.Err()
	}
}

func finish(method string, response *wire.Response, result any) error {
	if !response.OK {
		return response.Error
	}
	if result == nil || len(response.Payload) == 0 {
		return nil
	}
	if err := json.Unmarshal(response.Payload, result); err != nil {
		return &Error{Op: "call " + method, Kind: KindBroken, Err: errors.New("the answer does not have the expected shape"), Hint: "gateway and program may be of different versions"}
	}
	return nil
}

func (c *Client) forget(id string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.pending, id)
}

func (c *Client) write(frame []byte) error {
	c.writing.Lock()
	defer c.writing.Unlock()
	defer clear(frame)
	err := c.ws.SetWriteDeadline(time.Now().Add(writeTimeout))
	if err == nil {
		err = c.ws.WriteMessage(websocket.TextMessage, frame)
	}
	if err != nil {
		_ = c.ws.NetConn().Close() // the reader ends by that
		return &Error{Op: "write to gateway", Kind: KindBroken, Err: err, Hint: hintBroken}
	}
	return nil
}

// read is the connection's only reader; it ends with the connection.
func (c *Client) read() {
	err := c.readAll()
	c.mu.Lock()
	if c.failure == nil {
		c.failure = err
	}
	c.mu.Unlock()
	_ = c.ws.NetConn().Close()
	close(c.events)
	close(c.done)
}

func (c *Client) readAll() error {
	for {
		_ = c.ws.SetReadDeadline(time.Now().Add(c.silent))
		frame, err := c.readFrame()
		if err != nil {
			return describe(err)
		}
		if frame.Response != nil {
			c.mu.Lock()
			answer := c.pending[frame.Response.ID]
			delete(c.pending, frame.Response.ID)
			c.mu.Unlock()
			if answer != nil {
				answer <- frame.Response // it has room for the one
			}
			continue
		}
		if frame.Event.Event == wire.EventTick {
			continue
		}
		select {
		case c.events <- *frame.Event:
		default:
			if frame.Event.Event != wire.EventName && frame.Event.Event != wire.EventPacked {
				return &Error{Op: "read from gateway", Kind: KindBroken, Err: errors.New("events arrive faster than they are read")}
			}
		}
	}
}

// readFrame reads a frame, packed events too.
func (c *Client) readFrame() (wire.Frame, error) {
	kind, in, err := c.ws.NextReader()
	if err != nil {
		return wire.Frame{}, err
	}
	if kind == websocket.BinaryMessage {
		packed, err := c.readPacked(in)
		return wire.Frame{Event: &wire.Event{Event: wire.EventPacked, Payload: packed}}, err
	}
	data, err := io.ReadAll(in)
	if err != nil {
		return wire.Frame{}, err
	}
	return wire.DecodeFrame(data)
}

// readPacked is io.ReadAll into memory that was used before, if there is some.
func (c *Client) readPacked(in io.Reader) ([]byte, error) {
	var data []byte
	select {
	case data = <-c.spare:
	default:
	}
	for data = data[:0]; ; {
		data = slices.Grow(data, 4<<10)
		n, err := in.Read(data[len(data):cap(data)])
		data = data[:len(data)+n]
		if errors.Is(err, io.EOF) {
			return data, nil
		}
		if err != nil {
			return nil, err
		}
	}
}

// reuse takes back the memory of packed events that were read.
func (c *Client) reuse(packed []byte) {
	if cap(packed) > 4*wire.MaxPacked {
		return // one event was long
	}
	select {
	case c.spare <- packed:
	default:
	}
}

// hintBroken is what a person can do about a gateway that is gone without a word.
const hintBroken = "see whether the gateway still runs: 'openclaw gateway status'"

func describe(err error) error {
	if closed, is := errors.AsType[*websocket.CloseError](err); is {
		text := closed.Text
		if text == "" {
			text = "close code " + strconv.Itoa(closed.Code)
		}
		failure := &Error{Op: "read from gateway", Kind: KindBroken, Err: errors.New(text)}
		if closed.Code == websocket.CloseAbnormalClosure { // it said nothing of why: it was killed
			failure.Hint = hintBroken
		}
		return failure
	}
	var timeout interface{ Timeout() bool }
	if errors.As(err, &timeout) && timeout.Timeout() {
		return &Error{Op: "read from gateway", Kind: KindBroken, Err: errors.New("the gateway said nothing for two ticks")}
	}
	return &Error{Op: "read from gateway", Kind: KindBroken, Err: err, Hint: hintBroken}
}

// Close ends the connection and waits for the reader.
func (c *Client) Close() error {
	c.mu.Lock()
	c.closing = true
	if c.failure == nil {
		c.failure = &Error{Op: "read from gateway", Kind: KindBroken, Err: errors.New("the connection is closed")}
	}
	c.mu.Unlock()
	_ = c.ws.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(wire.CloseNormal, ""), time.Now().Add(time.Second))
	_ = c.ws.NetConn().Close()
	<-c.done
	return nil
}
