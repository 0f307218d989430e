package view

import (
	"strings"
	"time"
)

// AuditView shows the newest lines of the audit log, as they are in the file.
type AuditView struct {
	data *Data
	browse
}

// NewAudit returns the view.
func NewAudit(d *Data) *AuditView {
	v := &AuditView{data: d, browse: browse{saved: &d.Filters, keys: []string{"event", "who", "result", sinceKey}}}
	v.order.rows, v.order.rowID = func() int { return len(d.Audit) }, func(i int) string { return d.Audit[i].Raw }
	v.order.edits = func() uint64 { return d.auditLoads }
	v.order.sorts = []sorting{
		{"EVENT", func(i, j int) int { return strings.Compare(d.Audit[i].Type, d.Audit[j].Type) }},
		{"WHO", func(i, j int) int { return strings.Compare(d.Audit[i].Who, d.Audit[j].Who) }},
		{"RESULT", func(i, j int) int { return strings.Compare(d.Audit[i].Result, d.Audit[j].Result) }},
	}
	return v
}

// Captures reports whether typed text goes to the view.
func (v *AuditView) Captures() bool { return v.captures() }

// Key takes typed text.
func (v *AuditView) Key(k Key) Action { v.key(k); return Action{} }

// Do answers an action.
func (v *AuditView) Do(a ID) (Action, bool) {
	switch a {
	case ActCheck:
		return Action{Verb: VerbCheck}, true
	case ActEdit:
		return Action{Verb: VerbEdit, Count: v.line()}, true
	case ActIgnore:
		return Action{Verb: VerbTell, Text: v.data.T("findings, and ignoring one with a reason, come with openclaw security audit, which is not built yet")}, true
	case ActVerify:
		return Action{Verb: VerbVerify}, true
	case ActExport:
		return Action{Verb: VerbExport, Name: "audit", Value: v.export()}, true
	default:
		return Action{}, v.do(a, v.id)
	}
}

// line is where the agent of the selected record stands in the config; 0: it is about
// none, or that is not known.
func (v *AuditView) line() int {
	for i := range v.data.Audit {
		if e := &v.data.Audit[i]; e.Raw == v.list.Selected() {
			if full, known := v.data.Details[e.Who]; known && full.Policy != nil {
				return full.Policy.Default.Line
			}
		}
	}
	return 0
}

// export is every record that passes, as it is in the file, in the order that they stand.
func (v *AuditView) export() []byte {
	var out []byte
	for i := range v.count(len(v.data.Audit), v.rowText) {
		out = append(append(out, v.id(i)...), '\n')
	}
	return out
}

func (v *AuditView) rowText(i int, yield func(key, value string) bool) {
	e := &v.data.Audit[i]
	_ = yield("event", e.Type) && yield("who", e.Who) && yield("result", e.Result) && yield("", e.Raw)
}

// An audit line has no id of its own: the line itself names it.
func (v *AuditView) id(i int) string { return v.data.Audit[v.at(i)].Raw }

// Draw paints the view.
func (v *AuditView) Draw(c *Canvas) {
	entries := v.data.Audit
	l := layout{
		title: c.T("audit log, the last hour, newest first"), total: len(entries), share: 64, id: v.id,
		empty: c.T("Nothing was recorded in the last hour. openclaw audit search --since 24h looks further back."),
		name:  func() string { return c.T("record") },
		head: func(c *Canvas) {
			c.Field(Faint, c.T("TIME"), 8)
			c.Field(Faint, c.T("EVENT"), 16)
			c.Field(Faint, c.T("WHO"), 12)
			c.Field(Faint, c.T("RESULT"), 8)
			c.Put(Faint, c.T("WHAT"))
		},
	}
	v.second = v.data.Now.Unix()
	v.old = func(i int) time.Duration { return v.data.Since(v.data.Audit[i].At) }
	l.count = v.count(l.total, v.rowText)
	l.row = func(c *Canvas, i int, _ bool) {
		e := &entries[v.at(i)]
		stamp := e.Time
		if len(stamp) > 8 {
			stamp = stamp[len(stamp)-8:]
		}
		c.Field(Plain, stamp, 8)
		c.Field(Plain, e.Type, 16)
		c.Field(Plain, e.Who, 12)
		c.Field(Plain, e.Result, 8)
		c.Put(Plain, e.What)
	}
	l.pane = func(c *Canvas) {
		for i := range entries {
			if e := &entries[i]; e.Raw == v.list.Selected() {
				fact(c, c.T("time"), e.Time)
				fact(c, c.T("event"), e.Type)
				fact(c, c.T("who"), e.Who)
				fact(c, c.T("result"), e.Result)
				fact(c, c.T("what"), e.What)
				c.End()
				c.Wrap(Faint, e.Raw, 0)
				return
			}
		}
	}
	v.drawHead(c)
	v.draw(c, &l)
}
