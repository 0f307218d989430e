package tui

import (
	"strconv"
	"time"

	"openclaw/tui/view"
)

// The smallest terminal that views are drawn for, and the rows of the frame
// around them: status, tabs, result, keys.
const (
	minWidth, minHeight = 60, 16
	frameRows           = 4
)

func (s *screen) draw() {
	c := s.root
	c.Reset(s.width, s.height)
	if s.current != view.Denials || s.over != overlayNone || s.width < minWidth || s.height < minHeight {
		s.denials.Doze() // what cannot be seen cannot be answered
	}
	if s.width < minWidth || s.height < minHeight {
		s.drawSmall(c)
	} else {
		s.drawStatus(c)
		s.drawTabs(c)
		foot := 2
		if s.over == overlayQuit {
			foot = 6
		}
		s.body.Reset(s.width, s.height-2-foot)
		switch s.over {
		case overlayHelp:
			s.help.Draw(s.body)
		case overlayPalette:
			s.palette.Draw(s.body)
		case overlaySave:
			s.saving.Draw(s.body)
		case overlayNone, overlayQuit:
			if s.knowsNothing() {
				s.body.Gap(1)
				s.body.Wrap(view.Faint, s.data.T("The gateway has not answered yet. What it knows shows here as soon as it does."), 1)
				break
			}
			s.views[s.current].Draw(s.body)
		}
		c.Copy(s.body, 0)
		c.Down(s.height - foot)
		if s.over == overlayQuit {
			s.drawQuit(c)
		} else {
			s.drawResult(c)
			s.drawKeys(c)
		}
	}
	s.out = c.AppendTo(s.out[:0])
}

// knowsNothing reports whether nothing came from the gateway yet: a view would say that
// there is nothing. The log has lines of the screen's own.
func (s *screen) knowsNothing() bool {
	return !s.data.Loaded && (s.loading > 0 || s.generation == 0) && s.current != view.Logs
}

// drawSmall says what the screen needs, and keeps the count that matters.
func (s *screen) drawSmall(c *view.Canvas) {
	if n, _ := s.data.Waiting(); n > 0 {
		c.Put(view.Bold, c.T("? %s asks  ", strconv.Itoa(n)))
	}
	c.Put(view.Bold, c.T("needs %sx%s", strconv.Itoa(minWidth), strconv.Itoa(minHeight)))
	c.Put(view.Plain, c.T(", has %sx%s", strconv.Itoa(s.width), strconv.Itoa(s.height)))
	c.Put(view.Plain, c.T("  %s denied/h  {quit} quits", strconv.Itoa(s.data.Overview.DeniedHour)))
	c.End()
}

// bit is one part of the status line; the heavier stay when room is short.
type bit struct {
	glyph  string
	style  view.Style
	text   string
	weight int
}

func (s *screen) statusBits() []bit {
	d, g := s.data, &s.root.Theme.Glyphs
	link := bit{glyph: g.On, style: view.Good, text: s.data.T("running"), weight: 100}
	switch {
	case !d.Link.Up && !d.Link.Tried:
		link = bit{glyph: g.Off, text: s.data.T("connecting"), weight: 100}
	case !d.Link.Up:
		link = bit{glyph: g.No, style: view.Bad, text: s.data.T("gateway lost, try %s", strconv.Itoa(d.Link.Attempt)), weight: 100}
	}
	bits := append(s.bits[:0], link)
	defer func() { s.bits = bits[:0] }()
	if !d.Loaded {
		return bits
	}
	o := &d.Overview
	if len(o.Listeners) > 0 {
		bits = append(bits, bit{text: o.Listeners[0], weight: 30})
	}
	if n, first := d.Waiting(); n > 0 {
		text := s.data.T("%s asks wait", strconv.Itoa(n))
		if n == 1 {
			text = s.data.T("1 ask waits")
		}
		if d.Link.Up { // without a gateway they are denied, not waiting
			text += ", " + string(view.AppendLeft(nil, first))
		}
		bits = append(bits, bit{glyph: "?", style: view.Warn, text: text, weight: 97})
	}
	bits = append(bits,
		bit{glyph: g.No, style: view.Bad, text: s.data.T("%s denied/h", strconv.Itoa(o.DeniedHour)), weight: 90},
		bit{text: s.data.T("conns %s", strconv.Itoa(o.Connections)), weight: 60},
		bit{text: s.data.T("agents %s/%s", strconv.Itoa(o.Running), strconv.Itoa(o.Agents)), weight: 70})
	cfg := bit{text: s.data.T("cfg #%s ok", strconv.Itoa(d.Config.Version)), weight: 50}
	if d.Config.Rejected {
		cfg = bit{glyph: g.No, style: view.Bad, text: s.data.T("cfg rejected"), weight: 95}
	}
	store := bit{text: d.Store.Backend + " " + s.data.T(d.Store.State), weight: 40}
	switch {
	case d.Store.State == "unlocked" && !d.Store.Until.IsZero():
		store.text += s.data.T(", %s left", string(view.AppendLeft(nil, d.Store.Until.Sub(d.Now))))
	case d.Store.State != "unlocked":
		store = bit{glyph: "!", style: view.Warn, text: s.data.T("secrets %s", s.data.T(d.Store.State)), weight: 92}
	}
	bits = append(bits, cfg, store)
	// What the gateway counts is not added: it has this screen's losses in it once more, and
	// those of every other.
	if d.Missed > 0 {
		bits = append(bits, bit{glyph: "!", style: view.Warn, text: s.data.T("%s events missed", strconv.FormatUint(d.Missed, 10)), weight: 80})
	}
	if d.ReadOnly {
		bits = append(bits, bit{text: s.data.T("read-only"), weight: 97})
	}
	return bits
}

