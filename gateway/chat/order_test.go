package chat

import (
	"net/http"
	"path/filepath"
	"testing"
	"time"

	"openclaw/gateway/store"
)

// A message is kept behind the one whose turn comes before its own, however long
// that one takes to be kept.
func TestAMessageIsKeptInTheOrderOfItsTurn(t *testing.T) {
	kept := store.New(store.Options{Path: filepath.Join(t.TempDir(), "conversations.db")})
	defer func() { _ = kept.Close() }()
	e := New(Options{
		Store: kept, Show: func(Event) {}, Mask: func(s string) string { return s },
		Model: func(string) (Model, error) { return Model{Kind: KindOpenAI}, nil },
		Call:  func(http.ResponseWriter, *http.Request, Caller) error { return ErrCut },
	})
	const key = "agent:coder:main"
	first, _, err := e.enter(Request{Run: "first", Session: key, Agent: "coder"}, Model{})
	if err != nil {
		t.Fatal(err)
	}
	sent := make(chan *Run, 1)
	go func() {
		run, _, err := e.Send(t.Context(), Request{Run: "second", Session: key, Agent: "coder", Message: "two"})
		if err != nil {
			t.Error(err)
		}
		sent <- run
	}()
	select { // a wrong order shows itself here; the right one only waits
	case <-sent:
		t.Fatal("the second message was kept before the first")
	case <-time.After(300 * time.Millisecond):
	}
	_, said, _, err := kept.Accept(t.Context(), key, "coder", store.Message{Run: "first", Role: RoleUser, Content: []byte("[]")})
	if err != nil {
		t.Fatal(err)
	}
	e.leave(first)
	close(first.accepted)
	close(first.done)
	e.alive.Done()
	if second := <-sent; second == nil || second.Number() <= said.Number {
		t.Errorf("%v is not behind %d", second, said.Number)
	}
	e.Stop()
}
