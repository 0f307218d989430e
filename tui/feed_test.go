package tui

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"openclaw/gateway/event"
	"openclaw/tui/view"
)

// lossyBackend loses its connection when told to.
type lossyBackend struct {
	*Demo
	mu      sync.Mutex
	events  chan []event.Event
	down    bool
	back    bool // it answers again
	dials   int
	denials []event.Denial
}

func (b *lossyBackend) Events(context.Context) (<-chan []event.Event, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.down {
		return nil, errors.New("connection refused")
	}
	b.events = make(chan []event.Event)
	return b.events, nil
}

func (b *lossyBackend) Reconnect(context.Context) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.dials++
	if b.dials >= 2 && b.back {
		b.down = false
	}
	return nil
}

func (b *lossyBackend) Denials(context.Context) ([]event.Denial, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.denials, nil
}

func TestGatewayLostAndBack(t *testing.T) {
	b := &lossyBackend{Demo: NewDemo(), denials: demoWorldDenials()}
	o := Options{Backend: b, Now: func() time.Time { return demoTime(28) }}
	d := &driver{t: t, s: newScreen(&o, newFeed(100), view.NewTheme(true, false))}
	d.s.resize(100, 30)
	ctx, cancel := context.WithCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() { d.s.feed.follow(ctx, b) })
	defer wg.Wait()
	defer cancel()
	until := func(what string) string {
		t.Helper()
		for range 6000 {
			if frame := strip(d.press("3")); strings.Contains(frame, what) {
				return frame
			}
			time.Sleep(10 * time.Millisecond)
		}
		t.Fatalf("never saw %q:\n%s", what, strip(d.frame()))
		return ""
	}
	until("telemetry.example.test")
	b.mu.Lock()
	b.down = true
	fresh := demoDenial("d9", 5, 1, "coder", "net", "connect", "after.example:1", "sh", builtIn("x"), "r", "egress")
	b.denials = append(b.denials, fresh)
	close(b.events)
	b.mu.Unlock()
	if frame := until("gateway lost"); !strings.Contains(frame, "telemetry.example.test") {
		t.Errorf("what was known is gone:\n%s", frame)
	}
	b.mu.Lock()
	b.back = true // only now that it was seen
	b.mu.Unlock()
	until("● running")
	until("after.example:1")
}

func demoWorldDenials() []event.Denial {
	w, _ := demoAtWork()
	return w.denials
}

func TestPanicInUpdateIsReportedNotPrinted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	m := &model{ctx: ctx, crash: &crash{stop: cancel}, work: &work{}}
	if next, _ := m.Update(tickMsg{}); next == nil { // there is no screen: this panics
		t.Error("the loop would go on without a model")
	}
	if p := m.crash.found(); p == nil || !bytes.Contains(p.Stack, []byte("Update")) {
		t.Errorf("found %v", p)
	}
	if ctx.Err() == nil {
		t.Error("the program goes on")
	}
}

func TestFeedCountsWhatItLost(t *testing.T) {
	f := newFeed(100)
	for i := range 250 {
		f.push(event.Event{Seq: uint64(i + 1)})
	}
	got, lost := f.take(nil)
	if len(got) != 100 || lost != 150 || got[0].Seq != 151 {
		t.Errorf("%d events, %d lost, first %d", len(got), lost, got[0].Seq)
	}
	f.push(event.Event{Seq: 251})
	if got, lost = f.take(got[:0]); len(got) != 1 || lost != 150 || got[0].Seq != 251 {
		t.Errorf("then %d events, %d lost", len(got), lost)
	}
}

