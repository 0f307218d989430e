package view

import (
	"encoding/json"
	"slices"
	"strings"

	"openclaw/gateway/event"
)

// Copied is a row as text that can be pasted elsewhere. Nothing is in it that
// the screen does not show; a secret's value is never in a row.
type Copied struct {
	Text string // one line
	Row  any    // for JSON; nil: there is nothing to copy
}

// JSON is the row as JSON, or nothing.
func (c *Copied) JSON() string {
	if c.Row == nil {
		return ""
	}
	b, err := json.Marshal(c.Row)
	if err != nil {
		return ""
	}
	return string(b)
}

func joined(parts ...string) string {
	return strings.Join(strings.Fields(strings.Join(parts, " ")), " ")
}

// Copy is the selected row.
func (v *DenialsView) Copy() Copied {
	switch row := v.inbox.get(v.list.Selected()); {
	case row == nil:
		return Copied{}
	case row.ask != nil:
		a := row.ask
		return Copied{joined(a.State, a.Agent, a.Operation, a.Target, a.Rule), a}
	default:
		d := row.denial
		return Copied{joined("deny", d.Agent, d.Operation, d.Target, d.Rule), d}
	}
}

// together are several rows, a line each; one is itself.
func together(rows []Copied) Copied {
	if len(rows) == 1 {
		return rows[0]
	}
	var all Copied
	var list []any
	for i := range rows {
		all.Text += rows[i].Text + "\n"
		list = append(list, rows[i].Row)
	}
	if len(list) > 0 {
		all.Row = list
	}
	return all
}

// Copy is the marked rows, or the selected one.
func (v *ConnectionsView) Copy() Copied {
	var rows []Copied
	for _, id := range v.marked() {
		if n := v.data.Connections.Get(id); n != nil {
			rows = append(rows, Copied{joined(n.Kind, n.From, n.Agent, n.Route, n.State, n.Detail), n})
		}
	}
	return together(rows)
}

// Copy is the marked rows, or the selected one.
func (v *AgentsView) Copy() Copied {
	var rows []Copied
	for _, id := range v.marked() {
		if i := slices.IndexFunc(v.data.Agents, func(a event.Agent) bool { return a.Name == id }); i >= 0 {
			a := &v.data.Agents[i]
			rows = append(rows, Copied{joined(a.Name, a.State, a.Problem), a})
		}
	}
	return together(rows)
}

// Copy is the marked lines, oldest first, or the selected one.
func (v *LogsView) Copy() Copied {
	v.settle()
	var rows []Copied
	for _, n := range v.markedLines() {
		line := v.data.Logs.At(n)
		rows = append(rows, Copied{orText(line.Raw, line.Message), line})
	}
	return together(rows)
}

// Copy is the names of the marked secrets, or of the selected one: no value is known
// here.
func (v *SecretsView) Copy() Copied { return Copied{Text: strings.Join(v.marked(), "\n")} }

// Copy is the marked records, or the selected one, as they are in the file.
func (v *AuditView) Copy() Copied {
	var rows []Copied
	for _, raw := range v.marked() {
		rows = append(rows, Copied{raw, json.RawMessage(raw)})
	}
	return together(rows)
}
