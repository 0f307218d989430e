package tui

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"openclaw/gateway/event"
	"openclaw/sandbox/policy"
	"openclaw/tui/pane"
	"openclaw/tui/view"
)

// typed is a terminal that notes what it is told and shows what a test says.
type typed struct {
	frames chan pane.Frame
	told   []string
	deaf   bool
	closed bool
}

func (t *typed) Frames() <-chan pane.Frame { return t.frames }
func (t *typed) Keys(p []byte) bool        { t.told = append(t.told, fmt.Sprintf("%q", p)); return !t.deaf }
func (t *typed) Resize(columns, rows int) {
	t.told = append(t.told, fmt.Sprintf("%dx%d", columns, rows))
}
func (t *typed) Look(up int) { t.told = append(t.told, fmt.Sprint("up ", up)) }
func (t *typed) Close() error {
	if !t.closed {
		t.closed = true
		close(t.frames)
	}
	return nil
}

// paneAt is the screen with a live run of coder in its pane, and what was started.
func paneAt(t *testing.T, d *driver) (shown *typed, started *[]string) {
	t.Helper()
	shown, started = &typed{frames: make(chan pane.Frame)}, &[]string{}
	d.s.live.open = func(_ context.Context, agent string, command []string, columns, rows int) (string, error) {
		*started = append(*started, fmt.Sprintf("%s %q %dx%d", agent, command, columns, rows))
		if command[0] == "fails" {
			return "", errors.New("no such program")
		}
		return "r9", nil
	}
	d.s.live.attach = func(_ context.Context, run string) (Terminal, error) {
		*started = append(*started, "attach "+run)
		return shown, nil
	}
	t.Cleanup(func() { _ = shown.Close() })
	return shown, started
}

// shows waits until the screen has taken the frame.
func (t *typed) shows(d *driver, f pane.Frame) string {
	t.frames <- f
	t.frames <- pane.Frame{Columns: f.Columns, Rows: f.Rows, X: f.X, Y: f.Y, Up: f.Up, History: f.History, KeysApplication: f.KeysApplication, Paste: f.Paste, Ended: f.Ended, Exit: f.Exit} // the first has been merged
	return d.frame()
}

func lines(texts ...string) []pane.Line {
	var out []pane.Line
	for i, text := range texts {
		out = append(out, pane.Line{Row: i, Spans: []pane.Span{{Text: text, Front: pane.DefaultColour, Back: pane.DefaultColour}}})
	}
	return out
}

func heldRequest(id string) event.Event {
	return event.Event{Ask: &event.Ask{
		ID: id, State: event.AskWaiting, Agent: "coder", Run: "r9", Class: policy.ClassNet, Operation: "connect", Target: "new.example.test:443",
		Count: 1, First: demoTime(28), Deadline: demoTime(90), Matches: []string{"exact", "host"},
	}}
}

// What is typed while a pane has the keys goes to its program, all but the one key
// that leaves; it never answers a request, and after that key nothing goes there.
func TestKeysOfAPaneGoToItsProgram(t *testing.T) {
	b := &inboxBackend{Demo: NewDemo()}
	d := newDriver(t, b, false, 100, 30)
	shown, started := paneAt(t, d)
	frame := d.press("4", "l", "ctrl+u", "type:sh -c 'a b'", "enter")
	if want := []string{`coder ["sh" "-c" "a b"] 100x25`, "attach r9"}; !slices.Equal(*started, want) {
		t.Fatalf("started %q", *started)
	}
	if !strings.Contains(frame, "keys go to coder; ctrl+] leaves") {
		t.Fatalf("the pane does not say whose keys these are:\n%s", frame)
	}
	d.press("a", "q", "3", "n", "enter", "esc", "ctrl+c", "ctrl+k", "up", "ctrl+right", "alt+b", "f5", "backspace", "shift+tab", "paste:two\nlines\x1b[201~", "ctrl+@")
	want := []string{
		"100x25", `"a"`, `"q"`, `"3"`, `"n"`, `"\r"`, `"\x1b"`, `"\x03"`, `"\v"`, `"\x1b[A"`, `"\x1b[1;5C"`, `"\x1bb"`, `"\x1b[15~"`, `"\x7f"`, `"\x1b[Z"`, `"two\rlines[201~"`, `"\x00"`,
	}
	if !slices.Equal(shown.told, want) {
		t.Fatalf("the program got %q, want %q", shown.told, want)
	}
	shown.told = nil
	shown.shows(d, pane.Frame{Columns: 100, Rows: 25, Lines: lines("$ "), KeysApplication: true, Paste: true})
	d.press("up", "paste:x")
	if !slices.Equal(shown.told, []string{`"\x1bOA"`, `"\x1b[200~x\x1b[201~"`}) {
		t.Errorf("as the program asked for it: %q", shown.told)
	}

	// A request comes: it is seen, and no key answers it.
	shown.told = nil
	d.event(heldRequest("zz1"))
	if frame := d.frame(); !strings.Contains(frame, "coder asks: connect new.example.test:443   (held; ctrl+], then n shows it)") || !strings.Contains(frame, "asks wait") {
		t.Errorf("a request is not seen beside a pane:\n%s", frame)
	}
	d.press("a", "d", "A", "y", "n", "a")
	if len(b.told) != 0 || len(shown.told) != 6 {
		t.Errorf("keys for the program: told %q, the program got %q", b.told, shown.told)
	}
	shown.told = nil
	frame = d.press("ctrl+]")
	if !strings.Contains(frame, "enter gives them back") || len(shown.told) != 0 {
		t.Errorf("the key that leaves: the program got %q:\n%s", shown.told, frame)
	}
	d.s.key(view.Key{Text: []rune("n")})
	d.frame()
	d.s.key(view.Key{Text: []rune("a")}) // at once: for the program, perhaps
	d.frame()
	if len(b.told) != 0 {
		t.Errorf("a key right after the pane answered: %q", b.told)
	}
	d.at = d.at.Add(time.Second)
	d.press("d")
	if len(b.told) != 1 || len(shown.told) != 0 {
		t.Errorf("told %q, the program got %q", b.told, shown.told)
	}

	// Back in the pane, which is as it was; esc closes it, and the run goes on.
	if frame := d.press("4"); !strings.Contains(frame, "terminal of run r9, coder") {
		t.Errorf("the pane is gone:\n%s", frame)
	}
	d.press("enter", "z")
	if !slices.Equal(shown.told, []string{"up 0", `"z"`}) {
		t.Errorf("back in the pane the program got %q", shown.told)
	}
	d.press("ctrl+]", "esc")
	if !shown.closed || d.s.agents.Pane() != nil {
		t.Error("esc does not close the pane")
	}
	if frame := d.press("l", "ctrl+u", "type:fails", "enter"); !strings.Contains(frame, "not started: no such program") {
		t.Errorf("a start that failed:\n%s", frame)
	}
}

