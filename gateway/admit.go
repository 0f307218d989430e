package gateway

import (
	"context"
	"encoding/json"
	"time"

	"openclaw/gateway/auth"
	"openclaw/gateway/event"
	"openclaw/gateway/hub"
	"openclaw/gateway/wire"
)

const operator = "operator"

// methodNone is how a socket got in that showed no credential.
const methodNone = "none"

// admit judges a connect: peer credentials on the unix socket, a token on TCP.
func (g *Gateway) admit(ctx context.Context, peer hub.Peer, connect wire.Connect, challenge wire.Challenge) (hub.Admission, *hub.Refusal) {
	if connect.Role != "" && connect.Role != operator {
		return hub.Admission{}, refusal(wire.Invalid("this gateway has no role " + short(connect.Role)))
	}
	if peer.Kind == hub.KindUnix {
		g.auditUser(ctx, "connect "+connect.Client.ID, "peer credentials")
		return hub.Admission{Role: operator, Method: "peer credentials", Scopes: auth.Grant(connect.Scopes, auth.Scopes{auth.ScopeAdmin})}, nil
	}
	presented := connect.Auth.Shared()
	if presented == "" {
		return g.admitWithoutToken(connect)
	}
	if _, is := g.agents.Lookup(presented); is {
		_, _ = g.guard.Wrong(ctx, peer.Address, auth.HashOf([]byte(presented))) // the answer is the same either way
		g.auditRefusal(ctx, peer.From, "connect "+connect.Client.ID, "an agent's token")
		return hub.Admission{}, refusal(&wire.Error{Code: wire.CodeInvalidRequest, Message: "unauthorized: an agent's token opens the providers' routes only",
			Details: map[string]any{"code": wire.DetailUnauthorized}})
	}
	judged := g.judge(ctx, presented)
	if judged.standing != auth.Good {
		return hub.Admission{}, g.wrongToken(ctx, peer, connect, judged)
	}
	if connect.Device != nil {
		if code := auth.CheckDevice(connect, challenge, g.deps.Now()); code != "" {
			g.auditRefusal(ctx, peer.From, "connect "+connect.Client.ID, code)
			return hub.Admission{}, refusal(&wire.Error{Code: wire.CodeInvalidRequest, Message: "device identity not accepted", Details: map[string]any{"code": code}})
		}
	}
	may, method := auth.Scopes{auth.ScopeAdmin}, proof("token", peer)
	if name := judged.client.Name; name != "" {
		may, method = judged.client.Scopes, proof("token of "+name, peer)
	}
	if connect.Client.Mode == "probe" || peer.Browser {
		may = nil // they learn that the gateway is there, and nothing else
	}
	g.auditAccess(ctx, peer.From, "connect "+connect.Client.ID, "success", method, 0, certificateDetails(peer))
	peer.Trusted()
	return hub.Admission{Role: operator, Method: method, Token: judged.hash, Name: judged.client.Name, Scopes: auth.Grant(connect.Scopes, may)}, nil
}

// admitWithoutToken refuses, or, where the config asks for no authentication,
// lets in to read: a cage reaches this port too, and must not become the
// operator by saying nothing.
func (g *Gateway) admitWithoutToken(connect wire.Connect) (hub.Admission, *hub.Refusal) {
	if !g.deps.Config.Current().Config.Gateway.RequireAuth {
		return hub.Admission{Role: operator, Method: methodNone, Scopes: auth.Grant(connect.Scopes, auth.Scopes{auth.ScopeRead})}, nil
	}
	if connect.Device == nil {
		return hub.Admission{}, refusal(&wire.Error{Code: wire.CodeNotPaired, Message: "device identity required", Details: map[string]any{"code": wire.DetailDeviceRequired}})
	}
	return hub.Admission{}, refusal(&wire.Error{Code: wire.CodeInvalidRequest, Message: "unauthorized: gateway token missing",
		Details: map[string]any{"code": wire.DetailTokenMissing, "recommendedNextStep": "update_auth_credentials"}})
}

