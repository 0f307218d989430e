package gateway

import (
	"bufio"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"openclaw/gateway/provider"
	"openclaw/gateway/provider/standin"
)

// post sends a request as an OpenAI client does.
func (h *chatHouse) post(path string, body any, headers ...string) (status int, header http.Header, answer string) {
	h.t.Helper()
	text, err := json.Marshal(body)
	if err != nil {
		h.t.Fatal(err)
	}
	return h.request(http.MethodPost, path, strings.NewReader(string(text)), headers...)
}

func (h *chatHouse) request(method, path string, body io.Reader, headers ...string) (status int, header http.Header, answer string) {
	h.t.Helper()
	response := h.open(method, path, body, headers...)
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		h.t.Fatal(err)
	}
	return response.StatusCode, response.Header, string(text)
}

func (h *chatHouse) open(method, path string, body io.Reader, headers ...string) *http.Response {
	h.t.Helper()
	request, err := http.NewRequestWithContext(h.t.Context(), method, "http://"+h.Address().String()+path, body)
	if err != nil {
		h.t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Authorization", "Bearer "+h.token)
	for i := 0; i+1 < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		h.t.Fatal(err)
	}
	return response
}

type messages = []object

func user(text string) object { return object{"role": "user", "content": text} }

// An OpenAI client reaches an agent's chat by the model's name: whole and
// streamed, of both kinds of API, and the answer is the agent's provider's.
func TestCompletionsReachAnAgentsChat(t *testing.T) {
	h := talking(t, newFolder(t), nil)
	for model, upstream := range map[string]string{"openclaw/main": "/v1/messages", "agent:coder": "/v1/chat/completions", "openclaw": "/v1/chat/completions"} {
		before := len(h.standin.Requests())
		status, _, answer := h.post("/v1/chat/completions", object{
			"model": model, "max_tokens": 99, "temperature": 0.5,
			"messages": messages{{"role": "system", "content": "be brief"}, user("one"), {"role": "assistant", "content": []object{{"type": "text", "text": "two"}}}, user("three")},
		})
		var whole struct {
			ID, Object, Model string
			Choices           []struct {
				Message      struct{ Role, Content string }
				FinishReason string `json:"finish_reason"`
			}
			Usage struct {
				Total int `json:"total_tokens"`
			}
		}
		if err := json.Unmarshal([]byte(answer), &whole); err != nil || status != 200 || whole.Model != model || whole.Object != "chat.completion" || !strings.HasPrefix(whole.ID, "chatcmpl_") ||
			len(whole.Choices) != 1 || whole.Choices[0].Message.Content != standinSays || whole.Choices[0].FinishReason != "stop" || whole.Usage.Total != 12 {
			t.Fatalf("%s: %d %s", model, status, answer)
		}
		request := h.standin.Requests()[before]
		body := string(request.Body)
		if request.Path != upstream || !strings.Contains(body, `"be brief"`) || !strings.Contains(body, `99`) || !strings.Contains(body, `"temperature":0.5`) || strings.Contains(body, "openclaw") || strings.Contains(body, "agent:") {
			t.Errorf("%s: %s %s", model, request.Path, body)
		}
		status, header, answer := h.post("/v1/chat/completions", object{"model": model, "stream": true, "stream_options": object{"include_usage": true}, "messages": messages{user("x")}})
		events := strings.Split(strings.TrimSuffix(answer, "\n\n"), "\n\n")
		n := len(events)
		if status != 200 || header.Get("Content-Type") != "text/event-stream; charset=utf-8" || n < 5 || !strings.Contains(events[0], `"delta":{"role":"assistant"}`) ||
			!strings.Contains(events[1], `"delta":{"content":"Hello`) || !strings.Contains(events[n-3], `"finish_reason":"stop"`) || !strings.Contains(events[n-2], `"total_tokens":12`) || events[n-1] != "data: [DONE]" {
			t.Errorf("%s: %d %s", model, status, answer)
		}
	}
	until(t, "one record a request", func() bool { return len(h.audited("api_call")) == 6 })
	if call := h.audited("api_call")[0]; call.User == operator || !strings.HasPrefix(call.Details["run"].(string), "chat:chatcmpl_") {
		t.Fatalf("%+v", call)
	}
	// What is not a chat's model goes to the provider as it came.
	raw := `{"messages":[{"role":"user","content":"model openclaw/main is only spoken of"}],  "model":"gpt-other","x":1.50}`
	h.writeConfig("", "providers:\n  openai: {base_url: "+h.store.Current().Config.Providers["gpt"].BaseURL+"}\n")
	before := len(h.standin.Requests())
	if status, _, answer := h.request(http.MethodPost, "/v1/chat/completions", strings.NewReader(raw)); status != 200 {
		t.Fatal(status, answer)
	}
	if body := string(h.standin.Requests()[before].Body); body != raw {
		t.Fatalf("%s", body)
	}
	big := `{"model":"openclaw/main","messages":[{"role":"user","content":"` + strings.Repeat("x", 21<<20) + `"}]}`
	if status, _, answer := h.request(http.MethodPost, "/v1/chat/completions", strings.NewReader(big)); status != 200 {
		t.Fatal(status, answer)
	}
	if body := h.standin.Requests()[before+1].Body; string(body) != big {
		t.Fatalf("%d bytes of %d arrived", len(body), len(big))
	}
}

