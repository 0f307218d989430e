package backend

import (
	"context"
	"errors"

	"openclaw/keychain"
	"openclaw/keychain/internal/file"
	"openclaw/keychain/vault"
)

var errChosen = errors.New("another place was chosen already")

// CreateVault chooses the vault and makes it, with a passphrase, which stays
// the caller's, or with the key file keys/vault.key when passphrase is nil. It
// refuses when a choice was made.
func (b *Backend) CreateVault(ctx context.Context, passphrase []byte) error {
	const op = "create vault"
	defer b.hold()()
	release, err := file.Acquire(ctx, b.lockPath())
	if err != nil {
		return b.markerError(op, err)
	}
	defer release()
	choice, err := b.readMarker()
	if err != nil {
		return b.markerError(op, err)
	}
	switch {
	case choice == Keychain:
		return &keychain.Error{
			Op: op, Kind: keychain.KindFailed, Err: errChosen,
			Hint: "secrets are kept in the keychain, and are not left behind silently. For a vault instead: see what there is (openclaw secrets list), " +
				`stop the gateway, write {"version":1,"backend":"vault"} to ` + b.markerPath() + `, start it, say vault init and set each secret again`,
		}
	case choice == Vault && exists(b.vaultPath):
		return &keychain.Error{
			Op: op, Kind: keychain.KindFailed, Err: errChosen,
			Hint: "there is a vault already: openclaw vault unlock opens it, openclaw vault rekey gives it another passphrase",
		}
	}
	unlock := vault.KeyFile(b.keyPath())
	if passphrase != nil {
		unlock = vault.Passphrase(passphrase)
	}
	v, err := vault.Create(ctx, b.vaultPath, unlock, vault.Options{Now: b.now})
	if err != nil {
		return err
	}
	// A crash here leaves a vault without marker, which is taken as the choice.
	if err := b.writeMarker(Vault); err != nil {
		b.settle(Vault, v, nil)
		return b.markerError(op, err)
	}
	b.settle(Vault, v, nil)
	return b.noteMark(ctx, op, v)
}

// Unlock opens the vault with its passphrase, which stays the caller's.
func (b *Backend) Unlock(ctx context.Context, passphrase []byte) error {
	return b.unlock(ctx, b.openBy(vault.Passphrase(passphrase)))
}

// UnlockUnattended opens the vault, after Lock, by what needs no person, as the start
// does; or with a kind of slot by that one alone: "credential", "key-file" or "keychain".
func (b *Backend) UnlockUnattended(ctx context.Context, kind string) error {
	return b.unlock(ctx, func(ctx context.Context) (*vault.Vault, error) {
		header, err := vault.ReadHeader(b.vaultPath)
		if err != nil {
			return nil, err
		}
		return b.openUnattended(ctx, header, kind)
	})
}

// UnlockByAge opens the vault by the key of an age slot, which stays the caller's: who
// has the secret key of a recipient decrypted it.
func (b *Backend) UnlockByAge(ctx context.Context, key []byte) error {
	return b.unlock(ctx, b.openBy(vault.AgeKey(key, nil, nil)))
}

func (b *Backend) openBy(way vault.Unlock) func(context.Context) (*vault.Vault, error) {
	return func(ctx context.Context) (*vault.Vault, error) {
		return vault.Open(ctx, b.vaultPath, way, vault.Options{Now: b.now})
	}
}

func (b *Backend) unlock(ctx context.Context, open func(context.Context) (*vault.Vault, error)) error {
	const op = "unlock vault"
	defer b.hold()()
	choice, err := b.readMarker()
	if err != nil {
		return b.markerError(op, err)
	}
	if choice != Vault {
		return noVault(op)
	}
	v, err := b.openNewest(ctx, func() (*vault.Vault, error) { return open(ctx) })
	if keychain.KindOf(err) == keychain.KindRolledBack {
		b.settle(Vault, nil, err)
	}
	if err != nil {
		return err
	}
	b.settle(Vault, v, nil)
	return nil
}

// Lock forgets the vault's key; Options.Changed has whoever keeps values forget those. A vault with a key file is unlocked again by
// UnlockUnattended or the next start.
func (b *Backend) Lock() {
	defer b.hold()()
	if b.current() != nil {
		b.settle(Vault, nil, locked("get secret"))
	}
}

// VaultStore returns the vault as a store of its own, for vault:// references,
// or nil when the vault is not what was chosen.
func (b *Backend) VaultStore() keychain.Store {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.choice != Vault {
		return nil
	}
	return b
}
