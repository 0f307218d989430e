package auth

import (
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"time"
)

// Saved is what Tokens keeps over a restart: hashes and times, never a token.
type Saved struct {
	Seen    time.Time     `json:"seen"` // the latest time that was known
	Gateway *SavedGateway `json:"gateway,omitempty"`
	Former  []SavedFormer `json:"former,omitempty"`
	Clients []ClientToken `json:"clients,omitempty"`
}

// SavedGateway is the gateway's token. One of our own form has 256 random bits,
// and its SHA-256 tells nothing; any other may be a word that can be guessed, and
// is kept as PBKDF2 of that hash.
type SavedGateway struct {
	Hash    Hash      `json:"hash,omitzero"`
	Salt    []byte    `json:"salt,omitempty"`
	Slow    []byte    `json:"pbkdf2,omitempty"`
	Created time.Time `json:"created"`
}

// SavedFormer is a token that the gateway had.
type SavedFormer struct {
	Hash    Hash      `json:"hash"`
	Until   time.Time `json:"until"`             // it is taken before this time
	Revoked bool      `json:"revoked,omitempty"` // replaced with no grace
}

// MarshalText writes the hash in hexadecimal digits.
func (h Hash) MarshalText() ([]byte, error) { return hex.AppendEncode(nil, h[:]), nil }

// UnmarshalText reads what MarshalText wrote.
func (h *Hash) UnmarshalText(text []byte) error {
	if len(text) != 2*len(h) {
		return errors.New("a hash has 64 hexadecimal digits")
	}
	_, err := hex.Decode(h[:], text)
	return err
}

// IsZero is Zero, for omitzero.
func (h Hash) IsZero() bool { return h.Zero() }

// slowRounds is OWASP's figure for PBKDF2 with SHA-256 (Password Storage Cheat
// Sheet, 2023); about a quarter of a second, once a start.
const slowRounds = 600_000

// saveGateway returns how a token of the gateway is kept.
func saveGateway(hash Hash, formed bool, created time.Time) (*SavedGateway, error) {
	if formed {
		return &SavedGateway{Hash: hash, Created: created}, nil
	}
	salt := make([]byte, 16)
	_, _ = rand.Read(salt) // it does not fail: it ends the program instead
	slow, err := pbkdf2.Key(sha256.New, string(hash[:]), salt, slowRounds, sha256.Size)
	return &SavedGateway{Salt: salt, Slow: slow, Created: created}, err
}

// is reports whether hash is that of the token that was saved.
func (s *SavedGateway) is(hash Hash, formed bool) bool {
	if s == nil {
		return false
	}
	if formed {
		return s.Hash.Equal(hash)
	}
	if len(s.Slow) != sha256.Size || len(s.Salt) < 16 {
		return false
	}
	slow, err := pbkdf2.Key(sha256.New, string(hash[:]), s.Salt, slowRounds, sha256.Size)
	return err == nil && subtle.ConstantTimeCompare(slow, s.Slow) == 1
}
