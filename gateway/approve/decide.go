package approve

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"openclaw/gateway/event"
)

const maxNote = 500 // bytes

// Decide answers an ask. resolved says that this answer is the one that counts:
// it is false when somebody answered before, and the row then says who. An
// answer that cannot be recorded is an error, and denies. When the rule of an
// "always" cannot be written, the answer holds once and the row's Problem says
// why.
//
// What waits beside it and is covered by an answer for a run or for ever is allowed with it.
//
// A missed ask, or one whose program is gone, can still become a rule (Always)
// or a grant of its run, if that goes on. What a rule refused without asking can
// become a rule.
func (i *Inbox) Decide(ctx context.Context, id string, d Decision) (decided event.Ask, resolved bool, err error) {
	d, op, err := complete(id, d)
	if err != nil {
		return event.Ask{}, false, err
	}
	lives := i.lives(id)
	past := i.past(id)
	i.mu.Lock()
	r, err := i.answerable(op, i.rowOf(id, past, false), &d, lives)
	if err != nil || r == nil {
		if known := i.byID[id]; known != nil {
			decided = known.ask
		}
		i.mu.Unlock()
		return decided, false, err
	}
	i.rowOf(id, past, true)
	r.deciding = true
	later := r.ask.State != event.AskWaiting
	request, held := r.request, r.waits()
	runs := runsOf(r)
	for _, h := range r.held {
		h.counted = h.seen
	}
	i.mu.Unlock()

	action := "deny"
	if d.Allow {
		action = "allow"
	}
	failed := i.o.Audit(ctx, Record{
		Action: action, ID: id, Request: request, Scope: d.Scope, Match: d.Match, Note: d.Note, By: d.By, From: d.From, Held: held,
	})
	var written *Written
	var problem error
	if failed == nil && d.Allow && d.Scope == Always {
		i.writes(request.Agent, 1)
		defer func() {
			i.writes(request.Agent, -1)
			i.Rejudge() // what another change allowed meanwhile
		}()
		if written, problem = i.write(ctx, &request, d.Match); problem != nil && !later {
			d.Scope = Once
		}
	}
	i.mu.Lock()
	r.deciding = false
	switch {
	case later && (failed != nil || problem != nil):
		// It stays what it was.
	case len(r.held) == 0 && d.Scope == Once && !later:
		r.ask.Reason = ReasonGone
		i.finish(r, event.AskGone)
		i.changed(r)
	case failed != nil:
		i.settle(r, Decision{Scope: Once, By: d.By}, ReasonNotRecorded)
	default:
		r.written = written
		if problem != nil {
			r.ask.Problem = problem.Error()
		}
		if d.Allow && d.Scope == Run {
			i.grant(r, runs, d.Match)
		}
		i.settle(r, d, i.reasonDenied(d.Note))
		resolved = true
	}
	if r == past {
		i.settlePast(r, resolved)
	}
	decided = r.ask
	i.mu.Unlock()
	i.tell()
	i.dropDead(runs)
	if resolved && d.Allow && d.Scope != Once {
		i.answerCovered(ctx, id, newGrant(id, &request, d.Match), request.Agent, runs, d)
	}
	switch {
	case failed != nil:
		return decided, false, &Error{Op: op, Err: fmt.Errorf("the answer could not be recorded, so it is denied: %w", failed), Hint: "check the disk and audit.log_path"}
	case problem != nil && later:
		return decided, false, asError(op, problem)
	case decided.State == event.AskGone:
		return decided, false, &Error{Op: op, Kind: KindOver, Err: errors.New("nobody waits for it any more"), Hint: "for the next time: --scope run or --scope always"}
	}
	return decided, resolved, nil
}

// writes counts the answers for ever of an agent that are being written and heeded.
func (i *Inbox) writes(agent string, more int) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.writing[agent] += more; i.writing[agent] == 0 {
		delete(i.writing, agent)
	}
}

// lives reports whether the run of an ask goes on.
func (i *Inbox) lives(id string) bool {
	i.mu.Lock()
	r := i.byID[id]
	run := ""
	if r != nil {
		run = r.request.Run
	}
	i.mu.Unlock()
	return r != nil && i.o.Lives(run)
}

// complete fills in and checks what an answer says.
func complete(id string, d Decision) (Decision, string, error) {
	op := "deny ask " + id
	if d.Allow {
		op = "allow ask " + id
	}
	if d.Scope == "" {
		d.Scope = Once
	}
	if d.Match == "" {
		d.Match = Exact
	}
	invalid := func(text, hint string) error {
		return &Error{Op: op, Kind: KindInvalid, Err: errors.New(text), Hint: hint}
	}
	switch {
	case !slices.Contains([]Scope{Once, Run, Always}, d.Scope):
		return d, op, invalid("there is no such scope", "it is once, run or always")
	case !slices.Contains([]Match{Exact, Host, Folder}, d.Match) && !d.Match.domain():
		return d, op, invalid("there is no such match", "it is exact, host, folder or a domain such as *.example.com")
	case !d.Allow && d.Scope != Once:
		return d, op, invalid("a denial holds once", "write a rule that denies into the config: denied_paths, blocked_ips")
	case d.Scope == Once && d.Match != Exact:
		return d, op, invalid("an answer for once is about this call alone", "add --scope run or --scope always")
	case len(d.Note) > maxNote:
		return d, op, invalid("the note is longer than 500 bytes", "")
	}
	return d, op, nil
}

