package view

import (
	"slices"
	"strings"
	"time"

	"openclaw/gateway/event"
)

// How many rows the screen keeps.
const (
	MaxLogs   = 100_000
	MaxRows   = 10_000 // denials, and connections
	maxRecent = 1_000
	maxAsks   = 3_000 // the gateway holds 1,000 and remembers 1,000
)

// Link is the state of the connection to the gateway.
type Link struct {
	Up      bool
	Tried   bool // a first attempt has ended
	Problem string
	Attempt int
}

// Result is the outcome of the last thing that the person did.
type Result struct {
	Style Style
	Text  string
}

// Data is what the views draw: plain values, already printable.
type Data struct {
	Now      time.Time     // its location is the one that times are shown in
	Instant  time.Time     // of the last key or frame, by a clock that only goes forward
	Flight   time.Duration // how long what is drawn now is on its way to the person
	Version  string
	ReadOnly bool
	// Elsewhere: agents run on another machine, none is started from here.
	Elsewhere bool
	Folder    string // offered to a new agent; empty: none
	Home      string // the person's home folder, where the gateway runs; empty: not known
	Filters   SavedFilters
	Confirm   string // which allows ask for y: ConfirmAlways…; empty: the default
	Keys      *Keys
	Words     *Words // the language
	Link      Link
	Loaded    bool // the gateway has answered at least once

	Overview     event.Overview
	Agents       []event.Agent // by name
	Details      map[string]event.Agent
	Denials      *Rows[event.Denial]
	Asks         *Rows[event.Ask]
	Previews     map[PreviewKey]Preview // what "always" would write
	Connections  *Rows[event.Connection]
	DeniedGraph  Graph
	OpenedGraph  Graph
	RequestGraph Graph
	FirstByte    Latency            // of requests to providers
	Recent       *Ring[event.Event] // everything but log lines
	Logs         *Ring[event.LogLine]
	Chats        map[string]*Talk // by agent
	Outputs      map[string]*Said // by run
	Config       event.ConfigStatus
	Backs        map[int]Back // what going back to a version of the config would change
	Store        event.SecretStore
	Secrets      []event.Secret
	Tokens       []event.ClientToken
	TokenScopes  []string          // that a client's token can have, the least first; none: it is made elsewhere
	Tests        map[string]string // outcome of the last test, by secret
	Audit        []AuditEntry
	Trail        Trail // of the connection that was looked at last

	Chain        event.AuditChain // of the audit log; without a Status: not looked at yet
	ChainProblem string           // why the newest look found nothing

	Result     Result
	Missed     uint64          // events that this screen did not see
	auditLoads uint64          // counts them
	lastLogs   []event.LogLine // the newest lines of the last load, to know repeats
	lastLogsAt time.Time       // of the newest of them
}

// NewData returns empty data.
func NewData() *Data {
	return &Data{
		Details: map[string]event.Agent{}, Tests: map[string]string{}, Previews: map[PreviewKey]Preview{}, Chats: map[string]*Talk{}, Outputs: map[string]*Said{}, Backs: map[int]Back{},
		Asks: NewRows(maxAsks, func(a *event.Ask) string { return a.ID }, nil),
		Denials: NewRows(MaxRows, func(d *event.Denial) string { return d.ID },
			func(d *event.Denial) time.Time { return d.Last }),
		Connections: NewRows(MaxRows, func(c *event.Connection) string { return c.ID }, nil),
		Recent:      NewRing[event.Event](maxRecent),
		Logs:        NewRing[event.LogLine](MaxLogs),
	}
}

// Since is the age of a time that may be unset.
func (d *Data) Since(t time.Time) time.Duration {
	if t.IsZero() {
		return 0
	}
	return d.Now.Sub(t)
}

// Short is a path as a person writes it: "~" stands for home.
func (d *Data) Short(path string) string { return tilde(path, d.Home) }

// Local puts a time into the zone that is shown.
func (d *Data) Local(t time.Time) time.Time { return t.In(d.Now.Location()) }

