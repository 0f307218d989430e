package tui

import (
	"context"
	"errors"
	"strings"
	"testing"

	"openclaw/gateway/event"
)

// talkBackend notes what is said to whom.
type talkBackend struct {
	*Demo
	told []string
	runs []string
	fail error
}

func (b *talkBackend) ChatSend(_ context.Context, agent, message, run string) error {
	b.told = append(b.told, agent+": "+message)
	b.runs = append(b.runs, run)
	return b.fail
}

func (b *talkBackend) ChatAbort(_ context.Context, agent string) error {
	b.told = append(b.told, "abort "+agent)
	return nil
}

// An answer is shown as it comes and stands once when it is whole; it can be
// ended, and what the provider says of a failure is shown.
func TestAConversation(t *testing.T) {
	b := &talkBackend{Demo: NewDemo()}
	d := newDriver(t, b, false, 100, 30)
	if frame := strip(d.press("9")); !strings.Contains(frame, "Which tests are slow?") || !strings.Contains(frame, "parser_test.go   1.9 s") {
		t.Fatalf("what was said before is not there:\n%s", frame)
	}
	frame := strip(d.press("i", "type:make them quick", "enter"))
	if len(b.told) != 1 || b.told[0] != "coder: make them quick" || !strings.Contains(frame, "says nothing yet") {
		t.Fatalf("told %v:\n%s", b.told, frame)
	}
	say := func(state string, problem string, lines ...string) string {
		role := "assistant"
		return strip(d.event(event.Event{Chat: &event.Chat{
			Agent: "coder", Run: b.runs[len(b.runs)-1], State: state, Problem: problem,
			Message: event.ChatMessage{Role: role, Run: b.runs[len(b.runs)-1], Lines: lines},
		}}).frame())
	}
	if frame := say(event.ChatDelta, "", "I begin with"); !strings.Contains(frame, "I begin with") || !strings.Contains(frame, "answering; x ends it") {
		t.Errorf("it is not shown as it comes:\n%s", frame)
	}
	d.press("esc", "x")
	if last := b.told[len(b.told)-1]; last != "abort coder" {
		t.Errorf("told %v", b.told)
	}
	say(event.ChatFinal, "", "I begin with the parser.")
	if frame := say(event.ChatFinal, "", "I begin with the parser."); strings.Count(frame, "I begin with") != 1 || strings.Contains(frame, "answering") {
		t.Errorf("an answer stands twice, or seems to go on:\n%s", frame)
	}
	if frame := say(event.ChatError, "the provider refused: 429"); !strings.Contains(frame, "✗ the provider refused: 429") {
		t.Errorf("a failure is not seen:\n%s", frame)
	}
	b.fail = errors.New("no model is configured")
	if frame := strip(d.press("i", "type:x", "enter")); !strings.Contains(frame, "not sent: no model is configured") {
		t.Errorf("it looks as if it was sent:\n%s", frame)
	}
	if b.runs[0] == b.runs[1] {
		t.Error("two messages have one name: the second would not be answered")
	}
	// Another agent's conversation is another one.
	if frame := strip(d.press("esc", "o")); strings.Contains(frame, "Which tests") || !strings.Contains(frame, "chat with legacy") {
		t.Errorf("not another conversation:\n%s", frame)
	}
}

// What is typed goes to the conversation and to nothing else; a pasted line end
// sends nothing.
func TestTypingInAConversation(t *testing.T) {
	b := &talkBackend{Demo: NewDemo()}
	d := newDriver(t, b, false, 100, 30)
	d.press("9", "i", "type:q1a", "paste:two\nlines\r\n")
	if len(b.told) != 0 || d.s.quit || d.s.current != "Chat" {
		t.Fatalf("told %v", b.told)
	}
	if d.press("enter"); len(b.told) != 1 || b.told[0] != "coder: q1atwo lines" {
		t.Errorf("told %q", b.told)
	}
}

func TestPlainModeTalks(t *testing.T) {
	b := &talkBackend{Demo: NewDemo()}
	got, _ := runPlainWith(t, b, false, "chat coder", "say coder hello there", "say coder", "abort coder", "quit")
	for _, want := range []string{"you: Which tests are slow?", "coder: Two of them take", "error: chat AGENT, what was said"} {
		if !strings.Contains(got, want) {
			t.Errorf("%q is missing from\n%s", want, got)
		}
	}
	if told := strings.Join(b.told, ", "); told != "coder: hello there, abort coder" {
		t.Errorf("told %q", told)
	}
	b.told = nil
	if got, _ := runPlainWith(t, b, true, "say coder hello", "quit"); len(b.told) != 0 || !strings.Contains(got, "no command say") {
		t.Errorf("a read-only screen talks: %v\n%s", b.told, got)
	}
}
