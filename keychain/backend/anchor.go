package backend

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"openclaw/keychain"
	"openclaw/keychain/vault"
)

// Noted is the newest writing of a vault that an anchor knows of.
type Noted struct {
	keychain.VaultMark

	At time.Time `json:"at"` // when it was noted
}

// Anchor remembers outside of the vault file which writing of it is the newest, so
// that an older file put back is noticed after a restart too. What it cannot read it
// says by an error; that it knows of nothing is none.
type Anchor interface {
	// Newest is of the vault called id, or of another one if that was used last.
	Newest(ctx context.Context, id string) (noted Noted, known bool, err error)
	Note(ctx context.Context, mark keychain.VaultMark) error
}

const (
	// anchorPrefix begins the names of the keychain's items that are marks.
	anchorPrefix = "vault-generation/"
	noteTimeout  = 15 * time.Second
)

var (
	errUnread  = errors.New("which vault file is the newest cannot be read")
	errChanged = errors.New("the vault file was replaced while it was opened")
)

// KeychainAnchor keeps the marks of vaults in the system's keychain, an item for
// each. A keychain that is locked, gone or hung knows of nothing, and takes nothing
// until it is asked again: where a vault is used there often is none.
type KeychainAnchor struct {
	os     *keychain.OS
	silent atomic.Bool
}

// NewKeychainAnchor is of the system's keychain; nil: there is none.
func NewKeychainAnchor(os *keychain.OS) *KeychainAnchor { return &KeychainAnchor{os: os} }

// Newest is of the vault called id.
func (a *KeychainAnchor) Newest(ctx context.Context, id string) (Noted, bool, error) {
	if a.os == nil {
		return Noted{}, false, nil
	}
	a.silent.Store(false)
	item, err := a.os.Get(ctx, anchorPrefix+id)
	if err != nil {
		return Noted{}, false, a.answered(err)
	}
	var noted Noted
	if err := json.Unmarshal(item.Reveal(), &noted); err != nil || noted.ID != id {
		return Noted{}, false, fmt.Errorf("the keychain's item %s is not as openclaw writes it", anchorPrefix+id)
	}
	return noted, true, nil
}

// Note replaces the vault's item.
func (a *KeychainAnchor) Note(ctx context.Context, mark keychain.VaultMark) error {
	if a.os == nil || a.silent.Load() {
		return nil
	}
	text, err := json.Marshal(Noted{VaultMark: mark, At: time.Now().UTC().Truncate(time.Second)})
	if err != nil {
		return fmt.Errorf("encode mark: %w", err)
	}
	return a.answered(a.os.Set(ctx, anchorPrefix+mark.ID, keychain.NewSecret(text)))
}

// answered leaves the errors of a keychain that works.
func (a *KeychainAnchor) answered(err error) error {
	switch keychain.KindOf(err) {
	case keychain.KindNotFound:
		return nil
	case keychain.KindLocked, keychain.KindNoService, keychain.KindTimeout, keychain.KindUnsupported:
		a.silent.Store(true)
		return nil
	default:
		return err
	}
}

// Seen is what all anchors knew before a vault file was opened.
type Seen struct {
	marks []Noted
	err   error // of an anchor that could not be read
}

// AskAnchors asks what is known of the vault called id. It must be asked before the file is
// read, which may be newer then and never older.
func AskAnchors(ctx context.Context, id string, anchors ...Anchor) Seen {
	var seen Seen
	for _, a := range anchors {
		noted, known, err := a.Newest(ctx, id)
		seen.err = errors.Join(seen.err, err)
		if known {
			seen.marks = append(seen.marks, noted)
		}
	}
	return seen
}

// Allows is why a file that was opened may not be used, or nil. With no mark at
// all it may: a lost record is no proof of anything. With one that cannot be read
// it may not, until a person says so.
func (s Seen) Allows(mark keychain.VaultMark) error {
	for _, noted := range s.marks {
		if err := vault.Follows(mark, noted.VaultMark); err != nil {
			return &keychain.Error{
				Op: "open vault", Kind: keychain.KindRolledBack, Hint: vault.RolledBackHint,
				Err: fmt.Errorf("%w (the file was written on %s, the newest on %s)", err, stamp(mark.Written), stamp(noted.Written)),
			}
		}
	}
	if s.err != nil {
		return &keychain.Error{
			Op: "open vault", Kind: keychain.KindRolledBack, Err: fmt.Errorf("%w: %w", errUnread, s.err),
			Hint: "mend what cannot be read; or, if the vault file is the one that you expect: openclaw vault accept-rollback",
		}
	}
	return nil
}

// newest is the highest of the marks; of several vaults, the first one's.
func (s Seen) newest() (newest Noted) {
	for _, noted := range s.marks {
		if newest.ID == "" || noted.ID == newest.ID && noted.Generation > newest.Generation {
			newest = noted
		}
	}
	return newest
}

func stamp(t time.Time) string { return t.UTC().Format("2006-01-02 15:04:05 UTC") }

// openNewest opens the vault file by what open does, and refuses it when a newer
// one is known of.
func (b *Backend) openNewest(ctx context.Context, open func() (*vault.Vault, error)) (*vault.Vault, error) {
	header, err := vault.ReadHeader(b.vaultPath)
	if err != nil {
		return nil, err
	}
	seen := AskAnchors(ctx, header.ID, b.anchors...)
	v, err := open()
	if err != nil {
		return nil, err
	}
	err = seen.Allows(v.Mark())
	if err == nil && v.Mark().ID != header.ID {
		err = &keychain.Error{Op: "open vault", Kind: keychain.KindFailed, Err: errChanged, Hint: "try again"}
	}
	if err == nil {
		err = b.noteMark(ctx, "open vault", v)
	}
	if err != nil {
		v.Close()
		return nil, err
	}
	return v, nil
}

// noteMark tells the anchors of a generation that they do not know yet. What was
// written stays written when its context has ended.
func (b *Backend) noteMark(ctx context.Context, op string, v *vault.Vault) error {
	b.noting.Lock()
	defer b.noting.Unlock()
	mark := v.Mark()
	if mark == b.noted {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), noteTimeout)
	defer cancel()
	var failed error
	for _, a := range b.anchors {
		failed = errors.Join(failed, a.Note(ctx, mark))
	}
	if failed != nil {
		return &keychain.Error{
			Op: op, Kind: keychain.KindFailed, Err: fmt.Errorf("which vault file is the newest could not be recorded: %w", failed),
			Hint: "what was changed is in the vault; check the disk and the audit log: until it is recorded an older file put back is not noticed",
		}
	}
	b.noted = mark
	return nil
}
