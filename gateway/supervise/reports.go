package supervise

import (
	"sync"
	"time"

	"openclaw/gateway/event"
	"openclaw/gateway/wire"
	"openclaw/sandbox"
)

// maxRows bounds what waits for the gateway. Past it new targets are counted in
// one row for each operation and rule, so no count is ever lost; but the first
// keptRows of a rule keep their names, so that a flood against one rule hides
// nothing that another one refused. keptRows end at twice maxRows.
const (
	maxRows  = 4096
	keptRows = 64
)

// moreTargets stands in the place of the targets that are counted only.
const moreTargets = "(more targets than can wait to be reported)"

// maxSent bounds the rows of one kind in one report; the gateway takes 10,000.
const maxSent = 2 * maxRows

// maxText bounds the text of one report, in bytes: as JSON it may be six times
// as long, and a frame that is larger than the gateway takes would break the
// connection, again and again.
const maxText = 3 << 20

// denialKey is what makes two refusals the same.
type denialKey struct{ operation, target, rule, mechanism string }

// reports collects what happened in the cage until it is sent. Its methods
// never block, so a cage never waits for the gateway.
type reports struct {
	wake chan struct{} // one slot: something waits

	mu          sync.Mutex
	run         string
	rows        map[denialKey]int // of denials, by all but their target
	last        uint64            // number of the last denial that was taken
	order       []denialKey       // of denials, oldest first
	denials     map[denialKey]*event.Denial
	connections map[string]event.Connection
	state       wire.RunReportParams // mechanisms, warnings, policy: newest wins
	stateSet    bool
}

func newReports(run string) *reports {
	return &reports{
		run: run, wake: make(chan struct{}, 1),
		denials: map[denialKey]*event.Denial{}, rows: map[denialKey]int{}, connections: map[string]event.Connection{},
	}
}

// denied adds a refusal.
func (r *reports) denied(d sandbox.Denial) {
	r.mu.Lock()
	key := denialKey{d.Operation, d.Target, d.Rule, d.Mechanism}
	if _, known := r.denials[key]; !known && !r.room(key) {
		key.target, d.Target = moreTargets, moreTargets
	}
	if row, known := r.denials[key]; known {
		row.Count += d.Count
		row.Last = d.Time
		row.PID, row.Program, row.CommandLine, row.Connection = d.PID, d.Program, d.CommandLine, d.Connection
	} else {
		r.order = append(r.order, key)
		r.put(key, &event.Denial{
			First: d.Time, Last: d.Time, Count: d.Count, Agent: d.Agent, Run: d.Run, PID: d.PID,
			Program: d.Program, CommandLine: d.CommandLine, Class: d.Class, Operation: d.Operation,
			Target: d.Target, Rule: d.Rule, Origin: d.Origin, Mechanism: d.Mechanism, Connection: d.Connection,
		})
	}
	r.mu.Unlock()
	r.signal()
}

// room reports whether a new target may wait by its name; r.mu is held.
func (r *reports) room(key denialKey) bool {
	waiting := len(r.denials)
	return waiting < maxRows || waiting < 2*maxRows && r.rows[key.rest()] < keptRows
}

// rest is the key without its target.
func (k denialKey) rest() denialKey {
	k.target = ""
	return k
}

// put and remove keep the count of rows; r.mu is held.
func (r *reports) put(key denialKey, d *event.Denial) {
	r.denials[key] = d
	r.rows[key.rest()]++
}

func (r *reports) remove(key denialKey) {
	delete(r.denials, key)
	if r.rows[key.rest()]--; r.rows[key.rest()] == 0 {
		delete(r.rows, key.rest())
	}
}

// connected records the newest state of a connection out of the cage.
func (r *reports) connected(c sandbox.Connection) {
	row := event.Connection{
		ID: c.ID, Kind: event.ConnectionNet, From: "cage " + c.Agent, Agent: c.Agent, Run: c.Run, PID: c.PID,
		Program: c.Program, Route: c.Target, State: "open", Detail: c.Address, Auth: c.Rule, Origin: c.Origin,
		Opened: c.Opened, Closed: c.Closed, BytesIn: c.Sent, BytesOut: c.Recv, HeldMS: c.Held.Milliseconds(),
	}
	if !c.Closed.IsZero() {
		row.State = "closed"
	}
	if c.Error != "" {
		row.Detail = c.Error
		if c.Address != "" { // it may have ended before it had one
			row.Detail = c.Address + ": " + c.Error
		}
	}
	r.mu.Lock()
	_, known := r.connections[c.ID]
	room := maxRows
	if !c.Closed.IsZero() {
		room = 4 * maxRows // the gateway may show it as open; it closes what is left at the end of the run
	}
	if known || len(r.connections) < room {
		r.connections[c.ID] = row
	}
	r.mu.Unlock()
	r.signal()
}

