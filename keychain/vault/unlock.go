package vault

import (
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"openclaw/keychain"
	"openclaw/keychain/internal/file"
)

// MinPassphrase is the length of the shortest passphrase of a new vault, in
// bytes. The key derivation makes guesses slow, not a short one long.
const MinPassphrase = 8

const maxPassphrase = 4096

// Unlock is one way to open a vault. It prints nothing of what it holds.
type Unlock struct {
	kind     string
	material keychain.Secret
	path     string
	extra    Slot // what a slot that is added says beside its kind
}

// form is the slot that AddSlot makes of it.
func (u Unlock) form() Slot {
	slot := u.extra
	slot.Kind = u.kind
	return slot
}

// Passphrase unlocks by words. The bytes are used as they are, with no
// normalisation; they stay the caller's, who wipes them after Create or Open.
func Passphrase(words []byte) Unlock {
	return Unlock{kind: SlotPassphrase, material: keychain.NewSecret(words)}
}

// Key unlocks by 32 random bytes from elsewhere, such as a service manager's
// credential. They stay the caller's.
func Key(key []byte) Unlock { return Unlock{kind: SlotKeyFile, material: keychain.NewSecret(key)} }

// KeyFile unlocks by a file of 32 random bytes that only its owner may read.
// Create makes the file if it is missing.
func KeyFile(path string) Unlock { return Unlock{kind: SlotKeyFile, path: path} }

// NewKey makes a key for a slot that keeps it elsewhere: in the system's keychain, in a
// credential, encrypted to recipients of age.
func NewKey() keychain.Secret {
	key := random(keySize)
	defer clear(key)
	return keychain.NewSecret(key)
}

// KeychainKey unlocks by a key that the system's keychain keeps. id is of the slot, which
// the item in the keychain is named after; it matters to AddSlot only. The bytes stay
// the caller's.
func KeychainKey(id string, key []byte) Unlock {
	return Unlock{kind: SlotKeychain, material: keychain.NewSecret(key), extra: Slot{ID: id}}
}

// Credential unlocks by the key that the service manager hands over under a name,
// which matters to AddSlot only. The bytes stay the caller's.
func Credential(name string, key []byte) Unlock {
	return Unlock{kind: SlotCredential, material: keychain.NewSecret(key), extra: Slot{Name: name}}
}

// AgeKey unlocks by a key that is encrypted to recipients of age: sealed is that file
// of age, and with the public keys it matters to AddSlot only. Package recipient makes
// and opens it. The bytes stay the caller's.
func AgeKey(key, sealed []byte, recipients []string) Unlock {
	return Unlock{kind: SlotAge, material: keychain.NewSecret(key), extra: Slot{Sealed: sealed, Recipients: recipients}}
}

// NewSlotID is an id for KeychainKey.
func NewSlotID() string { return hex.EncodeToString(random(8)) }

var (
	errShort   = fmt.Errorf("the passphrase has fewer than %d bytes", MinPassphrase)
	errLong    = fmt.Errorf("the passphrase has more than %d bytes", maxPassphrase)
	errKeySize = fmt.Errorf("a key has %d bytes", keySize)
	errNoWay   = errors.New("no passphrase and no key")
)

// get returns the material and what wipes it.
func (u Unlock) get() (material []byte, wipe func(), err error) {
	nothing := func() {}
	switch {
	case u.path != "":
		key, err := file.ReadPrivate(u.path, keySize)
		if errors.Is(err, file.ErrTooBig) || (err == nil && len(key) != keySize) {
			clear(key)
			return nil, nothing, errKeySize
		}
		if err != nil {
			return nil, nothing, fmt.Errorf("read key file: %w", err)
		}
		return key, func() { clear(key) }, nil
	case u.kind == SlotKeyFile, u.kind == SlotKeychain, u.kind == SlotCredential, u.kind == SlotAge:
		if u.material.Len() != keySize {
			return nil, nothing, errKeySize
		}
	case u.kind == SlotPassphrase:
		if u.material.Len() > maxPassphrase {
			return nil, nothing, errLong
		}
	case u.kind == SlotRecovery:
		key, err := recoveryKey(u.material.Reveal())
		return key, func() { clear(key) }, err
	default:
		return nil, nothing, errNoWay
	}
	return u.material.Reveal(), nothing, nil
}

// prepare makes what a new vault needs. The caller holds the vault's lock.
func (u Unlock) prepare() error {
	if u.kind == SlotPassphrase && u.material.Len() < MinPassphrase {
		return errShort
	}
	if u.path == "" {
		return nil
	}
	if _, err := os.Lstat(u.path); !errors.Is(err, fs.ErrNotExist) {
		return nil // get judges it
	}
	key := random(keySize)
	defer clear(key)
	if err := file.Replace(u.path, "", key); err != nil {
		return fmt.Errorf("write key file: %w", err)
	}
	return nil
}
