package view

import (
	"slices"
	"strconv"
	"strings"

	"github.com/charmbracelet/x/ansi"

	"openclaw/gateway/event"
	"openclaw/tui/pane"
)

// LeavePane is the key that takes the keyboard back from a program in a pane. It
// is the only one that the program is not given.
const LeavePane = "ctrl+]"

// Pane is a run's own terminal, as it is shown.
type Pane struct {
	Run, Agent string
	Focus      bool // keys go to the program
	Frame      pane.Frame
	Problem    string // why it is not seen any more
	Lost       bool   // keys were typed that nobody reads

	rows [][]pane.Span
}

// PaneSize is the terminal that fits the body of a screen, below its title.
func PaneSize(width, bodyHeight int) (columns, rows int) {
	return max(width, 1), max(bodyHeight-1, 1)
}

// Take brings the picture up to date.
func (p *Pane) Take(f *pane.Frame) {
	if len(p.rows) != f.Rows {
		p.rows = make([][]pane.Span, max(min(f.Rows, pane.MaxRows), 0))
	}
	for _, l := range f.Lines {
		if l.Row >= 0 && l.Row < len(p.rows) {
			p.rows[l.Row] = l.Spans
		}
	}
	p.Frame = *f
	p.Frame.Lines = nil
}

// Draw paints the terminal below a title that says whose keys these are.
func (p *Pane) Draw(c *Canvas) {
	title := c.T("terminal of run %s, %s", p.Run, p.Agent)
	switch {
	case p.Problem != "":
		title += ": " + p.Problem
	case p.Frame.Ended:
		title += ": " + c.T("ended") + ", " + orDash(Printable(p.Frame.Exit, 100))
	case p.Frame.Up > 0:
		title += ": " + c.T("%s below: {list.bottom}", c.N(p.Frame.Up, "line"))
	}
	style := Bold
	if p.Focus {
		style = Selected
		title = c.T("keys go to %s; %s leaves; run %s", p.Agent, LeavePane, p.Run)
		if p.Lost {
			title = c.T("%s does not read what is typed; %s leaves", p.Agent, LeavePane)
		}
	}
	c.Rule(title, style)
	from := 0 // the newest rows where not all have room
	if over := len(p.rows) - c.Left(); over > 0 {
		from = min(over, max(p.Frame.Y+1-c.Left(), 0))
	}
	for y := from; y < len(p.rows) && c.Left() > 0; y++ {
		cursor := -1
		if p.Focus && y == p.Frame.Y && !p.Frame.Ended && p.Problem == "" {
			cursor = p.Frame.X
		}
		c.spans(p.rows[y], cursor)
		c.End()
	}
}

// spans draws what a program shows in one row, with the cell of its cursor
// reversed; -1: none. Only printable characters and the colours of the palette can
// come of it, whatever stands in a span.
func (c *Canvas) spans(list []pane.Span, cursor int) {
	at := 0
	for i := range list {
		s := list[i]
		s.Text = paneText(s.Text)
		w := ansi.StringWidth(s.Text)
		if cursor < at || cursor >= at+w {
			c.span(s, false)
		} else {
			before := ansi.Truncate(s.Text, cursor-at, "")
			rest := s.Text[len(before):]
			under := ansi.Truncate(rest, 1, "")
			if under == "" { // a wide one
				under = ansi.Truncate(rest, 2, "")
			}
			for _, part := range []string{before, under, rest[len(under):]} {
				piece := s
				piece.Text = part
				c.span(piece, part == under && part != "")
			}
		}
		at += w
	}
	if cursor >= at && cursor < c.width {
		c.Gap(cursor - at)
		c.span(pane.Span{Text: " ", Front: pane.DefaultColour, Back: pane.DefaultColour}, true)
	}
}

// paneText is text without anything that this screen does not show.
func paneText(s string) string {
	if isPrintable(s) {
		return s
	}
	var b strings.Builder
	marks := 0
	for i, r := range s {
		switch {
		case plainRune(r):
			b.WriteRune(r)
			marks = 0
		case i > 0 && marks < maxMarks && isPrintable("a"+string(r)):
			b.WriteRune(r)
			marks++
		default:
			b.WriteString(strings.Repeat("\ufffd", max(min(ansi.StringWidth(string(r)), 2), 0)))
		}
	}
	return b.String()
}

