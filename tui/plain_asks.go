package tui

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"openclaw/gateway/event"
	"openclaw/tui/view"
)

// number is what the plain mode calls an ask by: it stays the ask's own as long
// as the screen is open.
func (p *plain) number(id string) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	if i := slices.Index(p.numbers, id); i >= 0 {
		return i + 1
	}
	p.numbers = append(p.numbers, id)
	return len(p.numbers)
}

// askID reads a number, or an id.
func (p *plain) askID(word string) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	if n, err := strconv.Atoi(word); err == nil && n >= 1 && n <= len(p.numbers) {
		return p.numbers[n-1]
	}
	return word
}

// askLine says what an ask is about, and how it stands.
func (p *plain) askLine(a *event.Ask) string {
	text := fmt.Sprintf("number %d, id %s, agent %s, program %s, pid %d, wants %s %s, %s", p.number(a.ID), a.ID, a.Agent, a.Program, a.PID, a.Operation, a.Target, a.Rule)
	if a.Count > 1 {
		text += fmt.Sprintf(", %d times", a.Count)
	}
	switch a.State {
	case event.AskWaiting:
		return text + fmt.Sprintf(". Waits, %d seconds left, then it is denied", int(max(a.Deadline.Sub(p.o.Now()), 0)/time.Second))
	case event.AskAllowed:
		text += ". Allowed " + a.Scope
	default:
		text += ". " + a.State
	}
	if a.By != "" {
		text += " by " + a.By
	}
	if a.Reason != "" {
		text += ", " + a.Reason
	}
	if a.Wrote != "" {
		text += ". Wrote to " + a.Where + ": " + a.Wrote
	}
	if a.Problem != "" {
		text += ". No rule was written: " + a.Problem
	}
	return text
}

func (p *plain) asks(ctx context.Context, rest string) error {
	list, err := p.backend.Asks(ctx)
	if err != nil {
		return err
	}
	waiting := 0
	for _, a := range view.Clean(list) {
		if a.State == event.AskWaiting {
			waiting++
		}
		if a.State == event.AskWaiting || rest == "all" {
			p.say("ask", p.askLine(&a))
		}
	}
	p.sayf("asks", "%d wait; allow NUMBER, deny NUMBER; asks all lists what is over, too", waiting)
	return nil
}

// allow NUMBER [once|run|always] [exact|host|folder] [yes]
func (p *plain) allow(ctx context.Context, rest string) error {
	words := strings.Fields(rest)
	if len(words) == 0 {
		return errors.New("allow NUMBER, then once, run or always, then exact, host or folder; asks lists the numbers")
	}
	id, scope, match, yes := p.askID(words[0]), "once", "", false
	for _, w := range words[1:] {
		switch w {
		case "once", "run", "always":
			scope = w
		case "exact", "host", "folder":
			match = w
		case "yes":
			yes = true
		default:
			return errors.New("allow does not know the word " + w + "; it takes once, run or always, and exact, host or folder")
		}
	}
	if scope == "always" && !yes {
		row, err := p.backend.PreviewAsk(ctx, id, match)
		if err != nil {
			return err
		}
		p.sayf("rule", "would be written to %s: %s", row.Where, row.Wrote)
		p.say("rule", "allow "+rest+" yes, writes it")
		return nil
	}
	return p.answer(ctx, id, true, scope, match, "")
}

func (p *plain) deny(ctx context.Context, rest string) error {
	word, note, _ := strings.Cut(rest, " ")
	if word == "" {
		return errors.New("deny NUMBER, then the reason if there is one; asks lists the numbers")
	}
	return p.answer(ctx, p.askID(word), false, "", "", strings.TrimSpace(note))
}

func (p *plain) answer(ctx context.Context, id string, allow bool, scope, match, note string) error {
	row, counts, err := p.backend.AnswerAsk(ctx, id, allow, scope, match, note)
	if err != nil {
		return err
	}
	row = view.Clean(row)
	if !counts {
		p.say("error", "answered already: "+p.askLine(&row))
		return nil
	}
	p.say("done", p.askLine(&row))
	if row.UndoUntil.After(p.o.Now()) {
		p.say("done", "undo takes it back within 30 seconds")
	}
	return nil
}

func (p *plain) undo(ctx context.Context, rest string) error {
	id := ""
	if rest != "" {
		id = p.askID(rest)
	}
	row, err := p.backend.Undo(ctx, id)
	if err != nil {
		return err
	}
	row = view.Clean(row)
	p.say("done", "taken back, "+p.askLine(&row))
	return nil
}
