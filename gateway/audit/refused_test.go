package audit_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"openclaw/gateway/audit"
)

// What was refused since a time is found newest first, whatever else was recorded in
// between, also after a clock that was set back, and behind a line that is half written.
func TestRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.log")
	start := time.Date(2026, 2, 25, 10, 0, 0, 0, time.UTC)
	var clock atomic.Pointer[time.Time] // the recorder looks at it while it writes
	clock.Store(&start)
	r := open(t, audit.Options{Path: path, Now: func() time.Time { return *clock.Load() }})
	record := func(minute int, result, target string) {
		at := start.Add(time.Duration(minute) * time.Minute)
		clock.Store(&at)
		if err := r.Record(t.Context(), audit.Entry{Event: audit.FileAccess, User: "coder", Result: result, Target: target, Details: map[string]any{"note": `"result":"denied"`}}); err != nil {
			t.Fatal(err)
		}
	}
	record(0, audit.Denied, "old")
	record(60, audit.Denied, "a")
	record(61, audit.Success, "call")
	for range 600 { // more of other things than a search would give
		r.RecordLater(audit.Entry{Event: audit.APICall, User: "coder", Result: audit.Success}, func(err error) { t.Error(err) })
	}
	record(5, audit.Denied, "set back")
	record(62, audit.Denied, "b")
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	file, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := fmt.Fprintf(file, `{"timestamp":"%s","event_type":"file_access","result":"denied","target":"torn"`, clock.Load().Format(time.RFC3339)); err != nil {
		t.Fatal(err)
	}
	_ = file.Close()
	search := func(most int) (found string, whole bool) {
		var list []string
		whole, err := audit.Refused(t.Context(), path, start.Add(30*time.Minute), func(line []byte) bool {
			_, after, _ := strings.Cut(string(line), `"target":"`)
			target, _, _ := strings.Cut(after, `"`)
			list = append(list, target)
			return len(list) < most
		})
		if err != nil {
			t.Fatal(err)
		}
		return strings.Join(list, " "), whole
	}
	if found, whole := search(100); found != "b a" || !whole {
		t.Errorf("found %q, all of it: %v", found, whole)
	}
	if found, whole := search(1); found != "b" || whole {
		t.Errorf("found %q, all of it: %v", found, whole)
	}
	if whole, err := audit.Refused(t.Context(), path+".none", start, nil); err != nil || !whole {
		t.Errorf("no log: %v %v", whole, err)
	}
	over, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := audit.Refused(over, path, start, func([]byte) bool { return true }); !errors.Is(err, context.Canceled) {
		t.Errorf("with a context that is over: %v", err)
	}
}
