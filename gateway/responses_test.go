package gateway

import (
	"bufio"
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"openclaw/gateway/chat"
	"openclaw/gateway/provider"
	"openclaw/gateway/provider/standin"
)

// responseBody is what a client reads of an answer.
type responseBody struct {
	ID, Object, Model, Status string
	CreatedAt                 int64 `json:"created_at"`
	Output                    []struct {
		Type, Role, Status string
		Content            []struct{ Type, Text string }
	}
	Usage struct {
		Input  int `json:"input_tokens"`
		Output int `json:"output_tokens"`
		Total  int `json:"total_tokens"`
	}
	Error      *struct{ Code, Message string }
	Incomplete *struct{ Reason string } `json:"incomplete_details"`
}

func (b responseBody) text() string {
	if len(b.Output) != 1 || b.Output[0].Type != "message" || b.Output[0].Role != "assistant" || len(b.Output[0].Content) != 1 || b.Output[0].Content[0].Type != "output_text" {
		return "not one message of one text"
	}
	return b.Output[0].Content[0].Text
}

// responseEvent is one event of a stream.
type responseEvent struct {
	Type     string
	Number   int `json:"sequence_number"`
	Delta    string
	Text     string
	Response responseBody
}

// responseEvents reads a stream, and checks that each event is named and
// numbered as the API has it.
func responseEvents(t *testing.T, answer string) (events []responseEvent) {
	t.Helper()
	for text := range strings.SplitSeq(strings.TrimSuffix(answer, "\n\n"), "\n\n") {
		name, data, found := strings.Cut(text, "\ndata: ")
		var e responseEvent
		if err := json.Unmarshal([]byte(data), &e); !found || err != nil || name != "event: "+e.Type || e.Number != len(events) {
			t.Fatalf("event %d: %v: %s", len(events), err, text)
		}
		events = append(events, e)
	}
	return events
}

// A client of OpenAI's responses reaches an agent's chat by the model's name:
// whole and streamed, of both kinds of API.
func TestResponsesReachAnAgentsChat(t *testing.T) {
	h := talking(t, newFolder(t), nil)
	for model, upstream := range map[string]string{"openclaw/main": "/v1/messages", "agent:coder": "/v1/chat/completions"} {
		before := len(h.standin.Requests())
		status, header, answer := h.post("/v1/responses", object{
			"model": model, "max_output_tokens": 99, "temperature": 0.5, "instructions": "be brief", "store": true, "reasoning": object{"effort": "low"}, "metadata": object{"a": "b"},
			"input": messages{
				{"role": "developer", "content": "and kind"}, user("one"),
				{"type": "message", "role": "assistant", "id": "msg_1", "status": "completed", "content": []object{{"type": "output_text", "text": "two", "annotations": []object{}}}},
				{"role": "user", "content": []object{{"type": "input_text", "text": "three"}}},
			},
		})
		var whole responseBody
		if err := json.Unmarshal([]byte(answer), &whole); err != nil || status != 200 || whole.Model != model || whole.Object != "response" || whole.Status != "completed" || !strings.HasPrefix(whole.ID, "resp_") ||
			whole.text() != standinSays || whole.Output[0].Status != "completed" || whole.Usage.Total != 12 || whole.Usage.Output != 5 || whole.Usage.Input != 7 || whole.Error != nil || whole.Incomplete != nil {
			t.Fatalf("%s: %d %s", model, status, answer)
		}
		if !strings.Contains(answer, `"metadata":{"a":"b"}`) || !strings.Contains(answer, `"instructions":"be brief"`) || !strings.Contains(answer, `"store":false`) || header.Get("Content-Type") != "application/json" {
			t.Errorf("%s %v", answer, header)
		}
		request := h.standin.Requests()[before]
		body := string(request.Body)
		for _, part := range []string{`"be brief\n\nand kind"`, `"one"`, `"two"`, `"three"`, `99`, `"temperature":0.5`} {
			if !strings.Contains(body, part) {
				t.Errorf("%s lacks %s", body, part)
			}
		}
		if request.Path != upstream || strings.Contains(body, "openclaw") || strings.Contains(body, "agent:") {
			t.Errorf("%s: %s %s", model, request.Path, body)
		}
		status, header, answer = h.post("/v1/responses", object{"model": model, "stream": true, "input": "x"})
		events := responseEvents(t, answer)
		var kinds []string
		said := ""
		for _, e := range events {
			if said += e.Delta; e.Type != "response.output_text.delta" || e.Delta == "" {
				kinds = append(kinds, e.Type)
			}
		}
		want := []string{
			"response.created", "response.in_progress", "response.output_item.added", "response.content_part.added",
			"response.output_text.done", "response.content_part.done", "response.output_item.done", "response.completed",
		}
		if status != 200 || header.Get("Content-Type") != "text/event-stream; charset=utf-8" || !slices.Equal(kinds, want) || said != standinSays {
			t.Fatalf("%s: %d %s", model, status, answer)
		}
		last := events[len(events)-1].Response
		if last.text() != standinSays || last.Usage.Total != 12 || last.ID != events[0].Response.ID || events[len(events)-4].Text != standinSays {
			t.Errorf("%s", answer)
		}
	}
	until(t, "one record a request", func() bool { return len(h.audited("api_call")) == 4 })
	if call := h.audited("api_call")[0]; call.User == operator || !strings.HasPrefix(call.Details["run"].(string), "chat:resp_") {
		t.Fatalf("%+v", call)
	}
	// What is not a chat's model goes to the provider as it came.
	raw := `{"input":"model openclaw/main is only spoken of",  "model":"gpt-other","x":1.50}`
	h.writeConfig("", "providers:\n  openai: {base_url: "+h.store.Current().Config.Providers["gpt"].BaseURL+"}\n")
	before := len(h.standin.Requests())
	if status, _, answer := h.request(http.MethodPost, "/v1/responses", strings.NewReader(raw)); status != 200 {
		t.Fatal(status, answer)
	}
	if request := h.standin.Requests()[before]; string(request.Body) != raw || request.Path != "/v1/responses" {
		t.Fatalf("%s %s", request.Path, request.Body)
	}
}

