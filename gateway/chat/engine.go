package chat

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"openclaw/gateway/store"
)

// Limits of a chat.
const (
	MaxMessage  = 4 << 20  // bytes of one message
	MaxContext  = 16 << 20 // bytes of a conversation that a model is sent
	MaxRuns     = 64       // under way, over all sessions
	MaxWaiting  = 16       // of one session, with the one under way
	rememberRun = 256      // ended runs whose outcome can still be asked for
	rememberAll = 8 << 20  // bytes of their answers
)

// Options is what an Engine is given; all but Log and Now are required.
type Options struct {
	Store *store.Store
	// Call sends a request through the pass-through, for an agent. ErrCut is an
	// answer that did not come to its end; another error is told as it is.
	Call func(w http.ResponseWriter, r *http.Request, caller Caller) error
	// Model is whom an agent asks. Its error is told to the client.
	Model func(agent string) (Model, error)
	// Show is called with each event of a run.
	Show func(Event)
	// Mask takes secrets out of what a provider says of a fault.
	Mask func(string) string
	Log  *slog.Logger
	Now  func() time.Time
}

// ErrBusy is why a run was not taken: too many are under way.
var ErrBusy = errors.New("too many runs are under way; try again when one has ended")

// ErrStopped is why a run was not taken: the gateway stops.
var ErrStopped = errStopped

// ErrOtherSession is why a run was not taken: its id is that of another session's.
var ErrOtherSession = errors.New("the idempotency key is that of a run in another session")

// Engine is the chats of a gateway.
type Engine struct {
	options  Options
	base     context.Context // of every run
	end      context.CancelCauseFunc
	alive    sync.WaitGroup
	messages atomic.Uint64

	mu      sync.Mutex // guards the fields below
	stopped bool
	runs    map[string]*Run   // under way, by id
	lanes   map[string][]*Run // of a session, in their order; the first is at work
	ended   map[string]*Run
	forget  []string // ids of ended, oldest first
	kept    int      // bytes of the answers of ended
}

// New returns an Engine; it starts nothing.
func New(options Options) *Engine {
	if options.Now == nil {
		options.Now = time.Now
	}
	if options.Log == nil {
		options.Log = slog.New(slog.DiscardHandler)
	}
	e := &Engine{options: options, runs: map[string]*Run{}, lanes: map[string][]*Run{}, ended: map[string]*Run{}}
	e.base, e.end = context.WithCancelCause(context.Background())
	return e
}

// Messages is how many messages were kept since the start.
func (e *Engine) Messages() uint64 { return e.messages.Load() }

// Stop aborts every run and returns when all have ended.
func (e *Engine) Stop() {
	e.mu.Lock()
	e.stopped = true
	e.mu.Unlock()
	e.end(errStopped)
	e.alive.Wait()
}

// Request is what a person says.
type Request struct {
	Run     string // its id, made by the client
	Session string // key
	Agent   string
	Message string
	System  string        // beside the conversation, for this run
	Timeout time.Duration // 0: none
	From    string        // address of who says it
	Owner   any           // handed to Options.Call
	Watch   func(Event)   // called with the run's events, as Show is; may be nil

	// Ready is closed when the run may show itself: whoever sent it knows of it
	// then. Nil: at once.
	Ready <-chan struct{}
}

// Send keeps what was said and starts a run for it. again is set for one that
// was sent before; of one that ended before the gateway's last start, the outcome is
// what was kept of it.
func (e *Engine) Send(ctx context.Context, r Request) (run *Run, again bool, err error) {
	model, err := e.options.Model(r.Agent)
	if err != nil {
		return nil, false, err
	}
	run, again, err = e.enter(r, model)
	if err != nil {
		return nil, false, err
	}
	if again {
		select {
		case <-run.accepted:
		case <-ctx.Done():
			return nil, true, ctx.Err()
		}
		return run, true, run.refused
	}
	var said store.Message
	content, err := json.Marshal(Text(r.Message))
	if err == nil {
		if run.before != nil {
			// The store's order is that of the turns, so that no run is told of a
			// later one. ctx does not end it: the next one's place depends on ours.
			<-run.before
		}
		var known bool
		run.session, said, known, err = e.options.Store.Accept(ctx, r.Session, r.Agent, store.Message{Run: r.Run, Role: RoleUser, Content: content})
		run.id, run.number = run.session.ID, said.Number
		if err == nil && known {
			run.result, err = e.recalled(ctx, r.Session, r.Run)
		}
		if err == nil && known {
			e.leave(run)
			close(run.accepted)
			close(run.done)
			e.alive.Done()
			return run, true, nil
		}
	}
	if err != nil {
		run.refused = err
		e.leave(run)
		close(run.accepted)
		close(run.done)
		e.alive.Done()
		return nil, false, err
	}
	e.messages.Add(1)
	close(run.accepted)
	go func() {
		defer e.alive.Done()
		run.work(said)
	}()
	return run, false, nil
}

