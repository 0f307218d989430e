package logs_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode"

	"openclaw/gateway/event"
	"openclaw/gateway/logs"
	"openclaw/keychain/redact"
)

const known = "kn0wn-value-1"

func open(tb testing.TB, path string, change func(*logs.Options)) *logs.Log {
	tb.Helper()
	masker, err := redact.New(redact.Options{Patterns: redact.DefaultPatterns()})
	if err != nil {
		tb.Fatal(err)
	}
	masker.Add("k", []byte(known))
	o := logs.Options{Masker: masker}
	if change != nil {
		change(&o)
	}
	l, err := logs.Open(path, o)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = l.Close() })
	return l
}

func read(tb testing.TB, path string) string {
	tb.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		tb.Fatal(err)
	}
	return string(text)
}

func TestLineHasItsKeysAndNoSecret(t *testing.T) {
	path := filepath.Join(t.TempDir(), "logs", "gateway.log")
	var published []event.LogLine
	l := open(t, path, func(o *logs.Options) { o.OnLine = func(line event.LogLine) { published = append(published, line) } })
	l.Logger().With(logs.KeySource, "provider").Warn("call refused",
		logs.KeyAgent, "coder", "api_key", "hunter22-x", "text", "Anthropic API Key: sk-ant-api03-xxx", "error", errors.New("bad "+known), "n", 3)
	got := read(t, path)
	var keys map[string]any
	if err := json.Unmarshal([]byte(got), &keys); err != nil {
		t.Fatalf("%v: %s", err, got)
	}
	delete(keys, logs.KeyTime)
	want := map[string]any{
		"level": "warn", "source": "provider", "message": "call refused", "agent": "coder", "api_key": "[REDACTED]",
		"text": "Anthropic API Key: [REDACTED]", "error": "bad [REDACTED]", "n": 3.0,
	}
	if fmt.Sprint(keys) != fmt.Sprint(want) {
		t.Errorf("got %v, want %v", keys, want)
	}
	for _, name := range []string{path, filepath.Dir(path)} {
		if info, err := os.Stat(name); err != nil || info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s: %v, %v", name, info.Mode(), err)
		}
	}
	if len(published) != 1 || published[0].Raw+"\n" != got || published[0].Source != "provider" || published[0].Level != "warn" ||
		published[0].Message != "call refused" || !strings.Contains(published[0].Text, "agent=coder api_key=[REDACTED]") || published[0].Time.IsZero() {
		t.Errorf("published %+v", published)
	}
}

func TestTextFormReadsBackTheSame(t *testing.T) {
	path := filepath.Join(t.TempDir(), "gateway.log")
	l := open(t, path, func(o *logs.Options) { o.Format = "text" })
	derived := l.Logger().With(logs.KeySource, "hub", "a", "with space")
	derived.Info("hello there", "password", "hunter22", "empty", "")
	l.SetFormat("json")
	derived.Info("hello there", "password", "hunter22", "empty", "")
	found, err := logs.Tail(path, 10)
	if err != nil || len(found) != 2 {
		t.Fatalf("%d lines, %v", len(found), err)
	}
	for _, line := range found {
		if line.Source != "hub" || line.Level != "info" || line.Message != "hello there" || line.Text != `a="with space" password=[REDACTED] empty=""` || line.Time.IsZero() {
			t.Errorf("got %+v", line)
		}
	}
	if !strings.HasPrefix(found[0].Raw, "time=") || !strings.HasPrefix(found[1].Raw, "{") {
		t.Errorf("forms: %s, %s", found[0].Raw, found[1].Raw)
	}
}

