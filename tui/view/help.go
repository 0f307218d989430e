package view

import "strings"

// HelpView lists the keys of a view, from the action table.
type HelpView struct {
	data *Data
	of   Name
	top  int
	more int
}

// NewHelp returns the view.
func NewHelp(d *Data) *HelpView { return &HelpView{data: d} }

// Open shows the help of a view.
func (v *HelpView) Open(n Name) { v.of, v.top = n, 0 }

// Captures reports whether typed text goes to the view.
func (v *HelpView) Captures() bool { return false }

// Key is never called: the view takes no text.
func (v *HelpView) Key(Key) Action { return Action{} }

// Do scrolls.
func (v *HelpView) Do(a ID) (Action, bool) {
	switch a {
	case ActUp:
		v.top--
	case ActDown:
		v.top++
	case ActPageUp, ActTop:
		v.top = 0
	case ActPageDown, ActBottom:
		v.top = v.more
	default:
		return Action{}, false
	}
	v.top = min(max(v.top, 0), v.more)
	return Action{}, true
}

// Draw paints the view.
func (v *HelpView) Draw(c *Canvas) {
	body := c.Sub(2, c.Width(), paneRoom)
	section := Name("?")
	v.data.Keys.In(v.of, func(b Binding) bool {
		if b.View != section {
			title := c.T("Every view")
			if b.View != "" {
				title = c.T("Keys in %s", c.T(string(b.View)))
			}
			body.Rule(title, Bold)
			section = b.View
		}
		body.Gap(2)
		body.Field(Bold, strings.Join(b.Keys, " "), 19)
		body.Wrap(Plain, c.T(b.Help), 22)
		return true
	})
	if v.data.ReadOnly {
		body.Wrap(Faint, c.T("  This screen is read-only: what changes anything is not offered."), 2)
	}
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
