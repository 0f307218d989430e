package view

import (
	"reflect"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/charmbracelet/x/ansi"

	"openclaw/gateway/event"
)

// checkFrame fails when a frame holds anything but text, newlines and colour,
// or does not fit.
func checkFrame(t *testing.T, frame string, width, height int) {
	t.Helper()
	lines := strings.Split(frame, "\n")
	if len(lines) > max(height, 1) {
		t.Errorf("%d lines in a window of %d", len(lines), height)
	}
	for _, line := range lines {
		plain := stripColour(line)
		if w := ansi.StringWidth(plain); w > width {
			t.Errorf("%d cells in a window of %d: %q", w, width, plain)
		}
		if !harmless(plain) {
			t.Errorf("a control character is left: %q", plain)
		}
		if strings.HasSuffix(plain, " ") && !strings.Contains(line, "\x1b[7m") {
			t.Errorf("blanks at the end: %q", plain)
		}
	}
}

// stripColour takes out the sequences that the theme writes, and only those.
func stripColour(s string) string {
	for _, seq := range []string{"\x1b[m", "\x1b[1m", "\x1b[2m", "\x1b[7m", "\x1b[31m", "\x1b[32m", "\x1b[33m"} {
		s = strings.ReplaceAll(s, seq, "")
	}
	return s
}

func text(c *Canvas) string { return string(c.AppendTo(nil)) }

func TestFieldsKeepTheirColumns(t *testing.T) {
	c := NewCanvas(NewTheme(false, false))
	for _, s := range []string{"short", "exactly-10", "longer than ten", "日本語日本語", "é", ""} {
		c.Reset(40, 1)
		c.Field(Plain, s, 10)
		c.Put(Plain, "|")
		c.End()
		before, _, _ := strings.Cut(text(c), "|")
		if w := ansi.StringWidth(before); w != 11 {
			t.Errorf("%q: the next column starts at %d: %q", s, w, text(c))
		}
	}
}

func TestFieldMiddleKeepsTheEnd(t *testing.T) {
	c := NewCanvas(NewTheme(false, false))
	for in, want := range map[string]string{
		"registry.example.test:443":            "registry.ex…est:443",
		"/home/ada/a/very/long/path/to/id_rsa": "/home/ada/a…/id_rsa",
		"日本語日本語日本語日本語":                         "日本語日本…本語日",
	} {
		c.Reset(40, 1)
		c.FieldMiddle(Plain, in, 19)
		c.End()
		got := text(c)
		if ansi.StringWidth(got) > 19 || !strings.HasSuffix(in, got[strings.Index(got, "…")+len("…"):]) {
			t.Errorf("%q became %q, like %q", in, got, want)
		}
	}
}

func TestWrapLosesNothing(t *testing.T) {
	c := NewCanvas(NewTheme(false, false))
	words := "the quick brown fox jumps over /a/path/that/is/longer/than/the/line/by/far and 日本語 lands"
	c.Reset(20, 50)
	c.Wrap(Plain, words, 3)
	got := strings.Join(strings.Fields(strings.ReplaceAll(text(c), "\n", " ")), "")
	if want := strings.Join(strings.Fields(words), ""); got != want {
		t.Errorf("got  %q\nwant %q", got, want)
	}
	checkFrame(t, text(c), 20, 50)
}

func TestSelectedRowIsMarkedWithoutColour(t *testing.T) {
	for _, color := range []bool{true, false} {
		c := NewCanvas(NewTheme(color, false))
		c.Reset(40, 1)
		c.Row(Selected)
		c.Put(Bad, "x")
		c.Gap(3)
		c.Put(Plain, "y")
		c.End()
		if got, want := text(c), "\x1b[7mx   y\x1b[m"; got != want {
			t.Errorf("color %v: %q, want %q", color, got, want)
		}
	}
}

func FuzzCanvas(f *testing.F) {
	f.Add("plain", 10, 3)
	f.Add("\x1b[31m\u202e日本\n", 7, 2)
	f.Add("e\u0301\u0301\u0301\u0301", 3, 1)
	f.Add("กำลัง ำ", 4, 2)
	f.Fuzz(func(t *testing.T, s string, width, height int) {
		width, height = width&127, height&15
		c := NewCanvas(NewTheme(true, false))
		c.Reset(width, height)
		c.Put(Bad, s)
		c.End()
		c.Gap(1)
		c.Field(Plain, s, 6)
		c.FieldMiddle(Bold, s, 14)
		c.Put(Good, s)
		c.End()
		c.Row(Selected)
		c.FieldMiddle(Bold, s, 20)
		c.End()
		c.Wrap(Plain, s, 2)
		for line := range strings.SplitSeq(text(c), "\n") {
			plain := stripColour(line)
			if w := ansi.StringWidth(plain); w > width {
				t.Fatalf("%d cells of %d: %q", w, width, plain)
			}
			if !harmless(plain) || !utf8.ValidString(plain) {
				t.Fatalf("not harmless: %q", plain)
			}
		}
		if c.Rows() > height {
			t.Fatalf("%d rows of %d", c.Rows(), height)
		}
	})
}

