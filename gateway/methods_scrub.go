package gateway

import (
	"context"

	"openclaw/gateway/hub"
	"openclaw/gateway/wire"
)

func (g *Gateway) scrubLogs(ctx context.Context, call *hub.Call) (any, error) {
	var params wire.LogsScrubParams
	if err := call.Decode(&params); err != nil {
		return nil, err
	}
	if g.deps.ScrubLogs == nil {
		return nil, wire.Unavailable("this gateway keeps no log on a disk", "")
	}
	if !params.DryRun {
		if err := g.auditAct(ctx, call.Conn.Peer.From, AuditEntry{Event: "config_change", Action: "scrub logs"}); err != nil {
			return nil, notAudited("the logs were not scrubbed")
		}
	}
	return g.deps.ScrubLogs(ctx, params.DryRun)
}
