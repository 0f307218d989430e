package vault

import (
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"fmt"

	"golang.org/x/crypto/argon2"
	"golang.org/x/crypto/chacha20poly1305"
)

// Texts that separate the uses of a key from each other.
const (
	infoKeyFile  = "openclaw-vault/1 key-file"
	infoRecovery = "openclaw-vault/1 recovery-code"
	infoPayload  = "openclaw-vault/1 entries"
	labelSlot    = "openclaw-vault/1 slot"
)

var (
	errWrongKey = errors.New("no slot opens with this passphrase or key")
	errAltered  = errors.New("the content does not belong to this header and key")
	errNoSlot   = errors.New("the vault has no slot of this kind")
)

func checksumMatches(body, sum []byte) bool {
	want := sha256.Sum256(body)
	return subtle.ConstantTimeCompare(want[:], sum) == 1
}

func random(size int) []byte {
	b := make([]byte, size)
	_, _ = rand.Read(b) // crypto/rand ends the program rather than fail
	return b
}

// keyEncryptionKey makes the key that wraps the root key. The caller wipes it.
func (s Slot) keyEncryptionKey(material []byte) ([]byte, error) {
	switch s.Kind {
	case SlotPassphrase:
		d := s.Derivation
		return argon2.IDKey(material, s.Salt, d.Time, d.Memory, d.Threads, keySize), nil
	case SlotRecovery:
		return hkdf.Key(sha256.New, material, s.Salt, infoRecovery, keySize)
	}
	return hkdf.Key(sha256.New, material, s.Salt, infoKeyFile, keySize)
}

// label binds a wrapped key to its vault and slot.
func (s Slot) label(vaultID string) []byte {
	return []byte(labelSlot + "\n" + vaultID + "\n" + s.ID + "\n" + s.Kind + "\n")
}

// newSlot wraps root for material.
func newSlot(vaultID, kind string, material, root []byte, cost Derivation) (Slot, error) {
	slot := Slot{ID: hex.EncodeToString(random(8)), Kind: kind, Salt: random(saltSize), Nonce: random(nonceSize)}
	if kind == SlotPassphrase {
		slot.Derivation = &cost
	}
	key, err := slot.keyEncryptionKey(material)
	if err != nil {
		return Slot{}, fmt.Errorf("derive key: %w", err)
	}
	defer clear(key)
	aead, err := chacha20poly1305.NewX(key)
	if err != nil {
		return Slot{}, fmt.Errorf("wrap key: %w", err)
	}
	slot.Wrapped = aead.Seal(nil, slot.Nonce, root, slot.label(vaultID))
	return slot, nil
}

// unwrap tries every slot of the kind and returns the root key, which the
// caller wipes.
func (h Header) unwrap(kind string, material []byte) ([]byte, error) {
	if !h.Has(kind) {
		return nil, fmt.Errorf("%w: %s", errNoSlot, kind)
	}
	for _, slot := range h.Slots {
		if slot.Kind != kind {
			continue
		}
		key, err := slot.keyEncryptionKey(material)
		if err != nil {
			return nil, fmt.Errorf("derive key: %w", err)
		}
		aead, err := chacha20poly1305.NewX(key)
		clear(key)
		if err != nil {
			return nil, fmt.Errorf("unwrap key: %w", err)
		}
		if root, err := aead.Open(nil, slot.Nonce, slot.Wrapped, slot.label(h.ID)); err == nil {
			return root, nil
		}
	}
	return nil, errWrongKey
}

// payloadKey is the root key's child for the entries.
func payloadKey(root []byte, vaultID string) ([]byte, error) {
	return hkdf.Key(sha256.New, root, []byte(vaultID), infoPayload, keySize)
}

// seal returns a whole file.
func seal(h Header, root, plaintext []byte) ([]byte, error) {
	out, err := encodeHeader(h)
	if err != nil {
		return nil, err
	}
	key, err := payloadKey(root, h.ID)
	if err != nil {
		return nil, fmt.Errorf("derive key: %w", err)
	}
	defer clear(key)
	aead, err := chacha20poly1305.NewX(key)
	if err != nil {
		return nil, fmt.Errorf("seal entries: %w", err)
	}
	associated := append([]byte(nil), out...)
	nonce := random(nonceSize)
	out = append(out, nonce...)
	out = aead.Seal(out, nonce, plaintext, associated)
	sum := sha256.Sum256(out)
	return append(out, sum[:]...), nil
}

// open returns the plaintext, which the caller wipes.
func (c container) open(root []byte) ([]byte, error) {
	key, err := payloadKey(root, c.header.ID)
	if err != nil {
		return nil, fmt.Errorf("derive key: %w", err)
	}
	defer clear(key)
	aead, err := chacha20poly1305.NewX(key)
	if err != nil {
		return nil, fmt.Errorf("open entries: %w", err)
	}
	plaintext, err := aead.Open(nil, c.nonce, c.ciphertext, c.associated)
	if err != nil {
		return nil, errAltered
	}
	return plaintext, nil
}
