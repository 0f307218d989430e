package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"openclaw/configs"
	"openclaw/gateway/client"
	"openclaw/keychain"
)

type addResult = func(work, of string, value float64, unit, goal string)

const streamEvents = 200

var benchBody = `{"model":"m","max_tokens":64,"messages":[{"role":"user","content":"` + strings.Repeat("word ", 200) + `"}]}` //nolint:gochecknoglobals // text

func (m *measurement) layout() configs.Layout {
	return configs.Layout{Root: filepath.Join(m.home, ".openclaw")}
}

func freePortNumber() (int, error) {
	free, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // a look at a free port
	if err != nil {
		return 0, err
	}
	defer free.Close()
	return free.Addr().(*net.TCPAddr).Port, nil
}

// servePeer is a child of the measurement: the provider, or a plain proxy.
func servePeer(ctx context.Context, t *terminal, kind, to string) error {
	var handler http.Handler = http.HandlerFunc(upstreamOf)
	if kind == "proxy" {
		target := &url.URL{Scheme: "http", Host: to}
		handler = &httputil.ReverseProxy{
			Rewrite: func(r *httputil.ProxyRequest) {
				r.SetURL(target)
				r.Out.Header.Set("X-Api-Key", benchKey)
			},
			FlushInterval: -1, Transport: &http.Transport{MaxIdleConnsPerHost: 256, DisableCompression: true},
		}
		inner := handler
		handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			body, err := io.ReadAll(r.Body) // or streams are truncated: golang/go#40747
			if err != nil {
				return
			}
			r.Body = io.NopCloser(strings.NewReader(string(body)))
			inner.ServeHTTP(w, r)
		})
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	t.print("%s", listener.Addr())
	server := &http.Server{Handler: handler, ReadHeaderTimeout: time.Minute}
	stop := context.AfterFunc(ctx, func() { _ = server.Close() })
	defer stop()
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// upstreamOf answers like a provider: 1 KiB, or a stream at once or paced.
func upstreamOf(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	pace := time.Duration(0)
	switch {
	case strings.Contains(string(body), `"pace":true`):
		pace = 20 * time.Millisecond
	case !strings.Contains(string(body), `"stream":true`):
		w.Header().Set("Content-Type", "application/json")
		_, _ = io.WriteString(w, `{"type":"message","content":"`+strings.Repeat("x", 1000)+`"}`) // a peer that is gone
		return
	}
	w.Header().Set("Content-Type", "text/event-stream")
	events := streamEvents
	if pace > 0 {
		events = 100
	}
	for i := range events {
		if _, err := fmt.Fprintf(w, "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"word %d and some more of it\"}}\n\n", i); err != nil {
			return
		}
		if pace > 0 {
			_ = http.NewResponseController(w).Flush() // as above
			time.Sleep(pace)
		}
	}
	_, _ = io.WriteString(w, "event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n") // as above
}

// send makes one request and returns how many bytes it was answered with, and
// whether a stream had its end.
func (b *gatewayBench) send(ctx context.Context, client *http.Client, where target, more string) (whole bool, err error) {
	body := strings.Replace(benchBody, "{", "{"+more, 1)
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, where.url+"/v1/messages", strings.NewReader(body))
	if err != nil {
		return false, err
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("X-Api-Key", b.token)
	request.Header.Set("Anthropic-Version", "2023-06-01")
	response, err := client.Do(request)
	if err != nil {
		return false, err
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s answers %s: %.200s", where.name, response.Status, text)
	}
	return strings.HasSuffix(string(text), "\"message_stop\"}\n\n"), err
}

func (b *gatewayBench) once(ctx context.Context, client *http.Client, where target) error {
	_, err := b.send(ctx, client, where, "")
	return err
}

