package audit_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"openclaw/gateway/audit"
)

// What nobody waits for stands before what is recorded after it, and that one waits
// for nothing but the disk.
func TestLaterLinesStandInOrder(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.log")
	r := open(t, audit.Options{Path: path})
	var want []string
	for i := range 40 {
		for j := range i % 4 {
			want = append(want, fmt.Sprintf("later %d %d", i, j))
			r.RecordLater(audit.Entry{Event: audit.APICall, Target: want[len(want)-1]}, func(err error) { t.Error(err) })
		}
		want = append(want, fmt.Sprint("now ", i))
		if err := r.Record(t.Context(), audit.Entry{Event: audit.Approval, Target: want[len(want)-1]}); err != nil {
			t.Fatal(err)
		}
		got := lines(t, path)
		if len(got) != len(want) {
			t.Fatalf("%d lines after %q, want %d", len(got), want[len(want)-1], len(want))
		}
	}
	for i, line := range lines(t, path) {
		var e struct{ Target string }
		if err := json.Unmarshal(line, &e); err != nil || e.Target != want[i] {
			t.Fatalf("line %d is %s (%v), want %q", i, line, err, want[i])
		}
	}
	wantStatus(t, path, audit.StatusOK)
}

// It is written although nothing comes after it, also past the queue's room, and
// Close waits for it.
func TestLaterLinesAreWrittenByThemselves(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.log")
	r := open(t, audit.Options{Path: path})
	r.RecordLater(audit.Entry{Event: audit.APICall, Target: "alone"}, nil)
	alone := func() bool {
		text, err := os.ReadFile(path)
		return err == nil && bytes.Contains(text, []byte(`"target":"alone"`))
	}
	for end := time.Now().Add(20 * time.Second); !alone(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("it was never written")
		}
	}
	const many = 10_000
	for i := range many {
		r.RecordLater(audit.Entry{Event: audit.APICall, Target: fmt.Sprint(i)}, func(err error) { t.Error(err) })
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	if got := wantStatus(t, path, audit.StatusOK); got.Records != many+1 {
		t.Fatalf("%d lines, want %d", got.Records, many+1)
	}
	failed := make(chan error, 1)
	r.RecordLater(audit.Entry{Event: audit.APICall, Target: "too late"}, func(err error) { failed <- err })
	if err := <-failed; err == nil {
		t.Error("a line after Close is said to be recorded")
	}
}

// What RecordOver returned of is there for whoever reads the log next; after Close it is
// refused, and nobody waits for it.
func TestWhatIsOverIsInTheFile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "audit.log")
	r := open(t, audit.Options{Path: path})
	for i := range 20 {
		target := fmt.Sprint("over ", i)
		r.RecordLater(audit.Entry{Event: audit.APICall, Target: "before"}, func(err error) { t.Error(err) })
		r.RecordOver(t.Context(), audit.Entry{Event: audit.Approval, Target: target}, func(err error) { t.Error(err) })
		text, err := os.ReadFile(path)
		if err != nil || !bytes.Contains(text, []byte(`"target":"`+target+`"`)) {
			t.Fatalf("%s is not there: %v", target, err)
		}
	}
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	if got := wantStatus(t, path, audit.StatusOK); got.Records != 40 {
		t.Errorf("%d lines, want 40", got.Records)
	}
	var told error
	r.RecordOver(t.Context(), audit.Entry{Event: audit.Approval}, func(err error) { told = err })
	if told == nil {
		t.Error("a line after Close is said to be recorded")
	}
}
