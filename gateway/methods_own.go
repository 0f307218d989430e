package gateway

import (
	"context"
	"log/slog"
	"os"
	"runtime"
	"slices"
	"sync"
	"time"

	"openclaw/gateway/auth"
	"openclaw/gateway/event"
	"openclaw/gateway/hub"
	"openclaw/gateway/wire"
)

// methods are all that a client may call.
func (g *Gateway) methods() []hub.Method {
	return slices.Concat(g.standardMethods(), g.ownMethods(), g.tokenMethods(), g.asks.methods(), g.chats.methods())
}

// ownMethods are the ones beside the published protocol. What only shows needs
// read; what changes secrets, config or the gateway needs admin; runs need the
// unix socket as well, because they hand out policies and tokens.
func (g *Gateway) ownMethods() []hub.Method {
	row := func(name string, scope auth.Scope, handle func(context.Context, *hub.Call) (any, error)) hub.Method {
		return hub.Method{Name: name, Scope: scope, Handle: handle}
	}
	local := func(name string, handle func(context.Context, *hub.Call) (any, error)) hub.Method {
		return hub.Method{Name: name, Scope: auth.ScopeAdmin, Local: true, Handle: handle}
	}
	return []hub.Method{
		row(wire.MethodOverview, auth.ScopeRead, g.overview),
		row(wire.MethodSubscribe, auth.ScopeRead, g.subscribe),
		row(wire.MethodDenials, auth.ScopeRead, g.listDenials),
		row(wire.MethodConnections, auth.ScopeRead, g.listConnections),
		row(wire.MethodConnection, auth.ScopeRead, g.showConnection),
		row(wire.MethodAgents, auth.ScopeRead, g.listAgents),
		row(wire.MethodAgent, auth.ScopeRead, g.showAgent),
		row(wire.MethodAgentCreate, auth.ScopeAdmin, g.createAgent),
		local(wire.MethodRunStart, g.runs.start),
		local(wire.MethodRunRecorded, g.runs.recorded),
		local(wire.MethodRunResume, g.runs.resume),
		local(wire.MethodRunReport, g.runs.report),
		local(wire.MethodRunEnd, g.runs.end),
		row(wire.MethodRunStop, auth.ScopeAdmin, g.runs.stop),
		row(wire.MethodRunOutput, auth.ScopeRead, g.runs.output),
		local(wire.MethodRunLearned, g.runs.learned),
		row(wire.MethodSecrets, auth.ScopeRead, g.listSecrets),
		row(wire.MethodSecretSet, auth.ScopeAdmin, g.setSecret),
		row(wire.MethodSecretDelete, auth.ScopeAdmin, g.deleteSecret),
		row(wire.MethodSecretTest, auth.ScopeAdmin, g.testSecret),
		row(wire.MethodSecretRotate, auth.ScopeAdmin, g.rotateKey),
		row(wire.MethodSecretUndo, auth.ScopeAdmin, g.undoRotation),
		row(wire.MethodStoreCreate, auth.ScopeAdmin, g.createStore),
		row(wire.MethodStoreUnlock, auth.ScopeAdmin, g.unlockStore),
		row(wire.MethodStoreLock, auth.ScopeAdmin, g.lockStore),
		local(wire.MethodStoreSlots, g.listSlots),
		local(wire.MethodStoreRecover, g.addRecoveryCode),
		local(wire.MethodStoreAdd, g.addSlot),
		local(wire.MethodStoreRemove, g.removeSlot),
		local(wire.MethodStoreRekey, g.rekeyStore),
		local(wire.MethodStoreRolled, g.lookAtRollback),
		local(wire.MethodStoreAccept, g.acceptRollback),
		row(wire.MethodConfigStatus, auth.ScopeRead, func(context.Context, *hub.Call) (any, error) {
			return g.configStatus(), nil
		}),
		row(wire.MethodConfigTry, auth.ScopeRead, g.tryConfig),
		row(wire.MethodConfigReload, auth.ScopeAdmin, g.reloadConfig),
		row(wire.MethodConfigBack, auth.ScopeAdmin, g.rollbackConfig),
		row(wire.MethodBans, auth.ScopeRead, g.listBans),
		row(wire.MethodBanAdd, auth.ScopeAdmin, g.addBan),
		row(wire.MethodBanLift, auth.ScopeAdmin, g.liftBan),
		row(wire.MethodDisconnect, auth.ScopeAdmin, g.disconnect),
		row(wire.MethodAuditSearch, auth.ScopeRead, g.searchAudit),
		row(wire.MethodAuditVerify, auth.ScopeRead, g.verifyAudit),
		row(wire.MethodLogs, auth.ScopeRead, g.listLogs),
		local(wire.MethodLogsScrub, g.scrubLogs),
		local(wire.MethodMask, g.maskTexts),
		local(wire.MethodSupport, g.support),
		row(wire.MethodGatewayStop, auth.ScopeAdmin, g.stopMethod),
	}
}

