package view

import (
	"strings"
	"time"

	"openclaw/gateway/event"
)

// ConfigView shows the active config, what is wrong with the file on disk, what
// changed, and the versions before.
type ConfigView struct {
	data *Data
	top  int
	more int
	back goingBack
	sure sure
}

// NewConfig returns the view.
func NewConfig(d *Data) *ConfigView { return &ConfigView{data: d} }

// Captures reports whether typed text goes to the view.
func (v *ConfigView) Captures() bool { return v.sure.text != "" }

// Key takes the answer to the open question.
func (v *ConfigView) Key(k Key) Action {
	action := v.sure.answered(k)
	if action.Verb != VerbNone {
		v.back = goingBack{}
	}
	return action
}

// Question is what is asked now; empty: nothing.
func (v *ConfigView) Question() string { return v.sure.text }

// Do answers an action.
func (v *ConfigView) Do(a ID) (Action, bool) {
	const page = 10
	if v.back.open {
		if action, used := v.choose(a); used {
			return action, true
		}
	}
	switch a {
	case ActRollback:
		if len(v.data.Config.History) > 0 {
			v.back.open, v.back.list.id = true, v.version(v.newestBack())
		}
		return v.Wants(), true
	case ActCompare:
		if len(v.data.Config.History) > 0 {
			v.back.open, v.back.since, v.back.list.id = true, true, v.version(v.newestBack())
		}
		return v.Wants(), true
	case ActEdit:
		return Action{Verb: VerbEdit}, true
	case ActValidate:
		return Action{Verb: VerbValidate}, true
	case ActReload:
		return Action{Verb: VerbReload}, true
	case ActUp:
		v.top--
	case ActDown:
		v.top++
	case ActPageUp:
		v.top -= page
	case ActPageDown:
		v.top += page
	case ActTop:
		v.top = 0
	case ActBottom:
		v.top = v.more
	default:
		return Action{}, false
	}
	v.top = min(max(v.top, 0), v.more)
	return Action{}, true
}

// Draw paints the view.
func (v *ConfigView) Draw(c *Canvas) {
	s := &v.data.Config
	c.Gap(1)
	c.Put(Bold, tilde(orDash(s.Path), v.data.Home))
	c.Gap(2)
	if s.Version > 0 {
		c.Put(Plain, c.T("active #%s since ", itoa(s.Version)))
		c.Time(Plain, v.data.Local(s.Active), time.TimeOnly)
	} else {
		c.Put(Plain, c.T("no version is active"))
	}
	c.End()
	c.Gap(1)
	switch {
	case s.Rejected:
		c.Put(Bad, c.Theme.Glyphs.No)
		c.Put(Bold, c.T(" on disk: REJECTED"))
		if s.Version > 0 {
			c.Put(Plain, c.T(", #%s stays active", itoa(s.Version)))
		}
	default:
		c.Put(Good, c.Theme.Glyphs.Yes)
		c.Put(Plain, c.T(" what is on disk is active; saving the file is enough"))
	}
	c.End()
	if !s.Rejected {
		v.changed(c, s)
	}
	if v.back.open {
		v.drawBack(c, s)
		return
	}
	body := c.Sub(2, c.Width(), paneRoom)
	v.body(body, s)
	v.more = max(body.Rows()-c.Left(), 0)
	v.top = min(v.top, v.more)
	if v.more == 0 {
		c.Copy(body, 0)
		return
	}
	for i := v.top; c.Left() > 1; i++ {
		c.copyRow(body, i)
		c.End()
	}
	c.Gap(1)
	if left := v.more - v.top; left > 0 {
		c.Line(Faint, c.T("%s %s more lines: {list.down}", c.Theme.Glyphs.Down, itoa(left)))
	}
}

// changed says what the last change was, above all that scrolls.
func (v *ConfigView) changed(c *Canvas, s *event.ConfigStatus) {
	const most = 4
	for i, change := range s.Changes {
		c.Gap(1)
		if i == 0 {
			c.Field(Bold, c.T("changed"), 8)
		} else {
			c.Gap(9)
		}
		if i == most-1 && len(s.Changes) > most {
			c.Line(Plain, c.T("and %s more, in the history below", itoa(len(s.Changes)-i)))
			return
		}
		c.Line(Plain, change)
	}
}

func (v *ConfigView) body(c *Canvas, s *event.ConfigStatus) {
	if len(s.Problems) > 0 {
		title := c.T("Problems")
		if !s.Rejected {
			title = c.T("Warnings")
		}
		c.Rule(title, Bold)
		for i := range s.Problems {
			problem(c, &s.Problems[i])
		}
	}
	if len(s.Diff) > 0 {
		title := c.T("Last change, line by line")
		if s.Rejected {
			title = c.T("Diff: active to on disk")
		}
		c.Rule(title, Bold)
		for _, line := range s.Diff {
			c.Gap(1)
			c.Line(diffStyle(line), line)
		}
	}
	c.Rule(c.T("History"), Bold)
	if len(s.History) == 0 {
		c.Line(Faint, c.T(" no version yet"))
	}
	by := 11
	for i := range s.History {
		by = max(by, min(Width(byText(c.Theme.Words, s.History[i].By)), 16))
	}
	for i := range s.History {
		h := &s.History[i]
		c.Gap(1)
		c.Field(Bold, "#"+itoa(h.Version), 5)
		c.Put(Plain, whenText(v.data, h.Time))
		c.Gap(2)
		c.Field(Plain, byText(c.Theme.Words, h.By), by)
		what := strings.Join(h.Changes, ", ")
		if len(h.Changes) == 0 {
			what = c.T("nothing changed")
			if h.By == "start" {
				what = c.T("as found at the start")
			}
		}
		c.Wrap(Plain, what, 30)
	}
}

// byText says what brought a version of the config into force.
func byText(w *Words, by string) string {
	if version, back := strings.CutPrefix(by, "rollback to "); back {
		return w.T("rollback to %s", version)
	}
	return w.T(by)
}

func problem(c *Canvas, p *event.Problem) {
	c.Gap(1)
	if p.Warning {
		c.Put(Warn, "! ")
	} else {
		c.Put(Bad, c.Theme.Glyphs.No+" ")
	}
	place := ""
	if p.Line > 0 {
		place = itoa(p.Line)
		if p.Column > 0 {
			place += ":" + itoa(p.Column)
		}
	}
	c.Field(Bold, place, 7)
	if p.Key != "" {
		c.Put(Bold, p.Key)
		if c.Room() < Width(p.Message)+2 {
			c.End()
			c.Gap(11)
		} else {
			c.Gap(2)
		}
	}
	c.Wrap(Plain, p.Message, 11)
}
