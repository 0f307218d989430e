package view

import (
	"cmp"
	"slices"
	"strings"

	"openclaw/gateway/event"
	"openclaw/sandbox/policy"
)

// AgentsView lists the agents with their policy, as it will be enforced, and
// their runs, with what was proven in each run's own cage.
type AgentsView struct {
	data *Data
	browse
	asked   string      // the agent whose policy was last asked for
	whole   bool        // the built-in rules are shown, not only counted
	test    Editor      // a request to try on the policy
	tree    []policyRow // of treeOf
	treeOf  *policy.Policy
	testing bool // it is being typed
	why     bool // the rules are shown that were looked at for it
	start   starting
	add     adding
	want    string // the agent that is selected as soon as it is there
	output  string // the run whose words are shown instead of the list
	again   string // the run that the person had started again
	up      int    // lines above the newest
	rowsIn  int    // of the output in sight when last drawn
	used    uses
	shown   *Pane // a run's terminal in the place of everything else; nil: none
}

// NewAgents returns the view.
func NewAgents(d *Data) *AgentsView {
	v := &AgentsView{data: d, browse: browse{saved: &d.Filters, keys: []string{"agent", "role", "state"}}}
	v.order.rows, v.order.rowID = func() int { return len(d.Agents) }, func(i int) string { return d.Agents[i].Name }
	most := func(count func(a *event.Agent) int) func(i, j int) int {
		return func(i, j int) int { return cmp.Compare(count(&d.Agents[j]), count(&d.Agents[i])) }
	}
	v.order.sorts = []sorting{
		{"STATE", func(i, j int) int { return strings.Compare(d.Agents[i].State, d.Agents[j].State) }},
		{"runs", most(Running)},
		{"connections", most(func(a *event.Agent) int { return a.Conns })},
		{"denials", most(func(a *event.Agent) int { return a.Denied })},
		{"ROLE", func(i, j int) int { return strings.Compare(d.Agents[i].Role, d.Agents[j].Role) }},
	}
	return v
}

// Captures reports whether typed text goes to the view.
func (v *AgentsView) Captures() bool {
	return v.testing || v.start.typing || v.add.step != addNothing || v.captures()
}

// Key takes typed text.
func (v *AgentsView) Key(k Key) Action {
	switch {
	case v.sure.text != "":
		return v.answered(k)
	case v.add.step != addNothing:
		return v.addKey(k)
	case v.start.typing:
		return v.startKey(k)
	case v.testing:
		v.testKey(k)
	default:
		v.key(k)
	}
	return Action{}
}

// Do answers an action.
func (v *AgentsView) Do(a ID) (Action, bool) {
	if v.shown != nil {
		if action, used := v.paneDo(a); used {
			return action, true
		}
	}
	if v.output != "" && v.scrollOutput(a) {
		return Action{}, true
	}
	switch a {
	case ActAddAgent:
		v.openAdd()
	case ActStart, ActStartLive:
		return v.openStart(a == ActStartLive), true
	case ActRestart:
		return v.restart(), true
	case ActOutput:
		return v.openOutput(), true
	case ActFold:
		v.whole = !v.whole
	case ActTest:
		if v.selected() == nil {
			return v.noAgent(), true
		}
		v.testing = true
	case ActWhy:
		if v.test.Len() == 0 {
			return Action{Verb: VerbTell, Text: v.data.T("{agents.test} tries a request; then {asks.why} shows every rule that was looked at for it")}, true
		}
		v.why, v.top = !v.why, 0
	case ActEdit:
		return Action{Verb: VerbEdit, Count: v.line()}, true
	case ActStop, ActKill:
		return v.end(a == ActKill), true
	case ActSort, ActFreeze, ActMarkRow:
		if v.shown != nil || v.output != "" {
			return Action{}, true // the list is not in sight
		}
		return Action{}, v.do(a, v.id)
	case ActBack:
		if v.test.Len() > 0 && !v.full && !v.inPane {
			v.test.Wipe()
			return Action{}, true
		}
		return Action{}, v.do(a, v.id)
	default:
		return Action{}, v.do(a, v.id)
	}
	return Action{}, true
}

// Offers reports whether an action can do anything now, for the foot line.
func (v *AgentsView) Offers(a ID) bool {
	switch a {
	case ActStop, ActKill:
		return slices.ContainsFunc(v.marked(), func(agent string) bool { return v.liveOf(agent) != nil })
	case ActStart, ActStartLive:
		return len(v.data.Agents) > 0 && !v.data.Elsewhere
	case ActRestart:
		return v.newest() != nil
	case ActOutput:
		return v.keptRun() != nil || v.paneRun() != nil
	case ActFold, ActTest:
		return len(v.data.Agents) > 0
	default:
		return true
	}
}

