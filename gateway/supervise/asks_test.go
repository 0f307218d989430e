package supervise

import (
	"context"
	"encoding/json"
	"errors"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"openclaw/gateway/wire"
	"openclaw/sandbox"
	"openclaw/sandbox/policy"
)

// desk is a gateway as asks sees it.
type desk struct {
	mu        sync.Mutex
	asked     []wire.AskParams
	cancelled []wire.AskCancelParams
	alike     []wire.AskAlikeParams
	answer    func(wire.AskParams) (*wire.AskVerdict, error)
}

func (d *desk) Events() <-chan wire.Event { return nil }
func (d *desk) Close() error              { return nil }

func (d *desk) Call(_ context.Context, method string, params, result any) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	switch p := params.(type) {
	case wire.AskParams:
		d.asked = append(d.asked, p)
		if d.answer == nil {
			return nil
		}
		v, err := d.answer(p)
		result.(*wire.AskHeld).Verdict = v
		return err
	case wire.AskAlikeParams:
		d.alike = append(d.alike, p)
		return nil
	case wire.AskCancelParams:
		d.cancelled = append(d.cancelled, p)
		return nil
	}
	return errors.New(method)
}

func (d *desk) count() (asked, cancelled int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return len(d.asked), len(d.cancelled)
}

func soon(t *testing.T, what string, happened func() bool) {
	t.Helper()
	for end := time.Now().Add(time.Minute); !happened(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("never: %s", what)
		}
	}
}

func newTestAsks(t *testing.T, d *desk) *asks {
	t.Helper()
	a := newAsks("run", d)
	t.Cleanup(a.close)
	return a
}

func read(target string) sandbox.Denial {
	return sandbox.Denial{Class: policy.ClassPathRead, Operation: "open", Target: target, Rule: "not in allowed_paths", PID: 0}
}

// put asks beside the test and hands over the answer.
func put(ctx context.Context, a *asks, d sandbox.Denial) <-chan bool {
	out := make(chan bool, 1)
	go func() {
		allow, err := a.Ask(ctx, d)
		out <- allow && err == nil
	}()
	return out
}

func push(a *asks, number uint64, allow bool, text string) {
	payload, _ := json.Marshal(wire.AskVerdict{Number: number, Allow: allow, Reason: text})
	a.answer(payload)
}

func TestAnAskWaitsForItsVerdict(t *testing.T) {
	d := &desk{}
	a := newTestAsks(t, d)
	yes, no := put(t.Context(), a, read("/a")), put(t.Context(), a, read("/b"))
	soon(t, "both asks", func() bool { n, _ := d.count(); return n == 2 })
	a.answer(json.RawMessage(`"nonsense"`))
	push(a, 99, true, "")
	for _, p := range d.asked {
		push(a, p.Number, p.Target == "/a", "ask: denied by you")
	}
	if !<-yes || <-no {
		t.Error("the answers are exchanged")
	}
	if got := a.explain(read("/b")).Rule; got != "ask: denied by you" {
		t.Errorf("the denial says %q", got)
	}
	if got := a.explain(read("/a")).Rule; got != "not in allowed_paths" {
		t.Errorf("another denial says %q", got)
	}
	other := read("/b")
	other.Rule = "denied_paths: /b"
	if got := a.explain(other).Rule; got != other.Rule {
		t.Errorf("a denial by a rule says %q", got)
	}
}

// What a grant answers at once needs no event.
func TestAnAnswerAtOnce(t *testing.T) {
	d := &desk{answer: func(p wire.AskParams) (*wire.AskVerdict, error) {
		switch p.Target {
		case "/granted":
			return &wire.AskVerdict{Number: p.Number, Allow: true}, nil
		case "/limited":
			return &wire.AskVerdict{Number: p.Number, Reason: "ask: more than 20 asks in a minute"}, nil
		}
		return nil, wire.Invalid("no")
	}}
	a := newTestAsks(t, d)
	for target, want := range map[string]bool{"/granted": true, "/limited": false, "/refused": false} {
		if got := <-put(t.Context(), a, read(target)); got != want {
			t.Errorf("%s: %v", target, got)
		}
	}
	if got := a.explain(read("/limited")).Rule; !strings.Contains(got, "20 asks") {
		t.Error(got)
	}
}

