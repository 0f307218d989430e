package redact_test

import (
	"bytes"
	"errors"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"openclaw/keychain/redact"
)

func through(tb testing.TB, m *redact.Masker, text string, cut func(rest int) int) string {
	tb.Helper()
	var out bytes.Buffer
	w := m.Writer(&out)
	for rest := []byte(text); len(rest) > 0; {
		n := min(max(cut(len(rest)), 1), len(rest))
		if _, err := w.Write(rest[:n]); err != nil {
			tb.Fatal(err)
		}
		rest = rest[n:]
	}
	if err := w.Close(); err != nil {
		tb.Fatal(err)
	}
	return out.String()
}

func streamSample() string {
	return strings.Join([]string{
		`{"level":"info","msg":"Anthropic API Key: sk-ant-api03-xxx"}`,
		"plain line with nothing", "password=hunter2 and " + fake("ghp_", 36) + " end",
		"-----BEGIN PRIVATE KEY-----", "MIIEvQIBADANBgkqhkiG9w0BAQEFAASC", "Zk3vQ9xT", "-----END PRIVATE KEY-----",
		"the value kn0wn-value-1 is known", "two line value starts here: first half-of", "second half-of it ends",
		`{"body":"{\"api_key\":\"abc12345\"}"}`, "",
		"bash: passwd: command not found", "/bin/pwd: Permission denied", "passwd: permission deniedX9 passwd: no such file", "last line without newline token=abcd1234",
	}, "\n")
}

func TestEveryCutGivesTheSame(t *testing.T) {
	m := newMasker(t, redact.DefaultPatterns()...)
	m.Add("a", []byte("kn0wn-value-1"))
	m.Add("b", []byte("half-of\nsecond half"))
	text := streamSample()
	want := m.Text(text)
	if strings.Contains(want, "half-of\nsecond") || strings.Contains(want, "kn0wn") || strings.Contains(want, "MIIE") {
		t.Fatalf("the whole text leaks: %s", want)
	}
	for at := range len(text) {
		first := at
		if got := through(t, m, text, func(rest int) int {
			if first > 0 {
				n := first
				first = 0
				return n
			}
			return rest
		}); got != want {
			t.Fatalf("cut at %d:\n got  %q\n want %q", at, got, want)
		}
	}
	if got := through(t, m, text, func(int) int { return 1 }); got != want {
		t.Fatalf("byte by byte:\n got  %q\n want %q", got, want)
	}
}

func TestLinesGoOutAtTheirNewline(t *testing.T) {
	m := newMasker(t)
	m.Add("b", []byte("half-of\nsecond half")) // must not delay lines that have no part of it
	var out bytes.Buffer
	w := m.Writer(&out)
	_, _ = w.Write([]byte("one password=hunter2\ntwo pass"))
	if out.String() != "one password=[REDACTED]\n" {
		t.Fatalf("got %q", out.String())
	}
	_, _ = w.Write([]byte("word=hunter2\n"))
	if out.String() != "one password=[REDACTED]\ntwo password=[REDACTED]\n" {
		t.Fatalf("got %q", out.String())
	}
}

func TestLongLinesAreBoundedAndSafe(t *testing.T) {
	const known = "kn0wn-value-1"
	filler := strings.Repeat("nothing here; ", 10000) // 140 kB
	for name, text := range map[string]string{
		"plain":                  filler,
		"values all along":       strings.Repeat("x "+known+" password=hunter2 ", 5000),
		"one candidate for ever": "password=\"" + strings.Repeat("s3cr3t ", 20000) + "\" tail\nnext line\n",
		"one run for ever":       fake("sk-ant-api03-", 200000) + "\nnext line\n",
		"key and no end":         "-----BEGIN PRIVATE KEY-----" + strings.Repeat("MIIEvQIB", 20000) + "\nnext line\n",
		"value at the bound":     strings.Repeat("y", 32<<10-7) + known + strings.Repeat("z", 100),
		"key at the bound":       strings.Repeat("y ", (32<<10-16)/2) + "api_key=s3cr3tvalue1 " + filler,
		"key before look-ahead":  strings.Repeat("y ", (24<<10-4)/2) + "api_key=s3cr3tvalue1 " + filler,
	} {
		t.Run(name, func(t *testing.T) {
			m := newMasker(t)
			m.Add("k", []byte(known))
			want := through(t, m, text, func(rest int) int { return rest })
			for _, secret := range []string{known, "hunter2", "s3cr3tvalue1", "s3cr3t s3cr3t", "MIIEvQIB", "Zk3vQ9xTb7"} {
				if strings.Contains(want, secret) {
					t.Fatalf("%s survives in %d bytes", secret, len(want))
				}
			}
			if strings.HasSuffix(text, "next line\n") && !strings.HasSuffix(want, "next line\n") {
				t.Errorf("the line after is gone: …%q", want[max(0, len(want)-60):])
			}
			if name == "plain" && want != text {
				t.Error("plain text was changed")
			}
			random := rand.New(rand.NewPCG(1, 2))
			for range 3 {
				if got := through(t, m, text, func(int) int { return 1 + random.IntN(5000) }); got != want {
					t.Fatalf("another cut gives another text: %d and %d bytes", len(got), len(want))
				}
			}
		})
	}
}

type failing struct{ err error }

