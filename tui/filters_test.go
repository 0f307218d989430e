package tui

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"openclaw/tui/view"
)

// saver is a config that filters are saved in, and what was asked of it.
type saver struct {
	told []string
	fail error
	more int // lines that a draft has beyond the filter's
}

func (s *saver) save(name, line string, write bool) (view.FilterDraft, error) {
	s.told = append(s.told, fmt.Sprintf("%s=%s %v", name, line, write))
	if s.fail != nil {
		return view.FilterDraft{}, s.fail
	}
	draft := view.FilterDraft{File: "/home/me/.openclaw/config.yaml", Line: 7, Diff: []string{"@@ -5,2 +5,3 @@", "   filters:", "+    " + name + ": " + line}}
	if line == "" {
		draft.Line, draft.Diff[2] = 0, "-    "+name+": state:refused"
	}
	for i := range s.more {
		draft.Diff = append(draft.Diff, fmt.Sprint("+ more ", i))
	}
	return draft, nil
}

func savingAt(t *testing.T, width, height int) (*driver, *saver) {
	t.Helper()
	d, s := atWork(t, false, width, height), &saver{}
	d.s.saveFilter = s.save
	return d, s
}

// A filter is saved under a name only after its line was in sight and y was typed; then the
// name stands for it at once, and is taken out the same way.
func TestAFilterIsSaved(t *testing.T) {
	for _, size := range [][2]int{{120, 36}, {80, 24}, {60, 16}} {
		d, s := savingAt(t, size[0], size[1])
		d.press("2", "/", "type:state:refused", "enter", "S", "enter")
		if frame := strip(d.frame()); !strings.Contains(frame, "type a name") || len(s.told) > 0 {
			t.Errorf("%v: no name: %q\n%s", size, s.told, frame)
		}
		frame := strip(d.press("type:bad ones", "enter"))
		sound(t, frame, size[0], size[1])
		for _, want := range []string{"config.yaml, line 7:", "+    bad ones: state:refused", "y writes it"} {
			if !strings.Contains(frame, want) {
				t.Errorf("%v: no %q:\n%s", size, want, frame)
			}
		}
		for _, key := range []string{"n", "Y", "paste:y", "x"} {
			d.press(key)
		}
		if frame = strip(d.press("enter", "ctrl+u", "type:bad", "enter", "y")); len(s.told) != 3 || s.told[2] != "bad=state:refused true" {
			t.Fatalf("%v: %q\n%s", size, s.told, frame)
		}
		if !strings.Contains(frame, "saved in") || d.s.over != overlayNone {
			t.Errorf("%v: it does not say so:\n%s", size, frame)
		}
		// It can be used at once, and tab knows it.
		d.press("\\", "/", "ctrl+u", "type:@b", "tab", "enter")
		v := d.s.views[view.Connections].(*view.ConnectionsView)
		if frame = strip(d.frame()); !strings.Contains(frame, "filter: @bad") || v.Shown() == 0 || v.Shown() >= d.s.data.Connections.Len() {
			t.Errorf("%v: @bad shows %d of %d:\n%s", size, v.Shown(), d.s.data.Connections.Len(), frame)
		}
		// Saving a filter that holds a name saves the line of it.
		d.press("S", "type:again", "enter")
		if got := s.told[len(s.told)-1]; got != "again=state:refused false" {
			t.Errorf("%v: %s", size, got)
		}
		d.press("esc", "/", "ctrl+u", "enter", "S")
		if frame = strip(d.frame()); !strings.Contains(frame, "no filter is on here") || !strings.Contains(frame, "@bad") {
			t.Errorf("%v:\n%s", size, frame)
		}
		if frame = strip(d.press("type:bad", "enter")); !strings.Contains(frame, "-    bad: state:refused") {
			t.Errorf("%v: what goes is not shown:\n%s", size, frame)
		}
		if frame = strip(d.press("y")); s.told[len(s.told)-1] != "bad= true" || !strings.Contains(frame, "taken out") || len(d.s.data.Filters) != 0 {
			t.Errorf("%v: %q %v\n%s", size, s.told, d.s.data.Filters, frame)
		}
	}
}

// What does not fit is scrolled to before y counts; what the config refuses is said and
// nothing is lost; esc writes nothing.
func TestSavingAFilterThatIsLongRefusedOrLeft(t *testing.T) {
	d, s := savingAt(t, 60, 16)
	s.more = 30
	frame := strip(d.press("2", "/", "type:state:refused", "enter", "S", "type:long", "enter", "y"))
	if len(s.told) != 1 || strings.Contains(frame, "y writes it") {
		t.Errorf("y counted before all was in sight: %q\n%s", s.told, frame)
	}
	for range 20 {
		d.press("pgdown")
	}
	if frame = strip(d.press("pgup")); !strings.Contains(frame, "y writes it") {
		t.Errorf("\n%s", frame)
	}
	if d.press("esc", "y"); len(s.told) != 1 || d.s.over != overlayNone {
		t.Errorf("esc wrote: %q", s.told)
	}
	s.fail = errors.New("tui.filters.x: that cannot be")
	frame = strip(d.press("S", "type:x", "enter"))
	if !strings.Contains(frame, "that cannot be") || !strings.Contains(frame, "state:refused") {
		t.Errorf("\n%s", frame)
	}
	s.fail, s.more = nil, 0
	d.press("enter")
	s.fail = errors.New("the disk is full")
	if frame = strip(d.press("y")); !strings.Contains(frame, "not saved: the disk is full") || len(d.s.data.Filters) != 0 {
		t.Errorf("\n%s", frame)
	}
	// A filter that cannot be read, and a screen without a config.
	told := len(s.told)
	if frame = strip(d.press("/", "ctrl+u", "type:/[/", "enter", "S")); !strings.Contains(frame, "cannot be read, so it is not saved: /") || d.s.over != overlayNone {
		t.Errorf("\n%s", frame)
	}
	d.s.saveFilter = nil
	if frame = strip(d.press("esc", "/", "ctrl+u", "type:x", "enter", "S")); !strings.Contains(frame, "no config is at hand") || len(s.told) != told {
		t.Errorf("\n%s", frame)
	}
}

// Keys that come in one burst reach what the first of them opened.
func TestABurstReachesWhatItOpened(t *testing.T) {
	d, s := savingAt(t, 120, 36)
	d.press("2")
	d.s.key(view.Key{Text: []rune(":bans")})
	if frame := strip(d.frame()); !strings.Contains(frame, "> bans") {
		t.Errorf("the palette lost it:\n%s", frame)
	}
	d.press("esc", "/", "type:a", "enter")
	d.s.key(view.Key{Text: []rune("Smine")})
	d.frame()
	if d.press("enter"); len(s.told) != 1 || s.told[0] != "mine=a false" {
		t.Errorf("%q", s.told)
	}
}
