package view

import (
	"strings"

	"openclaw/gateway/event"
)

// AgentPlan is an agent to be added to the config.
type AgentPlan struct {
	Name    string
	Paths   []string // that it may read and write
	Domains []string // that it may reach
}

// addStep is what is asked for now.
type addStep int

const (
	addNothing addStep = iota
	addName
	addFolder
	addDomains
	addSure // what would be written is in sight
)

// adding is an agent that is being described. Its lines of the config are shown
// before y writes them.
type adding struct {
	step    addStep
	editors [addSure]Editor // by step; the first is not used
	offered bool            // the text is a suggestion: what is typed takes its place
	plan    AgentPlan
	asked   bool // the gateway was asked what it would write
	draft   *event.AgentAdded
	problem string
	top     int  // first line of the draft in sight
	more    int  // lines below the sight
	read    bool // the last line was in sight
}

// openAdd opens the form.
func (v *AgentsView) openAdd() {
	v.output = ""
	v.add = adding{step: addName, offered: true}
	for i := range v.add.editors {
		v.add.editors[i].Max = 4 << 10
	}
	first := v.data.T("coder")
	name := first
	for n := 2; v.known(name); n++ {
		name = first + itoa(n)
	}
	v.add.editors[addName].Set(name)
	v.add.editors[addFolder].Set(orText(v.data.Folder, v.data.T("~/projects/demo")))
}

func (v *AgentsView) known(name string) bool {
	for i := range v.data.Agents {
		if v.data.Agents[i].Name == name {
			return true
		}
	}
	return false
}

// addKey takes a key of the form.
func (v *AgentsView) addKey(k Key) Action {
	f := &v.add
	switch {
	case f.step == addSure:
		return v.addSure(k)
	case k.Name == "esc" || k.Name == "ctrl+c":
		v.add = adding{}
	case k.Name == "enter":
		return v.addNext()
	case f.offered:
		f.offered = false
		if k.Name == "" || k.Name == "ctrl+u" || k.Name == "backspace" {
			f.editors[f.step].Wipe()
		}
		if k.Name != "backspace" {
			f.editors[f.step].Key(k)
		}
	default:
		f.editors[f.step].Key(k)
	}
	return Action{}
}

// addNext goes to the next step, and after the last one asks the gateway what it
// would write.
func (v *AgentsView) addNext() Action {
	f := &v.add
	if f.step != addDomains && strings.TrimSpace(f.editors[f.step].Text()) == "" {
		return Action{}
	}
	f.step++
	f.problem, f.offered = "", f.step == addFolder
	if f.step != addSure {
		return Action{}
	}
	f.plan = AgentPlan{
		Name: strings.TrimSpace(f.editors[addName].Text()), Paths: []string{strings.TrimSpace(f.editors[addFolder].Text())},
		Domains: strings.FieldsFunc(f.editors[addDomains].Text(), func(r rune) bool { return r == ' ' || r == ',' }),
	}
	f.asked, f.draft, f.top, f.read = true, nil, 0, false
	return Action{Verb: VerbPlanAgent, Plan: f.plan}
}

// addSure takes the answer to what would be written: only y writes it.
func (v *AgentsView) addSure(k Key) Action {
	f := &v.add
	switch {
	case k.Name == "" && !k.Paste && len(k.Text) == 1 && k.Text[0] == 'y' && f.draft != nil && f.read:
		plan := f.plan
		v.add = adding{}
		return Action{Verb: VerbAddAgent, Plan: plan}
	case k.Name == "esc" || k.Name == "ctrl+c":
		v.add = adding{}
	case k.Name == "down" || k.Name == "pgdown":
		f.top += min(f.more, 4)
	case k.Name == "up" || k.Name == "pgup":
		f.top = max(f.top-4, 0)
	case k.Name == "enter" || k.Name == "backspace": // back to what was typed
		f.step, f.offered, f.draft, f.asked, f.problem = addName, false, nil, false, ""
	}
	return Action{}
}

// Planned takes what the gateway would write for a plan, or why it would not.
func (v *AgentsView) Planned(plan AgentPlan, draft *event.AgentAdded, problem string) {
	f := &v.add
	if f.step != addSure || !f.asked || plan.Name != f.plan.Name || plan.Paths[0] != f.plan.Paths[0] {
		return // it was closed, or changed, meanwhile
	}
	f.draft, f.problem = draft, problem
}

