package registry

import "openclaw/gateway/event"

// Recall lists one refusal that is on record from before this gateway, as if it had come
// here: it is seen, counted in its hour, and a rule may be made of it. They come newest
// first, none is written, nobody is told, and it is the time before anybody is served.
func (r *Registry) Recall(d event.Denial) {
	d.Count = max(d.Count, 1)
	r.mu.Lock()
	defer r.mu.Unlock()
	minute := d.Last.Unix() / 60
	if slot := &r.minutes[minute%60]; slot.minute == minute {
		slot.count += d.Count
	} else if slot.minute < minute {
		*slot = minuteCount{minute: minute, count: d.Count}
	}
	key := keyOf(d)
	if element, known := r.denials[key]; known {
		row := element.Value.(*denialRow)
		row.Count += d.Count
		if d.First.Before(row.First) {
			row.First = d.First
		}
		return
	}
	if r.order.Len() >= maxDenials && mostOf(r.rows) == d.Agent {
		return // it would be the next to make room
	}
	r.makeRoom()
	d.ID = r.newID()
	row := &denialRow{Denial: d}
	r.byID[d.ID] = row
	r.rows[d.Agent]++
	r.denials[key] = r.order.PushFront(row)
}
