package budget

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"
)

type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

func noon() *clock { return &clock{now: time.Date(2026, 11, 28, 12, 0, 0, 0, time.Local)} }

func asks(models ...string) Demand {
	return Demand{Asked: func() ([]string, bool, error) { return models, false, nil }, Cut: func(error) {}}
}

func one(limits Limits) []Bound { return []Bound{{Account: "agents.coder", Limits: limits}} }

// Each limit lets in as many as it says and names its key when it refuses.
func TestLimits(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		limits Limits
		tokens int64 // of each call
		hold   bool  // the calls go on
		in     int
		key    string
		day    bool
	}{
		"requests a minute":   {Limits{RequestsPerMinute: 3}, 0, false, 3, "agents.coder.budget.max_requests_per_minute", false},
		"requests a day":      {Limits{RequestsPerDay: 4}, 0, false, 4, "agents.coder.budget.max_requests_per_day", true},
		"tokens a day":        {Limits{TokensPerDay: 100}, 40, false, 3, "agents.coder.budget.max_tokens_per_day", true},
		"calls at once":       {Limits{Calls: 2}, 0, true, 2, "agents.coder.budget.max_concurrent_calls", false},
		"tokens on their way": {Limits{TokensPerDay: 100}, 0, true, 10, "agents.coder.budget.max_tokens_per_day", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := New(State{}, noon().Now, nil)
			for i := range 20 {
				demand := asks("m")
				demand.Tokens = 10
				call, refusal := b.Enter(one(row.limits), demand)
				if (refusal == nil) != (i < row.in) {
					t.Fatalf("call %d: %v", i, refusal)
				}
				if refusal != nil {
					if refusal.Key != row.key || refusal.Day != row.day || refusal.Retry <= 0 || refusal.Model {
						t.Fatalf("%+v", refusal)
					}
					continue
				}
				if !row.hold {
					call.Leave(row.tokens)
					call.Leave(1000) // a second one counts nothing
				}
			}
		})
	}
}

// A call that one account refuses counts in none of them.
func TestAllOrNone(t *testing.T) {
	t.Parallel()
	c := noon()
	b := New(State{}, c.Now, nil)
	both := []Bound{{"agents.coder", Limits{RequestsPerMinute: 2}}, {"providers.anthropic", Limits{RequestsPerDay: 1}}}
	if _, refusal := b.Enter(both, asks("m")); refusal != nil {
		t.Fatal(refusal)
	}
	for range 10 {
		if _, refusal := b.Enter(both, asks("m")); refusal == nil || !strings.HasPrefix(refusal.Key, "providers.anthropic.") {
			t.Fatal(refusal)
		}
	}
	if _, refusal := b.Enter(both[:1], asks("m")); refusal != nil {
		t.Fatal("the agent's minute was used by calls that were refused:", refusal)
	}
	minutes := []Bound{{"agents.a", Limits{RequestsPerMinute: 2}}, {"providers.p", Limits{RequestsPerMinute: 1}}}
	for i := range 5 {
		if _, refusal := b.Enter(minutes, asks("m")); (refusal == nil) != (i == 0) {
			t.Fatal(i, refusal)
		}
	}
	if _, refusal := b.Enter(minutes[:1], asks("m")); refusal != nil {
		t.Fatal("a minute that another account refused was kept:", refusal)
	}
}

// A day ends at midnight; a clock that goes back begins none; a wrong clock does
// not shut anybody out for ever.
func TestDays(t *testing.T) {
	t.Parallel()
	c := noon()
	b := New(State{}, c.Now, nil)
	enter := func() *Refusal {
		call, refusal := b.Enter(one(Limits{RequestsPerDay: 1}), asks("m"))
		if refusal == nil {
			call.Leave(0)
		}
		return refusal
	}
	if refusal := enter(); refusal != nil {
		t.Fatal(refusal)
	}
	refusal := enter()
	if refusal == nil || refusal.Retry != 12*time.Hour {
		t.Fatalf("%+v", refusal)
	}
	c.add(-13 * time.Hour) // the day before
	if enter() == nil {
		t.Fatal("a clock that went back began a new day")
	}
	c.add(25 * time.Hour)
	if refusal := enter(); refusal != nil {
		t.Fatal("midnight began no new day:", refusal)
	}
	c.add(20 * 365 * 24 * time.Hour)
	_ = enter()
	c.add(-20 * 365 * 24 * time.Hour)
	if refusal := enter(); refusal != nil {
		t.Fatal("a clock that was wrong once shuts everybody out:", refusal)
	}
}