func (b *bit) width() int {
	w := view.Width(b.text)
	if b.glyph != "" {
		w += view.Width(b.glyph) + 1
	}
	return w
}

func (s *screen) drawStatus(c *view.Canvas) {
	const brand = "openclaw"
	bits := s.statusBits()
	clock := c.Width() >= 80
	room := c.Width() - len(brand) - 2
	if clock {
		room -= 10
	}
	for {
		used, lightest := -3, 0
		for i := range bits {
			used += bits[i].width() + 3
			if bits[i].weight < bits[lightest].weight {
				lightest = i
			}
		}
		if used <= room || len(bits) == 1 {
			break
		}
		bits = append(bits[:lightest], bits[lightest+1:]...)
	}
	c.Gap(1)
	c.Put(view.Bold, brand)
	c.Gap(1)
	for i := range bits {
		if i > 0 {
			c.Gap(1)
			c.Put(view.Faint, s.root.Theme.Glyphs.Column)
			c.Gap(1)
		}
		if bits[i].glyph != "" {
			c.Put(bits[i].style, bits[i].glyph)
			c.Gap(1)
		}
		c.Put(view.Plain, bits[i].text)
	}
	if clock {
		c.To(c.Width() - 9)
		c.Time(view.Faint, s.data.Now, time.TimeOnly)
	}
	c.End()
}

func (s *screen) drawTabs(c *view.Canvas) {
	c.Gap(1)
	waiting, _ := s.data.Waiting()
	s.tabs = s.tabs[:0]
	for _, n := range s.names {
		start := c.Column()
		style, from, to := view.Plain, " ", " "
		if n == s.current {
			style, from, to = view.Selected, "[", "]"
		}
		c.Put(style, from)
		c.Put(style, c.Key(view.OpenView(n)))
		if c.Width() >= 110 || n == s.current {
			c.Put(style, " ")
			c.Put(style, c.T(string(n)))
		}
		switch {
		case n != view.Denials:
		case waiting > 0:
			c.Put(style, " ?")
			c.PutInt(style, waiting)
		case s.data.Denials.Len() > 0:
			c.Put(style, " ")
			c.Put(style, c.Theme.Glyphs.No)
			c.PutInt(style, s.data.Denials.Len())
		}
		c.Put(style, to)
		s.tabs = append(s.tabs, tab{start, c.Column(), n})
	}
	if s.over == overlayHelp {
		c.Put(view.Bold, c.T("  help: esc closes"))
	}
	c.End()
}

// question is what the current view asks; empty: nothing.
func (s *screen) question() string {
	if v, asks := s.views[s.current].(interface{ Question() string }); asks && s.over == overlayNone {
		return v.Question()
	}
	return ""
}

