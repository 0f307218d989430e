package event_test

import (
	"sync"
	"testing"
	"time"

	"openclaw/gateway/event"
)

func TestEveryWatcherSeesOneOrder(t *testing.T) {
	const publishers, each, watchers = 8, 500, 4
	bus := event.NewBus(nil)
	var subscriptions []*event.Subscription
	for range watchers {
		subscriptions = append(subscriptions, bus.Subscribe(publishers*each))
	}
	var wg sync.WaitGroup
	for range publishers {
		wg.Go(func() {
			for range each {
				bus.Publish(event.Event{Kind: event.KindNotice, Notice: &event.Notice{Text: "x"}})
			}
		})
	}
	wg.Wait()
	for _, s := range subscriptions {
		s.Close()
		want, last := uint64(1), time.Time{}
		for e := range s.C() {
			if e.Seq != want {
				t.Fatalf("got event %d, want %d", e.Seq, want)
			}
			if e.Time.Before(last) {
				t.Fatalf("event %d is older than the one before it", e.Seq)
			}
			want, last = want+1, e.Time
		}
		if want != publishers*each+1 || s.Dropped() != 0 {
			t.Fatalf("saw %d events, lost %d", want-1, s.Dropped())
		}
	}
	if bus.Seq() != publishers*each {
		t.Fatalf("Seq() = %d", bus.Seq())
	}
}

func TestSlowWatcherLosesCountedEventsAndDelaysNobody(t *testing.T) {
	bus := event.NewBus(nil)
	slow, fast := bus.Subscribe(3), bus.Subscribe(100)
	defer fast.Close()
	for range 10 {
		bus.Publish(event.Event{Kind: event.KindLog}) // must return although nobody reads
	}
	if slow.Dropped() != 7 || fast.Dropped() != 0 || bus.Dropped() != 7 {
		t.Fatalf("lost: slow %d, fast %d, bus %d", slow.Dropped(), fast.Dropped(), bus.Dropped())
	}
	for want := uint64(1); want <= 3; want++ {
		if e := <-slow.C(); e.Seq != want {
			t.Fatalf("slow watcher got %d, want %d", e.Seq, want)
		}
	}
	bus.Publish(event.Event{Kind: event.KindLog})
	if e := <-slow.C(); e.Seq != 11 {
		t.Fatalf("after the gap the watcher got %d, want 11", e.Seq)
	}
	slow.Close()
	if bus.Dropped() != 7 {
		t.Fatal("a closed watcher's losses were forgotten")
	}
}

func TestSubscriptionChoosesKindsAndKnowsItsStart(t *testing.T) {
	bus := event.NewBus(nil)
	bus.Publish(event.Event{Kind: event.KindDenial})
	s := bus.Subscribe(10, event.KindDenial, event.KindAgent)
	if s.Start() != 1 {
		t.Fatalf("Start() = %d, want 1", s.Start())
	}
	for _, k := range []event.Kind{event.KindLog, event.KindDenial, event.KindNotice, event.KindAgent} {
		bus.Publish(event.Event{Kind: k})
	}
	s.Close()
	s.Close() // twice is harmless
	var got []event.Kind
	for e := range s.C() {
		got = append(got, e.Kind)
	}
	if len(got) != 2 || got[0] != event.KindDenial || got[1] != event.KindAgent || s.Dropped() != 0 {
		t.Fatalf("got %v, lost %d", got, s.Dropped())
	}
}

func TestTimeNeverGoesBackwards(t *testing.T) {
	start := time.Date(2026, 2, 25, 10, 0, 0, 0, time.UTC)
	clock := []time.Time{start, start.Add(-time.Hour), start.Add(time.Second)}
	bus := event.NewBus(func() time.Time { at := clock[0]; clock = clock[1:]; return at })
	s := bus.Subscribe(3)
	defer s.Close()
	for range 3 {
		bus.Publish(event.Event{Kind: event.KindLog})
	}
	for _, want := range []time.Time{start, start, start.Add(time.Second)} {
		if e := <-s.C(); !e.Time.Equal(want) {
			t.Fatalf("event %d has time %v, want %v", e.Seq, e.Time, want)
		}
	}
}

func TestWatchersComeAndGoWhileEventsFlow(t *testing.T) {
	bus := event.NewBus(nil)
	stop := make(chan struct{})
	var publishers, watchers sync.WaitGroup
	for range 2 {
		publishers.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
					bus.Publish(event.Event{Kind: event.KindLog})
				}
			}
		})
	}
	for range 4 {
		watchers.Go(func() {
			for range 200 {
				s := bus.Subscribe(1)
				last := (<-s.C()).Seq
				if last <= s.Start() {
					t.Errorf("event %d came before the subscription at %d", last, s.Start())
				}
				s.Close()
				for e := range s.C() {
					if e.Seq <= last {
						t.Errorf("event %d after %d", e.Seq, last)
					}
				}
			}
		})
	}
	watchers.Wait()
	close(stop)
	publishers.Wait()
}

func TestPublishDoesNotAllocate(t *testing.T) {
	bus := event.NewBus(nil)
	s := bus.Subscribe(1, event.KindLog)
	defer s.Close()
	e := event.Event{Kind: event.KindLog, Log: &event.LogLine{}}
	if n := testing.AllocsPerRun(1000, func() { bus.Publish(e) }); n != 0 {
		t.Fatalf("Publish allocates %v times", n)
	}
}

func BenchmarkPublish(b *testing.B) {
	bus := event.NewBus(nil)
	for range 4 {
		defer bus.Subscribe(1).Close()
	}
	e := event.Event{Kind: event.KindLog, Log: &event.LogLine{}}
	b.ReportAllocs()
	for b.Loop() {
		bus.Publish(e)
	}
}
