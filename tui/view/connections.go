package view

import (
	"cmp"
	"net/netip"
	"slices"
	"strings"
	"time"

	"openclaw/gateway/event"
	"openclaw/sandbox/policy"
)

// ConnectionsView lists clients of the gateway, calls through it, and
// connections out of cages.
type ConnectionsView struct {
	data *Data
	browse
	why    bool // the rules are shown that were looked at
	events bool // what happened on the selected one is shown
	trail  trailing

	traffic time.Time // when the bytes of clients were fetched
}

// NewConnections returns the view.
func NewConnections(d *Data) *ConnectionsView {
	v := &ConnectionsView{data: d, browse: browse{saved: &d.Filters, keys: []string{"agent", "kind", "state", "route", "from", "client", "auth", sinceKey}}}
	row := d.Connections.Newest
	v.order.shape = func() (uint64, int) { return d.Connections.shape(), 0 }
	v.order.edits, v.order.memo = func() uint64 { return d.Connections.Edits }, d.Connections.memo
	v.order.rows, v.order.rowID = d.Connections.Len, func(i int) string { return row(i).ID }
	v.order.sorts = []sorting{
		{"AGENT", func(i, j int) int { return strings.Compare(row(i).Agent, row(j).Agent) }},
		{"ROUTE", func(i, j int) int { return strings.Compare(row(i).Route, row(j).Route) }},
		{"STATE", func(i, j int) int { return strings.Compare(row(i).State, row(j).State) }},
		{"bytes", func(i, j int) int {
			return cmp.Compare(row(j).BytesIn+row(j).BytesOut, row(i).BytesIn+row(i).BytesOut)
		}},
		{"AGE", func(i, j int) int { return cmp.Compare(v.age(row(j)), v.age(row(i))) }},
	}
	return v
}

// Captures reports whether typed text goes to the view.
func (v *ConnectionsView) Captures() bool { return v.captures() }

// Key takes typed text.
func (v *ConnectionsView) Key(k Key) Action {
	if v.sure.text != "" {
		return v.answered(k)
	}
	v.key(k)
	return Action{}
}

// Do answers an action.
func (v *ConnectionsView) Do(a ID) (Action, bool) {
	n := v.data.Connections.Get(v.list.Selected())
	switch a {
	case ActDisconnect:
		if !v.disconnect() {
			if v.own(n) {
				return v.tell(v.data.T("this is the screen's own connection: {quit} leaves the screen"))
			}
			return v.tell(v.data.T("only a connection that is open can be closed"))
		}
	case ActBan:
		if !v.ban() {
			return v.tell(v.data.T("only the address of a peer that came over the network can be banned, and never this machine's own"))
		}
	case ActWhy:
		if n != nil && !v.ruled(n) {
			return v.tell(v.data.T("no rule of a policy was asked: that is for what an agent connects to"))
		}
		v.why, v.events, v.top = !v.why, false, 0
		return v.Wants(), true
	case ActEvents:
		v.events, v.why, v.top = !v.events, false, 0
		v.trail = trailing{}
		return v.Wants(), true
	case ActBack:
		if (v.events || v.why) && !v.full && !v.inPane {
			v.events, v.why, v.top = false, false, 0
			return Action{}, true
		}
		return Action{}, v.do(a, v.id)
	default:
		return Action{}, v.do(a, v.id)
	}
	return Action{}, true
}

// tell says why a key did nothing, where a row is selected.
func (v *ConnectionsView) tell(why string) (Action, bool) {
	if v.list.Selected() == "" {
		return Action{}, true
	}
	return Action{Verb: VerbTell, Text: why}, true
}

// disconnect asks about what is open of the marked rows, or the selected one; false: none is.
func (v *ConnectionsView) disconnect() bool {
	var ids []string
	for _, id := range v.marked() {
		if v.closable(v.data.Connections.Get(id)) {
			ids = append(ids, id)
		}
	}
	switch len(ids) {
	case 0:
		return false
	case 1:
		v.ask(v.closing(v.data.Connections.Get(ids[0])), Action{Verb: VerbDisconnect, Words: ids})
	default:
		v.ask(v.data.T("Close %s?", v.data.N(len(ids), "connection")), Action{Verb: VerbDisconnect, Words: ids})
	}
	return true
}

