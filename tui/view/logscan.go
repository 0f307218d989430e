package view

import (
	"slices"
	"time"

	"openclaw/gateway/event"
)

// atOnce is how many lines are looked at while drawing at most, when others pass than
// before. More are looked at beside the screen's goroutine.
const atOnce = 2_000

// looking is where a look at all lines stands, which a filter, a level, a time or a fold
// that changed asks for. Until it has ended, the lines that passed before stay in sight.
type looking struct {
	wanted bool   // what stands in match is what passed before
	under  bool   // somebody is at it
	number uint64 // of the newest one; what an older one found is dropped
	stop   chan struct{}
}

// rescan has all lines looked at again.
func (v *LogsView) rescan() {
	v.look.number++
	if v.look.under {
		close(v.look.stop)
	}
	v.look.wanted, v.look.under = true, false
}

// Rescan is the look at all lines that is due, or nil: what it returns may run on any
// goroutine, and what that returns, on the screen's, takes in what was found and reports
// whether that still counts. Lines that come meanwhile are looked at afterwards, once.
func (v *LogsView) Rescan() func() func() bool {
	v.grow()
	if !v.look.wanted || v.look.under || v.data.Logs.Len() <= atOnce {
		return nil
	}
	number, stop := v.look.number, make(chan struct{})
	v.look.under, v.look.stop = true, stop
	other := v.copied()
	return func() func() bool {
		other.sift(stop)
		return func() bool {
			if number != v.look.number {
				return false
			}
			v.take(other)
			return true
		}
	}
}

// copied is a view of the lines as they are now, with the same filters and none of them
// looked at, that shares nothing with this one.
func (v *LogsView) copied() *LogsView {
	other := &LogsView{
		data:  &Data{Now: v.data.Now, Logs: v.data.Logs.Snapshot()},
		level: v.level, since: v.since, folded: v.folded, paused: v.paused, held: v.held,
		browse: browse{filter: v.filter.clone(), off: v.off},
		search: search{on: v.search.on, what: v.search.what.clone()},
	}
	other.scanned = other.data.Logs.First()
	return other
}

// take takes in what a copy found.
func (v *LogsView) take(other *LogsView) {
	v.match, v.counts, v.search.hits, v.scanned = other.match, other.counts, other.search.hits, other.scanned
	if !v.search.on {
		v.search.hits = nil
	}
	v.look.wanted, v.look.under = false, false
}

// settle has what passes be known now: a key is about it.
func (v *LogsView) settle() {
	if v.look.under {
		v.rescan()
	}
	v.scan()
}

// scan looks at the lines that came, and forgets those that are gone.
func (v *LogsView) scan() {
	v.grow()
	if v.look.wanted && !v.look.under {
		v.match, v.counts, v.search.hits, v.scanned = v.match[:0], v.counts[:0], v.search.hits[:0], v.data.Logs.First()
		v.look.wanted = false
	}
	logs := v.data.Logs
	cut, _ := slices.BinarySearch(v.match, logs.First())
	v.drop(cut)
	if v.since > 0 {
		cut, _ = slices.BinarySearchFunc(v.match, v.data.Now.Add(-v.since), func(n uint64, t time.Time) int { return logs.At(n).Time.Compare(t) })
		v.drop(cut)
	}
	if !v.look.under {
		v.sift(nil)
	}
}

// sift looks at the lines that were not looked at yet, until stop is closed.
func (v *LogsView) sift(stop <-chan struct{}) {
	logs := v.data.Logs
	for n := max(v.scanned, logs.First()); n < logs.Next(); n++ {
		if n%pageItems == 0 {
			select {
			case <-stop:
				return
			default:
			}
		}
		if line := logs.At(n); v.passes(line) {
			v.add(n, line)
		}
	}
	v.scanned = logs.Next()
}

// Count is how many lines pass.
func (v *LogsView) Count() int {
	v.settle()
	return len(v.match)
}

func (v *LogsView) passes(line *event.LogLine) bool {
	if v.level > 0 && levelOf(line.Level) < v.level || v.since > 0 && v.data.Since(line.Time) > v.since {
		return false
	}
	return !v.filtered() || lineMatches(&v.filter, line, v.data.Now)
}

// grow has the lines looked at anew when a second has gone by under a filter or a search
// that is about time.
func (v *LogsView) grow() {
	filtered := v.filtered() && v.filter.timed()
	if searched := v.search.on && v.search.what.timed(); !filtered && !searched {
		return
	}
	if now := v.data.Now.Truncate(time.Second); !now.Equal(v.looked) {
		v.looked = now
		v.rescan()
	}
}