// timed is a context whose time is over when a test says so.
type timed struct {
	context.Context

	over chan struct{}
}

func (c timed) Done() <-chan struct{} { return c.over }

func (c timed) Err() error {
	select {
	case <-c.over:
		return context.DeadlineExceeded
	default:
		return nil
	}
}

func (c timed) Deadline() (time.Time, bool) { return time.Now().Add(time.Minute), true }

// Alike requests wait on one ask; it is taken back when the last one leaves.
func TestAlikeRequestsAreOneAsk(t *testing.T) {
	d := &desk{}
	a := newTestAsks(t, d)
	ctx, cancel := context.WithCancel(t.Context())
	first, second := put(ctx, a, read("/a")), put(t.Context(), a, read("/a"))
	soon(t, "both waiting", func() bool {
		asked, _ := d.count()
		a.mu.Lock()
		defer a.mu.Unlock()
		return asked > 0 && len(a.byNumber) == 1 && a.byNumber[1] != nil && a.byNumber[1].waiters == 2
	})
	cancel()
	if <-first {
		t.Error("allowed")
	}
	if asked, cancelled := d.count(); asked != 1 || cancelled != 0 {
		t.Errorf("%d asked, %d cancelled", asked, cancelled)
	}
	push(a, 1, true, "")
	if !<-second {
		t.Error("the other one was denied too")
	}
	late := timed{t.Context(), make(chan struct{})}
	third := put(late, a, read("/b"))
	soon(t, "the next ask", func() bool { n, _ := d.count(); return n == 2 })
	close(late.over) // its time is over
	if <-third {
		t.Error("allowed")
	}
	soon(t, "the cancel", func() bool { _, n := d.count(); return n == 1 })
	if c := d.cancelled[0]; c.Number != 2 || !c.Missed || c.Run != "run" {
		t.Errorf("%+v", c)
	}
	if got := a.explain(read("/b")).Rule; !strings.HasPrefix(got, "ask: no answer in ") {
		t.Errorf("the denial says %q", got)
	}
}

// The gateway hears how many requests one ask stands for, and how many of them are left.
func TestTheGatewayKnowsHowManyWait(t *testing.T) {
	d := &desk{}
	a := newTestAsks(t, d)
	ctx, cancel := context.WithCancel(t.Context())
	leaves := put(ctx, a, read("/a"))
	soon(t, "the ask", func() bool { n, _ := d.count(); return n == 1 })
	var stay []<-chan bool
	for range 4 {
		stay = append(stay, put(t.Context(), a, read("/a")))
	}
	hears := func(seen, waiting int) {
		t.Helper()
		soon(t, "the numbers", func() bool {
			d.mu.Lock()
			defer d.mu.Unlock()
			n := len(d.alike)
			return n > 0 && d.alike[n-1] == wire.AskAlikeParams{Run: "run", Number: 1, Seen: seen, Waiting: waiting}
		})
	}
	hears(5, 5)
	cancel()
	<-leaves
	hears(5, 4)
	push(a, 1, true, "")
	for _, answer := range stay {
		if !<-answer {
			t.Error("one that waited was denied")
		}
	}
	if asked, cancelled := d.count(); asked != 1 || cancelled != 0 {
		t.Errorf("%d asked, %d cancelled", asked, cancelled)
	}
}

