package gateway

import (
	"context"
	"fmt"
	"net/http"
	"path/filepath"
	"sync"
	"testing"

	"openclaw/configs"
	"openclaw/gateway/client"
	"openclaw/gateway/event"
	"openclaw/keychain"
)

// bench runs a gateway for a benchmark.
func bench(b *testing.B) *house {
	b.Helper()
	layout := configs.Layout{Root: filepath.Join(shortDir(b), "s")}
	store, err := configs.OpenStore(layout, configs.Options{})
	if err != nil {
		b.Fatal(err)
	}
	store.Current().Config.Gateway.Port = freePort(b)
	store.Current().Config.Gateway.RateLimiting.Enabled = false
	h := &house{layout: layout, store: store, memory: &memory{values: map[string][]byte{gatewayTokenName: []byte("ocg_bench")}}}
	h.Gateway, err = New(Deps{
		Version: "bench", Layout: layout, Config: store, Bus: event.NewBus(nil), Secrets: h.memory, Vault: h.memory,
		Token:      func(ctx context.Context) (keychain.Secret, error) { return h.memory.Get(ctx, gatewayTokenName) },
		Audit:      func(context.Context, AuditEntry) error { return nil },
		Provider:   http.NotFoundHandler(),
		WithCaller: func(ctx context.Context, _, _ string) context.Context { return ctx },
	})
	if err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithCancel(b.Context())
	ended := make(chan error, 1)
	go func() { ended <- h.Run(ctx) }()
	b.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			b.Error(err)
		}
	})
	<-h.Ready()
	return h
}

// BenchmarkHealth is `health` over one TCP socket, one call after the other
// and 32 in flight. ns/op is the time between two answers.
func BenchmarkHealth(b *testing.B) {
	for _, flight := range []int{1, 32} {
		b.Run(fmt.Sprintf("%d in flight", flight), func(b *testing.B) {
			h := bench(b)
			c, err := client.Dial(b.Context(), client.Options{URL: h.url(), Token: keychain.NewSecret([]byte("ocg_bench")), Name: "cli"})
			if err != nil {
				b.Fatal(err)
			}
			defer func() { _ = c.Close() }()
			var group sync.WaitGroup
			b.ReportAllocs()
			b.ResetTimer()
			for i := range flight {
				group.Go(func() {
					for n := i; n < b.N; n += flight {
						if err := c.Call(b.Context(), "health", nil, nil); err != nil {
							b.Error(err)
							return
						}
					}
				})
			}
			group.Wait()
		})
	}
}

// BenchmarkConnect is a socket from nothing to its hello and away again.
func BenchmarkConnect(b *testing.B) {
	h := bench(b)
	for b.Loop() {
		c, err := client.Dial(b.Context(), client.Options{Socket: h.layout.Socket(), Name: "cli"})
		if err != nil {
			b.Fatal(err)
		}
		_ = c.Close()
	}
}
