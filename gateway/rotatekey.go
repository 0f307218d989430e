package gateway

import (
	"context"
	"crypto/subtle"
	"slices"
	"strings"

	"openclaw/configs"
	"openclaw/gateway/event"
	"openclaw/gateway/hub"
	"openclaw/gateway/wire"
	"openclaw/keychain"
)

// previousFolder is where the value before a rotation is kept, so that it can be
// put back and stays out of logs. Who has revoked it at the provider deletes it.
const previousFolder = "previous/"

// undoneFolder holds the newer of two values while they change places, so that a
// kill between two writes loses neither.
const undoneFolder = "undone/"

// rotateKey puts another value in the place of a provider's key, once the
// providers that use it have taken it.
func (g *Gateway) rotateKey(ctx context.Context, call *hub.Call) (any, error) {
	var params wire.SecretRotateParams
	err := call.Decode(&params)
	clear(call.Params) // the value, in base64
	defer clear(params.Value)
	switch {
	case err != nil:
		return nil, err
	case len(params.Value) == 0:
		return nil, wire.Invalid("a key must not be empty")
	case strings.HasPrefix(params.Name, previousFolder):
		return nil, wire.Invalid("this is the value from before a rotation: rotate " + short(strings.TrimPrefix(params.Name, previousFolder)))
	}
	g.keysRotating.Lock()
	defer g.keysRotating.Unlock()
	old, err := g.deps.Secrets.Get(ctx, params.Name)
	if err != nil {
		return nil, secretRefusal(err)
	}
	defer old.Wipe()
	next := keychain.NewSecret(params.Value)
	if subtle.ConstantTimeCompare(old.Reveal(), next.Reveal()) == 1 {
		return nil, wire.Invalid("this is the key that is stored already: make a new one at the provider")
	}
	g.deps.Masker.Add(params.Name, params.Value)
	tried, err := g.tryKey(ctx, params.Name, next)
	if err != nil && !params.Untested {
		return nil, err
	}
	act, err := g.beginSecretAct(ctx, call.Conn.Peer.From, AuditEntry{
		Action: "rotate", Target: short(params.Name), Details: map[string]any{"tried": tried, "untested": err != nil},
	}, "the key was not changed")
	if err != nil {
		return nil, err
	}
	// In this order a kill leaves the old key in force, and never without a copy.
	if err := g.deps.Secrets.Set(ctx, previousFolder+params.Name, old.Clone()); err != nil {
		return nil, act.failed(ctx, err)
	}
	if err := g.deps.Secrets.Set(ctx, params.Name, next.Clone()); err != nil {
		return nil, act.failed(ctx, err)
	}
	g.rotated(ctx, params.Name)
	return wire.SecretRotated{Name: params.Name, Previous: previousFolder + params.Name, Tried: tried}, nil
}

// undoRotation puts the value from before a rotation back, and keeps the other.
func (g *Gateway) undoRotation(ctx context.Context, call *hub.Call) (any, error) {
	var params wire.SecretParams
	if err := call.Decode(&params); err != nil {
		return nil, err
	}
	g.keysRotating.Lock()
	defer g.keysRotating.Unlock()
	before, err := g.deps.Secrets.Get(ctx, previousFolder+params.Name)
	if keychain.KindOf(err) == keychain.KindNotFound {
		return nil, wire.NotFound("no value from before a rotation is kept for "+short(params.Name), "see openclaw secrets list")
	}
	if err != nil {
		return nil, secretRefusal(err)
	}
	defer before.Wipe()
	now, err := g.deps.Secrets.Get(ctx, params.Name)
	if err != nil {
		return nil, secretRefusal(err)
	}
	defer now.Wipe()
	newer := now
	if subtle.ConstantTimeCompare(before.Reveal(), now.Reveal()) == 1 {
		// An undo that did not come to its end: only what it kept is missing.
		if newer, err = g.deps.Secrets.Get(ctx, undoneFolder+params.Name); err != nil {
			return nil, secretRefusal(err)
		}
		defer newer.Wipe()
	}
	act, err := g.beginSecretAct(ctx, call.Conn.Peer.From, AuditEntry{Action: "undo rotation", Target: short(params.Name)}, "the key was not changed")
	if err != nil {
		return nil, err
	}
	for _, write := range []struct {
		name  string
		value keychain.Secret
	}{{undoneFolder + params.Name, newer}, {params.Name, before}, {previousFolder + params.Name, newer}} {
		if err := g.deps.Secrets.Set(ctx, write.name, write.value.Clone()); err != nil {
			return nil, act.failed(ctx, err)
		}
	}
	if err := g.deps.Secrets.Delete(ctx, undoneFolder+params.Name); err != nil {
		return nil, act.failed(ctx, err)
	}
	g.rotated(ctx, params.Name)
	return wire.SecretRotated{Name: params.Name, Previous: previousFolder + params.Name}, nil
}

