package tui

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"openclaw/gateway/event"
	"openclaw/sandbox/policy"
)

// demoUndo is how long the demo's answers can be taken back.
const demoUndo = 30 * time.Second

// demoPause is how long one pause of the demo's clocks lasts.
const demoPause = 5 * time.Second

// Asks returns those of the script with the answers so far.
func (d *Demo) Asks(context.Context) ([]event.Ask, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return slices.Clone(d.world.asks), nil
}

// find returns the row of an ask. The caller holds the lock.
func (d *Demo) find(id string) (*event.Ask, error) {
	for i := range d.world.asks {
		if d.world.asks[i].ID == id {
			return &d.world.asks[i], nil
		}
	}
	if number, past := event.DenialOf(id); past {
		for _, row := range d.denials() {
			if row.ID == number {
				return demoPast(&row), nil
			}
		}
	}
	return nil, errors.New("there is no such ask")
}

// denials are those of the script, too. The caller holds the lock.
func (d *Demo) denials() []event.Denial {
	list := slices.Clone(d.world.denials)
	for i := range d.script {
		if row := d.script[i].Denial; row != nil {
			list = append(list, *row)
		}
	}
	return list
}

// demoPast is a denial as a row that can become a rule.
func demoPast(d *event.Denial) *event.Ask {
	a := &event.Ask{
		ID: event.PastID(d.ID), State: event.AskPast, First: d.First, Last: d.Last, Count: d.Count, Agent: d.Agent, Run: d.Run, PID: d.PID,
		Program: d.Program, Class: d.Class, Operation: d.Operation, Target: d.Target, Rule: d.Rule, Origin: d.Origin, Matches: []string{"exact", "folder"},
	}
	if d.Class == policy.ClassNet {
		a.Matches = []string{"exact", "host", "*.example.test"}
	}
	return a
}

// AnswerAsk notes the answer; nothing waits for it.
func (d *Demo) AnswerAsk(_ context.Context, id string, allow bool, scope, match, note string) (event.Ask, bool, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	a, err := d.find(id)
	switch {
	case err != nil:
		return event.Ask{}, false, err
	case a.State != event.AskWaiting && a.State != event.AskMissed && a.State != event.AskGone && a.State != event.AskPast:
		return *a, false, nil
	case scope == "":
		scope, match = "once", "exact"
	}
	a.State, a.Scope, a.Match, a.Note, a.By, a.Decided, a.Waiting = event.AskDenied, scope, match, note, "openclaw tui", d.now, 0
	if allow {
		a.State = event.AskAllowed
	}
	if allow && scope != "once" {
		a.UndoUntil = d.now.Add(demoUndo)
	}
	if allow && scope == "always" {
		a.Wrote, a.Where = demoRule(a, match), "config.yaml:26"
	}
	row := *a
	if _, past := event.DenialOf(id); past {
		d.world.asks = append(d.world.asks, row)
	}
	d.tell(event.Event{Kind: event.KindAsk, Ask: &row})
	return row, true, nil
}

// PauseAsk has the clock of an ask stand still, as the gateway does.
func (d *Demo) PauseAsk(_ context.Context, id string) (bool, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	a, err := d.find(id)
	if err != nil || a.State != event.AskWaiting {
		return false, err
	}
	if !a.Paused(d.now) {
		a.Deadline, a.PausedUntil = a.Deadline.Add(demoPause), d.now.Add(demoPause)
		d.tell(event.Event{Kind: event.KindClock, Clock: &event.Clock{ID: id, Deadline: a.Deadline, PausedUntil: a.PausedUntil}})
	}
	return true, nil
}

func demoRule(a *event.Ask, match string) string {
	switch {
	case match == "host":
		host, _, _ := strings.Cut(a.Target, ":")
		return "- " + host
	case strings.HasPrefix(match, "*."):
		return "- '" + match + "'"
	}
	return "- " + a.Target
}

