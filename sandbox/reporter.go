package sandbox

import (
	"sync"
	"time"
)

// Bounds of the queue of refusals that wait for Spec.Denied.
const (
	maxQueued      = 1024 // in order; past it refusals of one target are merged
	maxMerged      = 4096 // targets; past it they are merged into one that says so
	maxMergedRules = 64   // of that one; past it they are merged too: some quote what a program sent
)

const (
	manyTargets = "(more targets than could be told apart)"
	manyRules   = "(more rules than could be told apart)"
)

// lookWindow is how long a refused look at a path (stat, access) waits to be
// told: a program often looks before it opens or removes, and the two are one
// refusal, named by what it was about. It delays the report, not the refusal.
const lookWindow = 50 * time.Millisecond

// rest is how long the reporter lets refusals gather after it told some. To wake it
// for each one of many costs the program that is refused more than the refusal: on
// a machine of few processors it waits for the one who tells of the last.
const rest = 5 * time.Millisecond

// reporter hands refusals to one callback, in order, from one goroutine. add
// never blocks and no count is lost.
type reporter struct {
	tell   func(Denial)
	now    func() time.Time
	window time.Duration // see lookWindow

	mu     sync.Mutex
	queue  []queued
	index  map[denialKey]int // into queue, for merging
	looks  map[lookKey]int   // into queue, of those that still wait
	closed bool

	wake    chan struct{}
	closing chan struct{}
	done    chan struct{}
}

type queued struct {
	denial Denial
	look   bool
	due    time.Time
}

type denialKey struct{ class, operation, target, rule, mechanism string }

type lookKey struct {
	pid    int
	target string
}

func newReporter(tell func(Denial), now func() time.Time, window time.Duration) *reporter {
	if tell == nil {
		tell = func(Denial) {}
	}
	r := &reporter{
		tell: tell, now: now, window: window, index: map[denialKey]int{}, looks: map[lookKey]int{},
		wake: make(chan struct{}, 1), closing: make(chan struct{}), done: make(chan struct{}),
	}
	go r.run()
	return r
}

func keyOf(d Denial) denialKey {
	return denialKey{string(d.Class), d.Operation, d.Target, d.Rule, d.Mechanism}
}

// isLook reports whether an operation only looks at a path, or is one of
// several tries: a shell goes through PATH, where two folders may be one.
func isLook(operation string) bool {
	return operation == "stat" || operation == "access" || operation == "execve"
}

func (r *reporter) add(d Denial) {
	d.Count = max(d.Count, 1)
	look := isLook(d.Operation)
	key := lookKey{d.PID, d.Target}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return
	}
	if at, ok := r.looks[key]; ok && d.PID != 0 {
		switch have := r.queue[at].denial.Operation; {
		case look && (have != d.Operation || have == "execve"):
			return // the same look, or the same try
		case look:
			r.queue[at].denial.Count += d.Count
			return
		}
		d.Count = r.queue[at].denial.Count
		r.queue[at] = queued{denial: d}
		delete(r.looks, key)
		r.ring()
		return
	}
	if len(r.queue) >= maxQueued {
		if _, ok := r.index[keyOf(d)]; !ok && len(r.queue) >= maxMerged {
			d.Target = manyTargets
			if _, ok := r.index[keyOf(d)]; !ok && len(r.queue) >= maxMerged+maxMergedRules {
				d.Rule = manyRules
			}
		}
		if at, ok := r.index[keyOf(d)]; ok {
			r.queue[at].denial.Count += d.Count
			r.queue[at].denial.Connection = d.Connection
			return
		}
	}
	entry := queued{denial: d, look: look}
	if look {
		entry.due = r.now().Add(r.window)
		r.looks[key] = len(r.queue)
	}
	r.index[keyOf(d)] = len(r.queue)
	r.queue = append(r.queue, entry)
	r.ring()
}

func (r *reporter) ring() {
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

// take removes what can be told now. wait is how long until more can.
func (r *reporter) take() (batch []queued, wait time.Duration, closed bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	ready := len(r.queue)
	if !r.closed {
		now := r.now()
		for i, entry := range r.queue {
			if entry.look && now.Before(entry.due) {
				ready, wait = i, entry.due.Sub(now)
				break
			}
		}
	}
	if ready == 0 {
		return nil, wait, r.closed
	}
	batch = r.queue[:ready:ready]
	r.queue = append([]queued(nil), r.queue[ready:]...)
	clear(r.index)
	clear(r.looks)
	for i, entry := range r.queue {
		r.index[keyOf(entry.denial)] = i
		if entry.look {
			r.looks[lookKey{entry.denial.PID, entry.denial.Target}] = i
		}
	}
	return batch, wait, r.closed
}

func (r *reporter) run() {
	defer close(r.done)
	for {
		batch, wait, closed := r.take()
		for _, entry := range batch {
			r.tell(entry.denial)
		}
		switch {
		case len(batch) > 0:
			r.pause(rest, nil)
		case closed:
			return
		case wait <= 0:
			<-r.wake
		default:
			r.pause(wait, r.wake)
		}
	}
}

// pause waits for a time, or until wake or the end.
func (r *reporter) pause(wait time.Duration, wake <-chan struct{}) {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-wake:
	case <-timer.C:
	case <-r.closing:
	}
}

// close tells what is queued and waits for it.
func (r *reporter) close() {
	r.mu.Lock()
	r.closed = true
	r.mu.Unlock()
	close(r.closing)
	r.ring()
	<-r.done
}
