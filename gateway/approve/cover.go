package approve

import (
	"context"
	"errors"
	"slices"

	"openclaw/gateway/event"
)

// answerCovered answers what waits and is covered by an answer that holds for longer than
// once: the same request would not be held from now on. Each has a record of its own, and
// holds once, so that taking back the answer that covers it takes back all that goes on.
func (i *Inbox) answerCovered(ctx context.Context, id string, g grant, agent string, runs []string, d Decision) {
	for _, covered := range i.covered(g, agent, runs, d.Scope) {
		if !i.stands(id) {
			return
		}
		answer := Decision{Allow: true, By: d.By, From: d.From, Note: "covered by the answer to " + id}
		if _, _, err := i.Decide(ctx, covered, answer); err != nil {
			if over, is := errors.AsType[*Error](err); !is || over.Kind != KindOver { // it ended meanwhile
				i.o.Failed(err)
			}
		}
	}
}

// stands reports whether an answer has not been taken back, and is not being now.
func (i *Inbox) stands(id string) bool {
	i.mu.Lock()
	defer i.mu.Unlock()
	r := i.byID[id]
	return r == nil || !r.deciding && r.ask.State == event.AskAllowed // nil: so many came since that it is forgotten
}

// covered are the ids of the rows that wait and that a grant covers, for a run or always.
func (i *Inbox) covered(g grant, agent string, runs []string, scope Scope) []string {
	i.mu.Lock()
	defer i.mu.Unlock()
	var ids []string
	for _, r := range i.sorted() {
		other := func(h *Held) bool {
			return !g.covers(&h.request) || scope == Run && !slices.Contains(runs, h.request.Run)
		}
		if r.request.Agent == agent && !r.deciding && !slices.ContainsFunc(r.held, other) {
			ids = append(ids, r.ask.ID)
		}
	}
	return ids
}
