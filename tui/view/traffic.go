package view

import (
	"time"

	"openclaw/gateway/event"
)

// trafficEach is how often the bytes of the gateway's clients are fetched while the
// connections are in sight: what a client sends and gets is no event.
const trafficEach = 5 * time.Second

// wantsTraffic asks for those bytes when it is time, and a client is connected.
func (v *ConnectionsView) wantsTraffic() Action {
	if v.data.Instant.Sub(v.traffic) < trafficEach {
		return Action{}
	}
	v.traffic = v.data.Instant
	for i := range v.data.Connections.Len() {
		if n := v.data.Connections.Newest(i); event.Client(n.Kind) && isOpen(n) {
			return Action{Verb: VerbLoadTraffic}
		}
	}
	return Action{}
}

// LoadTraffic takes the bytes of open connections, and nothing else of them: an event that
// came meanwhile may say more.
func (d *Data) LoadTraffic(rows []event.Connection) {
	for i := range rows {
		known := d.Connections.Get(rows[i].ID)
		if !isOpen(known) || known.BytesIn == rows[i].BytesIn && known.BytesOut == rows[i].BytesOut {
			continue
		}
		next := *known
		next.BytesIn, next.BytesOut = rows[i].BytesIn, rows[i].BytesOut
		d.Connections.Put(&next)
	}
}
