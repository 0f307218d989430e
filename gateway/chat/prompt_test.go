package chat

import (
	"encoding/json"
	"slices"
	"testing"

	"openclaw/gateway/store"
)

func TestPromptHasTheShapeOfItsAPI(t *testing.T) {
	half := 0.5
	prompt := Prompt{System: "be brief", Turns: []Turn{{RoleUser, "a"}, {RoleAssistant, "b"}, {RoleUser, "c"}}, Temperature: &half, Stop: []string{"END"}}
	for _, row := range []struct{ kind, path, want string }{
		{KindAnthropic, "/v1/messages", `{"model":"m","max_tokens":8192,"stream":true,"system":"be brief","messages":[{"role":"user","content":"a"},{"role":"assistant","content":"b"},{"role":"user","content":"c"}],"temperature":0.5,"stop_sequences":["END"]}`},
		{KindOpenAI, "/v1/chat/completions", `{"model":"m","stream":true,"stream_options":{"include_usage":true},"messages":[{"role":"system","content":"be brief"},{"role":"user","content":"a"},{"role":"assistant","content":"b"},{"role":"user","content":"c"}],"temperature":0.5,"stop":["END"]}`},
	} {
		path, body, err := prompt.encode(Model{Kind: row.kind, Name: "m"})
		if err != nil || path != row.path || string(body) != row.want {
			t.Errorf("%s: %s %s %v", row.kind, path, body, err)
		}
	}
}

// A model is told the conversation run after run, whatever order the messages
// were kept in, without runs that wait and without what has no words.
func TestTurnsAreRunAfterRun(t *testing.T) {
	message := func(number int64, run, role, text string) store.Message {
		content, err := json.Marshal(Text(text))
		if err != nil {
			t.Fatal(err)
		}
		return store.Message{Number: number, Run: run, Role: role, Content: content}
	}
	got := turns([]store.Message{
		message(1, "r1", RoleUser, "one"), message(2, "r2", RoleUser, "two"), message(3, "r3", RoleUser, "three"), message(4, "r1", RoleAssistant, "answer to one"),
		message(5, "r4", RoleUser, "four"), message(6, "r2", RoleAssistant, ""), {Number: 7, Run: "r2", Role: RoleAssistant, Content: []byte("no blocks")},
	}, "r3", map[string]bool{"r4": true})
	want := []Turn{{RoleUser, "one"}, {RoleAssistant, "answer to one"}, {RoleUser, "two"}, {RoleUser, "three"}}
	if !slices.Equal(got, want) {
		t.Fatalf("%q", got)
	}
}
