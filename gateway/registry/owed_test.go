package registry

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"openclaw/gateway/event"
)

func counted(denials []event.Denial) (sum int) {
	for _, d := range denials {
		sum += d.Count
	}
	return sum
}

// What could not be written down is shown once, and written down when that is possible, in
// bounded memory, with its counts and the numbers of its rows.
func TestWhatIsOwedIsRecorded(t *testing.T) {
	w := newWorld()
	w.broken = errors.New("disk full")
	a := event.Denial{Agent: "coder", Run: "1", Operation: "open", Target: "/a", Rule: "r", Count: 2, Row: 7}
	b := a
	b.Target, b.Row = "/b", 8
	if w.Deny(t.Context(), a, b) == nil || !w.recordOwed(t.Context()) {
		t.Fatal("the disk was not full")
	}
	a.Row = 9
	_ = w.Deny(t.Context(), a)
	if owed, shown := w.Owed(), counted(w.Denials("", 0)); owed != 6 || shown != 6 {
		t.Errorf("%d are owed, %d are shown", owed, shown)
	}
	w.broken, w.audits = nil, nil
	if w.recordOwed(t.Context()) || w.Owed() != 0 {
		t.Error("some are owed still")
	}
	rows := map[string]string{}
	for _, d := range w.audits {
		rows[d.Target] = fmt.Sprint(d.Count, " ", d.Row, " ", d.Rows)
	}
	if len(w.audits) != 2 || rows["/a"] != "4 0 7,9" || rows["/b"] != "2 8 " || counted(w.Denials("", 0)) != 6 {
		t.Errorf("on record: %v; shown: %+v", rows, w.Denials("", 0))
	}
}

// A flood of ever new targets and rules on a full disk fills no memory, and loses no count.
func TestWhatIsOwedIsBounded(t *testing.T) {
	w := newWorld()
	const many = 8 * maxOwed
	for i := range many {
		w.owe(event.Denial{Agent: "coder", Run: "1", Operation: "open", Target: fmt.Sprint("/", i), Rule: fmt.Sprint(i), Count: 2, Row: uint64(1 + 2*i)})
	}
	if len(w.owed) > 2*maxOwed+1 || w.Owed() != 2*many {
		t.Errorf("%d rows are owed, with %d refusals of %d", len(w.owed), w.Owed(), 2*many)
	}
	for _, d := range w.owed {
		if len(d.Rows) > maxOwedRows {
			t.Fatalf("one stands for %d bytes of numbers", len(d.Rows))
		}
	}
}

// What its reporter keeps and comes again with is shown when it is on record, and once.
func TestWhatIsKeptElsewhereIsShownOnce(t *testing.T) {
	w := newWorld()
	w.broken = errors.New("disk full")
	rows := flood("coder", "r", "/", listedAtOnce+50)
	for range 2 {
		if w.DenyKept(t.Context(), rows...) == nil {
			t.Fatal("the disk was not full")
		}
	}
	if shown := counted(w.Denials("", maxDenials)); shown != 0 || w.Owed() != 0 {
		t.Errorf("%d are shown, %d owed", shown, w.Owed())
	}
	// The room on the disk ends in the middle.
	part := newWorld()
	part.options.Audit = func(_ context.Context, d event.Denial) error {
		if d.Target == MoreTargets {
			return w.broken
		}
		return nil
	}
	if err := part.DenyKept(t.Context(), rows...); err == nil || counted(part.Denials("", maxDenials)) != listedAtOnce {
		t.Errorf("%v; %d are shown, and on record are %d", err, counted(part.Denials("", maxDenials)), listedAtOnce)
	}
	w.broken = nil
	if err := w.DenyKept(t.Context(), rows...); err != nil || counted(w.Denials("", maxDenials)) != len(rows) {
		t.Errorf("%v; %d are shown", err, counted(w.Denials("", maxDenials)))
	}
}
