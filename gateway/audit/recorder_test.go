package audit_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
	"unicode"

	"openclaw/gateway/audit"
)

func open(tb testing.TB, o audit.Options) *audit.Recorder {
	tb.Helper()
	r, err := audit.Open(o)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = r.Close() })
	return r
}

func lines(tb testing.TB, path string) [][]byte {
	tb.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		tb.Fatal(err)
	}
	var list [][]byte
	for line := range bytes.Lines(text) {
		list = append(list, bytes.TrimSuffix(line, []byte("\n")))
	}
	return list
}

func wantStatus(tb testing.TB, path string, want audit.Status) audit.Report {
	tb.Helper()
	got, err := audit.Verify(path)
	if err != nil {
		tb.Fatal(err)
	}
	if got.Status != want {
		tb.Fatalf("Verify: %s at line %d: %s; want %s", got.Status, got.Line, got.Detail, want)
	}
	return got
}

func TestLineHasTheSpecificationsShape(t *testing.T) {
	path := filepath.Join(t.TempDir(), "logs", "audit.log")
	at := time.Date(2026, 2, 25, 10, 31, 0, 0, time.UTC)
	r := open(t, audit.Options{Path: path, Now: func() time.Time { return at }})
	err := r.Record(t.Context(), audit.Entry{
		Event: audit.FileAccess, User: "agent-1", Action: "write", Path: "/home/user/project/file.py", Result: audit.Allowed, Reason: "within allowed_paths",
	})
	if err != nil {
		t.Fatal(err)
	}
	err = r.Record(t.Context(), audit.Entry{
		Event: audit.Authentication, User: "client-1", IP: "192.168.1.100", Result: audit.Success, Details: map[string]any{"method": "token", "gateway": "<prod>"},
	})
	if err != nil {
		t.Fatal(err)
	}
	got := lines(t, path) // before Close: it must be there already
	for i, want := range []string{
		`{"timestamp":"2026-02-25T10:31:00Z","event_type":"file_access","user":"agent-1","action":"write","path":"/home/user/project/file.py","result":"allowed","reason":"within allowed_paths","seq":1,"prev":"` + strings.Repeat("0", 64) + `","hash":"`,
		`{"timestamp":"2026-02-25T10:31:00Z","event_type":"authentication","user":"client-1","ip":"192.168.1.100","result":"success","details":{"gateway":"<prod>","method":"token"},"seq":2,"prev":"`,
	} {
		if !strings.HasPrefix(string(got[i]), want) || !json.Valid(got[i]) {
			t.Errorf("line %d is\n%s, want\n%s…", i+1, got[i], want)
		}
	}
	for _, name := range []string{path, path + ".lock"} {
		if info, err := os.Stat(name); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: mode %v, %v", name, info.Mode(), err)
		}
	}
	wantStatus(t, path, audit.StatusOK)
}