func TestLevelChangesLive(t *testing.T) {
	path := filepath.Join(t.TempDir(), "gateway.log")
	l := open(t, path, func(o *logs.Options) { o.Level = "warn" })
	log := l.Logger().With("source", "x")
	log.Info("one")
	l.SetLevel("debug")
	log.Debug("two")
	l.SetLevel("loud") // no level: says so, changes nothing
	log.Debug("three")
	if got := read(t, path); strings.Contains(got, "one") || !strings.Contains(got, "two") || !strings.Contains(got, "three") || !strings.Contains(got, "loud") {
		t.Errorf("got %s", got)
	}
	for _, o := range []logs.Options{{Level: "loud"}, {Format: "xml"}} {
		o.Masker, _ = redact.New(redact.Options{})
		if _, err := logs.Open(path, o); err == nil {
			t.Errorf("%+v was taken", o)
		}
	}
	if _, err := logs.Open(path, logs.Options{}); err == nil {
		t.Error("a log without a masker was opened")
	}
}

func TestRotationLosesNoLine(t *testing.T) {
	path := filepath.Join(t.TempDir(), "gateway.log")
	l := open(t, path, func(o *logs.Options) { o.Sizes.Max, o.Sizes.Keep = 8<<10, 1000 })
	const writers, each = 8, 100
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			for i := range each {
				l.Logger().Info("line", "n", fmt.Sprintf("<%d-%d>", w, i))
			}
		})
	}
	wg.Wait()
	var all bytes.Buffer
	pieces, err := filepath.Glob(path + "*")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range pieces {
		text := read(t, name)
		if len(text) > 8<<10 {
			t.Errorf("%s has %d bytes", name, len(text))
		}
		if info, _ := os.Stat(name); info.Mode().Perm() != 0o600 {
			t.Errorf("%s: mode %v", name, info.Mode())
		}
		all.WriteString(text)
	}
	if n := strings.Count(all.String(), "\n"); n != writers*each || len(pieces) < 5 {
		t.Errorf("%d lines in %d pieces", n, len(pieces))
	}
	for w := range writers {
		for i := range each {
			if !strings.Contains(all.String(), fmt.Sprintf("<%d-%d>", w, i)) {
				t.Errorf("line %d-%d is lost", w, i)
			}
		}
	}
}

func TestOldPiecesAreRemovedAndTailReadsThem(t *testing.T) {
	path := filepath.Join(t.TempDir(), "gateway.log")
	l := open(t, path, func(o *logs.Options) { o.Sizes.Max, o.Sizes.Keep = 1000, 3 })
	for i := range 200 {
		l.Logger().Info("line", "n", i)
	}
	pieces, _ := filepath.Glob(path + "*")
	if len(pieces) != 4 {
		t.Fatalf("pieces: %v", pieces)
	}
	found, err := logs.Tail(path, 20) // more than one piece holds
	if err != nil || len(found) != 20 {
		t.Fatalf("%d lines, %v", len(found), err)
	}
	for i, line := range found {
		if want := fmt.Sprintf("n=%d", 180+i); line.Text != want {
			t.Fatalf("line %d is %s, want %s", i, line.Text, want)
		}
	}
}

func TestForeignRotationIsFollowed(t *testing.T) {
	path := filepath.Join(t.TempDir(), "gateway.log")
	at := time.Now()
	l := open(t, path, func(o *logs.Options) { o.Now = func() time.Time { return at } })
	l.Logger().Info("one")
	if err := os.Rename(path, path+".old"); err != nil {
		t.Fatal(err)
	}
	at = at.Add(2 * time.Second)
	l.Logger().Info("two")
	if got := read(t, path); !strings.Contains(got, "two") {
		t.Errorf("got %s", got)
	}
}

func TestHalfLineOfACrashStaysAlone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "gateway.log")
	if err := os.WriteFile(path, []byte("{\"time\":\"2026-02-25T10:00:00Z\",\"message\":\"one\"}\n{\"time\":\"20"), 0o644); err != nil {
		t.Fatal(err)
	}
	open(t, path, nil).Logger().Info("after")
	found, err := logs.Tail(path, 0)
	if err != nil || len(found) != 3 || found[0].Message != "one" || found[1].Message != `{"time":"20` || found[2].Message != "after" {
		t.Errorf("%+v, %v", found, err)
	}
	if info, _ := os.Stat(path); info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v", info.Mode())
	}
}