// tryKey has each provider that uses a secret try a value for it. It gives those
// that took it.
func (g *Gateway) tryKey(ctx context.Context, name string, value keychain.Secret) ([]string, error) {
	const anyway = "store it all the same with --untested"
	users := providersOf(g.deps.Config.Current().Config, name)
	tried := make([]string, 0, len(users))
	switch {
	case len(users) == 0:
		return tried, wire.Unavailable("no provider of the config uses "+short(name)+": the new value cannot be tried", anyway)
	case g.deps.TryKey == nil:
		return tried, wire.Unavailable("this gateway cannot try a key", anyway)
	}
	for _, user := range users {
		refused, err := g.deps.TryKey(ctx, user, value)
		switch {
		case refused:
			refusal := wire.Invalid("provider " + user + ": " + err.Error())
			refusal.Details = map[string]any{"hint": "nothing was changed; look at the key at the provider, or " + anyway}
			return tried, refusal
		case err != nil:
			return tried, wire.Unavailable("provider "+user+": "+err.Error()+": nothing was changed", "try again, or "+anyway)
		}
		tried = append(tried, user)
	}
	return tried, nil
}

// providersOf are those whose key a stored secret is, sorted.
func providersOf(config *configs.Config, secret string) []string {
	var out []string
	for name, p := range config.Providers {
		if storedName(p.APIKey, name) == secret {
			out = append(out, name)
		}
	}
	for _, name := range configs.KnownProviders() { // they need no entry
		if _, configured := config.Providers[name]; !configured && name == secret {
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return out
}

// testLive asks each provider that uses a secret whether it takes it.
func (g *Gateway) testLive(ctx context.Context, reference string, value keychain.Secret, tested *wire.SecretTested) {
	users := usersOf(g.deps.Config.Current().Config, reference)
	if g.deps.TryKey == nil {
		for _, user := range users {
			tested.Unknown = append(tested.Unknown, "provider "+user+": this gateway cannot try a key")
		}
		return
	}
	for _, user := range users {
		switch refused, err := g.deps.TryKey(ctx, user, value); {
		case refused:
			tested.OK = false
			tested.Refused = append(tested.Refused, "provider "+user+": "+err.Error())
		case err != nil:
			tested.Unknown = append(tested.Unknown, "provider "+user+": "+err.Error())
		default:
			tested.Taken = append(tested.Taken, "provider "+user)
		}
	}
	if len(tested.Refused) > 0 {
		tested.Detail, tested.Hint = "it resolves, and is refused: "+strings.Join(tested.Refused, ", "), "put a new key in its place: openclaw vault rotate-key "+short(reference)
	}
}

// usersOf are the providers that a name of a stored secret, or a reference, is the key
// of, sorted.
func usersOf(config *configs.Config, reference string) []string {
	if !strings.ContainsAny(reference, "$:") {
		return providersOf(config, reference)
	}
	if name := storedName(configs.Reference(reference), ""); name != "" {
		return providersOf(config, name)
	}
	var out []string
	for name, p := range config.Providers {
		if string(p.APIKey) == reference {
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return out
}

func (g *Gateway) rotated(ctx context.Context, name string) {
	if rows, err := g.secretRows(ctx); err == nil {
		for _, row := range rows {
			if row.Name == name || row.Name == previousFolder+name {
				g.deps.Bus.Publish(event.Event{Kind: event.KindSecret, Secret: &row})
			}
		}
	}
	g.secretChanged(ctx, name)
}
