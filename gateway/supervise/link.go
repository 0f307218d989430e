package supervise

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"sync/atomic"
	"time"

	"openclaw/gateway/wire"
	"openclaw/sandbox"
	"openclaw/sandbox/policy"
)

// link keeps the gateway informed for as long as the command runs.
type link struct {
	options   Options
	started   wire.RunStarted
	began     time.Time
	collected *reports
	keeper    *keeper
	asks      *asks
	process   interface {
		Update(*policy.Policy) (sandbox.Change, error)
		Signal(os.Signal) error
		CutConnection(id, why string) bool
		TakeBack()
	}
	stopped   atomic.Pointer[string] // why the run was ended from here
	again     atomic.Bool            // its command is to be started again
	killer    *time.Timer
	said      map[string]bool
	sentences []string // for the person, once the command has ended
}

// note keeps a sentence for the end of the run.
func (l *link) note(sentence string) {
	if !l.said[sentence] {
		l.said[sentence] = true
		l.sentences = append(l.sentences, sentence)
	}
}

// run serves one connection after the other until ctx ends. It returns the
// connection that works then, or nil.
func (l *link) run(ctx context.Context, conn Conn) Conn {
	for {
		if l.serve(ctx, conn) {
			return conn
		}
		l.asks.detach()
		conn.Close()
		if conn = l.reconnect(ctx); conn == nil {
			return nil
		}
		l.asks.attach(conn)
	}
}

// serve reports until ctx ends (true) or the connection breaks (false).
func (l *link) serve(ctx context.Context, conn Conn) bool {
	var pause time.Duration // none for the first: it says what is enforced, while the command starts
	for {
		select {
		case <-ctx.Done():
			return true
		case pushed, open := <-conn.Events():
			if !open {
				return false
			}
			l.pushed(pushed)
		case <-l.collected.wake:
			select {
			case <-ctx.Done():
				return true
			case <-time.After(pause):
			}
			p, any := l.collected.take()
			if !any {
				continue
			}
			if pause = gather; len(p.Denials)+len(p.Connections) >= manyRows {
				pause = gatherFlood
			}
			if err := send(ctx, conn, p); err != nil {
				if refused, ok := errors.AsType[*wire.Error](err); ok {
					l.collected.giveBack(p)
					if ctx.Err() != nil {
						return true
					}
					l.note("the gateway did not take a report: " + refused.Message)
					continue
				}
				l.keeper.keep(p) // it may be on record, so it keeps its numbers
				return ctx.Err() != nil
			}
		}
	}
}

// send sends a report. One that is on its way when the command ends gets a moment
// more: given up and sent again, it would count twice.
func send(ctx context.Context, conn Conn, p wire.RunReportParams) error {
	sending, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	defer context.AfterFunc(ctx, func() {
		select {
		case <-time.After(goodbye):
			cancel()
		case <-sending.Done():
		}
	})()
	return conn.Call(sending, wire.MethodRunReport, p, nil)
}

func (l *link) pushed(e wire.Event) {
	if e.Event == wire.EventAskVerdict {
		l.asks.answer(e.Payload)
		return
	}
	if e.Event == wire.EventAskTakenBack {
		l.asks.takeBack()
		l.process.TakeBack()
		return
	}
	if e.Event == wire.EventRunStop {
		l.told(e.Payload)
		return
	}
	if e.Event == wire.EventRunCut {
		l.cut(e.Payload)
		return
	}
	if e.Event != wire.EventPolicy {
		return
	}
	var change wire.RunPolicy
	if err := json.Unmarshal(e.Payload, &change); err != nil || change.Run != l.started.Run || change.Policy == nil {
		return
	}
	applied, err := l.process.Update(change.Policy)
	l.collected.enforced(func(p *wire.RunReportParams) {
		if err != nil {
			p.NeedsRun = []string{"the new policy could not be applied to the running cage: " + err.Error()}
			p.StillOpen = p.NeedsRun
			return
		}
		p.Policy, p.NeedsRun, p.StillOpen = change.Policy.Version, applied.NeedsRun, applied.StillOpen
	})
	l.narrowed(change.Policy, applied, err)
}

// reconnect tries once a second until a gateway answers and knows the run
// again. It never launches a gateway: the person stopped the last one. What is
// refused meanwhile is kept.
func (l *link) reconnect(ctx context.Context) Conn {
	l.note("the gateway was gone during the run: the cage kept refusing, model calls failed until it was back")
	try := time.NewTicker(time.Second)
	defer try.Stop()
	wake := l.collected.wake
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-wake:
			pause := gather
			if l.keeper.full() {
				pause = time.Second
			}
			select {
			case <-ctx.Done():
				return nil
			case <-time.After(pause):
			}
			if !l.keeper.keepAll() {
				wake = nil // until the next second: a disk that is full stays so for a while
			}
			continue
		case <-try.C:
			wake = l.collected.wake
			l.collected.signal()
		}
		if conn := l.resume(ctx); conn != nil {
			return conn
		}
	}
}

// resume is one try to have a gateway take the run back.
func (l *link) resume(ctx context.Context) Conn {
	conn, err := l.options.Dial(ctx, false)
	if err != nil {
		return nil
	}
	l.keeper.seal()
	var resumed wire.RunStarted
	err = conn.Call(ctx, wire.MethodRunResume, wire.RunResumeParams{
		Run: l.started.Run, Agent: l.options.Agent, Command: l.started.Command,
		Token: l.started.Token, PID: os.Getpid(), Learn: learns(l.options.Learn), Terminal: l.options.Terminal, Started: l.began,
	}, &resumed)
	if err != nil {
		conn.Close()
		return nil
	}
	if resumed.Policy != nil {
		payload, err := json.Marshal(wire.RunPolicy{Run: l.started.Run, Policy: resumed.Policy})
		if err == nil {
			l.pushed(wire.Event{Event: wire.EventPolicy, Payload: payload})
		}
	}
	l.collected.signal()
	return conn
}
