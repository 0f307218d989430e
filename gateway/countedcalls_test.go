package gateway

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"openclaw/gateway/budget"
	"openclaw/gateway/event"
	"openclaw/gateway/provider"
)

// Every way to an agent's model counts as the agent's request, once: a chat over the
// WebSocket, a run of the method agent, and OpenAI's clients over HTTP.
func TestEveryWayToAnAgentsModelIsCounted(t *testing.T) {
	var h *chatHouse
	h = talking(t, newFolder(t), func(o *provider.Options) {
		o.Budget = func(d provider.Demand) (func(provider.Usage), *provider.Overspent) {
			leave, refused := h.EnterBudget(Spending{Agent: d.Agent, Run: d.Run, Provider: d.Provider, Model: d.Model, Demand: budget.Demand{Tokens: d.Estimate(), Cut: d.Cut}})
			if refused != nil {
				return nil, &provider.Overspent{Day: refused.Day, Message: refused.Text + " (" + refused.Key + ")"}
			}
			return func(u provider.Usage) { leave(u.Total()) }, nil
		}
	})
	far := h.store.Current().Config.Providers["claude"].BaseURL
	h.writeConfig("", fmt.Sprintf("\nagents:\n  main: {provider: claude, model: claude-stand-in, budget: {max_requests_per_day: 3}}\nproviders:\n  claude: {base_url: %s, kind: anthropic, api_key: \"${NO_KEY_HERE:-x}\"}\n", far))
	s := h.socket("operator.write")
	used := func() budget.Used { return h.budgets.Load().Used()["agents.main"] }
	var before budget.Used
	for n, way := range []struct {
		name string
		ask  func() string
	}{
		{"chat.send", func() string {
			s.ok("chat.send", object{"sessionKey": "agent:main:one", "message": "hello", "idempotencyKey": "run-1"})
			events := s.chats("run-1")
			return textOf(t, events[len(events)-1].Message)
		}},
		{"agent", func() string {
			s.ok("agent", object{"agentId": "main", "message": "hello", "idempotencyKey": "run-2"})
			s.ok("agent.wait", object{"runId": "run-2"})
			return standinSays
		}},
		{"completions", func() string {
			_, _, answer := h.post("/v1/chat/completions", object{"model": "openclaw/main", "messages": messages{user("hello")}})
			return answer
		}},
	} {
		if said := way.ask(); !strings.Contains(said, standinSays) {
			t.Fatalf("%s: %s", way.name, said)
		}
		until(t, way.name+" is settled", func() bool { return used().Tokens > before.Tokens })
		if before = used(); before.Requests != int64(n+1) {
			t.Fatalf("after %s %d requests are counted, not %d", way.name, before.Requests, n+1)
		}
		until(t, way.name+" is on record", func() bool { return len(h.audited("api_call")) == n+1 })
	}
	// The fourth is one too many, whichever way it goes.
	s.ok("chat.send", object{"sessionKey": "agent:main:one", "message": "hello", "idempotencyKey": "run-4"})
	events := s.chats("run-4")
	if last := events[len(events)-1]; last.State != "error" || len(h.standin.Requests()) != 3 {
		t.Errorf("past the budget: %+v, %d requests", last, len(h.standin.Requests()))
	}
	if status, _, answer := h.post("/v1/chat/completions", object{"model": "openclaw/main", "messages": messages{user("hello")}}); status == http.StatusOK || len(h.standin.Requests()) != 3 {
		t.Errorf("past the budget: %d %s", status, answer)
	}
}

// A model call says on its record which named client's token it came with, whichever
// way it came; one with the gateway's own token names nobody.
func TestCallsOfNamedClientsAreOnRecord(t *testing.T) {
	h := talking(t, newFolder(t), nil)
	own, laptop := h.token, h.addClient("laptop", "operator.write")
	calls := 0
	client := func(what string) any {
		t.Helper()
		calls++
		until(t, what+" is on record", func() bool { return len(h.audited("api_call")) == calls })
		return h.audited("api_call")[calls-1].Details["client"]
	}
	for token, want := range map[string]any{laptop: "laptop", own: nil} {
		h.token = token
		if status, _, answer := h.post("/p/claude/v1/messages", object{"model": "m", "max_tokens": 9, "messages": messages{user("hello")}}); status != http.StatusOK {
			t.Fatalf("%d %s", status, answer)
		}
		if got := client("the pass-through"); got != want {
			t.Errorf("the pass-through's client is %v, not %v", got, want)
		}
		proof := "token"
		if want != nil {
			proof = fmt.Sprint("token of ", want)
		}
		if rows := h.registry.Connections(); !slices.ContainsFunc(rows, func(c event.Connection) bool { return c.Kind == "http" && c.State == "closed" && c.Auth == proof }) {
			t.Errorf("no connection by %q: %+v", proof, rows)
		}
		h.post("/v1/chat/completions", object{"model": "openclaw/main", "messages": messages{user("hello")}})
		if got := client("the completion"); got != want {
			t.Errorf("the completion's client is %v, not %v", got, want)
		}
		run := fmt.Sprint("run of ", want)
		s := h.socket("operator.write")
		s.ok("chat.send", object{"sessionKey": "agent:main:" + fmt.Sprint(want), "message": "hello", "idempotencyKey": run})
		s.chats(run)
		if got := client("the chat"); got != want {
			t.Errorf("the chat's client is %v, not %v", got, want)
		}
	}
	h.token = own
}
