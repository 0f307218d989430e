package view

import "slices"

// Literal is a key that stands in clear in a file: where, never its value.
type Literal struct {
	Place      string // FILE:LINE
	Key        string // what it is called there
	Characters int
	Secret     string // the name that it gets in the store
	ByHand     string // what the person changes in the file; empty: the file is changed
}

// Literals are what was found, and what could not be looked at or moved.
type Literals struct {
	List  []Literal
	Notes []string
}

// literalsStep is how far moving keys out of files is.
type literalsStep int

const (
	literalsNone literalsStep = iota
	literalsSought
	literalsOffered
	literalsMoving
	literalsMoved
)

// literalsForm offers the keys that stand in clear and takes which are moved. None is
// marked beforehand: each is a change of one of the person's own files.
type literalsForm struct {
	step   literalsStep
	found  Literals
	at     int
	chosen map[string]bool // by place: what stands on one line is moved together
	said   []string        // how moving went
	top    int             // the first line of said that is shown
	note   string
}

// Confirms reports whether the view itself says what each key does.
func (v *SecretsView) Confirms() bool { return v.literals.step != literalsNone }

// openLiterals has the files looked at, where there is a store to move a key to.
func (v *SecretsView) openLiterals() Action {
	v.form.close()
	switch {
	case v.data.Elsewhere:
		v.form.note = v.data.T("Keys in files are moved on the machine where they stand: openclaw secrets import, there.")
	case v.data.Store.State != "unlocked":
		v.form.note = v.trouble()
	default:
		v.literals = literalsForm{step: literalsSought, chosen: map[string]bool{}}
		return Action{Verb: VerbFindLiterals}
	}
	return Action{}
}

// LiteralsFound offers what was found, or says why nothing was. A person who has left
// meanwhile is not bothered.
func (v *SecretsView) LiteralsFound(found Literals, problem string) {
	f := &v.literals
	switch {
	case f.step != literalsSought:
	case problem != "":
		*f = literalsForm{}
		v.form.note = v.data.T("The files could not be looked at: %s", problem)
	case len(found.List) == 0 && len(found.Notes) == 0:
		*f = literalsForm{}
		v.form.note = v.data.T("No key stands in clear in the config, the shell profiles, the agents' settings or this folder.")
	default:
		f.step, f.found = literalsOffered, found
	}
}

// LiteralsMoved shows how moving them went.
func (v *SecretsView) LiteralsMoved(said []string, problem string) {
	if problem != "" {
		said = append(said, v.data.T("not done: %s", problem))
	}
	v.literals = literalsForm{step: literalsMoved, said: said}
}

// literalsKey takes a key while the form is open.
func (v *SecretsView) literalsKey(k Key) Action {
	f := &v.literals
	key := k.Name
	if key == "" && !k.Paste && len(k.Text) == 1 {
		key = string(k.Text)
	}
	switch {
	case f.step == literalsMoving: // it cannot be taken back
		return Action{}
	case key == "esc" || key == "ctrl+c", f.step == literalsMoved && key == "enter":
		*f = literalsForm{}
		return Action{}
	}
	f.note = ""
	switch key {
	case "up", "k":
		f.move(-1)
	case "down", "j":
		f.move(1)
	case " ", "space":
		f.mark()
	case "a":
		f.markAll()
	case "y":
		return v.moveLiterals()
	}
	return Action{}
}

func (f *literalsForm) move(by int) {
	f.at = max(min(f.at+by, len(f.found.List)-1), 0)
	f.top = max(min(f.top+by, len(f.said)-1), 0)
}

func (f *literalsForm) mark() {
	if f.step != literalsOffered || len(f.found.List) == 0 {
		return
	}
	place := f.found.List[f.at].Place
	if f.chosen[place] {
		delete(f.chosen, place)
	} else {
		f.chosen[place] = true
	}
}

