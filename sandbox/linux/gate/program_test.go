//go:build linux

package gate

import (
	"syscall"
	"testing"
	"time"
)

// A program is read anew whenever it may have changed: at the first run, after each
// change, and while a further change could have the same times.
func TestProgramThatMayHaveChanged(t *testing.T) {
	n := newNodes()
	id := n.remember("/p", identity{1, 2})
	now := time.Unix(1000, 0)
	old := stamp{size: 5, written: syscall.Timespec{Sec: 900}, changed: syscall.Timespec{Sec: 900}}
	with := func(change func(*stamp)) stamp {
		s := old
		change(&s)
		return s
	}
	fresh := with(func(s *stamp) { s.changed.Sec = 999 })
	for i, step := range []struct {
		is   stamp
		kept bool
	}{
		{old, false}, {old, true}, {old, true},
		{with(func(s *stamp) { s.size++ }), false}, {old, false}, {old, true},
		{with(func(s *stamp) { s.written.Nsec++ }), false}, {old, false},
		{with(func(s *stamp) { s.changed.Nsec++ }), false}, {old, false},
		{fresh, false}, {fresh, false}, {fresh, false}, // a second ago
	} {
		if got := n.unchanged(id, step.is, now); got != step.kept {
			t.Errorf("run %d: kept %v", i, got)
		}
	}
	if later := now.Add(time.Hour); n.unchanged(id, fresh, later) || !n.unchanged(id, fresh, later) {
		t.Error("what was read when it was fresh counts, or what was read later does not")
	}
	for range 2 {
		if n.unchanged(id+1, old, now) {
			t.Error("a file that is not known is kept")
		}
	}
}
