package chat

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"runtime/debug"
	"time"

	"openclaw/gateway/store"
)

// Statuses of a run that has ended.
const (
	StatusOK      = "ok"
	StatusError   = "error"
	StatusTimeout = "timeout"
	StatusAborted = "aborted"
)

// Statuses of a session, by its newest run.
const (
	SessionRunning = "running"
	SessionDone    = "done"
	SessionFailed  = "failed"
	SessionKilled  = "killed"
	SessionTimeout = "timeout"
)

// Result is what a run came to.
type Result struct {
	Status  string
	Answer  Answer
	Fault   *Fault
	Message *store.Message // the answer as it was kept; nil: nothing was
	Started time.Time
	Ended   time.Time
}

// Run is one message of a person and the answer to it.
type Run struct {
	ID      string
	Session string // key
	Agent   string
	Model   Model
	Owner   any

	engine  *Engine
	request Request
	ctx     context.Context
	cancel  context.CancelCauseFunc

	before   <-chan struct{} // closed when the one before it in its session is kept or refused; nil: there is none
	turn     chan struct{}   // closed when it is the first of its session
	accepted chan struct{}   // closed when the fields below are set
	number   int64           // of what the person said, in its session; 0: it was kept before
	id       string          // of the session
	refused  error

	session store.Session // as it was last written; of the run's goroutine
	seq     uint64        // of the newest event; of the goroutine that shows
	done    chan struct{} // closed when result is set
	result  Result
}

func newRun(e *Engine, r Request, model Model) *Run {
	run := &Run{
		ID: r.Run, Session: r.Session, Agent: r.Agent, Model: model, Owner: r.Owner, engine: e, request: r,
		turn: make(chan struct{}), accepted: make(chan struct{}), done: make(chan struct{}),
	}
	run.request.Message = "" // it is in the store
	run.ctx, run.cancel = context.WithCancelCause(e.base)
	return run
}

// Done is closed when the run has ended.
func (r *Run) Done() <-chan struct{} { return r.done }

// Result is what it came to, once Done is closed.
func (r *Run) Result() Result { return r.result }

// Number is that of what the person said, in its session; 0 when it was said
// before the gateway's last start.
func (r *Run) Number() int64 { return r.number }

// SessionID is the id of its session.
func (r *Run) SessionID() string { return r.id }

// work is the run's life.
func (r *Run) work(said store.Message) {
	e := r.engine
	if r.request.Timeout > 0 {
		watch := time.AfterFunc(r.request.Timeout, func() { r.cancel(errTooLong) })
		defer watch.Stop()
	}
	if r.request.Ready != nil {
		<-r.request.Ready
	}
	r.show(Event{State: StateKept, Kept: &said})
	r.result.Started = e.options.Now()
	var fault *Fault
	select {
	case <-r.turn:
		fault = r.speak()
	case <-r.ctx.Done():
		fault = faultOfEnd(context.Cause(r.ctx))
	}
	r.finish(fault)
	e.leave(r)
	close(r.done)
	r.show(Event{State: StateEnded})
}

// speak asks the model and shows what it says. What it said is in result. A panic
// is this run's end and no other's.
func (r *Run) speak() (fault *Fault) {
	e := r.engine
	defer func() {
		if p := recover(); p != nil {
			e.options.Log.Error("a run panicked", slog.String("run", r.ID), slog.Any("panic", p), slog.String("stack", string(debug.Stack())))
			fault = &Fault{Kind: FaultUnknown, Message: "internal error: the gateway's log has the details"}
		}
	}()
	status := SessionRunning
	if session, _, err := e.options.Store.Append(r.ctx, r.Session, r.id, store.Change{Status: &status, LastRun: &r.ID, Provider: &r.Model.Provider, Model: &r.Model.Name}); err != nil {
		return r.storeFault(err)
	} else {
		r.session = session
	}
	r.show(Event{State: StateStarted})
	prompt, fault := r.prompt()
	if fault != nil {
		return fault
	}
	r.show(Event{State: StateAsking})
	out := newOutlet(r)
	defer out.close()
	r.result.Answer, fault = e.Ask(r.ctx, Caller{Agent: r.Agent, Run: r.ID, From: r.request.From, Owner: r.Owner}, r.Model, prompt, out.say)
	return fault
}

