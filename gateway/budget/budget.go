package budget

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// Limits bound one account. Zero is no bound.
type Limits struct {
	RequestsPerMinute int // the burst is the same number
	RequestsPerDay    int
	TokensPerDay      int64
	Calls             int      // at the same time
	Models            []string // patterns, * is any text; nil: every model; empty: none
}

// Bound is an account with what binds it.
type Bound struct {
	Account string // "agents.coder", "providers.anthropic": where the config has its budget
	Limits  Limits
}

// The keys of a budget in the config.
const (
	KeyRequestsPerMinute = "max_requests_per_minute"
	KeyRequestsPerDay    = "max_requests_per_day"
	KeyTokensPerDay      = "max_tokens_per_day" //nolint:gosec // a key of the config, and no secret
	KeyCalls             = "max_concurrent_calls"
	KeyModels            = "allowed_models"
)

// Demand is what a call asks for.
type Demand struct {
	Tokens  int64 // that its request alone costs, as estimated; they count while it is under way
	Unknown bool  // its model and its cost cannot be known
	// Asked reads the models that it names, and whether its answer comes by
	// another call; it is asked only where that matters.
	Asked func() (models []string, deferred bool, err error)
	Cut   func(reason error) // ends it; called without a lock
}

// Refusal is why a call is not let in.
type Refusal struct {
	Key     string        // of the config: "agents.coder.budget.max_tokens_per_day"
	Text    string        // for a person
	Retry   time.Duration // until there may be room; 0 is not known
	Day     bool          // there is room again tomorrow
	Model   bool          // it is not about a number
	Unknown bool          // it could not be judged
}

func (r *Refusal) Error() string { return r.Text + ": " + r.Key }

// Used is what an account has used today.
type Used struct {
	Requests int64 `json:"requests"`
	Tokens   int64 `json:"tokens"`
}

type account struct {
	Used
	calls    int   // under way
	reserved int64 // tokens of the requests under way
	minute   *rate.Limiter
}

// Budgets are the accounts.
type Budgets struct {
	now  func() time.Time
	save func(State) error

	mu       sync.Mutex // guards the fields below
	day      string
	date     [3]int // year, month and day of the day, once it was today
	accounts map[string]*account
	live     map[*Call]struct{}
	dirty    bool
}

// State is what is kept over a restart.
type State struct {
	Day      string          `json:"day"` // 2006-01-02
	Accounts map[string]Used `json:"accounts"`
}

const dayForm = "2006-01-02"

// New returns budgets that go on with what was saved. save may be nil; it is
// called by Run, one call at a time. A nil now is time.Now.
func New(saved State, now func() time.Time, save func(State) error) *Budgets {
	if now == nil {
		now = time.Now
	}
	if save == nil {
		save = func(State) error { return nil }
	}
	b := &Budgets{now: now, save: save, day: saved.Day, accounts: map[string]*account{}, live: map[*Call]struct{}{}}
	for name, used := range saved.Accounts {
		b.accounts[name] = &account{Used: Used{Requests: max(used.Requests, 0), Tokens: max(used.Tokens, 0)}}
	}
	return b
}

// Call is one call under way.
type Call struct {
	all    *Budgets
	bounds []Bound
	demand Demand
	models []string // that it names; nil: nobody asked
}

