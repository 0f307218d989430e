package redact_test

import (
	"bytes"
	"math/rand/v2"
	"strings"
	"testing"
)

// pushed sends text through a Stream in pieces.
func pushed(s interface {
	Push([]byte) []byte
	End() []byte
}, text string, cut func(rest int) int) string {
	var out strings.Builder
	for rest := []byte(text); len(rest) > 0; {
		n := min(max(cut(len(rest)), 1), len(rest))
		out.Write(s.Push(rest[:n]))
		rest = rest[n:]
	}
	out.Write(s.End())
	return out.String()
}

// What a stream gives joined is what the whole gives, wherever it is cut.
func TestStreamGivesWhatTheWholeGives(t *testing.T) {
	c := newCorpus(*seed)
	m := newMasker(t)
	m.Add("a", []byte("kn0wn-value-1"))
	m.Add("b", []byte("half-of\nsecond half"))
	m.Add("c", []byte("correct horse battery"))
	texts := []string{streamSample(), "it is correct horse battery, correct horse", `password="correct horse b" and 'more' token='x"y z' end`}
	all := families()
	for i := range 300 {
		line := c.around(all[i%len(all)].make(c))
		switch i % 8 {
		case 1:
			line, _ = c.named()
		case 2:
			line = c.ordinary()
		case 3:
			line = c.elsewhere(all[i%len(all)].make(c))
		case 4:
			line, _ = c.namedElsewhere()
		case 5:
			line = c.ordinaryElsewhere()
		case 6:
			line = c.inTools(all[i%len(all)].make(c))
		case 7:
			line, _ = c.namedInTools()
		}
		texts = append(texts, line, c.word()+" "+line+"\n"+line+" "+c.word())
	}
	for _, text := range texts {
		want := m.Text(text)
		for _, size := range []int{1, 3, 7} {
			if got := pushed(m.Stream(), text, func(int) int { return size }); got != want {
				t.Fatalf("%q in pieces of %d:\n got  %q\n want %q", text, size, got, want)
			}
		}
		at := c.IntN(len(text)) + 1
		if got := pushed(m.Stream(), text, func(rest int) int {
			if rest == len(text) {
				return at
			}
			return rest
		}); got != want {
			t.Fatalf("%q cut at %d:\n got  %q\n want %q", text, at, got, want)
		}
	}
}

// Of ordinary text only the last word waits.
func TestStreamHoldsBackAWord(t *testing.T) {
	s := newMasker(t).Stream()
	for _, step := range []struct{ in, out string }{
		{"Here is ", "Here is "}, {"the ans", "the "}, {"wer: ", "answer: "}, {"ok\n", "ok\n"}, {"password=hun", ""}, {"ter22 ", "password=[REDACTED] "},
		{"then \"quoted words", "then \"quoted "}, {" go on\" at once ", "words go on\" at once "}, {`secret: "velvet otter `, "secret: \""}, {`lantern" `, ""}, // -> "what it becomes" may follow
		{"and ", `[REDACTED]" and `},
	} {
		if got := string(s.Push([]byte(step.in))); got != step.out {
			t.Errorf("after %q: %q, want %q", step.in, got, step.out)
		}
	}
}

// What never ends is bounded, and its secret parts are not given.
func TestStreamOfCandidatesWithoutEnd(t *testing.T) {
	for name, text := range map[string]string{
		"one run":       fake("sk-ant-api03-", 200_000),
		"one value":     `password="` + strings.Repeat("s3cr3t ", 30_000),
		"private key":   "-----BEGIN PRIVATE KEY-----" + strings.Repeat("MIIEvQIB", 30_000),
		"known value":   strings.Repeat("kn0wn-value-1", 20_000),
		"key and lines": "-----BEGIN PRIVATE KEY-----\n" + strings.Repeat("MIIEvQIBADANBgkqhkiG9w0BAQEFAASC\n", 5_000) + "-----END PRIVATE KEY-----\n",
	} {
		t.Run(name, func(t *testing.T) {
			m := newMasker(t)
			m.Add("k", []byte("kn0wn-value-1"))
			random := rand.New(rand.NewPCG(1, 2))
			got := pushed(m.Stream(), text+" tail\n", func(int) int { return 1 + random.IntN(9000) })
			for _, secret := range []string{"Zk3vQ9xT", "s3cr3t s3cr3t", "MIIEvQIB", "kn0wn-value-1"} {
				if strings.Contains(got, secret) {
					t.Fatalf("%s survives in %d bytes", secret, len(got))
				}
			}
		})
	}
	filler := strings.Repeat("nothing here; ", 20_000)
	if got := pushed(newMasker(t).Stream(), filler, func(int) int { return 777 }); got != filler {
		t.Error("plain text was changed")
	}
}

func TestEagerWriterGivesAtOnce(t *testing.T) {
	m := newMasker(t)
	var out bytes.Buffer
	w := m.Eager(&out)
	_, _ = w.Write([]byte("progress 10% "))
	if out.String() != "progress 10% " {
		t.Errorf("got %q", out.String())
	}
	_, _ = w.Write([]byte("key " + fake("ghp_", 36)))
	if err := w.Close(); err != nil || out.String() != "progress 10% key [REDACTED]" {
		t.Errorf("got %q %v", out.String(), err)
	}
}

// A registered value passes no Stream, whatever surrounds it and however it is
// cut.
func FuzzStream(f *testing.F) {
	f.Add("s3cr3t-value", "before ", " after\n", uint8(3))
	f.Add("two\nlines-of", "password=", "\"\n", uint8(1))
	f.Add("three words of", "-----BEGIN PRIVATE KEY-----\n", "\n-----END", uint8(7))
	f.Add("s3cr3t", strings.Repeat("a", 32<<10-3), strings.Repeat("b ", 5000), uint8(200))
	f.Fuzz(func(t *testing.T, value, before, after string, step uint8) {
		m := newMasker(t)
		trimmed := strings.TrimSpace(value)
		if !m.Add("v", []byte(value)) || strings.ContainsAny(trimmed, "[]") || strings.Contains("[REDACTED]", trimmed) || len(trimmed) > 500 {
			t.Skip()
		}
		text := before + value + after + value + before
		got := pushed(m.Stream(), text, func(int) int { return int(step) })
		if strings.Contains(got, trimmed) {
			t.Fatalf("%q survives in %q", trimmed, got)
		}
	})
}