// The minute refills; a limit that the config changes holds from the next call on.
func TestMinuteAndChange(t *testing.T) {
	t.Parallel()
	c := noon()
	b := New(State{}, c.Now, nil)
	enter := func(n int) *Refusal {
		call, refusal := b.Enter(one(Limits{RequestsPerMinute: n}), asks("m"))
		if refusal == nil {
			call.Leave(0)
		}
		return refusal
	}
	for range 6 {
		if refusal := enter(6); refusal != nil {
			t.Fatal(refusal)
		}
	}
	refusal := enter(6)
	if refusal == nil || refusal.Retry <= 0 || refusal.Retry > 10*time.Second {
		t.Fatalf("%+v", refusal)
	}
	c.add(refusal.Retry)
	if refusal := enter(6); refusal != nil {
		t.Fatal(refusal)
	}
	if enter(6) == nil {
		t.Fatal("more than its rate")
	}
	if refusal := enter(0); refusal != nil {
		t.Fatal("without a limit:", refusal)
	}
	c.add(time.Minute)
	for range 2 {
		if refusal := enter(2); refusal != nil {
			t.Fatal(refusal)
		}
	}
	if enter(2) == nil {
		t.Fatal("a smaller limit did not hold")
	}
}

// Models are judged by every account; what cannot be judged is refused where it
// matters and nowhere else.
func TestModels(t *testing.T) {
	t.Parallel()
	b := New(State{}, noon().Now, nil)
	agent, provider := Bound{"agents.coder", Limits{Models: []string{"claude-*", "gpt-5"}}}, Bound{"providers.p", Limits{Models: []string{"*-small", "gpt-5"}}}
	unknown := Demand{Unknown: true, Cut: func(error) {}, Asked: func() ([]string, bool, error) { t.Error("asked"); return nil, false, nil }}
	broken := Demand{Asked: func() ([]string, bool, error) { return nil, false, errors.New("not judged") }}
	later := Demand{Asked: func() ([]string, bool, error) { return []string{"gpt-5"}, true, nil }}
	for name, row := range map[string]struct {
		bounds []Bound
		demand Demand
		key    string // of the refusal; empty: let in
	}{
		"both allow":             {[]Bound{agent, provider}, asks("claude-small"), ""},
		"the agent's does not":   {[]Bound{agent, provider}, asks("gpt-small"), "agents.coder.budget.allowed_models"},
		"the provider's":         {[]Bound{agent, provider}, asks("claude-large"), "providers.p.budget.allowed_models"},
		"one of several":         {[]Bound{agent}, asks("gpt-5", "gpt-6"), "agents.coder.budget.allowed_models"},
		"none is named":          {[]Bound{agent}, asks(), ""},
		"no model is allowed":    {one(Limits{Models: []string{}}), asks("m"), "agents.coder.budget.allowed_models"},
		"not to be judged":       {[]Bound{agent}, broken, "agents.coder.budget.allowed_models"},
		"a path of the config":   {one(Limits{TokensPerDay: 5}), unknown, "agents.coder.budget.max_tokens_per_day"},
		"it does not matter":     {one(Limits{RequestsPerDay: 5}), unknown, ""},
		"in the background":      {one(Limits{TokensPerDay: 5}), later, "agents.coder.budget.max_tokens_per_day"},
		"background, no tokens":  {[]Bound{agent}, later, ""},
		"background, the second": {[]Bound{agent, {"providers.q", Limits{TokensPerDay: 5}}}, later, "providers.q.budget.max_tokens_per_day"},
	} {
		if _, refusal := b.Enter(row.bounds, row.demand); (refusal == nil) != (row.key == "") || refusal != nil && (refusal.Key != row.key || !refusal.Model) {
			t.Errorf("%s: %+v", name, refusal)
		}
	}
	for pattern, row := range map[string]map[string]bool{
		"a": {"a": true, "b": false, "aa": false}, "*": {"": true, "x": true}, "a*": {"a": true, "ab": true, "ba": false}, "*a": {"a": true, "ba": true, "ab": false},
		"a*b*c": {"abc": true, "axxbyyc": true, "acb": false, "ab": false}, "ab*ba": {"aba": false, "abba": true},
	} {
		for model, want := range row {
			if Matches(pattern, model) != want {
				t.Errorf("%q matches %q: %v", pattern, model, !want)
			}
		}
	}
}

