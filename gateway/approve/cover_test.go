package approve

import (
	"context"
	"slices"
	"testing"

	"openclaw/gateway/event"
	"openclaw/sandbox/policy"
)

// An answer for a run or for ever is one to what waits and is covered by it, each with its
// own record; what it does not cover waits on.
func TestAnAnswerCoversWhatWaitsBesideIt(t *testing.T) {
	of := func(agent, run string, class policy.Class, target string) Request {
		r := request(target)
		r.Agent, r.Run, r.Class = agent, run, class
		return r
	}
	asked := request("/srv/docs/a")
	requests := []Request{
		of(asked.Agent, asked.Run, policy.ClassPathRead, "/srv/docs/b"),
		of(asked.Agent, asked.Run, policy.ClassPathRead, "/srv/docs/deep/c"),
		of(asked.Agent, "another run", policy.ClassPathRead, "/srv/docs/d"),
		of(asked.Agent, asked.Run, policy.ClassPathWrite, "/srv/docs/b"),
		of(asked.Agent, asked.Run, policy.ClassPathRead, "/srv/docs2/b"),
		of("another", asked.Run, policy.ClassPathRead, "/srv/docs/b"),
	}
	for _, c := range []struct {
		name    string
		d       Decision
		allowed []int // of requests
	}{
		{"a folder for the run", Decision{Allow: true, Scope: Run, Match: Folder}, []int{0, 1}},
		{"a folder for ever", Decision{Allow: true, Scope: Always, Match: Folder}, []int{0, 1, 2}},
		{"this path for ever", Decision{Allow: true, Scope: Always}, nil},
		{"once", Decision{Allow: true}, nil},
		{"a denial", Decision{}, nil},
	} {
		d := newDesk(t, ConfigRules{storeOf(t, "agents:\n  coder:\n    permissions:\n      ask: [path.read, path.write]\n")})
		h := d.Submit(asked)
		var held []*Held
		for _, r := range requests {
			held = append(held, d.Submit(r))
		}
		d.decide(h.ID, c.d)
		for i, other := range held {
			v, answered := other.Answered()
			if want := slices.Contains(c.allowed, i); answered != want || v.Allow != want {
				t.Errorf("%s: %s of %s in %s is answered %v, allowed %v", c.name, requests[i].Target, requests[i].Agent, requests[i].Run, answered, v.Allow)
			}
		}
		if got := len(d.records); got != 1+len(c.allowed) {
			t.Errorf("%s: %d records", c.name, got)
		}
		for i, r := range d.records {
			if i > 0 && (r.Scope != Once || r.Note != "covered by the answer to "+h.ID || r.By != c.d.By) {
				t.Errorf("%s: the record says %+v", c.name, r)
			}
		}
	}
}

// What is covered and cannot be recorded is denied, as any other answer is; a rule that
// was not written covers nothing.
func TestWhatIsCoveredFailsClosed(t *testing.T) {
	d := newDesk(t, nil)
	h, other := d.Submit(request("/srv/docs/a")), d.Submit(request("/srv/docs/b"))
	if row := d.decide(h.ID, Decision{Allow: true, Scope: Always, Match: Folder}); row.Scope != string(Once) || row.Problem == "" {
		t.Errorf("%+v", row)
	}
	if _, answered := other.Answered(); answered {
		t.Error("it is covered by a rule that there is not")
	}

	d = newDesk(t, nil)
	h, other = d.Submit(request("/srv/docs/a")), d.Submit(request("/srv/docs/b"))
	d.full = 1
	d.decide(h.ID, Decision{Allow: true, Scope: Run, Match: Folder})
	if v, answered := other.Answered(); !answered || v.Allow {
		t.Errorf("without a record: answered %v, allowed %v", answered, v.Allow)
	}
	if row := d.row(other.ID); row.State != event.AskDenied {
		t.Errorf("it is %s", row.State)
	}
}

// An answer that is taken back while it is given to what waits beside it is given to
// nothing more: of three the one that was being recorded has it.
func TestAnAnswerTakenBackCoversNothingMore(t *testing.T) {
	d := newDesk(t, nil)
	h := d.Submit(request("/srv/docs/a"))
	others := []*Held{d.Submit(request("/srv/docs/b")), d.Submit(request("/srv/docs/c")), d.Submit(request("/srv/docs/d"))}
	record, taken := d.o.Audit, false
	d.o.Audit = func(ctx context.Context, r Record) error {
		if r.ID != h.ID && !taken {
			taken = true
			if _, err := d.Undo(ctx, h.ID, "cli", "unix"); err != nil {
				t.Error(err)
			}
		}
		return record(ctx, r)
	}
	d.decide(h.ID, Decision{Allow: true, Scope: Run, Match: Folder})
	answered := 0
	for _, other := range others {
		if _, is := other.Answered(); is {
			answered++
		}
	}
	if !taken || answered != 1 {
		t.Errorf("%d are answered, of which one was before it was taken back: %v", answered, taken)
	}
}