func (g *Gateway) wrongToken(ctx context.Context, peer hub.Peer, connect wire.Connect, judged judgement) *hub.Refusal {
	if judged.standing == auth.Unknown && g.token.Current().Zero() {
		return refusal(&wire.Error{Code: wire.CodeInvalidRequest, Message: "unauthorized: this gateway has no token yet", Details: map[string]any{
			"code": wire.DetailTokenNotConfigured, "hint": "unlock the secret store, or use the gateway's unix socket ('openclaw tui' on its machine)",
		}})
	}
	retry, limited := g.guard.Wrong(ctx, peer.Address, judged.hash)
	text, reason, hint := judged.words()
	g.auditRefusal(ctx, peer.From, "connect "+connect.Client.ID, text)
	if limited {
		return refusal(&wire.Error{Code: wire.CodeInvalidRequest, Message: "unauthorized: too many wrong tokens", Retryable: true, RetryAfterMS: retry.Milliseconds(),
			Details: map[string]any{"code": wire.DetailAuthRateLimited, "recommendedNextStep": "wait_then_retry"}})
	}
	if reason == wire.ReasonTokenMismatch && !judged.mistyped {
		text = "gateway token mismatch (use this gateway's token)" // the protocol's own words
	}
	details := map[string]any{"code": wire.DetailTokenMismatch, "authReason": reason, "canRetryWithDeviceToken": false, "recommendedNextStep": "update_auth_credentials"}
	if hint != "" {
		details["hint"] = hint
	}
	return refusal(&wire.Error{Code: wire.CodeInvalidRequest, Message: "unauthorized: " + text, Details: details})
}

func refusal(e *wire.Error) *hub.Refusal { return &hub.Refusal{Error: e, Code: wire.ClosePolicy} }

// opened and closed show a socket's life, and its end is recorded.
func (g *Gateway) opened(c *hub.Conn) {
	g.registry.Connection(connectionRow(c))
	// What let it in may have ended while it shook hands: whatever cut the others
	// did not see it.
	_, banned := g.bans.Load().Banned(c.Peer.Address)
	switch {
	case banned:
		c.Close(wire.ClosePolicy, "this address is banned")
	case !g.holds(c.Admission.Token), c.Admission.Method == methodNone && g.deps.Config.Current().Config.Gateway.RequireAuth:
		c.Close(wire.CloseTokenChanged, "gateway auth changed")
	}
}

func (g *Gateway) closed(c *hub.Conn, reason string) {
	row := connectionRow(c)
	row.State, row.Detail, row.Closed = "closed", reason, g.deps.Now()
	g.registry.Connection(row)
	g.auditLater(AuditEntry{
		Event: "authorization", User: operator, IP: hostOf(c.Peer.From), Action: short("close " + c.Client.ID), Result: "success", Reason: reason,
		Details: map[string]any{"connection": c.ID, "bytes_in": row.BytesIn, "bytes_out": row.BytesOut, "duration_ms": row.Closed.Sub(row.Opened).Milliseconds()},
	})
	g.runs.left(c)
	g.chats.listeners.forget(c)
}

func connectionRow(c *hub.Conn) event.Connection {
	in, out := c.Traffic()
	return event.Connection{
		ID: c.ID, Kind: c.Peer.Kind, From: c.Peer.From, PID: c.Peer.PID, Program: programOf(c.Peer.PID), Client: clientName(c.Client),
		Route: "protocol 4", State: "open", Auth: c.Admission.Method, Certificate: c.Peer.Certificate, Opened: c.Opened, BytesIn: in, BytesOut: out,
	}
}

func clientName(client wire.ClientInfo) string {
	if client.Version == "" {
		return client.ID
	}
	return client.ID + " " + client.Version
}

// snapshot is what a hello says of the gateway. Paths are for an administrator.
func (g *Gateway) snapshot(c *hub.Conn) wire.Snapshot {
	health, err := json.Marshal(g.health())
	if err != nil {
		health = nil
	}
	agent := g.defaultAgent()
	snapshot := wire.Snapshot{
		Presence: []wire.Presence{g.selfPresence()}, Health: health, StateVersion: wire.StateVersion{Presence: 1, Health: 1}, UptimeMS: g.uptime().Milliseconds(),
		SessionDefaults: &wire.SessionDefaults{DefaultAgentID: agent, MainKey: "main", MainSessionKey: "agent:" + agent + ":main", Scope: "per-sender"},
	}
	if c.Admission.Scopes.Has(auth.ScopeAdmin) {
		snapshot.ConfigPath, snapshot.StateDir, snapshot.AuthMode = g.deps.Layout.Config(), g.deps.Layout.Root, "token"
	}
	return snapshot
}

func (g *Gateway) uptime() time.Duration { return g.deps.Now().Sub(g.started) }