// PreviewAsk says what the demo would write.
func (d *Demo) PreviewAsk(_ context.Context, id, match string) (event.Ask, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	a, err := d.find(id)
	if err != nil {
		return event.Ask{}, err
	}
	if a.Origin.BuiltIn != "" {
		return event.Ask{}, errors.New("the rule would have no effect, because of " + a.Rule)
	}
	row := *a
	row.Wrote, row.Where = demoRule(a, match), "config.yaml:26"
	row.List, row.Lines = "agents."+a.Agent+".permissions.allowed_paths", []string{"+        " + row.Wrote}
	if a.Class == policy.ClassNet {
		row.List = "agents." + a.Agent + ".permissions.network.allowed_domains"
		row.Lines = []string{"+      network:", "+        allowed_domains:", "+          " + row.Wrote}
	}
	return row, nil
}

// Undo takes an answer back.
func (d *Demo) Undo(_ context.Context, id string) (event.Ask, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for i := range d.world.asks {
		a := &d.world.asks[i]
		if a.UndoUntil.After(d.now) && (id == "" || id == a.ID) {
			a.State, a.UndoUntil = event.AskUndone, time.Time{}
			row := *a
			d.tell(event.Event{Kind: event.KindAsk, Ask: &row})
			return row, nil
		}
	}
	return event.Ask{}, errors.New("there is no answer that could be taken back")
}

// Disconnect closes a connection of the script.
func (d *Demo) Disconnect(_ context.Context, id string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, c := range d.world.connections {
		if c.ID == id {
			c.State, c.Closed, c.Detail = "closed", d.now, "disconnected by the operator"
			d.tell(event.Event{Kind: event.KindConnection, Connection: &c})
			return nil
		}
	}
	return errors.New("there is no client " + id + " now")
}

// Ban has nobody to shut out.
func (d *Demo) Ban(context.Context, string, string) error { return nil }

// StopRun has no run to end.
func (d *Demo) StopRun(context.Context, string, bool) error { return nil }

// RestartRun has no run to start again.
func (d *Demo) RestartRun(context.Context, string) error { return nil }

// RunOutput is what the finished run of the script said.
func (d *Demo) RunOutput(_ context.Context, run string, cursor int64, _ int) (event.Output, error) {
	if run != "r6" || cursor > 0 {
		return event.Output{Run: run, Cursor: cursor}, nil
	}
	return event.Output{Run: run, Cursor: 4, Lines: []string{
		"reading 214 files", "\x1b[1mparser.go\x1b[m", "  \x1b[33mwarning\x1b[m  the error of line 88 is dropped", "progress 10%\rprogress 100%", "2 remarks",
	}}, nil
}

// ChatHistory is what was said before.
func (d *Demo) ChatHistory(_ context.Context, agent string) ([]event.ChatMessage, error) {
	if agent != "coder" {
		return nil, nil
	}
	return []event.ChatMessage{
		{Role: "user", Lines: []string{"Which tests are slow?"}, Time: demoTime(-600), Run: "t1"},
		{Role: "assistant", Run: "t1", Model: "claude-demo", Time: demoTime(-594), Lines: []string{
			"Two of them take more than a second:", "", "  parser_test.go   1.9 s, it reads the whole corpus",
			"  store_test.go    1.2 s, it waits for a timer", "", "Both can be made to run beside the others.",
		}},
	}, nil
}

// ChatSend answers what was said with the same words.
func (d *Demo) ChatSend(_ context.Context, agent, message, run string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.tell(event.Event{Kind: event.KindChat, Chat: &event.Chat{
		Agent: agent, Run: run, State: event.ChatFinal,
		Message: event.ChatMessage{Role: "assistant", Run: run, Model: "claude-demo", Time: d.now, Lines: []string{"You said: " + message}},
	}})
	return nil
}

// ChatAbort has nothing to end.
func (d *Demo) ChatAbort(context.Context, string) error { return nil }
