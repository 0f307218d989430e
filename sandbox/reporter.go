package sandbox

import (
	"sync"
)

// Bounds of the queue of refusals that wait for Spec.Denied.
const (
	maxQueued = 1024 // in order; past it refusals of one target are merged
	maxMerged = 4096 // targets; past it they are merged into one that says so
)

const manyTargets = "(more targets than could be told apart)"

// reporter hands refusals to one callback, in order, from one goroutine. add
// never blocks and no count is lost.
type reporter struct {
	tell func(Denial)

	mu     sync.Mutex
	queue  []Denial
	index  map[denialKey]int // into queue, for merging
	closed bool
	wake   chan struct{}
	done   chan struct{}
}

type denialKey struct{ class, operation, target, rule, mechanism string }

func newReporter(tell func(Denial)) *reporter {
	if tell == nil {
		tell = func(Denial) {}
	}
	r := &reporter{tell: tell, index: map[denialKey]int{}, wake: make(chan struct{}, 1), done: make(chan struct{})}
	go r.run()
	return r
}

func keyOf(d Denial) denialKey {
	return denialKey{string(d.Class), d.Operation, d.Target, d.Rule, d.Mechanism}
}

func (r *reporter) add(d Denial) {
	d.Count = max(d.Count, 1)
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return
	}
	if len(r.queue) >= maxQueued {
		if len(r.queue) >= maxMerged {
			if _, ok := r.index[keyOf(d)]; !ok {
				d.Target = manyTargets
			}
		}
		if at, ok := r.index[keyOf(d)]; ok {
			r.queue[at].Count += d.Count
			return
		}
	}
	r.index[keyOf(d)] = len(r.queue)
	r.queue = append(r.queue, d)
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

func (r *reporter) run() {
	defer close(r.done)
	for range r.wake {
		for {
			r.mu.Lock()
			batch, closed := r.queue, r.closed
			r.queue = nil
			clear(r.index)
			r.mu.Unlock()
			for _, d := range batch {
				r.tell(d)
			}
			if len(batch) == 0 {
				if closed {
					return
				}
				break
			}
		}
	}
}

// close tells what is queued and waits for it.
func (r *reporter) close() {
	r.mu.Lock()
	closed := r.closed
	r.closed = true
	r.mu.Unlock()
	if !closed {
		select {
		case r.wake <- struct{}{}:
		default:
		}
	}
	<-r.done
}
