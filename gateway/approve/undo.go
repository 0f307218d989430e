package approve

import (
	"context"
	"errors"
	"fmt"
	"time"

	"openclaw/gateway/event"
)

// Undo takes back what an answer granted, within 30 seconds of it: the rest of
// a run's grant, or the rule in the config. What already happened stays so. An
// empty id is the newest answer that can be taken back.
func (i *Inbox) Undo(ctx context.Context, id, by, from string) (event.Ask, error) {
	op := "undo ask " + id
	now := i.o.Now()
	i.mu.Lock()
	r := i.byID[id]
	if id == "" {
		op = "undo the last answer"
		r = i.newestUndoable(now)
	}
	err := undoable(op, r, now)
	if err != nil {
		i.mu.Unlock()
		return event.Ask{}, err
	}
	id = r.ask.ID
	r.deciding = true
	request, written, scope, match := r.request, r.written, Scope(r.ask.Scope), Match(r.ask.Match)
	i.mu.Unlock()

	err = i.o.Audit(ctx, Record{Action: "undo", ID: id, Request: request, Scope: scope, Match: match, By: by, From: from})
	if err != nil {
		err = &Error{Op: op, Err: fmt.Errorf("it could not be recorded: %w", err), Hint: "check the disk and audit.log_path"}
	} else if written != nil {
		if err = i.o.Rules.Remove(ctx, *written); err != nil {
			err = asError(op, err)
		}
	}
	i.mu.Lock()
	r.deciding = false
	if err == nil {
		i.dropGrants(id)
		r.ask.State, r.ask.UndoUntil, r.written = event.AskUndone, time.Time{}, nil
		r.ask.Decided, r.ask.By = i.o.Now(), i.o.Mask(by) // when and by whom it came to this
		i.changed(r)
	}
	shown := r.ask
	i.mu.Unlock()
	i.tell()
	return shown, err
}

func undoable(op string, r *row, now time.Time) error {
	over := func(text, hint string) error {
		return &Error{Op: op, Kind: KindOver, Err: errors.New(text), Hint: hint}
	}
	switch {
	case r == nil:
		return &Error{Op: op, Kind: KindNotFound, Err: errors.New("there is no such answer"), Hint: "see 'openclaw asks'"}
	case r.deciding:
		return over("it is being answered", "try again")
	case r.ask.UndoUntil.IsZero():
		return over("it granted nothing that could be taken back", "")
	case now.After(r.ask.UndoUntil) && r.written != nil:
		return over("its 30 seconds are over", "take the line out of "+r.written.Where()+": openclaw config edit")
	case now.After(r.ask.UndoUntil):
		return over("its 30 seconds are over", "the grant ends with the run")
	}
	return nil
}

// newestUndoable is the answer that was given last. i.mu is held.
func (i *Inbox) newestUndoable(now time.Time) *row {
	var newest *row
	for _, r := range i.ended {
		if undoable("", r, now) == nil && (newest == nil || !r.ask.Decided.Before(newest.ask.Decided)) {
			newest = r
		}
	}
	return newest
}