// answerable returns the row if this answer may be given. No row and no error
// means that somebody answered before. i.mu is held.
func (i *Inbox) answerable(op string, r *row, d *Decision, lives bool) (*row, error) {
	if r == nil || r.ask.State == event.AskLimited {
		return nil, &Error{Op: op, Kind: KindNotFound, Err: errors.New("there is no such ask"), Hint: "see 'openclaw asks'"}
	}
	switch over := r.ask.State == event.AskMissed || r.ask.State == event.AskGone; {
	case r.deciding:
		return nil, nil
	case isPast(r) && (!d.Allow || d.Scope != Always):
		return nil, &Error{Op: op, Kind: KindOver, Err: errors.New("a rule refused it, and nobody waits for an answer"), Hint: "for the next time: --scope always writes a rule that allows it"}
	case isPast(r):
	case r.ask.State != event.AskWaiting && !over:
		return nil, nil
	case over && (!d.Allow || d.Scope == Once):
		return nil, &Error{Op: op, Kind: KindOver, Err: errors.New("nobody waits for it any more"), Hint: "for the next time: --scope run or --scope always"}
	case over && d.Scope == Run && !lives:
		return nil, &Error{Op: op, Kind: KindOver, Err: errors.New("its run is over"), Hint: "for the next run: --scope always"}
	}
	if d.Scope == Once {
		return r, nil
	}
	if !slices.Contains(r.ask.Matches, string(d.Match)) {
		return nil, &Error{Op: op, Kind: KindInvalid, Err: fmt.Errorf("match %s does not fit this ask", d.Match), Hint: "it takes " + strings.Join(r.ask.Matches, " or ")}
	}
	if d.Scope == Always && r.ask.NoAlways != "" {
		return nil, &Error{Op: op, Kind: KindRefused, Err: errors.New("always is not offered: " + r.ask.NoAlways), Hint: "--scope run allows it until the run ends"}
	}
	return r, nil
}

// settle gives everybody who waits the answer. i.mu is held.
func (i *Inbox) settle(r *row, d Decision, reason string) {
	now := i.o.Now()
	v := Verdict{ID: r.ask.ID, Allow: d.Allow}
	state := event.AskAllowed
	if !d.Allow {
		v.Reason, state = reason, event.AskDenied
	}
	r.ask.Decided, r.ask.Scope, r.ask.Match, r.ask.By, r.ask.Note = now, string(d.Scope), string(d.Match), i.o.Mask(d.By), i.o.Mask(d.Note)
	r.ask.Reason = v.Reason
	if d.Allow && d.Scope != Once {
		r.ask.UndoUntil = now.Add(undoWindow)
	}
	if r.written != nil {
		i.wrote(&r.ask, r.written)
	}
	r.deciding = true // end must not finish it
	for _, h := range slices.Clone(r.held) {
		if d.Allow && d.Scope == Once {
			v.Seen = h.counted
		}
		i.end(h, v, state)
	}
	r.deciding = false
	if r.ask.State == event.AskWaiting {
		i.finish(r, state)
	} else {
		r.ask.State = state
	}
	i.changed(r)
}

// reasonDenied is the reason of a denial, with the person's words if there are
// any: they stand in the denial's row, where the agent's user looks.
func (i *Inbox) reasonDenied(note string) string {
	if note = strings.Join(strings.Fields(note), " "); note == "" {
		return ReasonDenied
	}
	return ReasonDenied + ": " + i.o.Mask(note)
}

func runsOf(r *row) []string {
	runs := []string{r.request.Run}
	for _, h := range r.held {
		if !slices.Contains(runs, h.request.Run) {
			runs = append(runs, h.request.Run)
		}
	}
	return runs
}

// grant remembers an answer for the rest of the runs. i.mu is held.
func (i *Inbox) grant(r *row, runs []string, m Match) {
	for _, run := range runs {
		if len(i.grants[run]) >= maxGrants {
			r.ask.Problem = "this run has 1000 grants already: the answer held once"
			continue
		}
		i.grants[run] = append(i.grants[run], newGrant(r.ask.ID, &r.request, m))
	}
}

// dropDead forgets what was granted to runs that ended meanwhile.
func (i *Inbox) dropDead(runs []string) {
	for _, run := range runs {
		if !i.o.Lives(run) {
			i.mu.Lock()
			delete(i.grants, run)
			i.mu.Unlock()
		}
	}
}
