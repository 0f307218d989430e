package gateway

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"time"

	"openclaw/configs"
	"openclaw/gateway/hub"
	"openclaw/gateway/limit"
	"openclaw/gateway/wire"
)

// maxBansFile is more than the bans that there is room for.
const maxBansFile = 64 << 20

// openBans reads the bans of before. A file that cannot be read is an error: a
// gateway that forgot whom it shut out would say nothing of it.
func (g *Gateway) openBans() error {
	path := g.deps.Layout.Bans()
	var saved []limit.Ban
	if _, err := (stateFile{path, "bans", maxBansFile, "mend the file, or remove it to lift every ban"}).read(&saved); err != nil {
		return err
	}
	g.bans.Store(limit.NewBans(saved, g.deps.Now, func(bans []limit.Ban) error {
		text, err := json.MarshalIndent(bans, "", "  ")
		if err != nil {
			return err
		}
		return configs.ReplaceFile(path, append(text, '\n'))
	}))
	g.limiter.Shut(func(address netip.Addr) bool {
		_, banned := g.bans.Load().Banned(address)
		return banned || g.stranger(address)
	}, g.strike)
	return nil
}

// shutOut answers a request that a trusted proxy brings from a banned client.
func (g *Gateway) shutOut(w http.ResponseWriter, r *http.Request) bool {
	ban, banned := g.bans.Load().Banned(visitorOf(r).address)
	if !banned {
		return false
	}
	w.Header().Set("Connection", "close")
	if !ban.Until.IsZero() {
		setRetryAfter(w, ban.Until.Sub(g.deps.Now()))
	}
	writeError(w, http.StatusForbidden, "permission_error", "this address is banned")
	return true
}

// strike counts a refusal of an address, and bans it when they are too many.
func (g *Gateway) strike(address netip.Addr) {
	s := g.deps.Config.Current().Config.Gateway.RateLimiting
	if !s.Enabled || !g.bans.Load().Strike(address, s.BanThreshold) {
		return
	}
	ban := limit.Ban{Reason: fmt.Sprintf("%d refusals within a minute", s.BanThreshold), By: limit.ByGateway}
	ban.Network, _ = limit.ParseNetwork(address.String()) // an address that came over TCP
	if s.BanDuration > 0 {
		ban.Until = g.deps.Now().Add(time.Duration(s.BanDuration) * time.Second)
	}
	if err := g.ban(context.Background(), "local", ban); err != nil {
		g.log.Error("an address could not be banned", slog.String("from", address.String()), slog.Any("error", err))
		g.notice("error", "an address could not be banned: "+err.Error())
	}
}

// ban shuts a network out: recorded, saved, and only then in force. What is open
// of it is cut.
func (g *Gateway) ban(ctx context.Context, from string, ban limit.Ban) error {
	details := map[string]any{"reason": ban.Reason, "by": ban.By}
	if !ban.Until.IsZero() {
		details["until"] = ban.Until.UTC()
	}
	if err := g.auditAct(ctx, from, AuditEntry{Event: "authorization", Action: "ban", Target: ban.Network.String(), Details: details}); err != nil {
		return err
	}
	if err := g.bans.Load().Add(ban); err != nil {
		return err
	}
	within := func(address netip.Addr) bool { return ban.Network.Contains(address.Unmap().WithZone("")) }
	cut := g.hub.CloseWhere(func(c *hub.Conn) bool { return within(c.Peer.Address) }, wire.ClosePolicy, "this address is banned")
	cut += g.streams.cutWhere(func(one *stream) bool { return within(one.from) })
	cut += g.limiter.CloseFrom(within)
	g.log.Warn("a network is banned", slog.String("network", ban.Network.String()), slog.String("reason", ban.Reason), slog.Int("count", cut))
	g.notice("warn", "banned "+ban.Network.String()+": "+ban.Reason)
	return nil
}

func (g *Gateway) listBans(context.Context, *hub.Call) (any, error) {
	list := g.bans.Load().List()
	out := make([]wire.Ban, 0, len(list))
	for _, ban := range list {
		out = append(out, banRow(ban))
	}
	return wire.BansResult{Bans: out}, nil
}

func banRow(ban limit.Ban) wire.Ban {
	return wire.Ban{Network: ban.Network.String(), Since: ban.Since, Until: ban.Until, Reason: ban.Reason, By: ban.By}
}

func (g *Gateway) addBan(ctx context.Context, call *hub.Call) (any, error) {
	var params wire.BanAddParams
	if err := call.Decode(&params); err != nil {
		return nil, err
	}
	ban := limit.Ban{Reason: short(g.deps.Masker.Text(params.Reason)), By: operator}
	var err error
	if ban.Network, err = limit.ParseNetwork(params.Network); err != nil {
		return nil, wire.Invalid("invalid " + wire.MethodBanAdd + " params: " + short(params.Network) + " is not an address or a network such as 203.0.113.0/24")
	}
	if params.For != "" {
		d, err := time.ParseDuration(params.For)
		if err != nil || d <= 0 {
			return nil, wire.Invalid("invalid " + wire.MethodBanAdd + " params: for is a duration such as 1h")
		}
		ban.Until = g.deps.Now().Add(d)
	}
	if ban.Reason == "" {
		ban.Reason = "by hand"
	}
	if ban.Network.Contains(call.Conn.Peer.Address.Unmap()) {
		return nil, wire.Invalid("that would ban the address that you come from; do it from the gateway's own machine")
	}
	err = g.ban(ctx, call.Conn.Peer.From, ban)
	if errors.Is(err, limit.ErrLoopback) {
		return nil, wire.Invalid(err.Error())
	}
	return banRow(ban), err
}

func (g *Gateway) liftBan(ctx context.Context, call *hub.Call) (any, error) {
	var params wire.BanLiftParams
	if err := call.Decode(&params); err != nil {
		return nil, err
	}
	network, err := limit.ParseNetwork(params.Network)
	if err != nil {
		return nil, wire.Invalid("invalid " + wire.MethodBanLift + " params: " + short(params.Network) + " is not an address or a network")
	}
	if err := g.auditAct(ctx, call.Conn.Peer.From, AuditEntry{Event: "authorization", Action: "unban", Target: network.String()}); err != nil {
		return nil, notAudited("the ban was not lifted")
	}
	lifted, err := g.bans.Load().Lift(network)
	if err != nil {
		return nil, err
	}
	if !lifted {
		return nil, wire.NotFound("there is no ban of "+network.String(), "openclaw gateway bans")
	}
	g.log.Info("a ban was lifted", slog.String("network", network.String()))
	return nil, nil
}
