package backend

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"openclaw/keychain"
	"openclaw/keychain/internal/file"
	"openclaw/keychain/vault"
)

const (
	// credentialName is the file in the service manager's credentials folder that
	// unlocks the vault without a slot of its own: 32 bytes are the key of a key-file
	// slot, anything else is a passphrase.
	credentialName = "openclaw-vault-key" //nolint:gosec // a file name

	maxCredential = 4096

	// slotPrefix begins the names of the keychain's items that are keys of slots.
	slotPrefix = "vault-slot/"
)

// openUnattended opens the vault by what needs no person, in this order: the service
// manager's credentials, the key file, the keychain. What does not open it is passed
// over; if nothing does, the first fault is told. With kind it is by that one alone.
func (b *Backend) openUnattended(ctx context.Context, header vault.Header, kind string) (*vault.Vault, error) {
	var first error
	for _, way := range []struct {
		kind string
		open func(context.Context, vault.Header) (*vault.Vault, error)
	}{
		{vault.SlotCredential, b.openByCredential}, {vault.SlotKeyFile, b.openByKeyFiles}, {vault.SlotKeychain, b.openByKeychain},
	} {
		if kind != "" && kind != way.kind {
			continue
		}
		v, err := way.open(ctx, header)
		if v != nil {
			return v, nil
		}
		switch {
		case first == nil:
			first = err
		case waitsForKeychain(err):
			first = fmt.Errorf("%w; %w", err, first) // that one may change by itself
		}
	}
	if first == nil {
		first = locked("unlock vault")
	}
	return nil, first
}

// openByCredential: nil and nil is of a start that has no credential.
func (b *Backend) openByCredential(ctx context.Context, header vault.Header) (*vault.Vault, error) {
	if b.credentialsDir == "" {
		return nil, nil
	}
	var first error
	failed := func(name string, err error) {
		if first == nil && !errors.Is(err, fs.ErrNotExist) {
			first = credentialError(name, err)
		}
	}
	for _, slot := range header.Slots {
		if slot.Kind != vault.SlotCredential {
			continue
		}
		key, err := file.ReadCredential(b.credentialsDir, slot.Name, maxCredential)
		if err != nil {
			failed(slot.Name, err)
			continue
		}
		v, err := vault.Open(ctx, b.vaultPath, vault.Credential(slot.Name, key), vault.Options{Now: b.now})
		clear(key)
		if err == nil {
			return v, nil
		}
		failed(slot.Name, err)
	}
	words, err := file.ReadCredential(b.credentialsDir, credentialName, maxCredential)
	if err != nil {
		failed(credentialName, err)
		return nil, first
	}
	defer clear(words)
	way := vault.Passphrase(trimNewline(words))
	switch {
	case len(words) == 32 && header.Has(vault.SlotKeyFile):
		way = vault.Key(words)
	case !header.Has(vault.SlotPassphrase): // it is of a slot of its own
		return nil, first
	}
	v, err := vault.Open(ctx, b.vaultPath, way, vault.Options{Now: b.now})
	if err == nil {
		return v, nil
	}
	failed(credentialName, err)
	return nil, first
}

// credentialError says which credential it is. Errors of the vault say the rest.
func credentialError(name string, err error) error {
	hint := "check the service's credential " + name
	kind := keychain.KindFailed
	if e, ok := errors.AsType[*keychain.Error](err); ok {
		kind = e.Kind
		if kind != keychain.KindWrongKey {
			hint = e.Hint
		}
	}
	if file.Unsafe(err) {
		kind, hint = keychain.KindUnsafeFile, "a credential is a regular file of this user or root, mode 0400, in a folder that nobody else may write to: let systemd put it there (LoadCredentialEncrypted)"
	}
	return &keychain.Error{Op: "unlock vault by the credential " + name, Kind: kind, Err: err, Hint: hint}
}

func (b *Backend) openByKeyFiles(ctx context.Context, header vault.Header) (*vault.Vault, error) {
	if !header.Has(vault.SlotKeyFile) {
		return nil, nil
	}
	return b.openByKeyFile(ctx, vault.Options{Now: b.now})
}

// openByKeychain asks the keychain for the key of each of its slots. One that is locked,
// gone or hung leaves the vault locked: it opens by the next try.
func (b *Backend) openByKeychain(ctx context.Context, header vault.Header) (*vault.Vault, error) {
	var first error
	for _, slot := range header.Slots {
		if slot.Kind != vault.SlotKeychain {
			continue
		}
		v, err := b.openByItem(ctx, slot.ID)
		if err == nil {
			return v, nil
		}
		if first == nil {
			first = err
		}
	}
	return nil, first
}

