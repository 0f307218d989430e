package tui

import (
	"context"
	"fmt"
	"os"
	"strconv"

	"openclaw/gateway/event"
	"openclaw/tui/view"
)

// planAgent asks what adding an agent would write.
func (s *screen) planAgent(plan view.AgentPlan) {
	s.add(func(ctx context.Context) func() {
		draft, err := s.backend.CreateAgent(ctx, plan.Name, plan.Paths, plan.Domains, true)
		draft = view.Clean(draft)
		return func() {
			s.dirty = true
			if err != nil {
				s.agents.Planned(plan, nil, problemText(err))
				return
			}
			s.agents.Planned(plan, &draft, "")
		}
	})
}

// addAgent adds an agent, after its folder is there.
func (s *screen) addAgent(plan view.AgentPlan) {
	s.say(view.Plain, s.data.T("working"))
	elsewhere := s.data.Elsewhere
	s.add(func(ctx context.Context) func() {
		added, err := addAgent(ctx, s.backend, plan, elsewhere)
		added = view.Clean(added)
		return func() {
			if err != nil {
				s.say(view.Bad, s.data.T("not added: %s", problemText(err)))
				return
			}
			s.stale = true
			s.agents.Pick(plan.Name)
			s.say(view.Good, s.data.T("agent %s stands in %s, line %s; {agents.start} starts a command of it", plan.Name, added.File, strconv.Itoa(added.Line)))
		}
	})
}

// addAgent makes the agent's folder where it is missing, and adds the agent. A
// folder that was made stays when the config is refused.
func addAgent(ctx context.Context, backend Backend, plan view.AgentPlan, elsewhere bool) (event.AgentAdded, error) {
	draft, err := backend.CreateAgent(ctx, plan.Name, plan.Paths, plan.Domains, true)
	if err != nil {
		return draft, err
	}
	if folder := view.MakesFolder(elsewhere, &draft); folder != "" {
		if err := os.MkdirAll(folder, 0o750); err != nil {
			return draft, fmt.Errorf("make the agent's folder: %w", err)
		}
	}
	return backend.CreateAgent(ctx, plan.Name, plan.Paths, plan.Domains, false)
}
