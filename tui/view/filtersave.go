package view

import "strings"

// FilterDraft is what saving a filter would write, or wrote.
type FilterDraft struct {
	File string
	Line int      // of the filter; 0: it is taken out
	Diff []string // lines of a unified diff against what stands there
}

// saveStep is what is asked for now.
type saveStep int

const (
	saveName  saveStep = iota
	saveAsked          // what it would write is being worked out
	saveSure           // that is in sight
)

// FilterSaveView gives a filter line a name, in the config. Without a line it takes a
// name out. What that writes is shown, whole, before y writes it.
type FilterSaveView struct {
	data    *Data
	line    string
	step    saveStep
	name    Editor
	draft   FilterDraft
	problem string
	top     int  // first row of the draft in sight
	more    int  // rows below the sight
	read    bool // the last row was in sight
}

// NewFilterSave returns the view.
func NewFilterSave(d *Data) *FilterSaveView { return &FilterSaveView{data: d} }

// Open starts anew with a line.
func (v *FilterSaveView) Open(line string) {
	*v = FilterSaveView{data: v.data, line: line}
	v.name.Max = 64
}

// Key takes typed text; the action that it asks for has the name, and the line as text.
func (v *FilterSaveView) Key(k Key) Action {
	switch v.step {
	case saveName:
		v.problem = ""
		if k.Name != "enter" {
			v.name.Key(k)
			return Action{}
		}
		if v.name.Len() == 0 {
			v.problem = v.data.T("type a name, such as mine")
			return Action{}
		}
		v.step = saveAsked
		return v.action(VerbPlanFilter)
	case saveSure:
		switch {
		case k.Name == "" && !k.Paste && len(k.Text) == 1 && k.Text[0] == 'y' && v.read:
			return v.action(VerbSaveFilter)
		case k.Name == "down" || k.Name == "pgdown":
			v.top += min(v.more, 4)
		case k.Name == "up" || k.Name == "pgup":
			v.top = max(v.top-4, 0)
		case k.Name == "enter" || k.Name == "backspace": // back to the name
			v.step, v.draft = saveName, FilterDraft{}
		}
	case saveAsked:
	}
	return Action{}
}

func (v *FilterSaveView) action(verb Verb) Action {
	return Action{Verb: verb, Name: v.name.Text(), Text: v.line}
}

// Planned takes what saving under a name would write, or why it would not.
func (v *FilterSaveView) Planned(name string, draft FilterDraft, problem string) {
	if v.step != saveAsked || v.name.Text() != name {
		return // it was closed, or changed, meanwhile
	}
	v.problem = problem
	if problem != "" {
		v.step = saveName
		return
	}
	v.step, v.draft, v.top, v.read = saveSure, draft, 0, false
}

// Draw paints the view.
func (v *FilterSaveView) Draw(c *Canvas) {
	if v.line == "" {
		c.Rule(c.T("Take a saved filter out"), Bold)
	} else {
		c.Rule(c.T("Save the filter"), Bold)
	}
	if v.step == saveSure {
		v.drawDraft(c)
		return
	}
	if v.line != "" {
		c.Gap(1)
		c.Field(Faint, c.T("filter"), labelWidth)
		c.Wrap(Plain, v.line, labelWidth+2)
	}
	c.Gap(1)
	c.Field(Faint, c.T("name"), labelWidth)
	v.name.Draw(c.limit(c.Room()), v.step == saveName)
	c.release()
	c.End()
	switch {
	case v.step == saveAsked:
		c.Gap(1)
		c.Line(Faint, c.T("looking at the config"))
	case v.problem != "":
		c.Gap(1)
		c.Put(Bad, c.Theme.Glyphs.No+" ")
		c.Wrap(Plain, v.problem, 3)
	case v.line == "":
		c.Gap(1)
		c.Wrap(Faint, c.T("no filter is on here that could be saved; a name that is saved is taken out of the config"), 1)
	default:
		c.Gap(1)
		c.Wrap(Faint, c.T("@name in any filter then stands for it; enter shows the line that this writes into the config"), 1)
	}
	if names := v.data.Filters.names(c.Width() - 12); names != "" {
		c.Gap(1)
		c.Put(Faint, c.T("saved:"))
		c.Put(Plain, names)
		c.End()
	}
}

// drawDraft draws what would be written. Rows that do not fit are scrolled to before y
// counts.
func (v *FilterSaveView) drawDraft(c *Canvas) {
	c.Gap(1)
	if v.draft.Line > 0 {
		c.Line(Plain, c.T("writes into %s, line %s:", v.data.Short(v.draft.File), itoa(v.draft.Line)))
	} else {
		c.Line(Plain, c.T("takes out of %s:", v.data.Short(v.draft.File)))
	}
	body := c.Sub(2, c.Width(), paneRoom)
	for _, line := range v.draft.Diff {
		if strings.HasPrefix(line, "+") || strings.HasPrefix(line, "-") {
			body.Gap(3)
			body.Wrap(diffStyle(line), line, 5)
		}
	}
	room := max(c.Left()-1, 1)
	v.top = min(v.top, max(body.Rows()-room, 0))
	v.more = max(body.Rows()-room-v.top, 0)
	v.read = v.read || v.more == 0
	for i := v.top; i < body.Rows()-v.more; i++ {
		c.copyRow(body, i)
		c.End()
	}
	drawDraftKeys(c, v.more, v.read)
}

// Confirms reports whether the view itself says what each key does.
func (v *FilterSaveView) Confirms() bool { return v.step == saveSure }

// FilterLine is the filter line that is in force, with saved ones in the place of their
// names; what is wrong with it otherwise.
func (b *browse) FilterLine() (string, error) {
	line := strings.TrimSpace(b.edit.Text())
	if b.fault != nil || b.saved == nil {
		return line, b.fault
	}
	return b.saved.expand(line)
}

// complete puts the next saved name in the place of a name, begun or whole, at the end of
// the line that is typed.
func (b *browse) complete() bool {
	if b.saved == nil {
		return false
	}
	line := b.edit.Text()
	at := strings.LastIndexByte(line, ' ') + 1
	begun, is := strings.CutPrefix(line[at:], "@")
	if !is {
		return false
	}
	name := b.saved.next(begun)
	if name == "" {
		return false
	}
	b.edit.Set(line[:at] + "@" + name)
	return true
}
