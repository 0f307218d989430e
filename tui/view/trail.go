package view

import (
	"slices"
	"time"

	"openclaw/gateway/event"
)

// Trail is what happened on one connection, as far as it was fetched.
type Trail struct {
	ID       string
	Listed   bool // the gateway remembers it, not only its audit log
	Lines    []TrailLine
	More     int    // steps that the gateway had no room for
	Cut      bool   // there are more records than were fetched
	Problem  string // why the audit log was not searched
	Recorded bool   // the records are those of a connection that is over
}

// TrailLine is one step of a connection, or a record of the audit log that names it.
type TrailLine struct {
	At     time.Time
	Kind   string // of an event.Step; empty: a record
	Text   string
	Count  int
	Last   time.Time
	Record AuditEntry
}

// LoadTrail takes what happened on a connection. Where it comes without the records of
// the audit log, those from before stay.
func (d *Data) LoadTrail(t *event.ConnectionTrail, records bool) {
	next := Trail{ID: Clean(t.Connection.ID), Listed: !t.Connection.Opened.IsZero(), More: t.More}
	for _, s := range Clean(t.Steps) {
		next.Lines = append(next.Lines, TrailLine{At: s.First, Kind: s.Kind, Text: s.Text, Count: s.Count, Last: s.Last})
	}
	if records {
		next.Cut, next.Problem, next.Recorded = t.Truncated, Clean(t.Problem), !t.Connection.Closed.IsZero()
		for _, raw := range t.Records {
			e := d.auditEntry(raw)
			next.Lines = append(next.Lines, TrailLine{At: e.At, Record: e})
		}
	} else if d.Trail.ID == next.ID {
		next.Cut, next.Problem, next.Recorded = d.Trail.Cut, d.Trail.Problem, d.Trail.Recorded
		for _, line := range d.Trail.Lines {
			if line.Kind == "" {
				next.Lines = append(next.Lines, line)
			}
		}
	}
	slices.SortStableFunc(next.Lines, func(a, b TrailLine) int { return a.At.Compare(b.At) })
	d.Trail = next
}

// trailEach is how often what happened on a connection is fetched anew while it is in
// sight: of a client, whose requests are no events, and of any other that has changed.
const trailEach = 2 * time.Second

// trailing is what was fetched last of the connection that is in sight.
type trailing struct {
	id    string
	at    time.Time
	bytes int64
	over  bool
}

// wantsTrail asks for what is not known yet of the selected connection. The audit log is
// searched when it is first looked at and when it has ended, not over and over.
func (v *ConnectionsView) wantsTrail(n *event.Connection) Action {
	now := trailing{n.ID, v.data.Instant, n.BytesIn + n.BytesOut, !n.Closed.IsZero()}
	was := v.trail
	first := was.id != now.id || was.over != now.over
	due := now.at.Sub(was.at) >= trailEach && (was.bytes != now.bytes || event.Client(n.Kind) && isOpen(n))
	if !first && !due {
		return Action{}
	}
	v.trail = now
	action := Action{Verb: VerbLoadTrail, Name: n.ID}
	if first {
		action.Count = 1
	}
	return action
}

// drawTrail draws what happened on a connection, oldest first.
func (v *ConnectionsView) drawTrail(c *Canvas, n *event.Connection) {
	t := &v.data.Trail
	if t.ID != n.ID {
		c.Line(Faint, c.T("what happened on it is being fetched"))
		return
	}
	for i := range t.Lines {
		v.trailLine(c, &t.Lines[i])
	}
	if t.More > 0 {
		c.Line(Faint, c.T("and %s that there was no room for", c.N(t.More, "step")))
	}
	if t.Cut {
		c.Wrap(Faint, c.T("only the newest records are here; more: openclaw audit search --connection %s", n.ID), 0)
	}
	if t.Problem != "" {
		c.Wrap(Warn, t.Problem, 0)
	}
	if !t.Listed {
		c.Wrap(Faint, c.T("the gateway remembers no more of it than its audit log"), 0)
	}
}

// trailIndent is where the second row of a step begins: under its first word.
const trailIndent = 9

func (v *ConnectionsView) trailLine(c *Canvas, line *TrailLine) {
	c.Time(Faint, v.data.Local(line.At), time.TimeOnly)
	c.Gap(1)
	word, said := Bold, Plain
	switch line.Kind {
	case event.StepRefused, event.StepCut:
		word = Bad
	case "":
		word, said = Faint, Faint
	}
	c.Put(word, stepWord(v.data.Words, line.Kind))
	c.Gap(2)
	c.Wrap(said, trailText(line, v.data), trailIndent)
}

// stepWord is the word for a step.
func stepWord(w *Words, kind string) string {
	switch kind {
	case event.StepOpened:
		return w.T("opened")
	case event.StepHeld:
		return w.T("held")
	case event.StepRequest:
		return w.T("request")
	case event.StepRefused:
		return w.T("refused")
	case event.StepAnswer:
		return w.T("answer")
	case event.StepCut:
		return w.T("cut")
	case event.StepClosed:
		return w.T("closed")
	case "":
		return w.T("on record")
	}
	return kind // of a gateway that is newer
}

// trailText says what a step or a record is.
func trailText(line *TrailLine, d *Data) string {
	var text string
	switch line.Kind {
	case "":
		return line.Record.says()
	case event.StepOpened, event.StepCut:
		if text = line.Text; text != "" {
			text = d.T("by %s", text)
		}
	case event.StepHeld:
		text = d.T("for %s, until it was allowed", line.Text)
	case event.StepAnswer:
		text = d.T("its first byte")
	default:
		text = line.Text
	}
	if line.Count > 1 {
		text += "  " + d.T("%s times, the last at %s", itoa(line.Count), d.Local(line.Last).Format(time.TimeOnly))
	}
	return text
}

// TrailText is one line of what happened on a connection, as it is read out.
func (d *Data) TrailText(line *TrailLine) string {
	text := d.Local(line.At).Format(time.DateTime) + ", " + stepWord(d.Words, line.Kind)
	if said := trailText(line, d); said != "" {
		text += ", " + said
	}
	return text
}
