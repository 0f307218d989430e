package approve

import (
	"context"
	"testing"

	"openclaw/gateway/event"
	"openclaw/sandbox/policy"
)

// A policy that changes answers what waits and what it does not ask about any more, and
// nothing else.
func TestAPolicyThatChangedAnswersWhatWaits(t *testing.T) {
	d := newDesk(t, nil)
	now := map[string]policy.Decision{}
	d.o.Judge = func(r *Request) policy.Decision {
		if decision, changed := now[r.Target]; changed {
			return decision
		}
		return policy.Decision{Effect: policy.Ask}
	}
	allowed, denied, asked := d.Submit(request("/srv/allowed")), d.Submit(request("/srv/denied")), d.Submit(request("/srv/asked"))
	alike := d.Submit(request("/srv/denied"))
	d.Rejudge()
	for _, h := range []*Held{allowed, denied, alike, asked} {
		waits(t, h)
	}
	now["/srv/allowed"] = policy.Decision{Effect: policy.Allow}
	now["/srv/denied"] = policy.Decision{Effect: policy.Deny, Rule: "denied_paths: /srv/sk-secret"}
	d.Rejudge()
	waits(t, asked)
	if v := verdict(t, allowed); !v.Allow {
		t.Errorf("what is allowed: %+v", v)
	}
	for _, h := range []*Held{denied, alike} {
		if v := verdict(t, h); v.Allow || v.Reason != "ask: the policy changed: denied_paths: /srv/••••" {
			t.Errorf("what is denied: %+v", v)
		}
	}
	states := map[string]string{}
	for _, row := range d.List("") {
		states[row.Target] = row.State + " " + row.Scope + " " + row.Reason
	}
	if states["/srv/allowed"] != "allowed always " || states["/srv/denied"] != "denied  ask: the policy changed: denied_paths: /srv/••••" || states["/srv/asked"] != event.AskWaiting+"  " {
		t.Errorf("%v", states)
	}
	if len(d.records) != 0 {
		t.Errorf("nobody answered, and on record is %+v", d.records)
	}
	// One that its cage asked under the policy of before is answered when it comes.
	late := d.Submit(request("/srv/denied"))
	late.Rejudge()
	if v := verdict(t, late); v.Allow {
		t.Errorf("a late one: %+v", v)
	}
	waits(t, asked)
}

// editing is a config that is changed while a rule is written into it.
type editing struct{ meanwhile func() }

func (editing) Preview(Rule) (Written, error)         { return Written{}, nil }
func (editing) Remove(context.Context, Written) error { return nil }
func (e editing) Add(context.Context, Rule) (Written, error) {
	e.meanwhile()
	return Written{List: "agents.coder.permissions.allowed_paths"}, nil
}

// The rule of an answer for ever allows what waits beside it, which gets the record of that
// answer all the same. What somebody else allowed at that moment goes on, too.
func TestTheRuleOfAnAnswerIsNoOtherChange(t *testing.T) {
	var d *desk
	open := false
	d = newDesk(t, editing{func() { open = true; d.Rejudge() }})
	d.o.Judge = func(*Request) policy.Decision {
		if open {
			return policy.Decision{Effect: policy.Allow}
		}
		return policy.Decision{Effect: policy.Ask}
	}
	answered, covered, other := d.Submit(request("/srv/docs/a")), d.Submit(request("/srv/docs/b")), d.Submit(request("/srv/else"))
	d.decide(answered.ID, Decision{Allow: true, Scope: Always, Match: Folder})
	for _, h := range []*Held{answered, covered, other} {
		if v := verdict(t, h); !v.Allow {
			t.Errorf("%s: %+v", h.request.Target, v)
		}
	}
	if len(d.records) != 2 || d.records[1].ID != covered.ID || d.records[1].Note != "covered by the answer to "+answered.ID {
		t.Errorf("on record: %+v", d.records)
	}
}
