package view

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"openclaw/gateway/event"
	"openclaw/sandbox/policy"
)

// Which rows pass a filter and how they stand is not worked out anew when one comes; it is
// as if it were: after whatever came, was sorted, stopped, filtered or answered.
func TestRowsStandAsIfCountedAnew(t *testing.T) {
	for seed := range uint64(16) {
		r := rand.New(rand.NewPCG(seed, 7))
		d := NewData()
		d.Denials = NewRows(40, func(x *event.Denial) string { return x.ID }, func(x *event.Denial) time.Time { return x.Last })
		d.Connections = NewRows(40, func(x *event.Connection) string { return x.ID }, nil)
		d.Asks = NewRows(20, func(x *event.Ask) string { return x.ID }, nil)
		d.Now = time.Unix(1_800_000_000, 0)
		denials, connections := NewDenials(d), NewConnections(d)
		c := NewCanvas(NewTheme(false, false))
		draw := func() {
			c.Reset(120, 30)
			denials.Draw(c)
			c.Reset(120, 30)
			connections.Draw(c)
		}
		id := 0
		some := func() string { // one of the last or, most often, a new one
			if r.IntN(3) == 0 {
				return fmt.Sprint(id - r.IntN(min(id+1, 30)))
			}
			id++
			return fmt.Sprint(id)
		}
		for step := range 250 {
			d.Now = d.Now.Add(time.Duration(r.IntN(40)) * time.Second)
			agent, target := []string{"coder", "reviewer"}[r.IntN(2)], fmt.Sprint("/x/", r.IntN(6))
			switch r.IntN(12) {
			case 0, 1, 2, 3:
				for range r.IntN(4) {
					rule := []string{"denied_paths", "ask: no"}[r.IntN(2)]
					d.Denials.Put(&event.Denial{ID: some(), Agent: agent, Target: target, Operation: "open", Rule: rule, Count: r.IntN(9), Last: d.Now.Add(-time.Duration(r.IntN(90)) * time.Second)})
				}
			case 4, 5:
				for range r.IntN(9) {
					d.Connections.Put(&event.Connection{ID: some(), Agent: agent, Route: target, State: []string{"open", "closed"}[r.IntN(2)], Opened: d.Now})
				}
			case 6:
				if seed%2 == 0 {
					continue // nothing is ever held
				}
				name := some()
				if r.IntN(2) == 0 {
					name = event.PastID(name)
				}
				d.Asks.Put(&event.Ask{ID: name, Agent: agent, Target: target, Operation: "open", First: d.Now, Last: d.Now,
					State: []string{event.AskWaiting, event.AskDenied, event.AskAllowed}[r.IntN(3)], Decided: d.Now})
			case 7:
				if r.IntN(4) == 0 {
					d.Denials.Drop(fmt.Sprint(id))
					d.Connections.Drop(fmt.Sprint(id))
				}
			case 8:
				act := []ID{ActSort, ActFreeze, ActMarkRow, ActDown, ActBottom, ActFilterOff}[r.IntN(6)]
				denials.Do(act)
				connections.Do(act)
			case 9:
				line := []string{"", "agent:coder", "-agent:coder", "/x/1", "since:2m", "state:denied", "reviewer /x"}[r.IntN(7)]
				for _, b := range []*browse{&denials.browse, &connections.browse} {
					b.edit.Wipe()
					b.edit.Key(Key{Text: []rune(line)})
					b.parse()
				}
			case 10:
				continue // several things come between two frames
			}
			draw()
			now, hidden := standsNow(denials, connections)
			denials.inbox.asked = nil
			for _, b := range []*browse{&denials.browse, &connections.browse} {
				b.counted = counting{}
			}
			for i := range d.Denials.Len() {
				*d.Denials.memo(i) = memo{}
			}
			for i := range d.Asks.Len() {
				*d.Asks.memo(i) = memo{}
			}
			for i := range d.Connections.Len() {
				*d.Connections.memo(i) = memo{}
			}
			draw()
			if anew, hiddenAnew := standsNow(denials, connections); !slices.Equal(now, anew) || hidden != hiddenAnew {
				t.Fatalf("seed %d, step %d: stood\n%v, %v hidden, and counted anew\n%v, %v hidden", seed, step, now, hidden, anew, hiddenAnew)
			}
		}
	}
}

// standsNow is the rows of two lists as they stand, and how many of each are out of sight.
func standsNow(denials *DenialsView, connections *ConnectionsView) (rows []string, hidden [2]int) {
	for i := range denials.list.count {
		rows = append(rows, denials.id(i))
	}
	rows = append(rows, "connections")
	for i := range connections.list.count {
		rows = append(rows, connections.id(i))
	}
	return rows, [2]int{denials.order.hidden, connections.order.hidden}
}

// How often a rule was used is counted on while rows come in, and anew when one changes,
// moves or leaves: the same comes out.
func TestUsesAreAsIfCountedAnew(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 5))
	origins := make([]policy.Origin, 5)
	var rows []policyRow
	for i := range origins {
		origins[i] = policy.Origin{File: "config.yaml", Line: i + 1, Key: fmt.Sprintf("agents.coder.rules[%d]", i)}
		for _, effect := range []policy.Effect{policy.Allow, policy.Deny} {
			rows = append(rows, policyRow{effect: effect, from: origins[i]})
		}
	}
	d := NewData()
	d.Denials = NewRows(40, func(x *event.Denial) string { return x.ID }, func(x *event.Denial) time.Time { return x.Last })
	d.Connections = NewRows(40, func(x *event.Connection) string { return x.ID }, nil)
	var kept uses
	of := [2]*policy.Policy{{}, {}}
	for step := range 3000 {
		d.Now = d.Now.Add(time.Duration(r.IntN(90)) * time.Second)
		id, from := fmt.Sprint(r.IntN(60)), origins[r.IntN(len(origins))]
		if r.IntN(2) == 0 {
			id = fmt.Sprint("new-", step)
		}
		agent := []string{"coder", "coder", "reviewer"}[r.IntN(3)]
		switch r.IntN(5) {
		case 0, 1:
			d.Denials.Put(&event.Denial{ID: id, Agent: agent, Origin: from, Count: r.IntN(4), Last: d.Now})
		case 2, 3:
			d.Connections.Put(&event.Connection{ID: id, Agent: agent, Origin: from, Kind: event.ConnectionNet, State: []string{"open", "closed", "refused"}[r.IntN(3)]})
		case 4:
			continue
		}
		p := of[r.IntN(20)/19]
		kept.count(d, "coder", p, rows)
		now := slices.Clone(rows)
		var anew uses
		anew.count(d, "coder", p, rows)
		for i := range rows {
			if rows[i].used != now[i].used {
				t.Fatalf("step %d: rule %d was used %d times, and counted anew %d", step, i, now[i].used, rows[i].used)
			}
		}
	}
}
