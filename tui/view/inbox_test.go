package view

import (
	"testing"
	"time"

	"openclaw/gateway/event"
)

// A denial that an ask ended in is listed as that ask. One from before it, whose own ask
// the gateway does not remember after its restart, has a row of its own.
func TestADenialIsTheEndOfNoLaterAsk(t *testing.T) {
	d := NewData()
	d.Now = time.Date(2026, 11, 22, 11, 30, 0, 0, time.UTC)
	v := NewDenials(d)
	denial := func(id string, at time.Duration) {
		d.Apply(&event.Event{Denial: &event.Denial{ID: id, Agent: "coder", Operation: "open", Target: "/x", Rule: "ask: no answer in 2m", First: d.Now.Add(at), Last: d.Now.Add(at)}})
	}
	denial("before", -time.Hour)
	d.Apply(&event.Event{Ask: &event.Ask{ID: "4f2a", Agent: "coder", Operation: "open", Target: "/x", State: event.AskMissed, First: d.Now, Last: d.Now}})
	denial("its end, with the time of the try", -2*time.Second)
	denial("its end", time.Minute)
	v.refresh()
	var ids []string
	for i := range v.inbox.len() {
		ids = append(ids, v.inbox.row(i).id())
	}
	if len(ids) != 2 || ids[0] != "?4f2a" || ids[1] != "before" {
		t.Errorf("the rows are %q", ids)
	}
}
