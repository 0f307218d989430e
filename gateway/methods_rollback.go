package gateway

import (
	"context"

	"openclaw/gateway/hub"
	"openclaw/gateway/wire"
	"openclaw/keychain"
)

// lookAtRollback tells why the vault file is refused, to who can open it.
func (g *Gateway) lookAtRollback(ctx context.Context, call *hub.Call) (any, error) {
	var params wire.StoreUnlockParams
	err := call.Decode(&params)
	clear(call.Params)
	defer clear(params.Passphrase)
	defer clear(params.Code)
	defer clear(params.Age)
	if err != nil {
		return nil, err
	}
	act, err := g.beginSecretAct(ctx, call.Conn.Peer.From, AuditEntry{Action: "look at a refused vault file"}, "the vault file was not opened")
	if err != nil {
		return nil, err
	}
	rollback, err := g.deps.Vault.LookAtRollback(ctx, openingOf(params))
	if err != nil {
		return nil, act.failed(ctx, err)
	}
	result := wire.StoreRolled{Detail: rollback.Detail, File: markOf(rollback.File)}
	if newest := markOf(rollback.Newest); newest.Vault != "" {
		result.Newest = &newest
	}
	return result, nil
}

func openingOf(params wire.StoreUnlockParams) keychain.VaultOpening {
	return keychain.VaultOpening{Passphrase: params.Passphrase, Code: params.Code, Age: params.Age, Kind: params.Kind}
}

func markOf(m keychain.VaultMark) wire.StoreMark {
	return wire.StoreMark{Vault: m.ID, Generation: m.Generation, Fingerprint: m.Fingerprint, Written: m.Written}
}

// acceptRollback takes the file that stands there for the newest, and opens it.
func (g *Gateway) acceptRollback(ctx context.Context, call *hub.Call) (any, error) {
	var params wire.StoreAcceptParams
	err := call.Decode(&params)
	clear(call.Params)
	defer clear(params.Passphrase)
	defer clear(params.Code)
	defer clear(params.Age)
	if err != nil {
		return nil, err
	}
	length, err := vaultLength(params.StoreUnlockParams)
	if err != nil {
		return nil, err
	}
	if params.Fingerprint == "" {
		return nil, wire.Invalid("invalid " + wire.MethodStoreAccept + " params: fingerprint must not be empty")
	}
	entry := AuditEntry{Action: "accept an older vault file", Details: map[string]any{"fingerprint": short(params.Fingerprint)}}
	act, err := g.beginSecretAct(ctx, call.Conn.Peer.From, entry, "the vault file stays refused")
	if err != nil {
		return nil, err
	}
	return g.openStore(ctx, act, length, func() error {
		return g.deps.Vault.AcceptRollback(ctx, openingOf(params.StoreUnlockParams), params.Fingerprint)
	})
}
