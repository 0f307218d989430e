package gateway

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"time"

	"openclaw/configs"
	"openclaw/gateway/auth"
	"openclaw/gateway/event"
	"openclaw/gateway/hub"
	"openclaw/gateway/wire"
)

// tokenMethods are those of tokens. A new client token is handed out over the
// unix socket only: whoever stole a token must not make one that outlives it.
func (g *Gateway) tokenMethods() []hub.Method {
	return []hub.Method{
		{Name: wire.MethodTokenRotate, Scope: auth.ScopeAdmin, Handle: g.rotateMethod},
		{Name: wire.MethodClientAdd, Scope: auth.ScopeAdmin, Local: true, Handle: g.addClient},
		{Name: wire.MethodClientRevoke, Scope: auth.ScopeAdmin, Handle: g.revokeClient},
		{Name: wire.MethodClientTokens, Scope: auth.ScopeRead, Handle: g.listClients},
	}
}

func (g *Gateway) addClient(ctx context.Context, call *hub.Call) (any, error) {
	var params wire.ClientAddParams
	if err := call.Decode(&params); err != nil {
		return nil, err
	}
	refused := func(text string) error {
		return wire.Invalid("invalid " + wire.MethodClientAdd + " params: " + text)
	}
	if !configs.ValidName(params.Name) {
		return nil, refused("name is 1 to 64 of a-z, 0-9, '.', '_' and '-'")
	}
	if params.Name == operator {
		return nil, refused(operator + " is who holds the gateway's own token")
	}
	scopes := auth.Scopes{}
	for _, name := range params.Scopes {
		if !slices.Contains(auth.AllScopes(), auth.Scope(name)) {
			return nil, refused("scopes are " + strings.Join(auth.Scopes(auth.AllScopes()).Strings(), ", "))
		}
		if !call.Conn.Admission.Scopes.Has(auth.Scope(name)) {
			return nil, wire.MissingScope(name)
		}
		if !slices.Contains(scopes, auth.Scope(name)) {
			scopes = append(scopes, auth.Scope(name))
		}
	}
	if len(scopes) == 0 {
		return nil, refused("at least one scope, such as operator.read")
	}
	var life time.Duration
	if params.For != "" {
		var err error
		if life, err = time.ParseDuration(params.For); err != nil || life <= 0 {
			return nil, refused("for is a duration such as 720h")
		}
	}
	if err := g.auditAct(ctx, call.Conn.Peer.From, AuditEntry{Event: "authorization", Action: "add client", Target: params.Name,
		Details: map[string]any{"scopes": scopes.Strings(), "for": params.For}}); err != nil {
		return nil, notAudited("no client was added")
	}
	token, client, err := g.tokens.Load().AddClient(params.Name, scopes, life)
	switch {
	case errors.Is(err, auth.ErrNameTaken):
		return nil, refused(err.Error() + " already; revoke it first, or take another name")
	case errors.Is(err, auth.ErrTooManyClients):
		return nil, refused(err.Error())
	case err != nil:
		return nil, wire.Unavailable("the token could not be saved: no client was added", "check the disk and "+g.deps.Layout.State())
	}
	g.deps.Masker.Add(event.TokenSecret(client.Name), []byte(token))
	g.log.Info("a client was added", slog.String("client", client.Name), slog.String("scopes", strings.Join(scopes.Strings(), " ")))
	g.lookSoon()
	return wire.ClientAdded{Client: g.clientRow(client), Token: token}, nil
}

// revokeClient takes a token back. That the record of it cannot be written stops
// it not: a token that leaked must go, also on a full disk. A copy of it in the secret
// store goes with it.
func (g *Gateway) revokeClient(ctx context.Context, call *hub.Call) (any, error) {
	var params wire.ClientRevokeParams
	if err := call.Decode(&params); err != nil {
		return nil, err
	}
	recorded := g.auditAct(ctx, call.Conn.Peer.From, AuditEntry{Event: "authorization", Action: "revoke client", Target: short(params.Name)})
	client, err := g.tokens.Load().RevokeClient(params.Name)
	if errors.Is(err, auth.ErrNoClient) {
		return nil, wire.NotFound("there is no client "+short(params.Name)+" whose token is in force", "openclaw client list --tokens")
	}
	g.log.Warn("a client's token was revoked", slog.String("client", short(params.Name)))
	g.cutTokens()
	deleted := g.dropStored(ctx, call.Conn.Peer.From, client)
	switch {
	case err != nil:
		return nil, wire.Unavailable("the token is revoked, but that could not be saved: it is good again when the gateway starts again", "make room on the disk and revoke it again; see "+g.deps.Layout.State())
	case recorded != nil:
		return nil, notAudited("the token is revoked, and there is no record of it")
	}
	return wire.ClientRevoked{Deleted: deleted}, nil
}

// dropStored deletes a revoked token from the secret store, where it lies under its
// client's name; another secret of that name stays. It returns the name of what was deleted. What
// is left where it fails opens nothing any more, so that is said and no error.
func (g *Gateway) dropStored(ctx context.Context, from string, client auth.ClientToken) (deleted string) {
	name := event.TokenSecret(client.Name)
	stored, err := g.deps.Secrets.Get(ctx, name)
	if err != nil {
		return "" // there is none, or the store is locked
	}
	same := auth.HashOf(stored.Reveal()).Equal(client.Hash)
	stored.Wipe()
	if !same {
		return ""
	}
	if err = g.auditAct(ctx, from, AuditEntry{Event: "secret_access", Action: "delete", Target: name}); err == nil {
		err = g.deps.Secrets.Delete(ctx, name)
	}
	if err != nil {
		g.log.Warn("a revoked token is stored still", slog.String("name", name), slog.String("error", g.deps.Masker.Text(err.Error())))
		return ""
	}
	g.deps.Bus.Publish(event.Event{Kind: event.KindSecret, Secret: &event.Secret{Name: name, Deleted: true}})
	return name
}

func (g *Gateway) listClients(context.Context, *hub.Call) (any, error) {
	rows := []event.ClientToken{}
	for _, client := range g.tokens.Load().Clients() {
		rows = append(rows, g.clientRow(client))
	}
	return wire.ClientTokensResult{Clients: rows}, nil
}

func (g *Gateway) clientRow(client auth.ClientToken) event.ClientToken {
	standing, _ := g.tokens.Load().Standing(client.Hash)
	row := event.ClientToken{Name: client.Name, Scopes: client.Scopes.Strings(), Created: client.Created, Expires: client.Expires, Revoked: client.Revoked, State: standing.String()}
	for _, c := range g.hub.Conns() {
		if c.Admission.Token.Equal(client.Hash) {
			row.Connected++
		}
	}
	return row
}