func (f failing) Write([]byte) (int, error) { return 0, f.err }

func TestWriterReportsTheErrorBelow(t *testing.T) {
	want := errors.New("disk full")
	w := newMasker(t).Writer(failing{want})
	if _, err := w.Write([]byte("x\n")); !errors.Is(err, want) {
		t.Fatalf("got %v", err)
	}
}

// A registered value never passes a Writer, whatever surrounds it and however
// the stream is cut; the output is bounded; whole text and stream agree.
func FuzzKnownValueNeverSurvives(f *testing.F) {
	f.Add("s3cr3t-value", "before ", " after\n", uint8(3))
	f.Add("two\nlines-of", "password=", "\"\n", uint8(1))
	f.Add("eyJhbGciOiJ", "-----BEGIN PRIVATE KEY-----\n", "\n-----END", uint8(7))
	f.Add("äöü<&>\"'\\", `{"api_key":"`, `"}`, uint8(5))
	f.Add("s3cr3t", strings.Repeat("a", 32<<10-3), strings.Repeat("b ", 5000), uint8(200))
	f.Fuzz(func(t *testing.T, value, before, after string, step uint8) {
		m := newMasker(t, redact.DefaultPatterns()...)
		trimmed := strings.TrimSpace(value)
		if !m.Add("v", []byte(value)) || strings.ContainsAny(trimmed, "[]") || strings.Contains("[REDACTED]", trimmed) || len(trimmed) > 500 {
			t.Skip()
		}
		text := before + value + after + value + before
		whole := m.Text(text)
		if strings.Contains(whole, trimmed) {
			t.Fatalf("%q survives in %q", trimmed, whole)
		}
		if len(whole) > len(text)+(len(text)/2+2)*(len(redact.DefaultReplacement)+8) {
			t.Fatalf("%d bytes became %d", len(text), len(whole))
		}
		one := through(t, m, text, func(int) int { return int(step) })
		other := through(t, m, text, func(rest int) int { return rest })
		if one != other {
			t.Fatalf("cuts differ:\n%q\n%q", one, other)
		}
		if strings.Contains(one, trimmed) {
			t.Fatalf("%q survives the writer in %q", trimmed, one)
		}
		if len(text) < 16<<10 && one != whole {
			t.Fatalf("stream and whole differ:\n%q\n%q", one, whole)
		}
	})
}

// No encoding of a registered value passes a Writer or Text either, whatever
// surrounds it and however the stream is cut. Of base64 the first two and the
// last three characters may be the neighbours'.
func FuzzNoEncodingSurvives(f *testing.F) {
	f.Add("s3cr3t-value", "before ", " after\n", uint8(3), uint8(0))
	f.Add("pässwörd-日本 & <b>", `{"key":"`, `"}`, uint8(1), uint8(6))
	f.Add("two lines of\nit all", "k=", "&", uint8(7), uint8(3))
	f.Add("quote\"back\\slash", "-----BEGIN PRIVATE KEY-----", "Bearer ", uint8(2), uint8(11))
	f.Fuzz(func(t *testing.T, value, before, after string, step, which uint8) {
		m := newMasker(t, redact.DefaultPatterns()...)
		trimmed := strings.TrimSpace(value)
		if len(trimmed) > 300 || !utf8.ValidString(trimmed) || strings.ContainsAny(trimmed, "[]") || len(before)+len(after) > 4000 || !m.Add("v", []byte(value)) {
			t.Skip()
		}
		all := encodings(trimmed)
		names := slices.Sorted(maps.Keys(all))
		name := names[int(which)%len(names)]
		encoded := all[name]
		core := encoded
		switch name {
		case "JSON", "JSON, no HTML":
			core = encoded[1 : len(encoded)-1]
		case "JSON in JSON":
			core = encoded[3 : len(encoded)-3]
		case "query":
			core = strings.TrimSuffix(strings.TrimPrefix(encoded, "k="), "&b=1")
		case "path":
			core = encoded[3 : len(encoded)-2]
		case "base64 user:pass": // "user:" is five bytes: six characters and a part of the seventh
			core = encoded[7 : len(encoded)-3]
		default:
			if strings.HasPrefix(name, "base64") {
				core = strings.TrimRight(encoded, "=")
				core = core[3 : len(core)-4]
			}
		}
		text := before + encoded + after
		whole := m.Text(text)
		cut := through(t, m, text, func(int) int { return int(step) })
		if whole != cut {
			t.Fatalf("%s of %q: cut %q, whole %q", name, trimmed, cut, whole)
		}
		if len(core) >= 6 && !strings.Contains(before+" "+after, core) && strings.Contains(whole, core) {
			t.Fatalf("%s of %q: %q survives in %q", name, trimmed, core, whole)
		}
	})
}

func FuzzPatterns(f *testing.F) {
	for _, p := range append(redact.DefaultPatterns(), ".*_key", "(a|b)_?c", `\d+`, "[", "x{1,9}", `^a$`) {
		f.Add(p, `{"a_c":"b12345","x":"y"} api_key=abc12345`)
	}
	f.Fuzz(func(t *testing.T, pattern, text string) {
		m, err := redact.New(redact.Options{Patterns: []string{pattern}})
		if err != nil || len(text) > 4000 {
			return // what is no pattern is refused, and not with a panic
		}
		m.Text(text)
	})
}
