package gateway

import (
	"context"
	"errors"
	"log/slog"
	"strings"

	"openclaw/gateway/event"
	"openclaw/gateway/hub"
	"openclaw/gateway/wire"
)

// errDisconnected is what the other end of a closed connection reads, where it reads
// anything.
var errDisconnected = errors.New("disconnected by the operator")

// disconnect closes one connection: a client's socket, a call to a provider, or one out
// of a cage. What an agent may reach stays as its policy says: it may open the next.
func (g *Gateway) disconnect(ctx context.Context, call *hub.Call) (any, error) {
	var params wire.DisconnectParams
	if err := call.Decode(&params); err != nil {
		return nil, err
	}
	if params.ID == call.Conn.ID {
		return nil, wire.Invalid("that is the connection that asks")
	}
	for _, c := range g.hub.Conns() {
		if c.ID != params.ID {
			continue
		}
		if err := g.auditDisconnect(ctx, call, c.Client.ID, params.ID, c.Peer.From); err != nil {
			return nil, err
		}
		c.Close(wire.ClosePolicy, errDisconnected.Error())
		return nil, nil
	}
	row, open := g.registry.OpenConnection(params.ID)
	switch {
	case open && row.Kind == event.ConnectionHTTP && g.deps.CutCall != nil:
		return nil, g.disconnectCall(ctx, call, row)
	case open && row.Kind == event.ConnectionNet:
		return nil, g.disconnectCage(ctx, call, row)
	}
	return nil, noConnection(params.ID)
}

func (g *Gateway) disconnectCall(ctx context.Context, call *hub.Call, row event.Connection) error {
	if err := g.auditDisconnect(ctx, call, row.Route, row.ID, row.From); err != nil {
		return err
	}
	if !g.deps.CutCall(row.ID, errDisconnected) {
		return noConnection(row.ID)
	}
	return nil
}

// disconnectCage has the supervisor of a run, which carries what leaves its cage, close
// one connection. It is over when the supervisor reports that, not before.
func (g *Gateway) disconnectCage(ctx context.Context, call *hub.Call, row event.Connection) error {
	conn, _, err := g.runs.supervisor(row.Run)
	if err != nil {
		return err
	}
	if err := g.auditDisconnect(ctx, call, row.Route, row.ID, row.From); err != nil {
		return err
	}
	if err := conn.Push(wire.EventRunCut, wire.RunCut{Run: row.Run, Connection: strings.TrimPrefix(row.ID, row.Run+"/")}); err != nil {
		return wire.Unavailable("the run's supervisor could not be reached", "try again in a second")
	}
	return nil
}

// auditDisconnect puts on record who closes what; without a record nothing is closed.
func (g *Gateway) auditDisconnect(ctx context.Context, call *hub.Call, target, id, peer string) error {
	if err := g.auditAct(ctx, call.Conn.Peer.From, AuditEntry{
		Event: "authorization", Action: "disconnect", Target: short(target), Details: map[string]any{"from": peer, "connection": id},
	}); err != nil {
		return notAudited("the connection was not closed")
	}
	g.trails.Add(id, event.StepCut, clientName(call.Conn.Client)+", "+call.Conn.ID)
	g.log.Info("a connection is being closed", slog.String("connection", id))
	return nil
}

func noConnection(id string) error {
	return wire.NotFound("there is no connection "+short(id)+" now", "openclaw client list")
}
