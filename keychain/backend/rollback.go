package backend

import (
	"context"
	"errors"

	"openclaw/keychain"
	"openclaw/keychain/vault"
)

var errCurrent = errors.New("the vault file is the newest that was seen")

// LookAtRollback opens the vault file by what by has and tells why it is refused. It changes nothing.
func (b *Backend) LookAtRollback(ctx context.Context, by keychain.VaultOpening) (keychain.VaultRollback, error) {
	defer b.hold()()
	v, rollback, _, err := b.openRefused(ctx, by)
	if err == nil {
		v.Close()
	}
	return rollback, err
}

// AcceptRollback takes the vault file that stands there for the newest, if it is
// the one of fingerprint: it is written once more, above every generation that was
// known, so that no file of before can take its place.
func (b *Backend) AcceptRollback(ctx context.Context, by keychain.VaultOpening, fingerprint string) error {
	defer b.hold()()
	v, rollback, seen, err := b.openRefused(ctx, by)
	if err != nil {
		return err
	}
	if rollback.File.Fingerprint != fingerprint {
		v.Close()
		return &keychain.Error{Op: "accept vault file", Kind: keychain.KindFailed, Err: errChanged, Hint: "look again: openclaw vault accept-rollback"}
	}
	past := uint64(0)
	for _, noted := range seen.marks {
		if noted.ID == rollback.File.ID {
			past = max(past, noted.Generation)
		}
	}
	err = v.Advance(ctx, past)
	if err == nil {
		err = b.noteMark(ctx, "accept vault file", v)
	}
	if err != nil {
		v.Close()
		return err
	}
	b.settle(Vault, v, nil)
	return nil
}

func (b *Backend) openRefused(ctx context.Context, by keychain.VaultOpening) (*vault.Vault, keychain.VaultRollback, Seen, error) {
	const op = "accept vault file"
	choice, err := b.readMarker()
	if err != nil {
		return nil, keychain.VaultRollback{}, Seen{}, b.markerError(op, err)
	}
	if choice != Vault {
		return nil, keychain.VaultRollback{}, Seen{}, noVault(op)
	}
	header, err := vault.ReadHeader(b.vaultPath)
	if err != nil {
		return nil, keychain.VaultRollback{}, Seen{}, err
	}
	seen := AskAnchors(ctx, header.ID, b.anchors...)
	options := vault.Options{Now: b.now}
	var v *vault.Vault
	switch {
	case len(by.Passphrase) > 0:
		v, err = vault.Open(ctx, b.vaultPath, vault.Passphrase(by.Passphrase), options)
	case len(by.Code) > 0:
		v, err = vault.Open(ctx, b.vaultPath, vault.RecoveryCode(by.Code), options)
	case len(by.Age) > 0:
		v, err = vault.Open(ctx, b.vaultPath, vault.AgeKey(by.Age, nil, nil), options)
	default:
		v, err = b.openUnattended(ctx, header, by.Kind)
	}
	if err != nil {
		return nil, keychain.VaultRollback{}, Seen{}, err
	}
	refused := seen.Allows(v.Mark())
	if refused == nil {
		v.Close()
		return nil, keychain.VaultRollback{}, Seen{}, &keychain.Error{Op: op, Kind: keychain.KindFailed, Err: errCurrent, Hint: "there is nothing to accept: the vault file is the newest that was seen; unlock it: openclaw vault unlock"}
	}
	return v, keychain.VaultRollback{File: v.Mark(), Newest: seen.newest().VaultMark, Detail: errors.Unwrap(refused).Error()}, seen, nil
}
