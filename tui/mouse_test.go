package tui

import (
	"strings"
	"testing"
	"time"

	tea "github.com/charmbracelet/bubbletea"

	"openclaw/gateway/event"
	"openclaw/tui/view"
)

// at finds the cell of a text in a frame.
func at(t *testing.T, frame, text string) (x, y int) {
	t.Helper()
	for y, line := range strings.Split(strip(frame), "\n") {
		if before, _, found := strings.Cut(line, text); found {
			return view.Width(before), y
		}
	}
	t.Fatalf("no %q:\n%s", text, strip(frame))
	return 0, 0
}

func (d *driver) click(text string) string {
	d.t.Helper()
	x, y := at(d.t.(*testing.T), d.frame(), text)
	d.at = d.at.Add(time.Second)
	d.s.point(mouse{x: x, y: y})
	return strip(d.frame())
}

func (d *driver) wheel(text string, rows int) string {
	d.t.Helper()
	x, y := at(d.t.(*testing.T), d.frame(), text)
	d.s.point(mouse{x, y, rows})
	return strip(d.frame())
}

func TestAClickSelectsAndTheWheelScrolls(t *testing.T) {
	for _, size := range [][2]int{{200, 60}, {120, 36}, {80, 24}, {60, 16}} {
		d, b := inboxAt(t, size[0], size[1])
		d.press("3")
		if chosen(d.click("todo.md"), "todo.md") {
			t.Errorf("%v: the mouse is on although nobody asked for it", size)
		}
		if frame := strip(d.press("M")); !strings.Contains(frame, "the mouse is on") {
			t.Errorf("%v: it does not say that it is on:\n%s", size, frame)
		}
		frame := d.click("todo.md")
		if !chosen(frame, "todo.md") {
			t.Errorf("%v: the click selects something else:\n%s", size, frame)
		}
		if frame = d.wheel("todo.md", wheelRows); chosen(frame, "todo.md") {
			t.Errorf("%v: the wheel does not move:\n%s", size, frame)
		}
		if frame = d.click(" 5 "); !strings.Contains(frame, "[5 Logs]") {
			t.Errorf("%v: the tab does not open:\n%s", size, frame)
		}
		if frame = d.click("bad token"); !chosen(frame, "bad token") || !strings.Contains(frame, "paused") {
			t.Errorf("%v: no line of the log is selected:\n%s", size, frame)
		}
		if frame = strip(d.press("M")); !strings.Contains(frame, "the mouse is off") {
			t.Errorf("%v:\n%s", size, frame)
		}
		if frame = d.click(" 3 "); strings.Contains(frame, "[3 ") {
			t.Errorf("%v: it is off and opens a view", size)
		}
		if len(b.told) > 0 {
			t.Errorf("%v: %v", size, b.told)
		}
	}
}

// chosen reports whether the selected row holds a text.
func chosen(frame, text string) bool {
	for line := range strings.SplitSeq(frame, "\n") {
		if _, after, found := strings.Cut(line, "›"); found && strings.Contains(after, text) {
			return true
		}
	}
	return false
}

// Wherever it is clicked and whatever is asked, a mouse answers nothing.
func TestAMouseAnswersNothing(t *testing.T) {
	for _, keys := range [][]string{{"3"}, {"3", "s", "s"}, {"3", "s", "s", "a"}, {"3", "A"}, {"3", "D"}, {"3", "c", "type:no"}, {"3", "enter"}, {"2", "x"}, {"4", "x"}, {"6", "d"}, {"6", "a"}, {"8", "R", "R"}, {"q"}, {"?"}, {":"}} {
		inbox := &inboxBackend{Demo: NewDemo()}
		d := newDriver(t, inbox, false, 120, 36)
		d.press("M")
		d.press(keys...)
		question := d.s.question()
		for y := range 36 {
			for x := 0; x < 120; x += 7 {
				d.at = d.at.Add(time.Second)
				d.s.point(mouse{x: x, y: y})
				d.s.point(mouse{x, y, wheelRows})
				d.s.point(mouse{x, y, -wheelRows})
			}
		}
		d.frame()
		if len(inbox.told) > 0 || d.s.quit || d.s.question() != question {
			t.Errorf("%v: told %v, quit %v, %q asked, before %q", keys, inbox.told, d.s.quit, d.s.question(), question)
		}
	}
}