// enter takes a place for the run. The caller lets alive go where it starts none.
func (e *Engine) enter(r Request, model Model) (run *Run, again bool, err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if before := e.runs[r.Run]; before != nil && before.Session == r.Session {
		return before, true, nil
	}
	if before := e.ended[r.Run]; before != nil && before.Session == r.Session {
		return before, true, nil
	}
	switch {
	case e.stopped:
		return nil, false, ErrStopped
	case e.runs[r.Run] != nil, e.ended[r.Run] != nil:
		return nil, false, ErrOtherSession
	case len(e.runs) >= MaxRuns, len(e.lanes[r.Session]) >= MaxWaiting:
		return nil, false, ErrBusy
	}
	run = newRun(e, r, model)
	if lane := e.lanes[r.Session]; len(lane) > 0 {
		run.before = lane[len(lane)-1].accepted
	}
	e.runs[r.Run] = run
	e.lanes[r.Session] = append(e.lanes[r.Session], run)
	if len(e.lanes[r.Session]) == 1 {
		close(run.turn)
	}
	e.alive.Add(1)
	return run, false, nil
}

// leave gives the run's place to the next one of its session.
func (e *Engine) leave(run *Run) {
	run.cancel(nil)
	e.mu.Lock()
	defer e.mu.Unlock()
	delete(e.runs, run.ID)
	lane := e.lanes[run.Session]
	kept := make([]*Run, 0, len(lane))
	for _, other := range lane {
		if other != run {
			kept = append(kept, other)
		}
	}
	if len(kept) == 0 {
		delete(e.lanes, run.Session)
	} else {
		e.lanes[run.Session] = kept
		if lane[0] == run {
			close(kept[0].turn)
		}
	}
	if run.refused != nil {
		return
	}
	e.ended[run.ID] = run
	e.forget = append(e.forget, run.ID)
	e.kept += len(run.result.Answer.Text)
	for len(e.forget) > rememberRun || e.kept > rememberAll && len(e.forget) > 1 {
		e.kept -= len(e.ended[e.forget[0]].result.Answer.Text)
		delete(e.ended, e.forget[0])
		e.forget = append(e.forget[:0:0], e.forget[1:]...)
	}
}

// Find gives a run that is under way, or ended not long ago.
func (e *Engine) Find(id string) (*Run, bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if run := e.runs[id]; run != nil {
		return run, true
	}
	run := e.ended[id]
	return run, run != nil
}

// Active are the ids of a session's runs, the one at work first.
func (e *Engine) Active(session string) []string {
	e.mu.Lock()
	defer e.mu.Unlock()
	ids := make([]string, 0, len(e.lanes[session]))
	for _, run := range e.lanes[session] {
		ids = append(ids, run.ID)
	}
	return ids
}

// Abort ends a session's runs, or the one of them that is named, and gives the
// ids of those that it found. It does not wait.
func (e *Engine) Abort(session, run string) []string {
	e.mu.Lock()
	defer e.mu.Unlock()
	ids := []string{}
	for _, one := range e.lanes[session] {
		if run == "" || one.ID == run {
			one.cancel(errAborted)
			ids = append(ids, one.ID)
		}
	}
	return ids
}

// AbortAll ends the runs of a session and waits until they have ended.
func (e *Engine) AbortAll(ctx context.Context, session string) error {
	for {
		e.mu.Lock()
		lane := append([]*Run(nil), e.lanes[session]...)
		e.mu.Unlock()
		if len(lane) == 0 {
			return nil
		}
		for _, run := range lane {
			run.cancel(errAborted)
		}
		for _, run := range lane {
			select {
			case <-run.done:
			case <-ctx.Done():
				return ctx.Err()
			}
		}
	}
}

// behind are the runs of the session that have not had their turn.
func (e *Engine) behind(run *Run) map[string]bool {
	e.mu.Lock()
	defer e.mu.Unlock()
	ids := map[string]bool{}
	for _, other := range e.lanes[run.Session] {
		if other != run {
			ids[other.ID] = true
		}
	}
	return ids
}
