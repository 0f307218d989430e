package view

import (
	"slices"
	"strings"

	"github.com/charmbracelet/x/ansi"

	"openclaw/gateway/event"
)

// MaxOutput bounds the lines that are kept here of what one run said.
const MaxOutput = 5000

// Said is what a run without a terminal said.
type Said struct {
	Lines   []string
	Open    string // a line that is not ended
	Cursor  int64
	Older   bool // there was more before
	Loaded  bool
	Problem string
}

func (d *Data) said(run string) *Said {
	if d.Outputs[run] == nil {
		d.Outputs[run] = &Said{}
	}
	return d.Outputs[run]
}

// OutputCursor is how far the output of a run is known.
func (d *Data) OutputCursor(run string) int64 { return d.said(run).Cursor }

// TakeOutput adds a piece of what a run said.
func (d *Data) TakeOutput(run string, out *event.Output) {
	s := d.said(run)
	if out.Reset || s.Cursor == 0 {
		s.Lines, s.Older = nil, out.Truncated
	}
	s.Lines = append(s.Lines, out.Lines...)
	if over := len(s.Lines) - MaxOutput; over > 0 {
		s.Lines, s.Older = append(s.Lines[:0], s.Lines[over:]...), true
	}
	s.Open, s.Loaded, s.Problem = out.Open, true, ""
	if out.Cursor > 0 || out.Reset {
		s.Cursor = out.Cursor
	}
}

// count is how many lines there are, with the one that is not ended.
func (s *Said) count() int {
	if s.Open != "" {
		return len(s.Lines) + 1
	}
	return len(s.Lines)
}

func (s *Said) line(i int) string {
	if i == len(s.Lines) {
		return s.Open
	}
	return s.Lines[i]
}

// NoOutput says why it cannot be shown.
func (d *Data) NoOutput(run, problem string) { d.said(run).Problem = problem }

// OutputLine is a line of a program as a person would have seen it: without
// colours and movements, and of what was written over only the last. What is left
// of other bytes is made visible.
func OutputLine(line string) string {
	line = strings.TrimRight(ansi.Strip(line), "\r")
	if i := strings.LastIndexByte(line, '\r'); i >= 0 {
		line = line[i+1:]
	}
	return Printable(strings.ReplaceAll(line, "\t", "    "), MaxText)
}

// starting is a command that is being typed, to be started.
type starting struct {
	typing bool
	live   bool // in a terminal that is shown here
	agent  string
	line   Editor
}

// newest is the newest run of the selected agent, or nil.
func (v *AgentsView) newest() *event.Run {
	if a := v.selected(); a != nil && len(a.Runs) > 0 {
		return &a.Runs[len(a.Runs)-1]
	}
	return nil
}

func (v *AgentsView) selected() *event.Agent {
	i := slices.IndexFunc(v.data.Agents, func(a event.Agent) bool { return a.Name == v.list.Selected() })
	if i < 0 {
		return nil
	}
	return &v.data.Agents[i]
}

// keptRun is the newest run of the selected agent whose output is kept, or nil.
func (v *AgentsView) keptRun() *event.Run {
	if a := v.selected(); a != nil {
		return keptRunOf(a)
	}
	return nil
}

func keptRunOf(a *event.Agent) *event.Run {
	for i := range slices.Backward(a.Runs) {
		if a.Runs[i].Terminal == event.Kept {
			return &a.Runs[i]
		}
	}
	return nil
}

// noAgent says what to do where no agent is selected.
func (v *AgentsView) noAgent() Action {
	text := v.data.T("no agent is selected: {list.down} and {list.up} select one")
	if len(v.data.Agents) == 0 {
		text = v.data.T("there is no agent yet: {agents.add} adds one")
	}
	return Action{Verb: VerbTell, Text: text}
}

