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
	"testing"
	"time"

	"openclaw/gateway/audit"
)

// written makes a log of n lines, a second apart, and returns its path and the
// time of the first.
func written(tb testing.TB, n int) (string, time.Time) {
	tb.Helper()
	path := filepath.Join(tb.TempDir(), "audit.log")
	start := time.Date(2026, 2, 25, 10, 0, 0, 0, time.UTC)
	at := start
	r := open(tb, audit.Options{Path: path, Now: func() time.Time { defer func() { at = at.Add(time.Second) }(); return at }})
	for i := range n {
		e := audit.Entry{Event: audit.FileAccess, User: fmt.Sprintf("agent-%d", i%3), Target: fmt.Sprint(i), Details: connectionDetails(i)}
		if i%5 == 0 {
			e = audit.Entry{Event: audit.Approval, User: "user", Target: fmt.Sprint(i), Details: map[string]any{"agent": "agent-1", "text": `"event_type":"file_access"`}}
		}
		r.RecordLater(e, func(err error) { tb.Error(err) })
	}
	if err := r.Close(); err != nil {
		tb.Fatal(err)
	}
	return path, start
}

// connectionDetails name a connection in some records: run-1/1 in the second, as what it
// is about, and in the third, as who asked; the fourth only speaks of it, and the fifth is
// of another one.
func connectionDetails(i int) map[string]any {
	switch i {
	case 1:
		return map[string]any{"connection": "run-1/1"}
	case 2:
		return map[string]any{"caller": "run-1/1"}
	case 3:
		return map[string]any{"text": "run-1/1", "id": "run-1/1"}
	case 4:
		return map[string]any{"connection": "run-1/11"}
	}
	return nil
}

func targets(tb testing.TB, found []json.RawMessage) string {
	tb.Helper()
	var list []string
	for _, line := range found {
		var e struct{ Target string }
		if err := json.Unmarshal(line, &e); err != nil {
			tb.Fatal(err)
		}
		list = append(list, e.Target)
	}
	return strings.Join(list, " ")
}

func TestSearchChoosesLines(t *testing.T) {
	path, start := written(t, 20)
	for name, row := range map[string]struct {
		query     audit.Query
		want      string
		truncated bool
	}{
		"by event":         {audit.Query{Event: audit.Approval}, "0 5 10 15", false},
		"by user":          {audit.Query{User: "agent-1"}, "1 4 7 13 16 19", false},
		"by agent":         {audit.Query{Agent: "agent-1"}, "0 1 4 5 7 10 13 15 16 19", false},
		"since":            {audit.Query{Since: start.Add(17 * time.Second)}, "17 18 19", false},
		"until":            {audit.Query{Until: start.Add(2 * time.Second)}, "0 1 2", false},
		"between":          {audit.Query{Event: audit.Approval, Since: start.Add(time.Second), Until: start.Add(11 * time.Second)}, "5 10", false},
		"limit":            {audit.Query{Limit: 3}, "0 1 2", true},
		"newest first":     {audit.Query{Limit: 3, Reverse: true}, "19 18 17", true},
		"newest of a kind": {audit.Query{Event: audit.Approval, Limit: 4, Reverse: true}, "15 10 5 0", false},
		"of a connection":  {audit.Query{Connection: "run-1/1"}, "1 2", false},
		"nothing":          {audit.Query{Event: "none"}, "", false},
	} {
		t.Run(name, func(t *testing.T) {
			found, truncated, err := audit.Search(t.Context(), path, row.query)
			if err != nil || targets(t, found) != row.want || truncated != row.truncated {
				t.Errorf("got %q, truncated %v, %v; want %q", targets(t, found), truncated, err, row.want)
			}
		})
	}
}

func TestSearchBothWaysAgreeOnBigAndDamagedLogs(t *testing.T) {
	path, _ := written(t, 3000) // more than one block of the reader
	text, _ := os.ReadFile(path)
	half := bytes.LastIndexByte(text[:len(text)/2], '\n') + 1
	damaged := bytes.Join([][]byte{text[:half], []byte("not JSON\n\n{\"seq\":\n"), bytes.Repeat([]byte("long"), 200000), []byte("\n"), text[half:], []byte(`{"timestamp":"20`)}, nil)
	if err := os.WriteFile(path, damaged, 0o600); err != nil {
		t.Fatal(err)
	}
	forwards, _, err := audit.Search(t.Context(), path, audit.Query{Limit: 5000})
	if err != nil || len(forwards) != 3000 {
		t.Fatalf("forwards: %d lines, %v", len(forwards), err)
	}
	backwards, _, err := audit.Search(t.Context(), path, audit.Query{Limit: 5000, Reverse: true})
	if err != nil || len(backwards) != 3000 {
		t.Fatalf("backwards: %d lines, %v", len(backwards), err)
	}
	for i := range forwards {
		if !bytes.Equal(forwards[i], backwards[2999-i]) {
			t.Fatalf("line %d differs:\n%s\n%s", i, forwards[i], backwards[2999-i])
		}
	}
}

func TestSearchEdges(t *testing.T) {
	dir := t.TempDir()
	if found, _, err := audit.Search(t.Context(), filepath.Join(dir, "none"), audit.Query{}); err != nil || found != nil {
		t.Errorf("no file: %v, %v", found, err)
	}
	if _, _, err := audit.Search(t.Context(), dir, audit.Query{}); !errors.Is(err, &audit.Error{Kind: audit.KindFile}) {
		t.Errorf("a folder: %v", err)
	}
	path, _ := written(t, 1000)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, err := audit.Search(ctx, path, audit.Query{Event: "none"}); !errors.Is(err, context.Canceled) {
		t.Errorf("ended context: %v", err)
	}
}

// Neither reader may panic, hang, or call a changed log sound.
func FuzzReaders(f *testing.F) {
	path, _ := written(f, 4)
	good, err := os.ReadFile(path)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add(good[:len(good)-30])
	f.Add(bytes.Replace(good, []byte("agent-1"), []byte("agent-2"), 1))
	f.Add([]byte("\n\n{}\n[]\n\"x\"\nnull\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		path := filepath.Join(t.TempDir(), "audit.log")
		if err := os.WriteFile(path, text, 0o600); err != nil {
			t.Fatal(err)
		}
		report, err := audit.Verify(path)
		if err != nil {
			t.Fatal(err)
		}
		if report.Status == audit.StatusOK && !bytes.Equal(text, good[:min(len(text), len(good))]) {
			var lines int
			for range bytes.Lines(text) {
				lines++
			}
			if uint64(lines) != report.Records {
				t.Fatalf("ok with %d records in %d lines", report.Records, lines)
			}
		}
		a, _, err := audit.Search(t.Context(), path, audit.Query{})
		if err != nil {
			t.Fatal(err)
		}
		b, _, err := audit.Search(t.Context(), path, audit.Query{Reverse: true})
		if err != nil || len(a) != len(b) {
			t.Fatalf("%d forwards, %d backwards, %v", len(a), len(b), err)
		}
		// Whatever stands there, a Recorder joins on and its lines count.
		r, err := audit.Open(audit.Options{Path: path})
		if err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(r.Record(t.Context(), audit.Entry{Event: audit.Approval, Target: "mine"}), r.Close()); err != nil {
			t.Fatal(err)
		}
		found, _, err := audit.Search(t.Context(), path, audit.Query{Reverse: true, Limit: 1})
		if err != nil || targets(t, found) != "mine" {
			t.Fatalf("the line is not there: %s, %v", found, err)
		}
	})
}