// many makes count requests, so many at a time.
func (b *gatewayBench) many(ctx context.Context, where target, count, together int, more string) (whole int, err error) {
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: together, DisableCompression: true}}
	defer client.CloseIdleConnections()
	var left, ended atomic.Int64
	left.Store(int64(count))
	var group sync.WaitGroup
	var failed atomic.Pointer[error]
	for range together {
		group.Go(func() {
			for left.Add(-1) >= 0 && ctx.Err() == nil {
				complete, err := b.send(ctx, client, where, more)
				if complete {
					ended.Add(1)
				}
				if err != nil && more == "" {
					failed.Store(&err)
					return
				}
			}
		})
	}
	group.Wait()
	if e := failed.Load(); e != nil {
		return 0, *e
	}
	return int(ended.Load()), ctx.Err()
}

// requests are calls that are not streamed, one at a time and 64 at a time.
func (b *gatewayBench) requests(ctx context.Context, add addResult) error {
	single, rate, used := map[string][]float64{}, map[string][]float64{}, map[string][]float64{}
	for range b.sizes.Rounds {
		for _, where := range b.where {
			client := &http.Client{Transport: &http.Transport{DisableCompression: true}}
			var took []float64
			for i := range b.sizes.Single + 10 {
				begin := time.Now()
				if err := b.once(ctx, client, where); err != nil {
					return err
				}
				if i >= 10 { // the first ones open connections
					took = append(took, float64(time.Since(begin).Nanoseconds())/1000)
				}
			}
			client.CloseIdleConnections()
			single[where.name] = append(single[where.name], middle(took))
			before, begin := cpu(where.pids), time.Now()
			if _, err := b.many(ctx, where, b.sizes.Together, 64, ""); err != nil {
				return err
			}
			rate[where.name] = append(rate[where.name], float64(b.sizes.Together)/time.Since(begin).Seconds())
			used[where.name] = append(used[where.name], float64((cpu(where.pids)-before).Microseconds())/float64(b.sizes.Together))
		}
	}
	direct := middle(single["direct"])
	add("one at a time, p50", "direct", direct, "µs", "")
	for _, where := range b.where[1:] {
		add("one at a time, added p50", where.name, middle(single[where.name])-direct, "µs", "≤ 250")
	}
	for _, where := range b.where {
		add("64 at a time", where.name, middle(rate[where.name]), "requests/s", fmt.Sprintf("%.2f of direct (≥ 0.30)", middle(rate[where.name])/middle(rate["direct"])))
	}
	for _, where := range b.where[1:] {
		add("CPU of a request", where.name, middle(used[where.name]), "µs", "≤ 150")
	}
	resident, err := residentMB(b.where[1].pids[0])
	add("resident, after that load", own, resident, "MB", "≤ 60")
	return err
}

// streams counts those that are cut short, and what an event costs.
func (b *gatewayBench) streams(ctx context.Context, add addResult) error {
	whole, err := b.many(ctx, b.where[1], b.sizes.Streams, 16, `"stream":true,`)
	if err != nil {
		return err
	}
	add(fmt.Sprintf("streams cut short of %d", b.sizes.Streams), own, float64(b.sizes.Streams-whole), "", "0")
	for _, where := range b.where[1:] {
		before := cpu(where.pids)
		if _, err := b.many(ctx, where, b.sizes.Paced, b.sizes.Paced, `"stream":true,"pace":true,`); err != nil {
			return err
		}
		add("CPU of a paced event", where.name, float64((cpu(where.pids)-before).Microseconds())/float64(b.sizes.Paced*101), "µs", "≤ 40")
	}
	return nil
}

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

// idleSockets opens raw sockets, whose own memory is not in the way, twice: what is
// there at the second time was left by the first or belongs to a socket.
func (b *gatewayBench) idleSockets(ctx context.Context, add addResult) error {
	pid := b.where[1].pids[0]
	start, err := b.held(ctx)
	if err != nil {
		return err
	}
	for round := range 2 {
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
		} else {
			add("resident, with them again", own, with, "MB", "")
		}
		for end := time.Now().Add(launchTimeout); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
			if o, err := b.overview(ctx); err == nil && o.Connections < 10 {
				break
			}
		}
	}
	end, err := b.held(ctx)
	if err != nil {
		return err
	}
	end.since(start, fmt.Sprintf("%d sockets twice", b.sizes.Sockets), add)
	return nil
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
