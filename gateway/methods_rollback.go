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
	if err := g.auditAct(ctx, call.Conn.Peer.From, AuditEntry{Event: "secret_access", Action: "look at a refused vault file"}); err != nil {
		return nil, notAudited("the vault file was not opened")
	}
	rollback, err := g.deps.Vault.LookAtRollback(ctx, openingOf(params))
	if err != nil {
		return nil, secretRefusal(err)
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
	entry := AuditEntry{Event: "secret_access", Action: "accept an older vault file", Details: map[string]any{"fingerprint": short(params.Fingerprint)}}
	if err := g.auditAct(ctx, call.Conn.Peer.From, entry); err != nil {
		return nil, notAudited("the vault file stays refused")
	}
	return g.openStore(ctx, call, length, func() error {
		return g.deps.Vault.AcceptRollback(ctx, openingOf(params.StoreUnlockParams), params.Fingerprint)
	})
}

// rolledBack records and says that a vault file is refused because a newer one was
// seen: that is either a backup that somebody restored, or an attack.
func (g *Gateway) rolledBack(ctx context.Context, from string, err error) {
	if keychain.KindOf(err) != keychain.KindRolledBack {
		return
	}
	g.notice("error", "the vault file is refused: "+err.Error())
	entry := AuditEntry{Event: "secret_access", Action: "unlock vault", Result: "denied", Reason: err.Error()}
	if err := g.auditAct(ctx, from, entry); err != nil {
		g.log.Error("a refused vault file could not be audited", "error", err)
	}
}