// With a user or a session a response goes on where the last one ended, with
// either API.
func TestResponsesInASession(t *testing.T) {
	h := talking(t, newFolder(t), nil)
	if status, _, answer := h.post("/v1/responses", object{"model": "openclaw/main", "user": "ann", "input": "first"}); status != 200 {
		t.Fatal(status, answer)
	}
	if status, _, answer := h.post("/v1/chat/completions", object{"model": "openclaw/main", "user": "ann", "messages": messages{user("second")}}); status != 200 {
		t.Fatal(status, answer)
	}
	status, _, answer := h.post("/v1/responses", object{"model": "openclaw/main", "input": "third", "stream": true}, "X-OpenClaw-Session-Key", "agent:main:openai-user:ann")
	events := responseEvents(t, answer)
	if last := events[len(events)-1]; status != 200 || last.Type != "response.completed" || last.Response.text() != standinSays {
		t.Fatal(status, answer)
	}
	want := []string{"user: first", "assistant: " + standinSays, "user: second", "assistant: " + standinSays, "user: third"}
	if got := sent(t, h.standin.Requests()[2]); !slices.Equal(got[1:], want) {
		t.Fatal(got)
	}
}

func TestResponsesAreRefusedInTheClientsShape(t *testing.T) {
	h := talking(t, newFolder(t), func(o *provider.Options) { o.IdleTimeout = 2 * time.Second })
	ask := func(change object) object {
		body := object{"model": "openclaw/main", "input": "x"}
		maps.Copy(body, change)
		return body
	}
	for _, row := range []struct {
		body    object
		headers []string
		status  int
		text    string
	}{
		{ask(object{"model": "openclaw/nobody"}), nil, 404, "there is no agent nobody"},
		{ask(object{"model": "openclaw/mute"}), nil, 424, "agents.mute.provider"},
		{ask(object{"tools": []object{{"type": "function"}}}), nil, 400, "no tools yet"},
		{ask(object{"previous_response_id": "resp_1"}), nil, 400, "no response is kept"},
		{ask(object{"conversation": "conv_1"}), nil, 400, "no response is kept"},
		{ask(object{"prompt": object{"id": "p"}}), nil, 400, "no stored prompts"},
		{ask(object{"background": true}), nil, 400, "while you wait"},
		{ask(object{"text": object{"format": object{"type": "json_schema"}}}), nil, 400, "answers in text"},
		{ask(object{"max_output_tokens": 0}), nil, 400, "at least 1"},
		{ask(object{"instructions": 7}), nil, 400, "instructions is a text"},
		{ask(object{"input": ""}), nil, 400, "nothing that a user said"},
		{ask(object{"input": messages{}}), nil, 400, "nothing that a user said"},
		{ask(object{"input": nil}), nil, 400, "nothing that a user said"},
		{ask(object{"input": 7}), nil, 400, "a list of messages"},
		{ask(object{"input": messages{{"role": "user", "content": []object{{"type": "input_image"}}}}}), nil, 400, "must be text"},
		{ask(object{"input": messages{{"type": "function_call_output", "output": "x"}}}), nil, 400, "must be a message"},
		{ask(object{"input": messages{{"role": "tool", "content": "x"}}}), nil, 400, "role must be"},
		{ask(object{"stream": "yes"}), nil, 400, "/v1/responses"},
		{ask(nil), []string{"X-OpenClaw-Model", "another"}, 403, "claude-stand-in"},
		{ask(nil), []string{"X-OpenClaw-Session-Key", "agent:coder:main"}, 400, "not that agent's"},
		{ask(nil), []string{"Content-Type", "text/plain"}, 415, "application/json"},
		{ask(nil), []string{"Authorization", "Bearer wrong"}, 401, ""},
		{ask(nil), []string{"Origin", "http://evil.example"}, 403, ""},
	} {
		status, _, answer := h.post("/v1/responses", row.body, row.headers...)
		var told struct {
			Error struct{ Message, Type string }
		}
		if err := json.Unmarshal([]byte(answer), &told); err != nil || status != row.status || !strings.Contains(told.Error.Message, row.text) || told.Error.Type == "" {
			t.Errorf("%v %v: %d %s", row.body, row.headers, status, answer)
		}
	}
	if len(h.standin.Requests()) != 0 {
		t.Fatal("a refused request reached the provider")
	}
	for mode, want := range map[standin.Mode]int{standin.Fail: 500, standin.Overload: 429, standin.EchoKey: 502, standin.Reset: 502} {
		h.standin.SetMode(mode)
		for _, stream := range []bool{false, true} {
			status, _, answer := h.post("/v1/responses", ask(object{"stream": stream}))
			if status != want || !strings.Contains(answer, `"error":`) || strings.Contains(answer, providerKey) {
				t.Errorf("%s: %d %s", mode, status, answer)
			}
		}
	}
	// A stream that broke off does not look like one that ended.
	h.standin.SetMode(standin.Cut)
	_, _, answer := h.post("/v1/responses", ask(object{"stream": true}))
	events := responseEvents(t, answer)
	if last := events[len(events)-1]; last.Type != "response.failed" || last.Response.Status != "failed" || last.Response.Error == nil || last.Response.Error.Code != "server_error" || last.Response.Error.Message == "" || strings.Contains(answer, "response.completed") {
		t.Fatal(answer)
	}
}

