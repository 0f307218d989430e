package view

import (
	"slices"
	"strconv"
	"strings"

	"openclaw/gateway/event"
)

// Back is what going back to a version of the config would change, or why it
// cannot be.
type Back struct {
	Diff    []string
	Problem string
}

// goingBack is the choice of an earlier config: to go back to it, or to see what has
// changed since.
type goingBack struct {
	open  bool
	since bool // what has changed since is shown
	list  List // of versions
	asked int  // the version that was asked about last
	top   int  // first line of the difference in sight
	more  int
}

// chosen is the selected version; nil: there is none.
func (v *ConfigView) chosen() *event.Applied {
	for i := range v.data.Config.History {
		if h := &v.data.Config.History[i]; itoa(h.Version) == v.back.list.Selected() {
			return h
		}
	}
	return nil
}

func (v *ConfigView) version(i int) string { return itoa(v.data.Config.History[i].Version) }

// Wants is what is not known yet of the selected version.
func (v *ConfigView) Wants() Action {
	h := v.chosen()
	if !v.back.open || h == nil || v.back.asked == h.Version {
		return Action{}
	}
	if _, known := v.data.Backs[h.Version]; known || !v.canBe(h) {
		return Action{}
	}
	v.back.asked = h.Version
	return Action{Verb: VerbLookBack, Name: itoa(h.Version)}
}

// Forget makes Wants ask anew, because the config has changed.
func (v *ConfigView) Forget() { v.back.asked = 0 }

// canBe reports whether a version can be gone back to.
func (v *ConfigView) canBe(h *event.Applied) bool {
	return h.Kept || h.Version == v.data.Config.Version
}

// newestBack is the place of the newest version that can be gone back to; where there
// is none, of the newest.
func (v *ConfigView) newestBack() int {
	return max(slices.IndexFunc(v.data.Config.History, func(h event.Applied) bool {
		return h.Kept && h.Version != v.data.Config.Version
	}), 0)
}

// choose handles the actions while a version is being chosen.
func (v *ConfigView) choose(a ID) (Action, bool) {
	const page = 10
	switch a {
	case ActBack:
		v.back = goingBack{}
	case ActPageUp:
		v.back.top = max(v.back.top-page, 0)
	case ActPageDown:
		v.back.top = min(v.back.top+page, v.back.more)
	case ActRollback:
		if v.back.since { // first what that would change
			v.back.since, v.back.top = false, 0
			break
		}
		return v.confirm(), true
	case ActCompare:
		if v.back.since {
			v.back = goingBack{}
			break
		}
		v.back.since, v.back.top = true, 0
	default:
		if !v.back.list.Move(a, v.version) {
			return Action{}, false
		}
		v.back.top = 0
	}
	return v.Wants(), true
}

// confirm asks whether to go back to the selected version, once what that changes
// is known.
func (v *ConfigView) confirm() Action {
	h := v.chosen()
	if h == nil {
		return Action{}
	}
	if b, known := v.data.Backs[h.Version]; known && b.Problem == "" {
		v.sure = sure{
			v.data.T("Roll back to #%s? It comes into force at once, as a new version.", itoa(h.Version)),
			Action{Verb: VerbRollback, Name: itoa(h.Version)},
		}
	}
	return v.Wants()
}