func (g *Gateway) overview(_ context.Context, call *hub.Call) (any, error) {
	snapshot := g.deps.Config.Current()
	listeners, endpoint := []string{g.Address().String()}, ""
	if at := g.AgentsAddress(); at != g.Address() {
		endpoint = at.String()
	}
	listeners = append(listeners, g.deps.Layout.Socket())
	return event.Overview{
		Version: g.deps.Version, PID: os.Getpid(), Home: snapshot.Home(), Started: g.started,
		Listeners: listeners, AgentsEndpoint: endpoint, TLS: g.tlsStatus(), Token: g.tokenStatus(),
		Connections: g.registry.Open(""), DeniedHour: g.registry.DeniedHour(), Asks: g.asks.inbox.Waiting(),
		Agents: len(snapshot.Config.Agents), Running: g.registry.RunningAgents(),
		Config: g.configStatus(), Store: g.storeStatus(), Machine: g.deps.Machine(),
		Caller: call.Conn.ID, TokenSet: !g.token.Current().Zero(), Dropped: g.deps.Bus.Dropped(), Goroutines: runtime.NumGoroutine(),
	}, nil
}

// watchers are the subscriptions of sockets: at most one each.
type watchers struct {
	alive sync.WaitGroup

	mu     sync.Mutex // guards cancel
	cancel map[string]context.CancelFunc
}

func (w *watchers) wait() { w.alive.Wait() }

// feedRoom is how many events wait for one watcher before it loses some.
const feedRoom = 4096

// subscribe streams the bus to the socket. A second subscription takes the
// place of the first.
func (g *Gateway) subscribe(_ context.Context, call *hub.Call) (any, error) {
	var params wire.SubscribeParams
	if err := call.Decode(&params); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(call.Conn.Context())
	w, id := &g.watchers, call.Conn.ID
	w.mu.Lock()
	if before := w.cancel[id]; before != nil {
		before()
	}
	w.cancel[id] = cancel
	w.mu.Unlock()
	subscription := g.deps.Bus.Subscribe(feedRoom, params.Kinds...)
	w.alive.Go(func() {
		defer subscription.Close()
		defer func() {
			over := call.Conn.Context().Err() != nil
			cancel()
			if over {
				w.mu.Lock()
				delete(w.cancel, id)
				w.mu.Unlock()
			}
		}()
		if params.Packed {
			g.pushPacked(ctx, call.Conn, subscription)
			return
		}
		for {
			select {
			case <-ctx.Done():
				return
			case e := <-subscription.C():
				if call.Conn.PushWait(ctx, wire.EventName, e) != nil {
					return
				}
			}
		}
	})
	return wire.Subscribed{Seq: subscription.Start()}, nil
}

func (g *Gateway) listDenials(_ context.Context, call *hub.Call) (any, error) {
	var params wire.DenialsParams
	if err := call.Decode(&params); err != nil {
		return nil, err
	}
	return wire.DenialsResult{Denials: g.registry.Denials(params.Agent, params.Limit)}, nil
}

// listConnections brings the traffic of the sockets up to date first.
func (g *Gateway) listConnections(_ context.Context, call *hub.Call) (any, error) {
	var params wire.ConnectionsParams
	if err := call.Decode(&params); err != nil {
		return nil, err
	}
	rows := g.registry.Connections()
	traffic := map[string][2]int64{}
	for _, c := range g.hub.Conns() {
		in, out := c.Traffic()
		traffic[c.ID] = [2]int64{in, out}
	}
	for i := range rows {
		if t, open := traffic[rows[i].ID]; open {
			rows[i].BytesIn, rows[i].BytesOut = t[0], t[1]
		}
	}
	if params.Sockets {
		rows = slices.DeleteFunc(rows, func(c event.Connection) bool { _, open := traffic[c.ID]; return !open })
	}
	return wire.ConnectionsResult{Connections: rows}, nil
}

func (g *Gateway) listLogs(_ context.Context, call *hub.Call) (any, error) {
	params := wire.LogsParams{Limit: 500}
	if err := call.Decode(&params); err != nil {
		return nil, err
	}
	if params.Limit < 1 || params.Limit > 10_000 {
		return nil, wire.Invalid("invalid " + wire.MethodLogs + " params: limit is 1 to 10000")
	}
	if g.deps.LogTail == nil {
		return wire.LogsResult{Lines: []event.LogLine{}}, nil
	}
	lines, err := g.deps.LogTail(params.Limit)
	if lines == nil {
		lines = []event.LogLine{}
	}
	return wire.LogsResult{Lines: lines}, err
}

func (g *Gateway) searchAudit(ctx context.Context, call *hub.Call) (any, error) {
	var params wire.AuditSearchParams
	if err := call.Decode(&params); err != nil {
		return nil, err
	}
	if params.Since != "" {
		if d, err := time.ParseDuration(params.Since); err != nil || d < 0 {
			return nil, wire.Invalid("invalid " + wire.MethodAuditSearch + " params: since is a duration such as 1h")
		}
	}
	if params.Limit < 1 || params.Limit > 10_000 {
		params.Limit = 1000
	}
	if g.deps.AuditSearch == nil {
		return nil, wire.Unavailable("this gateway cannot search its audit log", "")
	}
	entries, truncated, err := g.deps.AuditSearch(ctx, params)
	if err != nil {
		return nil, err
	}
	if entries == nil {
		entries = []wire.RawObject{}
	}
	return wire.AuditSearchResult{Entries: entries, Truncated: truncated}, nil
}

func (g *Gateway) stopMethod(_ context.Context, call *hub.Call) (any, error) {
	g.log.Info("a client asked the gateway to stop", slog.String("client", call.Conn.Client.ID), slog.String("from", call.Conn.Peer.From))
	g.Stop()
	return nil, nil
}
