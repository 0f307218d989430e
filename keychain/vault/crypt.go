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

// infoRecovery is what a recovery code's own two bytes are made with, whatever file
// it opens.
const infoRecovery = "openclaw-vault/1 recovery-code"

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
func (f family) keyEncryptionKey(s Slot, material []byte) ([]byte, error) {
	if s.Kind == SlotPassphrase {
		d := s.Derivation
		return argon2.IDKey(material, s.Salt, d.Time, d.Memory, d.Threads, keySize), nil
	}
	return hkdf.Key(sha256.New, material, s.Salt, f.name()+" "+s.Kind, keySize)
}

// label binds a wrapped key to its file and slot.
func (f family) label(id string, s Slot) []byte {
	return []byte(f.name() + " slot\n" + id + "\n" + s.ID + "\n" + s.Kind + "\n")
}

// newSlot wraps root for material.
func (f family) newSlot(id, kind string, material, root []byte, cost Derivation) (Slot, error) {
	slot := Slot{ID: hex.EncodeToString(random(8)), Kind: kind, Salt: random(saltSize), Nonce: random(nonceSize)}
	if kind == SlotPassphrase {
		slot.Derivation = &cost
	}
	key, err := f.keyEncryptionKey(slot, material)
	if err != nil {
		return Slot{}, fmt.Errorf("derive key: %w", err)
	}
	defer clear(key)
	aead, err := chacha20poly1305.NewX(key)
	if err != nil {
		return Slot{}, fmt.Errorf("wrap key: %w", err)
	}
	slot.Wrapped = aead.Seal(nil, slot.Nonce, root, f.label(id, slot))
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
		key, err := h.family.keyEncryptionKey(slot, material)
		if err != nil {
			return nil, fmt.Errorf("derive key: %w", err)
		}
		aead, err := chacha20poly1305.NewX(key)
		clear(key)
		if err != nil {
			return nil, fmt.Errorf("unwrap key: %w", err)
		}
		if root, err := aead.Open(nil, slot.Nonce, slot.Wrapped, h.family.label(h.ID, slot)); err == nil {
			return root, nil
		}
	}
	return nil, errWrongKey
}

// payloadKey is the root key's child for the content.
func (h Header) payloadKey(root []byte) ([]byte, error) {
	return hkdf.Key(sha256.New, root, []byte(h.ID), h.family.name()+" "+h.family.payload(), keySize)
}

// seal returns a whole file.
func seal(h Header, root, plaintext []byte) ([]byte, error) {
	out, err := encodeHeader(h)
	if err != nil {
		return nil, err
	}
	key, err := h.payloadKey(root)
	if err != nil {
		return nil, fmt.Errorf("derive key: %w", err)
	}
	defer clear(key)
	aead, err := chacha20poly1305.NewX(key)
	if err != nil {
		return nil, fmt.Errorf("seal content: %w", err)
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
	key, err := c.header.payloadKey(root)
	if err != nil {
		return nil, fmt.Errorf("derive key: %w", err)
	}
	defer clear(key)
	aead, err := chacha20poly1305.NewX(key)
	if err != nil {
		return nil, fmt.Errorf("open content: %w", err)
	}
	plaintext, err := aead.Open(nil, c.nonce, c.ciphertext, c.associated)
	if err != nil {
		return nil, errAltered
	}
	return plaintext, nil
}
