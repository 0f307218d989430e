package egress_test

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"

	"openclaw/sandbox/egress"
	"openclaw/sandbox/policy"
)

// BenchmarkDownload compares a download through the cage's network with one
// over plain loopback, 256 MiB each.
func BenchmarkDownload(b *testing.B) {
	const size = 256 << 20
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	go func() {
		block := make([]byte, 256<<10)
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			_, _ = conn.Read(make([]byte, 1))
			for sent := 0; sent < size; sent += len(block) {
				if _, err := conn.Write(block); err != nil {
					break
				}
			}
			_ = conn.Close()
		}
	}()
	address := listener.Addr().String()
	b.Run("direct", func(b *testing.B) {
		b.SetBytes(size)
		for b.Loop() {
			if n, err := (attempt{Target: address}).download(b.Context()); n != size || err != nil {
				b.Fatal(n, err)
			}
		}
	})
	for _, way := range ways() {
		b.Run(string(way), func(b *testing.B) {
			c := start(b, way, false, true, egress.Options{
				Policy: compiled(b, policy.Network{AllowedDomains: []string{"good.test"}}),
				Lookup: (&world{}).lookup,
				Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
					return (&net.Dialer{}).DialContext(ctx, "tcp", address)
				},
			})
			b.SetBytes(size)
			for b.Loop() {
				if got := c.try(b, attempt{Do: "download", Target: "good.test:7000"}); got.Bytes != size {
					b.Fatal(got)
				}
			}
		})
	}
}

// BenchmarkConnection measures one small exchange, from the look-up on.
func BenchmarkConnection(b *testing.B) {
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer server.Close()
	address := server.Listener.Addr().String()
	b.Run("direct", func(b *testing.B) {
		for b.Loop() {
			if _, err := (attempt{Target: "http://" + address + "/"}).get(b.Context()); err != nil {
				b.Fatal(err)
			}
		}
	})
	for _, way := range ways() {
		b.Run(string(way), func(b *testing.B) {
			c := start(b, way, false, true, egress.Options{
				Policy: compiled(b, policy.Network{AllowedDomains: []string{"good.test"}}),
				Lookup: (&world{}).lookup,
				Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
					return (&net.Dialer{}).DialContext(ctx, "tcp", address)
				},
			})
			for b.Loop() {
				if got := c.try(b, attempt{Do: "get", Target: "http://good.test/"}); got.Text != "" {
					b.Fatal(got)
				}
			}
		})
	}
}