// A click on another request puts its keys to sleep, as moving there does.
func TestAClickWakesNoKey(t *testing.T) {
	d, b := inboxAt(t, 120, 36)
	d.press("3", "M")
	x, y := at(t, d.frame(), "todo.md")
	d.at = d.at.Add(time.Second)
	d.s.point(mouse{x: x, y: y})
	d.frame()
	d.s.key(view.Key{Text: []rune("a")})
	if d.frame(); len(b.told) > 0 {
		t.Errorf("told %v at once after the click", b.told)
	}
}

// The config turns it on and off in a screen that is open; M does until then.
func TestTheMouseFollowsTheConfig(t *testing.T) {
	d := atWork(t, false, 120, 36)
	m := &model{screen: d.s}
	turn := func(on bool) {
		now := d.s.data.Config
		now.Screen = &event.Screen{Mouse: on, Bell: true}
		d.event(event.Event{Config: &now})
	}
	if turn(true); !d.s.mouse || m.pointing() == nil || m.pointing() != nil {
		t.Error("it does not come on, or is told twice")
	}
	if d.press("M"); d.s.mouse || m.pointing() == nil {
		t.Error("M does not give it back")
	}
	if turn(true); d.s.mouse {
		t.Error("a config that says the same takes it again")
	}
	if turn(false); d.s.mouse {
		t.Error("it is on")
	}
	if turn(true); !d.s.mouse {
		t.Error("it does not come on again")
	}
}

func TestOnlyPressesCount(t *testing.T) {
	for _, c := range []struct {
		msg  tea.MouseMsg
		want mouse
		ok   bool
	}{
		{tea.MouseMsg{X: 3, Y: 4, Action: tea.MouseActionPress, Button: tea.MouseButtonLeft}, mouse{3, 4, 0}, true},
		{tea.MouseMsg{X: 3, Y: 4, Action: tea.MouseActionPress, Button: tea.MouseButtonWheelUp}, mouse{3, 4, -wheelRows}, true},
		{tea.MouseMsg{X: 3, Y: 4, Action: tea.MouseActionPress, Button: tea.MouseButtonWheelDown}, mouse{3, 4, wheelRows}, true},
		{tea.MouseMsg{Action: tea.MouseActionMotion, Button: tea.MouseButtonLeft}, mouse{}, false},
		{tea.MouseMsg{Action: tea.MouseActionRelease, Button: tea.MouseButtonLeft}, mouse{}, false},
		{tea.MouseMsg{Action: tea.MouseActionPress, Button: tea.MouseButtonRight}, mouse{}, false},
		{tea.MouseMsg{Action: tea.MouseActionPress, Button: tea.MouseButtonMiddle}, mouse{}, false},
	} {
		if got, ok := mouseOf(c.msg); got != c.want || ok != c.ok {
			t.Errorf("%+v: %+v %v", c.msg, got, ok)
		}
	}
}

func TestAMouseOnARealTerminal(t *testing.T) {
	s := startTmux(t, "demo", 120, 36)
	s.until("registry.example.test")
	flags := func(want string) {
		t.Helper()
		for range 2400 { // a minute
			if got := strings.TrimSpace(s.run("display-message", "-p", "#{mouse_button_flag}#{mouse_sgr_flag}")); got == want {
				return
			}
			time.Sleep(25 * time.Millisecond)
		}
		t.Fatalf("the terminal's mouse never is %s:\n%s", want, s.run("capture-pane", "-p"))
	}
	flags("00")
	s.keys("M")
	flags("11")
	s.keys("-l", "\x1b[<0;30;2M\x1b[<0;30;2m") // a click on a tab
	s.until("[3 Denials")
	s.keys("M")
	flags("00")
	s.keys("M")
	flags("11")
	s.keys("q")
	s.until("leave the gateway running")
	s.keys("Enter")
	s.restored("ended: stop = false")
	flags("00")
}