// drawBack draws the versions, and what the selected one would change.
func (v *ConfigView) drawBack(c *Canvas, s *event.ConfigStatus) {
	title := c.T("Roll back to")
	if v.back.since {
		title = c.T("Compare with")
	}
	c.Rule(title, Bold)
	rows := min(len(s.History), max(c.Left()*2/5, 2))
	top := v.back.list.Lay(len(s.History), rows, v.version)
	for i := top; i < min(top+rows, len(s.History)); i++ {
		h := &s.History[i]
		c.Gap(1)
		if i == v.back.list.index {
			c.Row(Selected)
			c.Put(Bold, c.Theme.Glyphs.Cursor)
			c.Gap(1)
		} else {
			c.Gap(2)
		}
		v.drawVersion(c, h)
	}
	h := v.chosen()
	if h == nil {
		return
	}
	title = c.T("What #%s would change", itoa(h.Version))
	b, known := v.data.Backs[h.Version]
	diff := b.Diff
	if v.back.since {
		title, diff = c.T("What has changed since #%s", itoa(h.Version)), reversed(b.Diff)
	}
	c.Rule(title, Bold)
	switch {
	case v.back.since && h.Version == s.Version:
		c.Line(Plain, c.T(" nothing"))
		return
	case !v.canBe(h):
		c.Gap(1)
		text := c.T("It cannot be brought back: %s.", orText(h.Lost, c.T("it is not kept")))
		if v.back.since {
			text = c.T("It cannot be compared with: %s.", orText(h.Lost, c.T("it is not kept")))
		}
		c.Wrap(Plain, text, 1)
		return
	case !known:
		c.Line(Faint, c.T(" asking the gateway"))
		return
	case b.Problem != "":
		c.Gap(1)
		c.Put(Bad, c.Theme.Glyphs.No+" ")
		c.Wrap(Plain, b.Problem, 3)
		return
	case len(diff) == 0 && v.back.since:
		c.Line(Plain, c.T(" nothing"))
	case len(diff) == 0:
		c.Line(Plain, c.T(" nothing of what is in force; the file on disk becomes this one"))
	}
	room := max(c.Left()-1, 1)
	v.back.more = max(len(diff)-room, 0)
	v.back.top = min(v.back.top, v.back.more)
	for _, line := range diff[v.back.top:min(v.back.top+room, len(diff))] {
		c.Gap(1)
		c.Line(diffStyle(line), line)
	}
	c.Gap(1)
	if left := v.back.more - v.back.top; left > 0 {
		c.Put(Faint, c.T("%s %s more lines: {list.page_down}  ", c.Theme.Glyphs.Down, itoa(left)))
	}
	if !v.data.ReadOnly {
		c.Put(Bold, c.Key(ActRollback))
		c.Put(Plain, c.T(" rolls back to it…  "))
	}
	c.Put(Bold, "esc")
	c.Line(Plain, c.T(" leaves it"))
}

// drawVersion is the row of one version, from where the canvas is.
func (v *ConfigView) drawVersion(c *Canvas, h *event.Applied) {
	c.Field(Bold, "#"+strconv.Itoa(h.Version), 5)
	c.Field(Plain, whenText(v.data, h.Time), 19)
	by := byText(c.Theme.Words, h.By)
	if h.Version == v.data.Config.Version {
		by += c.T(", in force")
	}
	c.Put(Plain, by)
	if !v.canBe(h) {
		c.Put(Faint, c.T(", not kept"))
	}
	c.Gap(2)
	c.Put(Faint, strings.Join(h.Changes, ", "))
	c.End()
}

// reversed is a unified diff the other way round: what it takes out comes, and what it
// puts in goes, of each change what goes first.
func reversed(diff []string) []string {
	out := make([]string, 0, len(diff))
	var coming []string
	for _, line := range diff {
		switch {
		case strings.HasPrefix(line, "-"):
			coming = append(coming, "+"+line[1:])
			continue
		case strings.HasPrefix(line, "+"):
			out = append(out, "-"+line[1:])
			continue
		case strings.HasPrefix(line, "@@ -"):
			if from, to, is := strings.Cut(strings.TrimSuffix(line[len("@@ -"):], " @@"), " +"); is {
				line = "@@ -" + to + " +" + from + " @@"
			}
		}
		out = append(append(out, coming...), line)
		coming = coming[:0]
	}
	return append(out, coming...)
}

// diffStyle is how a line of a unified diff is drawn.
func diffStyle(line string) Style {
	switch {
	case strings.HasPrefix(line, "+"):
		return Good
	case strings.HasPrefix(line, "-"):
		return Bad
	case strings.HasPrefix(line, "@"):
		return Faint
	}
	return Plain
}