// Without a gateway nothing is allowed and nothing waits.
func TestTheGatewayIsGone(t *testing.T) {
	d := &desk{}
	a := newTestAsks(t, d)
	held := put(t.Context(), a, read("/a"))
	soon(t, "the ask", func() bool { n, _ := d.count(); return n == 1 })
	a.detach()
	if <-held || <-put(t.Context(), a, read("/b")) {
		t.Error("allowed")
	}
	for _, target := range []string{"/a", "/b"} {
		if got := a.explain(read(target)).Rule; got != "ask: gateway away" {
			t.Errorf("%s: %q", target, got)
		}
	}
	push(a, 1, true, "") // too late
	d.answer = func(wire.AskParams) (*wire.AskVerdict, error) { return nil, errors.New("broken pipe") }
	a.attach(d)
	if <-put(t.Context(), a, read("/c")) {
		t.Error("allowed")
	}
}

// A program that is killed does not wait, and its ask is taken back.
func TestTheProgramIsKilled(t *testing.T) {
	d := &desk{}
	a := newTestAsks(t, d)
	cmd := exec.Command("sleep", "1000")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	asked := read("/a")
	asked.PID = cmd.Process.Pid
	if gone, stop := watchExit(asked.PID); gone == nil {
		stop()
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		t.Skip("this system does not tell when a process ends")
	} else {
		stop()
	}
	held := put(t.Context(), a, asked)
	soon(t, "the ask", func() bool { n, _ := d.count(); return n == 1 })
	_ = cmd.Process.Kill() // and nobody waits for it yet
	if <-held {
		t.Error("allowed")
	}
	soon(t, "the cancel", func() bool { _, n := d.count(); return n == 1 })
	_ = cmd.Wait()
	if got := a.explain(asked).Rule; got != "ask: the program is gone" {
		t.Errorf("the denial says %q", got)
	}
}

// The leave to run a program covers that it is read, by that process.
func TestALeaveToRunCoversTheRead(t *testing.T) {
	d := &desk{answer: func(p wire.AskParams) (*wire.AskVerdict, error) {
		return &wire.AskVerdict{Number: p.Number, Allow: p.Class == policy.ClassExec}, nil
	}}
	a := newTestAsks(t, d)
	now := time.Unix(1, 0)
	a.now = func() time.Time { return now }
	began := "100"
	a.born = func(pid int) string { return strconv.Itoa(pid) + " " + began }
	run := sandbox.Denial{Class: policy.ClassExec, Operation: "execve", Target: "/tool", PID: 1 << 30}
	reads := read("/tool")
	reads.PID = run.PID
	if <-put(t.Context(), a, reads) || !<-put(t.Context(), a, run) || !<-put(t.Context(), a, reads) {
		t.Error("the program is not read when it is run")
	}
	another, other := reads, reads
	another.PID, other.Target = 1<<30+1, "/data"
	if <-put(t.Context(), a, another) || <-put(t.Context(), a, other) {
		t.Error("somebody else reads, or something else is read")
	}
	began = "101"
	if <-put(t.Context(), a, reads) {
		t.Error("another process that has its number after it reads")
	}
	began, now = "100", now.Add(programTime)
	if <-put(t.Context(), a, reads) {
		t.Error("the leave does not end")
	}
}

// What is remembered is bounded, and close leaves nothing waiting.
func TestAsksAreBoundedAndEnd(t *testing.T) {
	d := &desk{answer: func(wire.AskParams) (*wire.AskVerdict, error) { return &wire.AskVerdict{}, nil }}
	a := newAsks("run", d)
	for n := range maxReasons + 10 {
		asked := read("/a")
		asked.PID = 1<<30 + n
		<-put(t.Context(), a, asked)
	}
	if len(a.reasons) > maxReasons || len(a.byKey) != 0 {
		t.Errorf("%d reasons, %d asks", len(a.reasons), len(a.byKey))
	}
	d.mu.Lock()
	d.answer = nil
	d.mu.Unlock()
	var held []<-chan bool
	for _, target := range []string{"/x", "/y"} {
		held = append(held, put(t.Context(), a, read(target)))
	}
	soon(t, "both asks", func() bool { a.mu.Lock(); defer a.mu.Unlock(); return len(a.byNumber) == 2 })
	a.close()
	if slices.ContainsFunc(held, func(c <-chan bool) bool { return <-c }) {
		t.Error("allowed")
	}
}
