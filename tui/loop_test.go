package tui

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	tea "github.com/charmbracelet/bubbletea"
	"github.com/charmbracelet/x/ansi"
	"github.com/charmbracelet/x/exp/teatest"

	"openclaw/gateway/event"
	"openclaw/tui/view"
)

// These tests run the loop of the screen, the one of Run, in this process and without a
// terminal: its messages can be counted and its clock set, which no terminal allows. What
// the terminal itself shows is for the tests on one.

const patience = time.Minute // the machine may be busy with everything at once

// loop is a screen whose Bubble Tea loop runs.
type loop struct {
	*teatest.TestModel
	t      *testing.T
	m      *model
	frames atomic.Int64 // that the feed asked for
	keys   atomic.Int64

	mu sync.Mutex
	at time.Time // the clock that only goes forward
}

// watched counts what a model is told.
type watched struct {
	*model
	loop *loop
}

func (w watched) Update(msg tea.Msg) (tea.Model, tea.Cmd) {
	switch msg.(type) {
	case frameMsg:
		w.loop.frames.Add(1)
	case tea.KeyMsg:
		w.loop.keys.Add(1)
	}
	_, cmd := w.model.Update(msg)
	return w, cmd
}

func startLoop(t *testing.T, b Backend) *loop {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	l := &loop{t: t, at: time.Now()}
	l.m = newModel(ctx, cancel, &Options{
		Backend: b, Language: "en", Now: func() time.Time { return demoTime(28) },
		Getenv: func(string) string { return "" },
	})
	l.m.screen.instant = func() time.Time {
		l.mu.Lock()
		defer l.mu.Unlock()
		return l.at
	}
	l.TestModel = teatest.NewTestModel(t, watched{l.m, l}, teatest.WithInitialTermSize(120, 36))
	l.m.start(l.Send)
	t.Cleanup(l.end)
	return l
}

// end ends the screen as a signal does, and waits for all that it started.
func (l *loop) end() {
	l.t.Helper()
	l.m.crash.stop()
	ended := make(chan struct{})
	go func() { defer close(ended); l.GetProgram().Wait(); l.m.work.end() }()
	select {
	case <-ended:
	case <-time.After(patience):
		l.t.Error("something of the screen goes on after its end")
	}
}

// until waits for a text that the loop draws from now on, or has not been waited past.
func (l *loop) until(text string) {
	l.t.Helper()
	teatest.WaitFor(l.t, l.Output(), func(out []byte) bool {
		return strings.Contains(ansi.Strip(string(out)), text)
	}, teatest.WithDuration(patience), teatest.WithCheckInterval(5*time.Millisecond))
}

func (l *loop) pass(d time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.at = l.at.Add(d)
}

// still is the demo's gateway with nothing happening at it.
func still() *Demo {
	world, _ := demoAtWork()
	return newDemo(world, nil)
}

// However many events come, and each wakes the screen, there are no more frames than a
// person can see; and none of the wakes is lost: the last event is drawn though nothing
// comes after it.
func TestLoopMergesWakesIntoFrames(t *testing.T) {
	t.Parallel()
	begin := time.Now()
	l := startLoop(t, still())
	l.until("ask")
	l.Type("5")
	l.until("[5 Logs]")
	const want = 30
	pushed := 0
	for until := time.Now().Add(patience); l.frames.Load() < want; pushed++ {
		if time.Now().After(until) {
			t.Fatalf("%d frames in a minute of events", l.frames.Load())
		}
		line := demoLog(pushed, "INFO", "gateway", "request", fmt.Sprint("number=", pushed))
		l.m.screen.feed.push(event.Event{Kind: event.KindLog, Log: &line})
	}
	last := demoLog(pushed, "INFO", "gateway", "the last one of the storm", "")
	l.m.screen.feed.push(event.Event{Kind: event.KindLog, Log: &last})
	l.until("the last one of the storm")
	frames, most := l.frames.Load(), int64(time.Since(begin)/(streamEvery-early))+10 // and those of the start
	if frames > most || pushed < 10*want {
		t.Errorf("%d events made %d frames, of at most %d", pushed, frames, most)
	}
}