// A call under way ends when its model is not allowed any more, also when nothing
// bounded it before; others go on.
func TestRecheck(t *testing.T) {
	t.Parallel()
	b := New(State{}, noon().Now, nil)
	cut := map[string]error{}
	for _, model := range []string{"good", "bad"} {
		demand := asks(model)
		demand.Cut = func(reason error) { cut[model] = reason }
		if _, refusal := b.Enter(one(Limits{}), demand); refusal != nil {
			t.Fatal(refusal)
		}
	}
	b.Recheck(func(string) Limits { return Limits{RequestsPerDay: 1, TokensPerDay: 1} })
	if len(cut) != 0 {
		t.Fatal("cut for a number:", cut)
	}
	b.Recheck(func(string) Limits { return Limits{Models: []string{"good"}} })
	if len(cut) != 1 || cut["bad"] == nil || !strings.Contains(cut["bad"].Error(), "agents.coder.budget.allowed_models") {
		t.Fatal(cut)
	}
}

// What was used today is there again after a restart.
func TestRestart(t *testing.T) {
	t.Parallel()
	c := noon()
	var kept []byte
	fail := true
	b := New(State{}, c.Now, func(s State) error {
		if fail {
			fail = false
			return errors.New("disk full")
		}
		var err error
		kept, err = json.Marshal(s)
		return err
	})
	call, refusal := b.Enter(one(Limits{TokensPerDay: 100}), asks("m"))
	if refusal != nil {
		t.Fatal(refusal)
	}
	call.Leave(99)
	failures := 0
	for range 2 { // the first save fails, and nothing is forgotten
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := b.Run(ctx, func(error) { failures++ }); err != nil {
			t.Fatal(err)
		}
	}
	var state State
	if err := json.Unmarshal(kept, &state); err != nil || failures != 1 {
		t.Fatal(err, failures)
	}
	again := New(state, c.Now, nil)
	if used := again.Used()["agents.coder"]; used != (Used{Requests: 1, Tokens: 99}) {
		t.Fatal(used)
	}
	if call, refusal = again.Enter(one(Limits{TokensPerDay: 100}), asks("m")); refusal != nil {
		t.Fatal(refusal)
	}
	call.Leave(1)
	if _, refusal = again.Enter(one(Limits{TokensPerDay: 100}), asks("m")); refusal == nil {
		t.Fatal("a restart gave tokens back")
	}
	c.add(24 * time.Hour)
	if used := again.Used(); len(used) != 0 {
		t.Fatal(used)
	}
}

// However many come at the same time, not one more gets in, and all is given back.
func TestMany(t *testing.T) {
	t.Parallel()
	b := New(State{}, noon().Now, nil)
	var group sync.WaitGroup
	var mu sync.Mutex
	var in []*Call
	for range 200 {
		group.Go(func() {
			if call, refusal := b.Enter(one(Limits{Calls: 7, RequestsPerDay: 1000}), asks("m")); refusal == nil {
				mu.Lock()
				in = append(in, call)
				mu.Unlock()
			}
		})
	}
	group.Wait()
	if len(in) != 7 {
		t.Fatalf("%d of 7 got in", len(in))
	}
	for _, call := range in {
		group.Go(func() { call.Leave(3) })
	}
	group.Wait()
	if used := b.Used()["agents.coder"]; used != (Used{Requests: 7, Tokens: 21}) || len(b.live) != 0 || b.accounts["agents.coder"].calls != 0 || b.accounts["agents.coder"].reserved != 0 {
		t.Fatalf("%+v, %d live, %+v", used, len(b.live), b.accounts["agents.coder"])
	}
}