func TestConcurrentRecordsAreAllThereInOneChain(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.log")
	r := open(t, audit.Options{Path: path})
	const workers, each = 16, 50
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			for i := range each {
				e := audit.Entry{Event: audit.APICall, User: fmt.Sprintf("w%d", w), Target: fmt.Sprint(i), Result: audit.Success}
				if i%2 == 0 {
					r.RecordLater(e, func(err error) { t.Error(err) })
				} else if err := r.Record(t.Context(), e); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	if got := wantStatus(t, path, audit.StatusOK); got.Records != workers*each {
		t.Fatalf("%d lines, want %d", got.Records, workers*each)
	}
	// Each caller's own order is kept.
	next := map[string]int{}
	for _, line := range lines(t, path) {
		var e struct{ User, Target string }
		if err := json.Unmarshal(line, &e); err != nil {
			t.Fatal(err)
		}
		if e.Target != fmt.Sprint(next[e.User]) {
			t.Fatalf("%s: got %s, want %d", e.User, e.Target, next[e.User])
		}
		next[e.User]++
	}
}

func TestConfigChoosesEvents(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.log")
	r := open(t, audit.Options{Path: path, Events: []string{audit.Authentication}})
	for _, event := range []string{audit.Authentication, audit.FileAccess, audit.APICall, audit.SecretAccess, audit.Approval, audit.RunStart, "an event of tomorrow"} {
		if err := r.Record(t.Context(), audit.Entry{Event: event}); err != nil {
			t.Fatal(err)
		}
	}
	var got []string
	for _, line := range lines(t, path) {
		var e struct {
			Event string `json:"event_type"`
		}
		_ = json.Unmarshal(line, &e)
		got = append(got, e.Event)
	}
	if want := "authentication secret_access approval run_start an event of tomorrow"; strings.Join(got, " ") != want {
		t.Errorf("got %v", got)
	}
	if err := r.SetEvents([]string{"authentification"}); !errors.Is(err, &audit.Error{Kind: audit.KindUnknown}) {
		t.Errorf("an unknown event gives %v", err)
	}
}

func TestSecretsAreMaskedBeforeTheHash(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.log")
	for name, mask := range map[string]func([]byte) []byte{
		"within a text":    func(b []byte) []byte { return bytes.ReplaceAll(b, []byte("hunter2"), []byte("***")) },
		"through the JSON": func(b []byte) []byte { return bytes.ReplaceAll(b, []byte(`hunter2"`), []byte("***")) },
	} {
		t.Run(name, func(t *testing.T) {
			if name == "through the JSON" {
				inner := mask
				mask = func(b []byte) []byte { return bytes.ReplaceAll(inner(b), []byte("hunter2"), []byte("***")) }
			}
			r := open(t, audit.Options{Path: path, Redact: mask})
			err := r.Record(t.Context(), audit.Entry{
				Event: audit.CommandExecution, Target: "hunter2", Details: map[string]any{"argv": []string{"x", "hunter2"}, "hunter2": 1, "n": map[string]any{"a": "hunter2"}},
			})
			if err != nil {
				t.Fatal(err)
			}
			_ = r.Close()
			text, _ := os.ReadFile(path)
			if bytes.Contains(text, []byte("hunter2")) || !bytes.Contains(text, []byte("***")) {
				t.Errorf("got %s", text)
			}
			wantStatus(t, path, audit.StatusOK)
		})
	}
}

type badJSON struct{}

func (badJSON) MarshalJSON() ([]byte, error) { panic("no") }

func TestBadDetailsNeverLoseTheEvent(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.log")
	r := open(t, audit.Options{Path: path})
	for i, e := range []audit.Entry{
		{Details: map[string]any{"f": func() {}}},
		{Details: map[string]any{"f": badJSON{}}},
		{Details: map[string]any{"f": strings.Repeat("x", 1<<20)}},
		{Path: strings.Repeat("/x", 1<<20)},
		{Path: "\xff\xfe\x00\n\x1b[31m", Target: `","hash":"`, Reason: "\u2028"},
	} {
		e.Event = audit.FileAccess
		if err := r.Record(t.Context(), e); err != nil {
			t.Errorf("entry %d: %v", i, err)
		}
	}
	got := lines(t, path)
	if len(got) != 5 {
		t.Fatalf("%d lines", len(got))
	}
	for i, line := range got {
		if len(line) > audit.MaxLine || !json.Valid(line) {
			t.Errorf("line %d: %d bytes", i+1, len(line))
		}
	}
	wantStatus(t, path, audit.StatusOK)
}

func TestChainGoesOnAfterReopening(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.log")
	for range 3 {
		r := open(t, audit.Options{Path: path})
		if err := r.Record(t.Context(), audit.Entry{Event: audit.GatewayStart}); err != nil {
			t.Fatal(err)
		}
		if err := r.Close(); err != nil {
			t.Fatal(err)
		}
		if err := r.Record(t.Context(), audit.Entry{Event: audit.GatewayStop}); !errors.Is(err, &audit.Error{Kind: audit.KindClosed}) {
			t.Fatalf("Record after Close: %v", err)
		}
	}
	if got := wantStatus(t, path, audit.StatusOK); got.Records != 3 {
		t.Fatalf("%d records", got.Records)
	}
}

func TestOneRecorderAFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.log")
	r := open(t, audit.Options{Path: path})
	_, err := audit.Open(audit.Options{Path: path})
	var e *audit.Error
	if !errors.As(err, &e) || e.Kind != audit.KindLocked || e.Hint == "" {
		t.Fatalf("the second opener got %v", err)
	}
	_ = r.Close()
	open(t, audit.Options{Path: path})
}

func TestHalfWrittenEndIsRepairedAndRecorded(t *testing.T) {
	for name, damage := range map[string]struct {
		do      func(text []byte) []byte
		records uint64
		status  audit.Status
	}{
		"half a line":          {func(b []byte) []byte { return append(b, `{"timestamp":"2026-0`...) }, 4, audit.StatusOK},
		"cut in the last line": {func(b []byte) []byte { return b[:len(b)-40] }, 3, audit.StatusOK},
		"no last newline":      {func(b []byte) []byte { return b[:len(b)-1] }, 4, audit.StatusOK},
		"zeros":                {func(b []byte) []byte { return append(b, make([]byte, 300000)...) }, 4, audit.StatusOK},
		"a line of zeros":      {func(b []byte) []byte { return append(append(b, make([]byte, 100)...), '\n') }, 4, audit.StatusEdited},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "audit.log")
			r := open(t, audit.Options{Path: path})
			for range 3 {
				_ = r.Record(t.Context(), audit.Entry{Event: audit.RunStart})
			}
			_ = r.Close()
			text, _ := os.ReadFile(path)
			if err := os.WriteFile(path, damage.do(text), 0o600); err != nil {
				t.Fatal(err)
			}
			_ = open(t, audit.Options{Path: path}).Close()
			got := wantStatus(t, path, damage.status)
			if got.Records != damage.records {
				t.Errorf("%d records, want %d", got.Records, damage.records)
			}
			all := lines(t, path)
			if !bytes.Contains(all[len(all)-1], []byte(`"event_type":"log.recovered"`)) {
				t.Errorf("the last line is %s", all[len(all)-1])
			}
		})
	}
}

