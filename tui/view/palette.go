package view

import (
	"slices"
	"strings"
)

// PaletteView finds an action by its words, whichever view it belongs to: those of the
// view that it was opened over stand first.
type PaletteView struct {
	data *Data
	in   Name
	edit Editor
	list List
	hits []Binding
}

// NewPalette returns the view.
func NewPalette(d *Data) *PaletteView { return &PaletteView{data: d} }

// Open starts anew over a view, whose own actions come first.
func (v *PaletteView) Open(n Name) {
	v.in, v.list = n, List{}
	v.edit.Wipe()
	v.search()
}

func (v *PaletteView) search() {
	v.hits = v.hits[:0]
	words := strings.Fields(strings.ToLower(v.edit.Text()))
	add := func(b Binding) bool {
		if b.Quiet {
			return true
		}
		text := strings.ToLower(strings.Join([]string{string(b.ID), b.Label, v.data.T(b.Label), b.Help, v.data.T(b.Help), string(b.View), v.data.T(string(b.View))}, " "))
		if !slices.ContainsFunc(words, func(w string) bool { return !strings.Contains(text, w) }) {
			v.hits = append(v.hits, b)
		}
		return true
	}
	v.data.Keys.In(v.in, add)
	for _, b := range v.data.Keys.All() {
		if b.View != "" && b.View != v.in {
			add(b)
		}
	}
}

func (v *PaletteView) id(i int) string { return string(v.hits[i].View) + " " + string(v.hits[i].ID) }

// Captures reports that all typed text goes to the palette.
func (v *PaletteView) Captures() bool { return true }

// Key narrows, moves and chooses. The chosen action comes back as VerbRun.
func (v *PaletteView) Key(k Key) Action {
	switch k.Name {
	case "up", "ctrl+p":
		v.list.Move(ActUp, v.id)
	case "down", "ctrl+n", "tab":
		v.list.Move(ActDown, v.id)
	case "enter":
		for i := range v.hits {
			if b := &v.hits[i]; v.id(i) == v.list.Selected() {
				return Action{Verb: VerbRun, Name: string(b.ID), Text: string(b.View)}
			}
		}
	default:
		if v.edit.Key(k) {
			v.list = List{}
			v.search()
		}
	}
	return Action{}
}

// Do answers no action: keys go to Key.
func (v *PaletteView) Do(ID) (Action, bool) { return Action{}, false }

// Draw paints the view.
func (v *PaletteView) Draw(c *Canvas) {
	c.Rule(c.T("Commands"), Bold)
	c.Gap(1)
	c.Put(Bold, "> ")
	v.edit.Draw(c, true)
	c.End()
	height := c.Left() - 1
	top := v.list.Lay(len(v.hits), height, v.id)
	for i := top; i < len(v.hits) && c.Left() > 1; i++ {
		b := &v.hits[i]
		c.Gap(1)
		if i == v.list.Index() {
			c.Row(Selected)
			c.Put(Plain, c.Theme.Glyphs.Cursor)
			c.Gap(1)
		} else {
			c.Gap(2)
		}
		c.Field(Plain, c.T(b.Help), min(c.Room()-24, 70))
		where := c.T(string(b.View))
		if where == "" {
			where = "-"
		}
		c.Field(Faint, where, 12)
		key := b.Keys[0]
		if b.View != "" && b.View != v.in {
			key = c.T("%s then %s", c.Key(OpenView(b.View)), key)
		}
		c.Put(Bold, key)
		c.End()
	}
	c.Gap(1)
	c.Put(Faint, c.T("%s commands   type to narrow   enter run   esc close", itoa(len(v.hits))))
	c.End()
}
