package registry

import (
	"slices"

	"openclaw/gateway/event"
)

// StartRun adds a run.
func (r *Registry) StartRun(run event.Run) {
	run.Command = r.maskCommand(run.Command)
	r.maskRun(&run)
	r.mu.Lock()
	r.runs[run.ID] = &run
	r.mu.Unlock()
	r.touchAgent(run.Agent)
}

// UpdateRun changes a run that lives and reports whether it does. change is
// called with the registry locked and must only set fields.
func (r *Registry) UpdateRun(id string, change func(*event.Run)) bool {
	r.mu.Lock()
	run, lives := r.runs[id]
	var agent string
	if lives {
		next := clone(*run)
		change(&next)
		r.maskRun(&next)
		r.runs[id], agent = &next, next.Agent
	}
	r.mu.Unlock()
	if lives {
		r.touchAgent(agent)
	}
	return lives
}

// EndRun ends a run and the connections out of its cage, which it returns; false when it
// does not live. Of one that has ended already it ends what was reported as open since.
func (r *Registry) EndRun(id, exit string) (closed []event.Connection, lived bool) {
	r.mu.Lock()
	run, lives := r.runs[id]
	if lives {
		delete(r.runs, id)
		ended := clone(*run)
		ended.Ended, ended.Exit = r.options.Now(), exit
		if r.ended = append(r.ended, ended); len(r.ended) > maxEndedRuns {
			r.ended = slices.Delete(r.ended, 0, len(r.ended)-maxEndedRuns)
		}
	}
	r.mu.Unlock()
	closed = r.closeRun(id)
	if lives {
		r.touchAgent(run.Agent)
	}
	return closed, lives
}

// RecallRun lists a run that ended before this registry was, where nothing newer is known
// of its agent.
func (r *Registry) RecallRun(run event.Run) {
	r.mu.Lock()
	of := func(other event.Run) bool { return other.Agent == run.Agent }
	known := slices.ContainsFunc(r.ended, of)
	for _, other := range r.runs {
		known = known || of(*other)
	}
	if !known {
		r.ended = slices.Insert(r.ended, 0, clone(run)) // the first to be forgotten
		r.ended = r.ended[max(0, len(r.ended)-maxEndedRuns):]
	}
	r.mu.Unlock()
	if !known {
		r.touchAgent(run.Agent)
	}
}

// GetRun returns a run that lives.
func (r *Registry) GetRun(id string) (event.Run, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	run, lives := r.runs[id]
	if !lives {
		return event.Run{}, false
	}
	return clone(*run), true
}

// Runs returns an agent's runs, those that live and the newest ended ones, by
// their start. An empty agent is every agent.
func (r *Registry) Runs(agent string) []event.Run {
	r.mu.Lock()
	var out []event.Run
	for _, run := range r.ended {
		if agent == "" || run.Agent == agent {
			out = append(out, clone(run))
		}
	}
	for _, run := range r.runs {
		if agent == "" || run.Agent == agent {
			out = append(out, clone(*run))
		}
	}
	r.mu.Unlock()
	slices.SortStableFunc(out, func(a, b event.Run) int { return a.Started.Compare(b.Started) })
	return out
}

// Running returns how many runs live.
func (r *Registry) Running() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.runs)
}

// RunningAgents returns how many agents have a run that lives.
func (r *Registry) RunningAgents() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	agents := map[string]struct{}{}
	for _, run := range r.runs {
		agents[run.Agent] = struct{}{}
	}
	return len(agents)
}

func clone(run event.Run) event.Run {
	run.Command = slices.Clone(run.Command)
	run.Mechanisms = slices.Clone(run.Mechanisms)
	run.Warnings = slices.Clone(run.Warnings)
	run.NeedsRun = slices.Clone(run.NeedsRun)
	run.StillOpen = slices.Clone(run.StillOpen)
	return run
}

// TouchAgent publishes an agent's event, because the config changed it.
func (r *Registry) TouchAgent(name string) { r.touchAgent(name) }
