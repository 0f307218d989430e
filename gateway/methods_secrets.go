package gateway

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"strings"
	"time"

	"openclaw/configs"
	"openclaw/gateway/event"
	"openclaw/gateway/hub"
	"openclaw/gateway/wire"
	"openclaw/keychain"
)

// gatewayTokenName is the secret that is the gateway's own token.
const gatewayTokenName = "token/gateway"

// secretRefusal turns a store's error into one for the client.
func secretRefusal(err error) error {
	var failure *keychain.Error
	if !errors.As(err, &failure) {
		return err
	}
	text := failure.Op
	if failure.Name != "" {
		text += " " + failure.Name
	}
	text += ": " + string(failure.Kind)
	switch failure.Kind {
	case keychain.KindRolledBack, keychain.KindFailed, keychain.KindUnsafeFile, keychain.KindCorrupt, keychain.KindNoService:
		if failure.Err != nil {
			text += ": " + failure.Err.Error() // which file, and what is wrong with it: by its promise nothing secret
		}
	default: // the kind says it all
	}
	switch failure.Kind {
	case keychain.KindNotFound:
		return wire.NotFound(text, failure.Hint)
	case keychain.KindBadName, keychain.KindTooBig, keychain.KindWrongKey:
		refusal := wire.Invalid(text)
		if failure.Hint != "" {
			refusal.Details = map[string]any{"hint": failure.Hint}
		}
		return refusal
	default:
		return wire.Unavailable(text, failure.Hint)
	}
}

// secretRows is what is stored, who uses it, and what the config needs and
// nobody has stored.
func (g *Gateway) secretRows(ctx context.Context) ([]event.Secret, error) {
	rows, err := g.deps.SecretInfo(ctx)
	if err != nil {
		return nil, err
	}
	users := secretUsers(g.deps.Config.Current().Config)
	known := map[string]bool{}
	for i := range rows {
		known[rows[i].Name] = true
		rows[i].UsedBy = append(rows[i].UsedBy, users[rows[i].Name]...)
	}
	for name, by := range users {
		if !known[name] && name != gatewayTokenName {
			rows = append(rows, event.Secret{Name: name, UsedBy: by, Missing: true})
		}
	}
	sortSecrets(rows)
	return rows, nil
}

// secretUsers maps the names of stored secrets to what of the config uses
// them.
func secretUsers(config *configs.Config) map[string][]string {
	users := map[string][]string{}
	use := func(name, by string) {
		if name != "" {
			users[name] = append(users[name], by)
		}
	}
	use(storedName(config.Gateway.Token, gatewayTokenName), "gateway")
	for _, name := range sortedNames(config.Providers) {
		use(storedName(config.Providers[name].APIKey, name), "provider "+name)
	}
	return users
}

// storedName is the stored secret that a reference means; empty when it leads
// elsewhere.
func storedName(reference configs.Reference, otherwise string) string {
	text := string(reference)
	if text == "" {
		return otherwise
	}
	if name, is := strings.CutPrefix(text, "keychain://openclaw/"); is {
		return name
	}
	if name, is := strings.CutPrefix(text, "vault://"); is {
		return name
	}
	return ""
}

func (g *Gateway) listSecrets(ctx context.Context, _ *hub.Call) (any, error) {
	rows, err := g.secretRows(ctx)
	if err != nil {
		return nil, secretRefusal(err)
	}
	if rows == nil {
		rows = []event.Secret{}
	}
	return wire.SecretsResult{Store: g.storeStatus(), Secrets: rows}, nil
}

