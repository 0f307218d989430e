package audit

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"testing"
)

// What a gateway that died had recorded of a run is found by the next one, and
// nothing of another run or of an earlier life of the same name.
func TestFindRun(t *testing.T) {
	path := filepath.Join(t.TempDir(), "audit.log")
	r, err := Open(Options{Path: path})
	if err != nil {
		t.Fatal(err)
	}
	record := func(event, action, run string, row uint64) {
		details := map[string]any{"run": run}
		if row > 0 {
			details["row"] = row
		}
		if err := r.Record(t.Context(), Entry{Event: event, User: "coder", Action: action, Details: details}); err != nil {
			t.Fatal(err)
		}
	}
	record(FileAccess, "open", "a", 99)
	record(RunStart, "run", "a", 0)
	record(FileAccess, "open", "a", 1)
	record(CommandExecution, "exec", "a", 3)
	record(FileAccess, "open", "b", 2)
	record(RunStart, "resume", "a", 0)
	record(Authorization, "connect", "a", 1<<40)
	for _, rows := range []any{"5-7,11", "8,x,-3,9-,0-2,14-12,20-1048596,30-18446744073709551615", 4} { // what is none is left out
		if err := r.Record(t.Context(), Entry{Event: FileAccess, User: "coder", Action: "open", Details: map[string]any{"run": "a", "rows": rows}}); err != nil {
			t.Fatal(err)
		}
	}
	record(FileAccess, "open", "a", 0)
	record(RunStart, "run", "b", 0)
	record(RunEnd, "end", "b", 0)
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
	for run, want := range map[string]string{"a": "[1 3 5 6 7 8 11 1099511627776] false", "b": "[] true", "c": "[] false"} {
		found, err := FindRun(t.Context(), path, run)
		if err != nil {
			t.Fatal(err)
		}
		var rows []uint64
		for row := range found.Rows {
			rows = append(rows, row)
		}
		slices.Sort(rows)
		if got := fmt.Sprint(rows, " ", found.Ended); got != want {
			t.Errorf("%s: %s, want %s", run, got, want)
		}
	}
	if found, err := FindRun(t.Context(), path+".none", "a"); err != nil || found.Ended || len(found.Rows) != 0 {
		t.Errorf("no log: %+v %v", found, err)
	}
	_, err = FindRun(t.Context(), t.TempDir(), "a")
	if _, ok := errors.AsType[*Error](err); !ok {
		t.Errorf("a folder: %v", err)
	}
}
