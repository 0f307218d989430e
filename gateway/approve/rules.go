package approve

import (
	"context"
	"errors"
	"strconv"

	"openclaw/gateway/event"
	"openclaw/sandbox/policy"
)

// Rules writes what "always" means. Its errors are for a person; an *Error
// keeps its hint.
type Rules interface {
	// Preview says what Add would write.
	Preview(Rule) (Written, error)
	// Add returns when the rule is in force.
	Add(context.Context, Rule) (Written, error)
	// Remove takes away what Add wrote.
	Remove(context.Context, Written) error
}

// Rule is what an agent is to be allowed.
type Rule struct {
	Agent  string
	Class  policy.Class
	Target string // a path, host:port, or a host
	Asked  string // the target of the ask, which the rule must cover
	Below  bool   // a path with all below it is meant, not a file
}

// Written is a rule as it stands in the config.
type Written struct {
	File string // base name
	Line int
	Text string // the line
	List string // key of the list
	Item any

	Made  []string // keys that were made for it, the innermost, which is List, first; none: the list was there
	Lines []string // of the file that it changes, each with '+' or '-' before it
}

// Where is the place for a person: "config.yaml:12".
func (w *Written) Where() string { return w.File + ":" + strconv.Itoa(w.Line) }

func ruleOf(r *Request, m Match) Rule {
	return Rule{Agent: r.Agent, Class: r.Class, Target: newGrant("", r, m).target, Asked: r.Target, Below: m == Folder}
}

func (i *Inbox) write(ctx context.Context, r *Request, m Match) (*Written, error) {
	if i.o.Rules == nil {
		return nil, errors.New("this gateway cannot write its config")
	}
	written, err := i.o.Rules.Add(ctx, ruleOf(r, m))
	if err != nil {
		return nil, err
	}
	return &written, nil
}

// Preview is the row as it would be after an "always": it says what would be
// written and where, and decides nothing.
func (i *Inbox) Preview(id string, m Match) (event.Ask, error) {
	d, op, err := complete(id, Decision{Allow: true, Scope: Always, Match: m})
	if err != nil {
		return event.Ask{}, err
	}
	past := i.past(id)
	i.mu.Lock()
	r, err := i.answerable(op, i.rowOf(id, past, false), &d, false)
	if err == nil && r == nil {
		err = &Error{Op: op, Kind: KindOver, Err: errors.New("it is answered already")}
	}
	if err != nil {
		i.mu.Unlock()
		return event.Ask{}, err
	}
	request, shown := r.request, r.ask
	i.mu.Unlock()
	if i.o.Rules == nil {
		return shown, &Error{Op: op, Err: errors.New("this gateway cannot write its config")}
	}
	written, err := i.o.Rules.Preview(ruleOf(&request, d.Match))
	if err != nil {
		return shown, asError(op, err)
	}
	i.wrote(&shown, &written)
	shown.Scope, shown.Match = string(Always), string(d.Match)
	return shown, nil
}

// wrote puts what was written into a row.
func (i *Inbox) wrote(a *event.Ask, w *Written) {
	a.Wrote, a.Where, a.List, a.Lines = i.o.Mask(w.Text), w.Where(), w.List, nil
	for _, line := range w.Lines {
		a.Lines = append(a.Lines, line[:1]+i.o.Mask(line[1:]))
	}
}

// asError keeps the hint of an error that has one.
func asError(op string, err error) error {
	if known, ok := errors.AsType[*Error](err); ok {
		return &Error{Op: op, Kind: known.Kind, Err: known.Err, Hint: known.Hint}
	}
	return &Error{Op: op, Err: err}
}
