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

// T is a text in the language of the screen.
func (p *plain) T(english string, args ...any) string { return p.words.T(english, args...) }

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
	text := fmt.Sprintf(p.T("number %d, id %s, agent %s, program %s, pid %d, wants %s %s, %s"), p.number(a.ID), a.ID, a.Agent, a.Program, a.PID, a.Operation, a.Target, a.Rule)
	if a.Count > 1 {
		text += fmt.Sprintf(p.T(", %d times"), a.Count)
	}
	switch a.State {
	case event.AskWaiting:
		text += fmt.Sprintf(p.T(". Waits, %d seconds left, then it is denied"), int(a.Left(p.o.Now())/time.Second))
		if a.Paused(p.o.Now()) {
			text += p.T(", clock paused")
		}
		return text
	case event.AskAllowed:
		text += p.T(". Allowed %s", view.ScopeText(p.words, a.Scope))
	default:
		text += p.T(". %s", p.T(a.State))
	}
	if a.By != "" {
		text += p.T(" by %s", a.By)
	}
	if a.Reason != "" {
		text += ", " + a.Reason
	}
	if a.Wrote != "" {
		text += p.T(". Wrote to %s: %s", a.Where, a.Wrote)
	}
	if a.Problem != "" {
		text += p.T(". No rule was written: %s", a.Problem)
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
			p.say(p.T("ask"), p.askLine(&a))
		}
	}
	p.sayf(p.T("asks"), p.T("%d wait; allow NUMBER, deny NUMBER; asks all lists what is over, too"), waiting)
	return nil
}

// allow NUMBER [once|run|always] [exact|host|folder] [yes]
func (p *plain) allow(ctx context.Context, rest string) error {
	words := strings.Fields(rest)
	if len(words) == 0 {
		return errors.New(p.T("allow NUMBER, then once, run or always, then exact, host or folder; asks lists the numbers"))
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
			if strings.HasPrefix(w, "*.") {
				match = w
				continue
			}
			return errors.New(p.T("allow does not know the word %s; it takes once, run or always, and exact, host or folder", w))
		}
	}
	if scope == "always" && !yes {
		row, err := p.backend.PreviewAsk(ctx, id, match)
		if err != nil {
			return err
		}
		row = view.Clean(row)
		p.sayf(p.T("rule"), p.T("would be written to %s, in %s:"), row.Where, row.List)
		for _, line := range row.Lines {
			p.say(p.T("rule"), line)
		}
		p.say(p.T("rule"), p.T("allow %s yes, writes it", rest))
		if match == "" && len(row.Matches) > 1 {
			p.say(p.T("rule"), p.T("or wider, with one of these words: %s", strings.Join(row.Matches[1:], ", ")))
		}
		return nil
	}
	return p.answer(ctx, id, true, scope, match, "")
}

func (p *plain) deny(ctx context.Context, rest string) error {
	word, note, _ := strings.Cut(rest, " ")
	if word == "" {
		return errors.New(p.T("deny NUMBER, then the reason if there is one; asks lists the numbers"))
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
		p.say(p.T("error"), p.T("answered already: %s", p.askLine(&row)))
		return nil
	}
	p.say(p.T("done"), p.askLine(&row))
	if row.UndoUntil.After(p.o.Now()) {
		p.say(p.T("done"), p.T("undo takes it back within 30 seconds"))
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
	p.say(p.T("done"), p.T("taken back, %s", p.askLine(&row)))
	return nil
}
