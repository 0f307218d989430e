package hub

import (
	"container/list"
	"context"
	"log/slog"
	"runtime/debug"
	"sync"
	"time"

	"github.com/google/uuid"
	"github.com/gorilla/websocket"

	"openclaw/gateway/wire"
)

// Limits are the hub's numbers. A zero field is its default.
type Limits struct {
	Handshake  time.Duration // before connect succeeded; 15 s
	Write      time.Duration // one frame to one client; 10 s
	Idle       time.Duration // without a frame or a pong; 60 s
	Step       time.Duration // of the wheel; 1 s. Pings come every 25 steps, ticks every 30
	Queue      int           // frames that wait for one client; 256
	Requests   int           // of one connection under way; 64
	Handshakes int           // sockets before their handshake; 256
}

const (
	pingSteps = 25
	tickSteps = 30
)

func (l Limits) withDefaults() Limits {
	or := func(v *time.Duration, d time.Duration) {
		if *v == 0 {
			*v = d
		}
	}
	orInt := func(v *int, d int) {
		if *v == 0 {
			*v = d
		}
	}
	or(&l.Handshake, wire.HandshakeTimeout)
	or(&l.Write, 10*time.Second)
	or(&l.Idle, time.Minute)
	or(&l.Step, time.Second)
	orInt(&l.Queue, 256)
	orInt(&l.Requests, 64)
	orInt(&l.Handshakes, 256)
	return l
}

// Options is what the hub is given.
type Options struct {
	Table *Table
	// Admit judges a connect. It may block (wrong tokens are slowed) until ctx
	// ends. A refusal is sent and the socket closed.
	Admit func(ctx context.Context, peer Peer, connect wire.Connect, challenge wire.Challenge) (Admission, *Refusal)
	// Room reports whether a connection may make one more request now, and when it may
	// else; nil: always.
	Room func(*Conn) (retryAfter time.Duration, ok bool)
	// Snapshot is the state that a hello carries.
	Snapshot func(*Conn) wire.Snapshot
	// Opened and Closed frame the life of a connection; Refused is a socket
	// that never got that far, by the ID that it would have had.
	Opened  func(*Conn)
	Closed  func(conn *Conn, reason string)
	Refused func(id string, peer Peer, client wire.ClientInfo, reason string)
	// Served hears of every request before its answer goes out: the method, empty where
	// there is none of that name, and what refused it, its secrets taken out, or nil. It
	// does not block.
	Served func(conn *Conn, method string, refusal *wire.Error)

	// Mask takes secrets out of the JSON of refusals; nil leaves them.
	Mask func(string) string

	Version string
	BootID  string
	Events  []string // names that a hello advertises
	Log     *slog.Logger
	Now     func() time.Time
	Limits  Limits
}

// Hub is the sockets. It is safe for concurrent use.
type Hub struct {
	options Options
	limits  Limits
	alive   sync.WaitGroup // goroutines of connections

	mu      sync.Mutex // guards the fields below
	stopped bool
	pending *list.List // of *Conn before their handshake, oldest first
	conns   map[string]*Conn
	pings   [pingSteps]map[*Conn]struct{}
	ticks   [tickSteps]map[*Conn]struct{}
	joined  int
	gone    int
	tidied  int // of joined and gone, when memory was last given back
	seen    int // of joined and gone, at the last step
}

// New returns a hub that serves at once; Run moves its wheel.
func New(options Options) *Hub {
	if options.Now == nil {
		options.Now = time.Now
	}
	if options.Log == nil {
		options.Log = slog.New(slog.DiscardHandler)
	}
	if options.Closed == nil {
		options.Closed = func(*Conn, string) {}
	}
	if options.Opened == nil {
		options.Opened = func(*Conn) {}
	}
	if options.Refused == nil {
		options.Refused = func(string, Peer, wire.ClientInfo, string) {}
	}
	if options.Served == nil {
		options.Served = func(*Conn, string, *wire.Error) {}
	}
	h := &Hub{options: options, limits: options.Limits.withDefaults(), pending: list.New(), conns: map[string]*Conn{}}
	for i := range h.pings {
		h.pings[i] = map[*Conn]struct{}{}
	}
	for i := range h.ticks {
		h.ticks[i] = map[*Conn]struct{}{}
	}
	return h
}

// Serve takes over ws and returns at once. After the hub has stopped it closes
// ws.
func (h *Hub) Serve(ws *websocket.Conn, peer Peer) {
	c := newConn(h, ws, peer)
	h.mu.Lock()
	if h.stopped {
		h.mu.Unlock()
		_ = ws.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(wire.CloseRestart, "gateway stopping"), time.Now().Add(time.Second))
		_ = ws.Close()
		peer.Gone()
		return
	}
	h.alive.Add(1) // under the lock: stop waits after it has taken it
	var oldest *Conn
	if h.pending.Len() >= h.limits.Handshakes {
		oldest = h.pending.Front().Value.(*Conn)
		h.pending.Remove(oldest.waiting)
		oldest.waiting = nil
	}
	c.waiting = h.pending.PushBack(c)
	h.mu.Unlock()
	if oldest != nil {
		oldest.cancel()                 // its admission ends by that
		_ = oldest.ws.NetConn().Close() // its reader ends by that
	}
	go func() {
		defer h.alive.Done()
		c.serve()
	}()
}