// An agent does not talk to another one by its model's name: what it says goes to its
// own provider as it came, and its list of models is the provider's.
func TestAnAgentReachesNoChat(t *testing.T) {
	h := talking(t, newFolder(t), nil)
	agent := "Bearer " + h.agents.Mint("coder", "run")
	const raw = `{"model":"openclaw/main","user":"ann","messages":[{"role":"user","content":"x"}]}`
	for _, path := range []string{"/v1/chat/completions", "/v1/responses"} {
		_, _, _ = h.request(http.MethodPost, "/p/gpt"+path, strings.NewReader(raw), "Authorization", agent)
		_, _, _ = h.request(http.MethodPost, path, strings.NewReader(raw), "Authorization", agent)
	}
	if _, _, answer := h.request(http.MethodGet, "/v1/models", nil, "Authorization", agent); strings.Contains(answer, "openclaw/") {
		t.Errorf("the agent's list of models: %s", answer)
	}
	seen := 0
	for _, r := range h.standin.Requests() {
		if r.Path == "/v1/models" {
			continue
		}
		if seen++; string(r.Body) != raw {
			t.Errorf("%s reached the provider with %s", r.Path, r.Body)
		}
	}
	if seen < 2 {
		t.Errorf("%d calls reached the provider: the test shows nothing", seen)
	}
	if list := h.socket("operator.read").ok("sessions.list", object{}); list["totalCount"] != 0.0 {
		t.Errorf("a session is left: %v", list)
	}
}

// By itself a request keeps nothing; with a user or a session it goes on.
func TestCompletionsInASession(t *testing.T) {
	h := talking(t, newFolder(t), nil)
	if status, _, answer := h.post("/v1/chat/completions", object{"model": "openclaw/main", "messages": messages{user("alone")}}); status != 200 {
		t.Fatal(status, answer)
	}
	s := h.socket("operator.read")
	if list := s.ok("sessions.list", object{}); list["totalCount"] != 0.0 {
		t.Fatal(list)
	}
	for i, words := range []string{"first", "second"} {
		status, _, answer := h.post("/v1/chat/completions", object{"model": "openclaw/main", "user": "ann", "stream": i == 1, "messages": messages{user(words)}})
		if status != 200 || !strings.Contains(strings.ReplaceAll(answer, `"},"finish_reason":null`, ""), "Hello") {
			t.Fatal(status, answer)
		}
	}
	requests := h.standin.Requests()
	if got := sent(t, requests[2]); !slices.Equal(got[1:], []string{"user: first", "assistant: " + standinSays, "user: second"}) {
		t.Fatal(got)
	}
	if status, _, answer := h.post("/v1/chat/completions", object{"model": "openclaw/main", "messages": messages{user("third")}}, "X-OpenClaw-Session-Key", "agent:main:openai-user:ann"); status != 200 {
		t.Fatal(status, answer)
	}
	if page := s.ok("chat.history", object{"sessionKey": "agent:main:openai-user:ann"}); page["totalMessages"] != 6.0 {
		t.Fatal(page)
	}
}

