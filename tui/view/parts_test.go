package view

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"openclaw/gateway/event"
)

func TestSelectionStaysWhenRowsArrive(t *testing.T) {
	d := NewData()
	add := func(i int) {
		at := time.Unix(int64(i), 0)
		d.Denials.Put(&event.Denial{ID: fmt.Sprint("d", i), First: at, Last: at, Count: 1})
	}
	for i := range 50 {
		add(i)
	}
	v := NewDenials(d)
	c := NewCanvas(NewTheme(false, false))
	draw := func() string {
		c.Reset(120, 20)
		v.Draw(c)
		return text(c)
	}
	draw()
	for range 7 {
		v.Do(ActDown)
	}
	draw()
	want := v.list.Selected()
	r := rand.New(rand.NewPCG(1, 2))
	next := 50
	for range 200 {
		for range r.IntN(30) {
			add(next)
			next++
		}
		frame := draw()
		if got := v.list.Selected(); got != want {
			t.Fatalf("the selection moved from %s to %s", want, got)
		}
		if !strings.Contains(frame, "\x1b[7m") {
			t.Fatal("the selected row is out of sight")
		}
		switch r.IntN(4) {
		case 0:
			v.Do(ActDown)
			want = v.list.Selected()
		case 1:
			v.Do(ActPageUp)
			want = v.list.Selected()
		}
	}
	if v.list.Unseen() == 0 {
		t.Error("rows arrived above the sight and nothing says so")
	}
}

// What a filter that is taken off lets in has not arrived: it is not counted as new.
func TestRowsThatAFilterHidAreNotNew(t *testing.T) {
	l := List{}
	name := func(i int) string { return itoa(i) }
	few := func(i int) string { return itoa(10 * i) }
	l.Lay(9, 5, few)
	l.Move(ActBottom, few)
	l.Lay(9, 5, few)
	l.Anew()
	l.Lay(90, 5, name)
	if n := l.Unseen(); n != 0 {
		t.Errorf("%d are new", n)
	}
	l.Lay(93, 5, func(i int) string { return itoa(i - 3) })
	if n := l.Unseen(); n != 3 {
		t.Errorf("3 arrived, and %d are new", n)
	}
}

func TestRepeatKeepsItsPlaceUntilSilence(t *testing.T) {
	d := NewData()
	base := time.Unix(1000, 0)
	put := func(id string, after time.Duration, count int) {
		d.Denials.Put(&event.Denial{ID: id, First: base, Last: base.Add(after), Count: count})
	}
	put("old", 0, 1)
	put("new", time.Second, 1)
	put("old", 30*time.Second, 2)
	if got := d.Denials.Newest(0).ID; got != "new" {
		t.Errorf("a repeat in the same burst moved: newest is %s", got)
	}
	put("old", 10*time.Minute, 3)
	if got := d.Denials.Newest(0); got.ID != "old" || got.Count != 3 {
		t.Errorf("a new burst is not at the top: %s", got.ID)
	}
	if d.Denials.Len() != 2 {
		t.Errorf("%d rows", d.Denials.Len())
	}
}

