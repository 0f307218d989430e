package gateway

import (
	"context"
	"log/slog"

	"openclaw/gateway/hub"
	"openclaw/gateway/wire"
)

// stop has a run's supervisor end it. The run is over when its end is reported,
// not before.
func (r *runs) stop(ctx context.Context, call *hub.Call) (any, error) {
	var params wire.RunStopParams
	if err := call.Decode(&params); err != nil {
		return nil, err
	}
	conn, agent, err := r.supervisor(params.Run)
	if err != nil {
		return nil, err
	}
	action := "stop"
	switch {
	case params.Restart && params.Kill:
		return nil, wire.Invalid("a run is killed or started again, not both")
	case params.Kill:
		action = "kill"
	case params.Restart:
		if row, known := r.g.registry.GetRun(params.Run); !known || !row.Restartable() {
			refused := wire.Invalid("this run cannot be started again from here: its input is a pipe or a file, or it learns")
			refused.Details = map[string]any{"hint": "start it again where it was started"}
			return nil, refused
		}
		action = "restart"
	}
	if err := r.g.auditAct(ctx, call.Conn.Peer.From, AuditEntry{
		Event: "authorization", Action: action, Target: agent, Details: map[string]any{"run": params.Run},
	}); err != nil {
		return nil, notAudited("the run goes on")
	}
	if err := conn.Push(wire.EventRunStop, params); err != nil {
		return nil, wire.Unavailable("the run's supervisor could not be reached", "try again in a second")
	}
	r.g.log.Info("a run is being ended", slog.String("agent", agent), slog.String("run", params.Run), slog.String("action", action))
	return nil, nil
}

// supervisor finds the connection of the process that supervises a run, and its agent.
func (r *runs) supervisor(run string) (conn *hub.Conn, agent string, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	one := r.live[run]
	switch {
	case one == nil:
		return nil, "", wire.NotFound("there is no run "+short(run)+" now", "openclaw agent list")
	case one.conn == nil:
		return nil, "", wire.Unavailable("the run's supervisor is not connected now", "try again in a second; the process that runs 'openclaw agent run' ends with its terminal")
	}
	return one.conn, one.agent, nil
}
