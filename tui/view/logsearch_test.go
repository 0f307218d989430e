package view

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"openclaw/gateway/event"
)

// logView is a Logs view with lines a second apart, the newest at the clock's
// time, as an observer sees it.
type logView struct {
	*LogsView
	t *testing.T
	c *Canvas
}

func newLogView(t *testing.T, messages ...string) *logView {
	t.Helper()
	d := NewData()
	d.Now = time.Date(2026, 11, 22, 11, 30, 0, 0, time.UTC)
	v := &logView{NewLogs(d), t, NewCanvas(NewTheme(false, false))}
	for i, m := range messages {
		v.arrive(m, time.Duration(i+1-len(messages))*time.Second)
	}
	return v
}

func (v *logView) arrive(message string, at time.Duration) {
	v.data.Logs.Push(event.LogLine{Time: v.data.Now.Add(at), Level: "INFO", Source: "gateway", Message: message, Text: fmt.Sprint("n=", v.data.Logs.Next()), Raw: "raw " + message})
}

func (v *logView) draw() string {
	v.c.Reset(100, 30)
	v.Draw(v.c)
	return strings.ReplaceAll(strings.ReplaceAll(strings.ReplaceAll(string(v.c.AppendTo(nil)), "\x1b[m", ""), "\x1b[1m", ""), "\x1b[2m", "")
}

func (v *logView) do(ids ...ID) string {
	v.t.Helper()
	said := ""
	for _, id := range ids {
		a, used := v.Do(id)
		if !used {
			v.t.Fatalf("%s is not for the view", id)
		}
		said += a.Text
		v.draw()
	}
	return said
}

func (v *logView) typed(text string) {
	for _, r := range text {
		v.Key(Key{Text: []rune{r}})
	}
}

// at is the message of the selected line.
func (v *logView) selected() string { return v.data.Logs.At(v.match[v.index()]).Message }

// A search marks lines, hides none, goes from one to the next and round, and its
// keys are its own only while it is on.
func TestSearchInTheLog(t *testing.T) {
	v := newLogView(t, "one apple", "two", "three apples", "four", "five")
	v.draw()
	if !v.Sleeps(ActMatchNext) || !v.Sleeps(ActMatchPrevious) || v.Sleeps(ActSearch) {
		t.Error("n is the search's before there is one")
	}
	v.do(ActSearch)
	v.typed("apple")
	if frame := v.draw(); !v.Captures() || !strings.Contains(frame, "search: apple") || !strings.Contains(frame, "2 lines") || !strings.Contains(frame, "two") {
		t.Errorf("while it is typed:\n%s", frame)
	}
	if a := v.Key(Key{Name: "enter"}); a.Text != "" || v.selected() != "three apples" || v.Captures() {
		t.Errorf("%q, at %s", a.Text, v.selected())
	}
	frame := v.draw()
	for _, want := range []string{"2 of 2", "  *11:29:58 INFO  gateway   three apples", "  *11:29:56 INFO  gateway   one apple", "   11:29:57 INFO  gateway   two", "paused"} {
		if !strings.Contains(strings.ReplaceAll(frame, "›", " "), want) {
			t.Errorf("no %q:\n%s", want, frame)
		}
	}
	if v.Sleeps(ActMatchNext) {
		t.Error("n is not the search's")
	}
	for _, step := range []struct {
		id         ID
		at, saying string
	}{
		{ActMatchPrevious, "one apple", ""},
		{ActMatchPrevious, "three apples", "from the last one again"},
		{ActMatchNext, "one apple", "from the first one again"},
		{ActMatchNext, "three apples", ""},
		{ActUp, "two", ""},
		{ActMatchNext, "three apples", ""},
		{ActDown, "four", ""},
		{ActMatchPrevious, "three apples", ""},
	} {
		if said := v.do(step.id); v.selected() != step.at || said != step.saying {
			t.Errorf("%s: at %q, said %q; want %q, %q", step.id, v.selected(), said, step.at, step.saying)
		}
	}
	v.arrive("late apple", 0)
	if frame := v.draw(); !strings.Contains(frame, "2 of 3") || v.selected() != "three apples" {
		t.Errorf("a line that comes is not searched:\n%s", frame)
	}
	v.do(ActBack)
	if frame := v.draw(); strings.Contains(frame, "search:") || strings.Contains(frame, "*") || !v.Sleeps(ActMatchNext) {
		t.Errorf("it is not over:\n%s", frame)
	}
	v.do(ActSearch)
	v.typed("/[/")
	if frame := v.draw(); !strings.Contains(frame, "error parsing regexp") {
		t.Errorf("it does not say what is wrong:\n%s", frame)
	}
	v.Key(Key{Name: "esc"})
	v.do(ActSearch)
	v.typed("pear")
	if a := v.Key(Key{Name: "enter"}); a.Text != "no line that passes the filter holds pear" {
		t.Errorf("%q", a.Text)
	}
}