// What becomes of an ask or a connection is news and stands first; what changes in a
// number alone stays where it is, with the time at which it came there.
func TestRecentEventsAreNewestFirst(t *testing.T) {
	d := NewData()
	d.Now = time.Unix(1000, 0)
	at := func(second int64) time.Time { return d.Now.Add(time.Duration(second) * time.Second) }
	ask := func(second int64, state string, count int) event.Event {
		return event.Event{Time: at(second), Kind: event.KindAsk, Ask: &event.Ask{ID: "a", State: state, Count: count}}
	}
	link := func(second int64, state string) event.Event {
		return event.Event{Time: at(second), Kind: event.KindConnection, Connection: &event.Connection{ID: "c", State: state, Opened: at(2)}}
	}
	config := event.Event{Time: at(4), Kind: event.KindConfig, Config: &event.ConfigStatus{Version: 2}}
	for _, e := range []event.Event{ask(1, event.AskWaiting, 1), link(2, "open"), config, ask(5, event.AskWaiting, 2), link(6, "open"), ask(7, event.AskAllowed, 2), link(8, "closed")} {
		d.Apply(&e)
	}
	var got []string
	for n := d.Recent.Next(); n > d.Recent.First(); n-- {
		e := d.Recent.At(n - 1)
		got = append(got, string(e.Kind)+" "+itoa(int(e.Time.Sub(d.Now).Seconds())))
	}
	if want := []string{"connection 8", "ask 7", "config 4"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
	for _, e := range []event.Event{ask(9, event.AskUndone, 2), link(10, "closed")} {
		d.Apply(&e)
	}
	if e := d.Recent.At(d.Recent.Next() - 1); e.Ask == nil || e.Ask.State != event.AskUndone {
		t.Errorf("first is %+v", e)
	}
	if e := d.Recent.At(d.Recent.Next() - 2); e.Connection == nil || !e.Time.Equal(at(8)) {
		t.Errorf("second is %+v at %v", e, e.Time)
	}
}

func TestFilter(t *testing.T) {
	row := func(_ int, yield func(key, value string) bool) {
		_ = yield("agent", "coder") && yield("target", "/home/Ada/notes.txt") && yield("rule", "no rule")
	}
	keys := []string{"agent", "target"}
	for line, want := range map[string]bool{
		"":                        true,
		"NOTES":                   true,
		"ada coder":               true,
		"ada reviewer":            false,
		"agent:cod":               true,
		"agent:rev":               false,
		"target:coder":            false,
		"-agent:coder":            false,
		"-reviewer":               true,
		"agent:*":                 true,
		"/notes\\.(txt|md)/":      true,
		"-/notes\\.(txt|md)/":     false,
		"/home/Ada":               true,
		"/home/Ada/notes":         true,
		"unknown:key":             false,
		"/no rule/ agent:coder":   true,
		"-":                       false,
		"rule -agent:x /a.a/ ada": true,
	} {
		f, err := ParseFilter(line, keys)
		if err != nil {
			t.Errorf("%q: %v", line, err)
			continue
		}
		if got := f.Match(0, row); got != want {
			t.Errorf("%q matches: %v, want %v", line, got, want)
		}
	}
	if _, err := ParseFilter("/[/", keys); err == nil {
		t.Error("a broken expression was accepted")
	}
}

func FuzzParseFilter(f *testing.F) {
	for _, s := range []string{"", "a b", "-x", "agent:x", "/a b/", "/(/", "-/x/ y", "//", "- / -", "agent:"} {
		f.Add(s, "some Text")
	}
	f.Fuzz(func(t *testing.T, line, value string) {
		filter, err := ParseFilter(line, []string{"agent"})
		if err != nil {
			return
		}
		row := func(_ int, yield func(key, value string) bool) { yield("agent", value) }
		_ = filter.Match(0, row)
		if strings.ContainsAny(line, " /:-") || line == "" {
			return
		}
		not, err := ParseFilter("-"+line, []string{"agent"})
		if err != nil {
			t.Fatal(err)
		}
		if filter.Match(0, row) == not.Match(0, row) {
			t.Fatalf("%q and its negation agree on %q", line, value)
		}
	})
}

func FuzzContainsFold(f *testing.F) {
	f.Add("Hello World", "o w")
	f.Add("aAaB", "aab")
	f.Fuzz(func(t *testing.T, s, needle string) {
		lower := func(s string) string {
			return strings.Map(func(r rune) rune {
				if r >= 'A' && r <= 'Z' {
					return r + 'a' - 'A'
				}
				return r
			}, strings.ToValidUTF8(s, "?"))
		}
		s, needle = lower(s), lower(needle)
		if got, want := containsFold(strings.ToUpper(s), needle), strings.Contains(strings.ToUpper(s), needle); want && !got {
			t.Fatalf("containsFold(%q, %q) = %v", s, needle, got)
		}
		if got, want := containsFold(s, needle), strings.Contains(s, needle); got != want {
			t.Fatalf("containsFold(%q, %q) = %v, want %v", s, needle, got, want)
		}
	})
}

func TestEditorWipesWhatItDrops(t *testing.T) {
	e := Editor{Masked: true}
	e.Key(Key{Text: []rune("first-secret")})
	memory := e.buf[:cap(e.buf)]
	e.Key(Key{Name: "ctrl+u"})
	if bytes.Contains(memory, []byte("secret")) {
		t.Error("ctrl+u left the bytes")
	}
	e.Key(Key{Text: []rune("second-secret")})
	old := e.buf[:cap(e.buf)]
	e.Key(Key{Text: []rune(strings.Repeat("x", 5000)), Paste: true})
	if bytes.Contains(old, []byte("secret")) {
		t.Error("growing left the bytes")
	}
	e.Key(Key{Name: "backspace"})
	got := e.Take()
	if !bytes.HasPrefix(got, []byte("second-secretxxx")) || len(got) != len("second-secret")+4999 {
		t.Errorf("took %d bytes", len(got))
	}
	if e.Len() != 0 || e.Text() != "" {
		t.Error("the editor kept something")
	}
}

func TestEditorTakesAPastedKey(t *testing.T) {
	for _, c := range []struct {
		name, in, want string
		exact          bool
		skipped        int
	}{
		{"line end", "sk-abc\r", "sk-abc", false, 0},
		{"blanks around", "  sk-abc \n", "sk-abc", false, 0},
		{"many lines", "{\r \"a\": 1\r}\r", "{\n \"a\": 1\n}", false, 0},
		{"passphrase", " two words ", " two words ", true, 0},
		{"control bytes", "sk\x1b[A", "sk[A", false, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			e := Editor{Masked: true, Exact: c.exact}
			e.Key(Key{Text: []rune(c.in), Paste: true})
			if e.Skipped != c.skipped {
				t.Errorf("%d characters left out, want %d", e.Skipped, c.skipped)
			}
			if got := string(e.Take()); got != c.want {
				t.Errorf("%q, want %q", got, c.want)
			}
		})
	}
}