// What is missed is counted once, wherever it was lost: on its way, by the gap in the
// numbers, or here, where it was written over. What the gateway counts of all screens is
// not this one's.
func TestWhatIsMissedCountsOnce(t *testing.T) {
	f := newFeed(100)
	const published = 250
	for n := 1; n <= published; n++ {
		if n < 120 || n > 129 && n < 200 || n > 229 {
			f.push(event.Event{Seq: uint64(n)})
		}
	}
	if got, missed := f.take(nil); len(got)+int(missed) != published {
		t.Errorf("%d were seen and %d missed of %d", len(got), missed, published)
	}
	f.setLink(view.Link{Up: true})
	f.push(event.Event{Seq: 9000}, event.Event{Seq: 9001}) // the numbers of another subscription
	f.push(event.Event{Kind: event.KindGap, Seq: 9004})
	if got, missed := f.take(nil); len(got) != 2 || missed != published-100+3 {
		t.Errorf("%d were seen and %d missed after the gateway came back", len(got), missed)
	}

	d := atWork(t, false, 120, 36)
	last := d.s.feed.newest
	d.s.data.Overview.Dropped = 40
	if frame := strip(d.press("1")); strings.Contains(frame, "missed") {
		t.Errorf("another screen's losses are this one's:\n%s", frame)
	}
	d.event(event.Event{Seq: last + 6, Kind: event.KindNotice, Notice: &event.Notice{Text: "after a gap"}})
	if frame := strip(d.press("1")); !strings.Contains(frame, "! 5 events missed") {
		t.Errorf("five events are missing:\n%s", frame)
	}
}

// askingBackend holds one request more than any event said.
type askingBackend struct {
	*Demo
	more event.Ask
}

func (b askingBackend) Asks(ctx context.Context) ([]event.Ask, error) {
	list, err := b.Demo.Asks(ctx)
	if b.more.ID != "" {
		list = append(list, b.more)
	}
	return list, err
}

// A held request whose event was missed is seen all the same, within a second.
func TestARequestThatWasMissedIsFetched(t *testing.T) {
	b := &askingBackend{Demo: NewDemo()}
	d := newDriver(t, b, false, 120, 36)
	d.event(event.Event{Seq: 10, Kind: event.KindNotice, Notice: &event.Notice{Text: "before"}})
	b.more = event.Ask{
		ID: "a-lost", State: event.AskWaiting, First: demoTime(20), Last: demoTime(20), Count: 1, Waiting: 1, Deadline: demoTime(80),
		Agent: "coder", Class: "net", Operation: "connect", Target: "missed.example.test:443",
	}
	second := func() string {
		d.s.tick()
		d.frame()
		return strip(d.press("3"))
	}
	if frame := second(); strings.Contains(frame, "missed.example.test") {
		t.Fatalf("it is fetched though nothing was missed:\n%s", frame)
	}
	d.event(event.Event{Seq: 12, Kind: event.KindNotice, Notice: &event.Notice{Text: "after"}})
	if frame := second(); !strings.Contains(frame, "missed.example.test") {
		t.Errorf("the request is not there:\n%s", frame)
	}
}

// A stream is drawn when its next frame is due; what the person is asked at once, and in a
// storm of that no more than thirty times a second.
func TestARequestIsDrawnAtOnce(t *testing.T) {
	f, now := newFeed(1000), time.Now()
	for range 3 * manyEvents {
		f.push(event.Event{Log: &event.LogLine{}}, event.Event{Denial: &event.Denial{}})
	}
	if due, asked := f.due(now, time.Time{}); asked || due.Sub(now) < frameEvery {
		t.Errorf("a stream is drawn after %v", due.Sub(now))
	}
	f.push(event.Event{Ask: &event.Ask{}})
	if due, asked := f.due(now, time.Time{}); !asked || due.After(now) {
		t.Errorf("a request is drawn after %v", due.Sub(now))
	}
	if due, _ := f.due(now, now); due.Sub(now) != frameEvery {
		t.Errorf("the next one is drawn after %v", due.Sub(now))
	}
}

func TestFeedNeverBlocksTheProducer(t *testing.T) {
	f := newFeed(1000)
	const producers, each = 4, 20_000
	var wg sync.WaitGroup
	for range producers {
		wg.Go(func() {
			for range each {
				f.push(event.Event{Kind: event.KindLog})
			}
		})
	}
	total, lost := 0, uint64(0)
	done := make(chan struct{})
	go func() { wg.Wait(); close(done) }()
	for finished := false; !finished; {
		select {
		case <-done:
			finished = true
		default:
		}
		var got []event.Event
		got, lost = f.take(nil)
		total += len(got)
	}
	if total+int(lost) != producers*each {
		t.Errorf("%d taken and %d lost of %d", total, lost, producers*each)
	}
}
