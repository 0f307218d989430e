package hub

import (
	"container/list"
	"context"
	"encoding/json"
	"errors"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gorilla/websocket"

	"openclaw/gateway/auth"
	"openclaw/gateway/wire"
)

// Kinds of a Peer.
const (
	KindTCP  = "ws"
	KindUnix = "unix"
)

// Peer is the other end of a socket, as the system tells it.
type Peer struct {
	Kind    string     // KindTCP or KindUnix
	Address netip.Addr // of KindTCP
	From    string     // for people: "127.0.0.1:51234" or "unix"
	PID     int        // of KindUnix, if the system says
	Browser bool       // the request had an Origin
	Trusted func()     // of KindTCP: to be called when its credential is good
	Left    func()     // called once, when the connection is gone; may be nil

	Certificate string       // name of the client certificate that it showed; may be empty
	Serial      string       // of that certificate
	Still       func() error // why TLS would not let it in now; nil without TLS
}

// Gone says that the connection has ended, or never came to be.
func (p Peer) Gone() {
	if p.Left != nil {
		p.Left()
	}
}

// Admission is what a connect got.
type Admission struct {
	Scopes auth.Scopes
	Role   string
	Method string    // "token" or "peer credentials"
	Token  auth.Hash // of the token that let it in; zero for peer credentials
	Name   string    // of a client token; empty: the operator
}

// Refusal is what a connect got instead.
type Refusal struct {
	Error  *wire.Error
	Code   int    // close code
	Reason string // of the close; empty: the error's message
}

// ErrSlow is why a push failed: the client does not read.
var ErrSlow = errors.New("the client does not keep up")

// ErrClosed is why a push failed: the connection is over.
var ErrClosed = errors.New("the connection is closed")

// Conn is one connection. The exported fields do not change after Opened. Its
// methods are safe for concurrent use.
type Conn struct {
	ID        string
	Peer      Peer
	Client    wire.ClientInfo
	Admission Admission
	Opened    time.Time

	hub     *Hub
	ws      *websocket.Conn
	waiting *list.Element // guarded by hub.mu
	slot    int           // guarded by hub.mu

	ctx      context.Context // ends when the connection is to close
	cancel   context.CancelFunc
	queue    *queue
	slots    chan struct{}
	handlers sync.WaitGroup
	received atomic.Int64 // bytes of messages
	sent     atomic.Int64

	writers sync.WaitGroup // the writer, while there is one
	seq     uint64         // of the last event; the writer's

	mu      sync.Mutex // guards the fields below
	closing bool
	code    int
	reason  string
	started bool // the hello is out: a writer may write
	writing bool // there is a writer
	silent  bool // the goodbye was said, or could not be: there is never a writer again
}

func newConn(h *Hub, ws *websocket.Conn, peer Peer) *Conn {
	c := &Conn{ID: newID(), Peer: peer, hub: h, ws: ws}
	c.ctx, c.cancel = context.WithCancel(WithID(context.Background(), c.ID)) // stop ends it, not a parent: that costs 400 bytes a connection
	return c
}

type idKey struct{}

// WithID is a context of the connection that has an ID.
func WithID(ctx context.Context, id string) context.Context {
	return context.WithValue(ctx, idKey{}, id)
}

// IDOf is the ID of the connection that a context is of: Admit, and the handler of a
// request, are given such a one. Empty: it is of none.
func IDOf(ctx context.Context) string {
	id, _ := ctx.Value(idKey{}).(string)
	return id
}

// Context ends when the connection does.
func (c *Conn) Context() context.Context { return c.ctx }

// Traffic returns the bytes of messages so far, from and to the client.
func (c *Conn) Traffic() (in, out int64) { return c.received.Load(), c.sent.Load() }

// Close says goodbye with code and reason after what is queued already, and
// returns at once. The first call decides.
func (c *Conn) Close(code int, reason string) {
	c.mu.Lock()
	if c.closing {
		c.mu.Unlock()
		return
	}
	c.closing, c.code, c.reason = true, code, reason
	c.mu.Unlock()
	c.cancel()
	c.wake()
}

// begin lets the writer write what waits already.
func (c *Conn) begin() {
	c.mu.Lock()
	c.started = true
	c.mu.Unlock()
	c.wake()
}

// wake makes sure that there is a writer where there is something to write: an idle
// connection has none, and costs no stack for it.
func (c *Conn) wake() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.started || c.writing || c.silent || !c.closing && c.queue.empty() {
		return
	}
	c.writing = true
	c.writers.Go(c.write)
}

// rest reports whether the writer may end: nothing waits. What is queued after it
// finds no writer, and makes one.
func (c *Conn) rest() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closing || !c.queue.empty() {
		return false
	}
	c.writing = false
	return true
}

func (c *Conn) leaving() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.closing
}

// fallSilent ends the writer for good.
func (c *Conn) fallSilent() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.writing, c.silent = false, true
}

