package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"openclaw/gateway/client"
	"openclaw/keychain"
)

// sockets are calls over one, and what one costs that does nothing.
func (b *gatewayBench) sockets(ctx context.Context, add addResult) error {
	options := client.Options{URL: strings.Replace(b.where[1].url, "http", "ws", 1), Name: "cli", Version: version, Scopes: []string{"operator.read"}}
	open := func() (*client.Client, error) {
		options.Token = keychain.NewSecret([]byte(b.token))
		return client.Dial(ctx, options)
	}
	c, err := open()
	if err != nil {
		return err
	}
	defer c.Close()
	var took []float64
	for range b.sizes.Calls / 4 {
		begin := time.Now()
		if err := c.Call(ctx, "health", nil, nil); err != nil {
			return err
		}
		took = append(took, float64(time.Since(begin).Nanoseconds())/1000)
	}
	add("health over a socket, p50", own, middle(took), "µs", "≤ 200")
	var group sync.WaitGroup
	var failed atomic.Int64
	begin := time.Now()
	for range 32 {
		group.Go(func() {
			for range b.sizes.Calls / 32 {
				if c.Call(ctx, "health", nil, nil) != nil {
					failed.Add(1)
					return
				}
			}
		})
	}
	group.Wait()
	if failed.Load() > 0 {
		return errors.New("health fails under load")
	}
	add("health, 32 in flight", own, float64(b.sizes.Calls/32*32)/time.Since(begin).Seconds(), "calls/s", "≥ 10000")
	return b.idleSockets(ctx, add)
}

// idleSockets opens raw sockets, whose own memory is not in the way, in rounds: what
// is there at the next one was left by the last or belongs to a socket. What the first
// rounds leave are sizes that the runtime keeps to use again: its goroutines, its
// places in the kernel's poll, its maps. A leak grows from the second round to the
// last.
func (b *gatewayBench) idleSockets(ctx context.Context, add addResult) error {
	pid := b.where[1].pids[0]
	start, err := b.held(ctx)
	if err != nil {
		return err
	}
	var second held
	for round := range b.sizes.SocketRounds {
		before, err := residentMB(pid)
		if err != nil {
			return err
		}
		var all []net.Conn
		closeAll := func() {
			for _, conn := range all {
				conn.Close()
			}
		}
		for range b.sizes.Sockets {
			conn, err := b.plainSocket(ctx)
			if err != nil {
				closeAll()
				return err
			}
			all = append(all, conn)
		}
		time.Sleep(settle)
		with, err := residentMB(pid)
		closeAll()
		if err != nil {
			return err
		}
		if round == 0 {
			add(fmt.Sprintf("an idle socket, of %d", b.sizes.Sockets), own, (with-before)*1024/float64(b.sizes.Sockets), "KiB", "≤ 12")
		}
		add(fmt.Sprintf("resident, with them, round %d", round+1), own, with, "MB", "")
		for end := time.Now().Add(launchTimeout); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
			if o, err := b.overview(ctx); err == nil && o.Connections < 10 {
				break
			}
		}
		end, err := b.settled(ctx)
		if err != nil {
			return err
		}
		add(fmt.Sprintf("resident, without them, round %d", round+1), own, end.resident, "MB", "")
		switch round {
		case 1:
			end.since(start, fmt.Sprintf("%d sockets twice", b.sizes.Sockets), add)
			second = end
		case b.sizes.SocketRounds - 1:
			end.since(second, fmt.Sprintf("as many %d times more", round-1), add)
		}
	}
	return nil
}

// settled is held when what the sockets left has been given back: the gateway does
// so when it has been quiet for a moment.
func (b *gatewayBench) settled(ctx context.Context) (least held, err error) {
	least, err = b.held(ctx)
	for range 10 {
		if err != nil {
			return held{}, err
		}
		time.Sleep(time.Second)
		var now float64
		if now, err = residentMB(b.where[1].pids[0]); err == nil && now > least.resident-0.5 {
			return least, nil
		}
		least.resident = now
	}
	return least, err
}

// plainSocket is connected and reads no more.
func (b *gatewayBench) plainSocket(ctx context.Context) (net.Conn, error) {
	address := strings.TrimPrefix(b.where[1].url, "http://")
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	_ = conn.SetDeadline(time.Now().Add(launchTimeout))
	fmt.Fprintf(conn, "GET / HTTP/1.1\r\nHost: %s\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n", address)
	in := bufio.NewReaderSize(conn, 512)
	response, err := http.ReadResponse(in, nil)
	if err != nil || response.StatusCode != http.StatusSwitchingProtocols {
		conn.Close()
		return nil, fmt.Errorf("open a socket: %v %w", response, err)
	}
	response.Body.Close()
	frame := `{"type":"req","id":"1","method":"connect","params":{"minProtocol":4,"maxProtocol":4,"client":{"id":"cli","version":"1","platform":"linux","mode":"cli"},"role":"operator","scopes":["operator.read"],"auth":{"token":"` + b.token + `"}}}`
	masked := []byte{0x81, 0xfe, byte(len(frame) >> 8), byte(len(frame)), 0, 0, 0, 0} // a mask of zero bits
	if _, err := conn.Write(append(masked, frame...)); err != nil {
		conn.Close()
		return nil, err
	}
	for seen := ""; !strings.Contains(seen, "hello-ok"); {
		piece := make([]byte, 4096)
		n, err := in.Read(piece)
		if err != nil {
			conn.Close()
			return nil, fmt.Errorf("shake hands: %w", err)
		}
		seen += string(piece[:n])
	}
	return conn, nil
}

// held is what a gateway has open.
type held struct{ goroutines, descriptors, resident float64 }

func (b *gatewayBench) held(ctx context.Context) (held, error) {
	time.Sleep(settle)
	pid := b.where[1].pids[0]
	o, err := b.overview(ctx)
	if err != nil {
		return held{}, err
	}
	list, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", pid))
	if err != nil {
		return held{}, err
	}
	resident, err := residentMB(pid)
	return held{float64(o.Goroutines), float64(len(list)), resident}, err
}

func (h held) since(before held, what string, add addResult) {
	add("after "+what+", more goroutines", own, h.goroutines-before.goroutines, "", "flat")
	add("after "+what+", more descriptors", own, h.descriptors-before.descriptors, "", "flat")
	add("after "+what+", more resident", own, h.resident-before.resident, "MB", "flat")
}

// soak makes many requests, and compares what is open before and after.
func (b *gatewayBench) soak(ctx context.Context, add addResult) error {
	if b.sizes.Soak == 0 {
		return nil
	}
	if _, err := b.many(ctx, b.where[1], min(b.sizes.Soak, 2000), 64, ""); err != nil { // the connections to the provider are kept
		return err
	}
	before, err := b.held(ctx)
	if err != nil {
		return err
	}
	if _, err := b.many(ctx, b.where[1], b.sizes.Soak, 64, ""); err != nil {
		return err
	}
	after, err := b.held(ctx)
	if err != nil {
		return err
	}
	after.since(before, fmt.Sprintf("%d requests", b.sizes.Soak), add)
	return nil
}