// Apply takes in one event. It reports whether the overview's numbers may have
// changed.
func (d *Data) Apply(e *event.Event) bool {
	if e.Chat != nil {
		d.talk(e.Chat.Agent).take(e.Chat)
		return false
	}
	if e.Log != nil {
		d.applyLog(e.Log)
		return false
	}
	if e.Clock != nil {
		if a := d.Asks.Get(e.Clock.ID); a != nil && a.State == event.AskWaiting {
			a.Deadline, a.PausedUntil = e.Clock.Deadline, e.Clock.PausedUntil
		}
		return false
	}
	switch {
	case e.Denial != nil:
		d.graphDenial(e.Denial)
		d.Denials.Put(e.Denial)
	case e.Connection != nil:
		d.graphConnection(e.Connection)
		d.Connections.Put(e.Connection)
	case e.Agent != nil:
		d.applyAgent(e.Agent)
	case e.Config != nil:
		d.Config = *e.Config
		d.Overview.Config = *e.Config
	case e.Secret != nil:
		d.applySecret(e.Secret)
	case e.Ask != nil:
		d.Asks.Put(e.Ask)
	case e.Notice != nil:
	default:
		return false
	}
	d.remember(e)
	return true
}

// saysDenial reports whether an ask that is listed says what a denial says, or will in a
// moment: of the two that its end comes as, either may be the first. A gateway that went
// away says nothing of what waited.
func saysDenial(a *event.Ask, d *event.Denial) bool {
	if a.State != event.AskWaiting {
		return endsAsk(d, a)
	}
	return strings.HasPrefix(d.Rule, "ask: ") && d.Rule != "ask: gateway away" && d.Agent == a.Agent && d.Operation == a.Operation && d.Target == a.Target
}

// lookBack is how many recent events may be the earlier state of a new one.
const lookBack = 50

// remember adds an event to the recent ones. The next state of an ask or of a connection
// takes the event before away and is the newest; what repeats, or changes in a number
// alone, stays where it is. An agent whose state is as it was adds nothing.
func (d *Data) remember(e *event.Event) {
	for n := d.Recent.Next(); n > d.Recent.First() && d.Recent.Next()-n < lookBack; n-- {
		old := d.Recent.At(n - 1)
		if old.Ask != nil && e.Denial != nil && saysDenial(old.Ask, e.Denial) {
			return
		}
		if sameThing(old, e) {
			if stateOf(old) == stateOf(e) {
				at := old.Time
				if *old = *e; e.Denial == nil {
					old.Time = at
				}
				return
			}
			for ; n < d.Recent.Next(); n++ {
				*d.Recent.At(n - 1) = *d.Recent.At(n)
			}
			*d.Recent.At(n - 1) = *e
			return
		}
		if old.Agent != nil && e.Agent != nil && old.Agent.Name == e.Agent.Name {
			if old.Agent.State == e.Agent.State && old.Agent.Problem == e.Agent.Problem {
				return // only a count of it has changed
			}
			break
		}
	}
	d.Recent.Push(*e)
}

// stateOf is the state of what an event is about, where that has one.
func stateOf(e *event.Event) string {
	switch {
	case e.Ask != nil:
		return e.Ask.State
	case e.Connection != nil:
		return e.Connection.State
	}
	return ""
}

func sameThing(old, e *event.Event) bool {
	switch {
	case old.Denial != nil && e.Denial != nil:
		return old.Denial.ID == e.Denial.ID && e.Denial.Last.Sub(old.Denial.Last) <= burst
	case old.Ask != nil && e.Ask != nil:
		return old.Ask.ID == e.Ask.ID
	case old.Denial != nil && e.Ask != nil:
		return endsAsk(old.Denial, e.Ask)
	case old.Connection != nil && e.Connection != nil:
		return old.Connection.ID == e.Connection.ID
	}
	return false
}

// LoadDenials takes the denials that the gateway knows, oldest first. Those
// that are newer than all recent events become recent events.
func (d *Data) LoadDenials(list []event.Denial) {
	for i := range list {
		d.graphDenial(&list[i])
	}
	d.Denials.Replace(list)
	var newest time.Time
	for n := d.Recent.First(); n < d.Recent.Next(); n++ {
		if t := d.Recent.At(n).Time; t.After(newest) {
			newest = t
		}
	}
	fresh := slices.DeleteFunc(slices.Clone(list), func(x event.Denial) bool { return !x.Last.After(newest) })
	slices.SortStableFunc(fresh, func(a, b event.Denial) int { return a.Last.Compare(b.Last) })
	for i := range fresh {
		d.remember(&event.Event{Time: fresh[i].Last, Kind: event.KindDenial, Denial: &fresh[i]})
	}
}

