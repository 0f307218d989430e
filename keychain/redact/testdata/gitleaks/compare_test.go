// Package gitleaks compares the redactor's speed with gitleaks' in one run:
//
//	cd keychain/redact/testdata/gitleaks && go test -bench . -benchtime 3s
//
// It is a module of its own: gitleaks brings 60 modules that the product must
// not have in its go.mod, its checksums or its vulnerability reports.
package gitleaks

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/zricethezav/gitleaks/v8/detect"

	"openclaw/keychain/redact"
)

const alnum = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"

func text(r *rand.Rand, n int) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = alnum[r.IntN(len(alnum))]
	}
	return string(b)
}

// logLines are a gateway's: of several kinds and lengths, one in two hundred
// with a secret.
func logLines(n int) (lines []string, size int64) {
	r := rand.New(rand.NewPCG(7, 11))
	hex := func(n int) string { return fmt.Sprintf("%0*x", n, r.Uint64())[:n] }
	for i := range n {
		at := fmt.Sprintf("2026-02-25T10:%02d:%02d.%06dZ", i/60%60, i%60, r.IntN(1e6))
		var line string
		switch {
		case i%200 == 7:
			line = fmt.Sprintf(`{"time":"%s","level":"WARN","source":"provider","message":"bad key sk-ant-api03-%sAA","status":401}`, at, text(r, 93))
		case i%3 == 0:
			line = fmt.Sprintf(`{"time":"%s","level":"INFO","source":"provider","message":"request done","agent":"coder","run":"r-%s","route":"POST /v1/messages","status":200,"input_tokens":%d,"output_tokens":%d,"duration_ms":%d,"bytes_in":%d,"bytes_out":%d}`,
				at, hex(6), r.IntN(1e5), r.IntN(1e4), r.IntN(1e4), r.IntN(1e6), r.IntN(1e6))
		case i%3 == 1:
			line = fmt.Sprintf(`{"time":"%s","level":"WARN","source":"sandbox","message":"denied","agent":"reviewer","pid":%d,"program":"/usr/bin/node","command_line":"node /home/u/project-%s/build.js --mode production","class":"path.read","target":"/home/u/.config/app-%s/settings.json","rule":"built-in","mechanism":"landlock"}`,
				at, r.IntN(1e5), hex(8), hex(4))
		default:
			line = fmt.Sprintf(`{"time":"%s","level":"DEBUG","source":"gateway","message":"connection closed","from":"127.0.0.1:%d","client":"openclaw-tui/1.0","trace_id":"%s","commit":"%s%s","reason":"closed by the client (1000)"}`,
				at, r.IntN(65535), hex(16)+hex(16), hex(16), hex(16)+hex(8))
		}
		lines = append(lines, line)
		size += int64(len(line))
	}
	return lines, size
}

func masker(tb testing.TB) *redact.Masker {
	tb.Helper()
	m, err := redact.New(redact.Options{Patterns: redact.DefaultPatterns()})
	if err != nil {
		tb.Fatal(err)
	}
	r := rand.New(rand.NewPCG(3, 5))
	for i := range 500 {
		if !m.Add(fmt.Sprint(i), []byte(text(r, 16+r.IntN(48)))) {
			tb.Fatal("not registered")
		}
	}
	return m
}

// BenchmarkLogs is what a log line costs in both, one line after another.
func BenchmarkLogs(b *testing.B) {
	b.Run("redact, 500 values", func(b *testing.B) {
		m := masker(b)
		lines, size := logLines(20_000)
		bytes := make([][]byte, len(lines))
		for i, line := range lines {
			bytes[i] = []byte(line)
		}
		b.SetBytes(size)
		b.ReportAllocs()
		for b.Loop() {
			for _, line := range bytes {
				m.Bytes(line)
			}
		}
	})
	b.Run("gitleaks", func(b *testing.B) {
		d, err := detect.NewDetectorDefaultConfig()
		if err != nil {
			b.Fatal(err)
		}
		lines, size := logLines(400)
		b.SetBytes(size)
		for b.Loop() {
			for _, line := range lines {
				d.DetectString(line)
			}
		}
	})
	b.Run("gitleaks, one text", func(b *testing.B) {
		d, err := detect.NewDetectorDefaultConfig()
		if err != nil {
			b.Fatal(err)
		}
		lines, size := logLines(400)
		all := strings.Join(lines, "\n")
		b.SetBytes(size)
		for b.Loop() {
			d.DetectString(all)
		}
	})
}

// BenchmarkLine1KB tells the slowest hundredth of lines of a kilobyte.
func BenchmarkLine1KB(b *testing.B) {
	m := masker(b)
	lines, _ := logLines(4000)
	var kilobytes [][]byte
	for i := 0; i+4 < len(lines); i += 4 {
		joined := strings.Join(lines[i:i+4], " ")
		kilobytes = append(kilobytes, []byte(joined[:min(1024, len(joined))]))
	}
	var took []time.Duration
	for b.Loop() {
		for _, line := range kilobytes {
			begun := time.Now()
			m.Bytes(line)
			took = append(took, time.Since(begun))
		}
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Nanoseconds()), "p50-ns")
	b.ReportMetric(float64(took[len(took)*99/100].Nanoseconds()), "p99-ns")
}