// drawResult says how the last thing that the person did ended, or else what
// was denied last.
func (s *screen) drawResult(c *view.Canvas) {
	g := &s.root.Theme.Glyphs
	c.Gap(1)
	d := s.data
	switch {
	case s.question() != "":
		text, rest := s.question(), c.T("  y does it, any other key does not")
		if room := c.Room(); view.Width(text)+view.Width(rest) > room { // the line below says it, too
			c.FieldMiddle(view.Bold, text, room)
			break
		}
		c.Put(view.Bold, text)
		c.Put(view.Plain, rest)
	case !d.Link.Up && d.Link.Tried:
		c.Put(view.Bad, g.No)
		if d.Elsewhere {
			c.Put(view.Plain, c.T(" gateway lost; still trying. It runs elsewhere, and is started there. %s", d.Link.Problem))
			break
		}
		c.Put(view.Plain, c.T(" gateway lost; still trying. openclaw gateway, or leaving and openclaw tui, starts it anew. %s", d.Link.Problem))
	case d.Result.Text != "":
		switch d.Result.Style {
		case view.Good:
			c.Put(view.Good, g.Yes+" ")
		case view.Bad:
			c.Put(view.Bad, g.No+" ")
		default:
		}
		s.drawUndoable(c, d.Result.Text)
	case d.Undoable() != nil:
		a := d.Undoable()
		s.drawUndoable(c, c.T("allowed %s %s %s", a.Agent, a.Operation, d.Short(a.Target)))
	default:
		for n := d.Recent.Next(); n > d.Recent.First(); n-- {
			if e := d.Recent.At(n - 1).Denial; e != nil {
				c.Put(view.Faint, c.T("newest: "))
				c.Put(view.Bad, g.No)
				c.Put(view.Plain, c.T(" deny "))
				c.Put(view.Plain, e.Agent)
				c.Gap(1)
				c.Put(view.Plain, e.Operation)
				c.Gap(1)
				c.PathField(view.Plain, e.Target, d.Home, max(min(view.Width(d.Short(e.Target)), c.Room()), 1))
				c.Gap(1)
				c.Put(view.Faint, e.Rule)
				break
			}
		}
	}
	c.End()
}

// drawUndoable draws a text and, where the last answer can be taken back, how
// and for how long.
func (s *screen) drawUndoable(c *view.Canvas, text string) {
	room := 17 + view.Width(c.Key(view.ActUndo))
	a := s.data.Undoable()
	if a == nil || s.data.ReadOnly {
		c.Put(view.Plain, text)
		return
	}
	key := c.Key(view.ActUndo)
	if s.current != view.Denials {
		key = c.Key(view.OpenView(view.Denials)) + " " + key
	}
	c.FieldMiddle(view.Plain, text, min(view.Width(text), c.Room()-room))
	c.Gap(1)
	c.Put(view.Bold, key)
	c.Put(view.Plain, c.T(" undo (%s s)", strconv.Itoa(int((a.UndoUntil.Sub(s.data.Now)+time.Second-1)/time.Second))))
}

// drawKeys fills the foot line from the action table, the heaviest first.
func (s *screen) drawKeys(c *view.Canvas) {
	c.Gap(1)
	if asked, ok := s.views[s.current].(interface{ YesOrNo() bool }); s.question() != "" || ok && asked.YesOrNo() {
		c.Put(view.Bold, "y")
		c.Put(view.Plain, c.T(" yes   any other key: no"))
		c.End()
		return
	}
	if s.drawPaneKeys(c) {
		return
	}
	if v, is := s.views[s.current].(interface{ Confirms() bool }); is && v.Confirms() && s.over == overlayNone || s.over == overlaySave && s.saving.Confirms() {
		c.End() // the view itself says what each key does
		return
	}
	if s.captures() {
		c.Put(view.Bold, c.T("typing: "))
		words := c.T("enter accepts, esc leaves")
		if v, is := s.views[s.current].(interface{ Filtering() bool }); is && v.Filtering() && s.over == overlayNone {
			words = c.T("enter keeps it, esc takes it out, up: earlier ones")
		}
		c.Put(view.Plain, words)
		if v, is := s.views[s.current].(interface{ SavedNames(width int) string }); is {
			if names := v.SavedNames(c.Room() - 12); names != "" {
				c.Put(view.Faint, c.T("   saved:"))
				c.Put(view.Plain, names)
			}
		}
		c.End()
		return
	}
	offers := func(view.ID) bool { return true }
	if o, ok := s.views[s.current].(interface{ Offers(a view.ID) bool }); ok {
		offers = o.Offers
	}
	last := 1 << 30
	for {
		var best view.Binding
		s.keys.In(s.current, func(b view.Binding) bool {
			if b.Label != "" && b.Weight < last && b.Weight > best.Weight && offers(b.ID) {
				best = b
			}
			return true
		})
		if best.Weight == 0 {
			break
		}
		last = best.Weight
		key := best.Keys[0]
		if id, _ := s.find(key); id != best.ID {
			continue // something else of the view has it now
		}
		label := s.data.T(best.Label)
		if c.Room() < view.Width(key)+1+view.Width(label) {
			continue
		}
		c.Put(view.Bold, key)
		c.Gap(1)
		c.Put(view.Plain, label)
		c.Gap(3)
	}
	c.End()
}
