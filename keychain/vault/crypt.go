package vault

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"fmt"
	"runtime/debug"

	"golang.org/x/crypto/argon2"
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
	if s.Kind == SlotPassphrase && s.Derivation.Name == kdfPBKDF2 {
		return iterate(material, s.Salt, s.Derivation.Iterations)
	}
	if s.Kind == SlotPassphrase {
		return stretch(material, s.Salt, *s.Derivation), nil
	}
	return hkdf32(material, s.Salt, f.name()+" "+s.Kind)
}

// stretch is argon2id. The library's first hash keeps the words in an object that
// nothing reaches; that is collected and overwritten, and the memory that the
// derivation worked in goes back to the system.
func stretch(words, salt []byte, d Derivation) (key []byte) {
	leavingNoTrace(func() { key = argon2.IDKey(words, salt, d.Time, d.Memory, d.Threads, keySize) })
	overwriteFreed(blake2bObject)
	debug.FreeOSMemory()
	return key
}

// label binds a wrapped key to its file and slot.
func (f family) label(id string, s Slot) []byte {
	return []byte(f.name() + " slot\n" + id + "\n" + s.ID + "\n" + s.Kind + "\n")
}

// newSlot wraps root for material. slot says its kind and what is of that kind alone;
// its id may be chosen.
func (h Header) newSlot(slot Slot, material, root []byte, cost costs) (Slot, error) {
	slot.Salt = random(saltSize)
	if slot.ID == "" {
		slot.ID = hex.EncodeToString(random(8))
	}
	if slot.Kind == SlotPassphrase {
		derivation := cost.of(h.Cipher)
		slot.Derivation = &derivation
	}
	if slot.Kind == SlotAge && h.Cipher != cipherName {
		return Slot{}, errApprovedAge
	}
	key, err := h.family.keyEncryptionKey(slot, material)
	if err != nil {
		return Slot{}, fmt.Errorf("derive key: %w", err)
	}
	defer clear(key)
	sealed, err := encrypt(h.Cipher, nil, key, root, h.family.label(h.ID, slot))
	if err != nil {
		return Slot{}, fmt.Errorf("wrap key: %w", err)
	}
	slot.Nonce, slot.Wrapped = sealed[:nonceLength(h.Cipher):nonceLength(h.Cipher)], sealed[nonceLength(h.Cipher):]
	return slot, slot.check(h.Cipher, bounds{})
}

// unwrap tries every slot of the kind and returns the root key, which the
// caller wipes.
func (h Header) unwrap(kind string, material []byte) ([]byte, error) {
	if err := h.allowed(); err != nil {
		return nil, err
	}
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
		root, err := decrypt(h.Cipher, key, slot.Nonce, slot.Wrapped, h.family.label(h.ID, slot))
		clear(key)
		switch {
		case err == nil:
			return root, nil
		case !errors.Is(err, errAltered):
			return nil, fmt.Errorf("unwrap key: %w", err)
		}
	}
	return nil, errWrongKey
}

// payloadKey is the root key's child for the content. The caller wipes it.
func (h Header) payloadKey(root []byte) ([]byte, error) {
	return hkdf32(root, []byte(h.ID), h.family.name()+" "+h.family.payload())
}

// seal returns a whole file.
func seal(h Header, root, plaintext []byte) ([]byte, error) {
	if err := h.allowed(); err != nil {
		return nil, err
	}
	associated, err := encodeHeader(h)
	if err != nil {
		return nil, err
	}
	key, err := h.payloadKey(root)
	if err != nil {
		return nil, fmt.Errorf("derive key: %w", err)
	}
	defer clear(key)
	out := make([]byte, 0, len(associated)+nonceLength(h.Cipher)+len(plaintext)+tagSize+checksumSize)
	out = append(out, associated...)
	out, err = encrypt(h.Cipher, out, key, plaintext, associated)
	if err != nil {
		return nil, fmt.Errorf("seal content: %w", err)
	}
	sum := sha256.Sum256(out)
	return append(out, sum[:]...), nil
}

// open returns the plaintext, which the caller wipes.
func (c container) open(root []byte) ([]byte, error) {
	if err := c.header.allowed(); err != nil {
		return nil, err
	}
	key, err := c.header.payloadKey(root)
	if err != nil {
		return nil, fmt.Errorf("derive key: %w", err)
	}
	defer clear(key)
	plaintext, err := decrypt(c.header.Cipher, key, c.nonce, c.ciphertext, c.associated)
	if err != nil && !errors.Is(err, errAltered) {
		return nil, fmt.Errorf("open content: %w", err)
	}
	return plaintext, err
}
