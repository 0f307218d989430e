package gateway

import (
	"context"

	"openclaw/gateway/hub"
	"openclaw/gateway/wire"
	"openclaw/keychain"
)

// What changes how the vault opens comes over the unix socket only, as what makes
// tokens does: whoever stole a token must not make a way in that outlives it.

func (g *Gateway) lockStore(ctx context.Context, call *hub.Call) (any, error) {
	if g.deps.SecretStatus().Backend != "vault" {
		return nil, wire.Invalid("no vault is in use: the keychain is locked by the system")
	}
	if _, err := g.beginSecretAct(ctx, call.Conn.Peer.From, AuditEntry{Action: "lock vault"}, "the vault was not locked"); err != nil {
		return nil, err
	}
	g.vaultTime.changing.Lock()
	g.deps.Vault.Lock()
	g.vaultTime.limit(0)
	g.vaultTime.changing.Unlock()
	status := g.storeStatus()
	g.notice("info", "the vault is locked: what needs a secret is refused until it is unlocked")
	return status, nil
}

func (g *Gateway) listSlots(ctx context.Context, _ *hub.Call) (any, error) {
	slots, err := g.deps.Vault.Slots(ctx)
	if err != nil {
		return nil, secretRefusal(err)
	}
	result := wire.StoreSlotsResult{Slots: make([]wire.StoreSlot, 0, len(slots))}
	for _, slot := range slots {
		result.Slots = append(result.Slots, wire.StoreSlot{ID: slot.ID, Kind: slot.Kind, Name: slot.Name, Recipients: slot.Recipients})
	}
	return result, nil
}

func (g *Gateway) addRecoveryCode(ctx context.Context, call *hub.Call) (any, error) {
	params, err := slotParams(call)
	defer clear(params.Current)
	if err != nil {
		return nil, err
	}
	act, err := g.beginSecretAct(ctx, call.Conn.Peer.From, AuditEntry{Action: "add recovery code"}, "no recovery code was made")
	if err != nil {
		return nil, err
	}
	code, err := g.deps.Vault.AddRecoveryCode(ctx, params.Current)
	if err != nil {
		return nil, act.failed(ctx, err)
	}
	return g.told(code), nil
}

func (g *Gateway) addSlot(ctx context.Context, call *hub.Call) (any, error) {
	var params wire.StoreAddParams
	err := call.Decode(&params)
	clear(call.Params)
	defer clear(params.Current)
	defer clear(params.Key)
	if err != nil {
		return nil, err
	}
	entry := AuditEntry{Action: "add a way to unlock the vault", Target: short(params.Kind)}
	switch params.Kind {
	case "age":
		recipients := make([]string, 0, len(params.Recipients))
		for _, key := range params.Recipients {
			recipients = append(recipients, short(key))
		}
		entry.Details = map[string]any{"recipients": recipients}
	case "credential":
		entry.Details = map[string]any{"name": short(params.Name)}
	case "keychain":
	default:
		return nil, wire.Invalid("invalid " + wire.MethodStoreAdd + " params: kind is keychain, credential or age")
	}
	act, err := g.beginSecretAct(ctx, call.Conn.Peer.From, entry, "nothing was added")
	if err != nil {
		return nil, err
	}
	err = g.deps.Vault.AddSlot(ctx, params.Current, keychain.NewVaultSlot{
		Kind: params.Kind, Name: params.Name, Recipients: params.Recipients, Sealed: params.Sealed, Key: params.Key,
	})
	if err != nil {
		return nil, act.failed(ctx, err)
	}
	return g.listSlots(ctx, call)
}

func (g *Gateway) removeSlot(ctx context.Context, call *hub.Call) (any, error) {
	params, err := slotParams(call)
	defer clear(params.Current)
	if err != nil {
		return nil, err
	}
	if params.ID == "" {
		return nil, wire.Invalid("invalid " + wire.MethodStoreRemove + " params: id must not be empty")
	}
	act, err := g.beginSecretAct(ctx, call.Conn.Peer.From, AuditEntry{Action: "remove a way to unlock the vault", Target: short(params.ID)}, "nothing was removed")
	if err != nil {
		return nil, err
	}
	if err := g.deps.Vault.RemoveSlot(ctx, params.ID, params.Current); err != nil {
		return nil, act.failed(ctx, err)
	}
	return g.listSlots(ctx, call)
}

func (g *Gateway) rekeyStore(ctx context.Context, call *hub.Call) (any, error) {
	var params wire.StoreRekeyParams
	err := call.Decode(&params)
	clear(call.Params)
	defer clear(params.Current)
	defer clear(params.Passphrase)
	if err != nil {
		return nil, err
	}
	if params.KeyFile == (len(params.Passphrase) > 0) {
		return nil, wire.Invalid("give either a passphrase or key_file, not both")
	}
	act, err := g.beginSecretAct(ctx, call.Conn.Peer.From, AuditEntry{Action: "rekey vault"}, "the vault keeps its key")
	if err != nil {
		return nil, err
	}
	code, err := g.deps.Vault.Rekey(ctx, params.Current, params.Passphrase, params.Recovery, params.Approved)
	switch {
	case err != nil && code.Empty():
		return nil, act.failed(ctx, err)
	case err != nil: // it has its new key, and the code must not be lost
		g.notice("warn", secretRefusal(err).Error())
	}
	g.notice("info", "the vault has another key: whatever opened it before does not any more")
	return g.told(code), nil
}

// told is a recovery code on its way to the person; nothing else may show it.
func (g *Gateway) told(code keychain.Secret) wire.StoreCode {
	if code.Empty() {
		return wire.StoreCode{}
	}
	g.deps.Masker.Add("vault recovery code", code.Reveal())
	return wire.StoreCode{Code: code.Reveal()}
}

func slotParams(call *hub.Call) (wire.StoreSlotParams, error) {
	var params wire.StoreSlotParams
	err := call.Decode(&params)
	clear(call.Params)
	return params, err
}