// openStart opens the line for a command. The last one stands there already.
func (v *AgentsView) openStart(live bool) Action {
	a := v.selected()
	switch {
	case a == nil:
		return v.noAgent()
	case v.data.Elsewhere:
		return Action{Verb: VerbTell, Text: v.data.T("agents run on the gateway's machine: openclaw agent run --detach %s, there", a.Name)}
	}
	v.start = starting{typing: true, live: live, agent: a.Name, line: Editor{Max: 4 << 10}}
	if r := v.newest(); r != nil && r.Untold == 0 { // half a command is nothing to start
		v.start.line.Set(JoinCommand(r.Command))
	}
	v.output = ""
	return Action{}
}

func (v *AgentsView) startKey(k Key) Action {
	switch k.Name {
	case "esc", "ctrl+c":
		v.start = starting{}
	case "enter":
		words, err := SplitCommand(v.data.Words, v.start.line.Text())
		if err != nil {
			return Action{} // it says so while it is typed
		}
		agent, verb := v.start.agent, VerbStart
		if v.start.live {
			verb = VerbStartLive
		}
		v.start = starting{}
		return Action{Verb: verb, Name: agent, Words: words}
	default:
		v.start.line.Key(k)
	}
	return Action{}
}

// drawStart is the line that is typed, and what enter does with it.
func (v *AgentsView) drawStart(c *Canvas) {
	c.Gap(1)
	c.Put(Bold, c.T("start %s: ", v.start.agent))
	v.start.line.Draw(c.limit(c.Room()), true)
	c.release()
	c.End()
	c.Gap(1)
	words, err := SplitCommand(c.Theme.Words, v.start.line.Text())
	switch {
	case err != nil:
		c.Put(Bad, c.Theme.Glyphs.No+" ")
		c.Line(Plain, err.Error())
	case v.start.live && len(words) == 0:
		c.Line(Faint, c.T("a command such as claude, in a terminal here; enter alone: the config's own; %s leaves it, and it goes on", LeavePane))
	case v.start.live:
		c.Line(Faint, c.T("enter starts it in its cage, in a terminal here; %s leaves it, and it goes on; ctrl+u clears the line", LeavePane))
	case len(words) == 0:
		c.Line(Faint, c.T("a command such as make test; enter alone: the agent's own of the config; what it says is kept"))
	default:
		c.Line(Faint, c.T("enter starts it in its cage, without a terminal and without input; what it says is kept; ctrl+u clears the line"))
	}
}

// restart asks whether to start the newest run's command again, or says why not.
func (v *AgentsView) restart() Action {
	r := v.newest()
	if live := v.live(); live != nil {
		r = live
	}
	switch {
	case v.selected() == nil:
		return v.noAgent()
	case r == nil:
		return v.openStart(false) // it never ran
	case !r.Ended.IsZero():
		return v.openStart(r.Terminal == event.InPane) // its supervisor is gone: it is started here, as a new run
	case !r.Restartable():
		return Action{Verb: VerbTell, Text: v.data.T("run %s cannot be started again from here: its input is a pipe or a file, or it learns; {agents.start} starts its command without a terminal", r.ID)}
	case r.Terminal == event.InPane:
		v.ask(v.data.T("End run %s of %s and start its command again, in the same terminal?", r.ID, v.list.Selected()), Action{Verb: VerbRestartRun, Name: r.ID})
	case r.Terminal == event.Kept:
		v.ask(v.data.T("End run %s of %s and start its command again, without a terminal as now?", r.ID, v.list.Selected()), Action{Verb: VerbRestartRun, Name: r.ID})
	default:
		v.ask(v.data.T("End run %s of %s and start its command again, on the terminal where it runs?", r.ID, v.list.Selected()), Action{Verb: VerbRestartRun, Name: r.ID})
	}
	return Action{}
}

// terminalText says what a run is connected to.
func terminalText(w *Words, r *event.Run) string {
	switch r.Terminal {
	case event.OnTerminal:
		return w.T("its own; {agents.restart} starts it again there")
	case event.OnPipe:
		return w.T("its input is a pipe or a file: it cannot be started again from here")
	case event.Kept:
		return w.T("none; {agents.output} shows what it says")
	case event.InPane:
		return w.T("its own, in a pane of this screen; {agents.output} shows it")
	}
	return ""
}

