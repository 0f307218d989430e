// Package recipient opens and makes the part of a vault that is for recipients of age
// (age-encryption.org/v1): the key of a slot, encrypted to public keys.
//
// It owns which keys are taken: age's own (age1… of X25519, and the hybrid ones of
// age 1.3) and ssh-ed25519; and which files of secret keys: what age-keygen writes, plain
// or encrypted under a passphrase by age itself, and OpenSSH's private keys, with a
// passphrase or without. Everything else is refused by name. A file of secret keys has to
// be its owner's alone.
//
// The library of age keeps secret keys in memory that cannot be wiped. So who opens a
// slot is to be a short-lived process that gives the slot's key on, and not the gateway.
// The package writes no file, and its errors hold no line of one.
package recipient

import (
	"bytes"
	"crypto/ed25519"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"strings"

	"filippo.io/age"
	"filippo.io/age/agessh"
	"filippo.io/age/armor"
	"golang.org/x/crypto/ssh"

	"openclaw/keychain"
	"openclaw/keychain/internal/file"
	"openclaw/keychain/vault"
)

const (
	maxIdentities = 64 << 10 // bytes of a file
	maxKey        = 1 << 10  // bytes of a slot's key, with room
	worstWork     = 22       // of scrypt: what a file of secret keys may ask for at most
)

// Reasons for which a key, or a file of keys, is not taken.
var (
	ErrPublicKey = errors.New("this is no public key that openclaw takes: age1… or ssh-ed25519 AAAA…")
	ErrSecretKey = errors.New("this is a secret key: give the public key, age1… or ssh-ed25519 AAAA…, and keep this one to yourself")
	ErrIdentity  = errors.New("this is no file of secret keys that openclaw takes: AGE-SECRET-KEY-… of age-keygen, or an ed25519 key of OpenSSH")
	ErrPlugin    = errors.New("keys that need a plugin of age are not taken")
	ErrWords     = errors.New("the passphrase does not open the file of secret keys")
	ErrNotFor    = errors.New("no slot of the vault is for these secret keys")
	ErrMode      = errors.New("FIPS mode is on, and age's primitives are not approved")
)

// Seal makes the key of a slot and encrypts it to public keys, which it returns as they
// stand in the vault: without the comment that an SSH key may have.
func Seal(keys []string) (key keychain.Secret, sealed []byte, names []string, err error) {
	if on, _ := vault.Mode(); on {
		return key, nil, nil, ErrMode
	}
	recipients := make([]age.Recipient, 0, len(keys))
	for _, text := range keys {
		recipient, name, err := parse(text)
		if err != nil {
			return key, nil, nil, err
		}
		recipients, names = append(recipients, recipient), append(names, name)
	}
	if len(recipients) == 0 {
		return key, nil, nil, ErrPublicKey
	}
	key = vault.NewKey()
	var out bytes.Buffer
	w, err := age.Encrypt(&out, recipients...)
	if err == nil {
		_, err = w.Write(key.Reveal())
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		key.Wipe()
		return keychain.Secret{}, nil, nil, fmt.Errorf("encrypt to recipients: %w", err)
	}
	return key, out.Bytes(), names, nil
}

// parse reads one public key.
func parse(text string) (age.Recipient, string, error) {
	text = strings.TrimSpace(text)
	if strings.HasPrefix(strings.ToUpper(text), "AGE-SECRET-KEY-") || strings.Contains(text, "PRIVATE KEY") {
		return nil, "", ErrSecretKey // nothing of it is said again
	}
	if strings.ContainsAny(text, "\r\n") {
		return nil, "", ErrPublicKey
	}
	if strings.HasPrefix(text, "ssh-ed25519 ") {
		recipient, err := agessh.ParseRecipient(text)
		if err != nil {
			return nil, "", fmt.Errorf("%w: %w", ErrPublicKey, err)
		}
		return recipient, strings.Join(strings.Fields(text)[:2], " "), nil
	}
	list, err := age.ParseRecipients(strings.NewReader(text))
	if err != nil || len(list) != 1 {
		return nil, "", ErrPublicKey
	}
	return list[0], text, nil
}