func TestCompletionsAreRefusedInTheClientsShape(t *testing.T) {
	h := talking(t, newFolder(t), func(o *provider.Options) { o.IdleTimeout = 2 * time.Second })
	ask := func(change object) object {
		body := object{"model": "openclaw/main", "messages": messages{user("x")}}
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
		{ask(object{"model": "openclaw/"}), nil, 400, "Use `openclaw` or `openclaw/<agentId>`"},
		{ask(object{"tools": []object{{"type": "function"}}}), nil, 400, "no tools yet"},
		{ask(object{"n": 2}), nil, 400, "n must be 1"},
		{ask(object{"messages": messages{}}), nil, 400, "nothing that a user said"},
		{ask(object{"messages": messages{{"role": "user", "content": []object{{"type": "image_url"}}}}}), nil, 400, "must be text"},
		{ask(object{"messages": messages{{"role": "tool", "content": "x"}}}), nil, 400, "role must be"},
		{ask(object{"response_format": object{"type": "json_object"}}), nil, 400, "answers in text"},
		{ask(nil), []string{"X-OpenClaw-Model", "another"}, 403, "claude-stand-in"},
		{ask(nil), []string{"X-OpenClaw-Session-Key", "agent:coder:main"}, 400, "not that agent's"},
		{ask(nil), []string{"Content-Type", "text/plain"}, 415, "application/json"},
		{ask(nil), []string{"Authorization", "Bearer wrong"}, 401, ""},
		{ask(nil), []string{"Origin", "http://evil.example"}, 403, ""},
	} {
		status, _, answer := h.post("/v1/chat/completions", row.body, row.headers...)
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
	for _, row := range []struct {
		mode   standin.Mode
		status int
	}{{standin.Fail, 500}, {standin.Overload, 429}, {standin.EchoKey, 502}, {standin.Reset, 502}} {
		h.standin.SetMode(row.mode)
		for _, stream := range []bool{false, true} {
			status, _, answer := h.post("/v1/chat/completions", ask(object{"stream": stream}))
			if status != row.status || !strings.Contains(answer, `"error":`) || strings.Contains(answer, providerKey) {
				t.Errorf("%s: %d %s", row.mode, status, answer)
			}
		}
	}
	// A stream that broke off does not look like one that ended.
	h.standin.SetMode(standin.Cut)
	_, _, answer := h.post("/v1/chat/completions", ask(object{"stream": true}))
	events := strings.Split(strings.TrimSuffix(answer, "\n\n"), "\n\n")
	if n := len(events); n < 3 || !strings.Contains(events[n-2], `"error":{`) || events[n-1] != "data: [DONE]" || strings.Contains(answer, `"finish_reason":"stop"`) {
		t.Fatal(answer)
	}
}

// A client that leaves ends the provider's work, in a session too.
func TestCompletionEndsWithItsClient(t *testing.T) {
	h := talking(t, newFolder(t), nil)
	h.standin.SetMode(standin.Endless)
	for i, user := range []string{"", "ann"} {
		body, err := json.Marshal(object{"model": "openclaw/main", "stream": true, "user": user, "messages": messages{{"role": "user", "content": "talk"}}})
		if err != nil {
			t.Fatal(err)
		}
		response := h.open(http.MethodPost, "/v1/chat/completions", strings.NewReader(string(body)))
		line, err := bufio.NewReader(response.Body).ReadString('\n')
		if err != nil || !strings.HasPrefix(line, "data: ") {
			t.Fatal(line, err)
		}
		response.Body.Close()
		until(t, "the provider's work ends", func() bool { return h.standin.Left() == i+1 })
	}
}

// The list has the agents' chats in front of the provider's models, or alone.
func TestModelsListTheChats(t *testing.T) {
	h := talking(t, newFolder(t), nil)
	list := func(headers ...string) (ids []string) {
		status, _, answer := h.request(http.MethodGet, "/v1/models", nil, headers...)
		var page struct {
			Object string
			Data   []struct{ ID string }
		}
		if err := json.Unmarshal([]byte(answer), &page); err != nil || status != 200 || page.Object != "list" {
			t.Fatal(status, answer, err)
		}
		for _, entry := range page.Data {
			ids = append(ids, entry.ID)
		}
		return ids
	}
	ours := []string{"openclaw", "openclaw/default", "openclaw/coder", "openclaw/main", "openclaw/mute"}
	if got := list(); !slices.Equal(got, ours) {
		t.Fatal(got)
	}
	if status, _, answer := h.request(http.MethodGet, "/v1/models/openclaw/main", nil); status != 200 || !strings.Contains(answer, `"id":"openclaw/main"`) {
		t.Fatal(status, answer)
	}
	if status, _, _ := h.request(http.MethodGet, "/v1/models/openclaw/nobody", nil); status != 404 {
		t.Fatal(status)
	}
	base := h.store.Current().Config.Providers["gpt"].BaseURL
	h.writeConfig("", "agents:\n  main: {command: [\"true\"]}\nproviders:\n  openai: {base_url: "+base+"}\n  anthropic: {base_url: "+base+"}\n")
	if got := list(); !slices.Equal(got, []string{"openclaw", "openclaw/default", "openclaw/main", "claude-stand-in"}) {
		t.Fatal(got)
	}
	if status, _, answer := h.request(http.MethodGet, "/v1/models?limit=1000", nil, "Anthropic-Version", "2023-06-01"); status == 200 && strings.Contains(answer, "openclaw") {
		t.Fatal(answer)
	}
	if status, _, answer := h.request(http.MethodGet, "/v1/models", nil, "Authorization", "Bearer wrong"); status != 401 || !strings.Contains(answer, `"error"`) {
		t.Fatal(status, answer)
	}
	if err := errors.Join(h.stop()); err != nil {
		t.Fatal(err)
	}
}
