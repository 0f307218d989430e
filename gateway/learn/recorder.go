package learn

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"sync"

	"openclaw/gateway/wire"
	"openclaw/sandbox"
	"openclaw/sandbox/policy"
)

// maxAccesses bounds the different accesses of one run; later ones are refused.
const maxAccesses = 20_000

// maxRefusals bounds the refusals that are told apart at the end.
const maxRefusals = 1000

// ErrTooMany refuses what is past maxAccesses.
var ErrTooMany = errors.New("learn: more than 20000 different accesses")

// Access is one thing that a run was let through to.
type Access struct {
	Class     policy.Class `json:"class"`
	Operation string       `json:"operation"`
	Target    string       `json:"target"`  // a path, or host:port
	Program   string       `json:"program"` // the first that did it
	Rule      string       `json:"rule"`    // that would have refused it
	Count     int          `json:"count"`

	// Hidden: the target's name holds a secret, and Target is what Hide made of it.
	Hidden bool `json:"hidden,omitempty"`
}

// Refusal is what stayed refused while the run learned.
type Refusal struct {
	Operation string        `json:"operation"`
	Target    string        `json:"target"`
	Rule      string        `json:"rule"`
	Origin    policy.Origin `json:"origin"`
	Count     int           `json:"count"`
}

// Recorder answers a cage's questions with yes, once each is on record. It is
// safe for concurrent use.
type Recorder struct {
	// Network says whether names and addresses are let through as well.
	Network bool

	mu       sync.Mutex // guards what follows
	commit   func(context.Context, []wire.Access) error
	known    map[key]*entry
	waiting  []*entry // for the next commit
	running  bool     // a commit is under way
	work     sync.WaitGroup
	refusals map[Refusal]int
}

type key struct {
	class             policy.Class
	operation, target string
}

type entry struct {
	access wire.Access
	count  int
	done   chan struct{} // closed once err is set
	err    error
}

// Commit sets how accesses come on record: it returns when all of them are.
func (r *Recorder) Commit(commit func(context.Context, []wire.Access) error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.commit = commit
	if r.known == nil {
		r.known, r.refusals = map[key]*entry{}, map[Refusal]int{}
	}
}

// Ask puts a question on record and says yes. What cannot be recorded is refused.
// Questions that come while others are being recorded go on record together.
func (r *Recorder) Ask(ctx context.Context, d sandbox.Denial) (bool, error) {
	k := key{d.Class, d.Operation, d.Target}
	r.mu.Lock()
	one := r.known[k]
	switch {
	case one == nil && len(r.known) >= maxAccesses:
		r.mu.Unlock()
		return false, ErrTooMany
	case one == nil:
		one = &entry{done: make(chan struct{}), access: wire.Access{
			PID: d.PID, Program: d.Program, CommandLine: d.CommandLine, Class: d.Class, Operation: d.Operation, Target: d.Target,
			Rule: d.Rule, Origin: d.Origin, Mechanism: d.Mechanism,
		}}
		r.known[k] = one
		r.waiting = append(r.waiting, one)
		if !r.running {
			r.running = true
			r.work.Go(func() { r.record(context.WithoutCancel(ctx)) })
		}
	}
	one.count++
	r.mu.Unlock()
	select {
	case <-one.done:
		return one.err == nil, one.err
	case <-ctx.Done():
		return false, ctx.Err()
	}
}

// record commits what waits until nothing does. What could not be recorded is
// forgotten, so that it is tried again when it is asked again.
func (r *Recorder) record(ctx context.Context) {
	for {
		r.mu.Lock()
		batch := r.waiting[:min(len(r.waiting), wire.MaxLearned)]
		r.waiting = r.waiting[len(batch):]
		if len(batch) == 0 {
			r.running, r.waiting = false, nil
			r.mu.Unlock()
			return
		}
		commit := r.commit
		r.mu.Unlock()
		accesses := make([]wire.Access, len(batch))
		for i, one := range batch {
			accesses[i] = one.access
		}
		err := commit(ctx, accesses)
		if err != nil {
			r.mu.Lock()
			for _, one := range batch {
				delete(r.known, key{one.access.Class, one.access.Operation, one.access.Target})
			}
			r.mu.Unlock()
		}
		for _, one := range batch {
			one.err = err
			close(one.done)
		}
	}
}

// Close returns when nothing is being recorded any more.
func (r *Recorder) Close() { r.work.Wait() }

// Denied counts what stayed refused.
func (r *Recorder) Denied(d sandbox.Denial) {
	k := Refusal{Operation: d.Operation, Target: d.Target, Rule: d.Rule, Origin: d.Origin}
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, known := r.refusals[k]; !known && len(r.refusals) >= maxRefusals {
		k = Refusal{Operation: d.Operation, Target: "(more)", Rule: d.Rule, Origin: d.Origin}
	}
	r.refusals[k] += d.Count
}

// Accesses returns what is on record, by class and target.
func (r *Recorder) Accesses() []Access {
	r.mu.Lock()
	defer r.mu.Unlock()
	out := make([]Access, 0, len(r.known))
	for _, one := range r.known {
		select {
		case <-one.done:
		default:
			continue // not on record yet, so not let through
		}
		a := one.access
		out = append(out, Access{Class: a.Class, Operation: a.Operation, Target: a.Target, Program: a.Program, Rule: a.Rule, Count: one.count})
	}
	slices.SortFunc(out, func(a, b Access) int {
		return cmp.Or(cmp.Compare(a.Class, b.Class), cmp.Compare(a.Target, b.Target), cmp.Compare(a.Operation, b.Operation))
	})
	return out
}

// Refusals returns what stayed refused, by target.
func (r *Recorder) Refusals() []Refusal {
	r.mu.Lock()
	defer r.mu.Unlock()
	out := make([]Refusal, 0, len(r.refusals))
	for one, count := range r.refusals {
		one.Count = count
		out = append(out, one)
	}
	slices.SortFunc(out, func(a, b Refusal) int {
		return cmp.Or(cmp.Compare(a.Target, b.Target), cmp.Compare(a.Operation, b.Operation), cmp.Compare(a.Rule, b.Rule))
	})
	return out
}