// Identities reads a file of secret keys. ask gives the passphrase of one that has one;
// it is asked at most once for age's own, and wiped here.
func Identities(path string, ask func() ([]byte, error)) ([]age.Identity, error) {
	if on, _ := vault.Mode(); on {
		return nil, ErrMode
	}
	text, err := file.ReadPrivate(path, maxIdentities)
	if err != nil {
		return nil, fmt.Errorf("read the secret keys: %w", err)
	}
	defer clear(text)
	switch {
	case bytes.HasPrefix(text, []byte("age-encryption.org/")), bytes.HasPrefix(bytes.TrimLeft(text, " \t\r\n"), []byte(armor.Header)):
		plain, err := unlock(text, ask)
		if err != nil {
			return nil, err
		}
		defer clear(plain)
		return own(plain)
	case bytes.HasPrefix(bytes.TrimLeft(text, " \t\r\n"), []byte("-----BEGIN")):
		identity, err := openSSH(bytes.Clone(text), ask)
		if err != nil {
			return nil, err
		}
		return []age.Identity{identity}, nil
	}
	return own(text)
}

// unlock opens a file of secret keys that age encrypted under a passphrase.
func unlock(text []byte, ask func() ([]byte, error)) ([]byte, error) {
	words, err := ask()
	if err != nil {
		return nil, err
	}
	defer clear(words)
	identity, err := age.NewScryptIdentity(string(words))
	if err != nil {
		return nil, ErrWords
	}
	identity.SetMaxWorkFactor(worstWork)
	var source io.Reader = bytes.NewReader(text)
	if !bytes.HasPrefix(text, []byte("age-encryption.org/")) {
		source = armor.NewReader(source)
	}
	plain, err := age.Decrypt(source, identity)
	if _, none := errors.AsType[*age.NoIdentityMatchError](err); none {
		return nil, ErrWords
	}
	if err != nil {
		return nil, ErrIdentity
	}
	keys, err := io.ReadAll(io.LimitReader(plain, maxIdentities))
	if err != nil {
		clear(keys)
		return nil, ErrIdentity
	}
	return keys, nil
}

// own reads what age-keygen writes. age's own errors may hold a line of it.
func own(text []byte) ([]age.Identity, error) {
	for line := range bytes.Lines(text) {
		if bytes.HasPrefix(bytes.TrimSpace(line), []byte("AGE-PLUGIN-")) {
			return nil, ErrPlugin
		}
	}
	list, err := age.ParseIdentities(bytes.NewReader(text))
	if err != nil {
		return nil, ErrIdentity
	}
	return list, nil
}

func openSSH(text []byte, ask func() ([]byte, error)) (age.Identity, error) {
	identity, err := agessh.ParseIdentity(text)
	if missing, ok := errors.AsType[*ssh.PassphraseMissingError](err); ok {
		if missing.PublicKey == nil || missing.PublicKey.Type() != ssh.KeyAlgoED25519 {
			return nil, ErrIdentity
		}
		return lockedSSH(text, ask)
	}
	if _, ok := identity.(*agessh.Ed25519Identity); err != nil || !ok {
		return nil, ErrIdentity
	}
	return identity, nil
}

func lockedSSH(text []byte, ask func() ([]byte, error)) (age.Identity, error) {
	words, err := ask()
	if err != nil {
		return nil, err
	}
	defer clear(words)
	key, err := ssh.ParseRawPrivateKeyWithPassphrase(text, words)
	if errors.Is(err, x509.IncorrectPasswordError) {
		return nil, ErrWords
	}
	private, ok := key.(*ed25519.PrivateKey)
	if err != nil || !ok {
		return nil, ErrIdentity
	}
	identity, err := agessh.NewEd25519Identity(*private)
	if err != nil {
		return nil, ErrIdentity
	}
	return identity, nil
}

// Open gives the key of the first of the header's slots that the secret keys open. The
// header is not proved to be anybody's: a key that it gives opens the vault or it does
// not.
func Open(header vault.Header, identities []age.Identity) (keychain.Secret, error) {
	failed := ErrNotFor
	for _, slot := range header.Slots {
		if slot.Kind != vault.SlotAge {
			continue
		}
		plain, err := age.Decrypt(bytes.NewReader(slot.Sealed), identities...)
		if _, none := errors.AsType[*age.NoIdentityMatchError](err); none {
			continue
		}
		var key []byte
		if err == nil {
			key, err = io.ReadAll(io.LimitReader(plain, maxKey))
		}
		if err == nil {
			return keychain.NewSecret(key), nil
		}
		clear(key)
		failed = fmt.Errorf("open a slot by age: %w", err)
	}
	return keychain.Secret{}, failed
}
