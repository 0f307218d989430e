package sandbox_test

import (
	"net"
	"os/exec"
	"slices"
	"strconv"
	"testing"
	"time"

	"openclaw/sandbox/policy"
)

// BenchmarkTrue is the whole life of a cage around a command that does nothing;
// BenchmarkTrueBare is the command without a cage.
func BenchmarkTrue(b *testing.B) {
	w := newWorld(b)
	spec := w.spec("true")
	for b.Loop() {
		_, wait := start(b, spec)
		if res := wait(); res.status.Code != 0 {
			b.Fatal(res)
		}
	}
}

func BenchmarkTrueBare(b *testing.B) {
	for b.Loop() {
		if err := exec.CommandContext(b.Context(), "true").Run(); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkDownload is the life of a program that downloads 512 MiB, in a cage
// of each kind of network and without one, one after the other in each round.
// The medians and their ratio to the bare one are the result.
func BenchmarkDownload(b *testing.B) {
	const size = 512 << 20
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
	const script = `exec 9<>/dev/tcp/$0/$1 && printf x >&9 && cat <&9 | wc -c`
	w := newWorld(b)
	yes := true
	w.perms.Network = &policy.Network{AllowOutbound: &yes, AllowedDomains: []string{"allowed.test"}, AllowedIPs: []string{listener.Addr().String()}}
	_, port, _ := net.SplitHostPort(listener.Addr().String())
	spec := w.spec("bash", "-c", script, "allowed.test", port)
	ways := []string{"bare", "redirect", "tun"}
	times := make([][]float64, len(ways))
	for b.Loop() {
		for i, way := range ways {
			began := time.Now()
			var out string
			if way == "bare" {
				text, err := exec.CommandContext(b.Context(), "bash", "-c", script, "127.0.0.1", port).Output()
				if err != nil {
					b.Fatal(err)
				}
				out = string(text)
			} else {
				_, wait := startBy(b, way, spec)
				out = wait().out
			}
			if out != strconv.Itoa(size)+"\n" {
				b.Fatalf("%s: %q", way, out)
			}
			times[i] = append(times[i], time.Since(began).Seconds())
		}
	}
	for i := range ways {
		slices.Sort(times[i])
		median := times[i][len(times[i])/2]
		b.ReportMetric(size/median/1e6, ways[i]+"-MB/s")
		b.ReportMetric(times[0][len(times[0])/2]/median, ways[i]+"/bare")
	}
}

// BenchmarkTrueWithNetwork is BenchmarkTrue with a way out, of each kind.
func BenchmarkTrueWithNetwork(b *testing.B) {
	for _, way := range []string{"redirect", "tun"} {
		b.Run(way, func(b *testing.B) {
			w := newWorld(b)
			yes := true
			w.perms.Network = &policy.Network{AllowOutbound: &yes}
			spec := w.spec("true")
			for b.Loop() {
				_, wait := startBy(b, way, spec)
				if res := wait(); res.status.Code != 0 {
					b.Fatal(res)
				}
			}
		})
	}
}
