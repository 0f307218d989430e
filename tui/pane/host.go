package pane

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"net"
	"os"
	"sync"
	"time"

	"github.com/creack/pty"
)

const (
	frameEvery = time.Second / 30
	maxKeys    = 64 << 10 // bytes that wait for a program that does not read
	maxMessage = 16 << 20 // bytes of one frame: every cell of the largest terminal in a style of its own
	lingering  = 5 * time.Second
	share      = 100 * time.Millisecond // of which at most three tenths go to what a program writes
)

// message is what a screen says to a Host.
type message struct {
	Keys    []byte `json:"keys,omitempty"`
	Columns int    `json:"columns,omitempty"`
	Rows    int    `json:"rows,omitempty"`
	Up      *int   `json:"up,omitempty"` // look at what is so many lines above the newest
}

// Host holds a run's terminal and shows it to whoever connects.
type Host struct {
	terminal *os.File
	keys     *queue

	mu       sync.Mutex    // guards the fields below
	seen     chan struct{} // closed when somebody has connected
	emulator *Emulator
	lookers  map[*looker]struct{}
	ended    bool
	exit     string
	anybody  bool
}

// looker is one connected screen.
type looker struct {
	wake  chan struct{}
	dirty []bool
	all   bool
	up    int
	above uint64 // lines that had left the terminal when up was true
}

// NewHost holds terminal, the master of a pseudo-terminal, which it closes at its
// end. The caller sees to it that a program has the other side.
func NewHost(terminal *os.File, columns, rows int) (*Host, error) {
	h := &Host{
		terminal: terminal, keys: newQueue(maxKeys), seen: make(chan struct{}),
		emulator: NewEmulator(columns, rows), lookers: map[*looker]struct{}{},
	}
	return h, h.size(columns, rows)
}

// size tells the kernel, and by it the program.
func (h *Host) size(columns, rows int) error {
	return pty.Setsize(h.terminal, &pty.Winsize{Cols: uint16(clamp(columns, 1, maxColumns)), Rows: uint16(clamp(rows, 1, MaxRows))})
}

// Run reads what the program writes until nobody holds the other side any more.
func (h *Host) Run() {
	go h.typeKeys()
	buffer := make([]byte, 64<<10)
	begin, spent := time.Now(), time.Duration(0)
	for {
		n, err := h.terminal.Read(buffer)
		if n > 0 {
			now := time.Now()
			h.wrote(buffer[:n])
			if now.Sub(begin) > share {
				begin, spent = now, 0
			}
			if spent += time.Since(now); spent > share*3/10 { // a flood waits in the kernel, and so does who writes it
				time.Sleep(share - time.Since(begin))
			}
		}
		if err != nil { // EIO: the other side is closed
			break
		}
	}
	h.keys.close()
	_ = h.terminal.Close() // nothing follows
}

// typeKeys gives the program what is typed. It is not waited for: where the program
// never read, the kernel holds the last write until this process ends.
func (h *Host) typeKeys() {
	for {
		typed, more := h.keys.take()
		if !more {
			return
		}
		_, _ = h.terminal.Write(typed) // the program may be gone
	}
}

func (h *Host) wrote(p []byte) {
	h.mu.Lock()
	defer h.mu.Unlock()
	_, _ = h.emulator.Write(p) // it never fails
	if replies := h.emulator.Replies(); len(replies) > 0 {
		h.keys.put(replies)
	}
	h.changed()
}

// changed hands what changed to every looker. The caller holds the lock.
func (h *Host) changed() {
	for l := range h.lookers {
		if len(l.dirty) != len(h.emulator.dirty) {
			l.all = true
			l.dirty = make([]bool, len(h.emulator.dirty))
		}
		for y, dirty := range h.emulator.dirty {
			l.dirty[y] = l.dirty[y] || dirty
		}
		l.signal()
	}
	clear(h.emulator.dirty)
}