func (c *Canvas) span(s pane.Span, cursor bool) {
	room := c.Room()
	if s.Text == "" || room <= 0 {
		return
	}
	w := ansi.StringWidth(s.Text)
	if w > room {
		s.Text = ansi.Truncate(s.Text, room, "")
		w = ansi.StringWidth(s.Text)
	}
	c.enter(Plain)
	c.scratch = c.Theme.appendLook(c.scratch[:0], s, cursor)
	c.buf = append(c.buf, c.scratch...)
	c.buf = append(c.buf, s.Text...)
	if len(c.scratch) > 0 {
		c.buf = append(c.buf, "\x1b[m"...)
	}
	c.col += w
}

// appendLook adds the sequence for how a span looks; nothing for plain text.
func (t *Theme) appendLook(b []byte, s pane.Span, cursor bool) []byte {
	start := len(b)
	add := func(code string) {
		if len(b) == start {
			b = append(b, "\x1b["...)
		} else {
			b = append(b, ';')
		}
		b = append(b, code...)
	}
	marks := s.Marks
	if cursor {
		marks ^= pane.Reverse
	}
	for _, m := range [...]struct {
		mark pane.Marks
		code string
	}{{pane.Bold, "1"}, {pane.Faint, "2"}, {pane.Italic, "3"}, {pane.Underline, "4"}, {pane.Reverse, "7"}, {pane.Hidden, "8"}, {pane.Struck, "9"}} {
		if marks&m.mark != 0 {
			add(m.code)
		}
	}
	if t.sgr[Good] != "" { // colours are on
		for _, colour := range [...]struct {
			n     int16
			first int16
		}{{s.Front, 30}, {s.Back, 40}} {
			switch n := colour.n; {
			case n < 0 || n > 255:
			case n < 8:
				add(strconv.Itoa(int(colour.first + n)))
			case n < 16:
				add(strconv.Itoa(int(colour.first + 60 + n - 8)))
			default:
				add(strconv.Itoa(int(colour.first+8)) + ";5;" + strconv.Itoa(int(n)))
			}
		}
	}
	if len(b) > start {
		b = append(b, 'm')
	}
	return b
}

// Pane is the terminal that is shown, or nil.
func (v *AgentsView) Pane() *Pane { return v.shown }

// ShowPane shows a run's terminal, or none.
func (v *AgentsView) ShowPane(p *Pane) { v.shown, v.output = p, "" }

// paneRun is the newest run of the selected agent that goes on in a terminal of
// its own, or nil.
func (v *AgentsView) paneRun() *event.Run {
	if a := v.selected(); a != nil && !v.data.Elsewhere {
		for i := range slices.Backward(a.Runs) {
			if r := &a.Runs[i]; r.Terminal == event.InPane && r.Ended.IsZero() {
				return r
			}
		}
	}
	return nil
}

// paneDo answers an action while a terminal is shown and the keys are not its
// program's. What is about the run itself works as in the list.
func (v *AgentsView) paneDo(a ID) (Action, bool) {
	p := v.shown
	look := func(up int) (Action, bool) {
		return Action{Verb: VerbLookUp, Count: min(max(up, 0), p.Frame.History)}, true
	}
	page := max(p.Frame.Rows-1, 1)
	switch a {
	case ActOpen:
		p.Focus = !p.Frame.Ended && p.Problem == "" && !v.data.ReadOnly
		return look(0)
	case ActBack, ActOutput:
		return Action{Verb: VerbLeavePane}, true
	case ActUp:
		return look(p.Frame.Up + 1)
	case ActDown:
		return look(p.Frame.Up - 1)
	case ActPageUp:
		return look(p.Frame.Up + page)
	case ActPageDown, ActFold:
		return look(p.Frame.Up - page)
	case ActTop:
		return look(p.Frame.History)
	case ActBottom:
		return look(0)
	case ActStop, ActKill, ActStart, ActStartLive, ActRestart:
		if a == ActStart || a == ActStartLive {
			return Action{Verb: VerbTell, Text: v.data.T("{back} closes the pane first; the run goes on")}, true
		}
		return Action{}, false
	default:
		return Action{}, true // the rest is about the list
	}
}
