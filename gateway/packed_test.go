package gateway

import (
	"slices"
	"testing"
	"time"

	"openclaw/gateway/client"
	"openclaw/gateway/event"
	"openclaw/gateway/wire"
)

// Who asks for packed events gets each once and in their order, many at a time, and
// what it could not take is missing in the numbers and counted.
func TestAWatcherOfPackedEventsGetsAllInOrder(t *testing.T) {
	h := start(t, "")
	c := h.local()
	if err := c.Call(t.Context(), wire.MethodSubscribe, wire.SubscribeParams{Packed: true, Kinds: []event.Kind{event.KindNotice, event.KindLog}}, nil); err != nil {
		t.Fatal(err)
	}
	const events = 3000 // fewer than have room at once: the last of them may come in one burst
	first, dropped := h.bus.Seq(), h.bus.Dropped()
	for i := range events {
		if i%2 == 0 {
			h.bus.Publish(event.Event{Kind: event.KindLog, Log: &event.LogLine{Message: "line"}})
		} else {
			h.bus.Publish(event.Event{Kind: event.KindNotice, Notice: &event.Notice{Text: "notice"}})
		}
	}
	frames, last := 0, first
	for last < first+events {
		select {
		case pushed := <-c.Events():
			if pushed.Event != wire.EventPacked {
				t.Fatalf("%s comes", pushed.Event)
			}
			frames++
			events, err := wire.ReadPacked(pushed.Payload)
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range events {
				if e.Seq != last+1 || (e.Log == nil) == (e.Notice == nil) || e.Time.IsZero() {
					t.Fatalf("after event %d comes %+v", last, e)
				}
				last = e.Seq
			}
		case <-time.After(20 * time.Second):
			t.Fatalf("after event %d of %d nothing comes", last-first, events)
		}
	}
	if frames > events/2 || h.bus.Dropped() != dropped {
		t.Errorf("%d frames of %d events, %d dropped", frames, events, h.bus.Dropped()-dropped)
	}
}

// A screen that does not read loses events, and knows how many: the numbers that come
// and those that are missing make up all that was published.
func TestPackedEventsThatAreLostAreCounted(t *testing.T) {
	h := start(t, "")
	events, err := client.NewBackend(h.local(), nil).Events(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	const published = 20_000
	first := h.bus.Seq()
	for range published {
		h.bus.Publish(event.Event{Kind: event.KindLog, Log: &event.LogLine{Message: "line"}})
	}
	var came, missing uint64
	last := first
	patience := time.After(60 * time.Second)
	for end := false; !end; {
		select {
		case <-time.After(100 * time.Millisecond): // it may be lost, too
			h.bus.Publish(event.Event{Kind: event.KindNotice, Notice: &event.Notice{Text: "the end"}})
		case batch := <-events:
			for _, e := range batch {
				if e.Seq <= last {
					t.Fatalf("after event %d comes %d", last, e.Seq)
				}
				if e.Kind == event.KindGap {
					missing, last = missing+e.Seq-last, e.Seq
					continue
				}
				came, missing, last = came+1, missing+e.Seq-last-1, e.Seq
				end = e.Notice != nil && e.Notice.Text == "the end"
			}
		case <-patience:
			t.Fatal("the last event never came")
		}
	}
	if came+missing != last-first || last > h.bus.Seq() || missing < h.bus.Dropped() {
		t.Errorf("%d came and %d are missing of %d, the gateway dropped %d", came, missing, last-first, h.bus.Dropped())
	}
}

// What was lost last is known to a screen too, though nothing comes after it.
func TestALossWithNothingAfterItIsTold(t *testing.T) {
	bus := event.NewBus(nil)
	g := &Gateway{deps: Deps{Bus: bus, Now: time.Now}}
	s := bus.Subscribe(3)
	defer s.Close()
	publish := func(n int) (first uint64) {
		first = bus.Seq() + 1
		for range n {
			bus.Publish(event.Event{Kind: event.KindLog, Log: &event.LogLine{Message: "line"}})
		}
		return first
	}
	numbers := func(known uint64) (now uint64, seqs []uint64, last event.Event) {
		var p packed
		g.pack(&p, <-s.C())
		now = g.packLoss(&p, s, known)
		events, err := wire.ReadPacked(p.frame)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range events {
			seqs, last = append(seqs, e.Seq), e
		}
		return now, seqs, last
	}
	first := publish(10)
	known, got, last := numbers(0)
	if !slices.Equal(got, []uint64{first, first + 1, first + 2, first + 9}) || known != 7 || last.Kind != event.KindGap || last.Log != nil || last.Time.IsZero() {
		t.Errorf("after event %d: %v, the last %+v, %d known", first, got, last, known)
	}
	first = publish(1) // nothing is lost, nothing is told again
	if known, got, last = numbers(known); !slices.Equal(got, []uint64{first}) || known != 7 || last.Kind != event.KindLog {
		t.Errorf("after event %d: %v, the last %+v, %d known", first, got, last, known)
	}
}

// A person who is asked is asked at once, in the middle of a stream too.
func TestAnAskDoesNotWaitForTheFrameOfAStream(t *testing.T) {
	g := &Gateway{}
	var p packed
	due := time.Now().Add(time.Hour)
	for range 3 * manyEvents {
		g.pack(&p, event.Event{Kind: event.KindLog, Log: &event.LogLine{Message: "line"}})
	}
	if p.leaves(due) {
		t.Error("a stream leaves before it is due")
	}
	g.pack(&p, event.Event{Kind: event.KindAsk, Ask: &event.Ask{ID: "a-1"}})
	if !p.leaves(due) {
		t.Error("the request waits")
	}
}