func TestRowsAreDrawnWithoutAllocation(t *testing.T) {
	d := NewData()
	d.Now = time.Unix(1_800_000_000, 0).UTC()
	v, l := NewDenials(d), NewLogs(d)
	denial := &event.Denial{ID: "d", Last: d.Now, Agent: "coder", PID: 41233, Program: "/usr/bin/node", Operation: "connect", Target: "registry.example.test:443", Rule: "no rule", Count: 14}
	d.Logs.Push(event.LogLine{Time: d.Now, Level: "WARN", Source: "gateway", Message: "denied", Text: "agent=coder"})
	l.scan()
	c := NewCanvas(NewTheme(true, false))
	draw := func() {
		c.Reset(120, 4)
		v.row(c, denial)
		c.End()
		l.line(c, 0, false)
	}
	draw()
	if n := testing.AllocsPerRun(100, draw); n != 0 {
		t.Errorf("%v allocations a row, want none", n)
	}
}

func TestRingPushDoesNotAllocate(t *testing.T) {
	r := NewRing[event.Event](1000)
	e := event.Event{Kind: event.KindLog}
	for range 2000 {
		r.Push(e)
	}
	if n := testing.AllocsPerRun(1000, func() { r.Push(e) }); n != 0 {
		t.Errorf("%v allocations a push, want none", n)
	}
	if r.Len() != 1000 || r.First() != r.Next()-1000 {
		t.Errorf("len %d, first %d, next %d", r.Len(), r.First(), r.Next())
	}
}

func TestRingGoesOnAfterClear(t *testing.T) {
	r := NewRing[int](4)
	for i := range 6 {
		r.Push(i)
	}
	r.Clear()
	for i := range 3 {
		r.Push(100 + i)
	}
	for i := range 3 {
		if got := *r.At(r.First() + uint64(i)); got != 100+i {
			t.Errorf("item %d is %d", i, got)
		}
	}
	if r.Len() != 3 {
		t.Errorf("len %d", r.Len())
	}
}

// Items stay where their numbers say over all the ring's memory, round after round.
func TestRingKeepsEachItemAtItsNumber(t *testing.T) {
	const limit = 2*pageItems + 100
	r := NewRing[int](limit)
	for round := range 3 {
		from := r.Next()
		for i := range limit + 57*round {
			r.Push(int(from) + i)
		}
		if r.Len() != limit || r.Next() != from+limit+uint64(57*round) {
			t.Fatalf("len %d, next %d", r.Len(), r.Next())
		}
		for n := r.First(); n < r.Next(); n++ {
			if *r.At(n) != int(n) {
				t.Fatalf("item %d is %d", n, *r.At(n))
			}
		}
		r.Clear()
		if r.Len() != 0 || r.First() != r.Next() {
			t.Fatalf("after all was forgotten: %d items", r.Len())
		}
		for _, page := range r.pages {
			for _, item := range page {
				if item != 0 {
					t.Fatal("what was forgotten is kept in memory")
				}
			}
		}
	}
}

// The last name of a path tells files apart, and "~" is what people write.
func TestPathFieldKeepsTheLastNameWhole(t *testing.T) {
	const home = "/home/ada"
	for _, c := range []struct {
		in    string
		width int
		want  string
	}{
		{"/home/ada/notes.txt", 30, "~/notes.txt"},
		{"/home/ada", 30, "~"},
		{"/home/adam/notes.txt", 30, "/home/adam/notes.txt"},
		{"/home/ada/a/very/long/way/down/to/key.json", 22, "~/a/very/lo…/key.json"},
		{"/srv/x/a-name-that-fills-the-field", 30, "/sr…/a-name-that-fills-the-fi"},
		{"registry.example.test:443", 19, "registry.ex…est:443"},
	} {
		canvas := NewCanvas(NewTheme(false, false))
		canvas.Reset(60, 1)
		canvas.PathField(Plain, c.in, home, c.width)
		canvas.Put(Plain, "|")
		canvas.End()
		got := string(canvas.AppendTo(nil))
		text, after, _ := strings.Cut(got, "|")
		if Width(text) != c.width+1 || after != "" {
			t.Errorf("%q: the next column moved: %q", c.in, got)
		}
		text = strings.TrimRight(text, " ")
		if last := c.in[strings.LastIndexByte(c.in, '/')+1:]; strings.Contains(c.in, "/") && len(last) < c.width-2 && c.in != home && !strings.HasSuffix(text, last) {
			t.Errorf("%q: the last name is not whole in %q", c.in, text)
		}
		if len(c.in) < c.width && text != c.want {
			t.Errorf("%q, want %q", text, c.want)
		}
	}
}

// What the fast way takes for one cell is one cell.
func TestGlyphsTakeOneCell(t *testing.T) {
	theme := NewTheme(true, false)
	g := reflect.ValueOf(theme.Glyphs)
	for i := range g.NumField() {
		if s := g.Field(i).String(); !isGlyph(s) || Width(s) != 1 || !isPrintable(s) {
			t.Errorf("%s %q: fast %v, %d cells", g.Type().Field(i).Name, s, isGlyph(s), Width(s))
		}
	}
	for _, s := range []string{"日", "é\u0301", "a", "\u202e", "", "──"} {
		if isGlyph(s) {
			t.Errorf("%q is taken for a glyph", s)
		}
	}
}