func (b *Backend) openByItem(ctx context.Context, id string) (*vault.Vault, error) {
	const op = "unlock vault by the keychain"
	if b.os == nil {
		return nil, noKeychain(op)
	}
	text, err := b.os.Get(ctx, slotPrefix+id)
	if err != nil {
		kind := keychain.KindOf(err)
		hint := "unlock it by a passphrase, or by what else opens it: openclaw vault unlock"
		switch kind {
		case keychain.KindNotFound: // of an entry, callers would store a new one
			kind, err = keychain.KindLocked, errors.New("its key is not in this keychain")
		case keychain.KindLocked, keychain.KindNoService, keychain.KindTimeout:
			err = fmt.Errorf("%w: %w", errKeychainAway, err)
			kind, hint = keychain.KindLocked, "unlock the keychain: the vault opens by it then; or "+hint
		default: // as it is
		}
		return nil, &keychain.Error{Op: op, Kind: kind, Err: err, Hint: hint}
	}
	defer text.Wipe()
	key := make([]byte, base64.StdEncoding.DecodedLen(text.Len()))
	defer clear(key)
	n, err := base64.StdEncoding.Decode(key, text.Reveal())
	if err != nil {
		return nil, &keychain.Error{Op: op, Kind: keychain.KindCorrupt, Err: errors.New("the keychain's item " + slotPrefix + id + " is not as openclaw writes it"), Hint: "unlock it by a passphrase, remove the slot and add it again"}
	}
	return vault.Open(ctx, b.vaultPath, vault.KeychainKey(id, key[:n]), vault.Options{Now: b.now})
}

// keychainPause is between two questions of a vault to a keychain that does not answer.
const keychainPause = 2 * time.Second

var errKeychainAway = errors.New("its key is in the keychain, which does not answer")

func waitsForKeychain(err error) bool { return errors.Is(err, errKeychainAway) }

// answering is store. A service that starts before anybody unlocked the keychain has a
// vault that opens by it later: it is asked again, until somebody locks the vault.
func (b *Backend) answering(ctx context.Context, op, name string) (keychain.Store, error) {
	b.mu.Lock()
	again := b.awaits && b.vault == nil && b.now().Sub(b.asked).Abs() >= keychainPause
	b.mu.Unlock()
	if again && b.choosing.TryLock() {
		release := b.holding()
		b.askKeychain(ctx)
		release()
	}
	return b.store(op, name)
}

func (b *Backend) askKeychain(ctx context.Context) {
	b.mu.Lock()
	b.asked = b.now()
	still := b.awaits
	b.mu.Unlock()
	if !still {
		return // locked meanwhile, by who is obeyed
	}
	header, err := vault.ReadHeader(b.vaultPath)
	if err != nil {
		return
	}
	v, err := b.openNewest(ctx, func() (*vault.Vault, error) { return b.openByKeychain(ctx, header) })
	if err == nil || !waitsForKeychain(err) {
		b.settle(Vault, v, err)
	}
}

// AddSlot adds a way to unlock the vault, beside what opens it now. current is the
// passphrase that opens it; it may be empty where none does.
func (b *Backend) AddSlot(ctx context.Context, current []byte, slot keychain.NewVaultSlot) error {
	const op = "add slot"
	defer b.hold()()
	v, err := b.openedBy(ctx, op, current)
	if err != nil {
		return err
	}
	switch slot.Kind {
	case vault.SlotKeychain:
		err = b.addKeychainSlot(ctx, v)
	case vault.SlotCredential:
		_, err = v.AddSlot(ctx, vault.Credential(slot.Name, slot.Key))
	case vault.SlotAge:
		_, err = v.AddSlot(ctx, vault.AgeKey(slot.Key, slot.Sealed, slot.Recipients))
	default:
		err = &keychain.Error{Op: op, Kind: keychain.KindFailed, Err: fmt.Errorf("no slot of kind %q is added so", slot.Kind), Hint: "kinds are keychain, credential and age"}
	}
	if err != nil {
		return err
	}
	return b.noteMark(ctx, op, v)
}

// addKeychainSlot stores the key first: a crash leaves an item that opens nothing, and
// no slot that nothing opens.
func (b *Backend) addKeychainSlot(ctx context.Context, v *vault.Vault) error {
	if b.os == nil {
		return noKeychain("add slot")
	}
	key, id := vault.NewKey(), vault.NewSlotID()
	defer key.Wipe()
	text := keychain.NewSecret(base64.StdEncoding.AppendEncode(make([]byte, 0, 64), key.Reveal()))
	defer text.Wipe()
	if err := b.os.Set(ctx, slotPrefix+id, text); err != nil {
		return &keychain.Error{Op: "add slot", Kind: keychain.KindOf(err), Err: err, Hint: "a keychain has to answer and to be unlocked for that: openclaw doctor says what it does"}
	}
	if _, err := v.AddSlot(ctx, vault.KeychainKey(id, key.Reveal())); err != nil {
		b.forgetKeychainKeys(ctx, vault.Slot{ID: id, Kind: vault.SlotKeychain})
		return err
	}
	return nil
}

// forgetKeychainKeys takes the keys of slots that ended out of the keychain. They open
// nothing of the vault's any more; a keychain that does not answer keeps them.
func (b *Backend) forgetKeychainKeys(ctx context.Context, slots ...vault.Slot) {
	for _, slot := range slots {
		if slot.Kind == vault.SlotKeychain && b.os != nil {
			_ = b.os.Delete(context.WithoutCancel(ctx), slotPrefix+slot.ID)
		}
	}
}