// closing is the question about one connection. Who has no client's socket is named by
// what is closed: an agent may have many.
func (v *ConnectionsView) closing(n *event.Connection) string {
	if event.Client(n.Kind) {
		return v.data.T("Close the connection of %s?", peer(n))
	}
	return v.data.T("Close %s, of %s? It may open another.", n.Route, peer(n))
}

// ban asks about the addresses of the marked rows, or that of the selected one; false:
// none of them can be banned.
func (v *ConnectionsView) ban() bool {
	var addresses []string
	for _, id := range v.marked() {
		if address := v.address(v.data.Connections.Get(id)); address != "" && !slices.Contains(addresses, address) {
			addresses = append(addresses, address)
		}
	}
	switch len(addresses) {
	case 0:
		return false
	case 1:
		v.ask(v.data.T("Ban %s for an hour, and close what is open of it?", addresses[0]), Action{Verb: VerbBan, Words: addresses})
	default:
		v.ask(v.data.T("Ban %s for an hour, and close what is open of them?", strings.Join(addresses, ", ")), Action{Verb: VerbBan, Words: addresses})
	}
	return true
}

// any reports whether a marked row, or the selected one, is of a kind.
func (v *ConnectionsView) any(is func(n *event.Connection) bool) bool {
	return slices.ContainsFunc(v.marked(), func(id string) bool { return is(v.data.Connections.Get(id)) })
}

// Offers reports whether an action can do anything now, for the foot line.
func (v *ConnectionsView) Offers(a ID) bool {
	n := v.data.Connections.Get(v.list.Selected())
	switch a {
	case ActDisconnect:
		return v.any(v.closable)
	case ActBan:
		return v.any(func(n *event.Connection) bool { return v.address(n) != "" })
	case ActEvents:
		return n != nil
	case ActWhy:
		return v.ruled(n)
	default:
		return true
	}
}

// ruled reports whether a row is a connection that a policy was asked about.
func (v *ConnectionsView) ruled(n *event.Connection) bool {
	return n != nil && n.Kind == event.ConnectionNet && n.Agent != ""
}

// Wants is what happened on the selected connection, or the policy that its rules are of.
func (v *ConnectionsView) Wants() Action {
	n := v.data.Connections.Get(v.list.Selected())
	if v.events && n != nil {
		if wanted := v.wantsTrail(n); wanted.Verb != VerbNone {
			return wanted
		}
	}
	if v.why && v.ruled(n) {
		if _, have := v.data.Details[n.Agent]; !have {
			return Action{Verb: VerbLoadAgent, Name: n.Agent}
		}
	}
	return v.wantsTraffic()
}

// isOpen reports whether a row is a connection that goes on.
func isOpen(n *event.Connection) bool {
	return n != nil && n.Closed.IsZero() && (n.State == "open" || n.State == "stream")
}

// own reports whether a row is this screen's own connection.
func (v *ConnectionsView) own(n *event.Connection) bool {
	return n != nil && n.ID != "" && n.ID == v.data.Overview.Caller
}

// closable reports whether a row can be closed from here.
func (v *ConnectionsView) closable(n *event.Connection) bool { return isOpen(n) && !v.own(n) }

// address is what can be banned: that of a peer over the network.
func (v *ConnectionsView) address(n *event.Connection) string {
	if n == nil || n.Kind == event.ConnectionNet {
		return ""
	}
	at, err := netip.ParseAddrPort(n.From)
	if err != nil || at.Addr().IsLoopback() {
		return ""
	}
	return at.Addr().Unmap().WithZone("").String()
}

func (v *ConnectionsView) id(i int) string { return v.data.Connections.Newest(v.at(i)).ID }

func connectionText(n *event.Connection, yield func(key, value string) bool) {
	_ = yield("agent", n.Agent) && yield("kind", n.Kind) && yield("state", n.State) && yield("route", n.Route) &&
		yield("from", n.From) && yield("client", n.Client) && yield("auth", n.Auth) && yield("auth", n.Certificate) && yield("", n.Detail)
}