// Lines alike that follow each other are one row with a count; nothing that is
// hidden so is missing from what is saved.
func TestLogLinesAlikeAreFolded(t *testing.T) {
	v := newLogView(t, "a", "b", "b", "b", "a", "b")
	v.do(ActFoldAlike)
	frame := v.draw()
	for _, want := range []string{"11:29:58 INFO  gateway   ×3 b  n=3", "alike folded", "11:29:59 INFO  gateway   a"} {
		if !strings.Contains(frame, want) {
			t.Errorf("no %q:\n%s", want, frame)
		}
	}
	if len(v.match) != 4 {
		t.Errorf("%d rows", len(v.match))
	}
	if saved := string(v.export()); strings.Count(saved, "raw b\n") != 4 || strings.Count(saved, "\n") != 6 {
		t.Errorf("saved %q", saved)
	}
	v.arrive("b", 0)
	if frame := v.draw(); !strings.Contains(frame, "×2 b  n=6") || !strings.Contains(frame, "the newest of 2 lines alike") || len(v.match) != 4 {
		t.Errorf("it does not count on:\n%s", frame)
	}
	// What stands still stays as it is, and is folded when it goes on.
	v.do(ActPause)
	v.arrive("b", 0)
	v.arrive("b", 0)
	if frame := v.draw(); !strings.Contains(frame, "×2 b  n=6") || !strings.Contains(frame, "paused, 1 new") || len(v.match) != 5 {
		t.Errorf("it moved while it was paused:\n%s", frame)
	}
	v.do(ActBottom)
	if frame := v.draw(); !strings.Contains(frame, "×4 b  n=8") || len(v.match) != 4 {
		t.Errorf("not folded again:\n%s", frame)
	}
	v.do(ActFoldAlike)
	if v.draw(); len(v.match) != 9 || len(v.counts) != 0 {
		t.Errorf("not unfolded: %d rows", len(v.match))
	}
}

// A search of folded lines finds rows, and none twice.
func TestSearchInFoldedLines(t *testing.T) {
	v := newLogView(t, "x", "apple", "apple", "x", "apple")
	v.do(ActFoldAlike, ActSearch)
	v.typed("apple")
	v.Key(Key{Name: "enter"})
	v.do(ActBottom)
	v.arrive("apple", 0)
	v.draw()
	if !slices.Equal(v.search.hits, []uint64{2, 5}) || !slices.Equal(v.match, []uint64{0, 2, 3, 5}) || !slices.Equal(v.counts, []int{1, 2, 1, 2}) {
		t.Errorf("hits %v of %v × %v", v.search.hits, v.match, v.counts)
	}
}

