package provider_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"openclaw/gateway/provider/standin"
)

// BenchmarkCall compares a call through the handler with a direct one:
// Anthropic's shape, a prompt of 1 KiB.
func BenchmarkCall(b *testing.B) {
	upstream := standin.New()
	h := build(b, upstream, nil)
	far := quiet(upstream)
	defer far.Close()
	body := `{"model":"x","messages":[{"role":"user","content":"` + strings.Repeat("x", 1024) + `"}]}`
	for name, url := range map[string]string{"direct": far.URL, "through": h.url} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				measure(b, h.client, url, body)
			}
		})
		b.Run(name+"/parallel", func(b *testing.B) {
			b.SetParallelism(32)
			b.RunParallel(func(p *testing.PB) {
				for p.Next() {
					measure(b, h.client, url, body)
				}
			})
		})
	}
}

// BenchmarkStream is the same for a stream of 200 events, one flush each.
func BenchmarkStream(b *testing.B) {
	upstream := standin.New()
	h := build(b, upstream, nil)
	far := quiet(upstream)
	defer far.Close()
	for name, url := range map[string]string{"direct": far.URL, "through": h.url} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				measure(b, h.client, url, `{"stream":true}`)
			}
		})
	}
}

// BenchmarkInstantStreams sends streams whose provider answers at once, and fails
// for one that is cut short: -benchtime 10000x for ten thousand.
func BenchmarkInstantStreams(b *testing.B) {
	h := build(b, instant(), nil)
	body := instantBody()
	b.SetParallelism(8)
	b.RunParallel(func(p *testing.PB) {
		for p.Next() {
			reply, got, err := h.do(b, h.request(b, "POST", "/v1/messages", body))
			if err != nil || reply.StatusCode != http.StatusOK || !strings.HasSuffix(got, instantEnd) {
				b.Errorf("%d bytes, %v", len(got), err)
			}
		}
	})
}

func measure(b *testing.B, client *http.Client, url, body string) {
	b.Helper()
	r, err := http.NewRequestWithContext(b.Context(), http.MethodPost, url+"/v1/messages", strings.NewReader(body))
	if err != nil {
		b.Error(err)
		return
	}
	r.Header.Set("X-Api-Key", agentToken)
	r.Header.Set(standin.EventsHeader, "200")
	reply, err := client.Do(r)
	if err != nil {
		b.Error(err)
		return
	}
	defer reply.Body.Close()
	if _, err := io.Copy(io.Discard, reply.Body); err != nil || reply.StatusCode != http.StatusOK {
		b.Error(reply.StatusCode, err)
	}
}
