package supervise

import (
	"context"
	"encoding/json"
	"errors"
	"strconv"
	"sync"
	"time"

	"openclaw/gateway/approve"
	"openclaw/gateway/wire"
	"openclaw/sandbox"
	"openclaw/sandbox/policy"
)

// Why the supervisor itself denies what was asked. The gateway says its own
// reasons.
const (
	reasonAway   = "ask: gateway away"
	reasonGone   = approve.ReasonGone
	reasonUnsaid = "ask: denied by the gateway" // where it gave no reason: no text stands for a yes
)

// asks carries held requests of one cage to the gateway and the answers back:
// it is the cage's Asker. Alike requests that wait at the same time are one ask, and the
// gateway hears how many they are. An answer for once is to those that it had heard of.
// Without a gateway every request is denied at once. Its methods are safe for
// concurrent use.
type asks struct {
	run  string
	now  func() time.Time
	born func(pid int) string // see bornAt; for tests
	life context.Context
	end  context.CancelFunc
	work sync.WaitGroup

	// tell says on the run's terminal that a request is held, and reports whether it was
	// shown; nil: nobody is there.
	tell  func(d sandbox.Denial) bool
	after func(time.Duration) <-chan time.Time

	mu       sync.Mutex // guards the fields below, and every pending
	conn     Conn       // nil: the gateway is away
	next     uint64
	byNumber map[uint64]*pending
	byKey    map[alike]*pending
	reasons  map[subject]reason
	toldFor  *pending  // what was told of last
	toldAt   time.Time // and when
}

// alike is what makes two requests one ask.
type alike struct {
	class     policy.Class
	operation string
	target    string
	program   string
}

// pending is one ask that waits for its verdict.
type pending struct {
	number  uint64
	key     alike
	waiters int
	seen    int           // requests that it was for, in all
	more    chan struct{} // one slot: waiters or seen have changed
	done    chan struct{} // closed with the verdict
	left    bool          // nobody waits any more; missed says why
	missed  bool
	allow   bool
	first   int // of the requests that an allow is to; 0: it is to all
	reason  string
}

// covers reports whether the answer is to the request that was one of so many then: the
// person had been told of it. It counts once done is closed.
func (p *pending) covers(number int) bool { return !p.allow || p.first == 0 || number <= p.first }

// subject is who was refused what. A denial of it comes a moment later, by
// another way.
type subject struct {
	pid    int
	class  policy.Class
	target string
}

// reason is how an ask about a subject ended.
type reason struct {
	rule  string // that led to the ask
	text  string // of the denial; empty: allowed
	born  string // the process of a leave to run a program: its number may come again
	ended time.Time
}

const (
	maxReasons  = 4096
	reasonTime  = 30 * time.Second // a denial is reported well before
	programTime = 10 * time.Second // from the leave to run a program until it is loaded
)

func newAsks(run string, conn Conn) *asks {
	a := &asks{run: run, now: time.Now, born: bornAt, after: time.After, conn: conn, byNumber: map[uint64]*pending{}, byKey: map[alike]*pending{}, reasons: map[subject]reason{}}
	a.life, a.end = context.WithCancel(context.Background())
	return a
}

// attach says that a gateway is there.
func (a *asks) attach(conn Conn) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.conn = conn
}

// detach says that it is gone: all that waits is denied.
func (a *asks) detach() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.conn = nil
	for _, p := range a.byNumber {
		a.settle(p, false, reasonAway)
	}
}

// close denies what waits and returns when nothing is under way.
func (a *asks) close() {
	a.end()
	a.detach()
	a.work.Wait()
}

