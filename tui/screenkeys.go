package tui

import (
	"openclaw/tui/view"
)

// key handles one key press.
func (s *screen) key(k view.Key) {
	if s.stoodStill() {
		s.denials.Doze()
	}
	s.clock()
	defer s.rescan()
	s.keyed = s.data.Instant
	if s.toProgram(k) {
		return
	}
	if k.Name == "ctrl+c" && s.captures() {
		k.Name = "esc"
	}
	switch {
	case s.over == overlayQuit:
		s.quitKey(k)
	case s.over == overlayPalette:
		if id, bound := s.find(k.Name); k.Name == "esc" || k.Name != "" && bound && id == view.ActPalette {
			s.over = overlayNone
			return
		}
		s.act(s.palette.Key(k))
	case s.over == overlaySave && k.Name == "esc":
		s.over = overlayNone
	case s.captures():
		s.typed(k)
	case k.Name != "":
		s.press(k.Name)
	case k.Paste:
		s.say(view.Plain, s.data.T("Pasted text was left out: nothing here takes text."))
	default:
		if len(k.Text) > 1 { // so fast comes only what was not typed for an ask
			s.denials.Doze()
		}
		for _, r := range k.Text {
			name := string(r)
			if r == ' ' {
				name = "space"
			}
			s.press(name)
		}
	}
	s.want()
}

// captures reports whether typed text goes to a view and not to the action
// table.
func (s *screen) captures() bool {
	return s.over == overlayPalette || s.over == overlaySave || s.over == overlayNone && s.views[s.current].Captures()
}

// typed hands typed text to what takes it now.
func (s *screen) typed(k view.Key) {
	switch s.over {
	case overlayPalette:
		s.act(s.palette.Key(k))
	case overlaySave:
		s.act(s.saving.Key(k))
	default:
		s.act(s.views[s.current].Key(k))
	}
}

// press runs the action of a key.
func (s *screen) press(name string) {
	if s.over == overlayQuit {
		s.quitKey(view.Key{Text: []rune(name)})
		return
	}
	if s.captures() { // an earlier key of the same burst opened a form
		if name == "space" {
			name = " "
		}
		s.typed(view.Key{Text: []rune(name)})
		return
	}
	if id, ok := s.find(name); ok {
		s.run(id)
		return
	}
	s.denials.Doze() // a key that means nothing here was meant for something else
}

// find is what a key does in the view that is open, as that stands now.
func (s *screen) find(name string) (view.ID, bool) {
	var sleeps func(view.ID) bool
	if v, ok := s.views[s.current].(interface{ Sleeps(a view.ID) bool }); ok {
		sleeps = v.Sleeps
	}
	return s.keys.Find(s.current, name, sleeps)
}

// run runs an action of the table.
func (s *screen) run(id view.ID) {
	s.data.Result = view.Result{}
	for _, n := range view.Names() {
		if id == view.OpenView(n) {
			s.open(n)
			return
		}
	}
	switch id {
	case view.ActNextView:
		s.step(1)
	case view.ActLastView:
		s.open(s.previous)
	case view.ActNextAsk:
		s.open(view.Denials)
		s.runInView(id)
	case view.ActHelp:
		s.help.Open(s.current)
		s.toggle(overlayHelp)
	case view.ActPalette:
		s.palette.Open(s.current)
		s.toggle(overlayPalette)
	case view.ActQuit:
		if s.over == overlayHelp {
			s.over = overlayNone
			return
		}
		s.over = overlayQuit
	case view.ActFilterSave:
		s.nameFilter()
	case view.ActCopy, view.ActCopyJSON:
		s.copyRow(id == view.ActCopyJSON)
	case view.ActRedraw:
		s.redraw = true
	case view.ActMouse:
		s.switchMouse()
	case view.ActSuspend:
		s.suspend = true
	case view.ActRefresh:
		s.load()
		s.say(view.Plain, s.data.T("fetching everything anew"))
	default:
		s.runInView(id)
	}
}

func (s *screen) toggle(o overlay) {
	if s.over == o {
		o = overlayNone
	}
	s.over = o
}

func (s *screen) runInView(id view.ID) {
	if s.over == overlayHelp {
		if _, used := s.help.Do(id); !used {
			s.over = overlayNone
		}
		return
	}
	action, _ := s.views[s.current].Do(id)
	s.act(action)
}
