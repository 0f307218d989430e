package gateway

import (
	"context"
	"errors"
	"log/slog"

	"openclaw/configs"
	"openclaw/gateway/event"
	"openclaw/gateway/hub"
	"openclaw/gateway/wire"
)

// rollbackConfig brings an earlier config back, or says what that would change.
func (g *Gateway) rollbackConfig(ctx context.Context, call *hub.Call) (any, error) {
	var params wire.ConfigRollbackParams
	if err := call.Decode(&params); err != nil {
		return nil, err
	}
	if params.Version < 1 {
		return nil, wire.Invalid("invalid " + wire.MethodConfigBack + " params: version is 1 or more")
	}
	if !params.Dry {
		entry := AuditEntry{Event: "config_change", Action: "rollback", Path: g.deps.Layout.Config(), Details: map[string]any{"version": params.Version}}
		if err := g.auditAct(ctx, call.Conn.Peer.From, entry); err != nil {
			return nil, notAudited("the config stays as it is")
		}
		g.log.Info("a client asked for an earlier config", slog.String("client", call.Conn.Client.ID), slog.Int("version", params.Version))
	}
	back, err := g.deps.Config.Rollback(params.Version, params.Dry)
	if err != nil {
		text, hint := g.deps.Masker.Text(err.Error()), "nothing was changed"
		if known, ok := errors.AsType[*configs.Error](err); ok && known.Hint != "" {
			hint = known.Hint
		}
		return nil, wire.Unavailable(text, hint)
	}
	return event.Masked(event.Rollback{Changes: back.Changes, Diff: back.Diff, Saved: back.Saved, Config: g.configStatus()}, g.deps.Masker.Text), nil
}
