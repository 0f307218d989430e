package tui

import (
	"context"
	"strings"
	"testing"
	"time"

	"openclaw/gateway/event"
)

// trafficBackend is a gateway whose clients go on talking.
type trafficBackend struct {
	*Demo
	asked int
	bytes int64
}

func (b *trafficBackend) Sockets(ctx context.Context) ([]event.Connection, error) {
	b.asked++
	rows, err := b.Demo.Sockets(ctx)
	for i := range rows {
		rows[i].BytesOut, rows[i].State = b.bytes, "stale"
	}
	return rows, err
}

// What a client has sent and got is no event, and is true all the same while the
// connections are in sight. Nothing else of a row comes with it, and nothing is asked for
// a view that shows none of it.
func TestTheBytesOfAClientAreThoseOfNow(t *testing.T) {
	b := &trafficBackend{Demo: NewDemo()}
	d := newDriver(t, b, false, 200, 60)
	d.later(time.Minute)
	if b.asked != 0 {
		t.Error("asked for what is not in sight")
	}
	b.bytes = 7_300_000
	d.press("2", "/", "type:kind:unix", "enter")
	d.later(6 * time.Second)
	if frame := strip(d.frame()); !strings.Contains(frame, "out 7.3 MB") || strings.Contains(frame, "stale") {
		t.Errorf("the bytes are not those of now, or more than they came:\n%s", frame)
	}
	row := *d.s.data.Connections.Get("c-19")
	row.State, row.Closed, row.BytesOut = "closed", demoTime(70), 8_400_000
	d.event(event.Event{Connection: &row})
	asked := b.asked
	for range 3 {
		d.later(6 * time.Second)
	}
	if frame := strip(d.frame()); !strings.Contains(frame, "out 8.4 MB") || b.asked != asked {
		t.Errorf("asked %d times more, of none that is open:\n%s", b.asked-asked, frame)
	}
}