// Enter lets a call in, and counts it, or says why not. The caller calls Leave
// once on the call.
func (b *Budgets) Enter(bounds []Bound, demand Demand) (*Call, *Refusal) {
	call := &Call{all: b, bounds: bounds, demand: demand}
	if refusal := call.judge(); refusal != nil {
		return nil, refusal
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	now := b.turn()
	for _, bound := range bounds {
		if refusal := b.room(bound, now); refusal != nil {
			return nil, refusal
		}
	}
	for i, bound := range bounds {
		if refusal := b.minute(bound, now); refusal != nil {
			for _, taken := range bounds[:i] {
				b.giveMinute(taken, now)
			}
			return nil, refusal
		}
	}
	for _, bound := range bounds {
		of := b.of(bound.Account)
		of.Requests++
		of.calls++
		of.reserved += demand.Tokens
	}
	b.live[call], b.dirty = struct{}{}, true
	return call, nil
}

// Leave ends the call, which cost tokens.
func (c *Call) Leave(tokens int64) {
	b := c.all
	b.mu.Lock()
	defer b.mu.Unlock()
	if _, entered := b.live[c]; !entered {
		return
	}
	delete(b.live, c)
	b.turn()
	for _, bound := range c.bounds {
		of := b.of(bound.Account)
		of.calls--
		of.reserved -= c.demand.Tokens
		of.Tokens += max(tokens, 0)
	}
	b.dirty = true
}

// judge asks whether every account allows what the call names.
func (c *Call) judge() *Refusal {
	asked, deferred := false, false
	for _, bound := range c.bounds {
		models, tokens := bound.Limits.Models != nil, bound.Limits.TokensPerDay > 0
		if !models && !tokens {
			continue
		}
		key := KeyModels
		if !models {
			key = KeyTokensPerDay
		}
		key = bound.Account + ".budget." + key
		if c.demand.Unknown {
			return &Refusal{Key: key, Unknown: true, Model: true, Text: "what this path costs and which model it uses cannot be known, and a budget bounds that"}
		}
		if !asked {
			var err error
			if c.models, deferred, err = c.demand.Asked(); err != nil {
				return &Refusal{Key: key, Unknown: true, Model: true, Text: err.Error()}
			}
			asked = true
		}
		if tokens && deferred {
			return &Refusal{Key: bound.Account + ".budget." + KeyTokensPerDay, Unknown: true, Model: true, Text: "an answer in the background does not say what it costs; ask without it"}
		}
		if refusal := bound.refuses(c.models); refusal != nil {
			return refusal
		}
	}
	return nil
}

// refuses says which of the models an account does not allow.
func (b Bound) refuses(models []string) *Refusal {
	if b.Limits.Models == nil {
		return nil
	}
	for _, model := range models {
		if !slices.ContainsFunc(b.Limits.Models, func(pattern string) bool { return Matches(pattern, model) }) {
			return &Refusal{Key: b.Account + ".budget." + KeyModels, Model: true, Text: "the model " + short(model) + " is not allowed"}
		}
	}
	return nil
}

// short bounds what a client's name for a model takes in a sentence.
func short(model string) string {
	if len(model) > 64 {
		model = strings.ToValidUTF8(model[:64], "") + "…"
	}
	return model
}

// Matches reports whether a model has the name of a pattern, in which * is any
// text.
func Matches(pattern, model string) bool {
	parts := strings.Split(pattern, "*")
	if len(parts) == 1 {
		return pattern == model
	}
	rest, found := strings.CutPrefix(model, parts[0])
	if !found {
		return false
	}
	for _, part := range parts[1 : len(parts)-1] {
		_, after, found := strings.Cut(rest, part)
		if !found {
			return false
		}
		rest = after
	}
	return strings.HasSuffix(rest, parts[len(parts)-1])
}

// turn begins a new day when it is one; b.mu is held.
func (b *Budgets) turn() time.Time {
	now := b.now()
	year, month, day := now.Date()
	date := [...]int{year, int(month), day}
	if b.date == date {
		return now
	}
	today := now.Format(dayForm)
	// A clock that went back by more than a time zone was wrong before.
	if today > b.day || b.day > now.AddDate(0, 0, 1).Format(dayForm) {
		b.day, b.dirty = today, true
		for name, of := range b.accounts {
			of.Used = Used{}
			if of.calls == 0 && of.minute == nil {
				delete(b.accounts, name)
			}
		}
	}
	if today == b.day {
		b.date = date
	}
	return now
}

func (b *Budgets) of(name string) *account {
	of := b.accounts[name]
	if of == nil {
		of = &account{}
		b.accounts[name] = of
	}
	return of
}

// room asks for everything but the minute; b.mu is held.
func (b *Budgets) room(bound Bound, now time.Time) *Refusal {
	of, limits, key := b.of(bound.Account), bound.Limits, bound.Account+".budget."
	tomorrow := func() time.Duration {
		year, month, day := now.Date()
		return time.Date(year, month, day+1, 0, 0, 0, 0, now.Location()).Sub(now)
	}
	switch {
	case limits.RequestsPerDay > 0 && of.Requests >= int64(limits.RequestsPerDay):
		return &Refusal{Key: key + KeyRequestsPerDay, Day: true, Retry: tomorrow(), Text: fmt.Sprintf("all %d requests of today are used", limits.RequestsPerDay)}
	case limits.TokensPerDay > 0 && of.Tokens >= limits.TokensPerDay:
		return &Refusal{Key: key + KeyTokensPerDay, Day: true, Retry: tomorrow(), Text: fmt.Sprintf("all %d tokens of today are used", limits.TokensPerDay)}
	case limits.TokensPerDay > 0 && of.calls > 0 && of.Tokens+of.reserved >= limits.TokensPerDay:
		return &Refusal{Key: key + KeyTokensPerDay, Retry: time.Second, Text: fmt.Sprintf("the calls under way use what is left of the %d tokens of today", limits.TokensPerDay)}
	case limits.Calls > 0 && of.calls >= limits.Calls:
		return &Refusal{Key: key + KeyCalls, Retry: time.Second, Text: fmt.Sprintf("%d calls are under way, which is all that may be at the same time", of.calls)}
	}
	return nil
}

// minute takes one request of the minute; b.mu is held.
func (b *Budgets) minute(bound Bound, now time.Time) *Refusal {
	of, n := b.of(bound.Account), bound.Limits.RequestsPerMinute
	if n <= 0 {
		of.minute = nil
		return nil
	}
	if of.minute == nil {
		of.minute = rate.NewLimiter(rate.Limit(n)/60, n)
	} else if of.minute.Burst() != n {
		of.minute.SetLimitAt(now, rate.Limit(n)/60)
		of.minute.SetBurstAt(now, n)
	}
	if of.minute.AllowN(now, 1) {
		return nil
	}
	wait := time.Duration((1 - of.minute.TokensAt(now)) * 60 / float64(n) * float64(time.Second))
	return &Refusal{Key: bound.Account + ".budget." + KeyRequestsPerMinute, Retry: wait, Text: fmt.Sprintf("more than %d requests a minute", n)}
}

// giveMinute gives a request back that another account refused.
func (b *Budgets) giveMinute(bound Bound, now time.Time) {
	if of := b.of(bound.Account); of.minute != nil {
		of.minute.AllowN(now, -1)
	}
}

// Recheck ends the calls under way that would not be let in any more for their
// model. bounds gives what binds an account now.
func (b *Budgets) Recheck(bounds func(account string) Limits) {
	b.mu.Lock()
	live := slices.Collect(maps.Keys(b.live))
	b.mu.Unlock()
	for _, call := range live {
		now := &Call{demand: call.demand}
		for _, bound := range call.bounds {
			now.bounds = append(now.bounds, Bound{Account: bound.Account, Limits: Limits{Models: bounds(bound.Account).Models}})
		}
		if refusal := now.judge(); refusal != nil {
			call.demand.Cut(refusal)
		}
	}
}

// Used returns what every account has used today, by account.
func (b *Budgets) Used() map[string]Used {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.turn()
	return b.used()
}

func (b *Budgets) used() map[string]Used {
	out := make(map[string]Used, len(b.accounts))
	for name, of := range b.accounts {
		if of.Used != (Used{}) {
			out[name] = of.Used
		}
	}
	return out
}

// saveEvery is how long a change may be in memory only.
const saveEvery = 5 * time.Second

// Run saves what changes until ctx ends, and then what is left. failed is told of
// a save that did not work, once until one works again.
func (b *Budgets) Run(ctx context.Context, failed func(error)) error {
	ticker := time.NewTicker(saveEvery)
	defer ticker.Stop()
	told := false
	for {
		ended := false
		select {
		case <-ctx.Done():
			ended = true
		case <-ticker.C:
		}
		b.mu.Lock()
		dirty, state := b.dirty, State{Day: b.day, Accounts: b.used()}
		b.dirty = false
		b.mu.Unlock()
		if dirty {
			err := b.save(state)
			if err != nil {
				b.mu.Lock()
				b.dirty = true
				b.mu.Unlock()
				if !told {
					failed(err)
				}
			}
			told = err != nil
		}
		if ended {
			return nil
		}
	}
}