// A client that leaves ends the provider's work.
func TestResponseEndsWithItsClient(t *testing.T) {
	h := talking(t, newFolder(t), nil)
	h.standin.SetMode(standin.Endless)
	for i, person := range []string{"", "ann"} {
		body, err := json.Marshal(object{"model": "openclaw/main", "stream": true, "user": person, "input": "talk"})
		if err != nil {
			t.Fatal(err)
		}
		response := h.open(http.MethodPost, "/v1/responses", strings.NewReader(string(body)))
		line, err := bufio.NewReader(response.Body).ReadString('\n')
		if err != nil || line != "event: response.created\n" {
			t.Fatal(line, err)
		}
		response.Body.Close()
		until(t, "the provider's work ends", func() bool { return h.standin.Left() == i+1 })
	}
}

// An answer that the model cut short or that its provider filtered is told as
// what it is, never as a whole one.
func TestAResponseThatIsNotWholeSaysSo(t *testing.T) {
	for reason, want := range map[string]string{"length": "max_output_tokens", "refusal": "content_filter", "content_filter": "content_filter", "stop": ""} {
		for _, stream := range []bool{false, true} {
			w := httptest.NewRecorder()
			out := (&responseRequest{Model: "openclaw", Stream: stream}).answer(w, 7)
			out.text("half")
			out.end(chat.Answer{Text: "half", StopReason: reason}, nil)
			var whole responseBody
			if stream {
				events := responseEvents(t, w.Body.String())
				whole = events[len(events)-1].Response
				if last := events[len(events)-1].Type; last != "response."+whole.Status {
					t.Error(reason, last, whole.Status)
				}
			} else if err := json.Unmarshal(w.Body.Bytes(), &whole); err != nil {
				t.Fatal(err)
			}
			got := ""
			if whole.Incomplete != nil {
				got = whole.Incomplete.Reason
			}
			if got != want || (whole.Status == "completed") != (want == "") || whole.text() != "half" || whole.CreatedAt != 7 {
				t.Errorf("%s: %s", reason, w.Body)
			}
		}
	}
}
