package view

import (
	"slices"
	"time"

	"openclaw/gateway/event"
)

// search marks lines of the log and goes from one to the next. It hides none.
type search struct {
	typing bool
	on     bool
	edit   Editor
	what   Filter
	fault  error
	hits   []uint64 // numbers of the lines in sight that it finds, oldest first
}

// fold has lines alike that follow each other stand as one, or each alone again.
func (v *LogsView) fold() {
	v.folded = !v.folded
	v.rescan()
}

// alike reports whether two lines say the same, but for their fields.
func alike(a, b *event.LogLine) bool {
	return a.Message == b.Message && a.Level == b.Level && a.Source == b.Source
}

// add takes in a line that passes. While the view is paused, what is in sight
// does not change: a line alike starts anew.
func (v *LogsView) add(n uint64, line *event.LogLine) {
	last := len(v.match) - 1
	still := v.paused && last < v.held
	if v.folded && last >= 0 && !still && alike(v.data.Logs.At(v.match[last]), line) {
		if h := len(v.search.hits) - 1; h >= 0 && v.search.hits[h] == v.match[last] {
			v.search.hits = v.search.hits[:h]
		}
		v.match[last] = n
		v.counts[last]++
	} else {
		v.match = append(v.match, n)
		if v.folded {
			v.counts = append(v.counts, 1)
		}
	}
	if v.search.on && lineMatches(&v.search.what, line, v.data.Now) {
		v.search.hits = append(v.search.hits, n)
	}
}

// drop forgets the oldest lines that pass.
func (v *LogsView) drop(lines int) {
	if lines <= 0 {
		return
	}
	v.match = v.match[lines:] // without a copy: lines leave in each frame, and 100,000 stay
	v.counts = append(v.counts[:0], v.counts[min(lines, len(v.counts)):]...)
	gone := len(v.search.hits)
	if len(v.match) > 0 {
		gone, _ = slices.BinarySearch(v.search.hits, v.match[0])
	}
	v.search.hits = append(v.search.hits[:0], v.search.hits[gone:]...)
	v.held = max(v.held-lines, 0)
}

// count is how many lines the one at i stands for.
func (v *LogsView) folds(i int) int {
	if i < len(v.counts) {
		return v.counts[i]
	}
	return 1
}

// lineMatches is Filter.Match for a line of the log. It is called for each of
// 100,000 lines when a filter changes, so it looks at the fields directly.
func lineMatches(f *Filter, line *event.LogLine, now time.Time) bool {
	for i := range f.terms {
		t := &f.terms[i]
		var found bool
		switch t.key {
		case "":
			found = t.matches("", line.Message) || t.matches("", line.Text) || t.matches("", line.Source) || t.matches("", line.Level)
		case "level":
			found = t.matches(t.key, line.Level)
		case "src", "source":
			found = t.matches(t.key, line.Source)
		case sinceKey:
			found = !line.Time.Before(t.since(now))
		default:
			value := lineField(line.Text, t.key)
			found = value != "" && t.matches(t.key, value)
		}
		if found == t.not {
			return false
		}
	}
	return true
}

// Sleeps reports whether an action means nothing now, so that its key is free for
// what it means in every view.
func (v *LogsView) Sleeps(a ID) bool {
	return (a == ActMatchNext || a == ActMatchPrevious) && !v.search.on
}

// searchKey takes what is typed into the search line.
func (v *LogsView) searchKey(k Key) Action {
	s := &v.search
	switch k.Name {
	case "esc":
		v.endSearch()
		return Action{}
	case "enter":
		s.typing = false
		if !s.on {
			v.endSearch()
			return Action{}
		}
		return v.seek(0)
	}
	if s.edit.Key(k) {
		what, err := v.read(s.edit.Text())
		s.fault = nil
		if err != nil {
			s.fault = err
			return Action{}
		}
		s.what, s.on = what, !what.Empty()
		v.rescan()
	}
	return Action{}
}

func (v *LogsView) endSearch() {
	v.search.edit.Wipe()
	v.search = search{edit: v.search.edit}
}

// seek selects the next line that is found, below with 1 and above with -1; 0:
// the selected line or the next one above. It goes round.
func (v *LogsView) seek(by int) Action {
	v.settle()
	hits := v.search.hits
	if len(hits) == 0 {
		return Action{Verb: VerbTell, Text: v.data.T("no line that passes the filter holds %s", v.search.edit.Text())}
	}
	if !v.paused {
		v.pause()
		v.at = v.match[len(v.match)-1]
	}
	i, on := slices.BinarySearch(hits, v.match[v.index()])
	switch {
	case by > 0 && on:
		i++
	case by < 0 || by == 0 && !on:
		i--
	}
	var told Action
	switch {
	case i >= len(hits):
		i, told = 0, Action{Verb: VerbTell, Text: v.data.T("from the first one again")}
	case i < 0 && by < 0:
		i, told = len(hits)-1, Action{Verb: VerbTell, Text: v.data.T("from the last one again")}
	}
	v.at = hits[max(i, 0)]
	return told
}

// drawSearch is the row of a search: its words, how many lines it finds, and the
// keys.
func (v *LogsView) drawSearch(c *Canvas) {
	s := &v.search
	if !s.typing && !s.on {
		return
	}
	c.Gap(1)
	c.Put(Bold, c.T("search: "))
	if s.typing {
		s.edit.Draw(c.limit(c.Room()/2), true)
		c.release()
	} else {
		c.FieldMiddle(Plain, s.edit.Text(), min(Width(s.edit.Text()), c.Room()/2))
	}
	c.Gap(1)
	switch at, on := 0, false; {
	case s.fault != nil:
		c.Gap(1)
		c.Put(Bad, faultText(c.Theme.Words, s.fault))
	case !s.on:
	default:
		if len(v.match) > 0 && len(s.hits) > 0 {
			at, on = slices.BinarySearch(s.hits, v.match[v.index()])
		}
		if on {
			c.Put(Plain, c.T(" %s of %s", itoa(at+1), itoa(len(s.hits))))
		} else {
			c.Gap(1)
			c.Put(Plain, c.N(len(s.hits), "line"))
		}
	}
	if !s.typing {
		c.Put(Faint, c.T("   {logs.match_next} next, {logs.match_previous} before, esc ends"))
	}
	c.End()
}

// mark marks the selected line for copying, or takes the mark away. A list that moves
// on stands still first: the mark is for the line that was seen.
func (v *LogsView) mark() {
	if len(v.match) == 0 {
		return
	}
	if !v.paused {
		v.pause()
	}
	n := v.match[v.index()]
	if v.marks[n] {
		delete(v.marks, n)
		return
	}
	if v.marks == nil {
		v.marks = map[uint64]bool{}
	}
	v.marks[n] = true
}

// markedLines are the marked lines that are still kept, oldest first; without marks,
// the selected one.
func (v *LogsView) markedLines() []uint64 {
	var lines []uint64
	for n := range v.marks {
		if n >= v.data.Logs.First() && n < v.data.Logs.Next() {
			lines = append(lines, n)
		}
	}
	slices.Sort(lines)
	if len(lines) == 0 && len(v.match) > 0 {
		lines = append(lines, v.match[v.index()])
	}
	return lines
}