// Push queues an event and never blocks. A client whose queue is full is
// closed: it would miss a message that nobody sends again.
func (c *Conn) Push(name string, payload any) error {
	body, err := json.Marshal(payload)
	if err != nil {
		return err
	}
	if c.offer(outgoing{kind: outEvent, name: name, body: body}) {
		return nil
	}
	if c.ctx.Err() != nil {
		return ErrClosed
	}
	c.Close(wire.CloseTryLater, "slow client: too many messages wait for it")
	return ErrSlow
}

// PushWait queues an event and waits for room, until the connection or ctx
// ends. It is for a source that may wait or lose on its own account.
func (c *Conn) PushWait(ctx context.Context, name string, payload any) error {
	body, err := json.Marshal(payload)
	if err != nil {
		return err
	}
	return c.enqueue(ctx, outgoing{kind: outEvent, name: name, body: body})
}

// PushBinary writes a binary frame, which only a client gets that asked for such, and
// returns when it was written: of a client that does not read no more than one waits
// here. The frame belongs to the connection from now on.
func (c *Conn) PushBinary(ctx context.Context, frame []byte) error {
	done := make(chan struct{})
	if err := c.enqueue(ctx, outgoing{kind: outBinary, body: frame, done: done}); err != nil {
		return err
	}
	select {
	case <-done:
		return nil
	case <-c.ctx.Done():
		return ErrClosed
	case <-ctx.Done():
		return ctx.Err()
	}
}

// offer queues without waiting; false when there is no room or no connection.
func (c *Conn) offer(o outgoing) bool {
	if c.ctx.Err() != nil || c.queue.full(len(o.body)) || !c.queue.offer(o) {
		return false
	}
	c.wake()
	return true
}

func (c *Conn) enqueue(ctx context.Context, o outgoing) error {
	if c.queue.full(0) {
		c.Close(wire.CloseTryLater, "slow client: too many bytes wait for it")
		return ErrSlow
	}
	err := c.queue.enqueue(ctx, c.ctx, o)
	c.wake()
	return err
}

// write is the connection's only writer of messages, as long as there are some.
func (c *Conn) write() {
	var batch []outgoing
	for {
		batch = c.queue.take(batch)
		for i, o := range batch {
			batch[i] = outgoing{} // what is written need not be kept
			if c.ctx.Err() != nil {
				c.farewell(append([]outgoing{o}, batch[i+1:]...))
				c.fallSilent()
				return
			}
			if !c.writeOne(o) {
				c.fallSilent()
				return
			}
		}
		switch {
		case c.leaving():
			c.farewell(nil)
			c.fallSilent()
			return
		case c.rest():
			return
		}
	}
}

func (c *Conn) writeOne(o outgoing) bool {
	c.queue.written(o)
	deadline := time.Now().Add(c.hub.limits.Write)
	var err error
	switch o.kind {
	case outPing:
		err = c.ws.WriteControl(websocket.PingMessage, nil, deadline)
	default:
		frame, kind := o.body, websocket.TextMessage
		switch o.kind {
		case outEvent:
			c.seq++
			frame = wire.EncodeEvent(o.name, o.body, c.seq)
		case outBinary:
			kind = websocket.BinaryMessage
		default:
		}
		c.sent.Add(int64(len(frame)))
		if err = c.ws.SetWriteDeadline(deadline); err == nil {
			err = c.ws.WriteMessage(kind, frame)
		}
	}
	if err == nil {
		if o.done != nil {
			close(o.done)
		}
		return true
	}
	var slow interface{ Timeout() bool }
	if errors.As(err, &slow) && slow.Timeout() {
		c.Close(wire.CloseTryLater, "slow client: a write took too long")
	} else {
		c.Close(wire.CloseNormal, "the client is gone")
	}
	_ = c.ws.NetConn().Close() // the reader ends by that
	return false
}

// farewell writes what is left of a batch and what is queued already, then the
// close frame, within the time of one write, and gives the client a second to
// answer.
func (c *Conn) farewell(left []outgoing) {
	until := time.Now().Add(min(c.hub.limits.Write, 3*time.Second))
	for len(left) > 0 || len(c.queue.room) > 0 {
		for _, o := range left {
			if !c.writeOne(o) {
				return
			}
		}
		if time.Now().After(until) {
			_ = c.ws.NetConn().Close() // it reads too slowly for a goodbye
			return
		}
		left = c.queue.take(nil)
	}
	c.mu.Lock()
	code, reason := c.code, c.reason
	c.mu.Unlock()
	c.sayClose(code, reason)
	c.mu.Lock()
	_ = c.ws.SetReadDeadline(time.Now().Add(time.Second))
	c.mu.Unlock()
}

// sayClose writes a close frame; a reason is at most 123 bytes.
func (c *Conn) sayClose(code int, reason string) {
	if len(reason) > 120 {
		reason = truncate(reason, 120)
	}
	_ = c.ws.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(code, reason), time.Now().Add(time.Second))
}

// moveDeadline gives the client more time, unless the connection closes.
func (c *Conn) moveDeadline() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closing {
		return nil
	}
	return c.ws.SetReadDeadline(time.Now().Add(c.hub.limits.Idle))
}
