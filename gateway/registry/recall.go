package registry

import "openclaw/gateway/event"

// Recall lists refusals that are on record from before this gateway, oldest first, as if
// they had come here: they are seen, counted in their hour, and a rule may be made of them.
// It writes nothing, tells nobody, and is for the time before anybody is served.
func (r *Registry) Recall(denials ...event.Denial) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, d := range denials {
		d.Count = max(d.Count, 1)
		minute := d.Last.Unix() / 60
		if slot := &r.minutes[minute%60]; slot.minute == minute {
			slot.count += d.Count
		} else if slot.minute < minute {
			*slot = minuteCount{minute: minute, count: d.Count}
		}
		key := keyOf(d)
		if element, known := r.denials[key]; known {
			row := element.Value.(*denialRow)
			d.ID, d.First, d.Count = row.ID, row.First, row.Count+d.Count
			row.Denial = d
			r.order.MoveToBack(element)
			continue
		}
		r.makeRoom()
		d.ID = r.newID()
		row := &denialRow{Denial: d}
		r.byID[d.ID] = row
		r.rows[d.Agent]++
		r.denials[key] = r.order.PushBack(row)
	}
}
