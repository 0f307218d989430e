package pane

import (
	"bufio"
	"context"
	"encoding/json"
	"net"
)

// Client is a screen's side of a run's terminal.
type Client struct {
	conn   net.Conn
	frames chan Frame
	out    *queue // whole messages
}

// Dial connects to the Host that serves on path.
func Dial(ctx context.Context, path string) (*Client, error) {
	var d net.Dialer
	conn, err := d.DialContext(ctx, "unix", path)
	if err != nil {
		return nil, err
	}
	c := &Client{conn: conn, frames: make(chan Frame), out: newQueue(4 * maxKeys)}
	go c.read()
	go func() {
		for {
			p, more := c.out.take()
			if !more {
				return
			}
			if _, err := conn.Write(p); err != nil {
				return
			}
		}
	}()
	return c, nil
}

func (c *Client) read() {
	defer close(c.frames)
	defer c.out.close()
	lines := bufio.NewScanner(c.conn)
	lines.Buffer(nil, maxMessage)
	for lines.Scan() {
		var f Frame
		if json.Unmarshal(lines.Bytes(), &f) != nil {
			return
		}
		c.frames <- f
	}
}

// Frames are what the terminal shows; closed when the run has ended or the
// connection broke. Whoever holds a Client takes them until then.
func (c *Client) Frames() <-chan Frame { return c.frames }

func (c *Client) say(m message) bool {
	text, err := json.Marshal(m)
	return err == nil && c.out.put(append(text, '\n'))
}

// Keys types. It never blocks; false: the program does not read, and they are lost.
func (c *Client) Keys(p []byte) bool {
	for len(p) > maxKeys/2 {
		if !c.say(message{Keys: p[:maxKeys/2]}) {
			return false
		}
		p = p[maxKeys/2:]
	}
	return c.say(message{Keys: p})
}

// Resize gives the terminal another size.
func (c *Client) Resize(columns, rows int) { c.say(message{Columns: columns, Rows: rows}) }

// Look shows what stands up lines above the newest, as far as there are any.
func (c *Client) Look(up int) { c.say(message{Up: &up}) }

// Close leaves the run alone.
func (c *Client) Close() error {
	c.out.close()
	return c.conn.Close()
}
