package tui

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"openclaw/gateway/event"
	"openclaw/tui/view"
)

func FuzzEventText(f *testing.F) {
	for _, s := range []string{"plain", "\x1b[2J\x1b[H", "\u202etxt", "日本語\x00\n\r\t", "\xff\x9b1m", strings.Repeat("w", 5000), "🇩🇪é\u0301\u0301\u0301"} {
		f.Add(s, uint16(120), uint16(36))
	}
	f.Fuzz(func(t *testing.T, s string, w, h uint16) {
		width, height := int(w%200), int(h%60)
		d := newDriver(t, hostileBackend{NewDemo(), s}, true, width, height)
		d.event(hostileEvents(s)...)
		for _, key := range []string{"1", "2", "3", "4", "5", "6", "7", "8", "9", "?"} {
			d.s.key(view.Key{Text: []rune(key)})
			sound(t, d.frame(), width, height)
		}
		d.s.feed.setLink(view.Link{Tried: true, Problem: problemText(errors.New(s)), Attempt: 2})
		sound(t, d.frame(), width, height)
	})
}

func hostileEvents(s string) []event.Event {
	denial := event.Denial{ID: s, Count: 2, Agent: s, Run: s, Program: s, CommandLine: s, Operation: s, Target: s, Rule: s, Mechanism: s}
	denial.Origin.File, denial.Origin.Line, denial.Origin.Key = s, 3, s
	return []event.Event{
		{Denial: &denial},
		{Connection: &event.Connection{ID: s, Kind: s, From: s, Agent: s, Program: s, Client: s, Route: s, State: s, Detail: s, Auth: s}},
		{Agent: &event.Agent{
			Name: s, Role: s, State: s, Problem: s,
			Runs: []event.Run{{ID: s, Command: []string{s}, Warnings: []string{s}, NeedsRun: []string{s}, Mechanisms: []event.Mechanism{{Name: s, Fix: s, Detail: s}}}},
		}},
		{Config: &event.ConfigStatus{
			Path: s, Rejected: true, Problems: []event.Problem{{Line: 1, Key: s, Message: s}}, Diff: []string{s, "+" + s},
			History: []event.Applied{{By: s, Changes: []string{s}}},
		}},
		{Secret: &event.Secret{Name: s, Store: s, UsedBy: []string{s}}},
		{Log: &event.LogLine{Level: s, Source: s, Message: s, Text: s, Raw: s}},
		{Ask: &event.Ask{
			ID: s, State: event.AskWaiting, Agent: s, Run: s, Program: s, CommandLine: s, Operation: s, Target: s, Rule: s, Mechanism: s, Matches: []string{s, s},
			NoAlways: s,
		}},
		{Ask: &event.Ask{ID: "x" + s, State: s, Agent: s, Target: s, By: s, Note: s, Reason: s, Wrote: s, Where: s, Problem: s, Scope: s, Match: s}},
		{Chat: &event.Chat{Agent: "coder", Run: s, State: event.ChatDelta, Message: event.ChatMessage{Role: s, Lines: []string{s, s}, Model: s, Problem: s}}},
		{Chat: &event.Chat{Agent: "coder", Run: s, State: event.ChatError, Problem: s, Message: event.ChatMessage{Role: "assistant", Lines: []string{s}}}},
		{Notice: &event.Notice{Level: s, Text: s}},
	}
}

// hostileBackend answers every call with text from outside.
type hostileBackend struct {
	*Demo
	text string
}

func (b hostileBackend) Overview(context.Context) (event.Overview, error) {
	return event.Overview{
		Listeners: []string{b.text}, Store: event.SecretStore{Backend: b.text, State: b.text, Detail: b.text, Hint: b.text},
		Machine: []event.Mechanism{{Name: b.text, Detail: b.text, Fix: b.text}, {Name: b.text, Enforced: true, Detail: b.text}},
	}, nil
}

func (b hostileBackend) Agent(_ context.Context, name string) (event.Agent, error) {
	p := demoPolicy(b.text)
	for i := range p.Paths {
		p.Paths[i].Path, p.Paths[i].Origin.Key = b.text, b.text
	}
	return event.Agent{Name: name, Policy: p}, nil
}

func (b hostileBackend) Audit(context.Context, time.Duration, int) ([]json.RawMessage, error) {
	line, _ := json.Marshal(map[string]string{"timestamp": b.text, "event_type": b.text, "user": b.text, "reason": b.text})
	return []json.RawMessage{line, json.RawMessage(b.text)}, nil
}

func (b hostileBackend) Config(context.Context) (event.ConfigStatus, error) {
	return event.ConfigStatus{}, errors.New(b.text)
}

// secretBackend keeps what was stored, to see that it arrived, and only there.
type secretBackend struct {
	*Demo
	stored map[string]string
	fail   error
}

func (b *secretBackend) StoreSecret(_ context.Context, name string, value []byte) error {
	b.stored[name] = string(value)
	clear(value)
	return b.fail
}

func TestSecretsNeverReachAFrame(t *testing.T) {
	const canary = "CANARY-sk-ant-7391"
	b := &secretBackend{Demo: NewDemo(), stored: map[string]string{}}
	d := newDriver(t, b, true, 100, 30)
	d.press("6", "a", "type:anthropic", "enter", "type:"+canary, "enter")
	if b.stored["anthropic"] != canary {
		t.Fatalf("typed: stored %q", b.stored["anthropic"])
	}
	d.press("a", "type:openai", "enter", "paste:"+canary+"\r", "enter")
	if b.stored["openai"] != canary {
		t.Fatalf("pasted: stored %q", b.stored["openai"])
	}
	b.fail = errors.New("the store refused")
	d.press("a", "type:third", "enter", "paste:"+canary, "enter")
	d.press("a", "type:fourth", "enter", "type:"+canary, "ctrl+u", "type:"+canary, "1", "6", "esc")
	if _, stored := b.stored["fourth"]; stored {
		t.Error("esc stored it")
	}
	d.press("a", "type:fifth", "enter", "type:"+canary)
	d.s.open(view.Overview)
	d.press("6", "5", "8")
	for i, frame := range d.frames {
		for _, part := range []string{canary, canary[:8], canary[8:]} {
			if strings.Contains(strip(frame), part) {
				t.Fatalf("frame %d shows %q", i, part)
			}
		}
	}
	if v := fmt.Sprintf("%+v", d.s.data); strings.Contains(v, canary) {
		t.Error("the data of the views holds it")
	}
}

func TestVaultPassphraseTwice(t *testing.T) {
	d := newDriver(t, NewDemoFirstRun(), true, 100, 30)
	d.press("6", "v", "type:correct horse", "enter", "type:wrong horse", "enter")
	if frame := d.frame(); !strings.Contains(strip(frame), "not the same") {
		t.Errorf("two different passphrases were taken:\n%s", strip(frame))
	}
	d.press("type:correct horse", "enter", "type:correct horse", "enter")
	if frame := d.frame(); !strings.Contains(strip(frame), "vault ● unlocked") {
		t.Errorf("no vault:\n%s", strip(frame))
	}
	if frame := d.press("a", "enter", "type:sk", "enter"); !strings.Contains(strip(frame), "stored anthropic") {
		t.Errorf("not stored:\n%s", strip(frame))
	}
}
