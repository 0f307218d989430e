package egress_test

import (
	"context"
	"encoding/json"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"slices"
	"testing"

	"openclaw/sandbox/egress"
	"openclaw/sandbox/policy"
)

// BenchmarkDownload compares downloads of 256 MiB through the cage's network,
// both ways, with one over plain loopback, one after the other in each round;
// the medians and their ratio to the plain one are the result. The program is
// another process than the server, each time.
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
	programs := []*caged{}
	for _, way := range ways() {
		programs = append(programs, start(b, way, false, true, egress.Options{
			Policy: compiled(b, policy.Network{AllowedDomains: []string{"good.test"}}),
			Lookup: (&world{}).lookup,
			Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
				return (&net.Dialer{}).DialContext(ctx, "tcp", address)
			},
		}))
	}
	times := make([][]float64, 1+len(programs))
	note := func(which int, got outcome) {
		if got.Bytes != size {
			b.Fatal(got)
		}
		times[which] = append(times[which], got.Took.Seconds())
	}
	for b.Loop() {
		note(0, bare(b, attempt{Do: "download", Target: address}))
		for i, c := range programs {
			note(1+i, c.try(b, attempt{Do: "download", Target: "good.test:7000"}))
		}
	}
	median := func(list []float64) float64 { slices.Sort(list); return list[len(list)/2] }
	direct := median(times[0])
	b.ReportMetric(size/direct/1e6, "direct-MB/s")
	for i, way := range ways() {
		b.ReportMetric(size/median(times[1+i])/1e6, string(way)+"-MB/s")
		b.ReportMetric(direct/median(times[1+i]), string(way)+"/direct")
	}
}

// bare does one thing in a process of its own without a cage.
func bare(b *testing.B, a attempt) outcome {
	b.Helper()
	text, err := json.Marshal(a)
	if err != nil {
		b.Fatal(err)
	}
	cmd := exec.CommandContext(b.Context(), "/proc/self/exe")
	cmd.Env = []string{roleVariable + "=bare", optionsVariable + "=" + string(text)}
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		b.Fatal(err)
	}
	var got outcome
	if err := json.Unmarshal(out, &got); err != nil {
		b.Fatal(err)
	}
	return got
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
