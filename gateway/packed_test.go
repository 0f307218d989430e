package gateway

import (
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
			if err := wire.ReadPacked(pushed.Payload, func(e *event.Event) {
				if e.Seq != last+1 || (e.Log == nil) == (e.Notice == nil) || e.Time.IsZero() {
					t.Fatalf("after event %d comes %+v", last, e)
				}
				last = e.Seq
			}); err != nil {
				t.Fatal(err)
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
		case e := <-events:
			if e.Seq <= last {
				t.Fatalf("after event %d comes %d", last, e.Seq)
			}
			came, missing, last = came+1, missing+e.Seq-last-1, e.Seq
			end = e.Notice != nil && e.Notice.Text == "the end"
		case <-patience:
			t.Fatal("the last event never came")
		}
	}
	if came+missing != last-first || last > h.bus.Seq() || missing < h.bus.Dropped() {
		t.Errorf("%d came and %d are missing of %d, the gateway dropped %d", came, missing, last-first, h.bus.Dropped())
	}
}