// Wants names the agent whose policy the pane needs and does not have.
func (v *AgentsView) Wants() Action {
	name := v.list.Selected()
	if name == "" && len(v.data.Agents) > 0 {
		name = v.data.Agents[0].Name
	}
	if _, have := v.data.Details[name]; name == "" || have || v.asked == name {
		return Action{}
	}
	v.asked = name
	return Action{Verb: VerbLoadAgent, Name: name}
}

// Forget makes Wants ask anew, because policies may have changed.
func (v *AgentsView) Forget() { v.asked = "" }

func (v *AgentsView) id(i int) string { return v.data.Agents[v.at(i)].Name }

// Draw paints the view.
func (v *AgentsView) Draw(c *Canvas) {
	agents := v.data.Agents
	if v.shown != nil {
		v.shown.Draw(c)
		return
	}
	if v.output != "" {
		v.drawOutput(c)
		return
	}
	v.picked()
	l := layout{
		title: c.T("agents of the config"), total: len(agents), share: 46, id: v.id, head: v.head,
		empty: c.T("No agents yet: {agents.add} adds one. In a shell, this does:\n\n  openclaw agent create coder --path ~/projects/demo\n\nOr put these lines under the line agents: of %s (without a {} after it):\n\n  coder:\n    permissions:\n      allowed_paths:\n        - ~/projects/demo\n\nIt is read as soon as it is saved; view {view.open.Config} shows what became of it.", tilde(orDash(v.data.Config.Path), v.data.Home)),
		name:  v.list.Selected,
	}
	l.count = v.count(l.total, func(i int, yield func(key, value string) bool) {
		a := &v.data.Agents[i]
		_ = yield("agent", a.Name) && yield("role", a.Role) && yield("state", a.State) && yield("", a.Problem)
	})
	l.row = func(c *Canvas, i int, _ bool) { v.row(c, &agents[v.at(i)]) }
	l.pane = func(c *Canvas) {
		for i := range agents {
			switch {
			case agents[i].Name != v.list.Selected():
			case v.why && v.test.Len() > 0:
				v.whyTested(c)
			default:
				v.pane(c, &agents[i])
			}
		}
	}
	switch {
	case v.add.step != addNothing:
		v.drawAdd(c)
	case v.start.typing:
		v.drawStart(c)
	case v.testing || v.test.Len() > 0:
		v.drawTest(c)
	}
	v.draw(c, &l)
}

// line is where the selected agent stands in the config; 0: it is not known.
func (v *AgentsView) line() int {
	if full, have := v.data.Details[v.list.Selected()]; have && full.Policy != nil {
		return full.Policy.Default.Line
	}
	return 0
}

// rows is the tree of a policy, made once.
func (v *AgentsView) rows(w *Words, p *policy.Policy) []policyRow {
	if v.treeOf != p {
		v.treeOf, v.tree = p, policyRows(w, p)
		for i := range v.tree {
			v.tree[i].place = shortOrigin(w, v.tree[i].from)
		}
	}
	return v.tree
}

// nameWidth is the width of the column of agents' names: what they need, as far
// as there is room.
func nameWidth(c *Canvas, agents []event.Agent, rest int) int {
	width := 12
	for i := range agents {
		width = max(width, Width(agents[i].Name))
	}
	return max(12, min(width, 32, c.Room()-rest))
}

func (v *AgentsView) head(c *Canvas) {
	c.Field(Faint, c.T("AGENT"), nameWidth(c, v.data.Agents, 36))
	c.Field(Faint, c.T("STATE"), 9)
	c.Put(Faint, c.T("RUNS CONNS DENIED"))
	if c.Room() > 8 {
		c.Gap(2)
		c.Put(Faint, c.T("ROLE"))
	}
}

func (v *AgentsView) row(c *Canvas, a *event.Agent) {
	c.Field(Plain, a.Name, nameWidth(c, v.data.Agents, 36))
	glyph, style := stateMark(c.Theme, a.State)
	c.Put(style, glyph)
	c.Gap(1)
	c.Field(Plain, c.T(a.State), 7)
	c.Number(Plain, Running(a), 4)
	c.Number(Plain, a.Conns, 6)
	c.Count(Plain, a.Denied, 7)
	c.Gap(2)
	if c.Room() > 4 {
		text := a.Role
		style := Plain
		switch {
		case needsRun(a):
			text = c.T("new run!")
		case runsReduced(a):
			text, style = c.T("REDUCED"), Bad
		}
		c.Put(style, text)
	}
}

func needsRun(a *event.Agent) bool {
	for i := range a.Runs {
		if a.Runs[i].Ended.IsZero() && len(a.Runs[i].NeedsRun) > 0 {
			return true
		}
	}
	return false
}

// runsReduced reports whether a run that goes on is in the reduced mode.
func runsReduced(a *event.Agent) bool {
	for i := range a.Runs {
		if a.Runs[i].Ended.IsZero() && a.Runs[i].Reduced() {
			return true
		}
	}
	return false
}