func (g *Gateway) setSecret(ctx context.Context, call *hub.Call) (any, error) {
	var params wire.SecretSetParams
	err := call.Decode(&params)
	clear(call.Params) // the value, in base64
	if err != nil {
		return nil, err
	}
	defer clear(params.Value)
	if len(params.Value) == 0 {
		return nil, wire.Invalid("a secret must not be empty")
	}
	act, err := g.beginSecretAct(ctx, call.Conn.Peer.From, AuditEntry{Action: "set", Target: short(params.Name)}, "the secret was not stored")
	if err != nil {
		return nil, err
	}
	hidden := g.deps.Masker.Add(params.Name, params.Value)
	if err := g.deps.Secrets.Set(ctx, params.Name, keychain.NewSecret(params.Value).Clone()); err != nil {
		return nil, act.failed(ctx, err)
	}
	if !hidden {
		g.notice("warn", "the secret "+short(params.Name)+" is too short or too plain a text to be kept out of logs")
	}
	row := event.Secret{Name: params.Name, Changed: g.deps.Now()}
	if rows, err := g.secretRows(ctx); err == nil {
		for _, r := range rows {
			if r.Name == params.Name {
				row = r
			}
		}
	}
	g.deps.Bus.Publish(event.Event{Kind: event.KindSecret, Secret: &row})
	g.secretChanged(ctx, params.Name)
	return row, nil
}

// secretChanged lets a new gateway token take effect at once. That it cannot be
// read now is said by the next look.
func (g *Gateway) secretChanged(ctx context.Context, name string) {
	if name == ownedToken(g.deps.Config.Current().Config) {
		_ = g.refreshToken(ctx)
	}
}

func (g *Gateway) deleteSecret(ctx context.Context, call *hub.Call) (any, error) {
	var params wire.SecretParams
	if err := call.Decode(&params); err != nil {
		return nil, err
	}
	act, err := g.beginSecretAct(ctx, call.Conn.Peer.From, AuditEntry{Action: "delete", Target: short(params.Name)}, "the secret was not deleted")
	if err != nil {
		return nil, err
	}
	if err := g.deps.Secrets.Delete(ctx, params.Name); err != nil {
		return nil, act.failed(ctx, err)
	}
	g.deps.Bus.Publish(event.Event{Kind: event.KindSecret, Secret: &event.Secret{Name: params.Name, Deleted: true}})
	g.secretChanged(ctx, params.Name)
	return nil, nil
}

// testSecret resolves a name or a reference and tells no more of the value than
// its length. A live test asks the providers that use it; it is not OK where one
// refuses it.
func (g *Gateway) testSecret(ctx context.Context, call *hub.Call) (any, error) {
	var params wire.SecretTestParams
	err := call.Decode(&params)
	clear(call.Params) // they may hold the value, in base64
	if err != nil {
		return nil, err
	}
	defer clear(params.Value)
	if params.Reference == "" {
		return nil, wire.Invalid("invalid " + wire.MethodSecretTest + " params: reference must not be empty")
	}
	act, err := g.beginSecretAct(ctx, call.Conn.Peer.From, testEntry(params), "nothing was tested")
	if err != nil {
		return nil, err
	}
	secret, source, err := g.resolve(ctx, params.Reference)
	if err != nil {
		tested := wire.SecretTested{Detail: "it does not resolve"}
		if refusal, is := errors.AsType[*wire.Error](act.failed(ctx, err)); is {
			tested.Detail, tested.Hint = refusal.Message, refusal.Hint()
			if failure, is := errors.AsType[*keychain.Error](err); is && failure.Err != nil {
				tested.Detail = failure.Error() // why, which by its promise holds no value
			}
		} else {
			tested.Detail = err.Error() // a resolver puts no value into its errors
		}
		return tested, nil
	}
	defer secret.Wipe()
	equal := len(params.Value) > 0 && subtle.ConstantTimeCompare(params.Value, secret.Reveal()) == 1
	tested := wire.SecretTested{OK: true, Length: secret.Len(), Equal: equal, Source: source}
	if params.Live {
		g.testLive(ctx, params.Reference, secret, &tested)
	}
	return tested, nil
}

func testEntry(params wire.SecretTestParams) AuditEntry {
	entry := AuditEntry{Action: "test", Target: configs.Reference(params.Reference).String()}
	if params.Live {
		entry.Details = map[string]any{"live": true}
	}
	return entry
}

