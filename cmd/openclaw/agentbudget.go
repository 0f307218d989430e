package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"openclaw/configs"
	"openclaw/gateway/budget"
)

// showBudget prints what an agent may use of model providers, and what it has used
// today as far as the gateway has written it down, which it does every few seconds.
func (t *terminal) showBudget(agent string) error {
	layout, err := t.layout()
	if err != nil {
		return err
	}
	snapshot, err := t.loadConfig()
	if err != nil {
		return err
	}
	lines := budgetWords(snapshot.Config.Agents[agent].Budget, usedToday(layout, configs.NamedKey("agents", agent)))
	for i, line := range lines {
		label := "budget"
		if i > 0 {
			label = ""
		}
		t.print("%-10s %s", label, printable(line))
	}
	return nil
}

// maxBudgetsFile bounds what is read of the gateway's file, in bytes.
const maxBudgetsFile = 1 << 20

// usedToday is nothing where the file is not there or another day's.
func usedToday(layout configs.Layout, account string) budget.Used {
	file, err := os.Open(layout.Budgets())
	if err != nil {
		return budget.Used{}
	}
	defer file.Close()
	var state budget.State
	if json.NewDecoder(io.LimitReader(file, maxBudgetsFile)).Decode(&state) != nil || state.Day != time.Now().Format(time.DateOnly) {
		return budget.Used{}
	}
	return state.Accounts[account]
}

// budgetWords says each bound in a line.
func budgetWords(b configs.Budget, used budget.Used) []string {
	var lines []string
	add := func(bounded bool, format string, values ...any) {
		if bounded {
			lines = append(lines, fmt.Sprintf(format, values...))
		}
	}
	add(b.TokensPerDay > 0, "%d tokens a day, %d used today", b.TokensPerDay, used.Tokens)
	add(b.RequestsPerDay > 0, "%d requests a day, %d used today", b.RequestsPerDay, used.Requests)
	add(b.RequestsPerMinute > 0, "%d requests a minute", b.RequestsPerMinute)
	add(b.ConcurrentCalls > 0, "%d calls at the same time", b.ConcurrentCalls)
	add(b.AllowedModels != nil && len(b.AllowedModels) == 0, "no model")
	add(len(b.AllowedModels) > 0, "models %s", strings.Join(b.AllowedModels, ", "))
	if len(lines) == 0 {
		lines = append(lines, fmt.Sprintf("no bound; %d tokens and %d requests used today", used.Tokens, used.Requests))
	}
	return lines
}
