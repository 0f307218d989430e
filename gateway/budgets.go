package gateway

import (
	"context"
	"encoding/json"
	"log/slog"
	"sync"
	"time"

	"openclaw/configs"
	"openclaw/gateway/budget"
	"openclaw/gateway/event"
	"openclaw/sandbox/policy"
)

// maxBudgetsFile is more than the accounts of the largest config.
const maxBudgetsFile = 1 << 20

// openBudgets reads what was used today before this start. A file that cannot be
// read is an error: a gateway that forgot it would give the day's budgets again.
func (g *Gateway) openBudgets() error {
	path := g.deps.Layout.Budgets()
	file := stateFile{path, "budgets", maxBudgetsFile, "mend the file, or remove it to begin the day's budgets anew"}
	var saved budget.State
	there, err := file.read(&saved)
	if err != nil {
		return err
	}
	if there {
		if _, err := time.Parse(time.DateOnly, saved.Day); err != nil {
			return file.fail(err)
		}
	}
	g.budgets.Store(budget.New(saved, g.deps.Now, func(state budget.State) error {
		text, err := json.MarshalIndent(state, "", "  ")
		if err != nil {
			return err
		}
		return configs.ReplaceFile(path, append(text, '\n'))
	}))
	return nil
}

// saveBudgets keeps what is used until ctx ends.
func (g *Gateway) saveBudgets(ctx context.Context) {
	_ = g.budgets.Load().Run(ctx, func(err error) { // its error is ctx's
		g.log.Error("what was used of the budgets could not be written", slog.Any("error", err))
		g.notice("error", "what was used of the budgets could not be written, and a restart would forget it: "+err.Error())
	})
}

func limitsOf(b configs.Budget) budget.Limits {
	return budget.Limits{
		RequestsPerMinute: b.RequestsPerMinute, RequestsPerDay: b.RequestsPerDay, TokensPerDay: b.TokensPerDay, Calls: b.ConcurrentCalls, Models: b.AllowedModels,
	}
}

// bounds are the accounts of a call. An empty agent is the operator, who has none.
func bounds(config *configs.Config, agent, provider string) []budget.Bound {
	var out []budget.Bound
	if agent != "" {
		out = append(out, budget.Bound{Account: configs.NamedKey("agents", agent), Limits: limitsOf(config.Agents[agent].Budget)})
	}
	return append(out, budget.Bound{Account: configs.NamedKey("providers", provider), Limits: limitsOf(config.Providers[provider].Budget)})
}

// recheckBudgets ends what is under way and may not be any more.
func (g *Gateway) recheckBudgets(config *configs.Config) {
	limits := map[string]budget.Limits{}
	for name := range config.Agents {
		limits[configs.NamedKey("agents", name)] = limitsOf(config.Agents[name].Budget)
	}
	for name := range config.Providers {
		limits[configs.NamedKey("providers", name)] = limitsOf(config.Providers[name].Budget)
	}
	g.budgets.Load().Recheck(func(account string) budget.Limits { return limits[account] })
}

// Spending is a model call that asks the budgets for room.
type Spending struct {
	Agent    string // empty: the operator
	Run      string
	Provider string
	Model    string // for the record; may be empty
	budget.Demand
}

// EnterBudget lets a model call in, and leave is called once with the tokens that
// it cost; or it refuses it, and puts that on record.
func (g *Gateway) EnterBudget(s Spending) (leave func(tokens int64), refused *budget.Refusal) {
	snapshot := g.deps.Config.Current()
	call, refused := g.budgets.Load().Enter(bounds(snapshot.Config, s.Agent, s.Provider), s.Demand)
	if refused != nil {
		g.overspent.refused(g, s, refused)
		return nil, refused
	}
	if now := g.deps.Config.Current(); now != snapshot {
		g.recheckBudgets(now.Config) // it may have come in when those under way had been looked through
	}
	return call.Leave, nil
}

// overspent bounds the trace that refused calls leave, for each agent: one in a
// loop is refused thousands of times a second. It is safe for concurrent use.
type overspent struct {
	mu     sync.Mutex // guards agents
	agents map[string]*overspentAgent
}

type overspentAgent struct {
	room *traces
	last event.Denial
}

func newOverspent() *overspent { return &overspent{agents: map[string]*overspentAgent{}} }

func (o *overspent) refused(g *Gateway, s Spending, refusal *budget.Refusal) {
	d := event.Denial{
		Agent: s.Agent, Run: s.Run, Class: policy.ClassLimit, Operation: "model call", Target: short(s.Provider + " " + s.Model), Rule: refusal.Key + ": " + refusal.Text, Mechanism: mechanismBudget, Count: 1,
	}
	if s.Agent == "" {
		d.Agent = operator
	}
	o.mu.Lock()
	of := o.agents[d.Agent]
	if of == nil {
		of = &overspentAgent{room: newTraces(g.deps.Now)}
		o.agents[d.Agent] = of
	}
	of.last = d
	o.mu.Unlock()
	before, ok := of.room.take()
	if !ok {
		return
	}
	d.Count += before
	_ = g.registry.Deny(context.Background(), d) // a failure has been told
}

// tell puts those that left no trace so far on record.
func (o *overspent) tell(g *Gateway) {
	var rows []event.Denial
	o.mu.Lock()
	for _, of := range o.agents {
		if n := of.room.left(); n > 0 {
			of.last.Count = n
			rows = append(rows, of.last)
		}
	}
	o.mu.Unlock()
	if len(rows) > 0 {
		_ = g.registry.Deny(context.Background(), rows...) // as above
	}
}

// mechanismBudget is what refuses a call past a budget.
const mechanismBudget = "budget"