// resolve takes a plain name for a stored secret, anything else for a
// reference.
func (g *Gateway) resolve(ctx context.Context, text string) (keychain.Secret, string, error) {
	if !strings.ContainsAny(text, "$:") {
		secret, err := g.deps.Secrets.Get(ctx, text)
		return secret, g.deps.SecretStatus().Backend, err
	}
	if g.deps.Resolve == nil {
		return keychain.Secret{}, "", wire.Unavailable("this gateway follows no references", "")
	}
	return g.deps.Resolve(ctx, text)
}

func (g *Gateway) createStore(ctx context.Context, call *hub.Call) (any, error) {
	var params wire.StoreCreateParams
	err := call.Decode(&params)
	clear(call.Params)
	if err != nil {
		return nil, err
	}
	defer clear(params.Passphrase)
	if params.KeyFile == (len(params.Passphrase) > 0) {
		return nil, wire.Invalid("give either a passphrase or key_file, not both")
	}
	act, err := g.beginSecretAct(ctx, call.Conn.Peer.From, AuditEntry{Action: "create vault"}, "the vault was not made")
	if err != nil {
		return nil, err
	}
	passphrase := params.Passphrase
	if params.KeyFile {
		passphrase = nil
	}
	return g.openStore(ctx, act, 0, func() error { return g.deps.Vault.CreateVault(ctx, passphrase) })
}

func (g *Gateway) unlockStore(ctx context.Context, call *hub.Call) (any, error) {
	var params wire.StoreUnlockParams
	err := call.Decode(&params)
	clear(call.Params)
	if err != nil {
		return nil, err
	}
	defer clear(params.Passphrase)
	defer clear(params.Code)
	defer clear(params.Age)
	ways := 0
	for _, given := range []bool{len(params.Passphrase) > 0, len(params.Code) > 0, len(params.Age) > 0, params.KeyFile} {
		if given {
			ways++
		}
	}
	switch {
	case ways != 1:
		return nil, wire.Invalid("give a passphrase, a recovery code, the key of an age slot or what needs nobody: one of them, and not empty")
	case params.Kind != "" && (!params.KeyFile || params.Kind != "key-file" && params.Kind != "credential" && params.Kind != "keychain"):
		return nil, wire.Invalid("kind is key-file, credential or keychain, and goes with keyFile")
	case params.KeyFile && call.Conn.Peer.Kind != hub.KindUnix:
		// Who locked it is not to be overruled by a client that knows nothing.
		return nil, wire.Invalid("a vault is unlocked by what needs nobody from this machine only, over the unix socket")
	}
	length, err := vaultLength(params)
	if err != nil {
		return nil, err
	}
	entry := AuditEntry{Action: "unlock vault"}
	if length > 0 {
		entry.Details = map[string]any{"seconds": params.Seconds}
	}
	act, err := g.beginSecretAct(ctx, call.Conn.Peer.From, entry, "the vault was not unlocked")
	if err != nil {
		return nil, err
	}
	return g.openStore(ctx, act, length, func() error {
		switch {
		case len(params.Code) > 0:
			return g.deps.Vault.UnlockByCode(ctx, params.Code)
		case len(params.Age) > 0:
			return g.deps.Vault.UnlockByAge(ctx, params.Age)
		case params.KeyFile:
			return g.deps.Vault.UnlockUnattended(ctx, params.Kind)
		}
		return g.deps.Vault.Unlock(ctx, params.Passphrase)
	})
}

func (g *Gateway) openStore(ctx context.Context, act *secretAct, length time.Duration, open func() error) (any, error) {
	err := func() error {
		g.vaultTime.changing.Lock()
		defer g.vaultTime.changing.Unlock()
		err := open()
		if err == nil {
			g.vaultTime.limit(length)
		}
		return err
	}()
	if err != nil {
		return nil, act.failed(ctx, err)
	}
	_ = g.refreshToken(ctx) // the token may be in there; the overview says if it is not
	status := g.storeStatus()
	g.notice("info", fmt.Sprintf("the secret store is %s (%s)", status.State, status.Backend))
	return status, nil
}

func notAudited(what string) error {
	return wire.Unavailable("the audit log cannot be written: "+what, "check the disk and audit.log_path; nothing is changed without a record")
}