func TestForeignChangesWhileOpenAreRecorded(t *testing.T) {
	for name, change := range map[string]func(path string) error{
		"deleted": os.Remove,
		"replaced": func(path string) error {
			return errors.Join(os.Rename(path, path+".1"), os.WriteFile(path, []byte("not ours"), 0o644))
		},
		"shortened": func(path string) error { return os.Truncate(path, 10) },
		"extended": func(path string) error {
			f, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND, 0)
			if err != nil {
				return err
			}
			_, err = f.WriteString("half a foreign line")
			return errors.Join(err, f.Close())
		},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "audit.log")
			r := open(t, audit.Options{Path: path})
			if err := r.Record(t.Context(), audit.Entry{Event: audit.RunStart}); err != nil {
				t.Fatal(err)
			}
			if err := change(path); err != nil {
				t.Fatal(err)
			}
			if err := r.Record(t.Context(), audit.Entry{Event: audit.RunEnd}); err != nil {
				t.Fatal(err)
			}
			all := lines(t, path)
			if len(all) < 2 || !bytes.Contains(all[len(all)-2], []byte(`"what":"`+name+`"`)) || !bytes.Contains(all[len(all)-1], []byte(audit.RunEnd)) {
				t.Fatalf("got %s", bytes.Join(all, []byte("\n")))
			}
			if info, _ := os.Stat(path); info.Mode().Perm() != 0o600 {
				t.Errorf("mode %v", info.Mode())
			}
			if got, _ := audit.Verify(path); got.Status == audit.StatusOK {
				t.Error("Verify says ok")
			}
		})
	}
}

func TestUnfitFilesAreRefused(t *testing.T) {
	dir := t.TempDir()
	target := filepath.Join(dir, "elsewhere")
	if err := errors.Join(os.WriteFile(target, nil, 0o600), os.Symlink(target, filepath.Join(dir, "link")), os.Mkdir(filepath.Join(dir, "dir"), 0o700)); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"link", "dir", "elsewhere/below"} {
		if _, err := audit.Open(audit.Options{Path: filepath.Join(dir, name)}); !errors.Is(err, &audit.Error{Kind: audit.KindFile}) {
			t.Errorf("%s: %v", name, err)
		}
	}
	wide := filepath.Join(dir, "wide")
	if err := os.WriteFile(wide, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	open(t, audit.Options{Path: wide})
	if info, _ := os.Stat(wide); info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v", info.Mode())
	}
}

func TestEndedContextIsAnError(t *testing.T) {
	r := open(t, audit.Options{Path: filepath.Join(t.TempDir(), "audit.log")})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for range 20 {
		if err := r.Record(ctx, audit.Entry{Event: audit.Approval}); err != nil && !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
	}
}

func BenchmarkRecord(b *testing.B) {
	for _, writers := range []int{1, 64} {
		b.Run(fmt.Sprintf("writers=%d", writers), func(b *testing.B) {
			r := open(b, audit.Options{Path: filepath.Join(b.TempDir(), "audit.log")})
			b.SetParallelism(writers / 2)
			if writers == 1 {
				for b.Loop() {
					_ = r.Record(b.Context(), audit.Entry{Event: audit.APICall, User: "coder", Target: "anthropic"})
				}
				return
			}
			b.RunParallel(func(p *testing.PB) {
				for p.Next() {
					_ = r.Record(b.Context(), audit.Entry{Event: audit.APICall, User: "coder", Target: "anthropic"})
				}
			})
		})
	}
}

// A name that an agent chose cannot give orders to the terminal of the person who
// reads the audit log, and is there as it was.
func TestLinesHoldNothingThatATerminalObeys(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.log")
	const name = "/usr/a\u009b31m\x1b[2J\u202e\x7f\n"
	r := open(t, audit.Options{Path: path})
	if err := r.Record(t.Context(), audit.Entry{Event: audit.FileAccess, Path: name, Details: map[string]any{name: name}}); err != nil {
		t.Fatal(err)
	}
	line := lines(t, path)[0]
	for _, c := range string(line) {
		if !unicode.IsPrint(c) {
			t.Fatalf("the line holds %U", c)
		}
	}
	var read struct{ Path string }
	if err := json.Unmarshal(line, &read); err != nil || read.Path != name {
		t.Fatalf("%q, %v", read.Path, err)
	}
	wantStatus(t, path, audit.StatusOK)
}
