package backend

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"openclaw/keychain"
	"openclaw/keychain/vault"
)

// nextSuffix is of a key file that a new root key is made with, until the vault
// has it.
const nextSuffix = ".next"

// UnlockByCode opens the vault with its recovery code, which stays the caller's.
func (b *Backend) UnlockByCode(ctx context.Context, code []byte) error {
	return b.unlock(ctx, b.openBy(vault.RecoveryCode(code)))
}

// Slots are the ways to unlock the vault that is open.
func (b *Backend) Slots(ctx context.Context) ([]keychain.VaultSlot, error) {
	v, err := b.opened("list slots")
	if err != nil {
		return nil, err
	}
	slots, err := v.Slots(ctx)
	if err != nil {
		return nil, err
	}
	list := make([]keychain.VaultSlot, 0, len(slots))
	for _, slot := range slots {
		list = append(list, keychain.VaultSlot{ID: slot.ID, Kind: slot.Kind, Name: slot.Name, Recipients: slot.Recipients})
	}
	return list, nil
}

// AddRecoveryCode makes a code that opens the vault, beside what opens it now.
// current is the passphrase that opens it; it may be empty where none does.
func (b *Backend) AddRecoveryCode(ctx context.Context, current []byte) (keychain.Secret, error) {
	defer b.hold()()
	v, err := b.openedBy(ctx, "add slot", current)
	if err != nil {
		return keychain.Secret{}, err
	}
	code := vault.NewRecoveryCode()
	if _, err = v.AddSlot(ctx, vault.RecoveryCode(code.Reveal())); err != nil {
		return keychain.Secret{}, err
	}
	return code, b.noteMark(ctx, "add slot", v)
}

// RemoveSlot takes a way to unlock the vault away.
func (b *Backend) RemoveSlot(ctx context.Context, id string, current []byte) error {
	defer b.hold()()
	v, err := b.openedBy(ctx, "remove slot", current)
	if err != nil {
		return err
	}
	before, err := v.Slots(ctx)
	if err != nil {
		return err
	}
	if err := v.RemoveSlot(ctx, id); err != nil {
		return err
	}
	for _, slot := range before {
		if slot.ID == id {
			b.forgetKeychainKeys(ctx, slot)
		}
	}
	return b.noteMark(ctx, "remove slot", v)
}

// Rekey encrypts the vault anew. Afterwards it opens by passphrase, or by a new
// key file if passphrase is empty, and by the recovery code that is returned if
// one is wanted; by nothing else. With approved it gets approved primitives. What is given
// stays the caller's.
func (b *Backend) Rekey(ctx context.Context, current, passphrase []byte, recovery, approved bool) (keychain.Secret, error) {
	defer b.hold()()
	v, err := b.openedBy(ctx, "rekey vault", current)
	if err != nil {
		return keychain.Secret{}, err
	}
	var code keychain.Secret
	unlocks := make([]vault.Unlock, 0, 2)
	next := b.keyPath() + nextSuffix
	if len(passphrase) > 0 {
		unlocks = append(unlocks, vault.Passphrase(passphrase))
	} else {
		// One from a rekey that did not come to its end opens nothing: what the
		// vault needed of it was taken over when it was unlocked.
		if err := os.Remove(next); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return keychain.Secret{}, fmt.Errorf("remove an unused key file: %w", err)
		}
		unlocks = append(unlocks, vault.KeyFile(next))
	}
	if recovery {
		code = vault.NewRecoveryCode()
		unlocks = append(unlocks, vault.RecoveryCode(code.Reveal()))
	}
	before, err := v.Slots(ctx)
	if err != nil {
		return keychain.Secret{}, err
	}
	if err := v.Rekey(ctx, approved, unlocks...); err != nil {
		return keychain.Secret{}, err
	}
	b.forgetKeychainKeys(ctx, before...)
	if len(passphrase) > 0 {
		err = os.Remove(b.keyPath())
		if errors.Is(err, fs.ErrNotExist) {
			err = nil
		}
	} else {
		err = os.Rename(next, b.keyPath())
	}
	if err != nil {
		return code, &keychain.Error{
			Op: "rekey vault", Kind: keychain.KindFailed, Err: fmt.Errorf("it has its new key, but the key file of before is still there: %w", err),
			Hint: "check the folder of " + b.keyPath() + "; the next start finishes it",
		}
	}
	return code, b.noteMark(ctx, "rekey vault", v)
}

// openByKeyFile opens the vault by its key file. A rekey that was killed between
// the vault and the key file left the key beside it; it is put in place now.
func (b *Backend) openByKeyFile(ctx context.Context, options vault.Options) (*vault.Vault, error) {
	v, err := vault.Open(ctx, b.vaultPath, vault.KeyFile(b.keyPath()), options)
	if err == nil {
		return v, nil
	}
	next := b.keyPath() + nextSuffix
	v, failed := vault.Open(ctx, b.vaultPath, vault.KeyFile(next), options)
	if failed != nil {
		return nil, err
	}
	if err := os.Rename(next, b.keyPath()); err != nil {
		v.Close()
		return nil, &keychain.Error{Op: "unlock vault", Kind: keychain.KindFailed, Err: err, Hint: "check the folder of " + b.keyPath()}
	}
	return v, nil
}

// opened is the vault that is open, if the vault is what was chosen.
func (b *Backend) opened(op string) (*vault.Vault, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case b.choice != Vault:
		return nil, noVault(op)
	case b.vault == nil:
		return nil, locked(op)
	}
	return b.vault, nil
}

// openedBy is the same for who changes what opens it: where a person unlocks it by
// a passphrase, that is asked for again.
func (b *Backend) openedBy(ctx context.Context, op string, current []byte) (*vault.Vault, error) {
	v, err := b.opened(op)
	if err != nil {
		return nil, err
	}
	slots, err := v.Slots(ctx)
	if err != nil {
		return nil, err
	}
	for _, slot := range slots {
		if slot.Kind != vault.SlotPassphrase {
			continue
		}
		again, err := vault.Open(ctx, b.vaultPath, vault.Passphrase(current), vault.Options{Now: b.now})
		if err != nil {
			return nil, err
		}
		again.Close()
		break
	}
	return v, nil
}

func noVault(op string) error {
	return &keychain.Error{
		Op: op, Kind: keychain.KindFailed, Err: errors.New("no vault is in use"),
		Hint: "a keychain is unlocked by the system; a vault is made by: openclaw vault init",
	}
}