// The pane follows the window, is looked at above what is newest, and says how the
// program ended.
func TestAPaneFollowsTheWindow(t *testing.T) {
	d := newDriver(t, NewDemo(), false, 100, 30)
	shown, _ := paneAt(t, d)
	d.press("4", "l", "ctrl+u", "type:top", "enter")
	d.s.resize(40, 10) // too small for views: the program keeps its size, and gets no key
	d.press("x")
	d.s.resize(70, 20)
	d.s.resize(70, 20)
	if want := []string{"100x25", "70x15"}; !slices.Equal(shown.told, want) {
		t.Fatalf("told %q, want %q", shown.told, want)
	}
	shown.told = nil
	if frame := shown.shows(d, pane.Frame{Columns: 70, Rows: 15, Lines: lines("one", "two"), X: 1, Y: 1, History: 40}); !strings.Contains(frame, "\nt\x1b[7mw\x1b[mo\n") {
		t.Errorf("the cursor is not in its cell:\n%q", frame)
	}
	d.press("ctrl+]", "pgup", "k", "G", "g")
	if want := []string{"up 14", "up 1", "up 0", "up 40"}; !slices.Equal(shown.told, want) {
		t.Errorf("told %q, want %q", shown.told, want)
	}
	if frame := shown.shows(d, pane.Frame{Columns: 70, Rows: 15, Y: -1, Up: 40, History: 40}); !strings.Contains(frame, "40 lines below: G") {
		t.Errorf("it does not say where it looks:\n%s", frame)
	}
	d.press("enter")
	shown.deaf = true
	if frame := d.press("x"); !strings.Contains(frame, "coder does not read what is typed") {
		t.Errorf("keys are lost in silence:\n%s", frame)
	}
	frame := shown.shows(d, pane.Frame{Columns: 70, Rows: 15, Ended: true, Exit: "exit 3"})
	if !strings.Contains(frame, "ended, exit 3") || !strings.Contains(frame, "one") {
		t.Errorf("how it ended:\n%s", frame)
	}
	if frame := d.press("enter"); strings.Contains(frame, "keys go to") {
		t.Errorf("keys go to a program that has ended:\n%s", frame)
	}
}

// A read-only screen may look, and types nothing.
func TestAReadOnlyScreenTypesToNoProgram(t *testing.T) {
	d := newDriver(t, NewDemo(), false, 100, 30)
	d.s.data.ReadOnly = true
	shown, _ := paneAt(t, d)
	d.press("4")
	d.s.showPane("r9", "coder")
	d.frame()
	d.press("enter", "x")
	if slices.ContainsFunc(shown.told, func(s string) bool { return !strings.HasPrefix(s, "up ") }) {
		t.Errorf("told %q", shown.told)
	}
}