// Since lets only newer lines pass, and lines leave as time goes on.
func TestLogSince(t *testing.T) {
	v := newLogView(t)
	for _, minutes := range []int{1500, 90, 30, 10, 1} {
		v.arrive(fmt.Sprint(minutes, " minutes"), -time.Duration(minutes)*time.Minute)
	}
	v.draw()
	for _, c := range []struct {
		key  Key
		want int
	}{
		{Key{Text: []rune("1")}, 1}, {Key{Text: []rune("6")}, 5}, {Key{Text: []rune("2")}, 2}, {Key{Text: []rune("3")}, 3}, {Key{Text: []rune("4")}, 4}, {Key{Text: []rune("5")}, 4},
		// What chooses none leaves all as it was, and the choice is over.
		{Key{Text: []rune("0")}, 4}, {Key{Text: []rune("7")}, 4}, {Key{Text: []rune("x")}, 4}, {Key{Name: "esc"}, 4}, {Key{Name: "enter"}, 4},
		{Key{Text: []rune("1"), Paste: true}, 4}, {Key{Text: []rune("11")}, 4}, {Key{}, 4},
	} {
		v.do(ActSince)
		if frame := strings.ReplaceAll(v.draw(), "\x1b[7m", ""); !v.Captures() || !v.Confirms() || !strings.Contains(frame, "only the last: 1 5m") || !strings.Contains(frame, "6 all") {
			t.Errorf("%+v: what can be chosen is not shown:\n%s", c.key, frame)
		}
		v.Key(c.key)
		if v.draw(); len(v.match) != c.want || v.Captures() {
			t.Errorf("%+v: since %s: %d lines, want %d; goes on: %v", c.key, v.since, len(v.match), c.want, v.Captures())
		}
	}
	v.do(ActSince)
	v.Key(Key{Text: []rune("1")})
	if frame := v.draw(); !strings.Contains(frame, "since 5m ago") || !strings.Contains(frame, "1 of 5") {
		t.Errorf("\n%s", frame)
	}
	v.data.Now = v.data.Now.Add(5 * time.Minute)
	if frame := v.draw(); !strings.Contains(frame, "No line passes") {
		t.Errorf("an old line stays:\n%s", frame)
	}
	v.arrive("late", 0)
	if frame := v.draw(); !strings.Contains(frame, "late") {
		t.Errorf("\n%s", frame)
	}
}

// With everything on, lines come and are written over for long, and what is kept
// of them stays in step.
func TestLogRowsStayInStep(t *testing.T) {
	v := newLogView(t)
	v.data.Logs = NewRing[event.LogLine](50)
	v.do(ActFoldAlike, ActSearch)
	v.typed("z")
	v.Key(Key{Name: "enter"})
	for i := range 3000 {
		v.arrive([]string{"z", "z", "b", "zb", "c"}[i*i%5], 0)
		switch {
		case i%97 == 0:
			v.do(ActPause)
		case i%41 == 0:
			v.do(ActMatchPrevious)
		}
		v.draw()
		if len(v.counts) != len(v.match) || !slices.IsSorted(v.match) || len(v.match) > 0 && v.match[0] < v.data.Logs.First() {
			t.Fatalf("%d: %v × %v from %d", i, v.match, v.counts, v.data.Logs.First())
		}
		var hits []uint64
		for _, n := range v.match {
			if strings.Contains(v.data.Logs.At(n).Message, "z") {
				hits = append(hits, n)
			}
		}
		if !slices.Equal(hits, v.search.hits) {
			t.Fatalf("%d: hits %v, want %v", i, v.search.hits, hits)
		}
	}
}

// The short way of judging a line judges as the long one does, with every kind of
// filter.
func TestALineMatchesAsARowDoes(t *testing.T) {
	lines := []event.LogLine{
		{}, {Level: "INFO", Source: "gateway", Message: "request", Text: "agent=coder id=7"},
		{Level: "WARN", Source: "auth", Message: "bad token", Text: "peer=127.0.0.1:51544"}, {Level: "error", Source: "src", Message: "level", Text: "warn"},
	}
	parts := []string{"", "request", "-request", "level:warn", "-level:warn", "src:a", "source:GATE", "src:*", "-source:*", "/^bad/", "-/o.en/", "warn", "coder", "level:"}
	matched := 0
	for _, a := range parts {
		for _, b := range parts {
			f, err := ParseFilter(a+" "+b, NewLogs(NewData()).keys)
			if err != nil {
				t.Fatal(err)
			}
			for i := range lines {
				l := &lines[i]
				want := f.Match(i, func(_ int, yield func(key, value string) bool) {
					_ = yield("level", l.Level) && yield("src", l.Source) && yield("source", l.Source) && yield("", l.Message) && yield("", l.Text)
				})
				if lineMatches(&f, l, time.Time{}) != want {
					t.Errorf("%q %q of %+v: want %v", a, b, l, want)
				}
				if want {
					matched++
				}
			}
		}
	}
	if matched == 0 || matched == len(parts)*len(parts)*len(lines) {
		t.Errorf("%d matched: it proves nothing", matched)
	}
	for name, want := range map[string]int{"": 1, "debug": 0, "INFO": 1, "warn": 2, "Warning": 2, "WARN": 2, "error": 3, "wrong": 1, "e": 1, "trace": 1, "\x17arn": 1} {
		if got := levelOf(name); got != want {
			t.Errorf("%q is level %d, want %d", name, got, want)
		}
	}
}