// Output is the run whose words are in sight; empty: none. Where the person had it started
// again, it is the run that took its place, as soon as that is there.
func (v *AgentsView) Output() string {
	if v.output != "" && v.output == v.again {
		if a, r := v.runOf(v.output); a != nil {
			if next := keptRunOf(a); next != nil && next.Started.After(r.Started) {
				v.Show(next.ID)
			}
		}
	}
	return v.output
}

// StartedAgain says that a run is started again: what its successor says takes the place
// of its words.
func (v *AgentsView) StartedAgain(run string) { v.again = run }

// Show shows what a run says.
func (v *AgentsView) Show(run string) { v.output, v.up = run, 0 }

func (v *AgentsView) openOutput() Action {
	if v.output != "" {
		v.output = ""
		return Action{}
	}
	if v.selected() == nil {
		return v.noAgent()
	}
	r := v.keptRun()
	if live := v.paneRun(); live != nil && (r == nil || r.Started.Before(live.Started)) {
		return Action{Verb: VerbShowPane, Name: live.ID, Text: v.list.Selected()}
	}
	if r == nil {
		return Action{Verb: VerbTell, Text: v.data.T("no run of %s without a terminal, whose output is kept: {agents.start} starts one", v.list.Selected())}
	}
	v.Show(r.ID)
	return Action{Verb: VerbOutput, Name: r.ID}
}

// scrollOutput moves in the output and reports whether a was about that.
func (v *AgentsView) scrollOutput(a ID) bool {
	switch a {
	case ActUp:
		v.up++
	case ActDown:
		v.up--
	case ActPageUp:
		v.up += max(v.rowsIn-1, 1)
	case ActPageDown, ActFold:
		v.up -= max(v.rowsIn-1, 1)
	case ActTop:
		v.up = MaxOutput
	case ActBottom:
		v.up = 0
	case ActBack:
		v.output = ""
	case ActPane, ActOpen, ActFilter, ActFilterOff, ActTest:
		// they are about the list
	default:
		return false
	}
	v.up = min(max(v.up, 0), max(v.data.said(v.output).count()-v.rowsIn, 0))
	return true
}

// runOf finds a run with its agent.
func (v *AgentsView) runOf(id string) (*event.Agent, *event.Run) {
	for i := range v.data.Agents {
		for j := range v.data.Agents[i].Runs {
			if v.data.Agents[i].Runs[j].ID == id {
				return &v.data.Agents[i], &v.data.Agents[i].Runs[j]
			}
		}
	}
	return nil, nil
}

// drawOutput draws the newest lines that a run said, or those above them.
func (v *AgentsView) drawOutput(c *Canvas) {
	s := v.data.said(v.output)
	title := c.T("output of run %s", v.output)
	state := ""
	if a, r := v.runOf(v.output); a != nil {
		title += ", " + a.Name
		state = c.T("running")
		if !r.Ended.IsZero() {
			state = c.T("ended") + ", " + orDash(r.Exit)
		}
	}
	c.Rule(title, Bold)
	v.rowsIn = max(c.Left()-1, 1)
	v.up = min(v.up, max(s.count()-v.rowsIn, 0))
	from := max(s.count()-v.rowsIn-v.up, 0)
	for i := range v.rowsIn {
		if n := from + i; n < s.count() {
			c.Gap(1)
			c.Put(Plain, s.line(n))
		}
		c.End()
	}
	c.Gap(1)
	switch {
	case s.Problem != "":
		c.Put(Bad, c.Theme.Glyphs.No+" ")
		c.Put(Plain, s.Problem)
	case !s.Loaded:
		c.Put(Faint, c.T("reading what it said"))
	case v.up > 0:
		c.Put(Bold, c.T("%s below: {list.bottom}", c.N(v.up, "line")))
	case s.count() == 0:
		c.Put(Faint, c.T("It has said nothing yet, or no whole word."))
	default:
		c.Put(Faint, c.N(s.count(), "line"))
	}
	if s.Older && from == 0 {
		c.Put(Faint, c.T("   older ones: openclaw agent output %s", v.output))
	}
	if state != "" {
		c.Put(Faint, "   "+state)
	}
	c.Put(Faint, c.T("   redacted   esc closes"))
	c.End()
}