// Draw paints the view.
func (v *ConnectionsView) Draw(c *Canvas) {
	rows := v.data.Connections
	where := c.T("the gateway")
	if at := v.data.Overview.Listeners; len(at) > 0 {
		where = at[0]
	}
	l := layout{
		title: c.T("connections, newest first"), total: rows.Len(), share: 64, id: v.id, head: v.head,
		empty: c.T("No connections. Clients connect to %s; agents' connections show here when a cage runs.", where),
	}
	v.second = v.data.Now.Unix()
	v.old = func(i int) time.Duration { return v.data.Since(rows.Newest(i).Opened) }
	l.count = v.count(l.total, func(i int, yield func(key, value string) bool) { connectionText(rows.Newest(i), yield) })
	l.row = func(c *Canvas, i int, _ bool) { v.row(c, rows.Newest(v.at(i))) }
	l.pane = func(c *Canvas) {
		switch n := rows.Get(v.list.Selected()); {
		case n == nil:
		case v.why && v.ruled(n):
			v.data.trace(c, n.Agent, policy.ClassNet, n.Route)
		case v.events:
			v.drawTrail(c, n)
		default:
			v.pane(c, n)
		}
	}
	l.name = func() string {
		if n := rows.Get(v.list.Selected()); n != nil {
			if v.events {
				return c.T("events of the %s connection of %s", n.Kind, peer(n))
			}
			return c.T("%s connection of %s", n.Kind, peer(n))
		}
		return ""
	}
	v.draw(c, &l)
}

// The columns leave in this order: bytes, sender, agent. Kind, route, state and
// age always stay.
func connectionColumns(width int) (from, agent, route int, size bool) {
	route = width - 3 - 6 - 10 - 8
	if width >= 56 {
		agent = 8
		route -= agent + 1
	}
	if width >= 72 {
		from = 15
		route -= from + 1
	}
	if width >= 92 {
		size = true
		route -= 18
	}
	return from, agent, max(route, 8), size
}

func (v *ConnectionsView) head(c *Canvas) {
	from, agent, route, size := connectionColumns(c.Width())
	c.Field(Faint, c.T("KIND"), 5)
	if from > 0 {
		c.Field(Faint, c.T("FROM"), from)
	}
	if agent > 0 {
		c.Field(Faint, c.T("AGENT"), agent)
	}
	c.Field(Faint, c.T("ROUTE"), route)
	c.Field(Faint, c.T("STATE"), 9)
	if size {
		c.Field(Faint, c.T("      IN"), 8)
		c.Field(Faint, c.T("     OUT"), 8)
	}
	c.Put(Faint, c.T("    AGE"))
}

func (v *ConnectionsView) row(c *Canvas, n *event.Connection) {
	from, agent, route, size := connectionColumns(c.Width())
	c.Field(Plain, n.Kind, 5)
	if from > 0 {
		c.Field(Plain, peer(n), from)
	}
	if agent > 0 {
		c.Field(Plain, orDash(n.Agent), agent)
	}
	c.FieldMiddle(Plain, n.Route, route)
	glyph, style := stateMark(c.Theme, n.State)
	c.Put(style, glyph)
	c.Gap(1)
	c.Field(Plain, c.T(n.State), 7)
	if size {
		c.Size(Plain, n.BytesIn, 8)
		c.Gap(1)
		c.Size(Plain, n.BytesOut, 8)
		c.Gap(1)
	}
	c.Age(Plain, v.age(n), 7)
}

// peer names the other end: a local client by what it is, others by address.
func peer(n *event.Connection) string {
	if n.Client != "" && (n.From == "unix" || n.From == "") {
		return n.Client
	}
	return orDash(n.From)
}

func (v *ConnectionsView) age(n *event.Connection) time.Duration {
	if !n.Closed.IsZero() {
		return n.Closed.Sub(n.Opened)
	}
	return v.data.Since(n.Opened)
}

func stateMark(t *Theme, state string) (string, Style) {
	switch state {
	case "open", "stream", "running", "unlocked":
		return t.Glyphs.On, Good
	case "refused", "invalid", "unreachable", "failed":
		return t.Glyphs.No, Bad
	case "locked":
		return t.Glyphs.Part, Warn
	}
	return t.Glyphs.Off, Faint
}
