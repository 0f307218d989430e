package chat

import (
	"strings"
	"sync"
	"time"

	"openclaw/gateway/store"
)

// State is what an Event tells of a run, in this order: kept, started, asking,
// any number of deltas, kept (if anything was said), one of final, aborted and
// error, ended.
type State string

// The states.
const (
	StateKept    State = "kept"    // a message is in the store
	StateStarted State = "started" // it is the session's turn
	StateAsking  State = "asking"  // the model is asked now
	StateDelta   State = "delta"
	StateFinal   State = "final"
	StateAborted State = "aborted"
	StateError   State = "error"
	StateEnded   State = "ended" // it is under way no more
)

// Event is something that a run did. Result is set from final on.
type Event struct {
	Run     *Run
	Session store.Session // as it was last written
	Seq     uint64        // from 1, of its run
	Time    time.Time
	State   State
	Delta   string         // of StateDelta: what is new
	Text    string         // of StateDelta: all so far
	Kept    *store.Message // of StateKept
}

const (
	quickest = 50 * time.Millisecond // between two deltas
	perDelta = 1 << 20               // bytes a second of texts so far
)

// outlet shows an answer as it comes, on a goroutine of its own, so that a burst
// becomes few events and its tail does not wait for more.
type outlet struct {
	run  *Run
	wake chan struct{} // one slot
	end  chan struct{}
	gone chan struct{}

	mu   sync.Mutex // guards text
	text strings.Builder
}

func newOutlet(run *Run) *outlet {
	o := &outlet{run: run, wake: make(chan struct{}, 1), end: make(chan struct{}), gone: make(chan struct{})}
	go o.show()
	return o
}

func (o *outlet) say(piece string) {
	o.mu.Lock()
	o.text.WriteString(piece)
	o.mu.Unlock()
	select {
	case o.wake <- struct{}{}:
	default:
	}
}

// close shows what is left and returns when it has been.
func (o *outlet) close() {
	close(o.end)
	<-o.gone
}

func (o *outlet) show() {
	defer close(o.gone)
	shown := 0
	next := func() {
		o.mu.Lock()
		text := o.text.String()
		o.mu.Unlock()
		if len(text) > shown {
			o.run.show(Event{State: StateDelta, Delta: text[shown:], Text: text})
			shown = len(text)
		}
	}
	for {
		select {
		case <-o.wake:
			next()
		case <-o.end:
			next()
			return
		}
		timer := time.NewTimer(quickest + time.Duration(shown)*time.Second/perDelta)
		select {
		case <-timer.C:
		case <-o.end:
			timer.Stop()
		}
	}
}