func (l *looker) signal() {
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

// Serve shows the terminal to whoever connects, until the listener is closed.
func (h *Host) Serve(listener net.Listener) {
	for {
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		go h.show(conn) // until it goes, or the program ends
	}
}

// Begin says that a program runs in it, perhaps again.
func (h *Host) Begin() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.ended, h.exit = false, ""
	if h.anybody {
		h.anybody, h.seen = false, make(chan struct{})
	}
}

// End says how the program ended to everybody who looks, and to whoever connects
// in a moment where nobody did: a program that ended at once is seen, too.
func (h *Host) End(exit string) {
	h.mu.Lock()
	h.ended, h.exit = true, exit
	for l := range h.lookers {
		l.signal()
	}
	seen := h.seen
	h.mu.Unlock()
	select {
	case <-seen:
	case <-time.After(lingering):
		return
	}
	for end := time.Now().Add(lingering); h.watched() && time.Now().Before(end); { // not for one that does not read
		time.Sleep(10 * time.Millisecond)
	}
}

func (h *Host) watched() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.lookers) > 0
}

func (h *Host) show(conn net.Conn) {
	defer conn.Close()
	l := &looker{wake: make(chan struct{}, 1), all: true}
	l.signal()
	h.mu.Lock()
	h.lookers[l] = struct{}{}
	if !h.anybody {
		h.anybody = true
		close(h.seen)
	}
	h.mu.Unlock()
	left := make(chan struct{})
	go func() {
		defer close(left)
		h.listen(conn, l)
	}()
	defer func() {
		h.mu.Lock()
		delete(h.lookers, l)
		h.mu.Unlock()
		conn.Close()
		<-left
	}()
	out := json.NewEncoder(conn)
	for {
		select {
		case <-left:
			return
		case <-l.wake:
		}
		f := h.next(l)
		if out.Encode(f) != nil || f.Ended {
			return
		}
		select {
		case <-left:
			return
		case <-time.After(frameEvery):
		}
	}
}

// next is the frame that a looker gets now.
func (h *Host) next(l *looker) Frame {
	h.mu.Lock()
	defer h.mu.Unlock()
	e := h.emulator
	if l.up > 0 { // it stays with the lines that it looks at
		l.up = min(l.up+int(min(e.above-l.above, maxHistory)), len(e.history))
	}
	l.above = e.above
	kept := e.dirty
	if len(l.dirty) != e.rows {
		l.all, l.dirty = true, make([]bool, e.rows)
	}
	e.dirty = l.dirty
	f := e.frame(l.up, l.all || l.up > 0)
	e.dirty = kept
	clear(l.dirty)
	l.all, l.up = f.Up > 0, f.Up
	f.Ended, f.Exit = h.ended, h.exit
	return f
}

// listen does what a screen says until it goes.
func (h *Host) listen(conn net.Conn, l *looker) {
	lines := bufio.NewScanner(conn)
	lines.Buffer(nil, 2*maxKeys)
	for lines.Scan() {
		var m message
		if json.Unmarshal(lines.Bytes(), &m) != nil {
			return
		}
		h.obey(&m, l)
	}
}

func (h *Host) obey(m *message, l *looker) {
	if len(m.Keys) > 0 {
		h.keys.put(m.Keys)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if m.Columns > 0 && m.Rows > 0 && !h.ended {
		h.emulator.Resize(m.Columns, m.Rows)
		_ = h.size(h.emulator.columns, h.emulator.rows) // the program may be gone
		h.changed()
	}
	if m.Up != nil {
		l.up, l.above, l.all = clamp(*m.Up, 0, maxHistory), h.emulator.above, true
		l.signal()
	}
}

// Listen makes the socket that a Host serves, for its owner alone.
func Listen(path string) (net.Listener, error) {
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	listener, err := (&net.ListenConfig{}).Listen(context.Background(), "unix", path)
	if err != nil {
		return nil, err
	}
	if err := os.Chmod(path, 0o600); err != nil { // the folder is closed to others anyway
		listener.Close()
		return nil, err
	}
	return listener, nil
}