func TestActionTableIsSound(t *testing.T) {
	for _, readOnly := range []bool{false, true} {
		k := NewKeys(Table(), readOnly)
		for _, n := range Names() {
			seen := map[string]ID{}
			for _, b := range k.All() {
				if b.View != n && b.View != "" {
					continue
				}
				for _, key := range b.Keys {
					if old, ok := seen[string(b.View)+key]; ok {
						t.Errorf("%s: %s is both %s and %s", n, key, old, b.ID)
					}
					seen[string(b.View)+key] = b.ID
				}
				if b.Help == "" || len(b.Keys) == 0 {
					t.Errorf("%s has no help or no key", b.ID)
				}
				if readOnly && b.Changes {
					t.Errorf("%s is offered on a read-only screen", b.ID)
				}
			}
		}
	}
}

func TestLogsScanOf100000RowsAndPause(t *testing.T) {
	d := NewData()
	d.Now = time.Unix(1_800_000_000, 0).UTC()
	for i := range MaxLogs + 500 {
		d.Logs.Push(event.LogLine{Time: d.Now, Level: "INFO", Message: fmt.Sprint("line ", i)})
	}
	v := NewLogs(d)
	c := NewCanvas(NewTheme(false, false))
	draw := func() string {
		c.Reset(120, 30)
		v.Draw(c)
		return text(c)
	}
	if frame := draw(); !strings.Contains(frame, fmt.Sprint("line ", MaxLogs+499)) || !strings.Contains(frame, "following") {
		t.Errorf("the newest line is not in sight:\n%s", frame)
	}
	v.Do(ActPause)
	before := draw()
	for i := range 212 {
		d.Logs.Push(event.LogLine{Time: d.Now, Level: "INFO", Message: fmt.Sprint("late ", i)})
	}
	after := draw()
	if !strings.Contains(after, "paused, 212 new") || strings.Contains(after, "late") {
		t.Errorf("paused, and it moved:\n%s", after)
	}
	if strings.Split(before, "\n")[5] != strings.Split(after, "\n")[5] {
		t.Error("a line moved while paused")
	}
	v.Do(ActBottom)
	if frame := draw(); !strings.Contains(frame, "late 211") {
		t.Errorf("G does not follow:\n%s", frame)
	}
	v.Do(ActFilter)
	v.Key(Key{Text: []rune("line 777")})
	if frame := draw(); strings.Contains(frame, "late") || !strings.Contains(frame, "line 97777") {
		t.Errorf("the filter does not hold:\n%s", frame)
	}
	if n := testing.AllocsPerRun(20, func() { c.Reset(120, 40); v.Draw(c) }); n > 100 {
		t.Errorf("%v allocations a frame with %d lines, want at most 100", n, MaxLogs)
	}
}

func BenchmarkDrawLogs(b *testing.B) {
	d := NewData()
	d.Now = time.Unix(1_800_000_000, 0).UTC()
	for i := range MaxLogs {
		d.Logs.Push(event.LogLine{Time: d.Now, Level: "INFO", Source: "gateway", Message: "request", Text: fmt.Sprint("agent=coder id=", i)})
	}
	v, c := NewLogs(d), NewCanvas(NewTheme(true, false))
	b.ReportAllocs()
	for b.Loop() {
		c.Reset(120, 36)
		v.Draw(c)
	}
}

func BenchmarkFilterScan(b *testing.B) {
	d := NewData()
	for i := range MaxLogs {
		d.Logs.Push(event.LogLine{Level: "INFO", Source: "gateway", Message: "request", Text: fmt.Sprint("agent=coder route=/v1/messages id=", i)})
	}
	v := NewLogs(d)
	v.edit.Set("provider agent:x")
	v.parse()
	b.ReportAllocs()
	for b.Loop() {
		v.rescan()
		v.scan()
	}
}
