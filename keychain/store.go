package keychain

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Store keeps secrets by name. A name is 1 to 200 bytes of letters, digits and
// "._-/", such as "anthropic" or "token/gateway". Implementations are safe for
// concurrent use. Every error is an *Error.
type Store interface {
	// Get returns a copy that the caller owns.
	Get(ctx context.Context, name string) (Secret, error)
	// Set stores a copy of value and replaces what was there.
	Set(ctx context.Context, name string, value Secret) error
	// Delete removes name; a name that is not there is KindNotFound.
	Delete(ctx context.Context, name string) error
	// List returns the names, sorted, never the values.
	List(ctx context.Context) ([]string, error)
}

// Kind sorts errors. Each has its own cure, so no two are ever merged.
type Kind string

// The kinds of error of a store.
const (
	KindNotFound  Kind = "not found"
	KindLocked    Kind = "locked"
	KindNoService Kind = "no service"
	KindTimeout   Kind = "timed out"
	KindTooBig    Kind = "too big"
	KindBadName   Kind = "bad name"
	KindCorrupt   Kind = "corrupt"
	KindWrongKey  Kind = "wrong passphrase or key"
	KindFailed    Kind = "failed"

	// KindRolledBack is a vault file that is not the newest that was seen.
	KindRolledBack Kind = "rolled back"

	KindUnsafeFile   Kind = "unsafe file"   // a mode, an owner, a symbolic link
	KindBadReference Kind = "bad reference" // text that no reference can be
	KindUnsupported  Kind = "not supported" // known, and refused by name
)

// Error is what a Store or a backend returns. It never holds a secret.
type Error struct {
	Op   string // "get secret"
	Name string
	Kind Kind
	Err  error
	Hint string // what a person can do
}

func (e *Error) Error() string {
	text := e.Op
	if e.Name != "" {
		text += " " + e.Name
	}
	text += ": " + string(e.Kind)
	if e.Err != nil {
		text = fmt.Sprintf("%s: %v", text, e.Err)
	}
	return text
}

func (e *Error) Unwrap() error { return e.Err }

// Is makes errors.Is(err, &Error{Kind: KindLocked}) compare kinds.
func (e *Error) Is(target error) bool {
	t, ok := target.(*Error)
	return ok && t.Kind == e.Kind && t.Op == "" && t.Name == ""
}

// KindOf returns the kind of the first *Error in err's chain, KindFailed for
// any other error and "" for nil.
func KindOf(err error) Kind {
	if err == nil {
		return ""
	}
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Kind
	}
	return KindFailed
}

// VaultSlot is one way to unlock an encrypted vault.
type VaultSlot struct {
	ID         string   `json:"id"`
	Kind       string   `json:"kind"`                 // "passphrase", "key-file", "recovery-code", "keychain", "credential" or "age"
	Name       string   `json:"name,omitempty"`       // of the service manager's credential
	Recipients []string `json:"recipients,omitempty"` // age's public keys
}

// NewVaultSlot is a way to unlock a vault that is added. A "keychain" says nothing more;
// a "credential" its name and the key that is in it; an "age" the public keys, the key
// that is encrypted to them, and the file of age in which it is.
type NewVaultSlot struct {
	Kind       string
	Name       string
	Recipients []string
	Sealed     []byte
	Key        []byte // stays the caller's, who wipes it
}

// VaultOpening is what opens a vault file: one of a passphrase, a recovery code and
// the key of an age slot, or what needs no person, by Kind alone where it is set. The
// bytes stay the caller's, who wipes them.
type VaultOpening struct {
	Passphrase, Code, Age []byte
	Kind                  string
}

// VaultMark tells one writing of an encrypted vault from every other one.
type VaultMark struct {
	ID          string    `json:"id"` // of the vault
	Generation  uint64    `json:"generation"`
	Fingerprint string    `json:"fingerprint"` // the first 16 bytes of the file's checksum, in hexadecimal
	Written     time.Time `json:"written"`
}

// VaultRollback is a vault file that is refused because a newer one was seen.
type VaultRollback struct {
	File   VaultMark // what stands there
	Newest VaultMark // what was seen; zero: that cannot be read
	Detail string    // why it is refused
}