// admitted moves c from the handshake to the connections; false when the hub
// has stopped meanwhile, or c was pushed out.
func (h *Hub) admitted(c *Conn) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.stopped || c.waiting == nil {
		return false
	}
	h.pending.Remove(c.waiting)
	c.waiting = nil
	h.conns[c.ID] = c
	c.slot = h.joined
	h.joined++
	h.pings[c.slot%pingSteps][c] = struct{}{}
	h.ticks[c.slot%tickSteps][c] = struct{}{}
	return true
}

func (h *Hub) left(c *Conn) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if c.waiting != nil {
		h.pending.Remove(c.waiting)
		c.waiting = nil
	}
	if h.conns[c.ID] == c {
		h.gone++
		delete(h.conns, c.ID)
		delete(h.pings[c.slot%pingSteps], c)
		delete(h.ticks[c.slot%tickSteps], c)
	}
}

// Count returns the connections that passed their handshake.
func (h *Hub) Count() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.conns)
}

// Conns returns the connections that passed their handshake.
func (h *Hub) Conns() []*Conn {
	h.mu.Lock()
	defer h.mu.Unlock()
	out := make([]*Conn, 0, len(h.conns))
	for _, c := range h.conns {
		out = append(out, c)
	}
	return out
}

// CloseWhere closes the connections that match. Callbacks run with no lock
// held.
func (h *Hub) CloseWhere(match func(*Conn) bool, code int, reason string) int {
	n := 0
	for _, c := range h.Conns() {
		if match(c) {
			c.Close(code, reason)
			n++
		}
	}
	return n
}

// Run moves the wheel until ctx ends, then tells every client and waits until
// the last connection's goroutines are gone.
func (h *Hub) Run(ctx context.Context) error {
	wheel := time.NewTicker(h.limits.Step)
	defer wheel.Stop()
	for step := 0; ; step++ {
		select {
		case <-wheel.C:
			h.turn(step)
			if h.untidy() {
				debug.FreeOSMemory()
			}
		case <-ctx.Done():
			h.stop()
			return nil
		}
	}
}

// burst is how many handshakes and ends leave enough behind that it is worth a
// collection.
const burst = 500

// untidy reports whether a burst of clients has just come or gone. What handshakes
// leave is twice what the sockets themselves take, and it, or what sockets that
// ended leave, would stay until the heap has doubled again: for idle sockets that
// is never.
func (h *Hub) untidy() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	moved := h.joined + h.gone
	quiet := h.seen == moved
	h.seen = moved
	if !quiet || moved-h.tidied < burst {
		return false
	}
	h.tidied = moved
	return true
}

// turn sends what is due. A client whose queue is full gets neither: it has
// enough to read, and its write deadline runs.
func (h *Hub) turn(step int) {
	h.mu.Lock()
	ping := keys(h.pings[step%pingSteps])
	tick := keys(h.ticks[step%tickSteps])
	h.mu.Unlock()
	for _, c := range ping {
		c.offer(outgoing{kind: outPing})
	}
	if len(tick) != 0 {
		payload := tickPayload(h.options.Now())
		for _, c := range tick {
			c.offer(outgoing{kind: outEvent, name: wire.EventTick, body: payload})
		}
	}
}

func keys(set map[*Conn]struct{}) []*Conn {
	out := make([]*Conn, 0, len(set))
	for c := range set {
		out = append(out, c)
	}
	return out
}

// stop tells the clients, gives them the time of one write and a close, and
// cuts what is left.
func (h *Hub) stop() {
	h.mu.Lock()
	h.stopped = true
	var waiting []*Conn
	for e := h.pending.Front(); e != nil; e = e.Next() {
		waiting = append(waiting, e.Value.(*Conn))
	}
	h.mu.Unlock()
	for _, c := range h.Conns() {
		c.offer(outgoing{kind: outEvent, name: wire.EventShutdown, body: []byte(`{"reason":"gateway stopping"}`)})
		c.Close(wire.CloseRestart, "gateway stopping")
	}
	for _, c := range waiting {
		c.Close(wire.CloseRestart, "gateway stopping") // ends what its admission waits for
		_ = c.ws.NetConn().Close()
	}
	gone := make(chan struct{})
	go func() {
		h.alive.Wait()
		close(gone)
	}()
	patience := time.NewTimer(h.limits.Write / 2)
	defer patience.Stop()
	select {
	case <-gone:
	case <-patience.C:
		for _, c := range h.Conns() {
			c.cancel()
			_ = c.ws.NetConn().Close()
		}
		<-gone
	}
}

func newID() string { return uuid.NewString() }
