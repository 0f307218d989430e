package hub

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"openclaw/gateway/auth"
	"openclaw/gateway/wire"
)

// Call is one request under way.
type Call struct {
	Conn   *Conn
	Method string
	Params json.RawMessage

	id    string
	after func()
}

// After has f called once the handler's answer is queued, or cannot be: what f
// makes known comes behind the answer. It may be called once, by the handler.
func (c *Call) After(f func()) { c.after = f }

func (c *Call) answered() {
	if c.after != nil {
		c.after()
	}
}

// First sends an answer before the one that the handler returns: some methods
// of the protocol answer twice, when they have begun and when they have ended.
func (c *Call) First(payload any) error {
	frame, err := wire.EncodeResult(c.id, payload)
	if err != nil {
		return err
	}
	return c.Conn.enqueue(c.Conn.ctx, outgoing{kind: outFrame, body: frame})
}

// Decode reads the params into target; its error is for the client.
func (c *Call) Decode(target any) error { return wire.DecodeParams(c.Method, c.Params, target) }

// Method is one row of the table.
type Method struct {
	Name  string
	Scope auth.Scope // empty: every connection may call it
	// Local methods may be called over the unix socket only.
	Local bool
	// Quick handlers neither block nor take long: they run on the
	// connection's reader, which saves a goroutine.
	Quick bool
	// Unlisted methods are known and refuse: a hello does not advertise them.
	Unlisted bool
	// Handle answers. The result is encoded as JSON; nil becomes {}. An error
	// that is not a *wire.Error is logged and answered as an internal one,
	// because its text may hold what a client must not see.
	Handle func(context.Context, *Call) (any, error)
}

// Table is the methods by name. It is immutable.
type Table struct {
	methods map[string]*Method
	names   []string
}

// NewTable returns a table; a name that appears twice, or a method without a
// handler, is an error.
func NewTable(methods ...Method) (*Table, error) {
	t := &Table{methods: make(map[string]*Method, len(methods))}
	for _, m := range methods {
		if m.Name == "" || m.Handle == nil {
			return nil, fmt.Errorf("make method table: %q is incomplete", m.Name)
		}
		if _, twice := t.methods[m.Name]; twice {
			return nil, fmt.Errorf("make method table: %s appears twice", m.Name)
		}
		t.methods[m.Name] = &m
		if !m.Unlisted {
			t.names = append(t.names, m.Name)
		}
	}
	slices.Sort(t.names)
	return t, nil
}

// Names returns the methods that a hello advertises, sorted.
func (t *Table) Names() []string { return t.names }

// known returns a name that is in the table, and nothing of a client's own words.
func (t *Table) known(name string) string {
	if m, is := t.methods[name]; is {
		return m.Name
	}
	return ""
}

// find returns the method if conn may call it now.
func (t *Table) find(conn *Conn, name string) (*Method, *wire.Error) {
	if name == wire.MethodConnect {
		return nil, wire.Invalid("the socket is connected already")
	}
	m, known := t.methods[name]
	switch {
	case !known:
		return nil, wire.UnknownMethod(name)
	case m.Scope != "" && !conn.Admission.Scopes.Has(m.Scope):
		return nil, wire.MissingScope(string(m.Scope))
	case m.Local && conn.Peer.Kind != KindUnix:
		return nil, wire.Forbidden(name+" may be called over the gateway's unix socket only", "run the command on the gateway's own machine, as its user")
	}
	return m, nil
}
