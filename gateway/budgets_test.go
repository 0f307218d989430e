package gateway

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"openclaw/configs"
	"openclaw/gateway/budget"
	"openclaw/sandbox/policy"
)

const budgetConfig = "\nagents:\n  coder:\n    budget: {max_requests_per_day: 2, allowed_models: [good*]}\n  reviewer: {}\nproviders:\n  anthropic:\n    budget: {max_tokens_per_day: 1000}\n"

func spending(agent, model string) Spending {
	return Spending{Agent: agent, Run: "r", Provider: "anthropic", Model: model, Demand: budget.Demand{
		Asked: func() ([]string, bool, error) { return []string{model}, false, nil }, Cut: func(error) {},
	}}
}

// The config's budgets hold from the moment that it is saved, also for what is
// under way; each refusal is a denial and on record; and a restart gives nothing
// back.
func TestBudgetsOfTheConfig(t *testing.T) {
	h := start(t, "")
	cut := make(chan error, 1)
	early := spending("coder", "bad")
	early.Cut = func(reason error) { cut <- reason }
	if _, refused := h.EnterBudget(early); refused != nil {
		t.Fatal(refused)
	}
	h.writeConfig("", budgetConfig)
	if reason := <-cut; !strings.Contains(reason.Error(), "agents.coder.budget.allowed_models") {
		t.Fatal(reason)
	}
	leave, refused := h.EnterBudget(spending("coder", "good-1"))
	if refused != nil {
		t.Fatal(refused)
	}
	leave(999)
	for want, s := range map[string]Spending{
		"agents.coder.budget.allowed_models":       spending("coder", "bad"),
		"agents.coder.budget.max_requests_per_day": spending("coder", "good-1"),
	} {
		if _, refused := h.EnterBudget(s); refused == nil || refused.Key != want {
			t.Fatalf("%+v, want %s", refused, want)
		}
	}
	if leave, refused = h.EnterBudget(spending("", "any")); refused != nil {
		t.Fatal("the operator has no agent's budget:", refused)
	}
	leave(1)
	for _, agent := range []string{"", "reviewer"} {
		if _, refused := h.EnterBudget(spending(agent, "any")); refused == nil || refused.Key != "providers.anthropic.budget.max_tokens_per_day" {
			t.Fatalf("%q: %+v", agent, refused)
		}
	}
	until(t, "the denials are shown", func() bool {
		return len(h.registry.Denials("coder", 0)) == 2 && len(h.registry.Denials("reviewer", 0)) == 1
	})
	for _, d := range h.registry.Denials("coder", 0) {
		if d.Class != policy.ClassLimit || d.Mechanism != "budget" || !strings.HasPrefix(d.Target, "anthropic ") || !strings.HasPrefix(d.Rule, "agents.coder.budget.") || d.Run != "r" {
			t.Errorf("%+v", d)
		}
	}
	denied := 0
	for _, e := range h.audited("authorization") {
		if e.Result == "denied" && strings.Contains(e.Reason, ".budget.") && strings.HasPrefix(e.Target, "anthropic ") {
			denied++
		}
	}
	if denied != 4 {
		t.Errorf("%d of 4 refusals are audited", denied)
	}

	if err := h.stop(); err != nil {
		t.Fatal(err)
	}
	again := build(t, h.layout, h.store.Current().Config.Gateway.Port, "", nil)
	again.writeConfig("", budgetConfig)
	again.run()
	if _, refused := again.EnterBudget(spending("coder", "good-1")); refused == nil || !refused.Day {
		t.Errorf("after a restart: %+v", refused)
	}
}

// An agent in a loop is refused thousands of times and leaves a few lines; how
// many they were is on record all the same.
func TestAFloodPastABudgetIsCounted(t *testing.T) {
	h := start(t, "")
	h.writeConfig("", budgetConfig)
	const flood = 3000
	for range flood {
		if _, refused := h.EnterBudget(spending("coder", "bad")); refused == nil {
			t.Fatal("let in")
		}
	}
	if err := h.stop(); err != nil {
		t.Fatal(err)
	}
	counted := 0
	entries := h.audited("authorization")
	for _, e := range entries {
		if n, is := e.Details["count"].(int); is {
			counted += n
		}
	}
	if len(entries) > refusalsAtOnce+100 || counted != flood {
		t.Errorf("%d records count %d of %d", len(entries), counted, flood)
	}
}

// A file of budgets that cannot be read stops the start, and says what to do.
func TestBrokenBudgetsFile(t *testing.T) {
	for _, text := range []string{"{", `{"day":"tomorrow"}`, `[]`} {
		layout := configs.Layout{Root: filepath.Join(shortDir(t), "s")}
		h := build(t, layout, freePort(t), "", nil)
		if err := os.WriteFile(layout.Budgets(), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		err := h.Run(context.WithoutCancel(t.Context()))
		if err == nil || !strings.Contains(err.Error(), "budgets.json") {
			t.Errorf("%s: %v", text, err)
		}
	}
}