// MakesFolder is the folder that is made for an agent: its own, where that is not
// there yet and agents run on this machine.
func MakesFolder(elsewhere bool, draft *event.AgentAdded) string {
	if elsewhere || len(draft.Missing) != 1 {
		return ""
	}
	return draft.Missing[0]
}

// Pick selects an agent as soon as it is there.
func (v *AgentsView) Pick(name string) { v.want = name }

// picked selects the agent that is waited for.
func (v *AgentsView) picked() {
	if v.want != "" && v.known(v.want) {
		v.order.reveal(v.want)
		v.list.id, v.want = v.want, ""
	}
}

// drawAdd draws the form.
func (v *AgentsView) drawAdd(c *Canvas) {
	f := &v.add
	c.Rule(c.T("Add an agent"), Bold)
	if f.step == addSure && f.draft != nil {
		v.drawDraft(c) // it says all that was typed
		return
	}
	for step, label := range [addSure]string{addName: c.T("name"), addFolder: c.T("folder"), addDomains: c.T("domains")} {
		if addStep(step) > f.step || label == "" {
			continue
		}
		c.Gap(1)
		c.Field(Faint, label, labelWidth)
		switch {
		case addStep(step) != f.step:
			c.Put(Plain, orDash(f.editors[step].Text()))
		case f.offered:
			c.Put(Selected, f.editors[step].Text())
		default:
			f.editors[step].Draw(c.limit(c.Room()), true)
			c.release()
		}
		c.End()
	}
	c.Gap(1)
	switch f.step {
	case addName, addNothing:
		c.Line(Faint, c.T("enter keeps this name; typing replaces it; esc leaves"))
	case addFolder:
		c.Wrap(Faint, c.T("the folder that it may read and write, with all below it; nothing else of yours"), 1)
	case addDomains:
		c.Wrap(Faint, c.T("domains that it may reach, such as proxy.golang.org *.example.com; none: only its model, through the gateway"), 1)
	case addSure:
		if f.problem == "" {
			c.Line(Faint, c.T("asking the gateway"))
			return
		}
		c.Put(Bad, c.Theme.Glyphs.No+" ")
		c.Wrap(Plain, f.problem, 3)
		c.Gap(1)
		c.Line(Faint, c.T("enter changes it, esc leaves it"))
	}
}

// drawDraft draws what would be written. Lines that do not fit are scrolled to
// before y counts.
func (v *AgentsView) drawDraft(c *Canvas) {
	f := &v.add
	c.Gap(1)
	c.Line(Plain, c.T("writes into %s, line %s:", f.draft.File, itoa(f.draft.Line)))
	if folder := MakesFolder(v.data.Elsewhere, f.draft); folder != "" {
		c.Gap(1)
		c.Wrap(Plain, c.T("%s is not there yet: it is made", v.data.Short(folder)), 1)
	} else {
		for _, path := range f.draft.Missing {
			c.Gap(1)
			c.Put(Warn, "! ")
			c.Wrap(Plain, c.T("%s is not there: make it on the gateway's machine", v.data.Short(path)), 3)
		}
	}
	if len(f.draft.Guarded) > 0 {
		c.Gap(1)
		c.Wrap(Plain, c.T("what git runs outside the cage can only be read"), 1)
	}
	var lines []string
	for _, line := range f.draft.Diff {
		if strings.HasPrefix(line, "+") || strings.HasPrefix(line, "-") {
			lines = append(lines, line)
		}
	}
	room := max(c.Left()-1, 1)
	f.top = min(f.top, max(len(lines)-room, 0))
	f.more = max(len(lines)-room-f.top, 0)
	f.read = f.read || f.more == 0
	for _, line := range lines[f.top : len(lines)-f.more] {
		c.Gap(3)
		c.Line(diffStyle(line), line)
	}
	drawDraftKeys(c, f.more, f.read)
}

// Confirms reports whether the lines are shown that y writes.
func (v *AgentsView) Confirms() bool { return v.add.step == addSure }