// enforced records what the cage proved of itself, or what a policy change did.
func (r *reports) enforced(update func(*wire.RunReportParams)) {
	r.mu.Lock()
	update(&r.state)
	r.stateSet = true
	r.mu.Unlock()
	r.signal()
}

// warned records what has come to be the matter with a run. One that has not started
// yet says it in its first report.
func (r *reports) warned(process *sandbox.Process) {
	if process == nil {
		return
	}
	warnings := process.Report().Warnings
	r.enforced(func(p *wire.RunReportParams) {
		if len(warnings) > len(p.Warnings) { // else another call was faster
			p.Warnings = warnings
		}
	})
}

// take makes one report of the oldest that waits, as much as a frame takes, and
// says whether there was anything.
func (r *reports) take() (wire.RunReportParams, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.denials) == 0 && len(r.connections) == 0 && !r.stateSet {
		return wire.RunReportParams{}, false
	}
	out := wire.RunReportParams{}
	if r.stateSet {
		out = r.state
	}
	r.stateSet = false
	text := r.moveDenials(&out)
	for id, c := range r.connections {
		text += len(c.Route) + len(c.Program) + len(c.Detail)
		if len(out.Connections) == maxSent || text > maxText && len(out.Denials)+len(out.Connections) > 0 {
			break
		}
		out.Connections = append(out.Connections, c)
		delete(r.connections, id)
	}
	if len(r.denials)+len(r.connections) > 0 {
		r.signal()
	}
	return out, true
}

// takeDenials makes a report of the oldest denials and nothing else.
func (r *reports) takeDenials() wire.RunReportParams {
	r.mu.Lock()
	defer r.mu.Unlock()
	var out wire.RunReportParams
	r.moveDenials(&out)
	if len(r.denials) > 0 {
		r.signal()
	}
	return out
}

// moveDenials numbers the oldest and moves them into a report; it returns the
// bytes of their text. r.mu is held.
func (r *reports) moveDenials(out *wire.RunReportParams) (text int) {
	out.Run, out.First = r.run, r.last+1
	for _, key := range r.order {
		d := r.denials[key]
		size := len(d.Target) + len(d.Program) + len(d.CommandLine) + len(d.Rule)
		if len(out.Denials) == maxSent || len(out.Denials) > 0 && text+size > maxText {
			break
		}
		text += size
		out.Denials = append(out.Denials, *d)
		r.remove(key)
	}
	r.order = r.order[len(out.Denials):]
	r.last += uint64(len(out.Denials))
	return text
}

// giveBack returns a report that could not be sent. What came meanwhile is
// newer and stays in front of it where both know the same thing.
func (r *reports) giveBack(p wire.RunReportParams) {
	r.mu.Lock()
	defer r.mu.Unlock()
	var older []denialKey
	for i := range p.Denials {
		d := p.Denials[i]
		key := denialKey{d.Operation, d.Target, d.Rule, d.Mechanism}
		if row, known := r.denials[key]; known {
			row.Count += d.Count
			row.First = d.First
			continue
		}
		older = append(older, key)
		r.put(key, &d)
	}
	r.order = append(older, r.order...)
	for _, c := range p.Connections {
		if _, known := r.connections[c.ID]; !known {
			r.connections[c.ID] = c
		}
	}
	if !r.stateSet && (p.Mechanisms != nil || p.Warnings != nil || p.Policy != "" || p.NeedsRun != nil) {
		r.stateSet = true
	}
}

func (r *reports) signal() {
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

// gather is how long reports wait for company: repeats merge, and a refusal
// still shows well within a second.
const gather = 50 * time.Millisecond

// A report of manyRows is a flood; the next one waits longer, so that more of it
// merges.
const (
	manyRows    = 1000
	gatherFlood = 250 * time.Millisecond
)
