package audit

import (
	"path/filepath"
	"testing"
	"time"
)

// A line whose caller was let in before Close is in the log, however late it reaches
// the queue; one that came after is refused to its caller's face, and counted.
func TestNoLineIsLostBesideClose(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.log")
	r, err := Open(Options{Path: path})
	if err != nil {
		t.Fatal(err)
	}
	closed := make(chan error, 1)
	r.hold = func() {
		r.hold = nil
		go func() { closed <- r.Close() }()
		select { // Close waits for this line; one that did not would be over in this time
		case err := <-closed:
			closed <- err
		case <-time.After(300 * time.Millisecond):
		}
	}
	r.RecordLater(Entry{Event: APICall, Target: "let in"}, func(err error) { t.Error("refused:", err) })
	if err := <-closed; err != nil {
		t.Fatal(err)
	}
	result, err := Verify(path)
	if err != nil || result.Status != StatusOK || result.Records != 1 {
		t.Fatalf("%+v %v, want the one line", result, err)
	}
	var told error
	r.RecordLater(Entry{Event: APICall}, func(err error) { told = err })
	if err := r.Record(t.Context(), Entry{Event: Approval}); told == nil || err == nil || r.Refused() != 2 {
		t.Fatalf("after Close: %v, %v, %d are counted", told, err, r.Refused())
	}
}