func TestHugeLinesAreShortened(t *testing.T) {
	path := filepath.Join(t.TempDir(), "gateway.log")
	l := open(t, path, nil)
	l.Logger().Info("big line", "s", strings.Repeat("x y ", 200000)+known)
	l.Logger().Info("next")
	found, err := logs.Tail(path, 0)
	if err != nil || len(found) != 2 || len(found[0].Raw) > 20000 || found[0].Message != "big line" || !strings.Contains(found[0].Text, "shortened_bytes=800") || found[1].Message != "next" {
		t.Fatalf("%d lines, %v", len(found), err)
	}
}

func TestUnfitFilesAreRefused(t *testing.T) {
	dir := t.TempDir()
	if err := errors.Join(os.WriteFile(filepath.Join(dir, "f"), nil, 0o600), os.Symlink("f", filepath.Join(dir, "link"))); err != nil {
		t.Fatal(err)
	}
	masker, _ := redact.New(redact.Options{})
	for _, name := range []string{"link", "", "f/below"} {
		var e *logs.Error
		if _, err := logs.Open(filepath.Join(dir, name), logs.Options{Masker: masker}); !errors.As(err, &e) || e.Hint == "" {
			t.Errorf("%q: %v", name, err)
		}
	}
}

type worse struct{}

func (worse) Error() string { panic("again") }

func TestPanicIsLoggedMasked(t *testing.T) {
	path := filepath.Join(t.TempDir(), "gateway.log")
	l := open(t, path, nil)
	for _, value := range []any{"the key is " + known, fmt.Errorf("password=%s", "hunter22"), worse{}, nil} {
		func() {
			defer func() { logs.Panic(l.Logger(), "hub", recover()) }()
			panic(value)
		}()
	}
	got := read(t, path)
	if strings.Contains(got, known) || strings.Contains(got, "hunter22") || strings.Count(got, `"level":"error","message":"a part of the program panicked","source":"hub"`) != 4 ||
		!strings.Contains(got, "log_test.go") {
		t.Errorf("got %s", got)
	}
}

func TestNothingIsLoggedAfterClose(t *testing.T) {
	path := filepath.Join(t.TempDir(), "gateway.log")
	l := open(t, path, nil)
	_ = l.Close()
	l.Logger().Info("late") // must not panic
	if l.Lost() != 1 || l.Close() != nil {
		t.Errorf("lost %d", l.Lost())
	}
}

func BenchmarkLog(b *testing.B) {
	l := open(b, filepath.Join(b.TempDir(), "gateway.log"), nil)
	log := l.Logger().With(slog.String(logs.KeySource, "provider"))
	b.ReportAllocs()
	for b.Loop() {
		log.Info("a call ended", slog.String(logs.KeyAgent, "coder"), slog.Int(logs.KeyStatus, 200), slog.String("route", "POST /v1/messages"))
	}
}

// A name that an agent chose cannot give orders to the terminal of the person who
// reads the log, in either form, shortened or not.
func TestLinesHoldNothingThatATerminalObeys(t *testing.T) {
	const name = "a\u009b31m\x1b[2J\u202e\x7f"
	for _, form := range []string{"json", "text"} {
		path := filepath.Join(t.TempDir(), "gateway.log")
		l := open(t, path, func(o *logs.Options) { o.Format = form })
		l.Logger().Warn("refused", "target", name, "bare", "\u009b")
		l.Logger().Warn("refused", "target", strings.Repeat(name, 100_000))
		for _, r := range read(t, path) {
			if r != '\n' && !unicode.IsPrint(r) {
				t.Fatalf("%s: the log holds %U", form, r)
			}
		}
		lines, err := logs.Tail(path, 2)
		if err != nil || len(lines) != 2 || form == "json" && !strings.Contains(lines[0].Raw, `"target":"a\u009b31m`) {
			t.Fatalf("%s: %v, %d lines: %.200s", form, err, len(lines), lines[0].Raw)
		}
	}
}
