package view

import (
	"encoding/json"
	"strings"
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

// Copy is the selected row.
func (v *ConnectionsView) Copy() Copied {
	if n := v.data.Connections.Get(v.list.Selected()); n != nil {
		return Copied{joined(n.Kind, n.From, n.Agent, n.Route, n.State, n.Detail), n}
	}
	return Copied{}
}

// Copy is the selected row.
func (v *AgentsView) Copy() Copied {
	for i := range v.data.Agents {
		if a := &v.data.Agents[i]; a.Name == v.list.Selected() {
			return Copied{joined(a.Name, a.State, a.Problem), a}
		}
	}
	return Copied{}
}

// Copy is the selected line.
func (v *LogsView) Copy() Copied {
	v.scan()
	if len(v.match) == 0 {
		return Copied{}
	}
	line := v.data.Logs.At(v.match[v.index()])
	return Copied{orText(line.Raw, line.Message), line}
}

// Copy is the name of the selected secret: its value is not known here.
func (v *SecretsView) Copy() Copied { return Copied{Text: v.list.Selected()} }

// Copy is the selected record, as it is in the file.
func (v *AuditView) Copy() Copied {
	for i := range v.data.Audit {
		if e := &v.data.Audit[i]; e.Raw == v.list.Selected() {
			return Copied{e.Raw, json.RawMessage(e.Raw)}
		}
	}
	return Copied{}
}
