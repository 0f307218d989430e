package tui

import (
	tea "github.com/charmbracelet/bubbletea"

	"openclaw/tui/view"
)

// mouse is what the screen takes of a mouse.
type mouse struct {
	x, y  int
	wheel int // rows; below zero: up
}

// wheelRows is how far one notch of the wheel goes.
const wheelRows = 3

// mouseOf turns what Bubble Tea tells of a mouse into ours. Movements, other buttons
// and releases are nothing.
func mouseOf(m tea.MouseMsg) (mouse, bool) {
	if m.Action != tea.MouseActionPress {
		return mouse{}, false
	}
	switch m.Button { //nolint:exhaustive // the rest is nothing
	case tea.MouseButtonLeft:
		return mouse{x: m.X, y: m.Y}, true
	case tea.MouseButtonWheelUp:
		return mouse{m.X, m.Y, -wheelRows}, true
	case tea.MouseButtonWheelDown:
		return mouse{m.X, m.Y, wheelRows}, true
	}
	return mouse{}, false
}

// tab is where the name of a view is drawn.
type tab struct {
	from, to int
	name     view.Name
}

// tabRow is the row of the tabs.
const tabRow = 1

// point takes a click or a notch of the wheel. It opens a view, selects a row or
// scrolls, and nothing else: whatever is under it, it answers no question and no
// held request, and while one is asked or text is typed it does nothing.
func (s *screen) point(m mouse) {
	if !s.mouse || s.captures() || s.over == overlayQuit || s.over == overlayPalette || s.width < minWidth || s.height < minHeight {
		return
	}
	if s.stoodStill() {
		s.denials.Doze()
	}
	s.clock()
	s.keyed = s.data.Instant
	defer s.rescan()
	defer s.want()
	switch {
	case s.over == overlayHelp:
		s.scroll(m.wheel)
	case m.y == tabRow && m.wheel == 0:
		for _, t := range s.tabs {
			if m.x >= t.from && m.x < t.to {
				s.open(t.name)
			}
		}
	case m.y <= tabRow || m.y >= s.height-2:
	default:
		v, can := s.views[s.current].(interface{ Point(x, y, wheel int) bool })
		if (!can || !v.Point(m.x, m.y-tabRow-1, m.wheel)) && m.wheel != 0 {
			s.scroll(m.wheel)
		}
	}
}

// scroll moves as the keys do.
func (s *screen) scroll(rows int) {
	id := view.ActDown
	if rows < 0 {
		id, rows = view.ActUp, -rows
	}
	for range rows {
		s.runInView(id)
	}
}

// switchMouse turns the mouse on or off until the config says something else of it.
func (s *screen) switchMouse() {
	s.mouse = !s.mouse
	if s.mouse {
		s.say(view.Plain, s.data.T("the mouse is on: a click selects, the wheel scrolls; {mouse} gives it back to the terminal"))
		return
	}
	s.say(view.Plain, s.data.T("the mouse is off: the terminal selects text with it"))
}

// pointing has the terminal tell of the mouse, or no more.
func (m *model) pointing() tea.Cmd {
	if m.screen.mouse == m.mouse {
		return nil
	}
	if m.mouse = m.screen.mouse; m.mouse {
		return tea.EnableMouseCellMotion
	}
	return tea.DisableMouse
}
