package view

import (
	"strings"

	"openclaw/gateway/event"
)

// live is the newest run of the selected agent that goes on, or nil.
func (v *AgentsView) live() *event.Run { return v.liveOf(v.list.Selected()) }

// liveOf is the newest run of an agent that goes on, or nil.
func (v *AgentsView) liveOf(agent string) *event.Run {
	for i := range v.data.Agents {
		a := &v.data.Agents[i]
		if a.Name != agent {
			continue
		}
		for j := len(a.Runs) - 1; j >= 0; j-- {
			if a.Runs[j].Ended.IsZero() {
				return &a.Runs[j]
			}
		}
	}
	return nil
}

// end asks whether to end the newest run of each marked agent, or of the selected one.
func (v *AgentsView) end(kill bool) Action {
	agents := v.marked()
	var runs []string
	for _, name := range agents {
		if r := v.liveOf(name); r != nil {
			runs = append(runs, r.ID)
		}
	}
	switch {
	case len(agents) == 0:
		return v.noAgent()
	case len(runs) == 0:
		return Action{Verb: VerbTell, Text: v.data.T("no run of %s goes on: {agents.start} starts one", strings.Join(agents, ", "))}
	case len(runs) == 1 && kill:
		v.ask(v.data.T("Kill run %s of %s with all that it started?", runs[0], v.agentOf(runs[0])), Action{Verb: VerbKillRun, Words: runs})
	case len(runs) == 1:
		v.ask(v.data.T("Ask run %s of %s to end, and kill it after 5 seconds?", runs[0], v.agentOf(runs[0])), Action{Verb: VerbStopRun, Words: runs})
	case kill:
		v.ask(v.data.T("Kill runs %s with all that they started?", strings.Join(runs, ", ")), Action{Verb: VerbKillRun, Words: runs})
	default:
		v.ask(v.data.T("Ask runs %s to end, and kill them after 5 seconds?", strings.Join(runs, ", ")), Action{Verb: VerbStopRun, Words: runs})
	}
	return Action{}
}

// agentOf is the name of the agent that a run is of.
func (v *AgentsView) agentOf(run string) string {
	if a, _ := v.runOf(run); a != nil {
		return a.Name
	}
	return ""
}
