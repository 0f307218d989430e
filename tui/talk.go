package tui

import (
	"context"
	"crypto/rand"
	"encoding/hex"

	"openclaw/gateway/event"
	"openclaw/tui/view"
)

// newRun names a message: the gateway answers each name once.
func newRun() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // it never fails
	return "tui-" + hex.EncodeToString(b[:])
}

// talks does what the chat view asks for. It reports whether it was about that.
func (s *screen) talks(a view.Action) bool {
	agent := a.Name
	switch a.Verb {
	case view.VerbLoadChat:
		s.add(func(ctx context.Context) func() {
			list, err := s.backend.ChatHistory(ctx, agent)
			list = view.Clean(list)
			return func() {
				s.dirty = true
				if err != nil {
					s.data.NotSaid(agent, problemText(err))
					return
				}
				s.data.LoadChat(agent, list)
			}
		})
	case view.VerbSay:
		run := newRun()
		s.data.Said(agent, view.Clean(event.ChatMessage{Role: "user", Lines: []string{a.Text}, Time: s.data.Now, Run: run}))
		s.add(func(ctx context.Context) func() {
			err := s.backend.ChatSend(ctx, agent, a.Text, run)
			return func() {
				s.dirty = true
				if err != nil {
					s.data.NotSaid(agent, s.data.T("not sent: %s", problemText(err)))
				}
			}
		})
	case view.VerbAbort:
		s.call(s.data.T("ended; what was said is kept"), func(ctx context.Context) error { return s.backend.ChatAbort(ctx, agent) })
	default:
		return false
	}
	return true
}
