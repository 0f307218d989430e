package view

import (
	"slices"
	"time"

	"openclaw/gateway/event"
)

func (d *Data) applyLog(line *event.LogLine) {
	switch n := len(d.lastLogs); {
	case n == 0:
	case line.Time.After(d.lastLogs[n-1].Time.Add(time.Minute)):
		d.lastLogs = nil
	case !line.Time.After(d.lastLogsAt) && slices.ContainsFunc(d.lastLogs, func(old event.LogLine) bool {
		return old.Time.Equal(line.Time) && old.Raw == line.Raw && old.Message == line.Message
	}):
		return
	}
	d.Logs.Push(*line)
}

// LoadLogs takes the newest lines of the log, oldest first. Lines that were kept from
// before, as when the connection broke, stay, and none of them is taken again.
func (d *Data) LoadLogs(lines []event.LogLine) {
	kept := d.keptSince(lines)
	for i := range lines {
		if line := nameLine(&lines[i]); kept[line] > 0 {
			kept[line]--
			continue
		}
		d.applyLog(&lines[i])
	}
	d.lastLogs = slices.Clone(lines[max(len(lines)-200, 0):])
	for i := range d.lastLogs {
		if at := d.lastLogs[i].Time; i == 0 || at.After(d.lastLogsAt) {
			d.lastLogsAt = at
		}
	}
}

// loggedLine is what tells a line of the log from the others.
type loggedLine struct {
	at           int64
	message, raw string
}

func nameLine(l *event.LogLine) loggedLine { return loggedLine{l.Time.UnixNano(), l.Message, l.Raw} }

// keptSince counts the lines that are kept and may be among these: programs write at the
// same time, so one a minute older than the oldest of these ends the search.
func (d *Data) keptSince(lines []event.LogLine) map[loggedLine]int {
	if len(lines) == 0 {
		return nil
	}
	oldest := slices.MinFunc(lines, func(a, b event.LogLine) int { return a.Time.Compare(b.Time) }).Time
	kept := map[loggedLine]int{}
	for n := d.Logs.Next(); n > d.Logs.First(); n-- {
		line := d.Logs.At(n - 1)
		if line.Time.Before(oldest.Add(-time.Minute)) {
			break
		}
		kept[nameLine(line)]++
	}
	return kept
}