// LoadConnections takes the connections that the gateway knows.
func (d *Data) LoadConnections(list []event.Connection) {
	slices.SortStableFunc(list, func(a, b event.Connection) int { return a.Opened.Compare(b.Opened) })
	for i := range list {
		d.graphConnection(&list[i])
	}
	d.Connections.Replace(list)
}

// LoadAsks takes the asks that the gateway knows.
func (d *Data) LoadAsks(list []event.Ask) { d.Asks.Replace(list) }

// TakeAnswer takes the row that an answer came back with, unless an event has
// said something newer of it.
func (d *Data) TakeAnswer(row *event.Ask) {
	switch have := d.Asks.Get(row.ID); {
	case row.ID == "":
	case have == nil, have.State == event.AskWaiting, have.State == event.AskMissed, have.State == event.AskGone,
		row.State == event.AskUndone:
		d.Asks.Put(row)
	}
}

// Waiting is how many asks wait for an answer, and how long the first that will be
// denied still has.
func (d *Data) Waiting() (n int, first time.Duration) {
	for i := range d.Asks.Len() {
		if a := d.Asks.Oldest(i); a.State == event.AskWaiting {
			n++
			if left := a.Left(d.Now); n == 1 || left < first {
				first = left
			}
		}
	}
	return n, first
}

// Undoable is the newest answer that can still be taken back, or nil.
func (d *Data) Undoable() *event.Ask {
	var newest *event.Ask
	for i := range d.Asks.Len() {
		a := d.Asks.Oldest(i)
		if a.State == event.AskAllowed && a.UndoUntil.After(d.Now) && (newest == nil || a.Decided.After(newest.Decided)) {
			newest = a
		}
	}
	return newest
}

// LoadAgent keeps one agent with its policy.
func (d *Data) LoadAgent(a *event.Agent) {
	d.Details[a.Name] = *a
}

func (d *Data) applyAgent(a *event.Agent) {
	i, found := slices.BinarySearchFunc(d.Agents, a.Name, func(x event.Agent, name string) int {
		return strings.Compare(x.Name, name)
	})
	if !found {
		d.Agents = slices.Insert(d.Agents, i, *a)
		return
	}
	d.Agents[i] = *a
}

// LoadAgents replaces the agents.
func (d *Data) LoadAgents(agents []event.Agent) {
	d.Agents = agents
	slices.SortFunc(d.Agents, func(a, b event.Agent) int { return strings.Compare(a.Name, b.Name) })
}

func (d *Data) applySecret(s *event.Secret) {
	i := slices.IndexFunc(d.Secrets, func(x event.Secret) bool { return x.Name == s.Name })
	switch {
	case s.Deleted && i >= 0:
		d.Secrets = slices.Delete(d.Secrets, i, i+1)
	case s.Deleted:
	case i >= 0:
		d.Secrets[i] = *s
	default:
		d.Secrets = append(d.Secrets, *s)
	}
	slices.SortFunc(d.Secrets, func(a, b event.Secret) int { return strings.Compare(a.Name, b.Name) })
}

// Running counts the runs that have not ended.
func Running(a *event.Agent) int {
	n := 0
	for i := range a.Runs {
		if a.Runs[i].Ended.IsZero() {
			n++
		}
	}
	return n
}

// HasProviderKey reports whether a key is stored that a provider uses, or one
// with the name of a provider.
func (d *Data) HasProviderKey() bool {
	return slices.ContainsFunc(d.Secrets, func(s event.Secret) bool {
		provider := s.Name == "anthropic" || s.Name == "openai" || s.Name == "gemini"
		for _, user := range s.UsedBy {
			provider = provider || strings.HasPrefix(user, "provider ")
		}
		return provider && !s.Missing
	})
}