// A request that an agent is held for is drawn as it comes, in every view and though
// nobody touches a key.
func TestLoopShowsAHeldRequestWithNoKey(t *testing.T) {
	t.Parallel()
	l := startLoop(t, still())
	l.until("3 asks wait")
	l.m.screen.feed.push(heldRequest("zz9"))
	l.until("4 asks wait")
	if n := l.keys.Load(); n != 0 {
		t.Errorf("%d keys were pressed", n)
	}
}

// heldBackend answers a request when it is let.
type heldBackend struct {
	*Demo
	let chan struct{}

	mu      sync.Mutex
	answers []string
}

func (b *heldBackend) AnswerAsk(ctx context.Context, id string, allow bool, scope, match, note string) (event.Ask, bool, error) {
	b.mu.Lock()
	b.answers = append(b.answers, fmt.Sprint(id, " ", allow, " ", scope))
	b.mu.Unlock()
	select {
	case <-b.let:
	case <-ctx.Done():
		return event.Ask{}, false, ctx.Err()
	}
	return b.Demo.AnswerAsk(ctx, id, allow, scope, match, note)
}

func (b *heldBackend) given() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.answers)
}

// A gateway that takes its time with an answer holds up no key: the screen goes on, and
// says how it ended when it ended.
func TestLoopGoesOnWhileTheGatewayThinks(t *testing.T) {
	t.Parallel()
	b := &heldBackend{Demo: still(), let: make(chan struct{})}
	l := startLoop(t, b)
	l.until("3 asks wait")
	l.Type("3")
	l.until("[3 Denials")
	l.pass(time.Second)
	l.Send(frameMsg{})
	l.until("a allow") // the keys are awake
	l.Type("a")
	for until := time.Now().Add(patience); len(b.given()) == 0; time.Sleep(time.Millisecond) {
		if time.Now().After(until) {
			t.Fatal("the answer never left")
		}
	}
	l.Type("5")
	l.until("the gateway's log, redacted")
	l.Type("8")
	l.until("REJECTED")
	close(b.let)
	l.until("allowed once")
	if got := b.given(); !slices.Equal(got, []string{"4f2a91 true once"}) {
		t.Errorf("the gateway was told %q", got)
	}
}

// A key that lies in the queue right behind the frame which first shows a request does not
// answer it, nor does one 399 ms later; the first that may begins the wait anew.
func TestLoopAnswersNothingThatWasNotSeen(t *testing.T) {
	t.Parallel()
	world, _ := demoAtWork()
	world.asks, world.denials = nil, nil
	b := &heldBackend{Demo: newDemo(world, nil), let: make(chan struct{})}
	close(b.let)
	l := startLoop(t, b)
	l.until("agents 1/")
	l.Type("3")
	l.until("Nothing waits and nothing was denied")
	l.m.screen.feed.push(heldRequest("zz9"))
	l.Send(frameMsg{})
	l.Type("a")
	l.pass(view.ArmDelay - time.Millisecond)
	l.Type("a")
	l.Type("s") // from here on an answer is for this run: it cannot be one of the keys above
	l.pass(view.ArmDelay)
	l.Type("ay")
	for until := time.Now().Add(patience); len(b.given()) == 0; time.Sleep(time.Millisecond) {
		if time.Now().After(until) {
			t.Fatal("the answer never left")
		}
	}
	l.end() // and whatever was under way
	if got := b.given(); !slices.Equal(got, []string{"zz9 true run"}) {
		t.Errorf("the gateway was told %q", got)
	}
}

// Leaving ends the loop and all that it started, with what the person chose, and the
// cursor is theirs again.
func TestLoopEndsWithWhatWasChosen(t *testing.T) {
	t.Parallel()
	for key, stop := range map[string]bool{"l": false, "s": true} {
		l := startLoop(t, still())
		l.until("3 asks wait")
		l.Type("q")
		l.until("leave the gateway running")
		l.Type(key)
		end, ok := l.FinalModel(t, teatest.WithFinalTimeout(patience)).(watched)
		if !ok || !end.screen.quit || end.screen.outcome.StopGateway != stop {
			t.Errorf("%s: quit %v, outcome %+v", key, end.screen.quit, end.screen.outcome)
		}
		out, err := io.ReadAll(l.Output())
		if hide, show := bytes.LastIndex(out, []byte(ansi.HideCursor)), bytes.LastIndex(out, []byte(ansi.ShowCursor)); err != nil || show <= hide {
			t.Errorf("%s: the cursor stays away: %q, %v", key, out, err)
		}
		l.end()
	}
}
