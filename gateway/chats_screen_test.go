package gateway

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"openclaw/gateway/client"
	"openclaw/gateway/event"
)

// A conversation as the screen has it: sent, streamed, and there when it opens
// again.
func TestAConversationOfTheScreen(t *testing.T) {
	h := talking(t, newFolder(t), nil)
	b := client.NewBackend(h.local(), nil)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	events, err := b.Events(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if err := b.ChatSend(ctx, "coder", "first\nwords", "run-1"); err != nil {
		t.Fatal(err)
	}
	var last *event.Chat
	for last == nil || last.State != event.ChatFinal {
		select {
		case batch, open := <-events:
			if !open {
				t.Fatal("the events ended")
			}
			for _, e := range batch {
				if e.Chat != nil {
					last = e.Chat
				}
			}
		case <-ctx.Done():
			t.Fatalf("no answer; last %+v", last)
		}
	}
	if got := strings.Join(last.Message.Lines, "\n"); got != standinSays || last.Agent != "coder" || last.Run != "run-1" {
		t.Errorf("%+v", last)
	}
	list, err := b.ChatHistory(ctx, "coder")
	if err != nil || len(list) != 2 || list[0].Role != "user" || !slices.Equal(list[0].Lines, []string{"first", "words"}) ||
		strings.Join(list[1].Lines, "\n") != standinSays || list[1].Model == "" {
		t.Errorf("%+v, %v", list, err)
	}
	if err := b.ChatAbort(ctx, "coder"); err != nil {
		t.Error(err)
	}
}
