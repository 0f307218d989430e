package redact_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"openclaw/keychain/redact"
)

type account struct {
	User     string `json:"user"`
	Password string `json:"password"`
	Note     string `json:"note"`
}

type valuer struct{ text string }

func (v valuer) LogValue() slog.Value {
	return slog.GroupValue(slog.String("api_key", v.text), slog.String("x", "y"))
}

type broken struct{ p *int }

func (b *broken) Error() string               { return fmt.Sprint(*b.p) }
func (b broken) LogValue() slog.Value         { panic("no value") }
func (b broken) MarshalJSON() ([]byte, error) { panic("no JSON") }

func TestEveryPlaceOfARecordIsMasked(t *testing.T) {
	const secret = "kn0wn-value-1"
	for _, format := range []string{"json", "text"} {
		t.Run(format, func(t *testing.T) {
			m := newMasker(t)
			m.Add("k", []byte(secret))
			var out bytes.Buffer
			var inner slog.Handler = slog.NewJSONHandler(&out, nil)
			if format == "text" {
				inner = slog.NewTextHandler(&out, nil)
			}
			log := slog.New(m.Handler(inner))
			log = log.With("with", secret, "token", "abcd1234efgh").WithGroup("g").With("in_group", "x "+secret)
			log.Info("message "+secret,
				"plain", "stays",
				"password", "hunter22",
				"pin_password", 87654321,
				"text", "api_key=hunter22",
				"error", fmt.Errorf("dial: %w", errors.New("postgres://u:hunter22@db: refused "+secret)),
				"struct", account{User: "bob", Password: "hunter22", Note: secret},
				"pointer", &account{Password: "hunter22"},
				"map", map[string]any{"secret": "hunter22!", "list": []string{secret}},
				"bytes", []byte(secret),
				"raw", json.RawMessage(`{"password":"hunter22"}`),
				"valuer", valuer{secret},
				"stringer", bytes.NewBufferString(secret),
				"func", func() {},
				slog.Group("group", slog.String("client_secret", "hunter22"), slog.Any("e", errors.New(secret))),
				secret, "as a key",
				"panics", broken{}, "panics_too", (*broken)(nil),
				"n", 42, "ok", true,
			)
			got := out.String()
			for _, s := range []string{secret, "hunter22", "abcd1234efgh", "87654321"} {
				if strings.Contains(got, s) {
					t.Errorf("%s survives in %s", s, got)
				}
			}
			for _, s := range []string{"stays", "message [REDACTED]", "bob", "42"} {
				if !strings.Contains(got, s) {
					t.Errorf("%s is missing in %s", s, got)
				}
			}
			if format == "json" && !json.Valid(out.Bytes()) {
				t.Errorf("not JSON: %s", got)
			}
		})
	}
}

// realistic lines: most have nothing, one in two hundred has a secret.
func logLines() (lines [][]byte, size int64) {
	for i := range 400 {
		line := fmt.Sprintf(`{"time":"2026-02-25T10:30:%02dZ","level":"INFO","source":"provider","message":"request done","agent":"coder","run":"r-%06x","route":"POST /v1/messages","status":200,"input_tokens":%d,"output_tokens":%d,"sha":"3f786850e387550fdab836ed7e6dc881de2300%02x","bytes_in":%d}`, i%60, i*7919, i*13, i*17, i%256, i*101)
		if i%200 == 0 {
			line = fmt.Sprintf(`{"level":"WARN","message":"bad key %s"}`, fake("sk-ant-api03-", 95))
		}
		lines = append(lines, []byte(line))
		size += int64(len(line))
	}
	return lines, size
}

func BenchmarkLines(b *testing.B) {
	for _, values := range []int{0, 500} {
		b.Run(fmt.Sprintf("known=%d", values), func(b *testing.B) {
			m := newMasker(b)
			for i := range values {
				m.Add(fmt.Sprint(i), []byte(fmt.Sprintf("value-%d-%s", i*7919, fake("", 30+i%9))))
			}
			lines, size := logLines()
			b.SetBytes(size)
			b.ReportAllocs()
			for b.Loop() {
				for _, line := range lines {
					m.Bytes(line)
				}
			}
		})
	}
}

func BenchmarkMemoryCopy(b *testing.B) {
	lines, size := logLines()
	var buffer [1024]byte
	b.SetBytes(size)
	for b.Loop() {
		for _, line := range lines {
			copy(buffer[:], line)
		}
	}
}

// What an agent can write into a log to make the masker slow: a megabyte of
// beginnings of secrets that never end. Each must stay linear.
func BenchmarkHostileLines(b *testing.B) {
	m := newMasker(b, redact.DefaultPatterns()...)
	for _, unit := range hostileUnits() {
		b.Run(fmt.Sprintf("%.12q", unit), func(b *testing.B) {
			text := []byte(strings.Repeat(unit, 1<<20/len(unit)))
			b.SetBytes(int64(len(text)))
			for b.Loop() {
				m.Bytes(text)
			}
		})
	}
}
