package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"openclaw/configs"
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
			FlushInterval: -1, BufferPool: &bytePool{}, Transport: &http.Transport{MaxIdleConnsPerHost: 256, DisableCompression: true},
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

// bytePool keeps the plain proxy from making 32 KiB for each answer.
type bytePool struct{ pool sync.Pool }

func (p *bytePool) Get() []byte {
	if kept, is := p.pool.Get().(*[]byte); is {
		return *kept
	}
	return make([]byte, 32<<10)
}

func (p *bytePool) Put(b []byte) { p.pool.Put(&b) }

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

// ofEach is the middle of one's numbers to another's, round by round; less the
// third's, where there is one.
func ofEach(one, other, less []float64) float64 {
	var ratios []float64
	for i := range one {
		from := 0.0
		if less != nil {
			from = less[i]
		}
		if below := other[i] - from; below > 0 {
			ratios = append(ratios, (one[i]-from)/below)
		}
	}
	return middle(ratios)
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
	// How fast a machine is cancels out here: the plain proxy has the same one.
	add("one at a time, added, to the go proxy's", own, ofEach(single[own], single["go proxy"], single["direct"]), "×", "≤ 1.19")
	for _, where := range b.where {
		add("64 at a time", where.name, middle(rate[where.name]), "requests/s", fmt.Sprintf("%.2f of direct (≥ 0.30)", middle(rate[where.name])/middle(rate["direct"])))
	}
	for _, where := range b.where[1:] {
		add("CPU of a request", where.name, middle(used[where.name]), "µs", "≤ 150")
	}
	add("CPU of a request, to the go proxy's", own, ofEach(used[own], used["go proxy"], nil), "×", "")
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
	used := map[string][]float64{}
	for range min(b.sizes.Rounds, 3) {
		for _, where := range b.where[1:] {
			before := cpu(where.pids)
			if _, err := b.many(ctx, where, b.sizes.Paced, b.sizes.Paced, `"stream":true,"pace":true,`); err != nil {
				return err
			}
			used[where.name] = append(used[where.name], float64((cpu(where.pids)-before).Microseconds())/float64(b.sizes.Paced*101))
		}
	}
	for _, where := range b.where[1:] {
		add("CPU of a paced event", where.name, middle(used[where.name]), "µs", "≤ 40")
	}
	add("CPU of a paced event, to the go proxy's", own, ofEach(used[own], used["go proxy"], nil), "×", "")
	return nil
}