// Ask holds a request until its verdict, and no longer than its program lives.
func (a *asks) Ask(ctx context.Context, d sandbox.Denial) (bool, error) {
	limit := time.Duration(0)
	if deadline, ok := ctx.Deadline(); ok {
		limit = time.Until(deadline).Round(100 * time.Millisecond)
	}
	about := subject{d.PID, d.Class, d.Target}
	a.mu.Lock()
	if a.loads(d) {
		a.mu.Unlock()
		return true, nil
	}
	if a.conn == nil {
		a.remember(about, d.Rule, reasonAway)
		a.mu.Unlock()
		return false, errors.New(reasonAway)
	}
	p, number := a.join(d)
	a.mu.Unlock()

	gone, stop := watchExit(d.PID)
	defer stop()
	answered := true
	select {
	case <-p.done:
	case <-gone:
		answered = a.leave(p, false)
	case <-ctx.Done():
		answered = a.leave(p, errors.Is(ctx.Err(), context.DeadlineExceeded))
	}
	if answered && !p.covers(number) {
		return a.Ask(ctx, d) // for itself; ctx bounds how often
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	text := p.reason
	switch {
	case answered:
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		text = approve.ReasonMissed(limit)
	default:
		text = reasonGone
	}
	if answered && p.allow {
		a.remember(about, d.Rule, "")
		return true, nil
	}
	if text == "" {
		text = reasonUnsaid
	}
	a.remember(about, d.Rule, text)
	return false, errors.New(text)
}

// join finds the ask that a request is part of, or makes it, and numbers the request in
// it. a.mu is held.
func (a *asks) join(d sandbox.Denial) (p *pending, number int) {
	key := alike{d.Class, d.Operation, d.Target, d.Program}
	if p := a.byKey[key]; p != nil {
		p.waiters, p.seen = p.waiters+1, p.seen+1
		p.changed()
		return p, p.seen
	}
	a.next++
	p = &pending{number: a.next, key: key, waiters: 1, seen: 1, more: make(chan struct{}, 1), done: make(chan struct{})}
	a.byNumber[p.number], a.byKey[key] = p, p
	conn := a.conn
	a.work.Go(func() { a.carry(conn, p, d) })
	return p, 1
}

// carry brings one ask to the gateway, and takes it back there when nobody
// waits for it any more.
func (a *asks) carry(conn Conn, p *pending, d sandbox.Denial) {
	var held wire.AskHeld
	err := conn.Call(a.life, wire.MethodAskAsk, wire.AskParams{
		Run: a.run, Number: p.number, PID: d.PID, Program: d.Program, CommandLine: d.CommandLine, Class: d.Class, Operation: d.Operation,
		Target: d.Target, Rule: d.Rule, Origin: d.Origin, Mechanism: d.Mechanism, Connection: d.Connection,
	}, &held)
	if v := held.Verdict; err == nil && v != nil {
		a.mu.Lock()
		a.settle(p, v.Allow, v.Reason)
		a.mu.Unlock()
		return
	}
	if err != nil {
		text := reasonAway
		if refused, ok := errors.AsType[*wire.Error](err); ok {
			text = "ask: refused by the gateway: " + refused.Message
		}
		a.mu.Lock()
		a.settle(p, false, text)
		a.mu.Unlock()
		return
	}
	a.work.Go(func() { a.notice(p, d) })
	if !a.count(conn, p) {
		return
	}
	a.mu.Lock()
	left, missed := p.left, p.missed
	a.mu.Unlock()
	if left {
		// A gateway that does not hear it finds out by the deadline.
		_ = conn.Call(a.life, wire.MethodAskCancel, wire.AskCancelParams{Run: a.run, Number: p.number, Missed: missed}, nil)
	}
}

// alikeEach is how often the gateway hears that more, or fewer, alike requests wait: an
// agent can make and give up very many.
const alikeEach = 250 * time.Millisecond

// count tells the gateway how many requests an ask stands for, until it has its verdict;
// false: there is none, the run is over.
func (a *asks) count(conn Conn, p *pending) bool {
	for {
		select {
		case <-p.done:
			return true
		case <-a.life.Done():
			return false
		case <-p.more:
		}
		a.mu.Lock()
		now := wire.AskAlikeParams{Run: a.run, Number: p.number, Seen: p.seen, Waiting: p.waiters}
		a.mu.Unlock()
		// Where it does not hear it, the person sees a smaller number, and answers the same.
		_ = conn.Call(a.life, wire.MethodAskAlike, now, nil)
		select {
		case <-p.done:
			return true
		case <-a.life.Done():
			return false
		case <-time.After(alikeEach):
		}
	}
}

// changed notes that the gateway is to hear of a number. The asks' mu is held.
func (p *pending) changed() {
	select {
	case p.more <- struct{}{}:
	default:
	}
}

// leave takes one request out of an ask; it returns whether the verdict came
// first. The last one to leave takes the ask back.
func (a *asks) leave(p *pending, missed bool) (answered bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	select {
	case <-p.done:
		return true
	default:
	}
	if p.waiters--; p.waiters == 0 {
		p.left, p.missed = true, missed
		a.settle(p, false, reasonGone)
	}
	p.changed()
	return false
}

// settle gives the verdict. The first one counts. a.mu is held.
func (a *asks) settle(p *pending, allow bool, text string) {
	if a.byNumber[p.number] != p {
		return
	}
	delete(a.byNumber, p.number)
	delete(a.byKey, p.key)
	p.allow, p.reason = allow, text
	close(p.done)
}

// answer takes a verdict that the gateway pushed.
func (a *asks) answer(payload json.RawMessage) {
	var v wire.AskVerdict
	if json.Unmarshal(payload, &v) != nil {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if p := a.byNumber[v.Number]; p != nil {
		p.first = v.Seen
		a.settle(p, v.Allow, v.Reason)
	}
}

// remember notes how an ask ended. a.mu is held.
func (a *asks) remember(about subject, rule, text string) {
	now := a.now()
	if len(a.reasons) >= maxReasons {
		for known, r := range a.reasons {
			if now.Sub(r.ended) > reasonTime {
				delete(a.reasons, known)
			}
		}
		if len(a.reasons) >= maxReasons {
			clear(a.reasons)
		}
	}
	born := ""
	if text == "" && about.class == policy.ClassExec && about.pid > 0 {
		born = a.born(about.pid)
	}
	a.reasons[about] = reason{rule: rule, text: text, born: born, ended: now}
}

// takeBack forgets what the leave to run a program covers: an answer was taken back.
func (a *asks) takeBack() {
	a.mu.Lock()
	defer a.mu.Unlock()
	for about, r := range a.reasons {
		if r.text == "" {
			delete(a.reasons, about)
		}
	}
}

// loads reports whether a read is part of running a program that was just
// allowed: the kernel, the loader and a script's interpreter read it. The same
// call is seen twice, before it runs and as it reads. a.mu is held.
func (a *asks) loads(d sandbox.Denial) bool {
	if d.PID == 0 || d.Class != policy.ClassPathRead && (d.Class != policy.ClassExec || d.Mechanism != "gate") {
		return false
	}
	r, known := a.reasons[subject{d.PID, policy.ClassExec, d.Target}]
	return known && r.text == "" && a.now().Sub(r.ended) < programTime && r.born != "" && r.born == a.born(d.PID)
}

// explain writes the answer of an ask into the denial that it led to.
func (a *asks) explain(d sandbox.Denial) sandbox.Denial {
	a.mu.Lock()
	defer a.mu.Unlock()
	r, known := a.reasons[subject{d.PID, d.Class, d.Target}]
	if known && r.text != "" && r.rule == d.Rule && a.now().Sub(r.ended) < reasonTime {
		d.Rule = r.text
	}
	return d
}

// bornAt says when a process began; empty: there is none, or it cannot be told.
func bornAt(pid int) string {
	if began, ok := sandbox.Began(pid); ok {
		return strconv.FormatUint(began, 10)
	}
	return ""
}