// FuzzPane: whatever a supervisor sends, only text that fits and colours of the
// palette are drawn.
func FuzzPane(f *testing.F) {
	f.Add("a\x1b[2J\u202eb", int16(300), int16(-7), uint8(255), 3, 2, 1)
	f.Add("漢字e\u0301\u0301\u0301\u0301👩\u200d💻\u1160", int16(12), int16(200), uint8(3), 0, 0, 0)
	f.Fuzz(func(t *testing.T, text string, front, back int16, marks uint8, row, x, y int) {
		for _, size := range [][2]int{{100, 30}, {60, 16}} {
			p := &view.Pane{Run: "r", Agent: "a", Focus: true}
			p.Take(&pane.Frame{
				Columns: size[0], Rows: min(max(row, 0), 400) + 1, X: x, Y: y, Exit: text,
				Lines: []pane.Line{{Row: row}, {Row: 0, Spans: []pane.Span{{Text: text, Front: front, Back: back, Marks: pane.Marks(marks)}, {Text: "z" + text}}}},
			})
			c := view.NewCanvas(view.NewTheme(true, false))
			c.Reset(size[0], size[1])
			p.Draw(c)
			frame := string(c.AppendTo(nil))
			var plain strings.Builder
			for rest := frame; rest != ""; {
				before, after, found := strings.Cut(rest, "\x1b[")
				plain.WriteString(before)
				if rest = ""; found {
					numbers, after, ends := strings.Cut(after, "m")
					if !ends || strings.Trim(numbers, "0123456789;") != "" {
						t.Fatalf("a sequence that is no look: %q", after)
					}
					rest = after
				}
			}
			sound(t, plain.String(), size[0], size[1])
		}
	})
}

func paneScenes(t *testing.T, add func(name, frame string), d *driver) {
	t.Helper()
	shown, _ := paneAt(t, d)
	add("pane, start", d.press("4", "l", "ctrl+u", "type:make 'all of it'"))
	d.press("enter")
	columns, rows := d.s.paneSize()
	f := pane.Frame{Columns: columns, Rows: rows, X: 4, Y: 4, History: 90, Lines: lines("$ make 'all of it'", "", "", "漢字 é שלום ┌─┐", "$ ls")}
	f.Lines[1].Spans = []pane.Span{{Text: "ok  ", Front: 2, Back: -1, Marks: pane.Bold}, {Text: "parser", Front: -1, Back: -1}, {Text: " 0.3s", Front: 244, Back: -1}}
	f.Lines[2].Spans = []pane.Span{{Text: "FAIL", Front: 15, Back: 1, Marks: pane.Underline}, {Text: " " + strings.Repeat("lexer ", 30), Front: 3, Back: -1}}
	add("pane", shown.shows(d, f))
	d.event(heldRequest("zz1"))
	add("pane, a request", d.frame())
	add("pane, left", d.press("ctrl+]"))
	f.Up, f.Y, f.Lines = 12, -1, lines("above 1", "above 2")
	add("pane, above", shown.shows(d, f))
	f.Up, f.Ended, f.Exit, f.Lines = 0, true, "exit 2", nil
	add("pane, ended", shown.shows(d, f))
}

func TestGoldenPane(t *testing.T) {
	for _, size := range [][2]int{{120, 36}, {80, 24}, {60, 16}} {
		for _, kind := range []string{"colour", "nocolor", "zh", "zh-nocolor"} {
			var all strings.Builder
			d := newDriver(t, NewDemo(), kind == "colour", size[0], size[1])
			if strings.HasPrefix(kind, "zh") {
				d = chinese(t, kind == "zh", size[0], size[1])
			}
			paneScenes(t, func(name, frame string) {
				fmt.Fprintf(&all, "=== %s\n%s\n", name, strings.ReplaceAll(frame, "\x1b", "␛"))
			}, d)
			golden(t, fmt.Sprintf("pane-%dx%d-%s.golden", size[0], size[1], kind), all.String())
		}
	}
}

// A click on a run's terminal selects nothing behind it and moves no focus there: stop
// and restart act on the row that was selected before, and its keys are the list's.
func TestAClickOnAPaneSelectsNothing(t *testing.T) {
	d := newDriver(t, NewDemo(), false, 100, 30)
	shown, _ := paneAt(t, d)
	selected := func(frame string) string {
		for line := range strings.SplitSeq(strip(frame), "\n") {
			if strings.Contains(line, "› ") {
				return strings.Fields(line)[1]
			}
		}
		return ""
	}
	before := selected(d.press("4", "M"))
	d.press("l", "ctrl+u", "type:sh", "enter")
	if frame := shown.shows(d, pane.Frame{Columns: 100, Rows: 25, Lines: lines("$ ")}); !strings.Contains(frame, "keys go to") || before == "" {
		t.Fatalf("no pane over %q:\n%s", before, frame)
	}
	for y := range 30 {
		if y != tabRow {
			d.s.point(mouse{x: 3, y: y})
		}
	}
	d.press("ctrl+]")
	for y := range 30 {
		if y != tabRow {
			d.s.point(mouse{x: 3, y: y})
		}
	}
	if after := selected(d.press("esc")); after != before {
		t.Errorf("%q is selected, before %q", after, before)
	}
	if after := selected(d.press("j")); after == before {
		t.Error("the keys are not the list's any more")
	}
}