// markAll marks all, or none where all are.
func (f *literalsForm) markAll() {
	if f.step != literalsOffered {
		return
	}
	all := !slices.ContainsFunc(f.found.List, func(l Literal) bool { return !f.chosen[l.Place] })
	clear(f.chosen)
	for _, l := range f.found.List {
		if !all {
			f.chosen[l.Place] = true
		}
	}
}

func (v *SecretsView) moveLiterals() Action {
	f := &v.literals
	switch {
	case f.step != literalsOffered || len(f.found.List) == 0:
		return Action{}
	case len(f.chosen) == 0:
		f.note = v.data.T("Nothing is marked: space marks the selected one, a all of them.")
		return Action{}
	}
	var places []string
	for _, l := range f.found.List {
		if f.chosen[l.Place] && !slices.Contains(places, l.Place) {
			places = append(places, l.Place)
		}
	}
	f.step = literalsMoving
	return Action{Verb: VerbMoveLiterals, Words: places}
}

// drawLiterals paints the form.
func (v *SecretsView) drawLiterals(c *Canvas) {
	f := &v.literals
	c.Rule(c.T("Move keys out of files"), Bold)
	foot := c.T("esc back")
	switch f.step {
	case literalsNone:
	case literalsSought:
		c.Gap(1)
		c.Line(Faint, c.T("looking into the config, the shell profiles, the agents' settings and this folder"))
	case literalsOffered:
		v.drawOffered(c)
		if len(f.found.List) > 0 {
			foot = c.T("space mark   a all   y move the marked   esc back")
		}
	case literalsMoving:
		c.Gap(1)
		c.Line(Faint, c.T("each is stored, read back and compared; then its file is changed"))
		foot = ""
	case literalsMoved:
		for i, line := range f.said[min(f.top, len(f.said)):] {
			if c.Left() <= 2 && i < len(f.said)-f.top-1 {
				c.Gap(1)
				c.Line(Faint, c.T("down shows %s more lines", itoa(len(f.said)-f.top-i)))
				break
			}
			c.Gap(1)
			c.Wrap(Plain, line, 3)
		}
		foot = c.T("enter back")
	}
	drawFormEnd(c, f.note, foot)
}

// drawOffered paints the keys with their marks, and below them what the selected one
// becomes.
func (v *SecretsView) drawOffered(c *Canvas) {
	f := &v.literals
	const most = 2 // notes that leave room for the keys on the smallest screen
	for i, note := range f.found.Notes {
		c.Gap(1)
		c.Put(Warn, "! ")
		if i == most {
			c.Wrap(Plain, c.T("and %s more: openclaw secrets import --dry-run", itoa(len(f.found.Notes)-most)), 3)
			break
		}
		c.Wrap(Plain, note, 3)
	}
	if len(f.found.List) == 0 {
		return
	}
	const below = 5 // the selected one, the note and the foot
	room := max(c.Left()-below, 1)
	first := max(min(f.at-room/2, len(f.found.List)-room), 0)
	for i := first; i < min(first+room, len(f.found.List)); i++ {
		l := &f.found.List[i]
		style := Plain
		if i == f.at {
			style = Selected
		}
		c.Gap(1)
		mark := "[ ] "
		if f.chosen[l.Place] {
			mark = "[x] "
		}
		c.Put(style, mark)
		c.FieldMiddle(style, v.data.Short(l.Place), max((c.Width()-8)/2, 8))
		c.FieldMiddle(style, l.Key, max(c.Room()-2, 8))
		c.End()
	}
	l := &f.found.List[f.at]
	c.Gap(1)
	c.Wrap(Faint, c.T("%s of %s: %s characters, becomes the secret %s", itoa(f.at+1), itoa(len(f.found.List)), itoa(l.Characters), l.Secret), 3)
	if l.ByHand != "" {
		c.Gap(1)
		c.Wrap(Warn, c.T("the file is changed by hand: %s", l.ByHand), 3)
	}
}