// prompt is the conversation so far.
func (r *Run) prompt() (Prompt, *Fault) {
	s := r.engine.options.Store
	waiting := r.engine.behind(r) // before the messages are read: who comes later is in neither
	size, err := s.Size(r.ctx, r.Session)
	if err != nil {
		return Prompt{}, r.storeFault(err)
	}
	if size > MaxContext {
		return Prompt{}, &Fault{Kind: FaultContext, Message: "the conversation is longer than a model can be sent: begin a new session, or reset this one"}
	}
	messages, _, err := s.Messages(r.ctx, r.Session, -1, 0)
	if err != nil {
		return Prompt{}, r.storeFault(err)
	}
	known := make([]store.Message, 0, len(messages))
	for _, m := range messages {
		if m.Number > r.number && m.Role == RoleUser {
			continue // it was said after this run was
		}
		known = append(known, m)
	}
	return Prompt{System: r.request.System, Turns: turns(known, r.ID, waiting)}, nil
}

func (r *Run) storeFault(err error) *Fault {
	if r.ctx.Err() != nil {
		return faultOfEnd(context.Cause(r.ctx))
	}
	f := &Fault{Kind: FaultUnknown, Message: "the conversation cannot be read or kept: " + err.Error()}
	if failure, is := errors.AsType[*store.Error](err); is && failure.Hint != "" {
		f.Message += "; " + failure.Hint
	}
	r.engine.options.Log.Error("a conversation cannot be read or kept", slog.Any("error", err))
	return f
}

// finish keeps what was said and shows the end.
func (r *Run) finish(fault *Fault) {
	r.result.Fault = fault
	session, status := SessionDone, StatusOK
	reason, told := r.result.Answer.StopReason, ""
	if fault != nil {
		told = fault.Message
		session, status, reason = SessionFailed, StatusError, "error"
		switch {
		case fault.Aborted:
			session, status, reason = SessionKilled, StatusAborted, "aborted"
		case fault.Kind == FaultTimeout && fault.Status == 0:
			session, status = SessionTimeout, StatusTimeout
		}
	}
	r.result.Answer.StopReason = reason
	if err := r.keep(session, reason, told); err != nil {
		var failure *store.Error
		gone := errors.As(err, &failure) && failure.Kind == store.KindNotFound
		if !gone && (fault == nil || !fault.Aborted) {
			// It was shown and cannot be kept: that is no end to rely on.
			f := &Fault{Kind: FaultUnknown, Message: "the answer was not kept: " + err.Error()}
			if failure != nil && failure.Hint != "" {
				f.Message += "; " + failure.Hint
			}
			status, r.result.Fault = StatusError, f
			r.result.Answer.StopReason = "error"
		}
		if !gone {
			r.engine.options.Log.Error("an answer was not kept", slog.String("run", r.ID), slog.Any("error", err))
		}
	}
	r.result.Status, r.result.Ended = status, r.engine.options.Now()
	switch status {
	case StatusOK:
		r.show(Event{State: StateFinal})
	case StatusAborted:
		r.show(Event{State: StateAborted})
	default:
		r.show(Event{State: StateError})
	}
}

// keep writes the end of the run, also when its context has ended.
func (r *Run) keep(status, reason, told string) error {
	e, answer := r.engine, r.result.Answer
	change := store.Change{Status: &status, LastError: &told}
	var messages []store.Message
	if answer.Text != "" {
		content, err := json.Marshal(Text(answer.Text))
		if err != nil {
			return err
		}
		about, err := json.Marshal(About{Provider: r.Model.Provider, Model: answer.Model, Usage: &answer.Usage, StopReason: reason, ErrorMessage: told})
		if err != nil {
			return err
		}
		messages = append(messages, store.Message{Run: r.ID, Role: RoleAssistant, Content: content, About: about})
	}
	if answer.Usage.Total > 0 {
		input := answer.Usage.Total - answer.Usage.Output
		change.InputTokens, change.OutputTokens = &input, &answer.Usage.Output
	}
	session, kept, err := e.options.Store.Append(context.WithoutCancel(r.ctx), r.Session, r.id, change, messages...)
	if err != nil {
		return err
	}
	r.session = session
	for i := range kept {
		e.messages.Add(1)
		r.result.Message = &kept[i]
		r.show(Event{State: StateKept, Kept: &kept[i]})
	}
	return nil
}

func (r *Run) show(event Event) {
	r.seq++
	event.Run, event.Seq, event.Time, event.Session = r, r.seq, r.engine.options.Now(), r.session
	r.engine.options.Show(event)
	if r.request.Watch != nil {
		r.request.Watch(event)
	}
}
