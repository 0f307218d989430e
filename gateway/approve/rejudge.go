package approve

import (
	"openclaw/gateway/event"
	"openclaw/sandbox/policy"
)

// ReasonPolicy begins the reason of a denial because the policy changed during the wait,
// and asks about it no more; its rule follows.
const ReasonPolicy = "ask: the policy changed: "

// Rejudge answers what waits and is not asked about any more, since a policy changed: as
// its run's policy says now. What that allows needs no record of an answer, as nobody
// gave one; the change has its own.
func (i *Inbox) Rejudge() {
	var waiting []*Held
	i.mu.Lock()
	for _, r := range i.sorted() {
		waiting = append(waiting, r.held...)
	}
	i.mu.Unlock()
	i.rejudge(waiting...)
}

// Rejudge is that of the Inbox for one that may have come before a change and been
// submitted after it.
func (h *Held) Rejudge() { h.inbox.rejudge(h) }

func (i *Inbox) rejudge(waiting ...*Held) {
	decided := make([]policy.Decision, len(waiting))
	for n, h := range waiting {
		decided[n] = i.o.Judge(&h.request)
	}
	i.mu.Lock()
	for n, h := range waiting {
		r, now := h.row, &decided[n]
		switch {
		case r == nil || now.Effect == policy.Ask: // it has its verdict; or waits for one
		case now.Effect == policy.Deny:
			i.end(h, Verdict{ID: h.ID, Reason: ReasonPolicy + i.o.Mask(now.Rule)}, event.AskDenied)
			i.ruled(r, "")
		case i.writing[h.request.Agent] == 0: // else the answer that allows it covers it, with a record of its own
			i.end(h, Verdict{ID: h.ID, Allow: true}, event.AskAllowed)
			i.ruled(r, Always)
		}
	}
	i.mu.Unlock()
	i.tell()
}

// ruled brings a row up to date of which the policy answered one. i.mu is held.
func (i *Inbox) ruled(r *row, scope Scope) {
	if r.ask.State != event.AskWaiting {
		r.ask.Decided, r.ask.Scope = i.o.Now(), string(scope)
	}
	i.changed(r)
}
