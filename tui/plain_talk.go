package tui

import (
	"context"
	"errors"
	"strings"

	"openclaw/gateway/event"
	"openclaw/tui/view"
)

// chat AGENT
func (p *plain) chat(ctx context.Context, agent string) error {
	if agent == "" {
		return errors.New(p.T("chat AGENT, what was said; say AGENT WORDS; abort AGENT"))
	}
	list, err := p.backend.ChatHistory(ctx, agent)
	if err != nil {
		return err
	}
	for _, m := range view.Clean(list) {
		p.message(agent, &m)
	}
	p.sayf(p.T("chat"), p.T("%d messages"), len(list))
	return nil
}

func (p *plain) message(agent string, m *event.ChatMessage) {
	who := agent
	if m.Role == "user" {
		who = p.T("you")
	}
	for _, line := range m.Lines {
		p.say(who, line)
	}
	if m.Problem != "" {
		p.say(p.T("problem"), m.Problem)
	}
}

// say AGENT WORDS; the answer is written when it is whole.
func (p *plain) sayTo(ctx context.Context, rest string) error {
	agent, words, _ := strings.Cut(rest, " ")
	words = strings.TrimSpace(words)
	if words == "" {
		return errors.New(p.T("chat AGENT, what was said; say AGENT WORDS; abort AGENT"))
	}
	return p.backend.ChatSend(ctx, agent, words, newRun())
}

func (p *plain) abort(ctx context.Context, agent string) error {
	return p.backend.ChatAbort(ctx, agent)
}

// answerLines writes an answer once it is over.
func (p *plain) answerLines(c *event.Chat) {
	switch c.State {
	case event.ChatFinal, event.ChatAborted, event.ChatError:
		p.message(c.Agent, &c.Message)
		if c.Problem != "" {
			p.say(p.T("problem"), c.Problem)
		}
	}
}
